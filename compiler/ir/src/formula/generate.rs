//! Random programs over the whole catalogue, for property tests: everything follows from a seed.
//!
//! Shapes are found by trial: dimensions and parameters are drawn until the table accepts them, then arguments of those
//! dimensions are taken from what is there, or new inputs are declared. Where an operation is defined on an interval only, its
//! argument is usually brought into it first, so that most programs have finite values.

use keopsc_ops::catalogue::{self, Value};
use keopsc_ops::reductions;
use keopsc_ops::signature::Signature;
use keopsc_ops::{OperationId, ReductionId};

use super::{Entry, Graph, Input, InputId, NodeId, NodeKind, Origin, Output, Program};
use crate::evaluation::Sizes;
use crate::random::Random;
use crate::types::{Algebra, Axis, Numerics, Products, Role, ScalarType, SumScheme};

/// The program of a seed: resolved, differentiated, without expansions.
pub fn generate(seed: u64) -> Program {
    let mut generator = Generator::new(seed);
    generator.declare_inputs();
    generator.add_nodes();
    generator.add_entries();
    generator.program
}

/// The program of a seed with requests for derivatives, as there are before `passes::differentiate`.
pub fn generate_with_requests(seed: u64) -> Program {
    let mut generator = Generator::new(seed);
    generator.declare_inputs();
    generator.add_nodes();
    generator.add_requests();
    generator.add_entries();
    generator.program
}

/// Values for the inputs of an entry, in its order.
pub fn generate_inputs(program: &Program, entry: &Entry, sizes: Sizes, random: &mut Random) -> Vec<Vec<f64>> {
    let values = |id: &InputId| {
        let Input { role, dim, .. } = program.input(*id);
        (0..sizes.rows(*role) * *dim as usize).map(|_| random.real(INPUT_INTERVAL.0, INPUT_INTERVAL.1)).collect()
    };
    entry.inputs.iter().map(values).collect()
}

/// Where the values of inputs come from.
const INPUT_INTERVAL: (f64, f64) = (-1.2, 1.2);
/// Dimensions that are drawn: small ones, and those of small matrices.
const DIMS: &[u32] = &[1, 1, 1, 2, 2, 3, 3, 4, 6, 9];
/// Dimensions that are drawn now and then: more components than back ends unroll.
const LONG_DIMS: &[u32] = &[17, 33];
/// How often a long dimension or a long list is drawn, in percent.
const LONG_SHARE: usize = 5;
/// The largest dimension of a result.
const MAXIMUM_DIM: u32 = 48;
/// How often dimensions are drawn before an operation is given up.
const TRIALS: usize = 200;

/// How many reductions are drawn for row numbers to choose by.
const INDEX_TRIALS: usize = 4;

struct Generator {
    random: Random,
    program: Program,
    /// The nodes that may be used: real numbers.
    pool: Vec<NodeId>,
    /// Row numbers.
    indices: Vec<NodeId>,
}

impl Generator {
    fn new(seed: u64) -> Generator {
        let mut random = Random::new(seed);
        let scalar = Some(random.pick(&[ScalarType::F32, ScalarType::F32, ScalarType::F64]));
        let program = Program { scalar, ..Program::default() };
        Generator { random, program, pool: Vec::new(), indices: Vec::new() }
    }

    fn declare_inputs(&mut self) {
        for role in [Role::I, Role::J, Role::Parameter] {
            let dim = draw_dim(&mut self.random, &DIMS[..8]);
            self.input(role, dim);
        }
    }

    fn input(&mut self, role: Role, dim: u32) -> NodeId {
        let number = self.program.inputs.len();
        self.named_input(format!("x{number}"), role, dim, Origin::Declared)
    }

    fn named_input(&mut self, name: String, role: Role, dim: u32, origin: Origin) -> NodeId {
        let scalar = self.program.scalar.filter(|_| self.random.percent(90));
        let scalar = scalar.unwrap_or_else(|| self.random.pick(&[ScalarType::F16, ScalarType::BF16]));
        let scalar = if dim.is_multiple_of(2) && self.random.percent(10) { scalar.complex() } else { scalar };
        let id = InputId(self.program.inputs.len() as u32);
        let input = Input { name, role, dim, scalar, origin };
        let node = self.program.graph.input(id, &input);
        self.program.inputs.push(input);
        self.pool.push(node);
        node
    }

