//! Bytes → calls of a compiled library with tensors, options and states that fit or do not: a status, never a crash, and nothing written by a call that
//! is refused.
//!
//! All memory ends at forbidden pages, inputs are read-only. Where the memory that a tensor claims would not fit into a slot, its data is a forbidden
//! page, and only calls are made that must be refused or that touch no data.
#![no_main]

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::OnceLock;

use keopsc_fuzz::bytes::Bytes;
use keopsc_fuzz::guarded::{ROOM, Slot};
use keopsc_runtime::abi::{Call, DL_BOOL, DL_CPU, DLDataType, DLDevice, DLTensor, EntryPoint, Module, Status};
use keopsc_runtime::loader::read_module;
use keopsc_runtime::manifest::{Dtype, Manifest, Role, Tensor};
use keopsc_runtime::support::dlpack_type;

unsafe extern "C" {
    fn keops_module_v1() -> *const Module;
}

/// The most elements of a tensor, and pairs of a call, that are worth computing.
const MOST_ELEMENTS: i128 = 1 << 13;
const MOST_PAIRS: i128 = 1 << 18;
/// The most dimensions that a tensor can have.
const MOST_DIMENSIONS: usize = 32;
const UNTOUCHED: u8 = 0xa5;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(World::new);
    let mut choices = Bytes(bytes);
    match choices.below(8) {
        0..=5 => entry(world, &mut choices),
        6 => shards(world, &mut choices),
        _ => clusters(world, &mut choices),
    }
});

/// The library, and all memory that calls use.
struct World {
    module: &'static Module,
    manifest: Manifest,
    /// For each tensor of a call: data that is read, data that is written, shape, strides.
    tensors: Vec<[Slot; 4]>,
    ranges: Vec<[Slot; 3]>,
    pointers: Slot,
    range_pointers: Slot,
    call: Slot,
    message: Slot,
    workspace: Slot,
    states: [Slot; 2],
}

const READ: usize = 0;
const WRITTEN: usize = 1;

impl World {
    fn new() -> World {
        // SAFETY: the library is linked into this program.
        let module = unsafe { &*keops_module_v1() };
        // SAFETY: the table is keopsc's own.
        let (manifest, _) = unsafe { read_module(module) }.expect("a library that was just compiled");
        let most = manifest.entries.iter().map(|entry| entry.tensors.len()).max().unwrap_or(0).max(7);
        World {
            module,
            manifest,
            tensors: (0..most).map(|_| [Slot::for_reading(), Slot::new(), Slot::new(), Slot::new()]).collect(),
            ranges: (0..6).map(|_| [Slot::new(), Slot::new(), Slot::new()]).collect(),
            pointers: Slot::new(),
            range_pointers: Slot::new(),
            call: Slot::new(),
            message: Slot::new(),
            workspace: Slot::new(),
            states: [Slot::new(), Slot::new()],
        }
    }

    fn entry(&self, number: usize) -> &'static EntryPoint {
        // SAFETY: the table has as many entries as the manifest; the library is this program's.
        unsafe { &*self.module.entries.add(number) }
    }

    fn reset(&self) {
        self.tensors.iter().for_each(|slots| slots[WRITTEN].fill(UNTOUCHED));
    }

    /// A call that was refused has written to no result.
    fn assert_untouched(&self, status: i32, what: &str) {
        let is_untouched = self.tensors.iter().all(|slots| slots[WRITTEN].is_filled(UNTOUCHED));
        assert!(is_untouched, "{what} was refused with {status}, but wrote results");
    }
}

/// Shape, strides and type as a caller gives them.
struct Given {
    shape: Vec<i64>,
    strides: Option<Vec<i64>>,
    dtype: DLDataType,
}

impl Given {
    fn element_size(&self) -> i128 {
        i128::from(self.dtype.bits.div_ceil(8).max(1)) * i128::from(self.dtype.lanes.max(1))
    }

