//! The representations that `--emit` prints: one row each, in the order of the pipeline.

use keopsc_passes::pipeline::PASSES;

use crate::failure::Problem;

/// A representation on the way from text to library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Emit {
    /// The syntax tree, as formula text.
    Ast,
    /// The formula graph, after all passes on it.
    Formula,
    /// The kernel plans.
    Plan,
    /// The scheduled plans.
    Schedule,
    /// LLVM's intermediate representation.
    Llvm,
    /// Assembly.
    Asm,
    /// CUDA C++.
    Cuda,
    /// NVIDIA's assembly language for all GPUs.
    Ptx,
    /// The C header.
    Header,
    /// The manifest, as JSON.
    Manifest,
    /// What a pass of the pipeline leaves.
    After(&'static str),
}

const KINDS: [(&str, Emit); 10] = [
    ("ast", Emit::Ast),
    ("formula", Emit::Formula),
    ("plan", Emit::Plan),
    ("schedule", Emit::Schedule),
    ("llvm", Emit::Llvm),
    ("asm", Emit::Asm),
    ("cuda", Emit::Cuda),
    ("ptx", Emit::Ptx),
    ("header", Emit::Header),
    ("manifest", Emit::Manifest),
];

impl Emit {
    /// What `--emit TEXT` means.
    pub fn from_option(text: &str) -> Result<Emit, Problem> {
        if let Some(pass) = text.strip_prefix("after:") {
            return known_pass(pass).map(Emit::After);
        }
        let found = KINDS.iter().find(|(name, _)| *name == text).map(|(_, kind)| kind.clone());
        found.ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            Problem::new(format!("there is nothing called `{text}` to emit"))
                .with_help(format!("`--emit` takes {} and after:PASS", names.join(", ")))
        })
    }

    /// The pass whose result it is, if it is one's.
    pub fn pass(&self) -> Option<&'static str> {
        match self {
            Emit::Formula => PASSES.iter().rev().find(|pass| **pass != "plan").copied(),
            Emit::Plan => Some("plan"),
            Emit::After(pass) => Some(pass),
            _ => None,
        }
    }

    /// The text that [`Emit::from_option`] reads back.
    pub fn option_text(&self) -> String {
        match self {
            Emit::After(pass) => format!("after:{pass}"),
            kind => {
                KINDS.iter().find(|(_, known)| known == kind).map(|(name, _)| (*name).to_owned()).unwrap_or_default()
            }
        }
    }
}

fn known_pass(written: &str) -> Result<&'static str, Problem> {
    let found = PASSES.iter().find(|pass| **pass == written);
    found.copied().ok_or_else(|| {
        Problem::new(format!("there is no pass `{written}`")).with_help(format!("passes are {}", PASSES.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back() {
        for text in KINDS.iter().map(|(name, _)| *name).chain(["after:simplify"]) {
            assert_eq!(Emit::from_option(text).unwrap().option_text(), text);
        }
        assert_eq!(
            Emit::from_option("obj").unwrap_err().to_string(),
            "error: there is nothing called `obj` to emit\n  = help: `--emit` takes \
             ast, formula, plan, schedule, llvm, asm, cuda, ptx, header, manifest and after:PASS"
        );
        assert_eq!(
            Emit::from_option("after:simplfy").unwrap_err().to_string(),
            format!("error: there is no pass `simplfy`\n  = help: passes are {}", PASSES.join(", "))
        );
    }

    #[test]
    fn kinds_that_are_a_passs_result_name_a_pass_that_there_is() {
        for kind in KINDS.iter().filter_map(|(_, kind)| kind.pass()) {
            assert!(PASSES.contains(&kind), "{kind}");
        }
    }
}
