//! What the operating system says, in its words.

use std::io;

/// The text of an I/O error without Rust's `(os error 2)`.
pub fn system_words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
