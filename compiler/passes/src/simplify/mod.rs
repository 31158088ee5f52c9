//! Formula graph → formula graph with less to compute.
//!
//! ```text
//! Sum[j](d_conv * (2 * (0 + K) * (x - y)))        =>        2 * d_conv * Sum[j](K * (x - y))
//! ```
//!
//! Rules are of three kinds: the laws of the catalogue, the evaluation of what is constant, and a few rules about sums that need to know
//! indices and dimensions. Each replaces a node by one that is equal for finite values and rounds no worse in kind; with infinities and NaN a
//! factor taken out of a sum, or a product with 0, may differ (a sum over nothing times infinity). What always pays is applied bottom-up until
//! nothing applies; what pays only sometimes is tried, and kept where the whole program gets cheaper. Equal formulas are one node by
//! construction, so common sub-expressions need no rule.

mod components;
mod conditions;
mod constants;
mod laws;
mod order;
mod reductions;
mod signs;
mod spread;
mod switches;
mod trials;

use keopsc_ir::formula::{Graph, NodeId, Program};
use keopsc_ir::types::Algebra;

use crate::rewrite::{compact, improve, join};
pub(crate) use constants::{evaluate_constants, is_zero};
use laws::Moment;
pub(crate) use signs::is_nonnegative;
pub use switches::{Applied, Switches};

/// A rule in Rust: what needs more than the shape of one formula.
struct Rule {
    /// What it is called where rules are counted or switched off.
    name: &'static str,
    /// An equal node, where there is a better one.
    apply: fn(&mut Graph, NodeId) -> Option<NodeId>,
}

/// The one rule that takes all pairs to count: with block-sparse ranges each row has columns of its own. Its name.
pub const DENSE_ONLY: &str = "reduce fewer rows";

/// The rules that are applied wherever they can be, in the order in which they are tried.
const RULES: &[Rule] = &[
    Rule { name: "evaluate constants", apply: constants::evaluate_constants },
    Rule { name: "drop zeros", apply: constants::drop_zeros },
    Rule { name: "order operands", apply: order::order_operands },
    Rule { name: "take component", apply: components::take_component },
    Rule { name: "multiply by unit vector", apply: components::multiply_by_unit },
    Rule { name: "drop spreads", apply: spread::drop_spreads },
    Rule { name: "spread later", apply: spread::spread_later },
    Rule { name: "sum spreads", apply: spread::sum_spreads },
    Rule { name: "take scalars out", apply: spread::take_scalars_out },
    Rule { name: DENSE_ONLY, apply: reductions::reduce_fewer_rows },
    Rule { name: "take factors out of reductions", apply: reductions::take_factors_out_of_reductions },
    Rule {
        name: "take linear operations out of reductions",
        apply: reductions::take_linear_operations_out_of_reductions,
    },
];

/// How often the whole graph is gone through (every round that changes something leaves less to do, so few are needed), and how many rules
/// may apply to a node one after the other.
const LIMITS: (usize, usize) = (12, 32);

/// Simplifies all formulas.
pub fn simplify(program: Program) -> Program {
    simplify_with(&program, &Switches::default()).0
}

/// Simplifies all formulas without the rules and laws that are switched off, and says what was applied how often.
pub fn simplify_with(program: &Program, switches: &Switches) -> (Program, Applied) {
    let mut applied = Applied::default();
    let mut parts = Vec::new();
    // Entries of one kind of algebra must not take over what is simplified for those of the other.
    for algebra in [Algebra::Exact, Algebra::Fast] {
        let of_this = program.entries.iter().filter(|entry| entry.numerics.algebra == algebra).cloned();
        let part = Program { entries: of_this.collect(), ..program.clone() };
        if !part.entries.is_empty() {
            let context = Context { switches, algebra };
            let part = apply_all(&part, context, &mut applied);
            parts.push(trials::keep_what_pays(part, context, &mut applied));
        }
    }
    match parts.is_empty() {
        true => (compact(program), applied),
        false => (join(&parts, &program.entries), applied),
    }
}

/// The names of all rules and laws, as [`Switches`] and [`Applied`] know them.
pub fn names() -> Vec<String> {
    let rules = RULES.iter().map(|rule| rule.name.to_owned());
    rules.chain(trials::names()).chain(laws::names()).collect()
}

/// What decides whether a rule or a law may be applied.
#[derive(Clone, Copy)]
struct Context<'s> {
    switches: &'s Switches,
    algebra: Algebra,
}

/// Applies what always pays, everywhere.
fn apply_all(program: &Program, context: Context<'_>, applied: &mut Applied) -> Program {
    improve(program, LIMITS, |graph, id| {
        for rule in RULES.iter().filter(|rule| context.switches.are_on(rule.name)) {
            if let Some(better) = (rule.apply)(graph, id).filter(|&better| better != id) {
                applied.count(rule.name);
                return Some(better);
            }
        }
        laws::apply(graph, id, Moment::Always, context, applied)
    })
}