    fn add_nodes(&mut self) {
        for _ in 0..self.random.integer(2, 14) {
            match self.random.below(10) {
                0 => {
                    let value = self.random.real(-2.0, 2.0);
                    let node = self.program.graph.constant(value);
                    self.pool.push(node);
                }
                1 | 2 => self.add_reduction(),
                3 => self.add_choice(),
                _ => self.add_operation(),
            }
        }
        self.pool.dedup();
    }

    fn add_operation(&mut self) {
        let operations: Vec<OperationId> = catalogue::operations().map(|(id, _)| id).collect();
        let operation = self.random.pick(&operations);
        let row = catalogue::operation(operation);
        let signature = catalogue::signature(operation);
        if !matches!(row.value, Value::Recipe(_)) {
            return;
        }
        let counts = (signature.arguments.len(), signature.parameters.len());
        let fits = |dims: &[u32], parameters: &[i64]| {
            catalogue::infer_dim(operation, dims, parameters).is_ok_and(|dim| dim <= MAXIMUM_DIM)
        };
        let Some((dims, parameters)) = draw_shapes(&mut self.random, counts, fits) else { return };
        let mut arguments = Vec::new();
        for (number, &dim) in dims.iter().enumerate() {
            let argument = self.node_of(dim, Role::Pair);
            arguments.push(match row.domain.get(number) {
                Some(&domain) => self.inside(argument, domain),
                None => argument,
            });
        }
        if let Ok(node) = self.program.graph.operation(operation, &parameters, &arguments) {
            self.pool.push(node);
        }
    }

    fn add_reduction(&mut self) {
        let reductions: Vec<ReductionId> = reductions::reductions().map(|(id, _)| id).collect();
        let reduction = self.random.pick(&reductions);
        let signature = reductions::signature(reduction);
        let missing = signature.arguments.len() - signature.required_arguments();
        let count = signature.arguments.len() - self.random.below(missing + 1);
        let counts = (count, signature.parameters.len());
        let fits = |dims: &[u32], parameters: &[i64]| has_small_results(signature, dims, parameters);
        let Some((dims, parameters)) = draw_shapes(&mut self.random, counts, fits) else { return };
        let over = self.random.pick(&[Axis::I, Axis::J]);
        let rows = if self.random.percent(20) { Role::Parameter } else { over.other().role() };
        let mut arguments: Vec<NodeId> = dims.iter().map(|&dim| self.node_of(dim, rows.union(over.role()))).collect();
        let left_out = signature.arguments.iter().skip(count).filter_map(|argument| argument.default);
        arguments.extend(left_out.map(|value| self.program.graph.constant(value)));
        let outcomes = self.program.graph.reduction(reduction, over, rows, &parameters, &arguments);
        for node in outcomes.unwrap_or_default() {
            let is_index = self.program.graph.node(node).is_index;
            let list = if is_index { &mut self.indices } else { &mut self.pool };
            list.push(node);
        }
    }

    /// A choice by row numbers, unless reductions drawn for them have none.
    fn add_choice(&mut self) {
        for _ in 0..INDEX_TRIALS {
            if self.indices.is_empty() {
                self.add_reduction();
            }
        }
        let Some(by) = self.random.pick_any(&self.indices) else { return };
        let value = self.node_of(self.program.graph.node(by).dim, Role::Pair);
        let axis = self.random.pick(&[Axis::I, Axis::J]);
        let node = self.program.graph.chosen(by, axis, value);
        self.pool.push(node);
    }

    /// A node of that dimension that depends on no more than `role`; later ones are likelier.
    fn node_of(&mut self, dim: u32, role: Role) -> NodeId {
        let graph = &self.program.graph;
        let fits = |id: &&NodeId| graph.node(**id).dim == dim && role.contains(graph.node(**id).role);
        let fitting: Vec<NodeId> = self.pool.iter().filter(fits).copied().collect();
        let start = if self.random.percent(50) { fitting.len() / 2 } else { 0 };
        match self.random.pick_any(&fitting[start..]) {
            Some(node) if self.random.percent(90) => node,
            _ => {
                let roles = [Role::I, Role::J, Role::Parameter].into_iter().filter(|&other| role.contains(other));
                let role = self.random.pick(&roles.collect::<Vec<_>>());
                self.input(role, dim)
            }
        }
    }

