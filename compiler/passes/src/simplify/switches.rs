//! Which rules and laws are left out, and which were applied how often.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The rules and laws that are left out.
#[derive(Clone, Debug, Default)]
pub struct Switches {
    off: BTreeSet<String>,
}

impl Switches {
    /// Everything but the rules and laws of these names, see [`names`](super::names).
    pub fn without<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Switches {
        Switches { off: names.into_iter().map(Into::into).collect() }
    }

    /// Whether the rule or law of that name is to be applied.
    pub(crate) fn are_on(&self, name: &str) -> bool {
        self.off.is_empty() || !self.off.contains(name)
    }
}

/// How often each rule and law was applied, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied(BTreeMap<String, u64>);

impl Applied {
    /// Names and numbers.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Counts one more.
    pub(super) fn count(&mut self, name: &str) {
        match self.0.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(name.to_owned(), 1)),
        }
    }

    /// Counts what was applied besides.
    pub(super) fn add(&mut self, other: &Applied) {
        for (name, count) in &other.0 {
            *self.0.entry(name.clone()).or_default() += count;
        }
    }
}

/// A comment line for each, which the readers of printed graphs skip.
impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, count)| {
            let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
            writeln!(f, "# {name}: {times}")
        })
    }
}
