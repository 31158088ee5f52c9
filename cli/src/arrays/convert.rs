//! The numbers of a file → the storage type that a formula wants.
//!
//! Invariant: no digit is lost silently. A conversion that would round is refused unless the user allows it; numbers
//! that were written as decimal text stand for the nearest ones, and infinity is never made of a finite number.

pub use keopsc_runtime::support::convert::half_to_single;
use keopsc_runtime::support::convert::{single_to_bfloat, single_to_half};

use keopsc_runtime::loader::{BrainFloat, HalfFloat, TensorView, ViewError};
use keopsc_runtime::manifest::Dtype;

use super::{Array, Elements};

/// Whether numbers may be rounded to the nearest of the wanted type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Yes.
    Allowed,
    /// Only where they were written as decimal text.
    Refused,
}

/// An array's elements as a kernel reads them.
#[derive(Clone, Debug, PartialEq)]
pub enum Buffer {
    /// Half precision.
    F16(Vec<HalfFloat>),
    /// bfloat16
    BF16(Vec<BrainFloat>),
    /// float32
    F32(Vec<f32>),
    /// float64
    F64(Vec<f64>),
    /// int64
    I64(Vec<i64>),
    /// complex64
    C64(Vec<[f32; 2]>),
    /// complex128
    C128(Vec<[f64; 2]>),
}

impl Buffer {
    /// The elements as a row-major tensor.
    pub fn view(&self, shape: &[i64]) -> Result<TensorView<'_>, ViewError> {
        match self {
            Buffer::F16(elements) => TensorView::input(elements, shape),
            Buffer::BF16(elements) => TensorView::input(elements, shape),
            Buffer::F32(elements) => TensorView::input(elements, shape),
            Buffer::F64(elements) => TensorView::input(elements, shape),
            Buffer::I64(elements) => TensorView::input(elements, shape),
            Buffer::C64(elements) => TensorView::input(elements, shape),
            Buffer::C128(elements) => TensorView::input(elements, shape),
        }
    }
}

/// Why an array was not converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This many elements would be rounded.
    Rounded(usize),
    /// This many finite elements are beyond the type's range.
    Overflowed(usize),
    /// They are complex and the type is real.
    Complex,
}

/// Converts the elements.
pub fn convert(array: Array, dtype: Dtype, rounding: Rounding) -> Result<Buffer, Refusal> {
    let rounding = if array.is_text() { Rounding::Allowed } else { rounding };
    match (array.elements, dtype) {
        (Elements::F32(elements), Dtype::F32) => Ok(Buffer::F32(elements)),
        (Elements::F64(elements), Dtype::F64) => Ok(Buffer::F64(elements)),
        (Elements::I64(elements), Dtype::I64) => Ok(Buffer::I64(elements)),
        (Elements::C64(elements), Dtype::C64) => Ok(Buffer::C64(elements)),
        (Elements::C128(elements), Dtype::C128) => Ok(Buffer::C128(elements)),
        (Elements::C64(_) | Elements::C128(_), dtype) if !is_complex(dtype) => Err(Refusal::Complex),
        (elements, dtype) => {
            let (buffer, losses) = converted(&elements, dtype);
            match losses {
                Losses { overflowed: 1.., .. } => Err(Refusal::Overflowed(losses.overflowed)),
                Losses { rounded: 1.., .. } if rounding == Rounding::Refused => Err(Refusal::Rounded(losses.rounded)),
                _ => Ok(buffer),
            }
        }
    }
}

#[derive(Default)]
struct Losses {
    rounded: usize,
    overflowed: usize,
}

fn converted(elements: &Elements, dtype: Dtype) -> (Buffer, Losses) {
    let values = if is_complex(dtype) { parts(elements) } else { values(elements) };
    let mut losses = Losses::default();
    let buffer = match dtype {
        Dtype::F16 => Buffer::F16(each(&values, &mut losses, to_half, |half| half_to_single(half.0).into())),
        Dtype::BF16 => Buffer::BF16(each(&values, &mut losses, to_bfloat, bfloat_to_double)),
        Dtype::F32 => Buffer::F32(each(&values, &mut losses, |value| value as f32, f64::from)),
        Dtype::F64 => Buffer::F64(each(&values, &mut losses, |value| value, |value| value)),
        Dtype::I64 => Buffer::I64(each(&values, &mut losses, |value| value as i64, |value| value as f64)),
        Dtype::C64 => Buffer::C64(pairs(&each(&values, &mut losses, |value| value as f32, f64::from))),
        Dtype::C128 => Buffer::C128(pairs(&values)),
    };
    losses.rounded += integers_rounded(elements);
    (buffer, losses)
}

