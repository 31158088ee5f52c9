//! One call through layer 2, everything about it drawn at random, and its check.

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::{Plan, Tensor, TensorKind, Verified};
use keopsc_ir::random::Random;
use keopsc_ir::types::{Role, ScalarType};
use keopsc_runtime::abi::{Call, DLTensor};

use super::reference::{self, Pairs};
use crate::guarded::{Flush, Guarded, with_words_for_faults};
use crate::strided::{Strided, Use};
use crate::{Compiled, MOST_POINTERS};

/// A call.
#[derive(Debug)]
pub struct Trial {
    pub(super) sizes: Sizes,
    /// The extents of the batch axes that all arguments have together.
    batch: Vec<usize>,
    /// Each argument and each result, with the extents of its own batch axes.
    pub(super) tensors: Vec<(Vec<usize>, Strided)>,
    pub(super) ranges: Option<Ranges>,
    rows: (i64, i64),
    pub(super) threads: i32,
    pub(super) workspace: Workspace,
    pub(super) layer: Layer,
    /// Of the division into shards.
    pub(super) seed: u64,
}

/// The function that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// Plain pointers: no batch, no strides, no ranges.
    One,
    /// Tensors.
    Two,
    /// Tensors, by way of the states of shards: no ranges.
    Three,
}

/// Six tensors with batch axes of their own, and the pairs that they list.
#[derive(Debug)]
pub(super) struct Ranges {
    pub(super) tensors: Vec<Strided>,
    /// For each batch element.
    pairs: Vec<Pairs>,
}

/// Whose memory the library works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workspace {
    Own,
    Callers,
    TooShort,
}

/// Extents of batch axes that are drawn; 0 now and then.
const EXTENTS: [usize; 6] = [1, 2, 2, 3, 3, 4];

impl Trial {
    /// The call of a seed, of at most `most_elements` batch elements.
    pub fn draw(plan: &Plan, sizes: Sizes, most_elements: usize, seed: u64) -> Trial {
        let mut random = Random::new(seed);
        let arguments: Vec<&Tensor> =
            plan.tensors.iter().filter(|tensor| tensor.kind != TensorKind::Temporary).collect();
        let is_plain = arguments.len() <= MOST_POINTERS && random.percent(10);
        let layer = match plan.shards() {
            _ if is_plain => Layer::One,
            Some(_) if random.percent(20) => Layer::Three,
            _ => Layer::Two,
        };
        let full = if is_plain { Vec::new() } else { draw_batch(&mut random, most_elements) };
        let inputs = arguments.iter().filter(|tensor| tensor.kind == TensorKind::Input);
        let batches: Vec<Vec<usize>> = inputs.map(|_| draw_part(&mut random, &full)).collect();
        let has_ranges = layer == Layer::Two && random.percent(30);
        let range_batches = if has_ranges { draw_range_batches(&mut random, &full) } else { Vec::new() };
        let batch = broadcast(&[batches.as_slice(), &range_batches].concat());
        let own = batches.into_iter().chain(std::iter::repeat(batch.clone()));
        let mut tensors = Vec::new();
        for (tensor, own) in arguments.iter().zip(own) {
            let mut shape = own.clone();
            if tensor.role != Role::Parameter {
                shape.push(sizes.rows(tensor.role));
            }
            shape.push(tensor.elements() as usize);
            let is_input = tensor.kind == TensorKind::Input;
            let of = if is_input { Use::Input } else { Use::Result };
            let mut strided = match layer {
                Layer::One => Strided::draw_plain(&mut random, &shape, tensor.scalar),
                Layer::Two | Layer::Three => Strided::draw(&mut random, &shape, tensor.scalar, of),
            };
            if is_input {
                fill(&mut strided, tensor.scalar, sizes, &mut random);
                strided.forbid_writing();
            } else {
                strided.fill(|| random.bits());
            }
            tensors.push((own, strided));
        }
        let mut rows = |role: Role| {
            let is_told = arguments.iter().any(|tensor| tensor.role == role);
            if is_told && random.percent(70) { -1 } else { sizes.rows(role) as i64 }
        };
        let rows = (rows(Role::I), rows(Role::J));
        let ranges = has_ranges.then(|| Ranges::draw(&mut random, sizes, &range_batches, &batch));
        let threads = random.pick(&[1, 1, 2, 3, 7]);
        let workspace = random.pick(&[Workspace::Own, Workspace::Own, Workspace::Callers, Workspace::TooShort]);
        Trial { sizes, batch, tensors, ranges, rows, threads, workspace, layer, seed }
    }

