//! The `.kf` formula language: text in, syntax tree out, and back.

pub mod syntax;
