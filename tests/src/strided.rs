//! Tensors in any layout, in guarded memory: any order of axes, gaps, negative strides and, for inputs, stride 0.

use keopsc_ir::random::Random;
use keopsc_ir::types::ScalarType;
use keopsc_runtime::abi::{BF16, C64, C128, DL_CPU, DLDevice, DLTensor, F16, F32, F64, I64};
use keopsc_runtime::support::dlpack_type;

use crate::guarded::{Flush, Guarded};

/// What may be drawn of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Elements may lie in one place.
    Input,
    /// Every element has a place of its own.
    Result,
}

/// A tensor's memory, shape and strides.
#[derive(Debug)]
pub struct Strided {
    memory: Guarded,
    scalar: ScalarType,
    shape: Vec<i64>,
    strides: Vec<i64>,
    /// The place of the first element, counted in elements.
    origin: usize,
    byte_offset: u64,
    without_strides: bool,
    without_data: bool,
}

/// Bytes of a component: of the parts of a complex number.
fn size(scalar: ScalarType) -> usize {
    scalar.real().size() as usize
}

/// How the ABI numbers a storage type.
fn number(scalar: ScalarType) -> u8 {
    match scalar {
        ScalarType::F16 => F16,
        ScalarType::BF16 => BF16,
        ScalarType::F32 => F32,
        ScalarType::F64 => F64,
        ScalarType::I64 => I64,
        ScalarType::C64 => C64,
        ScalarType::C128 => C128,
    }
}

/// The axes from the finest to the coarsest.
fn draw_order(random: &mut Random, axes: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..axes).rev().collect();
    match random.below(5) {
        0 | 1 => (),
        2 => order.reverse(),
        _ => (1..axes).for_each(|last| order.swap(last, random.below(last + 1))),
    }
    order
}

impl Strided {
    /// A tensor of that shape, in elements, in a random layout, often row-major.
    pub fn draw(random: &mut Random, shape: &[usize], scalar: ScalarType, of: Use) -> Strided {
        let is_plain = random.percent(35);
        Strided::draw_layout(random, shape, scalar, of, is_plain)
    }

    /// A row-major tensor without gaps.
    pub fn draw_plain(random: &mut Random, shape: &[usize], scalar: ScalarType) -> Strided {
        Strided::draw_layout(random, shape, scalar, Use::Result, true)
    }

    fn draw_layout(random: &mut Random, shape: &[usize], scalar: ScalarType, of: Use, is_plain: bool) -> Strided {
        let order = if is_plain { (0..shape.len()).rev().collect() } else { draw_order(random, shape.len()) };
        let mut strides = vec![0_i64; shape.len()];
        // What the axes so far span: from the lowest to the highest place, both included.
        let (mut span, mut below) = (1_i64, 0_i64);
        for axis in order {
            let extent = shape[axis] as i64;
            let reach = extent.max(1) - 1;
            let gap = if !is_plain && random.percent(30) { random.integer(1, 3) } else { 0 };
            let step = span + gap;
            let (repeats, backwards) = (of == Use::Input && random.percent(5), random.percent(15));
            strides[axis] = match (is_plain, repeats, backwards) {
                (true, ..) => step,
                (false, true, _) => 0,
                (false, false, true) => -step,
                (false, false, false) => step,
            };
            if extent == 1 && !is_plain && random.percent(30) {
                // Nobody steps along this axis.
                strides[axis] = random.integer(-1000, 1000);
            }
            span += strides[axis].abs() * reach;
            below += (-strides[axis]).max(0) * reach;
        }
        let is_empty = shape.contains(&0);
        let elements = if is_empty { 0 } else { span as usize };
        let flush = random.pick(&[Flush::Front, Flush::Back]);
        Strided {
            memory: Guarded::new(elements * scalar.size() as usize, flush),
            scalar,
            shape: shape.iter().map(|&extent| extent as i64).collect(),
            strides,
            origin: if is_empty { 0 } else { below as usize },
            byte_offset: if random.percent(20) { random.integer(1, 4096) as u64 } else { 0 },
            without_strides: is_plain && random.percent(50),
            without_data: is_empty && random.percent(50),
        }
    }