    /// The first and the last byte, counted from the first element, or nothing where there is no element; an error where that does not fit.
    fn reach(&self) -> Result<Option<(i128, i128)>, ()> {
        if self.shape.iter().any(|extent| *extent < 0) {
            return Err(());
        }
        if self.shape.contains(&0) {
            return Ok(None);
        }
        let mut contiguous = 1_i128;
        let mut reach = (0_i128, 0_i128);
        for (number, extent) in self.shape.iter().enumerate().rev() {
            let stride = self.strides.as_ref().map_or(contiguous, |strides| strides[number].into());
            let step = (i128::from(*extent) - 1).checked_mul(stride).ok_or(())?;
            reach = if step < 0 { (reach.0 + step, reach.1) } else { (reach.0, reach.1 + step) };
            contiguous = contiguous.saturating_mul((*extent).into());
            if contiguous > MOST_ELEMENTS || reach.1 - reach.0 > ROOM as i128 {
                return Err(());
            }
        }
        Ok(Some((reach.0 * self.element_size(), (reach.1 + 1) * self.element_size())))
    }

    /// Where the first element lies so that all end at a forbidden page or begin behind one, and whether there is memory for all.
    fn place(&self, slot: &Slot, choices: &mut Bytes<'_>) -> (*mut u8, bool) {
        match self.reach() {
            Ok(None) => (choices.pick(&[slot.first(), slot.end(), ptr::null_mut()]), true),
            Ok(Some((low, high))) if high - low <= ROOM as i128 => {
                let slack = (ROOM as i128 - (high - low)) as usize;
                let shift = choices.pick(&[slack, 0, slack & !63, slack & !7, slack.saturating_sub(1)]);
                (slot.first().wrapping_add(shift).wrapping_offset(-low as isize), true)
            }
            _ => (slot.end(), false),
        }
    }

    /// The tensor, its shape and strides in memory that ends with them.
    fn tensor(&mut self, data: *mut u8, [shape, strides]: [&Slot; 2], choices: &mut Bytes<'_>) -> DLTensor {
        let byte_offset = choices.pick(&[0, 0, 0, 4, 64, 1 << 40, u64::MAX - 63]);
        let mut tensor = DLTensor {
            data: data.wrapping_sub(byte_offset as usize).cast(),
            device: DLDevice { device_type: DL_CPU, device_id: 0 },
            ndim: self.shape.len() as i32,
            dtype: self.dtype,
            shape: shape.put(&self.shape),
            strides: self.strides.as_ref().map_or(ptr::null_mut(), |given| strides.put(given)),
            byte_offset,
        };
        if choices.chance(8) {
            // Something that no shape can mend: there must be no look at what it is about.
            match choices.below(5) {
                0 => tensor.shape = ptr::null_mut(),
                1 => tensor.ndim = choices.pick(&[-1, i32::MIN]),
                2 => tensor.ndim = choices.pick(&[33, 1000, i32::MAX]),
                3 => tensor.device.device_type = choices.number() as i32,
                _ => (tensor.data, tensor.byte_offset) = (ptr::null_mut(), 0),
            }
        }
        tensor
    }
}

/// How many rows and batch elements a call has.
struct Sizes {
    i: i64,
    j: i64,
    batch: Vec<i64>,
}

impl Sizes {
    fn draw(choices: &mut Bytes<'_>) -> Sizes {
        let rows = [3, 5, 1, 0, 2, 17, 8, 33, 64, 65, 100, 16];
        let (i, j) = (choices.pick(&rows), choices.pick(&rows));
        let batch = (0..choices.pick(&[0, 0, 0, 1, 2, 3])).map(|_| choices.pick(&[2, 1, 3, 0])).collect();
        Sizes { i, j, batch }
    }

    fn of(&self, role: Role) -> Option<i64> {
        match role {
            Role::I => Some(self.i),
            Role::J => Some(self.j),
            Role::Parameter => None,
        }
    }

    fn give(&self, tensor: &Tensor, choices: &mut Bytes<'_>) -> Given {
        let mut shape = self.batch.clone();
        if !tensor.is_output() || tensor.gradient_of.is_some() {
            shape.drain(..choices.below(2 * shape.len() + 1).min(shape.len()));
            shape.iter_mut().for_each(|extent| *extent = if choices.chance(64) { 1 } else { *extent });
        }
        shape.extend(self.of(tensor.role));
        shape.push(tensor.dim() as i64);
        given(shape, tensor.dtype, choices)
    }
}

