//! The kernels of a whole library: their text, and what a launch needs to know of each.

use keopsc_ir::plan::{Plan, TensorId, Verified, print::print};
use keopsc_ir::types::{Axis, Role, ScalarType};

use crate::kernel::emit_pass;
use crate::lines::Lines;
use crate::ring;
use crate::schedule::{Choice, GpuSchedule, schedule};
use crate::spelling::Arithmetic;

/// The kernels of a library.
#[derive(Clone, Debug, PartialEq)]
pub struct Library {
    /// CUDA C++, complete in itself.
    pub text: String,
    /// How many parts there are, which can be compiled side by side: the text defines the kernels of one where `KEOPS_PART` is its number, else all.
    pub parts: u32,
    /// The names of all kernels. Everything else refers to a kernel by its number here.
    pub kernels: Vec<String>,
    /// The kernel that measures row tiles of block-sparse ranges.
    pub layout: u32,
    /// The kernels that add gradients up over batch elements, in float32 and in float64, where some entry needs them.
    pub sums: [Option<u32>; 2],
    /// The first of the kernels of scatters, if some pass ends in one; the others follow it.
    pub scatter: Option<u32>,
    /// An entry for each plan, in order.
    pub entries: Vec<Entry>,
}

/// The kernels of an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its passes, in order.
    pub passes: Vec<PassKernels>,
    /// The same for calls with block-sparse ranges, where those differ.
    pub for_ranges: Option<Vec<PassKernels>>,
}

/// In which order the states of chunks are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In a binary tree over chunk numbers.
    Tree,
    /// One after the other within each of a fixed number of shares of the columns, these in a tree.
    Sequence,
    /// Each chunk goes on with the state of the one before: their order makes no difference to a bit of the result.
    Carried,
}

/// A kernel and its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its number.
    pub number: u32,
    /// Threads of a block.
    pub threads: u32,
    /// Rows of a block.
    pub rows: u32,
    /// Bytes of shared memory that a launch sets aside for code for compute capability 9.0 alone.
    pub large_bytes: u32,
}

/// What launches of a pass need to know; `keopsc_runtime::abi::DevicePass` says what each field means.
#[derive(Clone, Debug, PartialEq)]
pub struct PassKernels {
    /// The role of the rows.
    pub rows: Role,
    /// The index that is reduced, if one is.
    pub over: Option<Axis>,
    /// The type of arithmetic.
    pub compute: ScalarType,
    /// How chunks are merged.
    pub order: Order,
    /// The tensors that the kernels take, in order.
    pub views: Vec<TensorId>,
    /// Reduce columns, for many rows and for few.
    pub reduce: [Option<Kernel>; 2],
    /// Joins splits and writes results.
    pub finish: Kernel,
    /// Columns of a chunk where there are few, and where there are many.
    pub chunk: [u32; 2],
    /// The most chunks of a split.
    pub longest_split: u32,
    /// Bytes of a row's state.
    pub state_size: u32,
    /// Rough cost of a pair, in instructions.
    pub pair_cost: u32,
    /// What is laid out before columns are reduced.
    pub packed: Packed,
}

/// How columns and rows are laid out before columns are reduced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Bytes before a batch element's columns.
    pub header: u32,
    /// Bytes of a column and of a row.
    pub sizes: [u32; 2],
    /// What lays columns and rows out, if they are.
    pub kernels: [Option<Kernel>; 2],
}

/// The kernels of the entries that these plans are of. Names of plans differ.
pub fn library(plans: &[Verified]) -> Library {
    library_with(plans, &[])
}

/// The same with the layouts that are chosen for some passes.
pub fn library_with(plans: &[Verified], choices: &[Choice]) -> Library {
    library_in(Arithmetic::Real, plans, choices)
}

/// The same in integers instead of real numbers, by [`keopsc_ops::ring`]: for tests.
pub fn library_in_ring(plans: &[Verified]) -> Library {
    library_in(Arithmetic::Ring, plans, &[])
}