    /// Sets each component in memory, those of gaps included.
    pub fn fill(&mut self, mut word: impl FnMut() -> u64) {
        let size = size(self.scalar);
        for component in self.memory.bytes_mut().chunks_exact_mut(size) {
            component.copy_from_slice(&word().to_le_bytes()[..size]);
        }
    }

    /// Where a component lies in memory, counted in components. The last number of an index counts components: two a complex element.
    pub fn place(&self, index: &[usize]) -> usize {
        let parts = self.scalar.components() as usize;
        let (component, axes) = index.split_last().expect("tensors have components");
        let element = axes.iter().copied().chain([component / parts]);
        let offset: i64 = element.zip(&self.strides).map(|(index, stride)| index as i64 * stride).sum();
        (self.origin as i64 + offset) as usize * parts + component % parts
    }

    /// The bits at a place.
    pub fn word_at(&self, place: usize) -> u64 {
        let size = size(self.scalar);
        let mut word = [0; 8];
        word[..size].copy_from_slice(&self.memory.bytes()[place * size..(place + 1) * size]);
        u64::from_le_bytes(word)
    }

    /// The bits of a component.
    pub fn word(&self, index: &[usize]) -> u64 {
        self.word_at(self.place(index))
    }

    /// Sets the bits of a component.
    pub fn set_word(&mut self, index: &[usize], word: u64) {
        let (size, place) = (size(self.scalar), self.place(index));
        self.memory.bytes_mut()[place * size..(place + 1) * size].copy_from_slice(&word.to_le_bytes()[..size]);
    }

    /// Components in memory, those of gaps included.
    pub fn places(&self) -> usize {
        self.memory.bytes().len() / size(self.scalar)
    }

    /// From now on a write ends the process.
    pub fn forbid_writing(&mut self) {
        self.memory.forbid_writing();
    }

    /// All extents.
    pub fn shape(&self) -> &[i64] {
        &self.shape
    }

    /// All extents, with another number of rows.
    pub fn shape_of_rows(&self, rows: usize) -> Vec<i64> {
        let mut shape = self.shape.clone();
        let axis = shape.len() - 2;
        shape[axis] = rows as i64;
        shape
    }

    /// As the ABI has it, from a row on, with a shape of as many rows as there are or fewer.
    pub fn tensor_from_row(&self, first: usize, shape: &[i64]) -> DLTensor {
        let whole = self.tensor();
        let skipped = if first == 0 { 0 } else { first as i64 * self.strides[shape.len() - 2] };
        let bytes = skipped as isize * self.scalar.size() as isize;
        // Strides that may be left out are those of the whole tensor.
        let strides = self.strides.as_ptr().cast_mut();
        DLTensor { data: whole.data.wrapping_byte_offset(bytes), shape: shape.as_ptr().cast_mut(), strides, ..whole }
    }

    /// As the ABI has it; valid as long as this value.
    pub fn tensor(&self) -> DLTensor {
        let first = self.memory.data().wrapping_add(self.origin * self.scalar.size() as usize);
        let (data, byte_offset) = if self.without_data {
            (std::ptr::null_mut(), 0)
        } else {
            (first.wrapping_sub(self.byte_offset as usize), self.byte_offset)
        };
        DLTensor {
            data: data.cast(),
            device: DLDevice { device_type: DL_CPU, device_id: 0 },
            ndim: self.shape.len() as i32,
            dtype: dlpack_type(number(self.scalar)),
            shape: self.shape.as_ptr().cast_mut(),
            strides: if self.without_strides { std::ptr::null_mut() } else { self.strides.as_ptr().cast_mut() },
            byte_offset,
        }
    }

    /// The memory in which all elements lie.
    pub fn bytes(&self) -> &[u8] {
        self.memory.bytes()
    }

    /// The same, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.memory.bytes_mut()
    }

    /// Shape and strides in words.
    pub fn words(&self) -> String {
        format!("shape {:?} strides {:?} {}", self.shape, self.strides, self.scalar.name())
    }
}
