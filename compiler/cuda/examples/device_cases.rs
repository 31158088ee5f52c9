//! Writes kernels, inputs and expected results for a check on a GPU: `cargo run -p keopsc-cuda --example device_cases -- OUTDIR [COUNT]`.
//!
//! Cases are the formulas of `tests/cases/stages`, a long one and COUNT random programs (40). Each is `NAME.cu`, `NAME.json` and raw little-endian
//! files of tensors: inputs as they are stored, expected results in float64 from the interpreter of plans, and how far each may be
//! from it. That bound follows from results for inputs that differ in their last digits, so that what magnifies rounding is not held
//! to it; where a result is not finite or jumps, it is infinite. `compiler/cuda/tests/device/check.py OUTDIR` runs them.

use std::path::{Path, PathBuf};

use keopsc_cuda::{emit, launch::launches};
use keopsc_ir::evaluation::{Array, Sizes};
use keopsc_ir::formula;
use keopsc_ir::plan::{self, Plan, Tensor, TensorKind, Verified};
use keopsc_ir::random::Random;
use keopsc_ir::types::{Axis, ScalarType};
use keopsc_passes::{hoist::hoist, pipeline, plan::plan, resolve::Options, simplify::simplify};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Several chunks, several blocks, one row, no column.
const SIZES: &[Sizes] =
    &[Sizes { i: 37, j: 1100 }, Sizes { i: 530, j: 23 }, Sizes { i: 1, j: 3 }, Sizes { i: 3, j: 0 }];

/// Too long for registers, and for shared memory.
const LONG: &str = "A = Pm(3000)\nB = Pm(200)\nx = Vi(1100)\ny = Vj(1100)\nz = Vj(40)\n\
                    out f = Sum[j](Exp((x | y) / 100) * (z * Sum(A)) * (z | z) * Sum(B))\n";

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("where to? device_cases OUTDIR [COUNT]")?);
    let count: u64 = arguments.next().map_or(Ok(40), |text| text.parse())?;
    std::fs::create_dir_all(&folder)?;
    let (file, _) = keopsc_grammar::parse_file(LONG);
    let output = pipeline::run(&file, &Options::default(), &mut |_, _| {}).map_err(|errors| format!("{errors:?}"))?;
    write_case(&folder, "long", &output.plans[0], SIZES[1])?;
    for (name, plan) in written_plans()? {
        for (number, sizes) in SIZES.iter().enumerate() {
            write_case(&folder, &format!("{name}_{number}"), &plan, *sizes)?;
        }
    }
    for seed in 0..count {
        let sizes = SIZES[seed as usize % SIZES.len()];
        let plans = plan(&hoist(simplify(formula::generate::generate(seed))));
        for (number, plan) in plans.iter().enumerate() {
            let plan = Verified::new(plan.clone()).map_err(|defects| format!("{defects:?}"))?;
            write_case(&folder, &format!("random_{seed}_{number}"), &plan, sizes)?;
        }
    }
    Ok(())
}

/// The plans of the text cases of all stages.
fn written_plans() -> Outcome<Vec<(String, Verified)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/stages");
    let mut plans = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "kf") {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let (file, _) = keopsc_grammar::parse_file(&text);
        let output = pipeline::run(&file, &options(&text), &mut |_, _| {}).map_err(|errors| format!("{errors:?}"))?;
        let stem = path.file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned());
        plans.extend(output.plans.into_iter().map(|plan| (format!("{stem}_{}", plan.name), plan)));
    }
    Ok(plans)
}

/// `# dims: D=4, E=5` in the first line stands for `-D D=4 -D E=5`.
fn options(text: &str) -> Options {
    let list = text.lines().next().and_then(|line| line.strip_prefix("# dims: ")).unwrap_or("");
    let one = |item: &str| {
        let (name, value) = item.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().parse().ok()?))
    };
    Options { dims: list.split(',').filter_map(one).collect(), ..Options::default() }
}

