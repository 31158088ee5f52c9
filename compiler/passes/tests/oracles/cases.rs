//! Programs for the oracles: formulas of one operation or reduction, random ones, and the files of the repository.

use std::path::Path;

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_ir::formula::{Entry, Graph, Input, InputId, NodeId, NodeKind, Origin, Output, Program};
use keopsc_ir::random::Random;
use keopsc_ir::types::{Axis, Numerics, Role, ScalarType};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::scalar::Number;
use keopsc_ops::signature::{Numbers, Signature};
use keopsc_ops::{OperationId, ReductionId, catalogue, reductions};
use keopsc_passes::resolve::{Options, resolve};

pub const SIZES: Sizes = Sizes { i: 2, j: 3 };

/// How many random programs a test draws; `KEOPSC_CASES` sets another number than the usual one.
pub fn count(usual: u64) -> u64 {
    std::env::var("KEOPSC_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A node of a program, with the interval that each input is drawn from.
pub struct Case {
    pub program: Program,
    pub node: NodeId,
    intervals: Vec<(f64, f64)>,
}

const USUAL_INTERVAL: (f64, f64) = (-1.0, 1.0);

impl Case {
    /// A node of a program whose inputs may be anything near 0.
    pub fn of(program: Program, node: NodeId) -> Case {
        Case { program, node, intervals: Vec::new() }
    }

    /// The last formula in it that has no reduction inside.
    pub fn formula(&self) -> Option<Case> {
        Some(Case { intervals: self.intervals.clone(), ..last_formula(&self.program)? })
    }

    /// The interval of an input.
    pub fn interval(&self, input: usize) -> (f64, f64) {
        self.intervals.get(input).copied().unwrap_or(USUAL_INTERVAL)
    }

    /// The inputs that the node depends on.
    pub fn variables(&self) -> Vec<InputId> {
        let reached = self.program.graph.reached_from(&[self.node]);
        let kinds = reached.iter().map(|&id| &self.program.graph.node(id).kind);
        kinds.filter_map(|kind| if let NodeKind::Input(input) = kind { Some(*input) } else { None }).collect()
    }
}

/// The program of a file; `None` where it has mistakes.
pub fn program_of(text: &str) -> Option<Program> {
    let (file, errors) = keopsc_grammar::parse_file(text);
    let (program, _) = resolve(&file, &Options::default());
    program.filter(|_| errors.is_empty())
}

/// Every sound file of `tests/cases/stages` and `samples`.
pub fn files() -> Vec<(String, Program)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["tests/cases/stages", "samples"].map(|folder| root.join(folder));
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("the folder can be read"));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "kf"));
    paths.sort();
    let read = |path: &Path| std::fs::read_to_string(path).expect("the file can be read");
    let programs = paths.iter().filter_map(|path| Some((path.display().to_string(), program_of(&read(path))?)));
    let programs: Vec<_> = programs.collect();
    assert!(programs.len() >= 10, "only {} files were found", programs.len());
    programs
}

/// The program with one entry, which takes all inputs and returns one node.
pub fn with_output(program: &Program, node: NodeId, rows: Role) -> Program {
    let inputs = (0..program.inputs.len() as u32).map(InputId).collect();
    let shape = vec![program.graph.node(node).dim];
    let outputs = vec![Output { name: "f".to_owned(), node, rows, shape, is_complex: false, gradient_of: None }];
    let entries = vec![Entry { name: "f".to_owned(), inputs, outputs, numerics: Numerics::default() }];
    Program { entries, ..program.clone() }
}

/// The values of the only output.
pub fn run<N: Number>(program: &Program, values: &[Vec<N>]) -> Vec<N> {
    let mut results = evaluate(program, &program.entries[0], SIZES, values).expect("the program can be evaluated");
    results.swap_remove(0).values
}

pub fn add_input(program: &mut Program, name: &str, role: Role, dim: u32) -> NodeId {
    let input = Input { name: name.to_owned(), role, dim, scalar: ScalarType::F64, origin: Origin::Declared };
    program.inputs.push(input.clone());
    program.graph.input(InputId(program.inputs.len() as u32 - 1), &input)
}

