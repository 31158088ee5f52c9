//! Compiled code against the float64 interpreter, on random programs of the whole catalogue.

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::Program;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_ir::formula::generate::{generate, generate_inputs};
use keopsc_ir::plan::{Plan, Verified};
use keopsc_ir::random::Random;
use keopsc_ir::types::ScalarType;
use keopsc_passes::{hoist, plan, simplify};
use keopsc_tests::{compile, runnable_levels};

/// Sizes around lane counts, tiles and chunks.
const SIZES: [(usize, usize); 6] = [(1, 1), (3, 0), (0, 4), (17, 33), (49, 7), (5, 515)];

fn in_float64(mut program: Program) -> Program {
    let wide = |scalar: ScalarType| if scalar.is_complex() { ScalarType::C128 } else { ScalarType::F64 };
    program.inputs.iter_mut().for_each(|input| input.scalar = wide(input.scalar));
    program.scalar = Some(ScalarType::F64);
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
        let program = in_float64(simplify::simplify(generate(seed)));
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

/// Sizes of several chunks, so that states have something to merge.
const LONG_SIZES: [(usize, usize); 3] = [(3, 1300), (700, 2), (600, 640)];

#[test]
fn random_programs_in_shards_have_the_bits_of_one_call() {
    let count = std::env::var("KEOPSC_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let levels = runnable_levels();
    let (mut failures, mut cases) = (Vec::new(), 0);
    for seed in 1000..1000 + count {
        let program = in_float64(simplify::simplify(generate(seed)));
        let plans: Vec<Verified> = plan::plan(&hoist::hoist(program.clone())).into_iter().map(verified).collect();
        let compiled = compile(&plans, levels[seed as usize % levels.len()]);
        for (number, entry) in program.entries.iter().enumerate() {
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
