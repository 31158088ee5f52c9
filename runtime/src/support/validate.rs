//! Arguments to checked extents. Everything is looked at before any memory is touched; the message names what was expected and what came.

use super::cuda::{NO_CODE, OnDevice};
use super::location::Location;
use super::message::Message;
use super::overlap::{overlaps_itself, share_bytes, share_memory};
use super::pack::{alignment_of_type, size_of_type};
use super::problem::{Extents, Phase, list};
use super::ranges::{self, Ranges, Tables};
use super::state::Layout;
use super::tensor::{MAX_DIMENSIONS, Tensor, code_name, dlpack_type, type_name};
use super::validate_state;
use crate::abi::{
    Call, DL_CPU, DL_CUDA, DLTensor, EntryDescriptor, ROLE_I, ROLE_J, ROLE_PARAMETER, Status, TensorDescriptor,
};
use core::ffi::c_void;

/// `sizeof(keops_call)` in version 1.
pub const CALL_SIZE: u32 = 96;
const _: () = assert!(size_of::<Call>() == CALL_SIZE as usize);

/// Checks a layer-1 call.
///
/// # Safety
/// `pointers` has one pointer for each of the entry's tensors.
pub unsafe fn plain(
    entry: &EntryDescriptor,
    rows_i: i64,
    rows_j: i64,
    phase: &Phase,
    pointers: *const *mut c_void,
) -> Result<Extents, Status> {
    let (Ok(i), Ok(j)) = (usize::try_from(rows_i), usize::try_from(rows_j)) else { return Err(Status::Shape) };
    let extents = Extents::unbatched(i, j);
    // SAFETY: as the entry and the caller promise.
    let (descriptors, pointers) =
        unsafe { (list(entry.tensors, entry.num_tensors), list(pointers.cast::<usize>(), entry.num_tensors)) };
    let bytes = |descriptor: &TensorDescriptor| {
        let rows = if phase.takes(descriptor) { extents.rows(descriptor.role) } else { 0 };
        rows.saturating_mul(descriptor.dim as usize).saturating_mul(size_of_type(descriptor.dtype))
    };
    for (descriptor, &address) in descriptors.iter().zip(pointers) {
        if bytes(descriptor) > 0 && address == 0 {
            return Err(Status::NullPointer);
        }
        if phase.takes(descriptor) && misaligned(address, descriptor) {
            return Err(Status::Stride);
        }
    }
    let meet = |(one, size): (usize, usize), (other, length): (usize, usize)| {
        size > 0 && length > 0 && one < other.saturating_add(length) && other < one.saturating_add(size)
    };
    // SAFETY: the entry is valid.
    let states = unsafe { validate_state::check(entry, phase, &extents, &mut Message::none())? };
    let beside = descriptors.iter().zip(pointers).filter(|(descriptor, _)| phase.must_not_meet_states(descriptor));
    for (descriptor, &address) in beside {
        if meet(states, (address, bytes(descriptor))) {
            return Err(Status::Stride);
        }
    }
    for (number, (result, &address)) in
        descriptors.iter().zip(pointers).enumerate().filter(|(_, (d, _))| d.is_output != 0)
    {
        for (other, (argument, &start)) in descriptors.iter().zip(pointers).enumerate() {
            if other != number && meet((address, bytes(result)), (start, bytes(argument))) {
                return Err(Status::Stride);
            }
        }
    }
    Ok(extents)
}

/// Checks the part of a layer-2 call that says how to read the rest. Writes no message: where it goes may be unknown.
///
/// # Safety
/// `call` is NULL or points to a struct of `struct_size` bytes.
pub unsafe fn header<'a>(call: *const Call) -> Result<&'a Call, Status> {
    if call.is_null() {
        return Err(Status::NullPointer);
    }
    // SAFETY: every version's struct begins with its size.
    let size = unsafe { call.cast::<u32>().read() };
    if size < CALL_SIZE {
        return Err(Status::Arguments);
    }
    // SAFETY: it is at least version 1's struct.
    Ok(unsafe { &*call })
}

