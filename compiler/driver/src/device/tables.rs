//! Kernels and their images → an object file of constants: what the support code reads of a library's code for GPUs.
//!
//! ```text
//! keops_device_entry_conv:  DeviceEntry ─▶ DeviceCode ─▶ images, names of kernels
//!                                       └▶ DevicePass, one a pass ─▶ numbers of tensors
//! ```
//!
//! The structs are those of `keopsc_runtime::abi`; each field is put where Rust has it, with Rust's type. Symbols are hidden: the tables of the CPU's
//! code refer to them by [`keopsc_cpu::symbols::device_entry`] and its like.

use std::mem::{offset_of, size_of};

use keopsc_cpu::symbols;
use keopsc_cuda::library::{Kernel, Library, Order, PassKernels};
use keopsc_ir::plan::{Plan, TensorId, Verified};
use keopsc_ir::types::{Axis, Role, ScalarType};
use keopsc_runtime::abi::{self, DeviceCode, DeviceEntry, DeviceImage, DeviceKernel, DevicePass, NO_KERNEL};
use object::write::{Object, Relocation, SectionId, StandardSection, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationEncoding, RelocationFlags, RelocationKind, SymbolFlags,
    SymbolKind, SymbolScope,
};

use super::{Form, Image};
use crate::failure::{Failure, Problem};

/// What drivers take a cubin at.
const IMAGE_ALIGNMENT: u64 = 64;

/// Writes the object file of a library whose plans are these.
pub fn object(
    plans: &[Verified],
    library: &Library,
    images: &[Image],
    architecture: Architecture,
) -> Result<Vec<u8>, Failure> {
    let mut tables = Tables::new(architecture);
    let code = tables.code(library, images)?;
    if library.entries.len() != plans.len() {
        return Err(mismatch("the library"));
    }
    for (plan, entry) in plans.iter().zip(&library.entries) {
        let mut entry_table = |symbol: String, plan: &Plan, passes: &[PassKernels]| match fits(library, plan, passes) {
            true => tables.entry(&symbol, code, passes),
            false => Err(mismatch(&plan.name)),
        };
        entry_table(symbols::device_entry(plan), plan, &entry.passes)?;
        match (plan.for_ranges(), &entry.for_ranges) {
            (None, None) => {}
            (Some(other), Some(passes)) => entry_table(symbols::device_entry_for_ranges(other), other, passes)?,
            _ => return Err(mismatch(&plan.name)),
        }
    }
    tables.object.write().map_err(unwritable)
}

/// Refuses a library of which a kernel would have more tensors than its argument has room for, or states for which a thread has no memory: that would
/// only show when it is launched.
pub fn has_room(plans: &[Verified], library: &Library) -> Result<(), Failure> {
    for (plan, entry) in plans.iter().zip(&library.entries) {
        let passes = || entry.passes.iter().chain(entry.for_ranges.iter().flatten());
        let bytes = passes().map(bytes_of_thread).max();
        if bytes > Some(THREAD_BYTES) {
            let [bytes, most] = [bytes.unwrap_or_default(), THREAD_BYTES].map(|bytes| bytes >> 10);
            let problem =
                Problem::new(format!("code for GPUs cannot be made for `{}`: a thread keeps {bytes} KB", plan.name))
                    .with_note(format!("a GPU's thread has {most} KB"))
                    .with_help("ask for fewer places or components, or leave out `--target cuda`");
            return Err(problem.into());
        }
        let tensors = passes().map(|pass| pass.views.len()).max();
        if tensors > Some(abi::DEVICE_VIEWS) {
            let (name, count) = (&plan.name, tensors.unwrap_or_default());
            let problem =
                Problem::new(format!("code for GPUs cannot be made for `{name}`: a pass has {count} tensors"))
                    .with_note(format!("a kernel takes {} at most", abi::DEVICE_VIEWS))
                    .with_help("put inputs together into longer vectors, or leave out `--target cuda`");
            return Err(problem.into());
        }
    }
    Ok(())
}

/// Bytes of its own memory that a GPU's thread may have.
const THREAD_BYTES: u64 = 512 << 10;

/// Bytes of the states that a thread has at least: of a chunk, all columns before and those joined, if it does not go on with one.
fn bytes_of_thread(pass: &PassKernels) -> u64 {
    u64::from(pass.state_size) * if pass.order == Order::Carried { 1 } else { 3 }
}

/// Whether a plan has these passes, and the library these kernels.
fn fits(library: &Library, plan: &Plan, passes: &[PassKernels]) -> bool {
    let pass_fits = |pass: &PassKernels| {
        let mut kernels = pass.reduce.into_iter().flatten().chain([pass.finish]);
        let has_tensor = |tensor: &TensorId| (tensor.0 as usize) < plan.tensors.len();
        kernels.all(|kernel| (kernel.number as usize) < library.kernels.len())
            && pass.views.iter().all(has_tensor)
            && pass.over.is_some() == pass.reduce.iter().any(Option::is_some)
    };
    passes.len() == plan.passes.len() && passes.iter().all(pass_fits)
}