fn library_in(arithmetic: Arithmetic, plans: &[Verified], choices: &[Choice]) -> Library {
    let mut lines = Lines::default();
    let mut kernels = Kernels { names: vec![LAYOUT.to_owned()], ..Kernels::default() };
    let mut entries = Vec::new();
    for plan in plans {
        let mut emit = |plan: &Plan, infix: &str, choices: &[Choice]| {
            let schedules = schedule(plan, arithmetic, choices);
            emit_plan(&mut lines, &mut kernels, plan, infix, &schedules, arithmetic)
        };
        let passes = emit(plan, "_", choices);
        let for_ranges = plan.for_ranges().map(|other| emit(other, "_ranges", &[]));
        entries.push(Entry { passes, for_ranges });
    }
    // What is the same for all passes goes with what the last of them has beside its longest kernel.
    let common = part(kernels.parts.saturating_sub(1));
    let sums = emit_sums(&mut lines, &mut kernels.names, plans, &common);
    let scatter = emit_scatters(&mut lines, &mut kernels.names, plans, &common);
    let made = format!("// Made by keopsc {}.\n\n{NO_MISTAKES}", env!("CARGO_PKG_VERSION"));
    let numbers = match arithmetic {
        Arithmetic::Real => NUMBERS.to_owned(),
        Arithmetic::Ring => format!("{NUMBERS}\n{}", ring::numbers()),
    };
    let layout = format!("#if {common}\n{RANGES}#endif\n");
    let body = lines.into_text();
    let mut parts: Vec<&str> = vec![&made, PART, &numbers, SKELETON[0], SKELETON[1], &layout];
    let Kernels { have_contractions, have_products, have_wide_sums, have_wide_quads, have_queues, have_lists, .. } =
        kernels;
    let optional = [
        (have_queues, QUEUE),
        (have_lists, LISTS),
        (sums != [None, None], SUMS),
        (scatter.is_some(), SCATTER),
        (have_contractions || have_wide_sums, CONTRACT),
        (have_products, TENSOR),
        (have_wide_sums, WIDE[0]),
        (have_wide_sums && arithmetic == Arithmetic::Real, WIDE[1]),
        (have_wide_quads, WIDE[2]),
    ];
    parts.extend(optional.iter().filter(|(is_there, _)| *is_there).map(|(_, part)| *part));
    parts.push(&body);
    let text = parts.join("\n");
    Library { text, parts: kernels.parts.max(1), kernels: kernels.names, layout: 0, sums, scatter, entries }
}

/// The kernels of a library that is being made.
#[derive(Default)]
pub(crate) struct Kernels {
    pub(crate) names: Vec<String>,
    /// Parts so far.
    pub(crate) parts: u32,
    /// Whether some have contractions, and whether some of those are products.
    pub(crate) have_contractions: bool,
    /// See above.
    pub(crate) have_products: bool,
    /// Whether some have sums that are a matrix product.
    pub(crate) have_wide_sums: bool,
    /// Whether some of these are added up in quads.
    pub(crate) have_wide_quads: bool,
    /// Whether columns wait in some before they are taken in.
    pub(crate) have_queues: bool,
    /// Whether the state of some is one long list.
    pub(crate) have_lists: bool,
}

impl Kernels {
    /// The number of a new part.
    pub(crate) fn new_part(&mut self) -> u32 {
        self.parts += 1;
        self.parts - 1
    }
}

/// The condition on what belongs to a part.
pub(crate) fn part(number: u32) -> String {
    format!("IN_PART({number})")
}

/// What decides it. That a part of a text is left out changes no machine code of the others.
const PART: &str = "// Kernels can be compiled in parts, side by side: KEOPS_PART is the number of one.
#ifdef KEOPS_PART
#define IN_PART(number) (KEOPS_PART == (number))
#else
#define IN_PART(number) 1
#endif
";

/// The kernel of the skeleton, the first of every library.
const LAYOUT: &str = "keops_layout";

/// What every text begins with.
const NUMBERS: &str = include_str!("skeleton/numbers.cu");
const SKELETON: [&str; 2] = [include_str!("skeleton/launch.cu"), include_str!("skeleton/reduce.cu")];

/// The kernel that measures row tiles.
const RANGES: &str = include_str!("skeleton/ranges.cu");

/// What those need in which columns wait before they are taken in.
const QUEUE: &str = include_str!("skeleton/queue.cu");

/// What those need whose state is one long list.
const LISTS: &str = include_str!("skeleton/lists.cu");

/// What those need that have contractions: in general, and by tensor cores.
const CONTRACT: &str = include_str!("skeleton/contract.cu");
const TENSOR: &str = include_str!("skeleton/tensor.cu");