/// Checks what a call says besides its tensors. Gives the threads that it asks for.
pub fn options(call: &Call, message: &mut Message) -> Result<usize, Status> {
    if call.threads < 0 {
        message.text("threads is ").number(call.threads.into()).text(", expected 0 (automatic) or more");
        return Err(Status::Arguments);
    }
    if !matches!(call.device_type, 0 | DL_CPU | DL_CUDA) {
        return Err(refuse_device(call.device_type, message.text("the call")));
    }
    Ok(call.threads as usize)
}

/// What a checked call is.
pub struct Checked<'a> {
    /// Its sizes.
    pub extents: Extents,
    /// Which pairs count, on the CPU.
    pub ranges: Option<Ranges<'a>>,
    /// The GPU that it runs on, if it does.
    pub device: Option<OnDevice<'a>>,
}

/// Checks a layer-2 call.
///
/// # Safety
/// The pointers in `call` are NULL or point to what the ABI says.
pub unsafe fn call<'a>(
    entry: &'a EntryDescriptor,
    call: &'a Call,
    phase: &'a Phase,
    message: &mut Message,
) -> Result<Checked<'a>, Status> {
    // SAFETY: as the caller promises.
    unsafe {
        let all = list(entry.tensors, entry.num_tensors);
        let count = if let Phase::Partial { .. } = phase {
            all.iter().take_while(|descriptor| descriptor.is_output == 0).count()
        } else {
            all.len()
        };
        let layout = validate_state::layout(entry);
        let check = Check { entry, call, phase, layout, descriptors: all.get(..count).unwrap_or(all) };
        message.name(entry.name).text(": ");
        check.arguments(message)?;
        let location = check.tensors(message)?;
        let device = check.device(location, message)?;
        let has_ranges = !call.ranges.is_null() && phase.reads_ranges();
        let tables = if has_ranges { Some(ranges::tables(call.ranges, location, message)?) } else { None };
        let extents = check.extents(tables.as_ref(), message)?;
        check.memory(tables.as_ref(), message)?;
        let states = validate_state::check(entry, phase, &extents, message)?;
        check.states(states, message)?;
        let ranges = match tables {
            // What is in memory of a GPU is looked at there.
            Some(tables) if location != Location::Host => {
                ranges::check_counts(&tables, message)?;
                None
            }
            Some(tables) => Some(ranges::check(tables, &extents, message)?),
            None => None,
        };
        message.clear();
        let device = device.map(|number| OnDevice { number, is_streamed: location == Location::Host, tables });
        Ok(Checked { extents, ranges, device })
    }
}

struct Check<'a> {
    entry: &'a EntryDescriptor,
    call: &'a Call,
    phase: &'a Phase,
    /// What states are like, if the entry has any.
    layout: Result<Layout<'a>, Status>,
    /// The tensors that the call has.
    descriptors: &'a [TensorDescriptor],
}

impl<'a> Check<'a> {
    /// Counts, options and NULL pointers.
    fn arguments(&self, message: &mut Message) -> Result<(), Status> {
        let call = self.call;
        if call.num_tensors as usize != self.descriptors.len() {
            message.text("expected ").number(self.descriptors.len() as i64).text(" tensors (");
            for (number, descriptor) in self.descriptors.iter().enumerate() {
                message.text(if number > 0 { ", " } else { "" });
                // SAFETY: names are NUL-terminated.
                unsafe { message.name(descriptor.name) };
            }
            message.text("), given ").number(call.num_tensors.into());
            return Err(Status::Arguments);
        }
        options(call, message)?;
        if call.tensors.is_null() && call.num_tensors > 0 {
            message.text("the array of tensors is NULL");
            return Err(Status::NullPointer);
        }
        Ok(())
    }

