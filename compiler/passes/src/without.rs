//! What is left out of the passes that make formulas cheaper, so that tests can hold each rule against the others: no result may change.

use keopsc_ops::catalogue::ParsedLaw;

/// Rules that are not to be applied. The default leaves out none.
#[derive(Clone, Debug, Default)]
pub struct Without {
    /// By name: some of [`crate::simplify::rules`] and [`crate::hoist::rules`].
    pub rules: Vec<&'static str>,
    /// Some of [`keopsc_ops::catalogue::laws`].
    pub laws: Vec<&'static ParsedLaw>,
}

impl Without {
    /// Whether a rule may be applied.
    pub(crate) fn has_rule(&self, name: &str) -> bool {
        !self.rules.contains(&name)
    }

    /// Whether a law may be applied.
    pub(crate) fn has_law(&self, law: &ParsedLaw) -> bool {
        !self.laws.iter().any(|left_out| std::ptr::eq(*left_out, law))
    }
}
