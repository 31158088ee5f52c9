//! Which reductions are found in the same pass over the pairs, and in which order the passes run.
//!
//! A reduction has the level of the longest chain of reductions that ends in it. Reductions of one level with the same rows and the
//! same reduced index share a pass: this is what fuses several outputs, and a value with its gradient. Lists of the best columns have passes of
//! their own, in which they carry on from one end of the columns to the other; beside a sum they would begin again with each of its chunks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keopsc_ir::formula::{Entry, Graph, NodeId, NodeKind, Program};
use keopsc_ir::types::{Axis, Role, SumScheme};
use keopsc_ops::{ReductionId, reductions};

/// What one pass has to do.
pub(crate) struct Work {
    /// The role of its rows.
    pub rows: Role,
    /// The index it reduces.
    pub over: Option<Axis>,
    /// Its reductions; each outcome of one is a node.
    pub accumulations: Vec<Reduced>,
    /// Numbers of the entry's outputs that its epilogue computes.
    pub outputs: Vec<usize>,
    /// Which nodes those are.
    pub output_nodes: Vec<NodeId>,
}

/// A reduction without its choice of outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reduced {
    /// Which.
    pub reduction: ReductionId,
    /// Its integer parameters.
    pub parameters: Vec<i64>,
    /// What is reduced.
    pub arguments: Vec<NodeId>,
}

/// The passes of an entry.
pub(crate) struct Arrangement {
    /// In order.
    pub passes: Vec<Work>,
    /// The pass and the number there of each reduction node.
    pub places: HashMap<NodeId, (usize, usize)>,
    /// Results of reductions that other passes read, in node order.
    pub temporaries: BTreeSet<NodeId>,
}

impl Arrangement {
    /// Arranges what an entry needs.
    pub fn of(program: &Program, entry: &Entry) -> Arrangement {
        let graph = &program.graph;
        let reductions = reductions_of(graph, entry);
        let mut arrangement = Arrangement { passes: Vec::new(), places: HashMap::new(), temporaries: BTreeSet::new() };
        arrangement.group_reductions(graph, &reductions, entry.numerics.sum);
        for (number, output) in entry.outputs.iter().enumerate() {
            let pass = arrangement.pass_for_output(graph, output.node, output.rows);
            arrangement.passes[pass].outputs.push(number);
            arrangement.passes[pass].output_nodes.push(output.node);
        }
        arrangement.find_temporaries(graph);
        arrangement
    }

    fn group_reductions(&mut self, graph: &Graph, levels: &BTreeMap<NodeId, u32>, sum: SumScheme) {
        let mut groups: BTreeMap<(u32, Role, Axis, bool), Vec<NodeId>> = BTreeMap::new();
        for (&node, &level) in levels {
            if let NodeKind::Reduction { reduction, over, rows, .. } = graph.node(node).kind {
                let is_list = !reductions::reduction(reduction).guard.1.is_empty();
                groups.entry((level, rows, over, is_list)).or_default().push(node);
            }
        }
        for ((_, rows, over, _), nodes) in groups {
            let number = self.passes.len();
            let mut accumulations: Vec<Reduced> = Vec::new();
            for node in nodes {
                let NodeKind::Reduction { reduction, parameters, arguments, .. } = &graph.node(node).kind else {
                    continue;
                };
                let (parameters, arguments) = (parameters.clone(), arguments.clone());
                let reduced = Reduced { reduction: form(*reduction, sum), parameters, arguments };
                let place = accumulations.iter().position(|known| *known == reduced).unwrap_or_else(|| {
                    accumulations.push(reduced);
                    accumulations.len() - 1
                });
                self.places.insert(node, (number, place));
            }
            let (outputs, output_nodes) = (Vec::new(), Vec::new());
            self.passes.push(Work { rows, over: Some(over), accumulations, outputs, output_nodes });
        }
    }

    /// The first pass with these rows at whose end everything that the output needs is known; a new one if there is none.
    fn pass_for_output(&mut self, graph: &Graph, node: NodeId, rows: Role) -> usize {
        let needed = results_used(graph, &[node]);
        let earliest = needed.iter().map(|result| self.places[result].0).max().unwrap_or(0);
        let suits = |&number: &usize| self.passes[number].rows == rows;
        (earliest..self.passes.len()).find(suits).unwrap_or_else(|| {
            let (accumulations, outputs, output_nodes) = (Vec::new(), Vec::new(), Vec::new());
            self.passes.push(Work { rows, over: None, accumulations, outputs, output_nodes });
            self.passes.len() - 1
        })
    }

    fn find_temporaries(&mut self, graph: &Graph) {
        for (number, work) in self.passes.iter().enumerate() {
            let arguments = work.accumulations.iter().flat_map(|reduced| &reduced.arguments);
            let roots: Vec<NodeId> = arguments.chain(&work.output_nodes).copied().collect();
            let foreign = |node: &NodeId| self.places[node].0 != number;
            self.temporaries.extend(results_used(graph, &roots).into_iter().filter(foreign));
        }
    }
}

/// The reduction that computes the same in that scheme.
fn form(reduction: ReductionId, sum: SumScheme) -> ReductionId {
    if sum == SumScheme::Kahan { reductions::compensated(reduction) } else { reduction }
}

/// The reduction nodes that are needed, with their levels.
fn reductions_of(graph: &Graph, entry: &Entry) -> BTreeMap<NodeId, u32> {
    let roots: Vec<NodeId> = entry.outputs.iter().map(|output| output.node).collect();
    let needed = graph.reached_from(&roots);
    let mut levels: BTreeMap<NodeId, u32> = BTreeMap::new();
    for &node in &needed {
        let kind = &graph.node(node).kind;
        let inside = kind.arguments().iter().map(|argument| levels[argument]).max().unwrap_or(0);
        levels.insert(node, inside + u32::from(matches!(kind, NodeKind::Reduction { .. })));
    }
    levels.retain(|&node, _| matches!(graph.node(node).kind, NodeKind::Reduction { .. }));
    levels
}

/// The reduction nodes that stand in formulas, without those inside other reductions.
fn results_used(graph: &Graph, roots: &[NodeId]) -> BTreeSet<NodeId> {
    let mut waiting = roots.to_vec();
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    while let Some(node) = waiting.pop() {
        if !seen.insert(node) {
            continue;
        }
        match &graph.node(node).kind {
            NodeKind::Reduction { .. } => {
                found.insert(node);
            }
            kind => waiting.extend(kind.arguments()),
        }
    }
    found
}
