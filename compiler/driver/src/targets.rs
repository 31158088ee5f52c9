//! What code can be made for: the table behind `--target` and `keopsc targets`.

use keopsc_cpu::level::Level;
use keopsc_diagnostics::Code;

use crate::failure::Problem;

/// A name that `--target` takes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// What it is, for people.
    pub description: &'static str,
    levels: fn() -> Vec<&'static Level>,
}

/// All targets. The first is what `compile` makes where nothing is said.
pub const TARGETS: [Target; 5] = [
    Target {
        name: "portable",
        description: "every instruction set below that this machine's architecture has; the library chooses when it is loaded",
        levels: all_levels,
    },
    Target {
        name: "native",
        description: "the best instruction set that this machine has, and no other",
        levels: native_level,
    },
    Target { name: "x86-64-v2", description: "SSE4.2: x86 processors since 2009", levels: || named_level("x86-64-v2") },
    Target {
        name: "x86-64-v3",
        description: "AVX2 and FMA: x86 processors since 2013 (Intel) and 2015 (AMD)",
        levels: || named_level("x86-64-v3"),
    },
    Target {
        name: "x86-64-v4",
        description: "AVX-512: x86 server processors since 2017 (Intel) and 2022 (AMD)",
        levels: || named_level("x86-64-v4"),
    },
];

impl Target {
    /// The instruction sets it stands for, best last; none if this machine's architecture has none of them.
    pub fn levels(&self) -> Vec<&'static Level> {
        (self.levels)()
    }
}

/// The instruction sets that a list of target names stands for, best last.
pub fn levels(names: &[String]) -> Result<Vec<&'static Level>, Problem> {
    let mut wanted = Vec::new();
    for name in names {
        let target = TARGETS.iter().find(|target| target.name == name).ok_or_else(|| unknown(name))?;
        let levels = target.levels();
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
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    Problem::new(format!("there is no target `{name}`"))
        .with_code(Code::UnknownTarget)
        .with_help(format!("targets are {}", names.join(", ")))
}

fn all_levels() -> Vec<&'static Level> {
    let own: Vec<_> = Level::ALL.into_iter().filter(|level| level.triple_arch == std::env::consts::ARCH).collect();
    let generic = || Level::ALL.into_iter().filter(|level| level.triple_arch.is_empty()).collect();
    if own.is_empty() { generic() } else { own }
}

fn named_level(name: &str) -> Vec<&'static Level> {
    all_levels().into_iter().filter(|level| level.name == name).collect()
}

fn native_level() -> Vec<&'static Level> {
    all_levels().into_iter().rfind(|level| this_processor_has(level.name)).into_iter().collect()
}

/// Whether this processor and its operating system have the instructions of a level.
#[cfg(target_arch = "x86_64")]
fn this_processor_has(level: &str) -> bool {
    use std::arch::is_x86_feature_detected as has;
    let v2 =
        || has!("sse3") && has!("ssse3") && has!("sse4.1") && has!("sse4.2") && has!("popcnt") && has!("cmpxchg16b");
    let v3 = || {
        has!("avx2") && has!("fma") && has!("f16c") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("movbe")
    };
    let v4 = || has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl");
    match level {
        "x86-64-v2" => v2(),
        "x86-64-v3" => v2() && v3(),
        "x86-64-v4" => v2() && v3() && v4(),
        _ => true,
    }
}

/// Elsewhere there is one level, which every processor of the architecture has.
#[cfg(not(target_arch = "x86_64"))]
fn this_processor_has(_: &str) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(targets: &[&str]) -> Result<Vec<&'static str>, String> {
        let targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
        levels(&targets)
            .map(|levels| levels.iter().map(|level| level.name).collect())
            .map_err(|problem| problem.to_string())
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn targets_become_levels_in_order_and_once() {
        assert_eq!(names(&["portable"]), Ok(vec!["x86-64-v2", "x86-64-v3", "x86-64-v4"]));
        assert_eq!(names(&["x86-64-v4", "x86-64-v2", "x86-64-v4"]), Ok(vec!["x86-64-v2", "x86-64-v4"]));
        assert_eq!(names(&["native"]).map(|levels| levels.len()), Ok(1));
    }

    #[test]
    fn an_unknown_target_is_refused() {
        assert_eq!(
            names(&["avx2"]),
            Err("error[E0304]: there is no target `avx2`\n  \
                 = help: targets are portable, native, x86-64-v2, x86-64-v3, x86-64-v4"
                .to_owned())
        );
    }
}
