//! Which tiles the cost model chooses, and that none of them changes a bit of the results.

use keopsc_cpu::level::{Level, X86_64_V2, X86_64_V3, X86_64_V4};
use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::{TensorKind, Verified};
use keopsc_passes::schedule::{Choice, Tile, schedule};
use keopsc_passes::{pipeline, resolve::Options};
use keopsc_tests::{compile, compile_with_tiles, numbers, runnable_levels};

const GAUSS_3: &str = "x = Vi(3); y = Vj(3); b = Vj(1); out f = Sum[j](Exp(-SqDist(x, y)) * b)";
const GAUSS_100: &str = "x = Vi(100); y = Vj(100); b = Vj(1); out f = Sum[j](Exp(-SqDist(x, y)) * b)";
const VALUE_AND_GRADIENT: &str = "x = Vi(3); y = Vj(3); b = Vj(1); K = Exp(-SqDist(x, y)); fused f { out v = Sum[j](K * b); out g = Sum[j](Grad(K, x) * b); }";
const WIDE: &str = "x = Vi(3); y = Vj(3); b = Vj(64); out f = Sum[j](Exp(-SqDist(x, y)) * b)";
const LIST_3: &str = "x = Vi(3); y = Vj(3); out f = ArgKMin[j, K=10](SqDist(x, y))";
const LIST_100: &str = "x = Vi(100); y = Vj(100); out f = ArgKMin[j, K=10](SqDist(x, y))";

/// Tiles that are within 2 % of the fastest on an AMD Zen 5.
const CHOSEN: &[(&str, &Level, (u32, u32))] = &[
    (GAUSS_3, &X86_64_V4, (3, 8)),
    (GAUSS_3, &X86_64_V3, (2, 5)),
    (GAUSS_100, &X86_64_V4, (3, 8)),
    (GAUSS_100, &X86_64_V3, (2, 5)),
    (GAUSS_100, &X86_64_V2, (2, 5)),
    (VALUE_AND_GRADIENT, &X86_64_V4, (3, 8)),
    (WIDE, &X86_64_V4, (3, 8)),
    (LIST_100, &X86_64_V4, (3, 8)),
    (LIST_100, &X86_64_V3, (2, 5)),
];

/// Accumulations of every kind, beside those above.
const OTHERS: [&str; 8] = [
    "x = Vi(20); y = Vj(20); b = Vj(3); out f = Sum[j](Exp(-SqDist(x, y)) * b)",
    "x = Vi(300); y = Vj(300); out f = ArgMin[j](SqDist(x, y))",
    "x = Vi(3); y = Vj(3); b = Vj(1); out f = LogSumExp[j](b - SqDist(x, y))",
    "x = Vi(40); y = Vj(40); b = Vj(20); out f = SumSoftMaxWeight[j](x | y, b)",
    "x = Vi(30); y = Vj(30); b = Vj(1); out f = Grad(Sum[j](Exp(-SqDist(x, y)) * b), x)",
    "x = Vi(3); y = Vj(3); b = Vj(1); out f = Sum[j](Exp(-SqDist(x, y)) * b) numerics sum = kahan",
    "x = Vi(3); y = Vj(3); b = Vj(1); out f = Sum[j](Exp(-SqDist(x, y)) * b) numerics accumulate = f64",
    "x = Vi(3); y = Vj(3); b = Vj(3); out f = Sum[i](Sum[j](Exp(-SqDist(x, y)) * b) * x)",
];

fn plans(text: &str) -> Vec<Verified> {
    let (file, errors) = keopsc_grammar::parse_file(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let output = pipeline::run(&file, &Options::default(), &mut |_, _| {});
    output.unwrap_or_else(|errors| panic!("{text}: {errors:?}")).plans
}

#[test]
fn the_model_chooses_what_was_measured_to_be_fast() {
    for (text, level, (row_vectors, columns)) in CHOSEN {
        let plans = plans(text);
        let scheduled = schedule(plans.last().expect("a plan"), &level.machine());
        let (_, layout) = scheduled.passes().next().expect("a pass");
        assert_eq!((layout.row_vectors, layout.columns), (*row_vectors, *columns), "{} for {text}", level.name);
    }
}

#[test]
fn no_tile_changes_a_bit() {
    let texts = [GAUSS_3, GAUSS_100, VALUE_AND_GRADIENT, WIDE, LIST_3, LIST_100];
    for text in texts.into_iter().chain(OTHERS) {
        let plans = plans(text);
        for level in runnable_levels() {
            let expected = bits(&compile(&plans, level), &plans);
            for tiles in all_tiles(&plans, level) {
                let found = bits(&compile_with_tiles(&plans, level, &tiles), &plans);
                assert!(found == expected, "{text} for {} with {tiles:?}", level.name);
            }
        }
    }
}

/// Every tile that some pass can have, all passes changed at once.
fn all_tiles(plans: &[Verified], level: &Level) -> Vec<Vec<Choice>> {
    let machine = level.machine();
    let mut all: Vec<Vec<Choice>> = Vec::new();
    for plan in plans {
        let scheduled = schedule(plan, &machine);
        for pass in 0..plan.passes.len() {
            let (_, candidates) = scheduled.candidates(pass, &machine);
            let others: Vec<Tile> = candidates[1..].iter().map(|candidate| candidate.tile).collect();
            all.resize(all.len().max(others.len()), Vec::new());
            for (choices, tile) in all.iter_mut().zip(others) {
                choices.push(Choice { plan: plan.name.clone(), pass, tile });
            }
        }
    }
    all
}

/// The bits of all results, of sizes that end in the middle of tiles and of chunks.
fn bits(compiled: &keopsc_tests::Compiled, plans: &[Verified]) -> Vec<u64> {
    let mut bits = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        for sizes in [Sizes { i: 209, j: 333 }, Sizes { i: 5, j: 77 }] {
            let inputs = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Input);
            let inputs: Vec<Vec<f64>> = inputs
                .zip(1..)
                .map(|(tensor, seed)| numbers(sizes.rows(tensor.role) * tensor.dim() as usize, seed))
                .collect();
            bits.extend(compiled.run(number, sizes, &inputs).iter().flatten().map(|value| value.to_bits()));
        }
    }
    bits
}
