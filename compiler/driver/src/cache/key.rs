//! What names an entry: a hash of everything that the compiled bytes depend on.

/// The name of a cache entry: 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    text: String,
}

impl Key {
    /// The key of these named fields. Their order counts; no two different lists give the same key.
    pub fn new(fields: &[(&str, &str)]) -> Key {
        let mut hasher = blake3::Hasher::new();
        for (name, value) in fields {
            for part in [name, value] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
        }
        Key { text: hasher.finalize().to_hex().to_string() }
    }

    /// The digits.
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_one_field_ends_and_the_next_begins_counts() {
        let keys = [
            Key::new(&[("a", "bc")]),
            Key::new(&[("ab", "c")]),
            Key::new(&[("a", "b"), ("c", "")]),
            Key::new(&[("c", ""), ("a", "b")]),
        ];
        for (number, key) in keys.iter().enumerate() {
            assert!(keys[..number].iter().all(|other| other != key));
            assert_eq!(key.text().len(), 64);
        }
    }
}
