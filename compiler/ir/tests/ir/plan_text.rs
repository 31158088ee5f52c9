//! The text form of plans: exact, and refused with a reason where it is not one.

use std::collections::BTreeSet;

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::cost::{Counts, cost};
use keopsc_ir::plan::evaluate::evaluate;
use keopsc_ir::plan::generate::generate;
use keopsc_ir::plan::parse::{parse, parse_all};
use keopsc_ir::plan::print::print;
use keopsc_ir::plan::verify::verify;
use keopsc_ir::plan::{Block, Definition, Pass, Plan, Value};
use keopsc_ir::types::{Numerics, Role, ScalarType};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Index, Scalar};
use keopsc_ops::{ReductionId, reductions};

use crate::samples::PLAN;

#[test]
fn printed_plans_read_back() {
    let mut seen = Seen::default();
    for seed in 0..2000 {
        let plan = generate(seed);
        let text = print(&plan);
        let again = parse(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        assert!(again == plan, "seed {seed}: another plan is read than printed\n{text}");
        seen.add(&plan);
    }
    let reductions: BTreeSet<ReductionId> = reductions::reductions().map(|(id, _)| id).collect();
    assert_eq!(seen.reductions, reductions);
    assert_eq!(seen.intrinsics, Intrinsic::ALL.iter().copied().collect());
    assert!(seen.longest_fold > 16 && seen.longest_list > 16);
}

/// What of the language of plans there was.
#[derive(Default)]
struct Seen {
    reductions: BTreeSet<ReductionId>,
    intrinsics: BTreeSet<Intrinsic>,
    longest_fold: u32,
    longest_list: i64,
}

impl Seen {
    fn add(&mut self, plan: &Plan) {
        for pass in &plan.passes {
            for accumulation in &pass.accumulations {
                self.reductions.insert(accumulation.reduction);
                self.longest_list = accumulation.parameters.iter().fold(self.longest_list, |most, &k| most.max(k));
            }
            for value in &pass.values {
                let Definition::Compute(scalar) = &value.definition else { continue };
                scalar.visit(&mut |part| match part {
                    Scalar::Call(intrinsic, _) => drop(self.intrinsics.insert(*intrinsic)),
                    Scalar::Fold { count, .. } => self.longest_fold = self.longest_fold.max(*count),
                    _ => {}
                });
            }
        }
    }
}

#[test]
fn text_prints_back() {
    let plan = parse(PLAN).expect("the sample is a plan");
    assert_eq!(print(&plan), PLAN);
    let both = parse_all(&format!("{PLAN}\n{PLAN}")).expect("these are two plans");
    assert_eq!(both, [plan.clone(), plan]);
}

/// Scalar expressions print with as few parentheses as possible; this text is what is printed for what is read from it.
#[test]
fn parentheses_are_minimal() {
    let scalars = [
        "v0 - v1 - v0",
        "v0 - (v1 - v0)",
        "v0 + v1 * v0",
        "(v0 + v1) * v0",
        "v0 / (v1 * v0) / v1",
        "-v0 * v1",
        "-(v0 * v1)",
        "--v0",
        "neg(2) - -2",
        "-(v0 + 1e-7)",
        "select(v0 < v1 + 1, v0, inf)",
        "select(v0 != v1, -inf, nan)",
        "sum(q < 3, prod(q2 < 2, v2[q * 2 + q2] - v2[(q + q2) % 6])) * v0",
        "choose(k * 2 <= 3, v2[5 - k], index(k / 2 - 1 - k))",
        "index(2 - (1 - k))",
        "max(v0, pow(v1, 3)) + minimum(q < 2, v2[q])",
    ];
    for scalar in scalars {
        let text = format!(
            "plan p\ntensor a: input p[1] f32\ntensor c: input p[6] f32\npass rows i, compute f32\n  \
             parameter v0[1] = read a\n  parameter v1[1] = read a\n  parameter v2[6] = read c\n  row v3[1] = {scalar}\n"
        );
        let plan = parse(&text).unwrap_or_else(|error| panic!("{error}: {scalar}"));
        assert_eq!(print(&plan), text);
    }
}

#[test]
fn operators_and_their_names_are_the_same() {
    let written = "add(v0, mul(2, neg(v0)))";
    let text = |scalar| format!("plan p\npass rows i, compute f32\n  row v0[1] = 1\n  row v1[1] = {scalar}\n");
    let plan = parse(&text(written)).expect("names of infix operators may be written");
    assert_eq!(print(&plan), text("v0 + 2 * -v0"));
}

#[test]
fn deep_expressions_are_refused() {
    for part in ["(", "-", "exp(", "sum(q < 2, ", "choose(k < 1, 1, ", "select(", "1 < 1 + 1 * ("] {
        let text = format!("plan p\npass rows i, compute f32\n  row v0[1] = {}1", part.repeat(100_000));
        let error = parse(&text).expect_err("it is no expression");
        assert_eq!(error.message, "expected an expression that is nested less deeply", "{part}");
    }
    for part in ["(", "1 + (", "1 * ("] {
        let text = format!("plan p\npass rows i, compute f32\n  row v0[1] = index({}1", part.repeat(100_000));
        let error = parse(&text).expect_err("it is too deep");
        assert_eq!(error.message, "expected an expression that is nested less deeply", "{part}");
    }
}

/// What `verify` lets through can be printed, read and evaluated on a thread with the usual stack.
#[test]
fn the_deepest_expressions_work() {
    let cases = [
        (250, "-", ""),
        (250, "exp(", ")"),
        (250, "sum(q < 1, 0) - (", ")"),
        (250, "choose(k < 1, 1, ", ")"),
        (60, "select(0 < 1, 0, 1 + 2 * exp(", "))"),
        (250, "", " + 1"),
    ];
    for (depth, before, after) in cases {
        let scalar = format!("{}v0{}", before.repeat(depth), after.repeat(depth));
        let text = format!(
            "plan p\ntensor a: input p[1] f32\ntensor r: output p[1] f32\npass rows p, compute f32\n  \
             parameter v0[1] = read a\n  parameter v1[1] = {scalar}\n  write r = v1\n"
        );
        let plan = parse(&text).unwrap_or_else(|error| panic!("{error}: {before}"));
        assert_eq!(verify(&plan), Ok(()), "{before}");
        assert!(parse(&print(&plan)).as_ref() == Ok(&plan), "{before}");
        let result = evaluate(&plan, Sizes { i: 1, j: 1 }, &[vec![-1.0]]).expect("it can be evaluated");
        assert!(!result[0].values[0].is_nan(), "{before}");
    }
}

#[test]
fn texts_that_are_no_plans_are_refused() {
    let cases = [
        ("", "line 1, column 1: expected one plan"),
        ("tensor x: input i[3] f32", "line 1, column 1: expected `plan` and a name"),
        ("plan p\nrow v0[1] = 1", "line 2, column 1: expected `tensor` or `pass`"),
        ("plan p\ntensor x: source i[3] f32", "line 2, column 11: expected `input`, `output` or `temporary`"),
        (
            "plan p\npass rows i, compute f32\nsomewhere v0[1] = 1",
            "line 3, column 1: expected a block, `accumulate`, `write`, `scatter`, `pass` or `plan`",
        ),
        (
            "plan p\npass rows i, compute f32\nrow v1[1] = 1",
            "line 3, column 14: expected a definition of v0 in this pass",
        ),
        (
            "plan p\npass rows i, compute f32\nrow v0[1] = 1\nrow v0[1] = 1",
            "line 4, column 5: expected a number that is not used yet, and at most 1048576",
        ),
        (
            "plan p\npass rows i, compute f32\nrow v1048576[1] = 1",
            "line 3, column 20: expected a definition of v0 in this pass",
        ),
        (
            "plan p\npass rows i, compute f32\nrow v4000000000[1] = 1",
            "line 3, column 5: expected a number that is not used yet, and at most 1048576",
        ),
        (
            "plan p\npass rows i, compute f32\nrow v0[1] = read x",
            "line 3, column 18: expected a tensor of the plan, not `x`",
        ),
        (
            "plan p\npass rows i, compute f32\nrow v0[1] = fold(1)",
            "line 3, column 13: expected a scalar function, not `fold`",
        ),
        ("plan p\npass rows i, compute f32\nrow v0[1] = 1 < 2 < 3", "line 3, column 19: expected the end of the line"),
        (
            "plan p\npass rows i, compute f32\nrow v0[1] = sum(x < 2, 1)",
            "line 3, column 17: expected a counter: `k`, `q`, `q2` …",
        ),
        (
            "plan p\npass rows i, over j, compute f32\naccumulate a0 = Nonsense(v0)",
            "line 3, column 17: expected a reduction of the table, not `Nonsense`",
        ),
        (
            "plan p\npass rows i, over j, compute f32\naccumulate a0 = Sum(v0)",
            "line 3, column 17: expected values that are defined before",
        ),
        (
            "plan p\npass rows i, over j, compute f32\naccumulate a1 = Sum(v0)",
            "line 3, column 12: expected a0, as accumulations are numbered in order",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(parse(text).expect_err(text).to_string(), message, "{text}");
    }
}

#[test]
fn negated_constants_are_not_negative_constants() {
    let negated = Scalar::Call(Intrinsic::Neg, vec![Scalar::Constant(2.0)]);
    for (scalar, text) in [(Scalar::Constant(-2.0), "-2"), (negated, "neg(2)"), (Scalar::Index(Index::K), "index(k)")] {
        let value = Value { block: Block::Row, dim: 1, is_index: false, definition: Definition::Compute(scalar) };
        let (accumulations, writes) = (Vec::new(), Vec::new());
        let (rows, over, compute) = (Role::I, None, ScalarType::F32);
        let scatters = Vec::new();
        let pass = Pass { rows, over, compute, values: vec![value], accumulations, writes, scatters };
        let name = "p".to_string();
        let plan = Plan { name, tensors: Vec::new(), passes: vec![pass], numerics: Numerics::default() };
        assert_eq!(print(&plan), format!("plan p\npass rows i, compute f32\n  row v0[1] = {text}\n"));
        assert_eq!(parse(&print(&plan)), Ok(plan));
    }
}

#[test]
fn costs_are_counted_where_they_arise() {
    let plan = parse(PLAN).expect("the sample is a plan");
    let cost = cost(&plan.passes[0]);
    let zero = Counts::default();
    assert_eq!(cost.per_call, Counts { division: 1, loads: 1, ..zero });
    assert_eq!(cost.per_column, Counts { loads: 4, ..zero });
    assert_eq!(cost.per_pair.exponential, 1);
    assert_eq!(cost.per_pair.loads, 4);
    assert!(cost.per_pair.arithmetic > 3 + 3 + 2 + 2 + 1, "{}", cost.per_pair);
    assert_eq!(cost.per_pair.cycles(), 0.5 * cost.per_pair.arithmetic as f64 + 5.0);
    assert_eq!(cost.per_call.cycles(), 5.0);
    assert_eq!((cost.per_row.loads, cost.per_row.stores), (3, 1 + 1 + 1));
    assert_eq!(Counts { arithmetic: 2, stores: 1, ..zero }.to_string(), "2 arithmetic, 1 store");
}
