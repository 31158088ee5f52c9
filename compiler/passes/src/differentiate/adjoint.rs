//! The adjoint of one derivative: a sweep from the result to the variable.
//!
//! What flows back to a node is a sum over all its uses. A use by a node that depends on i and j is a use for every pair; where the node itself
//! lacks an index, the cotangent is summed over it. That one rule gives gradients with respect to i-variables, j-variables and parameters,
//! through quotients and through whatever is done with results: with F = Σ_j f(x_i, y_j) and cotangent e_i,
//!
//! ```text
//! domain of f's cotangent: ij        ∂x_i: Σ_j e_i ∂f/∂x      ∂y_j: Σ_i e_i ∂f/∂y      ∂p: Σ_i Σ_j e_i ∂f/∂p
//! ```
//!
//! What flows into a branch of a choice is 0 where that branch is not taken, and has to stay so where the branch is not even defined: 0 · ∞ would be
//! NaN. So it brings a *mask* with it, see [`mask`](super::mask).

use std::collections::BTreeMap;

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ir::types::{Axis, Role};
use keopsc_ops::{ReductionId, catalogue, reductions};

use super::{Failure, mask};
use crate::laplacian::acts_on_components;
use crate::template::{Names, build};
use crate::values::{NODE_LIMIT, Problem, with_defaults};

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// What is differentiated.
    pub of: NodeId,
    /// With respect to which input.
    pub variable: NodeId,
    /// The cotangent of `of`.
    pub cotangent: NodeId,
    /// The rows of the cotangent, where indices that disappear are summed over; `None` to differentiate pair by pair.
    pub domain: Option<Role>,
}

/// A cotangent that flows to a node.
#[derive(Clone, Copy, Debug)]
struct Flow {
    /// The indices that it exists for.
    domain: Role,
    cotangent: NodeId,
    /// Above 0 where it may be other than 0, if that is known.
    mask: Option<NodeId>,
}

/// Cotangents that flow to a node.
type Contributions = BTreeMap<NodeId, Vec<Flow>>;

/// The node of the adjoint.
pub(crate) fn adjoint(graph: &mut Graph, request: &Request) -> Result<NodeId, Failure> {
    let mut depends = Vec::new();
    let whole = request.domain.is_some();
    let mut contributions = Contributions::new();
    let domain = request.domain.unwrap_or(Role::Pair);
    contributions.insert(request.of, vec![Flow { domain, cotangent: request.cotangent, mask: None }]);
    while let Some((node, flows)) = contributions.pop_last() {
        if graph.len() > NODE_LIMIT {
            return Err(Failure::TooLarge);
        }
        extend_depends(graph, request.variable, &mut depends);
        if !depends[node.0 as usize] {
            continue;
        }
        let mask = table(mask::of_sum(graph, &flows.iter().map(|flow| flow.mask).collect::<Vec<_>>()))?;
        let total = total(graph, node, flows, whole)?;
        if node == request.variable {
            return Ok(total);
        }
        // Where an index was summed over, nothing is known any more of what the sum is made of.
        let mask = mask.filter(|&mask| !whole || graph.node(node).role.contains(graph.node(mask).role));
        pass_on(graph, node, (total, mask), &depends, &mut contributions)?;
    }
    zero(graph, request.variable)
}

/// Notes for the nodes that are new since last time whether they depend on the variable.
fn extend_depends(graph: &Graph, variable: NodeId, depends: &mut Vec<bool>) {
    for id in (depends.len()..graph.len()).map(|number| NodeId(number as u32)) {
        let node = graph.node(id);
        let inside = node.kind.arguments().iter().any(|argument| depends[argument.0 as usize]);
        depends.push(id == variable || (inside && !node.is_index));
    }
}

/// The sum of all contributions to a node: those for the same indices are added first, and then summed over what the node lacks.
fn total(graph: &mut Graph, node: NodeId, flows: Vec<Flow>, whole: bool) -> Result<NodeId, Failure> {
    let (dim, role) = (graph.node(node).dim, graph.node(node).role);
    let mut by_domain: BTreeMap<Role, NodeId> = BTreeMap::new();
    for Flow { domain, cotangent, .. } in flows {
        let part = spread(graph, cotangent, dim)?;
        let sum = match by_domain.get(&domain) {
            Some(&sum) => table(graph.plus(sum, part))?,
            None => part,
        };
        by_domain.insert(domain, sum);
    }
    let mut total = None;
    for (domain, part) in by_domain {
        let part = if whole { narrow(graph, part, domain, role)? } else { part };
        total = Some(match total {
            Some(total) => table(graph.plus(total, part))?,
            None => part,
        });
    }
    match total {
        Some(total) => Ok(total),
        None => zero(graph, node),
    }
}

/// Sums a cotangent that exists for all of `domain` over the indices that `role` lacks: first j, then i.
fn narrow(graph: &mut Graph, cotangent: NodeId, domain: Role, role: Role) -> Result<NodeId, Failure> {
    let (mut cotangent, mut domain) = (cotangent, domain);
    for axis in [Axis::J, Axis::I] {
        if domain.has(axis) && !role.has(axis) {
            domain = if domain == Role::Pair { axis.other().role() } else { Role::Parameter };
            cotangent = table(graph.sum_over(axis, domain, cotangent))?;
        }
    }
    Ok(cotangent)
}