fn values(elements: &Elements) -> Vec<f64> {
    match elements {
        Elements::F16(elements) => elements.iter().map(|bits| half_to_single(*bits).into()).collect(),
        Elements::F32(elements) => elements.iter().map(|value| f64::from(*value)).collect(),
        Elements::F64(elements) => elements.clone(),
        Elements::I64(elements) => elements.iter().map(|value| *value as f64).collect(),
        Elements::C64(elements) => elements.iter().flatten().map(|part| f64::from(*part)).collect(),
        Elements::C128(elements) => elements.iter().flatten().copied().collect(),
    }
}

fn is_complex(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::C64 | Dtype::C128)
}

/// Re and im of each number in turn; of real numbers im is 0.
fn parts(elements: &Elements) -> Vec<f64> {
    match elements {
        Elements::C64(_) | Elements::C128(_) => values(elements),
        _ => values(elements).into_iter().flat_map(|value| [value, 0.0]).collect(),
    }
}

fn pairs<T: Copy>(parts: &[T]) -> Vec<[T; 2]> {
    parts.as_chunks().0.to_vec()
}

/// How many integers are lost on the way to float64 already.
fn integers_rounded(elements: &Elements) -> usize {
    match elements {
        Elements::I64(elements) => {
            elements.iter().filter(|value| (**value as f64) as i128 != i128::from(**value)).count()
        }
        _ => 0,
    }
}

fn each<T: Copy>(values: &[f64], losses: &mut Losses, there: impl Fn(f64) -> T, back: impl Fn(T) -> f64) -> Vec<T> {
    let convert = |value: &f64| {
        let converted = there(*value);
        let returned = back(converted);
        let is_same = returned == *value || (returned.is_nan() && value.is_nan());
        losses.overflowed += usize::from(value.is_finite() && !returned.is_finite());
        losses.rounded += usize::from(!is_same);
        converted
    };
    values.iter().map(convert).collect()
}

// Rounding twice, to float32 first, can differ from rounding once by a tie; both are within one rounding of the value.
fn to_half(value: f64) -> HalfFloat {
    HalfFloat(single_to_half(value as f32))
}

fn to_bfloat(value: f64) -> BrainFloat {
    BrainFloat(single_to_bfloat(value as f32))
}

fn bfloat_to_double(bits: BrainFloat) -> f64 {
    f32::from_bits(u32::from(bits.0) << 16).into()
}

#[cfg(test)]
mod tests {
    use super::super::Written;
    use super::*;

    fn array(elements: Elements) -> Array {
        Array { shape: vec![1], elements, written: Written::Binary("test".to_owned()) }
    }

    #[test]
    fn what_fits_is_converted_and_what_does_not_is_refused() {
        let (f32_tenth, f64_tenth) = (f64::from(0.1_f32), 0.1_f64);
        let cases = [
            (Elements::F64(vec![f32_tenth, f64::NAN]), Dtype::F32, None),
            (Elements::F64(vec![f64_tenth, 1.0]), Dtype::F32, Some(Refusal::Rounded(1))),
            (Elements::F64(vec![1e300]), Dtype::F32, Some(Refusal::Overflowed(1))),
            (Elements::F64(vec![f64::INFINITY]), Dtype::F32, None),
            (Elements::F32(vec![0.1]), Dtype::F64, None),
            (Elements::F32(vec![0.1]), Dtype::F16, Some(Refusal::Rounded(1))),
            (Elements::F32(vec![70000.0]), Dtype::F16, Some(Refusal::Overflowed(1))),
            (Elements::F32(vec![0.5, -2.0]), Dtype::BF16, None),
            (Elements::I64(vec![1 << 24]), Dtype::F32, None),
            (Elements::I64(vec![(1 << 24) + 1]), Dtype::F32, Some(Refusal::Rounded(1))),
            (Elements::I64(vec![i64::MAX]), Dtype::F64, Some(Refusal::Rounded(1))),
            (Elements::F64(vec![3.0]), Dtype::I64, None),
            (Elements::F64(vec![3.5]), Dtype::I64, Some(Refusal::Rounded(1))),
            (Elements::C128(vec![[0.5, f64_tenth]]), Dtype::C64, Some(Refusal::Rounded(1))),
            (Elements::C64(vec![[0.5, 0.0]]), Dtype::F32, Some(Refusal::Complex)),
            (Elements::F32(vec![0.1]), Dtype::C128, None),
        ];
        for (elements, dtype, refusal) in cases {
            let result = convert(array(elements.clone()), dtype, Rounding::Refused);
            assert_eq!(result.err(), refusal, "{elements:?} to {dtype:?}");
        }
    }

    #[test]
    fn rounding_is_allowed_by_request_and_for_text() {
        let mut tenth = array(Elements::F64(vec![0.1]));
        assert_eq!(convert(tenth.clone(), Dtype::F32, Rounding::Allowed), Ok(Buffer::F32(vec![0.1])));
        tenth.written = Written::Text;
        assert_eq!(convert(tenth, Dtype::F32, Rounding::Refused), Ok(Buffer::F32(vec![0.1])));
    }
}
