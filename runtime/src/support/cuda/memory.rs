//! Where the tensors of a call lie on a GPU: arguments where the call says or in a dense copy, temporaries and what is added up over the batch
//! in workspace, and the tables of ranges, which count as six tensors more.

use super::gpu::Cursor;
use crate::abi::{I64, ROLE_I, ROLE_J, TensorDescriptor};
use crate::support::arena::times;
use crate::support::pack::size_of_type;
use crate::support::problem::Problem;
use crate::support::ranges::{Table, Tables};
use crate::support::sum::Sums;

/// The tensors of a call.
#[derive(Clone, Copy)]
pub struct Memory<'a> {
    /// The call.
    pub problem: &'a Problem<'a>,
    /// The tables of ranges.
    pub tables: Option<&'a Tables<'a>>,
    /// Dense copies of arguments and tables, NULL where they are used in place.
    pub copies: *mut u8,
    /// What the call itself needs.
    pub workspace: *mut u8,
}

/// A tensor at batch element 0. Steps are counted in elements.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its first element.
    pub data: *mut u8,
    /// Step from row to row.
    pub row: i64,
    /// Step from component to component.
    pub component: i64,
    /// Bytes of an element.
    pub size: usize,
    /// Its rows' role.
    pub role: u8,
}

/// What a tensor is.
#[derive(Clone, Copy)]
enum Kind<'a> {
    Argument(&'a TensorDescriptor),
    /// A result that is added up over the batch.
    Summed(&'a TensorDescriptor),
    Temporary(&'a TensorDescriptor),
    Table(&'a Table<'a>),
    None,
}

impl<'a> Memory<'a> {
    /// Arguments, results and temporaries.
    pub fn num_tensors(&self) -> usize {
        self.problem.descriptors().len()
    }

    /// The number of the first table for a pass with these rows: blocks; ends and column blocks follow. `None` where all pairs count.
    pub fn first_table(&self, rows: u8, columns: u8) -> Option<usize> {
        self.tables?;
        match (rows, columns) {
            (ROLE_I, ROLE_J) => Some(self.num_tensors()),
            (ROLE_J, ROLE_I) => Some(self.num_tensors() + 3),
            _ => None,
        }
    }

    /// Rows or numbers of a table.
    pub fn count(&self, number: usize) -> usize {
        self.rows_and_width(self.kind(number)).0
    }

    /// Bytes of the dense copies.
    pub fn copied_bytes(&self) -> usize {
        self.copied(usize::MAX)
    }

    /// Bytes of temporaries and of what is added up.
    pub fn workspace_bytes(&self) -> usize {
        self.working(usize::MAX)
    }

    /// Whether a result is added up over the batch.
    pub fn is_summed(&self, number: usize) -> bool {
        matches!(self.kind(number), Kind::Summed(_))
    }

    /// Whether passes write a tensor in another type than the one it is stored in.
    pub fn is_wide(&self, number: usize) -> bool {
        match self.kind(number) {
            Kind::Summed(descriptor) => {
                Sums::new(self.problem, core::ptr::null_mut()).dtype(descriptor) != descriptor.dtype
            }
            _ => false,
        }
    }

    /// A tensor where passes read or write it.
    #[inline(never)]
    pub fn place(&self, number: usize) -> Place {
        match self.kind(number) {
            Kind::Argument(descriptor) => self.argument(number, descriptor),
            kind @ (Kind::Summed(_) | Kind::Temporary(_)) => {
                self.dense(kind, self.workspace.wrapping_add(self.working(number)))
            }
            kind @ Kind::Table(table) => {
                if self.copies.is_null() {
                    let view = table.view();
                    let (row, component) = (view.row_stride as i64, view.component_stride as i64);
                    return Place { data: view.data, row, component, size: 8, role: ROLE_I };
                }
                self.dense(kind, self.copies.wrapping_add(self.copied(number)))
            }
            kind @ Kind::None => self.dense(kind, core::ptr::null_mut()),
        }
    }

    /// An argument or result as the call has it, on the GPU.
    #[inline(never)]
    pub fn argument(&self, number: usize, descriptor: &TensorDescriptor) -> Place {
        if !self.copies.is_null() {
            let data = self.copies.wrapping_add(self.copied(number));
            return self.dense(Kind::Argument(descriptor), data);
        }
        let view = self.problem.view(number, descriptor);
        Place {
            data: view.data,
            row: view.row_stride as i64,
            component: view.component_stride as i64,
            size: size_of_type(descriptor.dtype),
            role: descriptor.role,
        }
    }

    /// The step of a tensor along a batch dimension, where passes read or write it.
    #[inline(never)]
    pub fn step(&self, number: usize, dimension: usize) -> i64 {
        let kind = self.kind(number);
        match kind {
            Kind::Summed(_) | Kind::Temporary(_) => self.dense_step(kind, number, dimension, false),
            _ => self.argument_step(number, dimension),
        }
    }

    /// The step of an argument, result or table along a batch dimension, as the call has it.
    #[inline(never)]
    pub fn argument_step(&self, number: usize, dimension: usize) -> i64 {
        let given = self.given_step(number, dimension);
        if self.copies.is_null() || given == 0 {
            return given;
        }
        self.dense_step(self.kind(number), number, dimension, true)
    }

    /// The step of an argument, result or table in the caller's memory.
    #[inline(never)]
    pub fn given_step(&self, number: usize, dimension: usize) -> i64 {
        match self.kind(number) {
            Kind::Argument(descriptor) | Kind::Summed(descriptor) => {
                self.problem.batch_stride(number, descriptor, dimension) as i64
            }
            Kind::Table(table) => table.batch_step(dimension, self.problem.extents.batch_dimensions),
            _ => 0,
        }
    }

    /// The extent of a copy along a batch dimension: 1 where the tensor is the same for all.
    pub fn copied_extent(&self, number: usize, dimension: usize) -> usize {
        if self.given_step(number, dimension) == 0 { 1 } else { self.extent(dimension) }
    }

    /// Whether an argument, result or table has no elements in the caller's memory, which may be nowhere then.
    pub fn is_empty(&self, number: usize) -> bool {
        match self.kind(number) {
            Kind::Argument(descriptor) | Kind::Summed(descriptor) => self.problem.is_empty(number, descriptor),
            Kind::Table(table) => table.is_empty(),
            Kind::Temporary(_) | Kind::None => false,
        }
    }

    fn extent(&self, dimension: usize) -> usize {
        self.problem.extents.batch_shape.get(dimension).map_or(1, |&extent| extent.max(0) as usize)
    }

    /// Rows and components of a batch element.
    pub fn shape(&self, number: usize) -> (usize, usize) {
        self.rows_and_width(self.kind(number))
    }

    #[inline(never)]
    fn kind(&self, number: usize) -> Kind<'a> {
        let Some(descriptor) = self.problem.descriptors().get(number) else {
            let table = self.tables.and_then(|tables| tables.get(number - self.num_tensors()));
            return table.map_or(Kind::None, Kind::Table);
        };
        if number >= self.problem.entry.num_tensors as usize {
            return Kind::Temporary(descriptor);
        }
        if Sums::new(self.problem, core::ptr::null_mut()).is_added_up(number, descriptor) {
            return Kind::Summed(descriptor);
        }
        Kind::Argument(descriptor)
    }

    #[inline(never)]
    fn rows_and_width(&self, kind: Kind<'_>) -> (usize, usize) {
        match kind {
            Kind::Argument(descriptor) | Kind::Summed(descriptor) | Kind::Temporary(descriptor) => {
                (self.problem.extents.rows(descriptor.role), descriptor.dim as usize)
            }
            Kind::Table(table) => (table.count(), table.width()),
            Kind::None => (0, 0),
        }
    }

    fn elements(&self, kind: Kind<'_>) -> usize {
        let (rows, width) = self.rows_and_width(kind);
        times(rows, width)
    }

    #[inline(never)]
    fn dense(&self, kind: Kind<'_>, data: *mut u8) -> Place {
        let (role, dtype) = match kind {
            Kind::Argument(descriptor) | Kind::Temporary(descriptor) => (descriptor.role, descriptor.dtype),
            Kind::Summed(descriptor) => {
                (descriptor.role, Sums::new(self.problem, core::ptr::null_mut()).dtype(descriptor))
            }
            Kind::Table(_) | Kind::None => (ROLE_I, I64),
        };
        let row = if matches!(role, ROLE_I | ROLE_J) { self.rows_and_width(kind).1 as i64 } else { 0 };
        Place { data, row, component: 1, size: size_of_type(dtype), role }
    }

    /// The step of a dense tensor: of all batch elements, or of those alone that a copy has.
    #[inline(never)]
    fn dense_step(&self, kind: Kind<'_>, number: usize, dimension: usize, is_copy: bool) -> i64 {
        let finer = dimension + 1..self.problem.extents.batch_dimensions;
        finer.fold(self.elements(kind), |step, finer| {
            times(step, if is_copy { self.copied_extent(number, finer) } else { self.extent(finer) })
        }) as i64
    }

    /// Bytes of the copies of all arguments and tables before a number.
    #[inline(never)]
    fn copied(&self, before: usize) -> usize {
        let mut cursor = Cursor::new();
        let arguments = 0..self.problem.entry.num_tensors as usize;
        let tables = self.num_tensors()..self.num_tensors() + if self.tables.is_some() { Tables::COUNT } else { 0 };
        for number in arguments.chain(tables).take_while(|number| *number < before) {
            cursor.take(
                times(self.copied_count(number), self.elements(self.kind(number))),
                self.dense(self.kind_of_copy(number), core::ptr::null_mut()).size,
            );
        }
        cursor.bytes()
    }

    /// What a copy is: of what is added up, the result.
    fn kind_of_copy(&self, number: usize) -> Kind<'a> {
        match self.kind(number) {
            Kind::Summed(descriptor) => Kind::Argument(descriptor),
            kind => kind,
        }
    }

    /// Batch elements of a copy.
    pub fn copied_count(&self, number: usize) -> usize {
        (0..self.problem.extents.batch_dimensions)
            .fold(1, |count, dimension| times(count, self.copied_extent(number, dimension)))
    }

    /// Bytes of all temporaries and added up results before a number.
    #[inline(never)]
    fn working(&self, before: usize) -> usize {
        let mut cursor = Cursor::new();
        for number in (0..self.num_tensors()).take_while(|number| *number < before) {
            let kind = self.kind(number);
            if let Kind::Summed(_) | Kind::Temporary(_) = kind {
                let place = self.dense(kind, core::ptr::null_mut());
                cursor.take(times(self.problem.extents.batch_count, self.elements(kind)), place.size);
            }
        }
        cursor.bytes()
    }
}
