//! A caller's [`DLTensor`], read safely once its pointers have been checked.

use crate::abi::{
    BF16, C64, C128, DL_BFLOAT, DL_COMPLEX, DL_FLOAT, DL_INT, DL_UINT, DLDataType, DLTensor, F16, F32, F64, I64,
    ROLE_PARAMETER, TensorDescriptor,
};

/// A tensor of this many dimensions is the largest that a call takes.
pub const MAX_DIMENSIONS: usize = 32;

/// A checked tensor with its descriptor.
#[derive(Clone, Copy)]
pub struct Tensor<'a> {
    /// What the library expects.
    pub descriptor: &'a TensorDescriptor,
    given: &'a DLTensor,
}

impl<'a> Tensor<'a> {
    /// # Safety
    /// `given.shape` points to `given.ndim` extents, `given.strides` is NULL or points to as many; both outlive the tensor.
    pub unsafe fn new(descriptor: &'a TensorDescriptor, given: &'a DLTensor) -> Tensor<'a> {
        Tensor { descriptor, given }
    }

    /// Number of dimensions.
    pub fn ndim(&self) -> usize {
        self.given.ndim.max(0) as usize
    }

    /// Number of dimensions that are not the batch's: rows and components, or components alone.
    pub fn own_dimensions(&self) -> usize {
        if self.descriptor.role == ROLE_PARAMETER { 1 } else { 2 }
    }

    /// Number of batch dimensions.
    pub fn batch_dimensions(&self) -> usize {
        self.ndim().saturating_sub(self.own_dimensions())
    }

    /// The extent of a dimension of a batch of `dimensions`, with which this tensor's own are aligned at the end; 1 where it has none.
    pub fn batch_extent(&self, dimension: usize, dimensions: usize) -> i64 {
        let missing = dimensions.saturating_sub(self.batch_dimensions());
        if dimension < missing { 1 } else { self.extent(dimension - missing) }
    }

    /// The step along one of the call's `dimensions` batch dimensions, in elements; 0 where the tensor is broadcast.
    pub fn batch_step(&self, dimension: usize, dimensions: usize) -> i64 {
        let missing = dimensions.saturating_sub(self.batch_dimensions());
        if dimension < missing || self.extent(dimension - missing) == 1 {
            return 0;
        }
        self.stride(dimension - missing)
    }

    /// The extent of a dimension, 1 past the end.
    pub fn extent(&self, dimension: usize) -> i64 {
        if dimension >= self.ndim() {
            return 1;
        }
        // SAFETY: `new` asks for `ndim` extents.
        unsafe { self.given.shape.add(dimension).read() }
    }

    /// The step of a dimension in elements, 0 past the end.
    pub fn stride(&self, dimension: usize) -> i64 {
        if dimension >= self.ndim() {
            return 0;
        }
        if self.given.strides.is_null() {
            return (dimension + 1..self.ndim())
                .fold(1_i64, |product, finer| product.saturating_mul(self.extent(finer)));
        }
        // SAFETY: `new` asks for `ndim` strides.
        unsafe { self.given.strides.add(dimension).read() }
    }

    /// All extents.
    pub fn shape(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.ndim()).map(|dimension| self.extent(dimension))
    }

    /// All strides.
    pub fn strides(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.ndim()).map(|dimension| self.stride(dimension))
    }

    /// Extents with their strides.
    pub fn dimensions(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.shape().zip(self.strides())
    }

    /// Number of rows, 1 for a parameter.
    pub fn rows(&self) -> i64 {
        if self.descriptor.role == ROLE_PARAMETER { 1 } else { self.extent(self.ndim().wrapping_sub(2)) }
    }

    /// Step from row to row, 0 for a parameter.
    pub fn row_stride(&self) -> i64 {
        if self.descriptor.role == ROLE_PARAMETER { 0 } else { self.stride(self.ndim().wrapping_sub(2)) }
    }

    /// Number of components.
    pub fn components(&self) -> i64 {
        self.extent(self.ndim().wrapping_sub(1))
    }

    /// Step from component to component.
    pub fn component_stride(&self) -> i64 {
        self.stride(self.ndim().wrapping_sub(1))
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.shape().any(|extent| extent == 0)
    }

    /// Bytes an element.
    pub fn item_size(&self) -> u64 {
        u64::from(self.given.dtype.bits).div_ceil(8).saturating_mul(self.given.dtype.lanes.into())
    }

    /// The first element.
    pub fn data(&self) -> *mut u8 {
        self.given.data.cast::<u8>().wrapping_add(self.given.byte_offset as usize)
    }

    /// The first element's address.
    pub fn address(&self) -> usize {
        self.data() as usize
    }
}

/// The DLPack type of a storage type.
pub fn dlpack_type(dtype: u8) -> DLDataType {
    let (code, bits) = match dtype {
        F16 => (DL_FLOAT, 16),
        BF16 => (DL_BFLOAT, 16),
        F32 => (DL_FLOAT, 32),
        F64 => (DL_FLOAT, 64),
        C64 => (DL_COMPLEX, 64),
        C128 => (DL_COMPLEX, 128),
        _ => (DL_INT, 64),
    };
    DLDataType { code, bits, lanes: 1 }
}

/// The name of a storage type.
pub fn type_name(dtype: u8) -> &'static str {
    match dtype {
        F16 => "float16",
        BF16 => "bfloat16",
        F32 => "float32",
        F64 => "float64",
        I64 => "int64",
        C64 => "complex64",
        C128 => "complex128",
        _ => "an unknown type",
    }
}

/// The name of a DLPack type code, to be followed by the bits.
pub fn code_name(code: u8) -> Option<&'static str> {
    match code {
        DL_INT => Some("int"),
        DL_UINT => Some("uint"),
        DL_FLOAT => Some("float"),
        DL_BFLOAT => Some("bfloat"),
        DL_COMPLEX => Some("complex"),
        _ => None,
    }
}