fn mismatch(what: &str) -> Failure {
    Failure::Internal(format!("the kernels for GPUs of `{what}` are not those of its plans"))
}

fn unwritable(error: object::write::Error) -> Failure {
    Failure::Internal(format!("the tables of code for GPUs cannot be written: {error}"))
}

/// A place in a section.
#[derive(Clone, Copy)]
struct Address {
    section: SectionId,
    offset: u64,
}

/// A struct, or several in a row: bytes, and the places in them that pointers go to.
struct Record {
    bytes: Vec<u8>,
    pointers: Vec<(usize, Address)>,
}

/// A number as it lies in memory.
trait Number {
    fn bytes(self) -> Vec<u8>;
}

impl Number for u8 {
    fn bytes(self) -> Vec<u8> {
        vec![self]
    }
}

impl Number for u32 {
    fn bytes(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }
}

impl Number for u64 {
    fn bytes(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }
}

impl Record {
    /// A struct of zeros.
    fn of<T>() -> Record {
        Record { bytes: vec![0; size_of::<T>()], pointers: Vec::new() }
    }

    /// Several one after the other.
    fn row(records: impl IntoIterator<Item = Record>) -> Record {
        let mut all = Record { bytes: Vec::new(), pointers: Vec::new() };
        for record in records {
            all.put(all.bytes.len(), record);
        }
        all
    }

    /// Puts another one into this one, or behind it.
    fn put(&mut self, offset: usize, other: Record) {
        let end = offset + other.bytes.len();
        self.bytes.resize(self.bytes.len().max(end), 0);
        self.bytes[offset..end].copy_from_slice(&other.bytes);
        self.pointers.extend(other.pointers.into_iter().map(|(place, address)| (offset + place, address)));
    }

    /// Sets a field, whose type is that of the value.
    fn number<T, N: Number>(&mut self, offset: usize, _: fn(&T) -> &N, value: N) {
        let bytes = value.bytes();
        self.bytes[offset..offset + bytes.len()].copy_from_slice(&bytes);
    }

    /// Sets a field that is a pointer.
    fn pointer<T, P>(&mut self, offset: usize, _: fn(&T) -> &*const P, address: Address) {
        self.pointers.push((offset, address));
    }
}

/// Sets fields of a record that is a struct of that type: `set!(record, DeviceImage, architecture = 90)`.
macro_rules! set {
    ($record:ident, $type:ident, $($field:ident = $value:expr),+ $(,)?) => {
        $($record.number(offset_of!($type, $field), |value: &$type| &value.$field, $value);)+
    };
}

/// The same for fields that are pointers.
macro_rules! point {
    ($record:ident, $type:ident, $($field:ident = $address:expr),+ $(,)?) => {
        $($record.pointer(offset_of!($type, $field), |value: &$type| &value.$field, $address);)+
    };
}

struct Tables {
    object: Object<'static>,
    /// Bytes.
    constants: SectionId,
    /// Structs with pointers.
    tables: SectionId,
}

impl Tables {
    fn new(architecture: Architecture) -> Tables {
        let mut object = Object::new(BinaryFormat::Elf, architecture, Endianness::Little);
        let constants = object.section_id(StandardSection::ReadOnlyData);
        let tables = object.section_id(StandardSection::ReadOnlyDataWithRel);
        Tables { object, constants, tables }
    }

    /// Images and names of kernels.
    fn code(&mut self, library: &Library, images: &[Image]) -> Result<Address, Failure> {
        let image_records: Vec<Record> = images.iter().map(|image| self.image(image)).collect();
        let images_at = self.place(Record::row(image_records))?;
        let names: Vec<Record> = library.kernels.iter().map(|name| self.name(name)).collect();
        let names_at = self.place(Record::row(names))?;
        let mut record = Record::of::<DeviceCode>();
        set!(
            record,
            DeviceCode,
            num_images = images.len() as u32,
            num_kernels = library.kernels.len() as u32,
            layout = library.layout,
            sum_f32 = library.sums[0].unwrap_or(NO_KERNEL),
            sum_f64 = library.sums[1].unwrap_or(NO_KERNEL),
            scatter = library.scatter.unwrap_or(NO_KERNEL),
        );
        point!(record, DeviceCode, images = images_at, kernels = names_at);
        self.place(record)
    }

    fn image(&mut self, image: &Image) -> Record {
        let is_ptx = image.form == Form::Ptx;
        let end: &[u8] = if is_ptx { b"\0" } else { b"" };
        let bytes = [&image.bytes, end].concat();
        let place = self.constant(&bytes, IMAGE_ALIGNMENT);
        let mut record = Record::of::<DeviceImage>();
        set!(
            record,
            DeviceImage,
            architecture = image.architecture,
            is_ptx = u32::from(is_ptx),
            size = bytes.len() as u64,
        );
        point!(record, DeviceImage, bytes = place);
        record
    }

