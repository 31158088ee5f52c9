//! What a verifier found wrong. A defect is an error of the compiler, never of its user.

use std::fmt;

/// A broken rule and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The place in the words of the printed form: `n4`, `entry conv`, `pass 0 v3`.
    pub place: String,
    /// Which rule.
    pub rule: &'static str,
    /// What is there instead.
    pub found: String,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; found {}", self.place, self.rule, self.found)
    }
}

/// Defects as they are found.
#[derive(Debug, Default)]
pub(crate) struct Defects {
    found: Vec<Defect>,
}

impl Defects {
    /// Notes a defect unless `holds`; gives `holds` back.
    pub(crate) fn require(
        &mut self,
        holds: bool,
        place: &str,
        rule: &'static str,
        found: impl FnOnce() -> String,
    ) -> bool {
        if !holds {
            self.found.push(Defect { place: place.to_string(), rule, found: found() });
        }
        holds
    }

    /// `Ok` if there are none.
    pub(crate) fn into_result(self) -> Result<(), Vec<Defect>> {
        if self.found.is_empty() { Ok(()) } else { Err(self.found) }
    }
}