/// A tensor of that shape, or nearly.
fn given(mut shape: Vec<i64>, dtype: Dtype, choices: &mut Bytes<'_>) -> Given {
    let mut dtype = dlpack_type(dtype.code());
    if choices.chance(24) {
        match choices.below(4) {
            0 => shape.push(choices.number()),
            1 => drop(shape.pop()),
            2 => shape.insert(0, choices.number()),
            _ if !shape.is_empty() => {
                let place = choices.below(shape.len());
                shape[place] = choices.number();
            }
            _ => {}
        }
    }
    if choices.chance(4) {
        (0..choices.below(40)).for_each(|_| shape.insert(0, choices.pick(&[1, 1, 2])));
    }
    let mut contiguous = vec![1_i64; shape.len()];
    for number in (0..shape.len().saturating_sub(1)).rev() {
        contiguous[number] = contiguous[number + 1].wrapping_mul(shape[number + 1]);
    }
    let strides = match choices.below(8) {
        0..=2 => None,
        3 => Some(contiguous),
        4 => Some(contiguous.iter().map(|stride| stride.wrapping_neg()).collect()),
        5 => Some(contiguous.iter().map(|stride| stride.wrapping_mul(2)).collect()),
        6 => {
            Some((0..shape.len()).map(|number| shape[..number].iter().fold(1_i64, |a, b| a.wrapping_mul(*b))).collect())
        }
        _ => {
            Some(contiguous.iter().map(|stride| if choices.chance(128) { choices.number() } else { *stride }).collect())
        }
    };
    if choices.chance(8) {
        dtype = DLDataType { code: choices.byte() & 7, bits: choices.pick(&[32, 64, 16, 8, 1, 0, 128, 255]), lanes: 1 };
        dtype.lanes = choices.pick(&[1, 1, 0, 2, u16::MAX]);
    }
    // A tensor of more dimensions is refused before they are read.
    shape.truncate(MOST_DIMENSIONS + 8);
    let strides = strides.map(|mut strides: Vec<i64>| {
        strides.truncate(shape.len());
        strides
    });
    Given { shape, strides, dtype }
}

/// What a call is made of, in memory.
struct Prepared {
    call: *const Call,
    /// Whether there is memory for all that it claims to have.
    is_backed: bool,
    /// More pairs than it has.
    pairs: i128,
    has_message: bool,
    _tensors: [Vec<DLTensor>; 2],
}

fn prepare(world: &World, described: &[Tensor], sizes: &Sizes, choices: &mut Bytes<'_>) -> Prepared {
    let mut tensors = Vec::new();
    let (mut is_backed, mut most) = (true, Vec::new());
    for (tensor, slots) in described.iter().zip(&world.tensors) {
        let mut given = sizes.give(tensor, choices);
        let (data, fits) = given.place(&slots[if tensor.is_output() { WRITTEN } else { READ }], choices);
        is_backed &= fits;
        widen(&mut most, &given.shape);
        let mut made = given.tensor(data, [&slots[2], &slots[3]], choices);
        if choices.chance(6) && !tensors.is_empty() {
            // Where another tensor lies: of which there may be too little memory.
            let number = choices.below(tensors.len());
            let other: DLTensor = tensors[number];
            (made.data, made.byte_offset) = (other.data, other.byte_offset);
            is_backed &= made.ndim == other.ndim && made.dtype == other.dtype && given.strides.is_none();
            is_backed &= given.shape == shape_of(&other) && other.strides.is_null();
            // `finalize` may write where inputs are that it does not read; here these are read-only.
            is_backed &= tensor.is_output() == described[number].is_output();
        }
        tensors.push(made);
    }
    let mut pointers: Vec<*const DLTensor> = tensors.iter().map(ptr::from_ref).collect();
    if choices.chance(3) && !pointers.is_empty() {
        let place = choices.below(pointers.len());
        pointers[place] = ptr::null();
    }
    let range_tensors = if choices.chance(64) { ranges(world, sizes, choices, &mut most) } else { Vec::new() };
    let ranges = if range_tensors.is_empty() { ptr::null() } else { range_pointers(world, &range_tensors, choices) };
    let (rows_i, rows_j) = match choices.below(4) {
        0..=2 => (sizes.i, sizes.j),
        _ => (choices.number(), choices.number()),
    };
    let (rows_i, rows_j) = if choices.chance(128) { (-1, -1) } else { (rows_i, rows_j) };
    let message_size = choices.pick(&[200, 0, 1, 2, 17, 64, ROOM]);
    let workspace_size = choices.pick(&[0, 0, ROOM, 64, 1000, 1]);
    let mut call = Call {
        struct_size: size_of::<Call>() as u32,
        num_tensors: pointers.len() as u32,
        tensors: world.pointers.put(&pointers),
        rows_i,
        rows_j,
        threads: choices.pick(&[1, 1, 1, 2, 3]),
        device_type: 0,
        device_id: 0,
        check: 0,
        stream: ptr::null_mut(),
        ranges,
        workspace: if workspace_size == 0 { ptr::null_mut() } else { world.workspace.back(workspace_size).cast() },
        workspace_size: workspace_size as u64,
        message: world.message.back(message_size).cast(),
        message_size: message_size as u64,
    };
    if choices.chance(24) {
        match choices.below(9) {
            0 => call.struct_size = choices.pick(&[0, 95, 97, u32::MAX]),
            1 => call.num_tensors = choices.number() as u32,
            2 => call.tensors = ptr::null(),
            3 => call.threads = choices.pick(&[-1, i32::MIN, 0, 1000, i32::MAX]),
            4 => call.device_type = choices.number() as i32,
            5 => call.device_id = choices.number() as i32,
            6 => call.check = choices.number() as i32,
            7 => call.message = ptr::null_mut(),
            _ => (call.workspace, call.workspace_size) = (ptr::null_mut(), choices.number() as u64),
        }
    }
    let pairs = most.iter().fold(1_i128, |product, extent| product.saturating_mul((*extent).max(1).into()));
    let rows = |rows: i64| i128::from(rows.max(1));
    let pairs = pairs.saturating_mul(rows(call.rows_i).saturating_mul(rows(call.rows_j)));
    let has_message = !call.message.is_null() && message_size > 0;
    Prepared { call: world.call.put(&[call]), is_backed, pairs, has_message, _tensors: [tensors, range_tensors] }
}