    /// The same on that many threads.
    pub fn with_threads(self, threads: i32) -> Trial {
        Trial { threads, ..self }
    }

    /// The number of batch elements.
    pub fn elements(&self) -> usize {
        self.batch.iter().product()
    }

    fn check(&self, compiled: &Compiled, entry: usize, plan: &Verified, repetitions: usize) -> Result<(), String> {
        let (expected, _) = self.expected(plan);
        for _ in 0..repetitions {
            match self.layer {
                Layer::Three => self.call_in_shards(compiled, entry, plan)?,
                Layer::One => self.call_plain(compiled, entry)?,
                Layer::Two => self.call(compiled, entry, (0, 0))?,
            }
            for ((output, strided), expected) in self.results(plan).zip(&expected) {
                compare(&output.name, &memory(strided), expected)?;
            }
        }
        Ok(())
    }

    /// The results and their memory.
    pub(super) fn results<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a Tensor, &'a Strided)> {
        let arguments = plan.tensors.iter().filter(|tensor| tensor.kind != TensorKind::Temporary);
        let all = arguments.zip(&self.tensors).map(|(tensor, (_, strided))| (tensor, strided));
        all.filter(|(tensor, _)| tensor.kind == TensorKind::Output)
    }

    /// What is to be in the memory of each result, which nothing has been written to yet; and whether that depends on the processor.
    pub(super) fn expected(&self, plan: &Verified) -> (Vec<Vec<u64>>, bool) {
        let mut expected: Vec<Vec<u64>> = self.results(plan).map(|(_, strided)| memory(strided)).collect();
        let mut has_converted_nans = false;
        for (number, element) in indices(&self.batch).into_iter().enumerate() {
            let pairs = self.ranges.as_ref().map(|ranges| &ranges.pairs[number]);
            let computed = if pairs.is_some() { plan.for_ranges().unwrap_or(plan) } else { plan };
            let evaluated = reference::evaluate(computed, self.sizes, &self.inputs(plan, &element), pairs);
            has_converted_nans |= evaluated.has_converted_nans;
            for (((output, strided), words), expected) in self.results(plan).zip(&evaluated.results).zip(&mut expected)
            {
                for (index, word) in rows(output, self.sizes).iter().zip(words) {
                    // A result has the whole batch.
                    expected[strided.place(&[element.as_slice(), index].concat())] = *word;
                }
            }
        }
        (expected, has_converted_nans)
    }

    /// The arguments of a batch element.
    fn inputs(&self, plan: &Plan, element: &[usize]) -> Vec<Vec<u64>> {
        let inputs = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Input);
        let words = |(tensor, (own, strided)): (&Tensor, &(Vec<usize>, Strided))| {
            let indices = rows(tensor, self.sizes);
            indices.iter().map(|index| strided.word(&in_batch(own, element, index))).collect()
        };
        inputs.zip(&self.tensors).map(words).collect()
    }

    /// The call through layer 1.
    pub(super) fn call_plain(&self, compiled: &Compiled, entry: usize) -> Result<(), String> {
        let tensors = self.tensors.iter().map(|(_, strided)| strided.tensor());
        let pointers: Vec<_> =
            tensors.map(|tensor| tensor.data.wrapping_byte_add(tensor.byte_offset as usize)).collect();
        // SAFETY: the tensors are dense and have the elements that the sizes say.
        let status = unsafe { compiled.call_layer_1(entry, self.sizes, &pointers) };
        succeeded("layer 1", status, &[])
    }

    /// The call through layer 2, on the device of that type and number.
    pub(super) fn call(&self, compiled: &Compiled, entry: usize, device: (i32, i32)) -> Result<(), String> {
        let tensors: Vec<DLTensor> = self.tensors.iter().map(|(_, strided)| strided.tensor()).collect();
        let ranges: Vec<DLTensor> =
            self.ranges.iter().flat_map(|ranges| &ranges.tensors).map(|strided| strided.tensor()).collect();
        let memory = |bytes: usize| Guarded::new(bytes, Flush::Back);
        let change = |call: &mut Call| (call.device_type, call.device_id) = device;
        self.call_with(compiled, entry, &tensors, &ranges, change, memory, Guarded::data)?;
        Ok(())
    }

    /// The call with these tensors, after `change`; with a workspace of `memory` where the caller gives one, which comes back.
    #[expect(clippy::too_many_arguments, reason = "a call in all its parts")]
    pub(super) fn call_with<M>(
        &self,
        compiled: &Compiled,
        entry: usize,
        tensors: &[DLTensor],
        ranges: &[DLTensor],
        change: impl FnOnce(&mut Call),
        memory: impl FnOnce(usize) -> M,
        data: impl FnOnce(&M) -> *mut u8,
    ) -> Result<Option<M>, String> {
        let pointers: Vec<*const DLTensor> = tensors.iter().map(std::ptr::from_ref).collect();
        let range_pointers: Vec<*const DLTensor> = ranges.iter().map(std::ptr::from_ref).collect();
        let mut message = [0_u8; 512];
        let mut call = Call {
            struct_size: size_of::<Call>() as u32,
            num_tensors: pointers.len() as u32,
            tensors: pointers.as_ptr(),
            rows_i: self.rows.0,
            rows_j: self.rows.1,
            threads: self.threads,
            device_type: 0,
            device_id: 0,
            check: 0,
            stream: std::ptr::null_mut(),
            ranges: if ranges.is_empty() { std::ptr::null() } else { range_pointers.as_ptr() },
            workspace: std::ptr::null_mut(),
            workspace_size: 0,
            message: message.as_mut_ptr().cast(),
            message_size: message.len() as u64,
        };
        change(&mut call);
        let mut given = None;
        if self.workspace != Workspace::Own {
            // SAFETY: all pointers in the call lead to what the ABI says.
            let (bytes, status) = unsafe { compiled.workspace_of(entry, &call) };
            succeeded("workspace", status, &message)?;
            let bytes = if self.workspace == Workspace::TooShort { bytes / 2 } else { bytes };
            let given = given.insert(memory(bytes as usize));
            (call.workspace, call.workspace_size) = (data(given).cast(), bytes);
        }
        // SAFETY: as above; the results and the workspace may be written.
        let status = unsafe { compiled.call_layer_2(entry, &call) };
        succeeded("run", status, &message)?;
        Ok(given)
    }

    /// Sizes, layouts and all.
    pub fn words(&self) -> String {
        let Trial { sizes, batch, threads, workspace, .. } = self;
        let mut words =
            format!("M = {}, N = {}, batch {batch:?}, {threads} threads, {workspace:?} workspace\n", sizes.i, sizes.j);
        for (own, strided) in &self.tensors {
            words.push_str(&format!("  batch {own:?} {}\n", strided.words()));
        }
        if let Some(Ranges { pairs, tensors }) = &self.ranges {
            tensors.iter().for_each(|strided| words.push_str(&format!("  ranges {}\n", strided.words())));
            for Pairs { over_j, over_i } in pairs {
                words.push_str(&format!("  over j {over_j:?}\n  over i {over_i:?}\n"));
            }
        }
        words
    }

    /// Calls the entry that many times and compares every result, bit for bit; what is wrong, if something is. Should the process end, there are words.
    pub fn check_guarded(
        &self,
        compiled: &Compiled,
        entry: usize,
        plan: &Verified,
        repetitions: usize,
        who: &str,
    ) -> Result<(), String> {
        with_words_for_faults(format!("{who}\n{}", self.words()), || self.check(compiled, entry, plan, repetitions))
    }
}

