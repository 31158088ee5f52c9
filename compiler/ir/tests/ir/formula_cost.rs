//! What formulas cost as graphs, and that plans are counted by the same table.

use keopsc_ir::counts::{Counts, scalar_counts};
use keopsc_ir::formula::cost::{Cost, cost, plan_cost, weight};
use keopsc_ir::formula::parse::parse;
use keopsc_ir::formula::{Program, generate};
use keopsc_ir::plan;
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Comparison, Counter, Index, Scalar};

use crate::samples::{PLAN, PROGRAM};

fn sample() -> Program {
    parse(PROGRAM).expect("the sample is a program")
}

#[test]
fn each_node_is_counted_where_it_is_made() {
    let program = sample();
    let zero = Counts::default();
    let conv = cost(&program, &program.entries[0]);
    // Three differences, three products and two sums; a sign, a product with b, and the running sum.
    assert_eq!(conv.per_pair, Counts { arithmetic: 8 + 3, division: 1, exponential: 1, loads: 3 + 1, ..zero });
    assert_eq!(conv.per_i, Counts { loads: 3, stores: 1, ..zero });
    assert_eq!(conv.per_j, Counts { loads: 4, ..zero });
    assert_eq!(conv.per_call, Counts { loads: 1, ..zero });
    assert_eq!(
        conv.to_string(),
        "per pair 11 arithmetic, 1 division, 1 exponential, 4 load; per i 3 load, 1 store; per j 4 load; per call 1 load"
    );
    assert_eq!(Cost::default().to_string(), "nothing");
}

#[test]
fn a_node_that_is_used_twice_is_counted_once() {
    let mut program = sample();
    let once = cost(&program, &program.entries[0]);
    let again = program.entries[0].outputs[0].clone();
    program.entries[0].outputs.push(again);
    let twice = cost(&program, &program.entries[0]);
    assert_eq!((once.per_pair, once.per_j), (twice.per_pair, twice.per_j));
    assert_eq!(twice.per_i.stores, 2);
}

#[test]
fn what_is_chosen_is_compared_and_selected() {
    let chosen =
        "n15: ij[1] = chosen[j](n10, n12)\nn16: i[1] = Sum[j](n15)\nentry chosen(x, y) -> f: i[1] = n16\nentry near";
    let program = parse(&PROGRAM.replacen("entry near", chosen, 1)).expect("it is a program");
    let [_, chosen, near, _] = &program.entries[..] else { panic!("there are four entries") };
    let [chosen, near] = [chosen, near].map(|entry| cost(&program, entry).per_pair.arithmetic);
    assert_eq!(chosen, near + 2 + 1, "and added up");
}

/// Sums over one index alone are no part of the pairs.
#[test]
fn pairs_load_what_pairs_use() {
    let more = "n15: j[3] = Square(n1)\nn16: p[3] = Sum[j -> p](n15)\n\
        entry more(x, y, b, s) -> conv: i[1] = n9, squares: p[3] = n16\nentry near";
    let program = parse(&PROGRAM.replacen("entry near", more, 1)).expect("it is a program");
    let [conv, more] = [0, 1].map(|number| cost(&program, &program.entries[number]));
    assert_eq!((conv.per_pair.loads, more.per_pair.loads), (4, 4));
    assert_eq!(more.per_pair, conv.per_pair);
    assert!(more.per_j.arithmetic > conv.per_j.arithmetic);
}

/// Which side a component takes is not asked: work is never less than what is counted.
#[test]
fn of_a_choice_the_dearer_side_is_counted_whichever_it_is() {
    let component = || Scalar::Component((), Index::Constant(0));
    let calls = [Intrinsic::Neg, Intrinsic::Sqrt, Intrinsic::Exp, Intrinsic::Log]
        .map(|intrinsic| Scalar::Call(intrinsic, vec![component()]));
    let sides: Vec<Scalar<()>> = calls.into_iter().chain([component()]).collect();
    for (then, otherwise) in sides.iter().flat_map(|then| sides.iter().map(move |otherwise| (then, otherwise))) {
        let choice = Scalar::Choose {
            left: Index::Counter(Counter(0)),
            comparison: Comparison::Less,
            right: Index::Constant(2),
            then: Box::new(then.clone()),
            otherwise: Box::new(otherwise.clone()),
        };
        let [of_choice, of_then, of_otherwise] =
            [&choice, then, otherwise].map(|scalar| scalar_counts(scalar).cycles());
        assert_eq!(of_choice, of_then.max(of_otherwise), "{choice:?}");
    }
}

#[test]
fn pairs_outweigh_everything_else() {
    let one = Counts { arithmetic: 1, ..Counts::default() };
    let many = Counts { power: 20, ..Counts::default() };
    let pair = Cost { per_pair: one, ..Cost::default() };
    let rows = Cost { per_i: many, per_j: many, per_call: many, ..Cost::default() };
    assert!(pair.weight() > 0.5 * rows.weight() && rows.weight() > Cost { per_call: many, ..Cost::default() }.weight());
    let program = sample();
    let sum: f64 = program.entries.iter().map(|entry| cost(&program, entry).weight()).sum();
    assert_eq!(weight(&program), sum);
}

#[test]
fn plans_are_counted_by_the_index_that_rows_and_columns_are() {
    let plan = plan::parse::parse(PLAN).expect("the sample is a plan");
    let [first, ..] = plan.passes.as_slice() else { panic!("the sample has passes") };
    let of_pass = plan::cost::cost(first);
    let whole = plan_cost(&plan);
    assert!(whole.per_pair.exponential >= of_pass.per_pair.exponential);
    assert!(whole.per_i.loads >= of_pass.per_row.loads && whole.per_j.loads >= of_pass.per_column.loads);
}

#[test]
fn random_programs_can_be_counted() {
    for seed in 0..500 {
        let program = generate::generate(seed);
        for entry in &program.entries {
            let cost = cost(&program, entry);
            let stored = cost.per_i.stores + cost.per_j.stores + cost.per_call.stores;
            let dims = entry.outputs.iter().map(|output| u64::from(program.graph.node(output.node).dim)).sum::<u64>();
            assert_eq!(stored, dims, "seed {seed}");
        }
    }
}
