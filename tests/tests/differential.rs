//! Compiled code against the float64 interpreter, on random programs of the whole catalogue.

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_ir::formula::generate::{generate, generate_inputs};
use keopsc_ir::formula::{Entry, Program};
use keopsc_ir::plan::{Plan, TensorKind, Verified};
use keopsc_ir::random::Random;
use keopsc_ir::types::{ScalarType, SumScheme};
use keopsc_passes::resolve::Options;
use keopsc_passes::{hoist, plan, simplify};
use keopsc_tests::ring::plans::usual_formulas;
use keopsc_tests::{compile, runnable_levels};

/// Sizes around lane counts, tiles and chunks.
const SIZES: [(usize, usize); 6] = [(1, 1), (3, 0), (0, 4), (17, 33), (49, 7), (5, 515)];

/// Everything stored in one type, or in the complex numbers of that; `accumulate` prevails where it is given.
fn in_type(mut program: Program, scalar: ScalarType, accumulate: Option<ScalarType>) -> Program {
    let stored = |input: ScalarType| if input.is_complex() { scalar.complex() } else { scalar };
    program.inputs.iter_mut().for_each(|input| input.scalar = stored(input.scalar));
    program.scalar = Some(scalar);
    program.entries.iter_mut().for_each(|entry| entry.numerics.accumulate = accumulate);
    program
}

fn verified(plan: Plan) -> Verified {
    Verified::new(plan).expect("plans keep the rules")
}