/// All components in memory, those of gaps included.
pub(super) fn memory(tensor: &Strided) -> Vec<u64> {
    (0..tensor.places()).map(|place| tensor.word_at(place)).collect()
}

pub(super) fn compare(name: &str, found: &[u64], expected: &[u64]) -> Result<(), String> {
    let wrong: Vec<usize> = (0..found.len()).filter(|&place| found[place] != expected[place]).collect();
    let Some(&first) = wrong.first() else { return Ok(()) };
    let (count, all, found, expected) = (wrong.len(), found.len(), found[first], expected[first]);
    Err(format!(
        "result {name} at place {first} is {found:#x} instead of {expected:#x}; {count} of {all} places differ"
    ))
}

/// The words of a status other than 0.
pub(super) fn succeeded(what: &str, status: i32, message: &[u8]) -> Result<(), String> {
    let text = message.split(|byte| *byte == 0).next().unwrap_or_default();
    if status == 0 { Ok(()) } else { Err(format!("{what}: status {status}, {}", String::from_utf8_lossy(text))) }
}

/// The extents of up to three batch axes.
fn draw_batch(random: &mut Random, most_elements: usize) -> Vec<usize> {
    let axes = random.pick(&[0, 0, 1, 1, 2, 3]);
    let mut batch: Vec<usize> = (0..axes).map(|_| random.pick(&EXTENTS)).collect();
    while batch.iter().product::<usize>() > most_elements.max(1) {
        let axis = random.below(axes);
        batch[axis] = 1;
    }
    if axes > 0 && random.percent(3) {
        batch[random.below(axes)] = 0;
    }
    batch
}

