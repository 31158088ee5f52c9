//! Owned row-major tensors of any storage type, for programs that learn types at run time.

use super::view::{BrainFloat, Element, HalfFloat, TensorView, ViewError};
use crate::manifest::Dtype;
use crate::support::convert;

/// An owned row-major tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<i64>,
    data: Data,
}

#[derive(Clone, Debug, PartialEq)]
enum Data {
    F16(Vec<HalfFloat>),
    BF16(Vec<BrainFloat>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    I64(Vec<i64>),
    C64(Vec<[f32; 2]>),
    C128(Vec<[f64; 2]>),
}

/// Runs an expression on the vector inside a [`Data`].
macro_rules! each {
    ($data:expr, $vector:ident => $body:expr) => {
        match $data {
            Data::F16($vector) => $body,
            Data::BF16($vector) => $body,
            Data::F32($vector) => $body,
            Data::F64($vector) => $body,
            Data::I64($vector) => $body,
            Data::C64($vector) => $body,
            Data::C128($vector) => $body,
        }
    };
}

impl Array {
    /// Zeros; an error if the shape is impossible.
    pub fn zeros(dtype: Dtype, shape: &[i64]) -> Result<Array, ViewError> {
        let count = count(shape)?;
        let data = match dtype {
            Dtype::F16 => Data::F16(zeros(count)?),
            Dtype::BF16 => Data::BF16(zeros(count)?),
            Dtype::F32 => Data::F32(zeros(count)?),
            Dtype::F64 => Data::F64(zeros(count)?),
            Dtype::I64 => Data::I64(zeros(count)?),
            Dtype::C64 => Data::C64(zeros(count)?),
            Dtype::C128 => Data::C128(zeros(count)?),
        };
        Ok(Array { shape: shape.to_vec(), data })
    }

    /// Numbers rounded to a storage type, to nearest even; row numbers lose their fraction. Of complex numbers re and im follow each other.
    pub fn from_f64(dtype: Dtype, shape: &[i64], values: &[f64]) -> Result<Array, ViewError> {
        let parts = if matches!(dtype, Dtype::C64 | Dtype::C128) { 2 } else { 1 };
        let wanted = count(shape)?.saturating_mul(parts);
        if wanted != values.len() {
            return Err(ViewError::OutOfBounds { reach: (0, wanted as i128 - 1), length: values.len() });
        }
        let data = match dtype {
            Dtype::F16 => Data::F16(values.iter().map(|value| HalfFloat(store::<convert::Half>(*value))).collect()),
            Dtype::BF16 => {
                Data::BF16(values.iter().map(|value| BrainFloat(store::<convert::BFloat>(*value))).collect())
            }
            Dtype::F32 => Data::F32(values.iter().map(|value| *value as f32).collect()),
            Dtype::F64 => Data::F64(values.to_vec()),
            Dtype::I64 => Data::I64(values.iter().map(|value| *value as i64).collect()),
            Dtype::C64 => Data::C64(pairs(values).map(|pair| pair.map(|part| part as f32)).collect()),
            Dtype::C128 => Data::C128(pairs(values).collect()),
        };
        Ok(Array { shape: shape.to_vec(), data })
    }

    /// Its numbers; row numbers past 2^53 are rounded. Of complex numbers re and im follow each other.
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.data {
            Data::F16(values) => values.iter().map(|value| load::<convert::Half>(value.0)).collect(),
            Data::BF16(values) => values.iter().map(|value| load::<convert::BFloat>(value.0)).collect(),
            Data::F32(values) => values.iter().map(|value| f64::from(*value)).collect(),
            Data::F64(values) => values.clone(),
            Data::I64(values) => values.iter().map(|value| *value as f64).collect(),
            Data::C64(values) => values.iter().flatten().map(|part| f64::from(*part)).collect(),
            Data::C128(values) => values.iter().flatten().copied().collect(),
        }
    }

    /// Its shape.
    pub fn shape(&self) -> &[i64] {
        &self.shape
    }

    /// Its storage type.
    pub fn dtype(&self) -> Dtype {
        each!(&self.data, values => dtype_of(values))
    }

    /// Its elements, if they are of this type.
    pub fn elements<T: Element>(&self) -> Option<&[T]> {
        each!(&self.data, values => (values as &dyn std::any::Any).downcast_ref::<Vec<T>>().map(Vec::as_slice))
    }

    /// Itself as an input.
    pub fn input(&self) -> Result<TensorView<'_>, ViewError> {
        each!(&self.data, values => TensorView::input(values, &self.shape))
    }

    /// Itself as a result.
    pub fn output(&mut self) -> Result<TensorView<'_>, ViewError> {
        each!(&mut self.data, values => TensorView::output(values, &self.shape))
    }
}

/// The numbers two by two.
fn pairs(values: &[f64]) -> impl Iterator<Item = [f64; 2]> + '_ {
    values.as_chunks().0.iter().copied()
}

fn dtype_of<T: Element>(_: &[T]) -> Dtype {
    T::DTYPE
}

fn store<S: convert::Storage>(value: f64) -> S::Bits {
    S::store(value)
}

fn load<S: convert::Storage>(bits: S::Bits) -> f64 {
    S::load(bits)
}

/// Number of elements of a shape.
fn count(shape: &[i64]) -> Result<usize, ViewError> {
    if let Some(extent) = shape.iter().find(|extent| **extent < 0) {
        return Err(ViewError::NegativeExtent(*extent));
    }
    let product = shape.iter().fold(1_i128, |product, extent| product.saturating_mul(i128::from(*extent)));
    usize::try_from(product).map_err(|_| ViewError::TooLarge(product))
}

/// Zeros, without dying where memory is short.
fn zeros<T: Element>(count: usize) -> Result<Vec<T>, ViewError> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| ViewError::TooLarge(count as i128))?;
    values.resize(count, T::default());
    Ok(values)
}