/// What those need whose sums are a matrix product: in general, and by tensor cores.
const WIDE: [&str; 3] =
    [include_str!("skeleton/wide.cu"), include_str!("skeleton/wide_tensor.cu"), include_str!("skeleton/wide_quads.cu")];

/// What those need that have gradients, which may be sums over a batch.
const SUMS: &str = include_str!("skeleton/sums.cu");

/// What those need that scatter.
const SCATTER: &str = include_str!("skeleton/scatter.cu");

/// The kernels of scatters, in the order in which the support code has them: name, threads of a block, function.
const SCATTER_KERNELS: [(&str, u32, &str); 8] = [
    ("count", 256, "scatter_count"),
    ("offsets", 1024, "scatter_offsets"),
    ("starts", 1024, "scatter_starts"),
    ("place", 256, "scatter_place"),
    ("add_f32", 256, "scatter_add<float>"),
    ("finish_f32", 256, "scatter_finish<float>"),
    ("add_f64", 256, "scatter_add<double>"),
    ("finish_f64", 256, "scatter_finish<double>"),
];

/// The kernels of scatters, if there are some.
fn emit_scatters(lines: &mut Lines, kernels: &mut Vec<String>, plans: &[Verified], part: &str) -> Option<u32> {
    plans.iter().flat_map(|plan| &plan.passes).find(|pass| !pass.scatters.is_empty())?;
    let first = kernels.len() as u32;
    for (name, threads, function) in SCATTER_KERNELS {
        emit_common(lines, part, &format!("keops_scatter_{name}"), threads, "ScatterCall", function);
        kernels.push(format!("keops_scatter_{name}"));
    }
    Some(first)
}

/// A kernel that is the same for all entries: a function of its argument.
fn emit_common(lines: &mut Lines, part: &str, name: &str, threads: u32, argument: &str, function: &str) {
    lines.gap();
    lines.line(format!("#if {part}"));
    lines.line(format!(
        "extern \"C\" __global__ void __launch_bounds__({threads}) {name}(const {argument} __grid_constant__ call)"
    ));
    lines.open("{");
    lines.line(format!("{function}(call);"));
    lines.close("}");
    lines.line("#endif");
}

/// The kernels that add gradients up, for the types that there are.
fn emit_sums(lines: &mut Lines, kernels: &mut Vec<String>, plans: &[Verified], part: &str) -> [Option<u32>; 2] {
    let has_gradients = |plan: &&Verified| plan.tensors.iter().any(|tensor| tensor.gradient_of.is_some());
    let mut is_summed = [false; 2];
    for pass in plans.iter().filter(has_gradients).flat_map(|plan| &plan.passes) {
        is_summed[usize::from(pass.compute == ScalarType::F64)] = true;
    }
    let mut emit = |is_summed: bool, name: &str, real: &str| {
        is_summed.then(|| {
            emit_common(lines, part, name, 256, "SumCall", &format!("sum_members<{real}>"));
            kernels.push(name.to_owned());
            kernels.len() as u32 - 1
        })
    };
    [emit(is_summed[0], "keops_sum_f32", "float"), emit(is_summed[1], "keops_sum_f64", "double")]
}

/// Warnings of nvcc and NVRTC about what formulas may say.
const NO_MISTAKES: &str =
    "// A division by a literal 0, and a value that only a choice not taken reads, are no mistakes here.
#pragma nv_diag_suppress 39, 177, 550
";

/// Adds the passes of a plan, which are called after the entry, `infix` and their number.
fn emit_plan(
    lines: &mut Lines,
    kernels: &mut Kernels,
    plan: &Plan,
    infix: &str,
    schedules: &[GpuSchedule],
    arithmetic: Arithmetic,
) -> Vec<PassKernels> {
    lines.gap();
    describe(lines, plan);
    let name = |number: usize| format!("{}{infix}{number}", plan.name);
    let numbered = schedules.iter().enumerate();
    numbered
        .map(|(number, schedule)| emit_pass(lines, kernels, plan, &name(number), number, schedule, arithmetic))
        .collect()
}

/// A comment: the plan's name and tensors, numbered as in the kernels.
fn describe(lines: &mut Lines, plan: &Plan) {
    lines.line(format!("// Entry {}", plan.name));
    let printed = print(plan);
    let tensors = printed.lines().filter_map(|line| line.strip_prefix("tensor "));
    tensors.enumerate().for_each(|(number, line)| lines.line(format!("// tensor{number} is {line}")));
}