#[test]
fn random_programs_compute_what_the_interpreter_says() {
    let count = std::env::var("KEOPSC_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let levels = runnable_levels();
    let mut failures = Vec::new();
    for seed in 0..count {
        let program = in_type(simplify::simplify(generate(seed)), ScalarType::F64, None);
        let plans: Vec<Verified> = plan::plan(&hoist::hoist(program.clone())).into_iter().map(verified).collect();
        let compiled = compile(&plans, levels[seed as usize % levels.len()]);
        for (number, entry) in program.entries.iter().enumerate() {
            for (i, j) in SIZES {
                let sizes = Sizes { i, j };
                let mut random = Random::new(seed ^ 0x5eed);
                let inputs = generate_inputs(&program, entry, sizes, &mut random);
                let expected = evaluate(&program, entry, sizes, &inputs).expect("generated programs evaluate");
                let found = compiled.run(number, sizes, &inputs);
                for (output, (expected, found)) in expected.iter().zip(&found).enumerate() {
                    if let Some(place) = difference(&expected.values, found) {
                        failures.push(format!(
                            "seed {seed}, entry {}, output {output}, {sizes:?}, element {place}: {:e} instead of {:e}",
                            entry.name, found[place], expected.values[place]
                        ));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

/// Coordinates and weights, sizes: distances in registers and as contractions, few and many rows.
const USUAL: [(u32, u32, Sizes); 4] = [
    (3, 1, Sizes { i: 61, j: 203 }),
    (16, 3, Sizes { i: 7, j: 130 }),
    (17, 1, Sizes { i: 130, j: 37 }),
    (100, 2, Sizes { i: 13, j: 67 }),
];

/// Storage, summation, accumulators if they are told, and the error allowed.
const SETTINGS: [(ScalarType, SumScheme, Option<ScalarType>, f64); 4] = [
    (ScalarType::F64, SumScheme::Auto, None, 1e-11),
    (ScalarType::F32, SumScheme::Auto, None, 1e-4),
    (ScalarType::F32, SumScheme::Kahan, None, 1e-4),
    (ScalarType::F32, SumScheme::Auto, Some(ScalarType::F64), 1e-4),
];

#[test]
fn usual_formulas_compute_what_the_interpreter_says() {
    let levels = runnable_levels();
    let mut failures = Vec::new();
    for (shape, (d, e, sizes)) in USUAL.into_iter().enumerate() {
        let program = usual_formulas(d, e, &Options { dtype: Some(ScalarType::F64), ..Options::default() }).program;
        let inputs_of = |entry: &Entry| {
            let mut inputs = generate_inputs(&program, entry, sizes, &mut Random::new(7));
            inputs.iter_mut().flatten().for_each(|value| *value = f64::from(*value as f32));
            inputs
        };
        let inputs: Vec<_> = program.entries.iter().map(inputs_of).collect();
        let evaluated =
            program.entries.iter().zip(&inputs).map(|(entry, inputs)| evaluate(&program, entry, sizes, inputs));
        let expected: Vec<_> = evaluated.map(|results| results.expect("the formulas evaluate")).collect();
        for (turn, (scalar, sum, accumulate, tolerance)) in SETTINGS.into_iter().enumerate() {
            let level = levels[(shape + turn) % levels.len()];
            let options =
                Options { dtype: Some(scalar), sum: Some(sum), accumulate: accumulate.map(Some), ..Options::default() };
            let plans = usual_formulas(d, e, &options).plans;
            let compiled = compile(&plans, level);
            for (number, plan) in plans.iter().enumerate() {
                let found = compiled.run(number, sizes, &inputs[number]);
                let results = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Output);
                for (result, (expected, found)) in results.zip(expected[number].iter().zip(&found)) {
                    // Rounded distances may have another order.
                    let may_differ = result.scalar == ScalarType::I64 && scalar == ScalarType::F32;
                    let error = largest_error(&expected.values, found);
                    if error > tolerance && !may_differ {
                        failures.push(format!("{}, D = {d}, {options:?}, {}: {error:e}", level.name, result.name));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

/// Sizes of several chunks, so that states have something to merge.
const LONG_SIZES: [(usize, usize); 3] = [(3, 1300), (700, 2), (600, 640)];

#[test]
fn random_programs_in_shards_have_the_bits_of_one_call() {
    let count = std::env::var("KEOPSC_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let levels = runnable_levels();
    let (mut failures, mut cases) = (Vec::new(), 0);
    for seed in 1000..1000 + count {
        let program = in_type(simplify::simplify(generate(seed)), ScalarType::F64, None);
        let plans: Vec<Verified> = plan::plan(&hoist::hoist(program.clone())).into_iter().map(verified).collect();
        let compiled = compile(&plans, levels[seed as usize % levels.len()]);
        // Sums that are merged one after the other have other bits.
        let in_a_tree = |entry: &Entry| !matches!(entry.numerics.sum, SumScheme::Direct | SumScheme::Block);
        for (number, entry) in program.entries.iter().enumerate().filter(|(_, entry)| in_a_tree(entry)) {
            for (i, j) in LONG_SIZES {
                let sizes = Sizes { i, j };
                let inputs = generate_inputs(&program, entry, sizes, &mut Random::new(seed));
                let whole = compiled.run(number, sizes, &inputs);
                for shards in [1, 2, 3, 5, 8] {
                    let Some(found) = compiled.run_in_shards(number, sizes, &inputs, shards) else { continue };
                    cases += 1;
                    let bits = |results: &[Vec<f64>]| -> Vec<u64> {
                        results.iter().flatten().map(|value| value.to_bits()).collect()
                    };
                    if bits(&found) != bits(&whole) {
                        failures.push(format!("seed {seed}, entry {}, {sizes:?}, {shards} shards", entry.name));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
    assert!(cases > count as usize, "{cases} cases only");
}

/// In float32 accumulators of float64 take nothing away: each result is as near to the interpreter's as with accumulators of float32, up to
/// the rounding that the float32 values inside have in both.
#[test]
fn wide_accumulators_are_no_worse_on_random_programs() {
    let levels = runnable_levels();
    let (mut compared, mut telling, mut failures) = (0, 0, Vec::new());
    for seed in 0..30 {
        let narrow = in_type(simplify::simplify(generate(seed)), ScalarType::F32, None);
        let wide = in_type(narrow.clone(), ScalarType::F32, Some(ScalarType::F64));
        let level = levels[seed as usize % levels.len()];
        let [of_narrow, of_wide] = [&narrow, &wide].map(|program| {
            let plans = plan::plan(&hoist::hoist(program.clone()));
            compile(&plans.into_iter().map(verified).collect::<Vec<_>>(), level)
        });
        for (number, entry) in narrow.entries.iter().enumerate() {
            for (i, j) in SIZES {
                let sizes = Sizes { i, j };
                let mut inputs = generate_inputs(&narrow, entry, sizes, &mut Random::new(seed ^ 0x5eed));
                inputs.iter_mut().flatten().for_each(|value| *value = f64::from(*value as f32));
                let expected = evaluate(&narrow, entry, sizes, &inputs).expect("generated programs evaluate");
                let [narrow, wide] = [&of_narrow, &of_wide].map(|compiled| compiled.run(number, sizes, &inputs));
                for (output, expected) in expected.iter().enumerate() {
                    compared += 1;
                    let [narrow, wide] = [&narrow, &wide].map(|found| largest_error(&expected.values, &found[output]));
                    telling += usize::from(narrow < 1e-4);
                    if wide > 4.0 * narrow + 1e-5 {
                        failures.push(format!(
                            "seed {seed}, entry {}, output {output}, {sizes:?}: {wide:e}, with narrow accumulators {narrow:e}",
                            entry.name
                        ));
                    }
                }
            }
        }
    }
    assert!(
        10 * telling > 9 * compared,
        "only {telling} of {compared} results are accurate enough to tell a difference"
    );
    assert!(failures.is_empty(), "{} of {compared} worse:\n{}", failures.len(), failures.join("\n"));
}

/// The largest error relative to the largest value; infinite where one is a number and the other is not.
fn largest_error(expected: &[f64], found: &[f64]) -> f64 {
    let scale =
        expected.iter().filter(|value| value.is_finite()).fold(1e-30, |scale: f64, value| scale.max(value.abs()));
    let error = |(a, b): (&f64, &f64)| {
        let same = a == b || (a.is_nan() && b.is_nan());
        let error = (a - b).abs() / scale;
        if same {
            0.0
        } else if error.is_nan() {
            f64::INFINITY
        } else {
            error
        }
    };
    expected.iter().zip(found).map(error).fold(0.0, f64::max)
}

/// The first element that is off by more than rounding, relative to the largest.
fn difference(expected: &[f64], found: &[f64]) -> Option<usize> {
    assert_eq!(expected.len(), found.len());
    let scale =
        expected.iter().filter(|value| value.is_finite()).fold(1e-300, |scale: f64, value| scale.max(value.abs()));
    (0..expected.len()).find(|&place| {
        let (a, b) = (expected[place], found[place]);
        let same = a == b || (a.is_nan() && b.is_nan());
        !same && (a - b).abs().partial_cmp(&(1e-9 * scale)) != Some(std::cmp::Ordering::Less)
    })
}
