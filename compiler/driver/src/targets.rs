//! What code can be made for: the table behind `--target` and `keopsc targets`.

use keopsc_cpu::level::Level;
use keopsc_diagnostics::Code;
use keopsc_runtime::support::processor_level;

use crate::failure::Problem;

/// A name that `--target` takes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// What it is, for people.
    pub description: &'static str,
    chosen: Chosen,
}

#[derive(Clone, Copy, Debug)]
enum Chosen {
    All,
    Native,
    One(&'static Level),
    Gpus,
}

/// The target that is GPUs.
pub const CUDA: &str = "cuda";

/// What a list of targets stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The instruction sets of the CPU, best last.
    pub levels: Vec<&'static Level>,
    /// Whether there is to be code for GPUs.
    pub has_gpus: bool,
}

/// All targets. The first is what `compile` makes where nothing is said.
pub fn targets() -> Vec<Target> {
    let portable = Target {
        name: "portable",
        description: "every instruction set below that this machine's architecture has; the library chooses when it is loaded",
        chosen: Chosen::All,
    };
    let native = Target {
        name: "native",
        description: "the best instruction set that this machine has, and no other",
        chosen: Chosen::Native,
    };
    let gpus = Target {
        name: CUDA,
        description: "GPUs by NVIDIA, beside the targets above that are named, or portable",
        chosen: Chosen::Gpus,
    };
    let named = Level::ALL.into_iter().filter(|level| !level.triple_arch.is_empty());
    let one =
        |level: &'static Level| Target { name: level.name, description: level.description, chosen: Chosen::One(level) };
    [portable, native].into_iter().chain(named.map(one)).chain([gpus]).collect()
}

impl Target {
    /// Whether it is GPUs.
    pub fn is_gpus(&self) -> bool {
        matches!(self.chosen, Chosen::Gpus)
    }

    /// The instruction sets it stands for, best last; none if this machine's architecture has none of them.
    pub fn levels(&self) -> Vec<&'static Level> {
        let all = all_levels();
        match self.chosen {
            Chosen::All => all,
            Chosen::Native => {
                all.into_iter().rfind(|level| level.requirement <= processor_level()).into_iter().collect()
            }
            Chosen::One(wanted) => all.into_iter().filter(|level| *level == wanted).collect(),
            Chosen::Gpus => Vec::new(),
        }
    }
}

/// What a list of target names stands for; `default` is the target where none of the CPU is named.
pub fn select(names: &[String], default: &str) -> Result<Selection, Problem> {
    let default = default.to_owned();
    let (gpus, of_cpu): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| *name == CUDA);
    let of_cpu = if of_cpu.is_empty() { vec![&default] } else { of_cpu };
    Ok(Selection { levels: levels(&of_cpu)?, has_gpus: !gpus.is_empty() })
}

fn levels(names: &[&String]) -> Result<Vec<&'static Level>, Problem> {
    let (mut wanted, targets) = (Vec::new(), targets());
    for name in names {
        let target = targets.iter().find(|target| target.name == *name).ok_or_else(|| unknown(name))?;
        let levels = target.levels();
        if target.is_gpus() {
            return Err(Problem::new(format!("`{name}` is no instruction set of the CPU, which KEOPSC_TARGET names"))
                .with_code(Code::UnknownTarget)
                .with_help("`--target cuda` makes code for GPUs"));
        }
        if levels.is_empty() {
            return Err(Problem::new(format!("code for `{name}` cannot be made on {}", std::env::consts::ARCH))
                .with_code(Code::UnknownTarget)
                .with_help("`keopsc targets` lists what this machine can make"));
        }
        wanted.extend(levels);
    }
    // The order of the table is from the least capable to the most.
    Ok(Level::ALL.into_iter().filter(|level| wanted.contains(level)).collect())
}

fn unknown(name: &str) -> Problem {
    let names: Vec<&str> = targets().iter().map(|target| target.name).collect();
    Problem::new(format!("there is no target `{name}`"))
        .with_code(Code::UnknownTarget)
        .with_help(format!("targets are {}", names.join(", ")))
}

fn all_levels() -> Vec<&'static Level> {
    let own: Vec<_> = Level::ALL.into_iter().filter(|level| level.triple_arch == std::env::consts::ARCH).collect();
    let generic = || Level::ALL.into_iter().filter(|level| level.triple_arch.is_empty()).collect();
    if own.is_empty() { generic() } else { own }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(targets: &[&str]) -> Result<Vec<&'static str>, String> {
        let targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
        select(&targets, "portable")
            .map(|selection| selection.levels.iter().map(|level| level.name).collect())
            .map_err(|problem| problem.to_string())
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn targets_become_levels_in_order_and_once() {
        assert_eq!(names(&["portable"]), Ok(vec!["x86-64-v2", "x86-64-v3", "x86-64-v4"]));
        assert_eq!(names(&["x86-64-v4", "x86-64-v2", "x86-64-v4"]), Ok(vec!["x86-64-v2", "x86-64-v4"]));
        assert_eq!(names(&["native"]).map(|levels| levels.len()), Ok(1));
        assert_eq!(names(&["cuda"]), names(&["portable"]));
        assert_eq!(names(&["cuda", "x86-64-v3"]), Ok(vec!["x86-64-v3"]));
    }

    #[test]
    fn gpus_stand_beside_the_cpu() {
        let has_gpus = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            select(&names, "native").map(|selection| selection.has_gpus)
        };
        assert_eq!(
            [has_gpus(&[]), has_gpus(&["portable"]), has_gpus(&["native", "cuda"])],
            [Ok(false), Ok(false), Ok(true)]
        );
    }

    #[test]
    fn an_unknown_target_is_refused() {
        assert_eq!(
            names(&["avx2"]),
            Err("error[E0304]: there is no target `avx2`\n  \
                 = help: targets are portable, native, x86-64-v2, x86-64-v3, x86-64-v4, aarch64-neon, cuda"
                .to_owned())
        );
    }
}