    /// Each tensor on its own: device, type, dimensions, components. Gives where all of them are.
    fn tensors(&self, message: &mut Message) -> Result<Location, Status> {
        let mut first: Option<(Location, &TensorDescriptor)> = None;
        let taken = self.descriptors.iter().enumerate().filter(|(_, descriptor)| self.phase.takes(descriptor));
        for (number, descriptor) in taken {
            // SAFETY: `arguments` checked the count.
            let given = unsafe { self.call.tensors.add(number).read() };
            if given.is_null() {
                self.subject(descriptor, message).text(" is NULL");
                return Err(Status::NullPointer);
            }
            // SAFETY: not NULL, hence a tensor.
            let given = unsafe { &*given };
            let Some(location) = Location::of(given) else {
                return Err(refuse_device(given.device.device_type, self.subject(descriptor, message)));
            };
            if location != Location::Host && self.entry.device.is_null() {
                self.subject(descriptor, message).text(" is ");
                location.describe(message).text(", but ").text(NO_CODE);
                return Err(Status::Device);
            }
            let (wanted, other) = *first.get_or_insert((location, descriptor));
            if location != wanted {
                self.subject(descriptor, message).text(" is ");
                // SAFETY: names are NUL-terminated.
                unsafe { location.describe(message).text(", but ").name(other.name).text(" is ") };
                wanted.describe(message).text(": all must be in one place");
                return Err(Status::Device);
            }
            self.dtype(descriptor, given, message)?;
            self.shape(descriptor, given, message)?;
        }
        Ok(first.map_or(Location::Host, |(location, _)| location))
    }

    /// The GPU that the call runs on, if it does.
    fn device(&self, location: Location, message: &mut Message) -> Result<Option<i32>, Status> {
        let call = self.call;
        let number = match (call.device_type, location) {
            (DL_CUDA, Location::Host) => call.device_id,
            (_, Location::Host) => return Ok(None),
            (DL_CPU, Location::Cuda(_)) => {
                message.text("the tensors are ");
                location.describe(message).text(", but the call asks for the CPU");
                return Err(Status::Device);
            }
            (DL_CUDA, Location::Cuda(number)) if number != call.device_id => {
                message.text("the tensors are ");
                location.describe(message).text(", but the call asks for CUDA device ").number(call.device_id.into());
                return Err(Status::Device);
            }
            (_, Location::Cuda(number)) => number,
        };
        if !matches!(self.phase, Phase::Whole) {
            return Err(refuse_states(self.entry, message));
        }
        if self.entry.device.is_null() {
            message.text(NO_CODE);
            return Err(Status::Device);
        }
        Ok(Some(number))
    }

    fn dtype(&self, descriptor: &TensorDescriptor, given: &DLTensor, message: &mut Message) -> Result<(), Status> {
        if given.dtype == dlpack_type(descriptor.dtype) {
            return Ok(());
        }
        let subject = self.subject(descriptor, message);
        subject.text(": expected ").text(type_name(descriptor.dtype)).text(", given ");
        match code_name(given.dtype.code) {
            Some(name) => subject.text(name).number(given.dtype.bits.into()),
            None => subject
                .text("type code ")
                .number(given.dtype.code.into())
                .text(" of ")
                .number(given.dtype.bits.into())
                .text(" bits"),
        };
        if given.dtype.lanes != 1 {
            subject.text(" in ").number(given.dtype.lanes.into()).text(" lanes");
        }
        Err(Status::Dtype)
    }

    fn shape(&self, descriptor: &TensorDescriptor, given: &DLTensor, message: &mut Message) -> Result<(), Status> {
        // SAFETY: nothing is read before `shape` is known not to be NULL.
        let tensor = unsafe { Tensor::new(descriptor, given) };
        if given.ndim > 0 && given.shape.is_null() {
            self.subject(descriptor, message).text(": shape is NULL");
            return Err(Status::NullPointer);
        }
        if has_impossible_dimensions(given) {
            refuse_dimensions(given, self.subject(descriptor, message));
            return Err(Status::Shape);
        }
        let fits = tensor.ndim() >= tensor.own_dimensions()
            && tensor.components() == i64::from(descriptor.dim)
            && tensor.shape().all(|extent| extent >= 0);
        if fits {
            return Ok(());
        }
        self.subject(descriptor, message);
        expected(descriptor, None, message).text(", given shape ").tuple(tensor.shape());
        Err(Status::Shape)
    }

