//! What a user sets from outside the formula file: texts of the command line → typed options.

use keopsc_cpu::level::Level;
use keopsc_ir::types::{Algebra, Products, ScalarType, SumScheme};
pub use keopsc_passes::resolve::Options as FormulaOptions;
use keopsc_passes::schedule::Choice;

use crate::device::DeviceTarget;
use crate::failure::Problem;
use crate::link::Linker;

/// Everything but the formula that decides what a library contains.
#[derive(Clone, Debug)]
pub struct Options {
    /// The library's name, a C identifier.
    pub name: String,
    /// What prevails over the formula file.
    pub formula: FormulaOptions,
    /// The instruction sets to make code for.
    pub levels: Vec<&'static Level>,
    /// Tiles that tuning has found to be faster than the scheduler's; none without it.
    pub tiles: Vec<Choice>,
    /// The same for layouts of kernels.
    pub layouts: Vec<keopsc_cuda::schedule::Choice>,
    /// Who links.
    pub linker: Linker,
    /// The GPUs to make code for, if any.
    pub device: Option<DeviceTarget>,
}

/// A word of the command line and what it means.
type Words<T> = [(&'static str, T)];

const ACCUMULATOR_TYPES: &Words<Option<ScalarType>> =
    &[("auto", None), ("f32", Some(ScalarType::F32)), ("f64", Some(ScalarType::F64))];

/// What `--dtype TEXT` means.
pub fn dtype(text: &str) -> Result<ScalarType, Problem> {
    word(text, "dtype", ScalarType::NAMES)
}

/// What `--accumulate TEXT` means; `None` is the computing type itself.
pub fn accumulate(text: &str) -> Result<Option<ScalarType>, Problem> {
    word(text, "accumulator type", ACCUMULATOR_TYPES)
}

/// What `--sum TEXT` means.
pub fn sum(text: &str) -> Result<SumScheme, Problem> {
    word(text, "way to sum", SumScheme::NAMES)
}

/// What `--algebra TEXT` means.
pub fn algebra(text: &str) -> Result<Algebra, Problem> {
    word(text, "kind of algebra", Algebra::NAMES)
}

/// What `--products TEXT` means.
pub fn products(text: &str) -> Result<Products, Problem> {
    word(text, "kind of products", Products::NAMES)
}

fn word<T: Copy>(text: &str, what: &str, words: &Words<T>) -> Result<T, Problem> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Problem::new(format!("there is no {what} `{text}`")).with_help(format!("it can be {}", known.join(", ")))
    })
}

/// What `-D NAME=VALUE` means.
pub fn dim(text: &str) -> Result<(String, i64), Problem> {
    let bad = || {
        Problem::new(format!("`-D {text}` sets no dimension")).with_help("write a name and a whole number: `-D D=64`")
    };
    let (name, value) = text.split_once('=').ok_or_else(bad)?;
    let value = value.trim().parse().map_err(|_| bad())?;
    match name.trim() {
        "" => Err(bad()),
        name => Ok((name.to_owned(), value)),
    }
}

impl Options {
    /// All of it as text, for the cache's key.
    pub fn key_text(&self) -> String {
        let levels: Vec<&str> = self.levels.iter().map(|level| level.name).collect();
        let device = self.device.as_ref().map(DeviceTarget::key_text);
        let linker = self.linker.option_text();
        let Options { name, formula, tiles, layouts, .. } = self;
        format!("{name:?} {formula:?} {levels:?} {linker:?} {tiles:?} {layouts:?} {device:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_or_listed() {
        assert_eq!(dtype("f64"), Ok(ScalarType::F64));
        assert_eq!(sum("kahan"), Ok(SumScheme::Kahan));
        assert_eq!(algebra("fast"), Ok(Algebra::Fast));
        assert_eq!(products("tf32"), Ok(Products::Tf32));
        assert_eq!(
            accumulate("f16").unwrap_err().to_string(),
            "error: there is no accumulator type `f16`\n  = help: it can be auto, f32, f64"
        );
        assert_eq!(accumulate("auto"), Ok(None));
    }

    #[test]
    fn dimensions_are_read() {
        assert_eq!(dim("D=64"), Ok(("D".to_owned(), 64)));
        for text in ["D", "D=", "=3", "D=x", "D=1.5", "D=99999999999999999999"] {
            assert_eq!(
                dim(text).unwrap_err().to_string(),
                format!("error: `-D {text}` sets no dimension\n  = help: write a name and a whole number: `-D D=64`")
            );
        }
    }
}
