//! Results are those that were kept, bit for bit: on every machine, with any number of threads, and by later commits.
//!
//! `tests/bits.txt` has digests of the results of the formulas below, a line for each level, type and formula. Levels may have different bits:
//! they cut sums into other lanes, and not all have instructions that multiply and add. Those of x86-64-v4 were kept on an AMD Zen 5: roots begin
//! with the processor's estimate there. `BLESS=1 cargo test -p keopsc-tests --test bits` writes the lines of the levels that it runs anew,
//! `KEOPSC_LEVEL=aarch64-neon` before it those of that one. Who changes bits says so in CHANGELOG.md.

use std::collections::BTreeMap;
use std::path::PathBuf;

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::{TensorKind, Verified};
use keopsc_ir::types::ScalarType;
use keopsc_ops::OperationId;
use keopsc_ops::catalogue::{self, Operation};
use keopsc_passes::{pipeline, resolve::Options};
use keopsc_tests::{Compiled, compile, numbers, runnable_levels};

/// What the back end has of its own: sums by each scheme, lists, pivots, contractions, several passes, complex numbers. Functions are added.
const FORMULAS: &[(&str, &str)] = &[
    ("gauss_3", "x = Vi(3); y = Vj(3); b = Vj(1); out f = Sum[j](Exp(-SqDist(x, y)) * b)"),
    ("gauss_100", "x = Vi(100); y = Vj(100); b = Vj(1); out f = Sum[j](Exp(-SqDist(x, y)) * b)"),
    ("wide", "x = Vi(3); y = Vj(3); b = Vj(64); out f = Sum[j](Exp(-SqDist(x, y)) * b)"),
    (
        "gradients",
        "x = Vi(3); y = Vj(3); b = Vj(1); f = Sum[j](Exp(-SqDist(x, y)) * b); out g = Grad(f, x); out h = Grad(f, y)",
    ),
    (
        "fused",
        "x = Vi(3); y = Vj(3); b = Vj(1); K = Exp(-SqDist(x, y)); fused f { out v = Sum[j](K * b); out g = Sum[j](Grad(K, x) * b); }",
    ),
    ("twice", "x = Vi(3); y = Vj(3); b = Vj(3); out f = Sum[i](Sum[j](Exp(-SqDist(x, y)) * b) * x)"),
    ("direct", "x = Vi(3); y = Vj(3); b = Vj(1); out f = Sum[j](Exp(-SqDist(x, y)) * b) numerics sum = direct"),
    ("block", "x = Vi(3); y = Vj(3); b = Vj(1); out f = Sum[j](Exp(-SqDist(x, y)) * b) numerics sum = block"),
    ("kahan", "x = Vi(3); y = Vj(3); b = Vj(1); out f = Sum[j](Exp(-SqDist(x, y)) * b) numerics sum = kahan"),
    (
        "accumulate_f64",
        "x = Vi(3); y = Vj(3); b = Vj(1); out f = Sum[j](Exp(-SqDist(x, y)) * b) numerics accumulate = f64",
    ),
    ("log_sum_exp", "x = Vi(3); y = Vj(3); b = Vj(1); out f = LogSumExp[j](b - SqDist(x, y))"),
    ("soft_max", "x = Vi(40); y = Vj(40); b = Vj(20); out f = SumSoftMaxWeight[j](x | y, b)"),
    ("nearest", "x = Vi(20); y = Vj(20); out f = ArgMin[j](SqDist(x, y)); out g = Min[j](SqDist(x, y))"),
    ("list", "x = Vi(3); y = Vj(3); out f = KMin[j, K=10](SqDist(x, y)); out g = ArgKMin[j, K=10](SqDist(x, y))"),
    ("complex", "x = Vi(2, dtype=c64); y = Vj(2, dtype=c64); out f = Sum[j](Exp(x * y))"),
];

/// In the middle of tiles and chunks; and so many pairs that threads share them.
const SIZES: [Sizes; 3] = [Sizes { i: 209, j: 333 }, Sizes { i: 5, j: 4100 }, Sizes { i: 1500, j: 700 }];

#[test]
fn results_have_the_bits_that_were_kept() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("bits.txt");
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let kept: BTreeMap<&str, &str> = kept.lines().filter_map(|line| line.rsplit_once(' ')).collect();
    let found = digests();
    if std::env::var_os("BLESS").is_some() {
        let levels: Vec<String> = runnable_levels().iter().map(|level| format!("{} ", level.name)).collect();
        let is_other = |name: &str| !levels.iter().any(|level| name.starts_with(level));
        let others = kept.iter().filter(|(name, _)| is_other(name));
        let mut lines: Vec<String> = others.map(|(name, digest)| format!("{name} {digest}\n")).collect();
        lines.extend(found.iter().map(|(name, digest)| format!("{name} {digest}\n")));
        lines.sort();
        return std::fs::write(&path, lines.concat()).expect("tests/bits.txt can be written");
    }
    let differs = |(name, digest): &(&String, &String)| kept.get(name.as_str()) != Some(&digest.as_str());
    let changed: Vec<&String> = found.iter().filter(differs).map(|(name, _)| name).collect();
    assert!(changed.is_empty(), "the bits of these are not those of tests/bits.txt: {changed:#?}");
}

/// What the file says of the levels that run here.
fn digests() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let functions = functions();
    for (name, text) in FORMULAS.iter().copied().chain([("functions", functions.as_str())]) {
        for (dtype, scalar) in [("f32", ScalarType::F32), ("f64", ScalarType::F64)] {
            let plans = plans(text, scalar);
            for level in runnable_levels() {
                let digest = digest(&compile(&plans, level), &plans);
                found.insert(format!("{} {dtype} {name}", level.name), format!("{digest:016x}"));
            }
        }
    }
    found
}

/// All functions of one number, each of rows of its own, so that those outside of a function's domain hide no others.
fn functions() -> String {
    let takes_one = |id: OperationId, row: &Operation| {
        catalogue::signature(id).parameters.is_empty() && catalogue::infer_dim(id, &[3], &[]) == Ok(3) && row.ulp > 0.0
    };
    let rows = catalogue::operations().filter(|(id, row)| takes_one(*id, row));
    let outputs = rows.map(|(_, row)| format!("out of_{0} = Sum[j]({0}(4 * x - 1) * y)\n", row.name));
    format!("x = Vi(1)\ny = Vj(1)\n{}", outputs.collect::<String>())
}

fn plans(text: &str, scalar: ScalarType) -> Vec<Verified> {
    let (file, errors) = keopsc_grammar::parse_file(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let options = Options { dtype: Some(scalar), ..Options::default() };
    pipeline::run(&file, &options, &mut |_, _| {}).unwrap_or_else(|errors| panic!("{text}: {errors:?}")).plans
}

/// FNV-1a over the bits of all results.
fn digest(compiled: &Compiled, plans: &[Verified]) -> u64 {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    for (number, plan) in plans.iter().enumerate() {
        for sizes in SIZES {
            let inputs = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Input).zip(1..);
            let inputs: Vec<Vec<f64>> =
                inputs.map(|(tensor, seed)| numbers(sizes.rows(tensor.role) * tensor.dim() as usize, seed)).collect();
            for value in compiled.run(number, sizes, &inputs).into_iter().flatten() {
                // Processors may have other NaNs.
                let bits = if value.is_nan() { 0 } else { value.to_bits() };
                for byte in bits.to_le_bytes() {
                    digest = (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
                }
            }
        }
    }
    digest
}