    /// All tensors together: rows and batches.
    fn extents(&self, tables: Option<&Tables<'_>>, message: &mut Message) -> Result<Extents, Status> {
        let rows_i = self.rows(ROLE_I, self.call.rows_i, message)?;
        let rows_j = self.rows(ROLE_J, self.call.rows_j, message)?;
        let mut extents = Extents::unbatched(rows_i, rows_j);
        self.broadcast(tables, &mut extents, message)?;
        self.results(&extents, message)?;
        let shape = extents.batch_shape.iter().take(extents.batch_dimensions);
        extents.batch_count = if shape.clone().any(|&extent| extent == 0) {
            0
        } else {
            shape.fold(1_usize, |product, &extent| product.saturating_mul(extent.max(0) as usize))
        };
        Ok(extents)
    }

    fn rows(&self, role: u8, told: i64, message: &mut Message) -> Result<usize, Status> {
        let mut known: Option<(i64, &TensorDescriptor)> = None;
        for tensor in self.given().filter(|tensor| tensor.descriptor.role == role) {
            let Some((rows, first)) = known else {
                known = Some((tensor.rows(), tensor.descriptor));
                continue;
            };
            if rows != tensor.rows() {
                self.subject(tensor.descriptor, message);
                expected(tensor.descriptor, Some(rows), message).text(", given shape ").tuple(tensor.shape());
                // SAFETY: names are NUL-terminated.
                unsafe { message.text(" (").name(first.name).text(" has ").number(rows).text(" rows)") };
                return Err(Status::Shape);
            }
        }
        let (argument, symbol) = if role == ROLE_I { ("rows_i", "M") } else { ("rows_j", "N") };
        match known {
            Some((rows, first)) if told != -1 && told != rows => {
                message.text(argument).text(" is ").number(told).text(", but ");
                // SAFETY: names are NUL-terminated.
                unsafe {
                    message.name(first.name).text(" has ").number(rows).text(" rows; give the same number or -1")
                };
                Err(Status::Shape)
            }
            Some((rows, _)) => Ok(rows.max(0) as usize),
            None if !self.needs_rows(role) => Ok(told.max(0) as usize),
            None => usize::try_from(told).map_err(|_| {
                message
                    .text(argument)
                    .text(" is ")
                    .number(told)
                    .text(", but no tensor tells ")
                    .text(symbol)
                    .text(": give it");
                Status::Shape
            }),
        }
    }

    /// Whether the number of rows of a role counts even where no tensor tells it.
    fn needs_rows(&self, role: u8) -> bool {
        let Ok(layout) = self.layout else { return true };
        let is_rows = layout.rows == role;
        match self.phase {
            Phase::Whole => true,
            Phase::Partial { .. } => is_rows || layout.passes.iter().any(|pass| pass.columns == role),
            Phase::Finalize { .. } => is_rows,
        }
    }

    /// The common batch shape of inputs and ranges; where inputs may be missing, of results, too.
    fn broadcast(
        &self,
        tables: Option<&Tables<'_>>,
        extents: &mut Extents,
        message: &mut Message,
    ) -> Result<(), Status> {
        let all = matches!(self.phase, Phase::Finalize { .. });
        let ranges = || tables.into_iter().flat_map(Tables::tensors).copied();
        let inputs = || self.given().filter(|tensor| all || tensor.descriptor.is_output == 0).chain(ranges());
        extents.batch_dimensions = inputs().map(|tensor| tensor.batch_dimensions()).max().unwrap_or(0);
        for tensor in inputs() {
            let missing = extents.batch_dimensions - tensor.batch_dimensions();
            let common = extents.batch_shape.iter_mut().take(extents.batch_dimensions).skip(missing);
            let clash = common.zip(tensor.shape()).any(|(common, extent)| {
                if *common == 1 {
                    *common = extent;
                }
                extent != 1 && extent != *common
            });
            if clash {
                self.subject(tensor.descriptor, message)
                    .text(": batch shape ")
                    .tuple(tensor.shape().take(tensor.batch_dimensions()));
                message.text(" does not broadcast with ").tuple(batch(extents)).text(" of the tensors before it");
                return Err(Status::Shape);
            }
        }
        Ok(())
    }

