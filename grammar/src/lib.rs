//! The `.kf` formula language: text in, syntax tree out, and back.
//!
//! ```text
//! text ─tokens─▶ tokens ─layout─▶ tokens with statement ends and statement words ─kf.lalrpop─▶ syntax tree
//! ```
//!
//! ```
//! let (file, errors) = keopsc_grammar::parse_file("x = Vi(3); out s = Sum[j](x)");
//! assert!(errors.is_empty());
//! assert_eq!(keopsc_grammar::print_file(&file), "x = Vi(3)\nout s = Sum[j](x)\n");
//! ```
//!
//! Invariants: the grammar knows no operation, reduction or variable category by name. No input makes it panic: a
//! tree that [`parse_file`] returns has at most [`MAXIMUM_LEVELS`] levels, so that walking it recursively is safe.

#![forbid(unsafe_code)]

mod build_tree;
mod error;
pub mod generate;
mod layout;
mod parse;
mod print;
pub mod syntax;
mod tokens;
mod unexpected;

pub use error::{SyntaxError, SyntaxErrorCode};
pub use parse::{parse_expression, parse_file, parse_part};
pub use print::{print_expression, print_file};

/// How many brackets may be open at once.
pub const MAXIMUM_NESTING: usize = 256;

/// How many levels an expression tree may have: all nested brackets with an operator in each, or a flat sum of as many
/// terms.
pub const MAXIMUM_LEVELS: usize = 2 * MAXIMUM_NESTING + 1;

/// How long a formula text may be, in bytes.
pub const MAXIMUM_BYTES: usize = 16 << 20;
