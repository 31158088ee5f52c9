//! One call through layer 2, everything about it drawn at random, and its check.

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::{Plan, Tensor, TensorKind};
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
    ranges: Option<Ranges>,
    rows: (i64, i64),
    pub(super) threads: i32,
    workspace: Workspace,
    layer: Layer,
    /// Of the division into shards.
    pub(super) seed: u64,
}

/// The function that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// Plain pointers: no batch, no strides, no ranges.
    One,
    /// Tensors.
    Two,
    /// Tensors, by way of the states of shards: no ranges.
    Three,
}

/// Six tensors, and the pairs that they list.
#[derive(Debug)]
struct Ranges {
    tensors: Vec<Strided>,
    pairs: Pairs,
}

/// Whose memory the library works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Workspace {
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
        let batch = broadcast(&batches);
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
        let ranges = (layer == Layer::Two && random.percent(30)).then(|| Ranges::draw(&mut random, sizes));
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

    fn check(&self, compiled: &Compiled, entry: usize, plan: &Plan, repetitions: usize) -> Result<(), String> {
        let number_of_results = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Output).count();
        let results = &self.tensors[self.tensors.len() - number_of_results..];
        let memory =
            |tensor: &Strided| -> Vec<u64> { (0..tensor.places()).map(|place| tensor.word_at(place)).collect() };
        let mut expected: Vec<Vec<u64>> = results.iter().map(|(_, tensor)| memory(tensor)).collect();
        for element in indices(&self.batch) {
            let values = reference::evaluate(plan, self.sizes, &self.inputs(plan, &element), self.pairs());
            let outputs = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Output);
            for (((output, words), (own, strided)), expected) in outputs.zip(&values).zip(results).zip(&mut expected) {
                for (index, word) in rows(output, self.sizes).iter().zip(words) {
                    expected[strided.place(&in_batch(own, &element, index))] = *word;
                }
            }
        }
        for _ in 0..repetitions {
            match self.layer {
                Layer::Three => self.call_in_shards(compiled, entry, plan)?,
                Layer::One | Layer::Two => self.call(compiled, entry)?,
            }
            let outputs = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Output);
            for ((output, (_, strided)), expected) in outputs.zip(results).zip(&expected) {
                compare(&output.name, &memory(strided), expected)?;
            }
        }
        Ok(())
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

    fn pairs(&self) -> Option<&Pairs> {
        self.ranges.as_ref().map(|ranges| &ranges.pairs)
    }

    fn call(&self, compiled: &Compiled, entry: usize) -> Result<(), String> {
        let tensors: Vec<DLTensor> = self.tensors.iter().map(|(_, strided)| strided.tensor()).collect();
        if self.layer == Layer::One {
            let data = |tensor: &DLTensor| tensor.data.wrapping_byte_add(tensor.byte_offset as usize);
            let pointers: Vec<_> = tensors.iter().map(data).collect();
            // SAFETY: the tensors are dense and have the elements that the sizes say.
            let status = unsafe { compiled.call_layer_1(entry, self.sizes, &pointers) };
            return succeeded("layer 1", status, &[]);
        }
        let pointers: Vec<*const DLTensor> = tensors.iter().map(std::ptr::from_ref).collect();
        let ranges: Vec<DLTensor> =
            self.ranges.iter().flat_map(|ranges| &ranges.tensors).map(|strided| strided.tensor()).collect();
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
        let mut memory = None;
        if self.workspace != Workspace::Own {
            // SAFETY: all pointers in the call lead to what the ABI says.
            let (bytes, status) = unsafe { compiled.workspace_of(entry, &call) };
            succeeded("workspace", status, &message)?;
            let bytes = if self.workspace == Workspace::TooShort { bytes / 2 } else { bytes };
            let given = memory.insert(Guarded::new(bytes as usize, Flush::Back));
            (call.workspace, call.workspace_size) = (given.data().cast(), bytes);
        }
        // SAFETY: as above; the results and the workspace may be written.
        let status = unsafe { compiled.call_layer_2(entry, &call) };
        succeeded("run", status, &message)
    }

    /// Sizes, layouts and all.
    pub fn words(&self) -> String {
        let Trial { sizes, batch, threads, workspace, .. } = self;
        let mut words =
            format!("M = {}, N = {}, batch {batch:?}, {threads} threads, {workspace:?} workspace\n", sizes.i, sizes.j);
        for (own, strided) in &self.tensors {
            words.push_str(&format!("  batch {own:?} {}\n", strided.words()));
        }
        if let Some(Ranges { pairs, .. }) = &self.ranges {
            words.push_str(&format!("  over j {:?}\n  over i {:?}\n", pairs.over_j, pairs.over_i));
        }
        words
    }

    /// Calls the entry that many times and compares every result, bit for bit; what is wrong, if something is. Should the process end, there are words.
    pub fn check_guarded(
        &self,
        compiled: &Compiled,
        entry: usize,
        plan: &Plan,
        repetitions: usize,
        who: &str,
    ) -> Result<(), String> {
        with_words_for_faults(format!("{who}\n{}", self.words()), || self.check(compiled, entry, plan, repetitions))
    }
}

