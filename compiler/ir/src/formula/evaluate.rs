//! The reference interpreter: a formula's value, in float64 or other numbers, by plain loops over rows and columns.
//!
//! Everything that does not depend on both indices is computed once and kept; what does is computed pair by pair, each node
//! once a pair, inside the reduction that needs it. So time is that of the formula as a graph, and memory that of its rows.

use keopsc_ops::catalogue::{self, Value};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::reductions::{self, Rule};
use keopsc_ops::scalar::{self, Number, Scalar};
use keopsc_ops::{OperationId, ReductionId};

use super::{Entry, Graph, Node, NodeId, NodeKind, Output, Program};
use crate::evaluation::{Array, Declaration, EvaluationError, Position, Sizes, bind};
use crate::types::{Axis, Role};

/// The outputs of an entry. `inputs` are the entry's, in its order, each `rows × dim` numbers.
///
/// The program must be one that `verify` accepts, differentiated and without expansions.
pub fn evaluate<N: Number>(
    program: &Program,
    entry: &Entry,
    sizes: Sizes,
    inputs: &[Vec<N>],
) -> Result<Vec<Array<N>>, EvaluationError> {
    let input = |id: &super::InputId| program.input(*id);
    let declarations: Vec<Declaration> =
        entry.inputs.iter().map(input).map(|input| (input.name.as_str(), input.role, input.dim)).collect();
    let arrays = bind(&declarations, sizes, inputs)?;
    let graph = &program.graph;
    let roots: Vec<NodeId> = entry.outputs.iter().map(|output| output.node).collect();
    let needed = reachable(graph, &roots, |_| true);
    let mut evaluation = Evaluation::new(graph, sizes);
    for (id, node) in graph.nodes().filter(|(id, _)| needed[id.0 as usize]) {
        if let NodeKind::Input(input) = &node.kind {
            let Some(number) = entry.inputs.iter().position(|other| other == input) else {
                let name = &program.input(*input).name;
                return unsupported(format!("the entry `{}` uses `{name}` but does not take it", entry.name));
            };
            evaluation.arrays[id.0 as usize] = Some(arrays[number].clone());
        } else {
            evaluation.node(id, node)?;
        }
    }
    Ok(entry.outputs.iter().map(|output| evaluation.output(output)).collect())
}

/// Which nodes the given ones need, themselves included, not looking below nodes that are not `open`.
fn reachable(graph: &Graph, roots: &[NodeId], open: impl Fn(&Node) -> bool) -> Vec<bool> {
    let mut needed = vec![false; graph.len()];
    roots.iter().for_each(|root| needed[root.0 as usize] = true);
    for number in (0..graph.len()).rev() {
        let node = graph.node(NodeId(number as u32));
        if needed[number] && open(node) {
            node.kind.arguments().iter().for_each(|id| needed[id.0 as usize] = true);
        }
    }
    needed
}

fn unsupported<T>(what: String) -> Result<T, EvaluationError> {
    Err(EvaluationError::Unsupported(what))
}

struct Evaluation<'g, N> {
    graph: &'g Graph,
    sizes: Sizes,
    /// All rows of the nodes that do not depend on both indices.
    arrays: Vec<Option<Array<N>>>,
    /// Those that do, at the pair of the moment.
    pairs: Vec<Array<N>>,
    /// What operations compute.
    recipes: Vec<Option<Scalar<u32>>>,
}

