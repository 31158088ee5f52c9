//! The rules of plans: generated ones keep them, and for each rule there is a plan that breaks it.

use keopsc_ir::plan::generate::generate;
use keopsc_ir::plan::parse::parse;
use keopsc_ir::plan::print::print;
use keopsc_ir::plan::verify::{Verified, verify};
use keopsc_ir::plan::{Block, Definition, Plan, TensorId, TensorKind, Value, ValueId};
use keopsc_ir::random::Random;
use keopsc_ops::ReductionId;
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::reductions;
use keopsc_ops::scalar::{Counter, Index, Scalar};

use crate::samples::PLAN;

#[test]
fn generated_plans_keep_the_rules() {
    for seed in 0..2000 {
        let plan = generate(seed);
        assert_eq!(verify(&plan), Ok(()), "seed {seed}\n{}", print(&plan));
    }
}

#[test]
fn a_verified_plan_is_one_that_keeps_the_rules() {
    let plan = parse(PLAN).expect("the sample is a plan");
    let verified = Verified::new(plan.clone()).expect("the sample keeps the rules");
    assert_eq!(verified.passes, plan.passes);
    assert_eq!(verified.into_plan(), plan);
    let broken = Plan { name: "a b".to_string(), ..plan };
    assert_eq!(Verified::new(broken.clone()).err(), verify(&broken).err());
    assert!(verify(&broken).is_err());
}

/// The rules that a plan breaks.
fn broken(plan: &Plan) -> Vec<&'static str> {
    verify(plan).err().unwrap_or_default().iter().map(|defect| defect.rule).collect()
}

