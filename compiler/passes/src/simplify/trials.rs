//! Laws and rules that pay only sometimes: each is tried where it matches, and kept where the whole program gets cheaper.
//!
//! ```text
//! Exp(a) * Exp(b) -> Exp(a + b)      saves an exponential a pair; but costs one where a depends on i and b on j alone, or Exp(a) is used elsewhere
//! ```
//!
//! What a program costs is judged after `hoist`. The number of trials is bounded, as each simplifies the program anew.

use std::collections::HashSet;
use std::convert::Infallible;

use keopsc_ir::formula::cost::weight;
use keopsc_ir::formula::{Graph, Node, NodeId, Program};
use keopsc_ir::types::Algebra;
use keopsc_ops::catalogue::ParsedLaw;

use super::laws::{self, Moment};
use super::reductions::distribute_over_differences;
use super::{Applied, Context, Rule, apply_all};
use crate::hoist::hoist;
use crate::rewrite::{add, compact, rewrite};

/// Rules in Rust that lose accuracy, and are tried where `numerics algebra = fast` asks for them.
const LOOSE_RULES: &[Rule] = &[Rule { name: "distribute_over_differences", apply: distribute_over_differences }];

/// How many trials there are for one program.
const TRIALS: usize = 32;

/// Programs with more nodes than this take too long to be simplified often.
const LARGEST_PROGRAM: usize = 400;

/// The names of the rules in Rust that are tried.
pub(super) fn rules() -> impl Iterator<Item = &'static str> {
    LOOSE_RULES.iter().map(|rule| rule.name)
}

/// The program after all trials that paid.
pub(super) fn keep_what_pays(program: Program, context: Context<'_>, applied: &mut Applied) -> Program {
    let mut best = program;
    let mut lowest = None;
    let mut refused = HashSet::new();
    for _ in 0..TRIALS {
        if best.graph.len() > LARGEST_PROGRAM {
            break;
        }
        let Some(trial) = trials(&best, context).find(|trial| !refused.contains(&(trial.name(), trial.at))) else {
            break;
        };
        let before = *lowest.get_or_insert_with(|| cost(&best));
        let mut applied_here = Applied::default();
        let candidate = apply_all(&trial.apply(&best), context, &mut applied_here);
        let after = cost(&candidate);
        if after < before {
            applied.count(trial.name());
            applied.add(&applied_here);
            best = candidate;
            lowest = Some(after);
            refused.clear();
        } else {
            refused.insert((trial.name(), trial.at));
        }
    }
    best
}

/// One law or rule at one node.
struct Trial {
    at: NodeId,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Law(&'static ParsedLaw),
    Rule(&'static Rule),
}

impl Trial {
    fn name(&self) -> &'static str {
        match self.what {
            What::Law(law) => &law.name,
            What::Rule(rule) => rule.name,
        }
    }

    /// The program with that node replaced.
    fn apply(&self, program: &Program) -> Program {
        let replaced = rewrite(program, |graph, id, node: Node| {
            let new = add(graph, node);
            if id != self.at {
                return Ok::<NodeId, Infallible>(new);
            }
            Ok(self.better(graph, new).unwrap_or(new))
        });
        match replaced {
            Ok(program) => compact(&program),
            Err(never) => match never {},
        }
    }

    fn better(&self, graph: &mut Graph, id: NodeId) -> Option<NodeId> {
        match self.what {
            What::Law(law) => laws::apply_law(graph, id, law),
            What::Rule(rule) => (rule.apply)(graph, id),
        }
    }
}

/// Everything that may be tried, node by node.
fn trials<'p>(program: &'p Program, context: Context<'p>) -> impl Iterator<Item = Trial> + use<'p> {
    let graph = &program.graph;
    graph.nodes().flat_map(move |(at, _)| {
        let laws = laws::candidates(graph, at, Moment::Trial, context)
            .filter(move |law| laws::find_match(graph, at, law).is_some())
            .map(What::Law);
        let rules = LOOSE_RULES.iter().filter(move |rule| {
            context.algebra == Algebra::Fast && context.without.has_rule(rule.name) && rule_matches(graph, at, rule)
        });
        laws.chain(rules.map(What::Rule)).map(move |what| Trial { at, what })
    })
}

/// Rules build what they give, so that it takes a graph of its own to see whether there is any.
fn rule_matches(graph: &Graph, at: NodeId, rule: &Rule) -> bool {
    let is_reduction = matches!(graph.node(at).kind, keopsc_ir::formula::NodeKind::Reduction { .. });
    is_reduction && (rule.apply)(&mut graph.clone(), at).is_some()
}

fn cost(program: &Program) -> f64 {
    weight(&hoist(program.clone()))
}
