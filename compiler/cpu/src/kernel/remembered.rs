//! Bundles that were computed before, forgotten when the code that computed them need not have run.

use std::collections::HashMap;
use std::hash::Hash;

use super::expression::Bundle;

/// What a reader remembers, by key.
#[derive(Clone)]
pub struct Remembered<'ctx, K> {
    known: HashMap<K, Bundle<'ctx>>,
    scopes: Vec<Vec<K>>,
}

impl<K> Default for Remembered<'_, K> {
    fn default() -> Self {
        Remembered { known: HashMap::new(), scopes: Vec::new() }
    }
}

impl<'ctx, K: Copy + Eq + Hash> Remembered<'ctx, K> {
    /// What is known under that key.
    pub fn get(&self, key: K) -> Option<&Bundle<'ctx>> {
        self.known.get(&key)
    }

    /// Remembers a bundle, until the scope that is open now is left.
    pub fn insert(&mut self, key: K, bundle: Bundle<'ctx>) {
        if self.known.insert(key, bundle).is_none()
            && let Some(scope) = self.scopes.last_mut()
        {
            scope.push(key);
        }
    }

    /// Opens a scope: what follows may run not at all or several times.
    pub fn enter(&mut self) {
        self.scopes.push(Vec::new());
    }

    /// Leaves the scope and forgets what was computed in it.
    pub fn leave(&mut self) {
        for key in self.scopes.pop().unwrap_or_default() {
            self.known.remove(&key);
        }
    }
}
