//! The formula graph: what is to be computed, and not yet how.
//!
//! A node is an input, a constant, an operation of the catalogue, a reduction, or a request for a derivative (gone after
//! `passes::differentiate`). Nodes are hash-consed: equal formulas are one node, so common sub-expressions are shared by
//! construction. Arguments stand before their users, so node order is a topological order.

pub mod build;
pub mod cost;
pub mod evaluate;
pub mod generate;
pub mod parse;
pub mod print;
pub mod verify;

use std::collections::{BTreeSet, HashMap};

use keopsc_ops::{OperationId, ReductionId};

use crate::types::{Axis, Float, Numerics, Role, ScalarType};

/// A node of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// An input of a [`Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InputId(pub u32);

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// An argument of the compiled function.
    Input(InputId),
    /// A real constant, of dimension 1.
    Constant(Float),
    /// An operation of the catalogue.
    Operation {
        /// Which.
        operation: OperationId,
        /// Its integer parameters, in signature order.
        parameters: Vec<i64>,
        /// Its formula arguments.
        arguments: Vec<NodeId>,
    },
    /// A reduction over all values of one index.
    Reduction {
        /// Which.
        reduction: ReductionId,
        /// The index that is reduced.
        over: Axis,
        /// The role of the result: the other index, or `Parameter` where nothing depends on it (sums over both indices).
        rows: Role,
        /// Its integer parameters.
        parameters: Vec<i64>,
        /// Its formula arguments.
        arguments: Vec<NodeId>,
        /// Which of its outcomes this is: 0, or 1 for the indices of a value-and-index pair.
        outcome: u32,
    },
    /// What a pair gets of a row's value: `value` where `by` is the number of the value of `axis`, else 0, component by
    /// component. With the outcome of `ArgMin` as `by` this is how a cotangent reaches the column that was chosen.
    Chosen {
        /// Row numbers.
        by: NodeId,
        /// The index whose number they are compared with.
        axis: Axis,
        /// As many components as `by`.
        value: NodeId,
    },
    /// Values of rows, summed up by column: the result has a row for each value of the other index than `over`, the sum of all `value` for
    /// which `by` has its number. A row with several numbers counts for each of them, -1 for none.
    Scatter {
        /// Row numbers of the other index, found by a reduction over it.
        by: NodeId,
        /// The index whose rows are summed up.
        over: Axis,
        /// What is summed up.
        value: NodeId,
    },
    /// A request: the adjoint of the derivative of `of` with respect to an input, applied to a cotangent.
    Gradient {
        /// What is differentiated.
        of: NodeId,
        /// With respect to what: an `Input` node.
        variable: NodeId,
        /// The cotangent: dimension and role of `of`.
        cotangent: NodeId,
    },
    /// A request: the derivative of `of` with respect to an input, applied to a tangent.
    Tangent {
        /// What is differentiated.
        of: NodeId,
        /// With respect to what: an `Input` node.
        variable: NodeId,
        /// The tangent: dimension and role of `variable`.
        tangent: NodeId,
    },
}

/// A node with its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Components.
    pub dim: u32,
    /// The indices it depends on.
    pub role: Role,
    /// Whether it is a row number (int64) rather than a real number.
    pub is_index: bool,
}

/// A hash-consed arena of nodes.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    known: HashMap<NodeKind, NodeId>,
}

// Graphs are equal if the same nodes stand in the same order; the index of known kinds follows from them.
impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        self.nodes == other.nodes
    }
}

impl Graph {
    /// The node for `node.kind`: the one that is there already, or `node` added at the end.
    pub fn add(&mut self, node: Node) -> NodeId {
        if let Some(&id) = self.known.get(&node.kind) {
            return id;
        }
        let id = NodeId(self.nodes.len() as u32);
        self.known.insert(node.kind.clone(), id);
        self.nodes.push(node);
        id
    }

