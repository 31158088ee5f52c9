//! Where a cotangent may be other than 0: what has come through a branch of a choice is 0 where that branch is not taken.
//!
//! ```text
//! IfElse(x, Sqrt(x), -x) at x = -1        e flows to Sqrt(x) as IfElse(x, e, 0) = 0, with the mask IfElse(x, 1, 0)
//!                                         and on to x as 0 * Rsqrt(-1) = NaN; with its mask as IfElse(-Abs(mask), 0, NaN) = 0
//! ```
//!
//! A mask is a formula of the condition alone, never of the cotangent, so that what flows back stays linear in the cotangent. It has one component,
//! or as many as the cotangent.

use std::collections::HashSet;

use keopsc_grammar::syntax::{Expr, ExprKind};
use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Scalar;
use keopsc_ops::{ShapeError, catalogue};

use crate::template::CHOICE;

/// Whether the text of a gradient lets the cotangent through or not, as `IfElse(f, e, 0)` does, and choices of columns by their numbers do.
pub(crate) fn is_choice(text: &Expr) -> bool {
    let (function, arguments) = match &text.kind {
        ExprKind::Call { function, arguments, .. } => (function, arguments),
        ExprKind::Reduce { function, .. } => return function.text == CHOICE,
        _ => return false,
    };
    if arguments.iter().any(|argument| matches!(argument.kind, ExprKind::Reduce { .. }) && is_choice(argument)) {
        return true;
    }
    let lets_through = |branch: &Scalar<u32>| match branch {
        Scalar::Component(position, _) => {
            arguments.get(*position as usize).is_some_and(|argument| match &argument.kind {
                ExprKind::Name(name) => name == "e",
                ExprKind::Integer(number) => *number == 0,
                _ => false,
            })
        }
        _ => false,
    };
    let recipe = catalogue::find_operation(&function.text)
        .and_then(|operation| catalogue::instantiate_recipe(operation, &vec![1; arguments.len()]));
    matches!(recipe, Some(Scalar::Call(Intrinsic::Select, parts)) if parts[1..].iter().all(lets_through))
}

/// The mask of a sum: where any summand may be other than 0. Nothing is known where it is not known of one.
pub(super) fn of_sum(graph: &mut Graph, masks: &[Option<NodeId>]) -> Result<Option<NodeId>, ShapeError> {
    let Some(mut masks) = masks.iter().copied().collect::<Option<Vec<NodeId>>>() else { return Ok(None) };
    masks.sort();
    masks.dedup();
    let mut total = None;
    for mask in masks {
        total = Some(match total {
            Some(total) => graph.plus(total, mask)?,
            None => mask,
        });
    }
    Ok(total)
}

/// The mask of what two choices let through.
pub(super) fn of_both(graph: &mut Graph, own: NodeId, before: Option<NodeId>) -> Result<Option<NodeId>, ShapeError> {
    match before {
        Some(before) => graph.multiply(own, before).map(Some),
        None => Ok(Some(own)),
    }
}

/// One component for all: what mixes components gets something where any of them does.
pub(super) fn of_any(graph: &mut Graph, mask: Option<NodeId>) -> Result<Option<NodeId>, ShapeError> {
    match mask {
        Some(mask) if graph.node(mask).dim > 1 => graph.component_sum(mask).map(Some),
        mask => Ok(mask),
    }
}

/// What flows on, kept at 0 where the mask says that the cotangent is, if what it is multiplied by may be infinite or NaN there.
pub(crate) fn keep_zeros(
    graph: &mut Graph,
    part: NodeId,
    cotangent: NodeId,
    mask: Option<NodeId>,
) -> Result<NodeId, ShapeError> {
    let Some(mask) = mask.filter(|_| may_be_infinite(graph, part, cotangent)) else { return Ok(part) };
    let mask = match graph.node(mask).dim {
        dim if dim == 1 || dim == graph.node(part).dim => mask,
        _ => graph.component_sum(mask)?,
    };
    // The condition is met where the mask is 0, and nowhere else.
    let size = graph.named("Abs", &[], &[mask])?;
    let condition = graph.negate(size)?;
    let zero = graph.constant(0.0);
    graph.named("IfElse", &[], &[condition, zero, part])
}