/// Dimensions and parameters that a row takes, found by trial.
fn draw_shapes(
    arguments: usize,
    parameters: usize,
    random: &mut Random,
    fits: impl Fn(&[u32], &[i64]) -> bool,
) -> Option<(Vec<u32>, Vec<i64>)> {
    (0..3000).find_map(|_| {
        let dims: Vec<u32> = (0..arguments).map(|_| random.pick(&[1, 2, 3, 3, 4, 6])).collect();
        let parameters: Vec<i64> = (0..parameters).map(|_| random.integer(-1, 4)).collect();
        fits(&dims, &parameters).then_some((dims, parameters))
    })
}

/// An operation, dimensions of its arguments, its lists.
type Lists = (&'static str, &'static [u32], &'static [&'static [i64]]);

/// Dimensions and lists for the operations that take lists, which no trial would find.
const LISTS: &[Lists] = &[
    ("TensorDot", &[6, 6], &[&[2, 3], &[3, 2], &[1], &[0], &[]]),
    ("TensorDot", &[4, 8], &[&[2, 2], &[2, 2, 2], &[0], &[2], &[2, 0, 1]]),
    ("TensorDot", &[6, 6], &[&[2, 3], &[3, 2], &[0, 1], &[1, 0]]),
    ("Kron", &[4, 6], &[&[2, 2], &[2, 3]]),
    ("Kron", &[2, 3], &[&[2], &[3]]),
];

/// Dimensions and parameters that an operation takes.
pub fn operation_shapes(
    operation: OperationId,
    random: &mut Random,
    fits: impl Fn(&[u32], &[i64]) -> bool,
) -> Option<(Vec<u32>, Vec<i64>)> {
    let signature = catalogue::signature(operation);
    let of_lists: Vec<_> = LISTS.iter().filter(|(name, ..)| *name == signature.name).collect();
    if of_lists.is_empty() {
        return draw_shapes(signature.arguments.len(), signature.parameters.len(), random, fits);
    }
    let with_lengths =
        |lists: &[&[i64]]| lists.iter().flat_map(|list| [&[list.len() as i64], *list].concat()).collect();
    let all = of_lists.into_iter().map(|(_, dims, lists)| (dims.to_vec(), with_lengths(lists)));
    random.pick_any(&all.filter(|(dims, parameters): &(Vec<u32>, Vec<i64>)| fits(dims, parameters)).collect::<Vec<_>>())
}

/// An operation of these formulas and parameters, as it is written.
pub fn call(signature: &Signature, arguments: &[String], parameters: &[i64]) -> Option<String> {
    let split = signature.split_parameters(parameters)?;
    let (mut formulas, mut numbers) = (arguments.iter(), signature.parameters.iter().zip(split));
    let is_argument = |name: &str| signature.arguments.iter().any(|argument| argument.name == name);
    let mut written = Vec::new();
    for name in signature.names_in_calls() {
        written.push(match is_argument(name) {
            true => formulas.next()?.clone(),
            false => match numbers.next()? {
                (spec, values) if spec.is_list() => format!("{values:?}"),
                (spec, values) if spec.numbers == Numbers::Halves => format!("{}/2", values[0]),
                (_, values) => values[0].to_string(),
            },
        });
    }
    Some(format!("{}({})", signature.name, written.join(", ")))
}