#[test]
fn rules_of_texts() {
    let cases = [
        ("near: output i[1, 1] i64", "near: output ij[1, 1] i64", "a tensor has rows along one index at most"),
        ("x: input i[3]", "x: input i[0]", "a tensor has components, fewer than 2^32"),
        ("x: input i[3]", "x: input i[65536, 65536]", "a tensor has components, fewer than 2^32"),
        ("s: input", "s: temporary", "tensors are inputs, then outputs, then temporaries"),
        ("  write conv = v7\n", "", "outputs and temporaries are written once"),
        ("  write conv = v7\n", "  write conv = v7\n  write conv = v7\n", "outputs and temporaries are written once"),
        ("over j, compute f64", "over j, compute f16", "arithmetic is in f32 or f64"),
        ("sum = kahan", "sum = kahan, accumulate = f32", "accumulators are of the computing type or f64"),
        ("rows i", "rows ij", "rows are along one index at most"),
        ("rows i, over j", "rows i, over i", "rows do not depend on the reduced index"),
        ("rows i, over j", "rows i", "an index is reduced exactly where there are accumulations"),
        ("rows i, over j", "rows i", "only a pass that reduces an index has columns"),
        ("row v2[3]", "row v2[0]", "a value has components"),
        ("read kept", "read conv", "what is read is an input or a temporary of an earlier pass"),
        (
            "column v4[1] = read b",
            "column v4[1] = read kept",
            "what is read is an input or a temporary of an earlier pass",
        ),
        ("row v2[3] = read x", "column v2[3] = read x", "a tensor is read in the block of its role"),
        ("row v2[3] = read x", "row v2[1] = read s", "a tensor is read in the block of its role"),
        ("row v2[3] = read x", "row v2[4] = read x", "a tensor and its value have the same components"),
        ("row v2[3] = read x", "row v2[3] index = read x", "a tensor and its value have the same components"),
        ("parameter v0[1] = read s", "parameter v0[1] index = number", "a number is that of a row or a column"),
        ("row v2[3] = read x", "row v2[3] = number", "a number is one row number"),
        (
            "exp(-v5 * v1) * v4",
            "select(eq_index(v4, v5), 1, 0)",
            "a scalar function has arguments of the kinds that it takes",
        ),
        ("v9[1] = v7 +", "v9[1] = v9 +", "values stand before their users"),
        ("v9[1] = v7 +", "v9[1] = v99 +", "values stand before their users"),
        ("v9[1] = v7 +", "v9[1] = v6 +", "a value is computed before its user"),
        ("epilogue v7[1] = outcome a0", "row v7[1] = outcome a0", "outcomes are taken in the epilogue"),
        ("epilogue v7[1] = outcome a0", "epilogue v7[1] = outcome a0.1", "an outcome is one that an accumulation has"),
        ("epilogue v7[1] = outcome a0", "epilogue v7[1] = outcome a7", "an outcome is one that an accumulation has"),
        ("epilogue v7[1] = outcome a0", "epilogue v7[2] = outcome a0", "an outcome has the type of its rule"),
        ("epilogue v8[1] index", "epilogue v8[1]", "an outcome has the type of its rule"),
        ("write conv = v7", "write conv = v5", "what is written has one value a row"),
        ("write conv = v7", "write x = v7", "inputs are not written"),
        ("write conv = v7", "write total = v7", "a pass writes tensors along its rows"),
        ("write conv = v7", "write conv = v8", "a tensor and its value have the same components"),
        ("write conv = v7", "write conv = v99", "what is written, and where to, exists"),
        ("exp(-v5 * v1) * v4", "v4[1]", "a component is one that the value has"),
        ("exp(-v5 * v1) * v4", "v2[k + 3]", "a component is one that the value has"),
        ("exp(-v5 * v1) * v4", "sum(q < 4, v2[q])", "a component is one that the value has"),
        ("exp(-v5 * v1) * v4", "v2[q]", "a component is one that the value has"),
        ("exp(-v5 * v1) * v4", "v2[2 - 3 / (1 - 1)]", "a component is one that the value has"),
        ("choose(k < 1, 0, v2[k - 1])", "choose(k < 0, 0, v2[k - 1])", "a component is one that the value has"),
        ("exp(-v5 * v1) * v4", "index(q)", "an index is over known counters and divides by positive numbers"),
        ("exp(-v5 * v1) * v4", "index(1 % k)", "an index is over known counters and divides by positive numbers"),
        ("exp(-v5 * v1) * v4", "exp(v5 < v1)", "a scalar function has arguments of the kinds that it takes"),
        ("exp(-v5 * v1) * v4", "exp(v5, v1)", "a scalar function has arguments of the kinds that it takes"),
        ("exp(-v5 * v1) * v4", "v5 < v1", "a value is of its expression's kind"),
        ("v9[1] = v7", "v9[1] = v8", "a scalar function has arguments of the kinds that it takes"),
        ("exp(-v5 * v1) * v4", "choose(k < 1, v5, v5 < v1)", "both sides of a choice are of one kind"),
        ("exp(-v5 * v1) * v4", "sum(q < 3, v5 < v1)", "a fold is of real numbers"),
        ("exp(-v5 * v1) * v4", "sum(q < 3, sum(q < 3, v5))", "a fold's counter is not one of those around it"),
        ("exp(-v5 * v1) * v4", "sum(k < 3, v5)", "a fold's counter is not one of those around it"),
        ("exp(-v5 * v1) * v4", "sum(q < 0, v5)", "a fold is over something"),
    ];
    for (from, to, rule) in cases {
        assert!(PLAN.contains(from), "{from}");
        let plan = parse(&PLAN.replacen(from, to, 1)).unwrap_or_else(|error| panic!("{from} -> {to}: {error}"));
        let found = broken(&plan);
        assert!(found.contains(&rule), "{from} -> {to} breaks {found:?}, not `{rule}`");
    }
}

