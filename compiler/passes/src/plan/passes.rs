//! Which reductions are found in the same pass over the pairs, and in which order the passes run.
//!
//! A reduction has the level of the longest chain of reductions that ends in it. Reductions of one level with the same rows and the
//! same reduced index share a pass: this is what fuses several outputs, and a value with its gradient. Lists of the best columns have passes of
//! their own, in which they carry on from one end of the columns to the other; beside a sum they would begin again with each of its chunks.
//!
//! A scatter has the level of what it is made of, and ends the first pass with its rows after which that is known.

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
    /// The scatters that it ends in.
    pub scatters: Vec<NodeId>,
    /// What these sum up, where that is neither an input nor the result of a reduction.
    pub scattered: Vec<NodeId>,
}

impl Work {
    fn new(rows: Role, over: Option<Axis>, accumulations: Vec<Reduced>) -> Work {
        let (outputs, output_nodes, scatters, scattered) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Work { rows, over, accumulations, outputs, output_nodes, scatters, scattered }
    }
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
    /// The pass that ends in each scatter node.
    pub ends: HashMap<NodeId, usize>,
    /// Results of reductions that other passes and scatters read, and of scatters, in node order.
    pub temporaries: BTreeSet<NodeId>,
}

impl Arrangement {
    /// Arranges what an entry needs.
    pub fn of(program: &Program, entry: &Entry) -> Arrangement {
        let graph = &program.graph;
        let levels = levels_of(graph, entry);
        let mut arrangement = Arrangement {
            passes: Vec::new(),
            places: HashMap::new(),
            ends: HashMap::new(),
            temporaries: BTreeSet::new(),
        };
        for level in 0..=levels.values().copied().max().unwrap_or(0) {
            let of_level: Vec<NodeId> =
                levels.iter().filter(|(_, other)| **other == level).map(|(node, _)| *node).collect();
            arrangement.group_reductions(graph, &of_level, entry.numerics.sum);
            of_level.iter().for_each(|&node| arrangement.place_scatter(program, node));
        }
        for (number, output) in entry.outputs.iter().enumerate() {
            let pass = arrangement.pass_for_output(graph, output.node, output.rows);
            arrangement.passes[pass].outputs.push(number);
            arrangement.passes[pass].output_nodes.push(output.node);
        }
        arrangement.find_temporaries(graph);
        arrangement
    }

    fn group_reductions(&mut self, graph: &Graph, nodes: &[NodeId], sum: SumScheme) {
        let mut groups: BTreeMap<(Role, Axis, bool), Vec<NodeId>> = BTreeMap::new();
        for &node in nodes {
            if let NodeKind::Reduction { reduction, over, rows, .. } = graph.node(node).kind {
                let is_list = !reductions::reduction(reduction).guard.1.is_empty();
                groups.entry((rows, over, is_list)).or_default().push(node);
            }
        }
        for ((rows, over, _), nodes) in groups {
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
            self.passes.push(Work::new(rows, Some(over), accumulations));
        }
    }

    /// Lets a pass end in a scatter, if the node is one.
    fn place_scatter(&mut self, program: &Program, node: NodeId) {
        let graph = &program.graph;
        let NodeKind::Scatter { by, over, value } = graph.node(node).kind else { return };
        let number = self.first_pass(graph, &[by, value], over.role());
        let work = &mut self.passes[number];
        work.scatters.push(node);
        let has_tensor = match &graph.node(value).kind {
            NodeKind::Input(input) => {
                program.input(*input).role == over.role() && !program.input(*input).scalar.is_complex()
            }
            NodeKind::Reduction { rows, .. } => *rows == over.role(),
            _ => is_one(graph, value),
        };
        if !has_tensor && !work.scattered.contains(&value) {
            work.scattered.push(value);
        }
        self.ends.insert(node, number);
    }

    /// The first pass with these rows at whose end everything that the output needs is known; a new one if there is none.
    fn pass_for_output(&mut self, graph: &Graph, node: NodeId, rows: Role) -> usize {
        self.first_pass(graph, &[node], rows)
    }

    /// The first pass with these rows at whose end some nodes are known; a new one if there is none.
    fn first_pass(&mut self, graph: &Graph, nodes: &[NodeId], rows: Role) -> usize {
        let needed = results_used(graph, nodes);
        // A pass that ends in a scatter has other rows than what that gives.
        let known = |result: &NodeId| self.ends.get(result).copied().unwrap_or_else(|| self.places[result].0);
        let earliest = needed.iter().map(known).max().unwrap_or(0);
        let suits = |&number: &usize| self.passes[number].rows == rows;
        (earliest..self.passes.len()).find(suits).unwrap_or_else(|| {
            self.passes.push(Work::new(rows, None, Vec::new()));
            self.passes.len() - 1
        })
    }

    fn find_temporaries(&mut self, graph: &Graph) {
        for (number, work) in self.passes.iter().enumerate() {
            let arguments = work.accumulations.iter().flat_map(|reduced| &reduced.arguments);
            let roots: Vec<NodeId> = arguments.chain(&work.output_nodes).chain(&work.scattered).copied().collect();
            let foreign = |node: &NodeId| self.places.get(node).is_none_or(|place| place.0 != number);
            self.temporaries.extend(results_used(graph, &roots).into_iter().filter(foreign));
            let scattered = work.scatters.iter().flat_map(|&node| graph.node(node).kind.arguments());
            let is_result = |node: &NodeId| matches!(graph.node(*node).kind, NodeKind::Reduction { .. });
            self.temporaries.extend(scattered.filter(is_result).chain(work.scatters.iter().copied()));
        }
    }
}

/// Whether what is summed up is the number 1, so that rows are counted.
pub(crate) fn is_one(graph: &Graph, node: NodeId) -> bool {
    matches!(graph.node(node).kind, NodeKind::Constant(value) if value.0 == 1.0)
}

/// Whether a node is what a pass leaves.
fn is_left(kind: &NodeKind) -> bool {
    matches!(kind, NodeKind::Reduction { .. } | NodeKind::Scatter { .. })
}

/// The reduction that computes the same in that scheme.
fn form(reduction: ReductionId, sum: SumScheme) -> ReductionId {
    if sum == SumScheme::Kahan { reductions::compensated(reduction) } else { reduction }
}

/// The reduction and scatter nodes that are needed, with their levels.
fn levels_of(graph: &Graph, entry: &Entry) -> BTreeMap<NodeId, u32> {
    let roots: Vec<NodeId> = entry.outputs.iter().map(|output| output.node).collect();
    let needed = graph.reached_from(&roots);
    let mut levels: BTreeMap<NodeId, u32> = BTreeMap::new();
    for &node in &needed {
        let kind = &graph.node(node).kind;
        let inside = kind.arguments().iter().map(|argument| levels[argument]).max().unwrap_or(0);
        levels.insert(node, inside + u32::from(matches!(kind, NodeKind::Reduction { .. })));
    }
    levels.retain(|&node, _| is_left(&graph.node(node).kind));
    levels
}

/// The reduction and scatter nodes that stand in formulas, without those inside others.
fn results_used(graph: &Graph, roots: &[NodeId]) -> BTreeSet<NodeId> {
    let mut waiting = roots.to_vec();
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    while let Some(node) = waiting.pop() {
        if !seen.insert(node) {
            continue;
        }
        match &graph.node(node).kind {
            kind if is_left(kind) => {
                found.insert(node);
            }
            kind => waiting.extend(kind.arguments()),
        }
    }
    found
}