/// What one argument has of the batch axes: leading ones missing, others of extent 1.
fn draw_part(random: &mut Random, full: &[usize]) -> Vec<usize> {
    let missing = if random.percent(40) { random.below(full.len() + 1) } else { 0 };
    full[missing..].iter().map(|&extent| if random.percent(30) { 1 } else { extent }).collect()
}

/// The common batch shape by NumPy's rule.
fn broadcast(shapes: &[Vec<usize>]) -> Vec<usize> {
    let axes = shapes.iter().map(Vec::len).max().unwrap_or(0);
    let extent = |from_last: usize| {
        let own = shapes.iter().filter_map(|shape| shape.iter().rev().nth(from_last));
        own.copied().find(|&extent| extent != 1).unwrap_or(1)
    };
    (0..axes).rev().map(extent).collect()
}

/// The index of an element in a tensor with its own batch axes.
fn in_batch(own: &[usize], element: &[usize], index: &[usize]) -> Vec<usize> {
    let shared = &element[element.len() - own.len()..];
    let batch = own.iter().zip(shared).map(|(&extent, &number)| if extent == 1 { 0 } else { number });
    batch.chain(index.iter().copied()).collect()
}

/// All indices below the extents, the last one running fastest.
fn indices(extents: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for &extent in extents {
        all = all.iter().flat_map(|index| (0..extent).map(|next| [index.as_slice(), &[next]].concat())).collect();
    }
    all
}

/// The indices of a tensor without its batch axes.
fn rows(tensor: &Tensor, sizes: Sizes) -> Vec<Vec<usize>> {
    let dim = tensor.dim() as usize;
    if tensor.role == Role::Parameter { indices(&[dim]) } else { indices(&[sizes.rows(tensor.role), dim]) }
}

/// Numbers of one kind or another: any bits; small integers, so that there are equals; and those at the ends.
fn fill(strided: &mut Strided, scalar: ScalarType, sizes: Sizes, random: &mut Random) {
    if scalar == ScalarType::I64 {
        let most = sizes.i.max(sizes.j) as i64 + 1;
        return strided.fill(|| random.integer(-2, most) as u64);
    }
    let bits = if scalar.computing() == ScalarType::F64 { 64 } else { 32 };
    let ends = [0, 1, u64::MAX, 1 << (bits - 2), (1_u64 << (bits - 2)).wrapping_neg(), 1 << (bits - 1), u64::MAX >> 1];
    let kind = random.below(3);
    strided.fill(|| match kind {
        0 => random.bits(),
        1 => random.integer(-3, 3) as u64,
        _ if random.percent(50) => random.pick(&ends),
        _ => random.bits(),
    });
}

/// The batch axes of the six tensors.
fn draw_range_batches(random: &mut Random, full: &[usize]) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = (0..6).map(|_| draw_part(random, full)).collect();
    if random.percent(40) {
        batches.fill(Vec::new());
    }
    for ends in [1, 4] {
        if random.percent(50) {
            batches[ends + 1] = batches[ends].clone();
        }
    }
    batches
}

impl Ranges {
    /// Ranges with these batch axes, for a call of that batch.
    fn draw(random: &mut Random, sizes: Sizes, batches: &[Vec<usize>], batch: &[usize]) -> Ranges {
        let (first, over_j) = draw_side(random, (sizes.i, sizes.j), &batches[..3], batch);
        let (second, over_i) = draw_side(random, (sizes.j, sizes.i), &batches[3..], batch);
        let pairs = over_j.into_iter().zip(over_i).map(|(over_j, over_i)| Pairs { over_j, over_i });
        Ranges { tensors: first.into_iter().chain(second).collect(), pairs: pairs.collect() }
    }
}

/// A value for each element of a batch of its own.
struct Batched<T> {
    own: Vec<usize>,
    values: Vec<T>,
}

impl<T> Batched<T> {
    fn draw(own: &[usize], mut draw: impl FnMut() -> T) -> Batched<T> {
        Batched { own: own.to_vec(), values: indices(own).iter().map(|_| draw()).collect() }
    }

    /// The value at an element of a batch that has these axes among its own.
    fn at(&self, element: &[usize]) -> &T {
        let place = in_batch(&self.own, element, &[]);
        let number = place.iter().zip(&self.own).fold(0, |number, (place, extent)| number * extent + place);
        &self.values[number]
    }

