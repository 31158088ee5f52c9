//! Borrowed slices as tensors. What a view can reach has been compared with the slice's length.

use crate::abi::{DL_CPU, DLDevice, DLTensor};
use crate::manifest::Dtype;
use crate::support::dlpack_type;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;

/// An element type of slices.
pub trait Element: Copy + Default + 'static {
    /// Its storage type.
    const DTYPE: Dtype;
}

/// The bits of an IEEE binary16 number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct HalfFloat(pub u16);

/// The bits of a bfloat16 number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct BrainFloat(pub u16);

impl Element for HalfFloat {
    const DTYPE: Dtype = Dtype::F16;
}
impl Element for BrainFloat {
    const DTYPE: Dtype = Dtype::BF16;
}
impl Element for f32 {
    const DTYPE: Dtype = Dtype::F32;
}
impl Element for f64 {
    const DTYPE: Dtype = Dtype::F64;
}
impl Element for i64 {
    const DTYPE: Dtype = Dtype::I64;
}
/// Complex numbers, re and im.
impl Element for [f32; 2] {
    const DTYPE: Dtype = Dtype::C64;
}
/// Complex numbers, re and im.
impl Element for [f64; 2] {
    const DTYPE: Dtype = Dtype::C128;
}

/// Why a slice cannot be seen with some shape and strides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewError {
    /// An extent is negative.
    NegativeExtent(i64),
    /// A shape has more elements than memory can hold.
    TooLarge(i128),
    /// There is not one stride for each dimension.
    StrideCount {
        /// Number of dimensions.
        dimensions: usize,
        /// Number of strides.
        strides: usize,
    },
    /// The view would reach outside the slice.
    OutOfBounds {
        /// First and last element that it would reach, counted from the slice's first.
        reach: (i128, i128),
        /// Elements of the slice.
        length: usize,
    },
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ViewError::NegativeExtent(extent) => write!(f, "a shape has the extent {extent}; extents are 0 or more"),
            ViewError::TooLarge(count) => write!(f, "a shape has {count} elements, more than there is memory for"),
            ViewError::StrideCount { dimensions, strides } => {
                write!(f, "{strides} strides were given for {dimensions} dimensions")
            }
            ViewError::OutOfBounds { reach: (first, last), length } => {
                write!(f, "a shape reaches from element {first} to element {last} of a slice of {length}")
            }
        }
    }
}

impl std::error::Error for ViewError {}

/// A tensor in borrowed memory.
pub struct TensorView<'a> {
    data: *mut c_void,
    dtype: Dtype,
    shape: Vec<i64>,
    strides: Vec<i64>,
    writable: bool,
    memory: PhantomData<&'a mut [u8]>,
}

impl<'a> TensorView<'a> {
    /// A row-major input.
    pub fn input<T: Element>(data: &'a [T], shape: &[i64]) -> Result<TensorView<'a>, ViewError> {
        TensorView::strided_input(data, 0, shape, &row_major(shape))
    }

    /// An input whose first element is `data[offset]`, with strides in elements.
    pub fn strided_input<T: Element>(
        data: &'a [T],
        offset: usize,
        shape: &[i64],
        strides: &[i64],
    ) -> Result<TensorView<'a>, ViewError> {
        check_reach(offset, shape, strides, data.len())?;
        Ok(TensorView::new::<T>(data.as_ptr().wrapping_add(offset).cast_mut(), shape, strides, false))
    }

    /// A row-major result.
    pub fn output<T: Element>(data: &'a mut [T], shape: &[i64]) -> Result<TensorView<'a>, ViewError> {
        TensorView::strided_output(data, 0, shape, &row_major(shape))
    }

    /// A result whose first element is `data[offset]`, with strides in elements.
    pub fn strided_output<T: Element>(
        data: &'a mut [T],
        offset: usize,
        shape: &[i64],
        strides: &[i64],
    ) -> Result<TensorView<'a>, ViewError> {
        check_reach(offset, shape, strides, data.len())?;
        Ok(TensorView::new::<T>(data.as_mut_ptr().wrapping_add(offset), shape, strides, true))
    }

    fn new<T: Element>(data: *mut T, shape: &[i64], strides: &[i64], writable: bool) -> TensorView<'a> {
        let (shape, strides) = (shape.to_vec(), strides.to_vec());
        TensorView { data: data.cast(), dtype: T::DTYPE, shape, strides, writable, memory: PhantomData }
    }

    /// Its shape.
    pub fn shape(&self) -> &[i64] {
        &self.shape
    }

    /// Its storage type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Whether it is a result.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// The same for the C ABI; valid while the view is.
    pub(super) fn tensor(&mut self) -> DLTensor {
        DLTensor {
            data: self.data,
            device: DLDevice { device_type: DL_CPU, device_id: 0 },
            ndim: i32::try_from(self.shape.len()).unwrap_or(i32::MAX),
            dtype: dlpack_type(self.dtype.code()),
            shape: self.shape.as_mut_ptr(),
            strides: self.strides.as_mut_ptr(),
            byte_offset: 0,
        }
    }
}

/// Row-major strides; those of empty or impossible shapes do not matter.
pub(super) fn row_major(shape: &[i64]) -> Vec<i64> {
    let mut strides = vec![1_i64; shape.len()];
    for dimension in (1..shape.len()).rev() {
        strides[dimension - 1] = strides[dimension].saturating_mul(shape[dimension]);
    }
    strides
}

fn check_reach(offset: usize, shape: &[i64], strides: &[i64], length: usize) -> Result<(), ViewError> {
    if shape.len() != strides.len() {
        return Err(ViewError::StrideCount { dimensions: shape.len(), strides: strides.len() });
    }
    if let Some(extent) = shape.iter().find(|extent| **extent < 0) {
        return Err(ViewError::NegativeExtent(*extent));
    }
    if shape.contains(&0) {
        return Ok(());
    }
    let (mut first, mut last) = (offset as i128, offset as i128);
    for (&extent, &stride) in shape.iter().zip(strides) {
        let reach = (i128::from(extent) - 1).saturating_mul(i128::from(stride));
        first = first.saturating_add(reach.min(0));
        last = last.saturating_add(reach.max(0));
    }
    if first < 0 || last >= length as i128 {
        return Err(ViewError::OutOfBounds { reach: (first, last), length });
    }
    Ok(())
}
