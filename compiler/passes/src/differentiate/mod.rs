//! Formula graph → formula graph without requests for derivatives.
//!
//! ```text
//! n5: i[1] = Sum[j](Mult(Exp(n3), b))                          g = Sum[j](…): the chain rule, node by node, from the
//! n7: i[3] = Gradient(n5, x, d_conv)                  =>       output to the variable, summed where an index disappears
//! ```
//!
//! Inner requests are replaced first, so derivatives of derivatives need nothing more. Equal cotangents of a node are added up before they
//! are passed on, so that the result is as shared as the formula was.

mod adjoint;
pub(crate) mod mask;

use keopsc_diagnostics::{Code, Diagnostic};
use keopsc_grammar::syntax::Span;
use keopsc_ir::formula::{Graph, InputId, Node, NodeId, NodeKind, Program};
use keopsc_ops::ShapeError;

use crate::laplacian::DIRECTION_LIMIT;
use crate::rewrite::{add, compact, rewrite};
use crate::values::{NODE_LIMIT, Problem};
use adjoint::{Request, adjoint};

/// Why a derivative cannot be had.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// It would be made of one derivative for each of so many components.
    TooManyDirections(u32),
    /// The derivative is too large.
    TooLarge,
    /// A row of the tables gives a gradient that does not fit: a defect.
    Table(Problem),
}

impl From<ShapeError> for Failure {
    fn from(error: ShapeError) -> Failure {
        Failure::Table(Problem::Shape(error))
    }
}

/// What flows from a formula without reductions to one of its inputs, pair by pair.
pub(crate) fn cotangent_of(
    graph: &mut Graph,
    of: NodeId,
    variable: NodeId,
    cotangent: NodeId,
) -> Result<NodeId, Failure> {
    adjoint(graph, &Request { of, variable, cotangent, domain: None })
}

/// Replaces all requests for derivatives.
pub fn differentiate(program: Program) -> Result<Program, Vec<Diagnostic>> {
    let whole = contains_reduction(&program.graph);
    let replaced = rewrite(&program, |graph, id, node| {
        let domain = |of: NodeId| whole[of.0 as usize].then(|| program.graph.node(of).role);
        match (&program.graph.node(id).kind, &node.kind) {
            (NodeKind::Gradient { of: old, .. }, NodeKind::Gradient { of, variable, cotangent }) => {
                adjoint(graph, &Request { of: *of, variable: *variable, cotangent: *cotangent, domain: domain(*old) })
            }
            (NodeKind::Tangent { of: old, .. }, NodeKind::Tangent { of, variable, tangent }) => tangent_of(
                graph,
                id,
                &Request { of: *of, variable: *variable, cotangent: *tangent, domain: domain(*old) },
            ),
            _ => Ok(add(graph, node)),
        }
    });
    match replaced {
        Ok(program) => Ok(compact(&program)),
        Err(failure) => Err(vec![diagnostic(&failure, Span::default())]),
    }
}

/// The derivative in a direction, found by transposing twice: the adjoint is linear in its cotangent, and the adjoint of that linear map,
/// applied to the direction, is the derivative. So no operation needs a second rule.
fn tangent_of(graph: &mut Graph, number: NodeId, request: &Request) -> Result<NodeId, Failure> {
    let (of, variable) = (graph.node(request.of).clone(), graph.node(request.variable).clone());
    let role = request.domain.unwrap_or(of.role);
    let kind = NodeKind::Input(InputId(!number.0));
    let cotangent = graph.add(Node { kind, dim: of.dim, role, is_index: false });
    let transposed = adjoint(graph, &Request { cotangent, ..*request })?;
    let domain = request.domain.map(|_| variable.role);
    adjoint(graph, &Request { of: transposed, variable: cotangent, cotangent: request.cotangent, domain })
}

/// For each node whether a reduction is inside it: its derivatives are then those of the whole map, else pair by pair.
fn contains_reduction(graph: &Graph) -> Vec<bool> {
    let mut contains: Vec<bool> = Vec::with_capacity(graph.len());
    for (_, node) in graph.nodes() {
        let inside = node.kind.arguments().iter().any(|argument| contains[argument.0 as usize]);
        contains.push(inside || matches!(node.kind, NodeKind::Reduction { .. } | NodeKind::Scatter { .. }));
    }
    contains
}

/// The failure as told to the writer of the formula, where a place is known that asked for the derivative.
pub(crate) fn diagnostic(failure: &Failure, span: Span) -> Diagnostic {
    match failure {
        Failure::TooManyDirections(dim) => {
            let message = format!("this would be {dim} derivatives, one for each component");
            Diagnostic::error(Code::TooLarge, span, message).with_help(format!(
                "where no closed form is known, at most {DIRECTION_LIMIT} components can be differentiated one by one"
            ))
        }
        Failure::TooLarge | Failure::Table(Problem::TooLarge { .. }) => {
            let message = format!("the derivatives of this file need more than {NODE_LIMIT} operations");
            Diagnostic::error(Code::TooLarge, span, message)
                .with_help("take fewer derivatives of derivatives in one file")
        }
        Failure::Table(Problem::Shape(error @ ShapeError::TooLarge { .. })) => {
            Diagnostic::error(Code::TooLarge, span, format!("in a derivative, {error}"))
                .with_help("use smaller dimensions in what is differentiated")
        }
        Failure::Table(Problem::Shape(error @ ShapeError::Parameter { .. })) => {
            let message = format!("there is no derivative of that order: {error}");
            Diagnostic::error(Code::NotDifferentiable, span, message)
                .with_help("take fewer derivatives, or leave this operation out of what they are taken of")
        }
        Failure::Table(problem) => panic!("a gradient in the tables does not fit: {problem:?}"),
    }
}