    /// Usually `argument` brought into an interval smoothly; itself where it is known to be inside.
    fn inside(&mut self, argument: NodeId, (low, high): (f64, f64)) -> NodeId {
        let is_input = matches!(self.program.graph.node(argument).kind, NodeKind::Input(_));
        let wide = low <= INPUT_INTERVAL.0 && high >= INPUT_INTERVAL.1;
        if wide && (is_input || self.random.percent(60)) || self.random.percent(5) {
            return argument;
        }
        squash(&mut self.program.graph, argument, low, high).unwrap_or(argument)
    }

    fn add_requests(&mut self) {
        for number in 0..self.random.integer(1, 3) {
            let of = self.random.pick(&self.pool);
            let graph = &self.program.graph;
            let inputs = graph.nodes().filter(|(_, node)| matches!(node.kind, NodeKind::Input(_)));
            let inputs: Vec<NodeId> = inputs.map(|(id, _)| id).collect();
            let variable = self.random.pick(&inputs);
            let (of_type, variable_type) = (graph.node(of).clone(), graph.node(variable).clone());
            let node = if self.random.percent(60) {
                let cotangent = self.direction(of_type.dim, of_type.role, format!("d_{number}"), Origin::Cotangent);
                let role = variable_type.role.union(self.program.graph.role(&[cotangent, of]));
                self.program.graph.gradient(of, variable, cotangent, role)
            } else {
                let (dim, role) = (variable_type.dim, variable_type.role);
                let tangent = self.direction(dim, role, format!("t_{number}"), Origin::Tangent);
                let role = self.program.graph.role(&[tangent, of]);
                self.program.graph.tangent(of, variable, tangent, role)
            };
            self.pool.push(node);
        }
    }

    /// A new input of that type; for pairs, which are no inputs, one that is the same for all.
    fn direction(&mut self, dim: u32, role: Role, name: String, origin: Origin) -> NodeId {
        let role = if role == Role::Pair { Role::Parameter } else { role };
        self.named_input(name, role, dim, origin)
    }

    fn add_entries(&mut self) {
        self.reduce_last_pair();
        let graph = &self.program.graph;
        let results = graph.nodes().filter(|(_, node)| node.role != Role::Pair);
        let reduced = results.filter(|(_, node)| !matches!(node.kind, NodeKind::Input(_) | NodeKind::Constant(_)));
        let results: Vec<NodeId> = reduced.map(|(id, _)| id).collect();
        for number in 0..self.random.integer(1, 3) {
            let mut outputs = Vec::new();
            for position in 0..self.random.integer(1, 2) {
                let start = if self.random.percent(70) { results.len() / 2 } else { 0 };
                let node = self.random.pick(&results[start..]);
                outputs.push(self.output(format!("out{position}"), node));
            }
            let inputs = self.inputs_of(&outputs);
            for output in &mut outputs {
                output.gradient_of = output.gradient_of.filter(|input| inputs.contains(input));
            }
            let numerics = self.numerics();
            self.program.entries.push(Entry { name: format!("f{number}"), inputs, outputs, numerics });
        }
    }

    /// Sums the last node that depends on both indices, so that there always is a result and most nodes are used.
    fn reduce_last_pair(&mut self) {
        let over = self.random.pick(&[Axis::I, Axis::J]);
        let pair = self.pool.iter().rfind(|id| self.program.graph.node(**id).role == Role::Pair);
        let node = pair.or(self.pool.last()).copied().unwrap_or(NodeId(0));
        let rows = over.other().role();
        if self.program.graph.sum_over(over, rows, node).is_err() {
            unreachable!("a sum takes any dimension");
        }
    }