fn write_case(folder: &Path, name: &str, plan: &Verified, sizes: Sizes) -> Outcome<()> {
    let mut random = Random::new(name.bytes().fold(7, |seed, byte| (seed << 5) ^ (seed >> 59) ^ u64::from(byte)));
    let arguments: Vec<&Tensor> = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Input).collect();
    let inputs: Vec<Vec<f64>> = arguments
        .iter()
        .map(|tensor| {
            let count = sizes.rows(tensor.role) * tensor.dim() as usize;
            (0..count).map(|_| rounded(random.real(-1.2, 1.2), tensor.scalar)).collect()
        })
        .collect();
    let results = plan::evaluate::evaluate(plan, sizes, &inputs)?;
    let single = plan.passes.iter().any(|pass| pass.compute == ScalarType::F32);
    let step = if single { 3e-7 } else { 1e-14 };
    let nearby = [1.0, -1.0].map(|sign| {
        let mut moved = inputs.clone();
        moved.iter_mut().flatten().for_each(|value| *value += sign * random.real(0.5 * step, step));
        plan::evaluate::evaluate(plan, sizes, &moved)
    });
    let [below, above] = nearby;
    let (below, above) = (below?, above?);

    std::fs::write(folder.join(format!("{name}.cu")), emit(plan))?;
    let mut given = inputs.iter();
    let mut expected = results.iter().zip(below.iter().zip(&above));
    let mut tensors = Vec::new();
    for (number, tensor) in plan.tensors.iter().enumerate() {
        let write =
            |suffix: &str, bytes: Vec<u8>| std::fs::write(folder.join(format!("{name}.{number}.{suffix}")), bytes);
        match tensor.kind {
            TensorKind::Input => {
                write(
                    "input",
                    given.next().into_iter().flatten().flat_map(|value| stored(*value, tensor.scalar)).collect(),
                )?;
            }
            TensorKind::Output => {
                if let Some((result, (below, above))) = expected.next() {
                    let bounds = bounds(result, [below, above], tensor.scalar, single);
                    write("expected", result.values.iter().flat_map(|value| value.to_le_bytes()).collect())?;
                    write("bounds", bounds.iter().flat_map(|value| value.to_le_bytes()).collect())?;
                }
            }
            TensorKind::Temporary => {}
        }
        tensors.push(describe_tensor(tensor, sizes));
    }
    let description = json!({ "tensors": tensors, "launches": describe_launches(plan, sizes) });
    std::fs::write(folder.join(format!("{name}.json")), serde_json::to_string_pretty(&description)?)?;
    Ok(())
}

fn describe_tensor(tensor: &Tensor, sizes: Sizes) -> Value {
    let kind = match tensor.kind {
        TensorKind::Input => "input",
        TensorKind::Output => "output",
        TensorKind::Temporary => "temporary",
    };
    json!({
        "name": tensor.name,
        "kind": kind,
        "scalar": tensor.scalar.name(),
        "count": sizes.rows(tensor.role) * tensor.dim() as usize,
    })
}

fn describe_launches(plan: &Plan, sizes: Sizes) -> Vec<Value> {
    let columns = |over: Option<Axis>| over.map_or(0, |over| sizes.of(over));
    let describe = |launch: keopsc_cuda::launch::Launch| {
        json!({
            "kernel": launch.kernel,
            "tensors": launch.tensors.iter().map(|tensor| tensor.0).collect::<Vec<u32>>(),
            "rows": sizes.rows(launch.rows),
            "columns": columns(launch.over),
            "threads": launch.threads,
        })
    };
    launches(plan).into_iter().map(describe).collect()
}

/// How far each component may be from the expected one.
fn bounds(expected: &Array, nearby: [&Array; 2], stored: ScalarType, single: bool) -> Vec<f64> {
    let finite = expected.values.iter().filter(|value| value.is_finite());
    let magnitude = finite.fold(1e-6, |most: f64, value| most.max(value.abs()));
    let relative = match (stored, single) {
        (ScalarType::I64, _) => 0.0,
        (ScalarType::BF16, _) => 1e-2,
        (ScalarType::F16, _) => 2e-3,
        (_, true) => 1e-5,
        (_, false) => 1e-12,
    };
    let bound = |number: usize| {
        let value = expected.values[number];
        let spread = nearby.map(|array| (array.values[number] - value).abs());
        let spread =
            if spread.iter().any(|distance| !distance.is_finite()) { f64::INFINITY } else { spread[0].max(spread[1]) };
        let jumps = stored == ScalarType::I64 && spread > 0.0;
        if !value.is_finite() || jumps { f64::INFINITY } else { relative * magnitude + 100.0 * spread }
    };
    (0..expected.values.len()).map(bound).collect()
}

/// The nearest number that can be stored.
fn rounded(value: f64, scalar: ScalarType) -> f64 {
    match scalar.real() {
        ScalarType::F16 => (value * 1024.0).round() / 1024.0,
        ScalarType::BF16 => (value * 128.0).round() / 128.0,
        ScalarType::F32 => f64::from(value as f32),
        ScalarType::F64 => value,
        ScalarType::I64 => value.round(),
        complex => unreachable!("{} is no real type", complex.name()),
    }
}

/// The bytes of a number that [`rounded`] gave.
fn stored(value: f64, scalar: ScalarType) -> Vec<u8> {
    let single = value as f32;
    match scalar.real() {
        ScalarType::F16 => half(single).to_le_bytes().to_vec(),
        ScalarType::BF16 => ((single.to_bits() >> 16) as u16).to_le_bytes().to_vec(),
        ScalarType::F32 => single.to_le_bytes().to_vec(),
        ScalarType::F64 => value.to_le_bytes().to_vec(),
        ScalarType::I64 => (value as i64).to_le_bytes().to_vec(),
        complex => unreachable!("{} is no real type", complex.name()),
    }
}

/// The bits of a number that half precision has, of at least 2^-10 or 0.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude == 0 { sign } else { sign | ((magnitude - 0x3800_0000) >> 13) as u16 }
}