fn shape_of(tensor: &DLTensor) -> &[i64] {
    if tensor.ndim <= 0 || tensor.ndim as usize > MOST_DIMENSIONS || tensor.shape.is_null() {
        return &[];
    }
    // SAFETY: `Given::tensor` wrote as many extents.
    unsafe { std::slice::from_raw_parts(tensor.shape, tensor.ndim as usize) }
}

/// The largest extent of each dimension, counted from the last.
fn widen(most: &mut Vec<i64>, shape: &[i64]) {
    for (number, extent) in shape.iter().rev().enumerate() {
        if most.len() <= number {
            most.push(1);
        }
        most[number] = most[number].max(*extent);
    }
}

/// Six tensors: a block of all rows over all columns, or two, or other numbers.
fn ranges(world: &World, sizes: &Sizes, choices: &mut Bytes<'_>, most: &mut Vec<i64>) -> Vec<DLTensor> {
    let halves = |rows: i64| vec![0, rows / 2, rows / 2, rows];
    let (i, j) = (sizes.i, sizes.j);
    let usual = match choices.below(2) {
        0 => [vec![0, i], vec![1], vec![0, j], vec![0, j], vec![1], vec![0, i]],
        _ => [halves(i), vec![1, 2], halves(j), halves(j), vec![1, 2], halves(i)],
    };
    let mut made = Vec::new();
    for (mut values, [data, shape, strides]) in usual.into_iter().zip(&world.ranges) {
        let is_list = values.len() > 1 && values != [1, 2];
        let rows = if is_list { vec![values.len() as i64 / 2, 2] } else { vec![values.len() as i64] };
        if choices.chance(48) {
            let place = choices.below(values.len());
            values[place] = if choices.chance(128) { choices.number() } else { choices.below(20) as i64 };
        }
        let mut given = given(rows, Dtype::I64, choices);
        data.fill(0);
        data.put(&values);
        let (place, fits) = given.place(data, choices);
        widen(most, &given.shape);
        let mut tensor = given.tensor(place, [shape, strides], choices);
        if !fits {
            // Ranges are read when they are checked.
            (tensor.data, tensor.byte_offset) = (ptr::null_mut(), 0);
        }
        made.push(tensor);
    }
    made
}

fn range_pointers(world: &World, ranges: &[DLTensor], choices: &mut Bytes<'_>) -> *const *const DLTensor {
    let mut pointers: Vec<*const DLTensor> = ranges.iter().map(ptr::from_ref).collect();
    if choices.chance(4) {
        let place = choices.below(pointers.len());
        pointers[place] = ptr::null();
    }
    world.range_pointers.put(&pointers)
}