    /// As an int64 tensor, in which the value of each element has `rows` rows of `width` integers, or `rows` integers where `width` is 0.
    fn tensor(&self, random: &mut Random, rows: usize, width: usize, integers: impl Fn(&T) -> Vec<usize>) -> Strided {
        let shape = if width == 0 { vec![rows] } else { vec![rows, width] };
        let whole = [self.own.as_slice(), &shape].concat();
        let mut strided = Strided::draw(random, &whole, ScalarType::I64, Use::Result);
        for (element, value) in indices(&self.own).iter().zip(&self.values) {
            for (index, integer) in indices(&shape).iter().zip(integers(value)) {
                strided.set_word(&[element.as_slice(), index].concat(), integer as u64);
            }
        }
        strided.forbid_writing();
        strided
    }
}

type Intervals = Vec<(usize, usize)>;

/// Blocks of rows, the ends of their lists, the column blocks; and for each batch element the columns of each row.
fn draw_side(
    random: &mut Random,
    (rows, columns): (usize, usize),
    batches: &[Vec<usize>],
    batch: &[usize],
) -> ([Strided; 3], Vec<Vec<Vec<usize>>>) {
    // GPUs go over more than 256 blocks in several steps.
    let most = if random.percent(4) { (400, 60) } else { (5, 8) };
    let (count, length) = (random.below(most.0), random.below(most.1));
    let blocks = Batched::draw(&batches[0], || draw_some_intervals(random, rows, count));
    let (ends, parts) = if batches[1] == batches[2] && random.percent(70) {
        // Lists of their own, which may share columns with other lists.
        let lists = Batched::draw(&batches[1], || draw_lists(random, columns, count, length));
        let (ends, parts) = lists.values.into_iter().unzip();
        (Batched { own: batches[1].clone(), values: ends }, Batched { own: batches[1].clone(), values: parts })
    } else {
        // Stretches of one list.
        let ends = Batched::draw(&batches[1], || draw_ends(random, count, length));
        (ends, Batched::draw(&batches[2], || draw_some_intervals(random, columns, length)))
    };
    let pairs = indices(batch).into_iter().map(|element| {
        let mut pairs = vec![Vec::new(); rows];
        let mut first = 0;
        for (&(begin, end), &last) in blocks.at(&element).iter().zip(ends.at(&element)) {
            let own = &parts.at(&element)[first..last];
            let listed: Vec<usize> = own.iter().flat_map(|&(begin, end)| begin..end).collect();
            pairs[begin..end].fill(listed);
            first = last;
        }
        pairs
    });
    let pairs = pairs.collect();
    let flat = |intervals: &Intervals| intervals.iter().flat_map(|&(begin, end)| [begin, end]).collect();
    let tensors = [
        blocks.tensor(random, count, 2, flat),
        ends.tensor(random, count, 0, Vec::clone),
        parts.tensor(random, length, 2, flat),
    ];
    (tensors, pairs)
}

/// The ends of `count` lists that together have at most `length` entries.
fn draw_ends(random: &mut Random, count: usize, length: usize) -> Vec<usize> {
    let mut ends: Vec<usize> = (0..count).map(|_| random.below(length + 1)).collect();
    ends.sort_unstable();
    ends
}

/// The same with the entries: intervals that do not overlap within a list.
fn draw_lists(random: &mut Random, limit: usize, count: usize, length: usize) -> (Vec<usize>, Intervals) {
    let ends = draw_ends(random, count, length);
    let mut parts = Vec::new();
    for end in ends.iter().copied().chain([length]) {
        parts.extend(draw_some_intervals(random, limit, end - parts.len()));
    }
    (ends, parts)
}

/// So many intervals that do not overlap, in any order.
fn draw_some_intervals(random: &mut Random, limit: usize, count: usize) -> Intervals {
    let mut intervals = draw_intervals(random, limit, count.max(6));
    intervals.resize_with(count, || {
        let empty = random.below(limit + 1);
        (empty, empty)
    });
    if random.percent(30) {
        (1..count).for_each(|last| intervals.swap(last, random.below(last + 1)));
    }
    intervals
}

/// Intervals that do not overlap, some of them empty; about so many at most.
fn draw_intervals(random: &mut Random, limit: usize, most: usize) -> Intervals {
    if random.percent(20) {
        return vec![(0, limit)];
    }
    let mut cuts: Vec<usize> = (0..random.below(most + 1)).map(|_| random.below(limit + 1)).collect();
    if random.percent(50) {
        cuts.extend([0, limit]);
    }
    cuts.sort_unstable();
    let mut intervals: Intervals = cuts.windows(2).map(|pair| (pair[0], pair[1])).collect();
    intervals.retain(|_| random.percent(75));
    intervals
}