fn compare(name: &str, found: &[u64], expected: &[u64]) -> Result<(), String> {
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

impl Ranges {
    fn draw(random: &mut Random, sizes: Sizes) -> Ranges {
        let (first, over_j) = draw_side(random, sizes.i, sizes.j);
        let (second, over_i) = draw_side(random, sizes.j, sizes.i);
        let tensors = first.into_iter().chain(second).collect();
        Ranges { tensors, pairs: Pairs { over_j, over_i } }
    }
}

/// Blocks of rows, the ends of their lists, the column blocks; and the columns of each row.
fn draw_side(random: &mut Random, rows: usize, columns: usize) -> ([Strided; 3], Vec<Vec<usize>>) {
    let blocks = draw_intervals(random, rows);
    let (mut ends, mut parts) = (Vec::new(), Vec::new());
    let mut pairs = vec![Vec::new(); rows];
    for &(begin, end) in &blocks {
        let own = draw_intervals(random, columns);
        for row in &mut pairs[begin..end] {
            *row = own.iter().flat_map(|&(begin, end)| begin..end).collect();
        }
        parts.extend(own);
        ends.push(parts.len());
    }
    let table = |random: &mut Random, rows: &[Vec<usize>]| {
        let shape: Vec<usize> = if rows.is_empty() { vec![0, 2] } else { vec![rows.len(), rows[0].len()] };
        let mut strided = Strided::draw(random, &shape, ScalarType::I64, Use::Result);
        for (number, row) in rows.iter().enumerate() {
            row.iter().enumerate().for_each(|(k, value)| strided.set_word(&[number, k], *value as u64));
        }
        strided.forbid_writing();
        strided
    };
    let list = |intervals: &[(usize, usize)]| -> Vec<Vec<usize>> {
        intervals.iter().map(|&(begin, end)| vec![begin, end]).collect()
    };
    let (blocks, parts) = (table(random, &list(&blocks)), table(random, &list(&parts)));
    let mut slices = Strided::draw(random, &[ends.len()], ScalarType::I64, Use::Result);
    ends.iter().enumerate().for_each(|(number, &end)| slices.set_word(&[number], end as u64));
    slices.forbid_writing();
    ([blocks, slices, parts], pairs)
}

/// Intervals that do not overlap, in any order, some of them empty.
fn draw_intervals(random: &mut Random, limit: usize) -> Vec<(usize, usize)> {
    let mut cuts: Vec<usize> = (0..random.below(7)).map(|_| random.below(limit + 1)).collect();
    if random.percent(50) {
        cuts.extend([0, limit]);
    }
    cuts.sort_unstable();
    let mut intervals: Vec<(usize, usize)> = cuts.windows(2).map(|pair| (pair[0], pair[1])).collect();
    intervals.retain(|_| random.percent(75));
    if random.percent(30) {
        (1..intervals.len()).for_each(|last| intervals.swap(last, random.below(last + 1)));
    }
    intervals
}