/// Adds what flows from a node to its arguments.
fn pass_on(
    graph: &mut Graph,
    node: NodeId,
    (cotangent, mask): (NodeId, Option<NodeId>),
    depends: &[bool],
    contributions: &mut Contributions,
) -> Result<(), Failure> {
    let role = graph.node(node).role;
    match graph.node(node).kind.clone() {
        NodeKind::Operation { operation, parameters, arguments } => {
            let arguments = with_defaults(graph, catalogue::signature(operation), &arguments);
            let names = Names::of_operation(graph, operation, &parameters, &arguments).map_err(Failure::Table)?;
            let gradient = catalogue::gradient(operation);
            let is_component_wise = acts_on_components(operation, &graph.dims(&arguments), &parameters) == Some(false);
            let mask = if is_component_wise { mask } else { table(mask::of_any(graph, mask))? };
            let parts = Parts { node, cotangent, mask, arguments: &arguments, gradient, names };
            parts.pass_on(graph, role, depends, contributions)
        }
        NodeKind::Reduction { reduction, over, rows, parameters, arguments, .. } => {
            let gradient = reductions::gradient(reduction);
            let arguments = with_defaults(graph, reductions::signature(reduction), &arguments);
            let names = reduction_names(graph, reduction, &parameters, &arguments)?.reducing(over, rows);
            if let Some(text) = reductions::equivalent(reduction) {
                let equivalent = build(graph, text, &names).map_err(Failure::Table)?;
                // It stands behind all other nodes, and so is next.
                contributions.entry(equivalent).or_default().push(Flow { domain: rows, cotangent, mask });
                return Ok(());
            }
            let mask = table(mask::of_any(graph, mask))?;
            let parts = Parts { node, cotangent, mask, arguments: &arguments, gradient, names };
            parts.pass_on(graph, rows.union(over.role()), depends, contributions)
        }
        NodeKind::Chosen { by, axis, value } => {
            let part = graph.chosen(by, axis, cotangent);
            contributions.entry(value).or_default().push(Flow { domain: role, cotangent: part, mask: None });
            Ok(())
        }
        NodeKind::Input(_) | NodeKind::Constant(_) => Ok(()),
        NodeKind::Scatter { .. } => unreachable!("`resolve` lets nobody ask for derivatives of scatters"),
        NodeKind::Gradient { .. } | NodeKind::Tangent { .. } => unreachable!("inner requests are replaced first"),
    }
}

/// What the names in a reduction's gradient stand for.
fn reduction_names(
    graph: &Graph,
    reduction: ReductionId,
    parameters: &[i64],
    arguments: &[NodeId],
) -> Result<Names<'static>, Failure> {
    let signature = reductions::signature(reduction);
    let integers = table(signature.bind(&graph.dims(arguments), parameters))?;
    let mut names = Names::of_integers(&integers);
    for (argument, &node) in signature.arguments.iter().zip(arguments) {
        names.formula(&argument.name, node);
    }
    Ok(names)
}

/// A node with the rule of its gradient.
struct Parts<'a> {
    node: NodeId,
    cotangent: NodeId,
    mask: Option<NodeId>,
    arguments: &'a [NodeId],
    gradient: &'static [(usize, keopsc_grammar::syntax::Expr)],
    names: Names<'static>,
}

impl Parts<'_> {
    fn pass_on(
        mut self,
        graph: &mut Graph,
        domain: Role,
        depends: &[bool],
        contributions: &mut Contributions,
    ) -> Result<(), Failure> {
        self.names.formula("out", self.node);
        let mut with_ones = self.names.clone();
        self.names.formula("e", self.cotangent);
        for (position, text) in self.gradient {
            let Some(&argument) = self.arguments.get(*position) else { continue };
            if !depends.get(argument.0 as usize).copied().unwrap_or(false) {
                continue;
            }
            let part = build(graph, text, &self.names).map_err(Failure::Table)?;
            let dim = graph.node(argument).dim;
            let part = table(mask::keep_zeros(graph, part, self.cotangent, self.mask))?;
            let part = gather(graph, part, dim)?;
            let mask = if mask::is_choice(text) {
                let one = graph.constant(1.0);
                let ones = spread(graph, one, graph.node(self.node).dim)?;
                with_ones.formula("e", ones);
                let own = build(graph, text, &with_ones).map_err(Failure::Table)?;
                table(mask::of_both(graph, own, self.mask))?
            } else {
                self.mask
            };
            // A scalar that stands for a vector gets something where any component does.
            let mask = if dim == 1 { table(mask::of_any(graph, mask))? } else { mask };
            contributions.entry(argument).or_default().push(Flow { domain, cotangent: part, mask });
        }
        Ok(())
    }
}

/// The sum over repetitions: what an argument of `dim` components that was repeated gets.
fn gather(graph: &mut Graph, part: NodeId, dim: u32) -> Result<NodeId, Failure> {
    if graph.node(part).dim <= dim { Ok(part) } else { table(graph.sum_repetitions(part, dim)) }
}

/// A scalar in each of `dim` components.
fn spread(graph: &mut Graph, part: NodeId, dim: u32) -> Result<NodeId, Failure> {
    if graph.node(part).dim == dim { Ok(part) } else { table(graph.named("SumT", &[i64::from(dim)], &[part])) }
}

fn zero(graph: &mut Graph, like: NodeId) -> Result<NodeId, Failure> {
    let dim = graph.node(like).dim;
    let zero = graph.constant(0.0);
    spread(graph, zero, dim)
}

fn table<T>(result: Result<T, keopsc_ops::ShapeError>) -> Result<T, Failure> {
    result.map_err(|error| Failure::Table(Problem::Shape(error)))
}