impl<'g, N: Number> Evaluation<'g, N> {
    fn new(graph: &'g Graph, sizes: Sizes) -> Evaluation<'g, N> {
        let pairs = vec![Array::zeros(0, 0); graph.len()];
        Evaluation { graph, sizes, arrays: vec![None; graph.len()], pairs, recipes: vec![None; graph.len()] }
    }

    /// Computes all rows of a node; of one that depends on both indices only the recipe.
    fn node(&mut self, id: NodeId, node: &Node) -> Result<(), EvaluationError> {
        let number = id.0 as usize;
        match &node.kind {
            NodeKind::Constant(value) => self.arrays[number] = Some(Array { dim: 1, values: vec![N::real(value.0)] }),
            NodeKind::Operation { operation, parameters, arguments } => {
                self.recipes[number] = Some(self.recipe(*operation, parameters, arguments)?);
                self.pairs_or_rows(id, node);
            }
            NodeKind::Chosen { .. } => self.pairs_or_rows(id, node),
            NodeKind::Reduction { reduction, over, rows, parameters, arguments, outcome } => {
                let rule = self.rule(*reduction, parameters, arguments)?;
                let array = self.reduce(&rule, *over, *rows, arguments, *outcome as usize);
                self.arrays[number] = Some(array);
            }
            NodeKind::Scatter { by, over, value } => {
                self.arrays[number] = Some(self.scatter(*by, *over, *value, node.dim));
            }
            NodeKind::Gradient { .. } | NodeKind::Tangent { .. } => {
                return unsupported("a derivative must be replaced by its formula before it is evaluated".to_string());
            }
            NodeKind::Input(_) => (),
        }
        Ok(())
    }

    /// Room for one pair of a node that depends on both indices, all rows of any other.
    fn pairs_or_rows(&mut self, id: NodeId, node: &Node) {
        match node.role {
            Role::Pair => self.pairs[id.0 as usize] = Array::zeros(1, node.dim as usize),
            role => self.arrays[id.0 as usize] = Some(self.rows(id, node.dim, role)),
        }
    }

    fn recipe(
        &self,
        operation: OperationId,
        parameters: &[i64],
        arguments: &[NodeId],
    ) -> Result<Scalar<u32>, EvaluationError> {
        let row = catalogue::operation(operation);
        if !matches!(row.value, Value::Recipe(_)) {
            return unsupported(format!("{} must be expanded before it is evaluated", row.name));
        }
        let recipe = catalogue::instantiate(operation, &self.graph.dims(arguments), parameters);
        recipe.or_else(|error| unsupported(format!("{}: {error}", row.name)))
    }

    fn rule(&self, reduction: ReductionId, parameters: &[i64], arguments: &[NodeId]) -> Result<Rule, EvaluationError> {
        let rule = reductions::instantiate(reduction, &self.graph.dims(arguments), parameters);
        rule.or_else(|error| unsupported(format!("{}: {error}", reductions::reduction(reduction).name)))
    }

    fn rows(&self, id: NodeId, dim: u32, role: Role) -> Array<N> {
        let mut array = Array::zeros(self.sizes.rows(role), dim as usize);
        for row in 0..self.sizes.rows(role) {
            self.operate(id, Position { i: row, j: row }, array.row_mut(row));
        }
        array
    }

    fn reduce(&mut self, rule: &Rule, over: Axis, rows: Role, arguments: &[NodeId], outcome: usize) -> Array<N> {
        let pairs = self.pairs_under(arguments);
        let mut array = Array::zeros(self.sizes.rows(rows), rule.outcomes[outcome].dim as usize);
        for row in 0..self.sizes.rows(rows) {
            let mut state = rule.initial();
            for column in 0..self.sizes.of(over) {
                let position = Position::new(rows, row, over, column);
                self.compute_pairs(&pairs, position);
                let components = |&id: &NodeId| self.components(id, position).to_vec();
                state = rule.update(&state, column as u64, &arguments.iter().map(components).collect::<Vec<_>>());
            }
            array.row_mut(row).clone_from_slice(&rule.finalize(&state)[outcome]);
        }
        array
    }

    fn scatter(&self, by: NodeId, over: Axis, value: NodeId, dim: u32) -> Array<N> {
        let mut sums = Array::zeros(self.sizes.of(over.other()), dim as usize);
        for position in (0..self.sizes.of(over)).map(|row| Position { i: row, j: row }) {
            sums.scatter(self.components(by, position), self.components(value, position));
        }
        sums
    }

    /// The nodes that depend on both indices among those needed, in order.
    fn pairs_under(&self, roots: &[NodeId]) -> Vec<NodeId> {
        let needed = reachable(self.graph, roots, |node| node.role == Role::Pair);
        let pairs = self.graph.nodes().filter(|(id, node)| needed[id.0 as usize] && node.role == Role::Pair);
        pairs.map(|(id, _)| id).collect()
    }

    fn compute_pairs(&mut self, pairs: &[NodeId], position: Position) {
        for &id in pairs {
            let mut array = std::mem::replace(&mut self.pairs[id.0 as usize], Array::zeros(0, 0));
            self.operate(id, position, array.row_mut(0));
            self.pairs[id.0 as usize] = array;
        }
    }

    fn operate(&self, id: NodeId, position: Position, result: &mut [N]) {
        let arguments = self.graph.node(id).kind.arguments();
        let arguments: Vec<&[N]> = arguments.iter().map(|&id| self.components(id, position)).collect();
        if let NodeKind::Chosen { axis, .. } = self.graph.node(id).kind {
            let number = N::real(position.of(axis) as f64);
            for (k, component) in result.iter_mut().enumerate() {
                let is_chosen = N::call(Intrinsic::EqualIndex, &[arguments[0][k].clone(), number.clone()]);
                *component = N::call(Intrinsic::Select, &[is_chosen, arguments[1][k].clone(), N::real(0.0)]);
            }
            return;
        }
        let Some(recipe) = &self.recipes[id.0 as usize] else { return };
        for (k, component) in result.iter_mut().enumerate() {
            *component = scalar::evaluate(recipe, k, |argument, index| arguments[*argument as usize][index].clone());
        }
    }

    fn components(&self, id: NodeId, position: Position) -> &[N] {
        let role = self.graph.node(id).role;
        let array = self.arrays[id.0 as usize].as_ref().unwrap_or(&self.pairs[id.0 as usize]);
        array.row(position.row(role))
    }

    /// The rows of an output, repeated where its node depends on less.
    fn output(&self, output: &Output) -> Array<N> {
        let node = self.graph.node(output.node);
        let mut array = Array::zeros(self.sizes.rows(output.rows), node.dim as usize);
        for row in 0..self.sizes.rows(output.rows) {
            array.row_mut(row).clone_from_slice(self.components(output.node, Position { i: row, j: row }));
        }
        array
    }
}
