//! The reference pages, made from the tables: what every operation, every reduction and every diagnostic is, with examples that are computed as the page
//! is made.
//!
//! ```text
//! application   row ─▶ calls with small dimensions and numbers of the row's domain
//! example       call ─▶ formula file ─front end─▶ formula graph ─interpreter─▶ numbers
//! chosen        numbers for examples of some rows
//! operations, reductions   tables and examples ─▶ Markdown
//! diagnostics   codes and their examples ─front end─▶ Markdown
//! signature     `f: n|1` in words           words   numbers and vectors as text
//! ```
//!
//! Invariant: no number on a page is written by hand, and every example is one that a user can compile; the tests do.

pub mod application;
mod chosen;
mod diagnostics;
mod edges;
pub mod example;
mod operations;
mod reductions;
mod signature;
mod words;

pub use diagnostics::diagnostics;
pub use operations::operations;
pub use reductions::reductions;

use example::Example;

/// A page and the examples on it.
#[derive(Clone, Debug)]
pub struct Page {
    /// Markdown.
    pub text: String,
    /// All examples whose numbers stand in the text.
    pub examples: Vec<Example>,
}
