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
use crate::without::Without;
pub(crate) use constants::{evaluate_constants, is_zero};

/// A rule: an equal node, where there is a better one.
type Rule = fn(&mut Graph, NodeId, &Without) -> Option<NodeId>;

/// All rules by name, in the order in which they are tried.
const RULES: &[(&str, Rule)] = &[
    ("evaluate_constants", |graph, id, _| constants::evaluate_constants(graph, id)),
    ("drop_zeros", |graph, id, _| constants::drop_zeros(graph, id)),
    ("order_operands", |graph, id, _| order::order_operands(graph, id)),
    ("apply_laws", laws::apply_laws),
    ("take_component", |graph, id, _| components::take_component(graph, id)),
    ("multiply_by_unit", |graph, id, _| components::multiply_by_unit(graph, id)),
    ("drop_spreads", |graph, id, _| spread::drop_spreads(graph, id)),
    ("sum_spreads", |graph, id, _| spread::sum_spreads(graph, id)),
    ("take_scalars_out_of_sums", |graph, id, _| spread::take_scalars_out_of_sums(graph, id)),
    ("reduce_fewer_rows", |graph, id, _| reductions::reduce_fewer_rows(graph, id)),
    ("take_factors_out_of_reductions", |graph, id, _| reductions::take_factors_out_of_reductions(graph, id)),
];

/// How often the whole graph is gone through: every round that changes something leaves less to do, so few are needed.
const ROUNDS: usize = 12;

/// How many rules may apply to a node one after the other.
const STEPS: usize = 32;

/// Simplifies all formulas.
pub fn simplify(program: Program) -> Program {
    simplify_without(program, &Without::default())
}

/// The names of the rules.
pub fn rules() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(name, _)| *name)
}

/// Simplifies all formulas by some of the rules.
pub fn simplify_without(program: Program, without: &Without) -> Program {
    let mut program = compact(&program);
    for _ in 0..ROUNDS {
        let next = compact(&simplify_once(&program, without));
        if is_same(&next, &program) {
            break;
        }
        program = next;
    }
    program
}

fn simplify_once(program: &Program, without: &Without) -> Program {
    let simplified = rewrite(program, |graph, _, node| Ok::<NodeId, Infallible>(simplify_node(graph, node, without)));
    match simplified {
        Ok(program) => program,
        Err(never) => match never {},
    }
}

fn simplify_node(graph: &mut Graph, node: Node, without: &Without) -> NodeId {
    let mut id = add(graph, node);
    for _ in 0..STEPS {
        let mut rules = RULES.iter().filter(|(name, _)| without.has_rule(name));
        match rules.find_map(|(_, rule)| rule(graph, id, without).filter(|&better| better != id)) {
            Some(better) => id = better,
            None => break,
        }
    }
    id
}