    fn output(&mut self, name: String, id: NodeId) -> Output {
        let graph = &self.program.graph;
        let node = graph.node(id);
        let shape = match &node.kind {
            NodeKind::Reduction { reduction, parameters, arguments, outcome, .. } => {
                let outcomes = reductions::infer(*reduction, &graph.dims(arguments), parameters).unwrap_or_default();
                outcomes.get(*outcome as usize).map(|(_, shape)| shape.clone())
            }
            _ => None,
        };
        let shape = shape.unwrap_or_else(|| vec![node.dim]);
        let widen = node.role == Role::Parameter && self.random.percent(30);
        let rows = if widen && !node.is_index { self.random.pick(&[Role::I, Role::J]) } else { node.role };
        let even = !node.is_index && shape.last().is_some_and(|extent| extent % 2 == 0);
        let is_complex = even && self.random.percent(20);
        let alike = |input: &Input| (input.role, input.dim, node.is_index) == (rows, node.dim, false);
        let alike = self.program.inputs.iter().position(alike).filter(|_| self.random.percent(20));
        let gradient_of = alike.map(|number| InputId(number as u32));
        Output { name, node: id, rows, shape, is_complex, gradient_of }
    }

    /// The inputs that outputs use or are gradients in, in order of declaration.
    fn inputs_of(&self, outputs: &[Output]) -> Vec<InputId> {
        let graph = &self.program.graph;
        let mut stack: Vec<NodeId> = outputs.iter().map(|output| output.node).collect();
        let mut seen = vec![false; graph.len()];
        let mut inputs: Vec<InputId> = outputs.iter().filter_map(|output| output.gradient_of).collect();
        while let Some(id) = stack.pop() {
            if std::mem::replace(&mut seen[id.0 as usize], true) {
                continue;
            }
            match &graph.node(id).kind {
                NodeKind::Input(input) => inputs.push(*input),
                kind => stack.extend(kind.arguments()),
            }
        }
        inputs.sort();
        inputs.dedup();
        inputs
    }

    fn numerics(&mut self) -> Numerics {
        let schemes = [SumScheme::Auto, SumScheme::Auto, SumScheme::Direct, SumScheme::Block, SumScheme::Kahan];
        let accumulate = self.random.percent(20).then_some(ScalarType::F64);
        let sum = self.random.pick(&schemes);
        let algebra = if self.random.percent(20) { Algebra::Fast } else { Algebra::Exact };
        let products = self.random.pick(&[Products::Auto, Products::Auto, Products::Tf32, Products::Bf16]);
        Numerics { sum, accumulate, algebra, products }
    }
}

/// `low + (high - low) · (1/2 + sin(a)·9/20)`: inside the interval whatever `a` is.
fn squash(graph: &mut Graph, a: NodeId, low: f64, high: f64) -> Option<NodeId> {
    let wave = graph.named("Sin", &[], &[a]).ok()?;
    let scale = graph.constant((high - low) * 0.45);
    let middle = graph.constant((low + high) / 2.0);
    let wave = graph.multiply(scale, wave).ok()?;
    graph.plus(middle, wave).ok()
}

/// Dimensions for that many arguments and parameters that `fits` accepts, if they are found by trial.
pub(crate) fn draw_shapes(
    random: &mut Random,
    (arguments, parameters): (usize, usize),
    fits: impl Fn(&[u32], &[i64]) -> bool,
) -> Option<(Vec<u32>, Vec<i64>)> {
    (0..TRIALS).find_map(|_| {
        let common = draw_dim(random, DIMS);
        let alike = random.percent(60);
        let mut dim = |_| if alike { random.pick(&[common, common, 1]) } else { draw_dim(random, DIMS) };
        let dims: Vec<u32> = (0..arguments).map(&mut dim).collect();
        let largest = if random.percent(LONG_SHARE) { 20 } else { 4 };
        let parameters: Vec<i64> = (0..parameters).map(|_| random.integer(-1, largest)).collect();
        fits(&dims, &parameters).then_some((dims, parameters))
    })
}

/// One of `dims`, or a long one now and then.
fn draw_dim(random: &mut Random, dims: &[u32]) -> u32 {
    if random.percent(LONG_SHARE) { random.pick(LONG_DIMS) } else { random.pick(dims) }
}

/// Whether a reduction of this form takes these arguments and has results that are not too long.
pub(crate) fn has_small_results(signature: &Signature, dims: &[u32], parameters: &[i64]) -> bool {
    let shapes = signature.bind(dims, parameters).and_then(|integers| signature.shapes(&integers));
    shapes.is_ok_and(|all| all.iter().all(|shape| shape.iter().product::<u32>() <= MAXIMUM_DIM))
}
