//! The interpreter of plans against that of formulas, and the generator's plans through it.

use keopsc_ir::evaluation::{Array, EvaluationError, Sizes};
use keopsc_ir::formula;
use keopsc_ir::plan::evaluate::evaluate;
use keopsc_ir::plan::generate::generate;
use keopsc_ir::plan::parse::parse;
use keopsc_ir::plan::{Plan, TensorKind};
use keopsc_ir::random::Random;

use crate::samples::{PLAN, PROGRAM};

const SIZES: Sizes = Sizes { i: 4, j: 5 };

fn inputs(plan: &Plan, sizes: Sizes, random: &mut Random) -> Vec<Vec<f64>> {
    let inputs = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Input);
    let lengths = inputs.map(|tensor| sizes.rows(tensor.role) * tensor.dim() as usize);
    lengths.map(|length| (0..length).map(|_| random.real(0.5, 2.0)).collect()).collect()
}

fn assert_close(found: &Array, expected: &Array) {
    assert_eq!(found.values.len(), expected.values.len());
    for (found, expected) in found.values.iter().zip(&expected.values) {
        assert!((found - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{found} is not {expected}");
    }
}

#[test]
fn a_plan_computes_what_its_formulas_do() {
    let plan = parse(PLAN).expect("the sample is a plan");
    let program = formula::parse::parse(PROGRAM).expect("the sample is a program");
    for seed in 0..20 {
        let inputs = inputs(&plan, SIZES, &mut Random::new(seed));
        let found = evaluate(&plan, SIZES, &inputs).expect("it can be evaluated");
        let expected = |entry: usize, inputs: &[Vec<f64>]| {
            formula::evaluate::evaluate(&program, &program.entries[entry], SIZES, inputs).expect("it can be evaluated")
        };
        assert_close(&found[0], &expected(0, &inputs)[0]);
        assert_close(&found[1], &expected(1, &inputs[..2])[0]);
        assert_close(&found[2], &expected(2, &inputs)[0]);
    }
}

#[test]
fn no_columns_leave_the_neutral_state() {
    let plan = parse(PLAN).expect("the sample is a plan");
    let sizes = Sizes { i: 2, j: 0 };
    let found = evaluate(&plan, sizes, &inputs(&plan, sizes, &mut Random::new(1))).expect("it can be evaluated");
    assert_eq!(found[0].values, [0.0, 0.0]);
    assert_eq!(found[1].values, [-1.0; 2]);
}

#[test]
fn numbers_are_those_of_the_row_and_of_the_column() {
    let plan = parse(
        "plan diagonal\ntensor y: input j[1] f64\ntensor f: output i[1] f64\npass rows i, over j, compute f64\n  \
         row v0[1] index = number\n  column v1[1] index = number\n  column v2[1] = read y\n  \
         pair v3[1] = select(eq_index(v0, v1), v2, 0)\n  accumulate a0 = Sum(v3)\n  epilogue v4[1] = outcome a0\n  write f = v4\n",
    )
    .expect("it is a plan");
    let found = evaluate(&plan, SIZES, &[vec![1.0, 2.0, 3.0, 4.0, 5.0]]).expect("it can be evaluated");
    assert_eq!(found[0].values, [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn inputs_of_a_wrong_length_are_refused() {
    let plan = parse(PLAN).expect("the sample is a plan");
    let mut inputs = inputs(&plan, SIZES, &mut Random::new(1));
    inputs[0].push(0.0);
    let error = evaluate(&plan, SIZES, &inputs).expect_err("an input is too long");
    assert_eq!(error, EvaluationError::InputLength { name: "x".to_string(), expected: 12, found: 13 });
}

#[test]
fn generated_plans_have_results_of_the_right_size() {
    for seed in 0..500 {
        let plan = generate(seed);
        let inputs = inputs(&plan, SIZES, &mut Random::new(seed));
        let results = evaluate(&plan, SIZES, &inputs).expect("it can be evaluated");
        let outputs = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Output);
        let lengths: Vec<usize> = outputs.map(|tensor| SIZES.rows(tensor.role) * tensor.dim() as usize).collect();
        assert_eq!(results.iter().map(|array| array.values.len()).collect::<Vec<_>>(), lengths, "seed {seed}");
    }
}
