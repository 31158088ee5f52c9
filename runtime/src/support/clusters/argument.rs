//! Checked tensors of numbers: read and written one element at a time, whatever their type and strides.

use crate::abi::{
    DL_BOOL, DL_CPU, DL_FLOAT, DL_INT, DL_UINT, DLDataType, DLTensor, I64, NO_TENSOR, ROLE_I, Status, TensorDescriptor,
};
use crate::support::arena::{Arena, times};
use crate::support::message::Message;
use crate::support::overlap::{overlaps_itself, share_memory};
use crate::support::tensor::{Tensor, code_name};
use crate::support::validate::{has_impossible_dimensions, refuse_device, refuse_dimensions};
use core::ffi::CStr;

/// A call of one of the functions.
pub struct Request<'m> {
    /// Where its message goes.
    pub message: &'m mut Message,
}

/// What a tensor may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// float32 or float64.
    Float,
    /// int32 or int64.
    Integer,
    /// Whole numbers of up to 64 bits, signed or not, and booleans.
    Whole,
}

/// A tensor of one or two dimensions.
pub struct Argument<'a> {
    tensor: Tensor<'a>,
    element: Element,
    strides: [isize; 2],
}

#[derive(Clone, Copy)]
enum Element {
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

/// The name of a tensor, for messages.
pub const fn named(name: &'static CStr) -> TensorDescriptor {
    TensorDescriptor {
        name: name.as_ptr(),
        dim: 1,
        role: ROLE_I,
        dtype: I64,
        is_output: 0,
        finalize_reads: 0,
        gradient_of: NO_TENSOR,
    }
}

impl Request<'_> {
    /// Checks a tensor on its own. `shape` says what its dimensions are, -1 where any extent will do.
    #[inline(never)]
    pub fn argument<'a>(
        &mut self,
        descriptor: &'static TensorDescriptor,
        given: *const DLTensor,
        kind: Kind,
        shape: &[i64],
    ) -> Result<Argument<'a>, Status> {
        // SAFETY: callers pass NULL or a valid tensor.
        let Some(given) = (unsafe { given.as_ref() }) else {
            self.subject(descriptor).text(" is NULL");
            return Err(Status::NullPointer);
        };
        if given.device.device_type != DL_CPU {
            return Err(refuse_device(given.device.device_type, self.subject(descriptor)));
        }
        let element = self.element(descriptor, given.dtype, kind)?;
        if given.ndim > 0 && given.shape.is_null() {
            self.subject(descriptor).text(": shape is NULL");
            return Err(Status::NullPointer);
        }
        if has_impossible_dimensions(given) {
            refuse_dimensions(given, self.subject(descriptor));
            return Err(Status::Shape);
        }
        // SAFETY: there is a shape.
        let tensor = unsafe { Tensor::new(descriptor, given) };
        let fits = given.ndim == shape.len() as i32
            && tensor.shape().zip(shape).all(|(given, wanted)| given >= 0 && (*wanted == -1 || given == *wanted));
        if !fits {
            self.subject(descriptor);
            return Err(self.refuse_shape(&tensor, shape));
        }
        if tensor.address() == 0 && !tensor.is_empty() {
            self.subject(descriptor).text(": data is NULL, but the shape is ").tuple(tensor.shape());
            return Err(Status::NullPointer);
        }
        if tensor.address() as u64 & (tensor.item_size().max(1) - 1) != 0 {
            self.subject(descriptor).text(": data is not aligned to ").number(tensor.item_size() as i64).text(" bytes");
            return Err(Status::Stride);
        }
        Ok(Argument { tensor, element, strides: [0, 1].map(|dimension| tensor.stride(dimension) as isize) })
    }

    fn element(&mut self, descriptor: &TensorDescriptor, given: DLDataType, kind: Kind) -> Result<Element, Status> {
        let element = match (given.code, given.bits) {
            (DL_FLOAT, 32) => Some(Element::F32),
            (DL_FLOAT, 64) => Some(Element::F64),
            (DL_INT, 8) => Some(Element::I8),
            (DL_INT, 16) => Some(Element::I16),
            (DL_INT, 32) => Some(Element::I32),
            (DL_INT, 64) => Some(Element::I64),
            (DL_UINT | DL_BOOL, 8) => Some(Element::U8),
            (DL_UINT, 16) => Some(Element::U16),
            (DL_UINT, 32) => Some(Element::U32),
            (DL_UINT, 64) => Some(Element::U64),
            _ => None,
        };
        let element = element.filter(|element| match element {
            Element::F32 | Element::F64 => kind == Kind::Float,
            Element::I32 | Element::I64 => kind != Kind::Float,
            _ => kind == Kind::Whole,
        });
        if let (Some(element), 1) = (element, given.lanes) {
            return Ok(element);
        }
        let wanted = match kind {
            Kind::Float => "float32 or float64",
            Kind::Integer => "int32 or int64",
            Kind::Whole => "integers or booleans",
        };
        let subject = self.subject(descriptor).text(": expected ").text(wanted).text(", given ");
        let name = if given.code == DL_BOOL { Some("bool") } else { code_name(given.code) };
        match name {
            Some(name) => subject.text(name).number(given.bits.into()),
            None => subject.text("type code ").number(given.code.into()),
        };
        Err(Status::Dtype)
    }

    /// Ends a message: "expected shape (5, *), given shape (4, 2)".
    pub fn refuse_shape(&mut self, tensor: &Tensor<'_>, wanted: &[i64]) -> Status {
        self.message.text(": expected shape (");
        for (number, extent) in wanted.iter().enumerate() {
            self.message.text(if number > 0 { ", " } else { "" });
            if *extent == -1 {
                self.message.text("*");
            } else {
                self.message.number(*extent);
            }
        }
        self.message.text(if wanted.len() == 1 { ",)" } else { ")" }).text(", given shape ").tuple(tensor.shape());
        Status::Shape
    }

    /// Whether a tensor can be written while others are read or written.
    #[inline(never)]
    pub fn writable(&mut self, result: &Argument<'_>, others: &[&Argument<'_>]) -> Result<(), Status> {
        if overlaps_itself(&result.tensor) {
            self.subject(result.tensor.descriptor).text(" has several elements in one place");
            return Err(Status::Stride);
        }
        if let Some(other) = others.iter().find(|other| share_memory(&result.tensor, &other.tensor)) {
            self.subject(result.tensor.descriptor).text(" shares memory with ");
            // SAFETY: names are C strings.
            unsafe { self.message.name(other.tensor.descriptor.name) };
            return Err(Status::Stride);
        }
        Ok(())
    }

    /// Whether the numbers up to `largest` can be written to a tensor.
    pub fn holds(&mut self, result: &Argument<'_>, largest: usize) -> Result<(), Status> {
        if matches!(result.element, Element::I32) && largest > i32::MAX as usize {
            self.subject(result.tensor.descriptor).text(": numbers up to ").number(largest as i64);
            self.message.text(" do not fit into int32, give int64");
            return Err(Status::Dtype);
        }
        Ok(())
    }

    /// `labels[4]`, or `points[4, 1]`.
    pub fn place(&mut self, argument: &Argument<'_>, row: usize, column: Option<usize>) -> &mut Message {
        self.subject(argument.tensor.descriptor).text("[").number(row as i64);
        if let Some(column) = column {
            self.message.text(", ").number(column as i64);
        }
        self.message.text("]")
    }

    /// The labels' clusters, all of which are below `clusters`.
    pub fn labels_below(&mut self, labels: &Argument<'_>, clusters: usize) -> Result<(), Status> {
        for row in 0..labels.rows() {
            let label = labels.integer(row, 0);
            if label < 0 || label as usize >= clusters {
                self.place(labels, row, None).text(" is ").number(label).text(", expected 0 <= label < ");
                self.message.number(clusters as i64);
                return Err(Status::Value);
            }
        }
        Ok(())
    }

    /// Memory for `count` elements of `size` bytes.
    pub fn memory(&mut self, count: usize, size: usize) -> Result<Arena, Status> {
        Arena::new(times(count, size), core::ptr::null_mut(), 0).inspect_err(|_| {
            self.message.text("out of memory");
        })
    }

    /// Begins a message with a tensor's name.
    pub fn subject(&mut self, descriptor: &TensorDescriptor) -> &mut Message {
        // SAFETY: names are C strings.
        unsafe { self.message.name(descriptor.name) }
    }
}