impl Prepared {
    fn message_is_text(&self, status: i32, what: &str) {
        if status != 0 && self.has_message {
            // SAFETY: the call is in memory.
            let call = unsafe { &*self.call };
            // SAFETY: the buffer has these bytes.
            let bytes = unsafe { std::slice::from_raw_parts(call.message.cast::<u8>(), call.message_size as usize) };
            assert!(call.struct_size < 96 || bytes.contains(&0), "{what}: the message of status {status} does not end");
        }
    }
}

/// A call of layer 2.
fn entry(world: &World, choices: &mut Bytes<'_>) {
    let number = choices.below(world.manifest.entries.len());
    let (point, described) = (world.entry(number), &world.manifest.entries[number]);
    let sizes = Sizes::draw(choices);
    let prepared = prepare(world, &described.tensors, &sizes, choices);
    world.reset();
    let mut bytes = u64::MAX;
    // SAFETY: the call is as the ABI says; its tensors are not touched.
    let verdict = unsafe { (point.workspace)(prepared.call, &mut bytes) };
    assert_status(verdict, "workspace");
    world.assert_untouched(verdict, "workspace");
    prepared.message_is_text(verdict, "workspace");
    if verdict != 0 || (prepared.is_backed && prepared.pairs <= MOST_PAIRS) {
        // SAFETY: as the ABI says, or refused for the reason for which `workspace` was.
        let status = unsafe { (point.run)(prepared.call) };
        assert_status(status, "run");
        prepared.message_is_text(status, "run");
        if status != 0 {
            world.assert_untouched(status, "run");
        }
        let passing = [Status::Memory as i32, Status::Thread as i32];
        assert!(verdict == status || passing.contains(&status), "workspace gave {verdict}, run {status}");
    }
}

fn assert_status(status: i32, what: &str) {
    assert!((0..=13).contains(&status), "{what} gave the status {status}");
}

/// Layer 3: states of any size, of shards that begin anywhere, merged, and results of them.
fn shards(world: &World, choices: &mut Bytes<'_>) {
    let number = choices.below(world.manifest.entries.len());
    let (point, described) = (world.entry(number), &world.manifest.entries[number]);
    let (Some(partial), Some(merge), Some(finalize), Some(state_size), Some(shard)) =
        (point.partial, point.merge, point.finalize, point.state_size, point.shard)
    else {
        return;
    };
    // SAFETY: the functions only compute.
    unsafe {
        let length = shard(choices.number(), choices.number());
        assert!(length >= -1);
        assert!(state_size(choices.number()) >= -1);
    }
    let sizes = Sizes::draw(choices);
    let rows = described.shards.as_ref().and_then(|shards| sizes.of(shards.rows)).unwrap_or(1);
    let all: i64 = sizes.batch.iter().product();
    // SAFETY: as above.
    let fitting = unsafe { state_size(rows * all) }.max(0) as usize;
    let is_fitting = !choices.chance(16) && fitting <= ROOM;
    let size = if is_fitting { fitting } else { choices.pick(&[fitting + 8, 0, 8, 1, 7]).min(ROOM) };
    let shift = if choices.chance(16) { choices.below(16).min(size) } else { 0 };
    let states = world.states.each_ref().map(|slot| slot.back(size).wrapping_sub(shift).cast::<c_void>());
    let first = if choices.chance(64) { choices.number() } else { 0 };

    world.reset();
    let inputs = described.tensors.iter().take_while(|tensor| !tensor.is_output()).count();
    let prepared = prepare(world, &described.tensors[..inputs], &sizes, choices);
    // Where there is no memory the call must be refused: no states of this size are ever right.
    let refused = !prepared.is_backed || prepared.pairs > MOST_PAIRS;
    let given_size = if refused { u64::MAX - 6 } else { size as u64 };
    // SAFETY: as the ABI says.
    let status = unsafe { partial(prepared.call, first, states[0], given_size) };
    assert_status(status, "partial");
    assert!(!refused || status != 0, "states of no size were taken");
    prepared.message_is_text(status, "partial");
    // SAFETY: as the ABI says.
    let status = unsafe { merge(prepared.call, states[0], states[choices.below(16).min(1)], size as u64) };
    assert_status(status, "merge");

    let prepared = prepare(world, &described.tensors, &sizes, choices);
    world.reset();
    let refused = !prepared.is_backed || prepared.pairs > MOST_PAIRS;
    let given_size = if refused { u64::MAX - 6 } else { size as u64 };
    // SAFETY: as the ABI says.
    let status = unsafe { finalize(prepared.call, states[0], given_size) };
    assert_status(status, "finalize");
    assert!(!refused || status != 0, "states of no size were taken");
    if status != 0 {
        world.assert_untouched(status, "finalize");
    }
}