    /// The node of that number. Panics if it is not one of this graph's.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// All nodes, arguments before users.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(number, node)| (NodeId(number as u32), node))
    }

    /// These nodes and all that they are computed from.
    pub fn reached_from(&self, roots: &[NodeId]) -> BTreeSet<NodeId> {
        let mut waiting = roots.to_vec();
        let mut reached = BTreeSet::new();
        while let Some(node) = waiting.pop() {
            if reached.insert(node) {
                waiting.extend(self.node(node).kind.arguments());
            }
        }
        reached
    }

    /// Whether a reduction is among what a node is computed from: its derivatives are then those of the whole map, else pair by pair.
    pub fn contains_reduction(&self, node: NodeId) -> bool {
        self.reached_from(&[node]).into_iter().any(|id| matches!(self.node(id).kind, NodeKind::Reduction { .. }))
    }

    /// The node that is known to be this formula.
    pub fn find(&self, kind: &NodeKind) -> Option<NodeId> {
        self.known.get(kind).copied()
    }

    /// From now on a formula of this kind is that node: what an operation stands for need not be written out again.
    pub fn identify(&mut self, kind: NodeKind, node: NodeId) {
        self.known.insert(kind, node);
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

impl NodeKind {
    /// The nodes it uses, in order.
    pub fn arguments(&self) -> Vec<NodeId> {
        match self {
            NodeKind::Input(_) | NodeKind::Constant(_) => Vec::new(),
            NodeKind::Operation { arguments, .. } | NodeKind::Reduction { arguments, .. } => arguments.clone(),
            NodeKind::Chosen { by, value, .. } | NodeKind::Scatter { by, value, .. } => vec![*by, *value],
            NodeKind::Gradient { of, variable, cotangent } => vec![*of, *variable, *cotangent],
            NodeKind::Tangent { of, variable, tangent } => vec![*of, *variable, *tangent],
        }
    }
}

/// An argument of the compiled functions.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name; that of a cotangent begins with `d_`, of a tangent with `t_`.
    pub name: String,
    /// `I`, `J` or `Parameter`.
    pub role: Role,
    /// Components; of complex numbers two each.
    pub dim: u32,
    /// How it is stored.
    pub scalar: ScalarType,
    /// How it came about.
    pub origin: Origin,
}

/// How an input came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Declared in the file.
    Declared,
    /// Appended by a `Grad` request.
    Cotangent,
    /// Appended by a `Diff` request.
    Tangent,
}

/// One result of an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// What it is.
    pub node: NodeId,
    /// The role of its rows: that of the reduction or variable as requested, even where the node depends on less.
    pub rows: Role,
    /// The extents of a row, whose product is the node's dim: `[dim]`, or `[K, dim]` for K-min.
    pub shape: Vec<u32>,
    /// Whether it is stored as complex numbers, two components each.
    pub is_complex: bool,
    /// The input that it is the gradient in, if it is nothing but that: where the input is the same for several batch elements, gradients add up.
    pub gradient_of: Option<InputId>,
}

/// A function of the compiled library: one `out`, or a `fused` block.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its inputs in call order: declared ones that the formula as written mentions, then cotangents and tangents.
    pub inputs: Vec<InputId>,
    /// Its results in call order.
    pub outputs: Vec<Output>,
    /// Accuracy settings.
    pub numerics: Numerics,
}

/// A whole formula file as a graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// All inputs.
    pub inputs: Vec<Input>,
    /// All nodes.
    pub graph: Graph,
    /// The functions to compile, in the order written; a `fused` block comes after its outputs' own entries.
    pub entries: Vec<Entry>,
    /// The storage type of results that are real numbers.
    pub scalar: Option<ScalarType>,
}

impl Program {
    /// The declaration of an input. Panics if it is not one of this program's.
    pub fn input(&self, id: InputId) -> &Input {
        &self.inputs[id.0 as usize]
    }

    /// The type of an entry's arithmetic: float64 where anything of it is stored so, else float32.
    pub fn computing_type(&self, entry: &Entry) -> ScalarType {
        let inputs = entry.inputs.iter().map(|&id| self.input(id).scalar);
        let wide = inputs.chain(self.scalar).any(|scalar| scalar.computing() == ScalarType::F64);
        if wide { ScalarType::F64 } else { ScalarType::F32 }
    }
}