#[test]
fn rules_that_no_text_breaks() {
    type Change = fn(&mut Plan);
    let cases: [(Change, &str); 10] = [
        (|plan| plan.name = "a b".to_string(), "a name is an identifier"),
        (|plan| plan.tensors[0].name = "-".to_string(), "a name is an identifier"),
        (|plan| plan.passes[0].values[2].definition = Definition::Read(TensorId(99)), "a tensor that is read exists"),
        (|plan| plan.passes[0].accumulations[0].arguments[0] = ValueId(99), "what is accumulated exists"),
        (
            |plan| plan.passes[0].accumulations[0].arguments[0] = ValueId(7),
            "what is accumulated is computed before the epilogue",
        ),
        (|plan| plan.passes[0].accumulations[0].arguments[0] = ValueId(8), "row numbers are not accumulated"),
        (
            // The first number that no row of the table has.
            |plan| plan.passes[0].accumulations[0].reduction = ReductionId(reductions::reductions().count() as u16),
            "a reduction is one of the table",
        ),
        (
            |plan| plan.passes[0].accumulations[0].arguments.clear(),
            "an accumulation has every argument of its reduction",
        ),
        (
            |plan| plan.passes[0].accumulations[0].arguments[0] = ValueId(3),
            "an accumulation's rule is that of its reduction and arguments",
        ),
        (
            |plan| {
                let (body, counter) = (Box::new(Scalar::Constant(1.0)), Counter(1));
                let fold = Scalar::Fold { with: Intrinsic::Exp, counter, count: 2, body };
                plan.passes[0].values[6].definition = Definition::Compute(fold);
            },
            "a fold is a sum, product, minimum or maximum",
        ),
    ];
    for (change, rule) in cases {
        let mut plan = parse(PLAN).expect("the sample is a plan");
        assert_eq!(broken(&plan), Vec::<&str>::new());
        change(&mut plan);
        let found = broken(&plan);
        assert!(found.contains(&rule), "{found:?} are broken, not `{rule}`");
    }
}

#[test]
fn deep_expressions_are_refused() {
    let mut plan = parse(PLAN).expect("the sample is a plan");
    let mut scalar = Scalar::Constant(1.0);
    for _ in 0..600 {
        scalar = Scalar::Call(Intrinsic::Neg, vec![scalar]);
    }
    plan.passes[0].values[6].definition = Definition::Compute(scalar);
    assert_eq!(broken(&plan), ["an expression is not nested too deeply"]);
}

#[test]
fn large_indices_in_range_are_accepted() {
    let in_range = [
        "sum(q < 1000, sum(q2 < 1000, v0[k * 1000000 + q * 1000 + q2]))",
        // Too many combinations to go through: the ends decide.
        "sum(q < 2000, sum(q2 < 1000, v0[q * 500 + q2 / 2]))",
        "sum(q < 2000, sum(q2 < 1000, v0[q * 500 + q2 % 500]))",
        "v0[k / 1 + 5 % 3]",
        "choose(k == 0, v0[k], v0[k + 2000000])",
        "sum(q < 2000, choose(q < 1000, v0[q], v0[q - 1000]))",
    ];
    for scalar in in_range {
        let text = format!(
            "plan p\ntensor a: input p[1000000] f32\ntensor r: output p[1] f32\npass rows p, compute f32\n  \
             parameter v0[1000000] = read a\n  parameter v1[1] = {scalar}\n  write r = v1\n"
        );
        let plan = parse(&text).unwrap_or_else(|error| panic!("{error}: {scalar}"));
        assert_eq!(verify(&plan), Ok(()), "{scalar}");
    }
}

#[test]
fn altered_plans_are_rejected() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let mut plan = generate(seed);
        let before = print(&plan);
        let change = random.below(5);
        alter(&mut plan, change, &mut random);
        assert!(verify(&plan).is_err(), "seed {seed}, change {change} of\n{before}");
    }
}

fn alter(plan: &mut Plan, change: usize, random: &mut Random) {
    let number = random.below(plan.passes.len());
    let pass = &mut plan.passes[number];
    let last = ValueId(pass.values.len() as u32 - 1);
    let last_dim = pass.values[last.0 as usize].dim;
    let mut add = |block, definition| pass.values.push(Value { block, dim: 1, is_index: false, definition });
    match change {
        0 => {
            let beyond = Scalar::Component(last, Index::Constant(i64::from(last_dim)));
            add(Block::Epilogue, Definition::Compute(beyond));
        }
        1 => add(Block::Epilogue, Definition::Compute(Scalar::Component(ValueId(last.0 + 1), Index::Constant(0)))),
        2 => pass.writes[0].value = ValueId(last.0 + 1),
        3 => pass.writes[0].tensor = TensorId(0),
        _ => {
            let outputs = plan.tensors.iter_mut().filter(|tensor| tensor.kind != TensorKind::Input);
            outputs.take(1).for_each(|tensor| tensor.shape.push(2));
        }
    }
}
