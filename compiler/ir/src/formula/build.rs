//! Typed constructors: a node's dimension, role and kind follow from its arguments.
//!
//! `graph.operation(sqdist, &[], &[x, y])` with `x: i[3]` and `y: j[3]` adds `n2: ij[1] = SqDist(n0, n1)`.
//! The rules of dimensions are the tables' own; nothing is repeated here.

use keopsc_ops::catalogue;
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions;
use keopsc_ops::{OperationId, ReductionId, ShapeError};

use super::{Graph, Input, InputId, Node, NodeId, NodeKind};
use crate::types::{Axis, Float, Role, ScalarType};

impl Graph {
    /// The node of an input.
    pub fn input(&mut self, id: InputId, input: &Input) -> NodeId {
        let is_index = input.scalar == ScalarType::I64;
        self.add(Node { kind: NodeKind::Input(id), dim: input.dim, role: input.role, is_index })
    }

    /// The node of a real constant.
    pub fn constant(&mut self, value: f64) -> NodeId {
        self.add(Node { kind: NodeKind::Constant(Float(value)), dim: 1, role: Role::Parameter, is_index: false })
    }

    /// An operation of the catalogue on these arguments.
    pub fn operation(
        &mut self,
        operation: OperationId,
        parameters: &[i64],
        arguments: &[NodeId],
    ) -> Result<NodeId, ShapeError> {
        let dim = catalogue::infer_dim(operation, &self.dims(arguments), parameters)?;
        let role = self.role(arguments);
        let kind = NodeKind::Operation { operation, parameters: parameters.to_vec(), arguments: arguments.to_vec() };
        Ok(self.add(Node { kind, dim, role, is_index: false }))
    }

    /// A reduction of these arguments over an index: one node for each of its outcomes.
    pub fn reduction(
        &mut self,
        reduction: ReductionId,
        over: Axis,
        rows: Role,
        parameters: &[i64],
        arguments: &[NodeId],
    ) -> Result<Vec<NodeId>, ShapeError> {
        let outcomes = reductions::infer(reduction, &self.dims(arguments), parameters)?;
        let add = |(number, (kind, shape)): (usize, &(Kind, Vec<u32>))| {
            let outcome = number as u32;
            let (parameters, arguments) = (parameters.to_vec(), arguments.to_vec());
            let is_index = *kind == Kind::Index;
            let kind = NodeKind::Reduction { reduction, over, rows, parameters, arguments, outcome };
            self.add(Node { kind, dim: shape.iter().product(), role: rows, is_index })
        };
        Ok(outcomes.iter().enumerate().map(add).collect())
    }

    /// `value` where `by` is the number of the value of `axis`, else 0.
    pub fn chosen(&mut self, by: NodeId, axis: Axis, value: NodeId) -> NodeId {
        let dim = self.node(value).dim;
        let role = self.role(&[by, value]).union(axis.role());
        self.add(Node { kind: NodeKind::Chosen { by, axis, value }, dim, role, is_index: false })
    }

    /// For each value of the other index than `over` the sum of `value` over the rows whose `by` has its number.
    pub fn scatter(&mut self, by: NodeId, over: Axis, value: NodeId) -> NodeId {
        let dim = self.node(value).dim;
        let role = over.other().role();
        self.add(Node { kind: NodeKind::Scatter { by, over, value }, dim, role, is_index: false })
    }

    /// The adjoint of the derivative of `of` by the input node `variable`, applied to `cotangent`.
    ///
    /// `role` is the variable's where `of` is a result of reductions, and may be more inside a formula of pairs.
    pub fn gradient(&mut self, of: NodeId, variable: NodeId, cotangent: NodeId, role: Role) -> NodeId {
        let dim = self.node(variable).dim;
        self.add(Node { kind: NodeKind::Gradient { of, variable, cotangent }, dim, role, is_index: false })
    }

    /// The derivative of `of` by the input node `variable`, applied to `tangent`.
    ///
    /// `role` is that of `of` where it is a result of reductions, and may be more inside a formula of pairs.
    pub fn tangent(&mut self, of: NodeId, variable: NodeId, tangent: NodeId, role: Role) -> NodeId {
        let dim = self.node(of).dim;
        self.add(Node { kind: NodeKind::Tangent { of, variable, tangent }, dim, role, is_index: false })
    }

    /// The operation of that name in the catalogue. Panics if the catalogue has none.
    pub fn named(&mut self, name: &str, parameters: &[i64], arguments: &[NodeId]) -> Result<NodeId, ShapeError> {
        let operation = catalogue::find_operation(name).unwrap_or_else(|| panic!("the catalogue has no {name}"));
        self.operation(operation, parameters, arguments)
    }

    /// `a + b`
    pub fn plus(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.named("Add", &[], &[a, b])
    }

    /// `a - b`
    pub fn subtract(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.named("Subtract", &[], &[a, b])
    }

    /// `a * b`
    pub fn multiply(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.named("Mult", &[], &[a, b])
    }

    /// `a / b`
    pub fn divide(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.named("Divide", &[], &[a, b])
    }

    /// `-a`
    pub fn negate(&mut self, a: NodeId) -> Result<NodeId, ShapeError> {
        self.named("Minus", &[], &[a])
    }

    /// The sum of the components of `a`.
    pub fn component_sum(&mut self, a: NodeId) -> Result<NodeId, ShapeError> {
        self.named("Sum", &[], &[a])
    }

    /// What is repeated in `a`, summed up: all components for `dim` 1, all complex numbers for `dim` 2.
    pub fn sum_repetitions(&mut self, a: NodeId, dim: u32) -> Result<NodeId, ShapeError> {
        if dim == 1 { self.component_sum(a) } else { self.named("ComplexSum", &[], &[a]) }
    }

    /// The sum of `a` over all values of an index.
    pub fn sum_over(&mut self, over: Axis, rows: Role, a: NodeId) -> Result<NodeId, ShapeError> {
        let sum = reductions::find_reduction("Sum").expect("the table of reductions has Sum");
        Ok(self.reduction(sum, over, rows, &[], &[a])?[0])
    }

    /// The dimensions of nodes.
    pub fn dims(&self, nodes: &[NodeId]) -> Vec<u32> {
        nodes.iter().map(|&id| self.node(id).dim).collect()
    }

    /// The indices that any of the nodes depends on.
    pub fn role(&self, nodes: &[NodeId]) -> Role {
        nodes.iter().fold(Role::Parameter, |role, &id| role.union(self.node(id).role))
    }
}