/// `Sin(Sum[j](Operation(…) * w))`, so that cotangents come from an epilogue; the arguments have roles by turns, the first that of `shift`.
/// The formula is a text, so that expansions are what a user gets.
pub fn operation_case(operation: OperationId, shift: usize, seed: u64) -> Option<Case> {
    let mut random = Random::new(seed);
    let (row, signature) = (catalogue::operation(operation), catalogue::signature(operation));
    let small =
        |dims: &[u32], parameters: &[i64]| catalogue::infer_dim(operation, dims, parameters).is_ok_and(|dim| dim <= 24);
    for _ in 0..20 {
        let (dims, parameters) = operation_shapes(operation, &mut random, small)?;
        let mut text = "dtype f64\n".to_owned();
        for (number, dim) in dims.iter().enumerate() {
            text += &format!("x{number} = {}({dim})\n", ["Vi", "Vj", "Pm"][(number + shift) % 3]);
        }
        let names: Vec<String> = (0..dims.len()).map(|number| format!("x{number}")).collect();
        text += &format!("w = Vj(1)\nout f = Sin(Sum[j]({} * w))\n", call(signature, &names, &parameters)?);
        if let Some(program) = program_of(&text) {
            let node = program.entries[0].outputs[0].node;
            let intervals = row.domain.iter().copied().chain(vec![(0.5, 2.0); dims.len() - row.domain.len()]);
            let intervals = intervals.chain([USUAL_INTERVAL]).collect();
            return Some(Case { program, node, intervals });
        }
    }
    None
}

/// `Cos(Reduction(Sin(p * (x + y)) + 3/2, …))`.
pub fn reduction_case(reduction: ReductionId, over: Axis, seed: u64) -> Option<Case> {
    let mut random = Random::new(seed);
    let signature = reductions::signature(reduction);
    let small = |dims: &[u32], parameters: &[i64]| {
        dims.iter().all(|&dim| dim <= 3) && reductions::infer(reduction, dims, parameters).is_ok()
    };
    let counts = (signature.arguments.len(), signature.parameters.len());
    let (dims, parameters) = draw_shapes(counts.0, counts.1, &mut random, small)?;
    let mut program = Program { scalar: Some(ScalarType::F64), ..Program::default() };
    let mut arguments = Vec::new();
    for (number, &dim) in dims.iter().enumerate() {
        let x = add_input(&mut program, &format!("x{number}"), Role::I, dim);
        let y = add_input(&mut program, &format!("y{number}"), Role::J, dim);
        let p = add_input(&mut program, &format!("p{number}"), Role::Parameter, 1);
        let sum = program.graph.plus(x, y).ok()?;
        let product = program.graph.multiply(sum, p).ok()?;
        let sine = program.graph.named("Sin", &[], &[product]).ok()?;
        let shift = program.graph.constant(1.5);
        arguments.push(program.graph.plus(sine, shift).ok()?);
    }
    let outcomes = program.graph.reduction(reduction, over, over.other().role(), &parameters, &arguments).ok()?;
    let real = reductions::infer(reduction, &dims, &parameters).ok()?.first()?.0 == Kind::Real;
    let node = program.graph.named("Cos", &[], &outcomes[..1]).ok().filter(|_| real)?;
    Some(Case::of(program, node))
}

/// The last result of a program that is a real number and made of reductions, so that derivatives are those of a whole map.
pub fn last_result(program: Program) -> Option<Case> {
    let graph = &program.graph;
    let suitable = |id: NodeId| {
        let node = graph.node(id);
        node.role != Role::Pair && !node.is_index && contains_reduction(graph, id)
    };
    let node = graph.nodes().map(|(id, _)| id).filter(|&id| suitable(id)).last()?;
    Some(Case::of(program, node))
}

/// The last operation of a program that has no reduction inside, so that its derivatives are taken pair by pair.
pub fn last_formula(program: &Program) -> Option<Case> {
    let graph = &program.graph;
    let is_operation = |id: NodeId| matches!(graph.node(id).kind, NodeKind::Operation { .. });
    let formulas = graph.nodes().map(|(id, _)| id).filter(|&id| is_operation(id) && !contains_reduction(graph, id));
    Some(Case::of(program.clone(), formulas.last()?))
}

/// Whether its derivatives are those of a whole map, not pair by pair.
pub fn contains_reduction(graph: &Graph, id: NodeId) -> bool {
    graph.reached_from(&[id]).iter().any(|&inner| matches!(graph.node(inner).kind, NodeKind::Reduction { .. }))
}