impl<'a> Argument<'a> {
    /// The tensor.
    pub fn tensor(&self) -> &Tensor<'a> {
        &self.tensor
    }

    /// Its first extent.
    pub fn rows(&self) -> usize {
        self.tensor.extent(0) as usize
    }

    /// Its second extent, 1 if there is none.
    pub fn columns(&self) -> usize {
        self.tensor.extent(1) as usize
    }

    /// Steps along the two dimensions.
    pub fn strides(&self) -> [isize; 2] {
        self.strides
    }

    /// Whether its elements are float32.
    pub fn is_single(&self) -> bool {
        matches!(self.element, Element::F32)
    }

    fn at<T>(&self, row: usize, column: usize) -> *mut T {
        let offset =
            (row as isize).wrapping_mul(self.strides[0]).wrapping_add((column as isize).wrapping_mul(self.strides[1]));
        self.tensor.data().cast::<T>().wrapping_offset(offset)
    }

    /// An element of an integer tensor; what is past int64 is negative.
    #[inline(never)]
    pub fn integer(&self, row: usize, column: usize) -> i64 {
        // SAFETY: callers stay within the shape, the type is the tensor's.
        unsafe {
            match self.element {
                Element::I8 => self.at::<i8>(row, column).read().into(),
                Element::I16 => self.at::<i16>(row, column).read().into(),
                Element::I32 => self.at::<i32>(row, column).read().into(),
                Element::U8 => self.at::<u8>(row, column).read().into(),
                Element::U16 => self.at::<u16>(row, column).read().into(),
                Element::U32 => self.at::<u32>(row, column).read().into(),
                Element::U64 => self.at::<u64>(row, column).read() as i64,
                Element::I64 => self.at::<i64>(row, column).read(),
                Element::F32 | Element::F64 => 0,
            }
        }
    }

    /// An element of a tensor of floats.
    pub fn float(&self, row: usize, column: usize) -> f64 {
        // SAFETY: callers stay within the shape, the type is the tensor's.
        unsafe {
            match self.element {
                Element::F32 => self.at::<f32>(row, column).read().into(),
                _ => self.at::<f64>(row, column).read(),
            }
        }
    }

    /// Writes an element of an int32 or int64 tensor.
    #[inline(never)]
    pub fn write_integer(&self, row: usize, column: usize, value: i64) {
        // SAFETY: callers stay within the shape of a tensor that may be written, the type is the tensor's.
        unsafe {
            match self.element {
                Element::I32 => self.at::<i32>(row, column).write(value as i32),
                _ => self.at::<i64>(row, column).write(value),
            }
        }
    }

    /// Writes an element of a tensor of floats.
    pub fn write_float(&self, row: usize, column: usize, value: f64) {
        // SAFETY: callers stay within the shape of a tensor that may be written, the type is the tensor's.
        unsafe {
            match self.element {
                Element::F32 => self.at::<f32>(row, column).write(value as f32),
                _ => self.at::<f64>(row, column).write(value),
            }
        }
    }
}
