//! Which rules and laws were applied how often.

use std::collections::BTreeMap;
use std::fmt;

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