    /// A pointer to a name.
    fn name(&mut self, name: &str) -> Record {
        let place = self.constant(format!("{name}\0").as_bytes(), 1);
        Record { bytes: vec![0; size_of::<*const u8>()], pointers: vec![(0, place)] }
    }

    /// An entry, under that symbol.
    fn entry(&mut self, symbol: &str, code: Address, passes: &[PassKernels]) -> Result<(), Failure> {
        let pass_records: Vec<Record> = passes.iter().map(|pass| self.pass(pass)).collect();
        let passes_at = self.place(Record::row(pass_records))?;
        let mut record = Record::of::<DeviceEntry>();
        set!(record, DeviceEntry, num_passes = passes.len() as u32);
        point!(record, DeviceEntry, code = code, passes = passes_at);
        let Address { section, offset } = self.place(record)?;
        self.object.add_symbol(Symbol {
            name: symbol.as_bytes().to_vec(),
            value: offset,
            size: size_of::<DeviceEntry>() as u64,
            kind: SymbolKind::Data,
            // Global among the objects of the library, hidden outside.
            scope: SymbolScope::Linkage,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::None,
        });
        Ok(())
    }

    fn pass(&mut self, pass: &PassKernels) -> Record {
        let numbers: Vec<u8> = pass.views.iter().flat_map(|tensor| tensor.0.to_le_bytes()).collect();
        let views = self.constant(&numbers, align_of::<u32>() as u64);
        let mut record = Record::of::<DevicePass>();
        set!(
            record,
            DevicePass,
            rows = role(pass.rows),
            columns = pass.over.map_or(abi::ROLE_PARAMETER, axis),
            compute = if pass.compute == ScalarType::F64 { abi::F64 } else { abi::F32 },
            order = order(pass.order),
            num_views = pass.views.len() as u32,
            shortest_chunk = pass.chunk[0],
            longest_chunk = pass.chunk[1],
            longest_split = pass.longest_split,
            state_size = pass.state_size,
            pair_cost = pass.pair_cost,
            packed_header = pass.packed.header,
        );
        point!(record, DevicePass, views = views);
        record.put(offset_of!(DevicePass, reduce), Record::row(pass.reduce.map(kernel)));
        record.put(offset_of!(DevicePass, finish), kernel(Some(pass.finish)));
        record.put(offset_of!(DevicePass, pack), Record::row(pass.packed.kernels.map(kernel)));
        let sizes = pass.packed.sizes.map(u32::to_le_bytes).concat();
        record.put(offset_of!(DevicePass, packed_sizes), Record { bytes: sizes, pointers: Vec::new() });
        record
    }

    /// Puts a record among the tables.
    fn place(&mut self, record: Record) -> Result<Address, Failure> {
        let section = self.tables;
        let base = self.object.append_section_data(section, &record.bytes, align_of::<*const u8>() as u64);
        for (offset, address) in record.pointers {
            let relocation = Relocation {
                offset: base + offset as u64,
                symbol: self.object.section_symbol(address.section),
                addend: address.offset as i64,
                flags: RelocationFlags::Generic {
                    kind: RelocationKind::Absolute,
                    encoding: RelocationEncoding::Generic,
                    size: 64,
                },
            };
            self.object.add_relocation(section, relocation).map_err(unwritable)?;
        }
        Ok(Address { section, offset: base })
    }

    fn constant(&mut self, bytes: &[u8], alignment: u64) -> Address {
        let section = self.constants;
        Address { section, offset: self.object.append_section_data(section, bytes, alignment) }
    }
}

fn kernel(kernel: Option<Kernel>) -> Record {
    let none = Kernel { number: abi::NO_KERNEL, threads: 0, rows: 0, large_bytes: 0 };
    let Kernel { number, threads, rows, large_bytes } = kernel.unwrap_or(none);
    let mut record = Record::of::<DeviceKernel>();
    set!(record, DeviceKernel, kernel = number, threads = threads, rows = rows, large_bytes = large_bytes);
    record
}

fn role(role: Role) -> u8 {
    match role {
        Role::I => abi::ROLE_I,
        Role::J => abi::ROLE_J,
        Role::Parameter | Role::Pair => abi::ROLE_PARAMETER,
    }
}

fn axis(axis: Axis) -> u8 {
    match axis {
        Axis::I => abi::ROLE_I,
        Axis::J => abi::ROLE_J,
    }
}

fn order(order: Order) -> u8 {
    match order {
        Order::Tree => abi::ORDER_TREE,
        Order::Sequence => abi::ORDER_SEQUENCE,
        Order::Carried => abi::ORDER_CARRIED,
    }
}

#[cfg(test)]
mod tests;