    /// Results have the common batch shape exactly; a gradient may also be as its input is where that is the same for several batch elements,
    /// and is then the sum over them.
    fn results(&self, extents: &Extents, message: &mut Message) -> Result<(), Status> {
        for tensor in self.given().filter(|tensor| tensor.descriptor.is_output != 0) {
            let input = self.input(tensor.descriptor.gradient_of);
            let dimensions = extents.batch_dimensions;
            let fits = |(dimension, wanted): (usize, i64)| {
                let given = tensor.batch_extent(dimension, dimensions);
                let is_shared = input.is_some_and(|input| input.batch_extent(dimension, dimensions) == 1);
                given == wanted || (given == 1 && is_shared)
            };
            let dimensions_fit =
                tensor.batch_dimensions() == dimensions || (input.is_some() && tensor.batch_dimensions() < dimensions);
            if !dimensions_fit || !batch(extents).enumerate().all(fits) {
                let rows = (tensor.descriptor.role != ROLE_PARAMETER).then(|| tensor.rows());
                let wanted = batch(extents).chain(rows).chain([tensor.components()]);
                self.subject(tensor.descriptor, message).text(": expected shape ").tuple(wanted);
                let shares = |input: &Tensor<'_>| {
                    batch(extents).enumerate().any(|(at, extent)| input.batch_extent(at, dimensions) != extent)
                };
                if let Some(input) = input.filter(shares) {
                    // SAFETY: names are NUL-terminated.
                    unsafe { message.text(" or, added up over the batch, that of ").name(input.descriptor.name) };
                    message.text(" ").tuple(input.shape());
                }
                message.text(", given shape ").tuple(tensor.shape());
                return Err(Status::Shape);
            }
        }
        Ok(())
    }

    /// Pointers, alignment and overlaps.
    fn memory(&self, tables: Option<&Tables<'_>>, message: &mut Message) -> Result<(), Status> {
        for tensor in self.given().filter(|tensor| !tensor.is_empty()) {
            if tensor.address() == 0 {
                self.subject(tensor.descriptor, message)
                    .text(": data is NULL, but the shape is ")
                    .tuple(tensor.shape());
                return Err(Status::NullPointer);
            }
            if misaligned(tensor.address(), tensor.descriptor) {
                self.subject(tensor.descriptor, message)
                    .text(": data is not aligned to ")
                    .number(alignment_of_type(tensor.descriptor.dtype) as i64)
                    .text(" bytes");
                return Err(Status::Stride);
            }
        }
        for (number, result) in self.given().enumerate().filter(|(_, tensor)| tensor.descriptor.is_output != 0) {
            if overlaps_itself(&result) {
                self.subject(result.descriptor, message).text(": strides ").tuple(result.strides()).text(" of shape ");
                message.tuple(result.shape()).text(" put several elements in one place");
                return Err(Status::Stride);
            }
            let others = self.given().enumerate().filter(|(other, _)| *other != number).map(|(_, tensor)| tensor);
            let ranges = tables.into_iter().flat_map(Tables::tensors).copied();
            if let Some(other) = others.chain(ranges).find(|other| share_memory(&result, other)) {
                self.subject(result.descriptor, message).text(" shares memory with ");
                // SAFETY: names are NUL-terminated.
                unsafe { message.name(other.descriptor.name) };
                return Err(Status::Stride);
            }
        }
        Ok(())
    }

    /// Tensors that are read where states are written, or written where states are read.
    fn states(&self, (address, size): (usize, usize), message: &mut Message) -> Result<(), Status> {
        let mut beside = self.given().filter(|tensor| self.phase.must_not_meet_states(tensor.descriptor));
        match beside.find(|tensor| share_bytes(tensor, (address, size))) {
            Some(tensor) => {
                // SAFETY: names are NUL-terminated.
                unsafe { message.text("state shares memory with ").name(tensor.descriptor.name) };
                Err(Status::Stride)
            }
            None => Ok(()),
        }
    }

    /// The tensors that the call takes, after `tensors` found them readable.
    fn given(&self) -> impl Iterator<Item = Tensor<'a>> + '_ {
        let given = self.call.tensors;
        let taken = self.descriptors.iter().enumerate().filter(|(_, descriptor)| self.phase.takes(descriptor));
        taken.map(move |(number, descriptor)| {
            // SAFETY: no pointer is NULL, and shapes are there.
            unsafe { Tensor::new(descriptor, &**given.add(number)) }
        })
    }

    /// The tensor of that number, if there is one and the call takes it.
    fn input(&self, number: u32) -> Option<Tensor<'a>> {
        let descriptor = self.descriptors.get(number as usize).filter(|descriptor| self.phase.takes(descriptor))?;
        // SAFETY: as in `given`.
        Some(unsafe { Tensor::new(descriptor, &**self.call.tensors.add(number as usize)) })
    }

    /// Begins a message with "tensor x" or "result x".
    fn subject<'m>(&self, descriptor: &TensorDescriptor, message: &'m mut Message) -> &'m mut Message {
        message.text(if descriptor.is_output != 0 { "result " } else { "tensor " });
        // SAFETY: names are NUL-terminated.
        unsafe { message.name(descriptor.name) }
    }
}

