//! Formula graph → formula graph with less to compute.
//!
//! ```text
//! Sum[j](d_conv * (2 * (0 + K) * (x - y)))        =>        2 * d_conv * Sum[j](K * (x - y))
//! ```
//!
//! Rules are of three kinds: the laws of the catalogue, the evaluation of what is constant, and a few rules about sums that need to know
//! indices and dimensions. Each replaces a node by one that is equal for finite values and rounds no worse in kind; with infinities and NaN a
//! factor taken out of a sum, or a product with 0, may differ (a sum over nothing times infinity). They are applied bottom-up until none
//! applies. Equal formulas are one node by construction, so common sub-expressions need no rule.

mod components;
mod constants;
mod laws;
mod order;
mod reductions;
mod spread;

use std::convert::Infallible;

use keopsc_ir::formula::{Graph, Node, NodeId, Program};

use crate::rewrite::{add, compact, is_same, rewrite};
pub(crate) use constants::{evaluate_constants, is_zero};

/// A rule: an equal node, where there is a better one.
type Rule = fn(&mut Graph, NodeId) -> Option<NodeId>;

/// All rules, in the order in which they are tried.
const RULES: &[Rule] = &[
    constants::evaluate_constants,
    constants::drop_zeros,
    order::order_operands,
    laws::apply_laws,
    components::take_component,
    components::multiply_by_unit,
    spread::drop_spreads,
    spread::sum_spreads,
    spread::take_scalars_out_of_sums,
    reductions::reduce_fewer_rows,
    reductions::take_factors_out_of_reductions,
];

/// How often the whole graph is gone through: every round that changes something leaves less to do, so few are needed.
const ROUNDS: usize = 12;

/// How many rules may apply to a node one after the other.
const STEPS: usize = 32;

/// Simplifies all formulas.
pub fn simplify(program: Program) -> Program {
    let mut program = compact(&program);
    for _ in 0..ROUNDS {
        let next = compact(&simplify_once(&program));
        if is_same(&next, &program) {
            break;
        }
        program = next;
    }
    program
}

fn simplify_once(program: &Program) -> Program {
    let simplified = rewrite(program, |graph, _, node| Ok::<NodeId, Infallible>(simplify_node(graph, node)));
    match simplified {
        Ok(program) => program,
        Err(never) => match never {},
    }
}

fn simplify_node(graph: &mut Graph, node: Node) -> NodeId {
    let mut id = add(graph, node);
    for _ in 0..STEPS {
        match RULES.iter().find_map(|rule| rule(graph, id).filter(|&better| better != id)) {
            Some(better) => id = better,
            None => break,
        }
    }
    id
}
