//! What `--gpu-arch` takes: compute capabilities times ten, as CUDA 13 knows them.

use keopsc_diagnostics::Code;
use keopsc_runtime::gpu_architecture;

use crate::failure::Problem;

/// All architectures that CUDA 13 makes code for.
pub const KNOWN: [u32; 12] = [75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121];

/// What code is made for where nothing is said. Machine code runs on later GPUs of the same major number (80 on 86 and 89), PTX on all later ones.
pub const DEFAULT: [u32; 3] = [75, 80, 90];

/// The one with instructions for tensor cores that no other has: `sm_90a`.
pub const WITH_OWN_INSTRUCTIONS: u32 = 90;

/// The architectures that `--gpu-arch 75,sm_80` names, in ascending order and each once; the default ones if it names none. `native` names those of
/// this machine's GPUs, which the driver tells.
pub fn from_option(texts: &[String]) -> Result<Vec<u32>, Problem> {
    if texts.is_empty() {
        return Ok(DEFAULT.to_vec());
    }
    let mut architectures = Vec::new();
    for text in texts {
        match text.as_str() {
            "native" => architectures.extend(of_this_machine()?),
            text => architectures.push(one(text)?),
        }
    }
    architectures.sort_unstable();
    architectures.dedup();
    Ok(architectures)
}

fn of_this_machine() -> Result<Vec<u32>, Problem> {
    let found: Result<Vec<u32>, String> = (0..).map_while(|number| gpu_architecture(number).transpose()).collect();
    let problem = |words: String| {
        Problem::new(format!("the GPUs of this machine cannot be found: {words}"))
            .with_code(Code::UnknownTarget)
            .with_help("name their architectures: `--gpu-arch 90`")
    };
    match found {
        Ok(found) if found.is_empty() => Err(problem("there are none".to_owned())),
        found => found.map_err(problem),
    }
}

fn one(text: &str) -> Result<u32, Problem> {
    let number = text.strip_prefix("sm_").unwrap_or(text);
    KNOWN.into_iter().find(|known| known.to_string() == number).ok_or_else(|| {
        let known = KNOWN.map(|known| known.to_string());
        Problem::new(format!("there is no GPU architecture `{text}`")).with_code(Code::UnknownTarget).with_help(
            format!("`--gpu-arch` takes {}: compute capabilities without the point; or native", known.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<Vec<u32>, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        from_option(&texts).map_err(|problem| problem.to_string())
    }

    #[test]
    fn architectures_come_in_order_and_once() {
        assert_eq!(read(&[]), Ok(vec![75, 80, 90]));
        assert_eq!(read(&["120", "sm_80", "80"]), Ok(vec![80, 120]));
    }

    #[test]
    fn an_unknown_architecture_is_refused() {
        for text in ["72", "9.0", "", "sm_", "080", "Native"] {
            assert_eq!(
                read(&["80", text]),
                Err(format!(
                    "error[E0304]: there is no GPU architecture `{text}`\n  = help: `--gpu-arch` takes \
                     75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121: compute capabilities without the point; or native"
                ))
            );
        }
    }
}
