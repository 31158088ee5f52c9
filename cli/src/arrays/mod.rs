//! Arrays in files: `.npy` and text tables in, the same out.
//!
//! Reading keeps what the file holds ([`Elements`]); converting to the type that a formula wants is a step of its own
//! ([`convert`]), which refuses to lose digits silently.

pub mod convert;
mod npy;
mod table;

use std::path::Path;

use keopsc_runtime::loader::{self, HalfFloat};
use keopsc_runtime::manifest::{Dtype, Tensor};

/// The elements of an array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// IEEE half precision, as bits. Only results have it; reading widens.
    F16(Vec<u16>),
    /// float32
    F32(Vec<f32>),
    /// float64
    F64(Vec<f64>),
    /// int64; all integers and booleans are read as such.
    I64(Vec<i64>),
    /// complex64, re and im
    C64(Vec<[f32; 2]>),
    /// complex128, re and im
    C128(Vec<[f64; 2]>),
}

/// How the numbers of an array were written.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// As decimal text: they stand for the nearest numbers of any type.
    Text,
    /// In a type of this name.
    Binary(String),
}

/// A row-major array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extents, slowest first.
    pub shape: Vec<usize>,
    /// As many elements as the extents' product.
    pub elements: Elements,
    /// How they were written.
    pub written: Written,
}

impl Array {
    /// Whether it was written as decimal text.
    pub fn is_text(&self) -> bool {
        self.written == Written::Text
    }
}

/// Reads an array from a file's bytes: NumPy's format if they begin like it, else a table of text.
pub fn read(bytes: &[u8]) -> Result<Array, String> {
    match bytes.starts_with(npy::MAGIC) {
        true => npy::read(bytes),
        false => table::read(bytes),
    }
}

/// The bytes of a file of that name: NumPy's format for `.npy`, else a table of text.
pub fn write(array: &Array, path: &Path) -> Vec<u8> {
    match path.extension().is_some_and(|extension| extension == "npy") {
        true => npy::write(array),
        false => table::write(array),
    }
}

/// A result of a call with the extents of its rows apart: K-min's are K x dim. NumPy knows no bfloat16: it becomes float32.
pub fn from_result(result: &loader::Array, tensor: &Tensor) -> Array {
    let outer = &result.shape()[..result.shape().len() - 1];
    let outer = outer.iter().map(|extent| usize::try_from(*extent).unwrap_or_default());
    let shape = outer.chain(tensor.shape.iter().map(|extent| *extent as usize)).collect();
    let elements = match result.dtype() {
        Dtype::F16 => {
            result.elements().map(|elements: &[HalfFloat]| Elements::F16(elements.iter().map(|half| half.0).collect()))
        }
        Dtype::BF16 => Some(Elements::F32(result.to_f64().iter().map(|value| *value as f32).collect())),
        Dtype::F32 => result.elements().map(|elements| Elements::F32(elements.to_vec())),
        Dtype::F64 => result.elements().map(|elements| Elements::F64(elements.to_vec())),
        Dtype::I64 => result.elements().map(|elements| Elements::I64(elements.to_vec())),
        Dtype::C64 => result.elements().map(|elements| Elements::C64(elements.to_vec())),
        Dtype::C128 => result.elements().map(|elements| Elements::C128(elements.to_vec())),
    };
    Array { shape, elements: elements.unwrap_or_else(|| Elements::F64(result.to_f64())), written: Written::Text }
}

/// The number of elements of an array of that shape, if it can be counted.
fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |product, extent| product.checked_mul(*extent))
}

/// `(100, 3)`
pub fn shape_text(shape: &[usize]) -> String {
    match shape {
        [single] => format!("({single},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}