/// Whether a tensor cannot begin there; sizes of elements are powers of two.
fn misaligned(address: usize, descriptor: &TensorDescriptor) -> bool {
    address & (alignment_of_type(descriptor.dtype) - 1) != 0
}

/// Continues a message with the shape that a tensor should have.
fn expected<'m>(descriptor: &TensorDescriptor, rows: Option<i64>, message: &'m mut Message) -> &'m mut Message {
    message.text(": expected shape (batch..., ");
    match (descriptor.role, rows) {
        (ROLE_PARAMETER, _) => message,
        (_, Some(rows)) => message.number(rows).text(", "),
        (ROLE_I, None) => message.text("M, "),
        (_, None) => message.text("N, "),
    }
    .number(descriptor.dim.into())
    .text(")")
}

fn batch(extents: &Extents) -> impl Iterator<Item = i64> + '_ {
    extents.batch_shape.iter().take(extents.batch_dimensions).copied()
}

/// Ends a message that states of an entry are not made on a GPU.
pub fn refuse_states(entry: &EntryDescriptor, message: &mut Message) -> Status {
    if entry.device.is_null() {
        message.text(NO_CODE);
        return Status::Device;
    }
    message.text("states are computed on the CPU: give tensors in its memory, and no other device");
    Status::Unsupported
}

/// Whether a tensor's number of dimensions is one for which no shape is to be read.
pub fn has_impossible_dimensions(given: &DLTensor) -> bool {
    !(0..=MAX_DIMENSIONS as i32).contains(&given.ndim)
}

/// Ends a message whose subject has an impossible number of dimensions.
pub fn refuse_dimensions(given: &DLTensor, subject: &mut Message) {
    subject.text(" has ").number(given.ndim.into()).text(" dimensions, at most ");
    subject.number(MAX_DIMENSIONS as i64).text(" are possible");
}

/// Ends a message whose subject lies on a device that is not supported.
pub fn refuse_device(device_type: i32, subject: &mut Message) -> Status {
    match device_type {
        DL_CUDA => subject.text(" is on a CUDA device, but can only be in the CPU's memory"),
        other => subject.text(" is on a device of DLPack type ").number(other.into()).text(", which is not supported"),
    };
    Status::Device
}
