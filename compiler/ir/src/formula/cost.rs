//! How much work a formula is: operations by class, per pair, i, j and call, each node once however often it is used.
//!
//! ```text
//! Sum[j](Exp(-SqDist(x, y)) * b)      per pair 11 arithmetic, 1 exponential, 4 load; per i 3 load; per j 4 load
//! ```
//!
//! This is the formula as a graph, before it is decided in which pass over the pairs what is computed; `plan::cost` counts the same of plans.

use std::collections::BTreeSet;
use std::fmt;

use keopsc_ops::catalogue::{self, Value};
use keopsc_ops::reductions;

use super::{Entry, Graph, Node, NodeId, NodeKind, Program};
use crate::counts::{Counts, scalar_counts, update_counts};
use crate::plan::{Plan, cost::cost as pass_cost};
use crate::types::{Axis, Role};

/// The work of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Once a call.
    pub per_call: Counts,
    /// Once for each i.
    pub per_i: Counts,
    /// Once for each j.
    pub per_j: Counts,
    /// Once for each pair.
    pub per_pair: Counts,
}

/// The work of an entry's formulas as they stand in the graph.
pub fn cost(program: &Program, entry: &Entry) -> Cost {
    let graph = &program.graph;
    let roots: Vec<NodeId> = entry.outputs.iter().map(|output| output.node).collect();
    let needed = graph.reached_from(&roots);
    let mut cost = Cost::default();
    let mut counted = BTreeSet::new();
    for &id in &needed {
        let node = graph.node(id);
        match &node.kind {
            // The outcomes of one reduction are computed together.
            NodeKind::Reduction { reduction, over, rows, parameters, arguments, .. } => {
                if counted.insert((reduction, over, rows, parameters, arguments)) {
                    add_reduction(&mut cost, graph, node);
                }
            }
            NodeKind::Scatter { over, .. } => add_scatter(&mut cost, *over, node.dim),
            _ => *cost.of(node.role) += node_counts(graph, node),
        }
    }
    cost.per_pair.loads = pair_loads(graph, &needed);
    for output in &entry.outputs {
        cost.of(output.rows).stores += u64::from(graph.node(output.node).dim);
    }
    cost
}

/// The work of a plan, rows and columns as what they are.
pub fn plan_cost(plan: &Plan) -> Cost {
    let mut cost = Cost::default();
    for pass in &plan.passes {
        let of_pass = pass_cost(pass);
        cost.per_call += of_pass.per_call;
        *cost.of(pass.rows) += of_pass.per_row;
        if let Some(over) = pass.over {
            *cost.of(over.role()) += of_pass.per_column;
            *cost.of(pass.rows.union(over.role())) += of_pass.per_pair;
        }
        for scatter in &pass.scatters {
            let over = if pass.rows == Role::I { Axis::I } else { Axis::J };
            add_scatter(&mut cost, over, plan.tensor(scatter.sums).dim());
        }
    }
    cost
}

/// One number for a whole program: the weight of all its entries.
pub fn weight(program: &Program) -> f64 {
    program.entries.iter().map(|entry| cost(program, entry).weight()).sum()
}

/// As many rows and columns as make pairs count above all.
const ROWS: f64 = 1000.0;

impl Cost {
    /// One number: the cycles that a thousand rows and columns take on vectors.
    pub fn weight(&self) -> f64 {
        (self.per_pair.cycles() * ROWS + self.per_i.cycles() + self.per_j.cycles()) * ROWS + self.per_call.cycles()
    }

    /// What is done for each value of that role.
    fn of(&mut self, role: Role) -> &mut Counts {
        match role {
            Role::Parameter => &mut self.per_call,
            Role::I => &mut self.per_i,
            Role::J => &mut self.per_j,
            Role::Pair => &mut self.per_pair,
        }
    }

    /// The places with what is done there, pairs first.
    pub fn places(&self) -> [(&'static str, Counts); 4] {
        [("pair", self.per_pair), ("i", self.per_i), ("j", self.per_j), ("call", self.per_call)]
    }
}

/// `per pair 11 arithmetic, 1 exponential; per call 1 division`
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let busy = self.places().into_iter().filter(|(_, counts)| *counts != Counts::default());
        let texts: Vec<String> = busy.map(|(place, counts)| format!("per {place} {counts}")).collect();
        f.write_str(&if texts.is_empty() { "nothing".to_owned() } else { texts.join("; ") })
    }
}

fn node_counts(graph: &Graph, node: &Node) -> Counts {
    match &node.kind {
        NodeKind::Input(_) => Counts { loads: u64::from(node.dim), ..Counts::default() },
        NodeKind::Operation { operation, parameters, arguments } => {
            // What stands for other operations is counted where those stand.
            if matches!(catalogue::operation(*operation).value, Value::Expansion(_)) {
                return Counts::default();
            }
            let recipe = catalogue::instantiate(*operation, &graph.dims(arguments), parameters);
            recipe.map_or(Counts::default(), |recipe| scalar_counts(&recipe).times(node.dim))
        }
        // Row numbers are compared, and each component is chosen or 0.
        NodeKind::Chosen { .. } => Counts { arithmetic: 2, ..Counts::default() }.times(node.dim),
        _ => Counts::default(),
    }
}

/// Each row's values are read and added to others.
fn add_scatter(cost: &mut Cost, over: Axis, dim: u32) {
    *cost.of(over.role()) += Counts { arithmetic: 1, loads: 1, ..Counts::default() }.times(dim);
}

fn add_reduction(cost: &mut Cost, graph: &Graph, node: &Node) {
    let NodeKind::Reduction { reduction, over, rows, parameters, arguments, .. } = &node.kind else { return };
    let Ok(rule) = reductions::instantiate(*reduction, &graph.dims(arguments), parameters) else { return };
    *cost.of(rows.union(over.role())) += update_counts(&rule);
    for outcome in &rule.outcomes {
        *cost.of(*rows) += scalar_counts(&outcome.value).times(outcome.dim);
    }
}

/// Components of one index's values that pairs use and that are not the same for a whole row of pairs.
fn pair_loads(graph: &Graph, needed: &BTreeSet<NodeId>) -> u64 {
    let axes: BTreeSet<Axis> = needed
        .iter()
        .filter_map(|&id| match graph.node(id).kind {
            NodeKind::Reduction { over, rows, .. } if rows.union(over.role()) == Role::Pair => Some(over),
            _ => None,
        })
        .collect();
    let used_by_pairs = needed.iter().map(|&id| graph.node(id)).filter(|node| match node.kind {
        NodeKind::Reduction { over, rows, .. } => rows.union(over.role()) == Role::Pair,
        _ => node.role == Role::Pair,
    });
    let used: BTreeSet<NodeId> = used_by_pairs.flat_map(|node| node.kind.arguments()).collect();
    let columns = used.into_iter().map(|id| graph.node(id));
    columns.filter(|node| axes.iter().any(|axis| axis.role() == node.role)).map(|node| u64::from(node.dim)).sum()
}
