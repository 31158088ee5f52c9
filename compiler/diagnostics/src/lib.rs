//! What the compiler says to its user: a code, a sentence, places in the source, and what to do.
//!
//! ```
//! use keopsc_diagnostics::{Diagnostic, Source, render};
//!
//! let source = Source::new("gauss.kf", "out f = Sum[j](x +)");
//! let (_, errors) = keopsc_grammar::parse_file(source.text());
//! let diagnostics: Vec<Diagnostic> = errors.into_iter().map(Diagnostic::from).collect();
//! assert_eq!(
//!     render(&source, &diagnostics, false),
//!     "error[E0101]: expected an expression after `+`, found `)`
//!   --> gauss.kf:1:19
//!   |
//! 1 | out f = Sum[j](x +)
//!   |                   ^
//!
//! ",
//! );
//! ```
//!
//! Invariant: nothing here knows what a formula means; the words come from the stage that finds the mistake.

#![forbid(unsafe_code)]

mod codes;
mod diagnostic;
mod json;
mod render;
mod source;
mod suggest;
mod syntax_errors;
mod system;

pub use codes::Code;
pub use diagnostic::{Diagnostic, Label, Severity};
pub use json::to_json;
pub use render::render;
pub use source::Source;
pub use suggest::suggest;
pub use system::system_words;