/// The functions that make ranges.
fn clusters(world: &World, choices: &mut Bytes<'_>) {
    // SAFETY: the table is the library's.
    let table = unsafe { &*world.module.clusters };
    let which = choices.below(5);
    let (m, d) = (choices.pick(&[5, 1, 0, 17, 100]), choices.pick(&[2, 1, 3]));
    let (b, c) = (choices.pick(&[2, 1, 0, 5]), choices.pick(&[3, 1, 0, 4]));
    let integers = choices.pick(&[Dtype::I64, Dtype::I64, Dtype::F32]);
    let reals = choices.pick(&[Dtype::F32, Dtype::F64]);
    // The tensors of each function, and which of them it writes.
    let (shapes, first_written): (Vec<(Vec<i64>, Dtype)>, usize) = match which {
        0 => (vec![(vec![m, d], reals), (vec![choices.pick(&[d, 1])], reals), (vec![m], integers)], 2),
        1 => (vec![(vec![m], integers), (vec![m], integers)], 1),
        2 => (vec![(vec![m], integers), (vec![b, 2], integers)], 1),
        3 => {
            (vec![(vec![m, d], reals), (vec![m], integers), (vec![m], reals), (vec![c, d], reals), (vec![c], reals)], 3)
        }
        _ => {
            let kept = choices.below(8) as i64;
            let lists =
                [(vec![b], integers), (vec![kept, 2], integers), (vec![c], integers), (vec![kept, 2], integers)];
            let given = [(vec![b, 2], integers), (vec![c, 2], integers), (vec![b, c], integers)];
            (given.into_iter().chain(lists).collect(), 3)
        }
    };
    world.reset();
    let mut made = Vec::new();
    for (number, ((shape, dtype), slots)) in shapes.into_iter().zip(&world.tensors).enumerate() {
        let is_label = dtype == Dtype::I64 && number < first_written;
        let mut given = given(shape, dtype, choices);
        if choices.chance(32) {
            let code = choices.pick(&[0, 1, DL_BOOL]);
            given.dtype = DLDataType { code, bits: choices.pick(&[32, 8, 16, 64]), lanes: 1 };
        }
        let data = if is_label { &world.ranges[number % 6][0] } else { &slots[usize::from(number >= first_written)] };
        if is_label {
            data.fill(0);
            let labels: Vec<i64> = (0..8).map(|_| i64::from(choices.byte() & 3)).collect();
            data.put(&labels);
            if choices.chance(16) {
                data.put(&[choices.number()]);
            }
        }
        let (place, fits) = given.place(data, choices);
        let mut tensor = given.tensor(place, [&slots[2], &slots[3]], choices);
        if !fits {
            (tensor.data, tensor.byte_offset) = (ptr::null_mut(), 0);
        }
        made.push((tensor, choices.chance(8)));
    }
    let pointers: Vec<*const DLTensor> =
        made.iter().map(|(tensor, is_null)| if *is_null { ptr::null() } else { ptr::from_ref(tensor) }).collect();
    let size = choices.pick(&[200, 0, 1, 30]);
    let message: *mut c_char = world.message.back(size).cast();
    let mut count = 0_i64;
    let p = &pointers;
    // SAFETY: the tensors are as the ABI says.
    let status = unsafe {
        match which {
            0 => (table.grid_cluster)(p[0], p[1], p[2], &mut count, message, size as u64),
            1 => (table.cluster_order)(p[0], p[1], message, size as u64),
            2 => (table.cluster_ranges)(p[0], p[1], message, size as u64),
            3 => (table.cluster_centroids)(p[0], p[1], p[2], p[3], p[4], message, size as u64),
            _ => (table.from_matrix)(p[0], p[1], p[2], p[3], p[4], p[5], p[6], &mut count, message, size as u64),
        }
    };
    assert_status(status, "clusters");
    if status != 0 {
        world.assert_untouched(status, "clusters");
    }
}