/// Whether a part is made of more than the cotangent, inputs, and what is finite for finite arguments.
fn may_be_infinite(graph: &Graph, part: NodeId, cotangent: NodeId) -> bool {
    let mut waiting = vec![part];
    let mut seen = HashSet::from([cotangent]);
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        match &graph.node(id).kind {
            NodeKind::Input(_) | NodeKind::Constant(_) => {}
            NodeKind::Operation { operation, parameters, arguments } => {
                let recipe = catalogue::instantiate(*operation, &graph.dims(arguments), parameters);
                if !recipe.is_ok_and(|recipe| is_finite(&recipe)) {
                    return true;
                }
                waiting.extend(arguments);
            }
            _ => return true,
        }
    }
    false
}

/// Intrinsics that are finite for finite arguments, overflow of products aside.
const FINITE: &[Intrinsic] = {
    use Intrinsic::{
        Abs, Add, Ceil, Cos, Equal, Floor, Less, LessEqual, Max, Min, Mul, Neg, NotEqual, Round, Select, Sin, Sub,
        Trunc,
    };
    &[Abs, Add, Ceil, Cos, Equal, Floor, Less, LessEqual, Max, Min, Mul, Neg, NotEqual, Round, Select, Sin, Sub, Trunc]
};

fn is_finite(recipe: &Scalar<u32>) -> bool {
    let mut finite = true;
    recipe.visit(&mut |part| finite &= !matches!(part, Scalar::Call(intrinsic, _) if !FINITE.contains(intrinsic)));
    finite
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::pair;
    use keopsc_grammar::parse_expression;

    #[test]
    fn gradients_that_choose() {
        let chooses = |text: &str| is_choice(&parse_expression(text).expect("it parses"));
        for text in ["IfElse(f, e, 0)", "IfElse(-f, 0, e)", "Chosen[j](a, e)", "SumT(Chosen[j](a, e), n)"] {
            assert!(chooses(text), "{text}");
        }
        let others = [
            "e",
            "0",
            "e * f",
            "-e",
            "IfElse(f, e, 1)",
            "IfElse(f, 2, 0)",
            "IfElse(f, g, 0)",
            "Exp(IfElse(f, e, 0))",
            "Sum[j](e)",
            "SumT(Sum[j](e), n)",
            "Maximum(e, 0)",
        ];
        for text in others {
            assert!(!chooses(text), "{text}");
        }
    }

    /// A mask has one component, or as many as what it is the mask of; there is none where zeros stay zeros anyway.
    #[test]
    fn masks_have_fitting_components() {
        let (mut graph, sum) = pair("Sum(x - y) + Sum(Inv(y)) + Sum(x[0:2]) + (a | y)");
        let vector = |graph: &mut Graph, name: &str| {
            let found = graph.nodes().find(|(_, node)| match &node.kind {
                NodeKind::Operation { operation, .. } => catalogue::operation(*operation).name == name,
                _ => false,
            });
            found.expect("it is there").0
        };
        let [difference, inverse, part] = ["Subtract", "Inv", "Extract"].map(|name| vector(&mut graph, name));
        let scalar = graph.component_sum(difference).expect("it is a vector");
        assert_eq!(of_any(&mut graph, None).expect("dimensions fit"), None);
        assert_eq!(of_any(&mut graph, Some(scalar)).expect("dimensions fit"), Some(scalar));
        assert_eq!(of_any(&mut graph, Some(difference)).expect("dimensions fit"), Some(scalar));

        let size = |graph: &mut Graph, mask| graph.named("Abs", &[], &[mask]).expect("dimensions fit");
        let summed = graph.component_sum(part).expect("it is a vector");
        for (mask, shown) in [(difference, difference), (scalar, scalar), (part, summed)] {
            let kept = keep_zeros(&mut graph, inverse, sum, Some(mask)).expect("dimensions fit");
            let [condition, zero, otherwise] = graph.node(kept).kind.arguments()[..] else {
                panic!("a choice has three")
            };
            assert!(otherwise == inverse && crate::simplify::is_zero(&graph, zero));
            assert_eq!(graph.node(condition).kind.arguments(), [size(&mut graph, shown)]);
        }
        assert_eq!(keep_zeros(&mut graph, inverse, sum, None).expect("dimensions fit"), inverse);
        assert_eq!(keep_zeros(&mut graph, difference, sum, Some(scalar)).expect("dimensions fit"), difference);
        // The cotangent itself is 0 where the mask says so.
        assert_eq!(keep_zeros(&mut graph, inverse, inverse, Some(scalar)).expect("dimensions fit"), inverse);
    }
}
