//! Every intrinsic, and every operation of one number that is more than an instruction, at every level that this machine runs, in both types:
//! against references of higher precision within the bounds of the tables, and bit by bit at edge values.

mod jit;

use inkwell::context::Context;
use jit::double_double::{Sum, reference};
use jit::functions::{Function, unary_functions, unary_operations};
use jit::levels::runnable_levels;
use keopsc_cpu::level::Level;
use keopsc_cpu::vector::Float;
use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::scalar::Scalar;

/// Numbers at which functions turn, end or overflow.
const EDGES: [f64; 46] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    0.25,
    1.5,
    -1.5,
    2.5,
    -2.5,
    0.49999997,
    -0.49999997,
    1e-5,
    -1e-5,
    7.0,
    88.72283,
    88.722_84,
    88.8,
    89.0,
    89.4,
    -89.42,
    -87.336,
    -87.4,
    -103.9,
    -104.0,
    -1e4,
    1e4,
    709.78,
    709.79,
    -708.3,
    -745.13,
    -745.2,
    1e30,
    -1e30,
    3.4e38,
    -3.4e38,
    1.2e-38,
    1e-45,
    16777217.0,
    8388607.5,
    -8388607.5,
];

/// Further ones of float64 alone.
const WIDE_EDGES: [f64; 8] = [710.4, -710.5, 1.7e308, -1.7e308, 2.3e-308, 5e-324, 1e300, 9007199254740993.0];

/// The range beside all bit patterns in which points are drawn.
fn dense_range(function: &Function) -> (f64, f64) {
    match function.name {
        "exp" | "exp2" => (-130.0, 130.0),
        "asin" | "acos" | "Atanh" => (-1.0, 1.0),
        "log" | "log2" | "log10" | "XLogX" => (0.0, 3.0),
        "expm1" | "log1p" | "sinh" | "tanh" | "Asinh" | "Erf" => (-3.0, 3.0),
        "Sigmoid" | "Softplus" | "Erfc" => (-12.0, 12.0),
        "Acosh" => (1.0, 3.0),
        "pow" => (-1.0, 30.0),
        _ => (-100.0, 100.0),
    }
}

/// Points of one argument: bit patterns of any number, numbers of the dense range, in turn. NaN is quiet, as operations leave it.
fn points(function: &Function, float: Float, count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let (low, high) = dense_range(function);
    let mut point = |k: usize| match (k % 2, float) {
        (0, Float::F32) => f64::from(f32::from_bits(random() as u32)),
        (0, Float::F64) => f64::from_bits(random()),
        _ => low + (high - low) * (random() >> 11) as f64 / (1u64 << 53) as f64,
    };
    (0..count).map(&mut point).map(|value| if value.is_nan() { f64::NAN } else { value }).collect()
}

/// The arguments of all points: every combination of edge values, then random ones.
fn arguments(function: &Function, float: Float, random: usize) -> Vec<Vec<f64>> {
    let mut edges: Vec<f64> = EDGES.to_vec();
    edges.extend([f64::INFINITY, f64::NEG_INFINITY, f64::NAN]);
    if float == Float::F64 {
        edges.extend(WIDE_EDGES);
    }
    let arity = function.arguments.len();
    let combinations = edges.len().pow(arity.min(2) as u32);
    (0..arity)
        .map(|argument| {
            let pick = |k: usize| if argument == 1 { edges[k / edges.len()] } else { edges[k % edges.len()] };
            let mut column: Vec<f64> = (0..combinations).map(pick).collect();
            column.extend(points(function, float, random, 0x9e37_79b9_7f4a_7c15 + argument as u64));
            let rounded =
                column.into_iter().map(|value| if float == Float::F32 { f64::from(value as f32) } else { value });
            rounded.map(|value| of_kind(function.arguments[argument], value)).collect()
        })
        .collect()
}

/// Truth values are any number, row numbers small integers.
fn of_kind(kind: Kind, value: f64) -> f64 {
    match kind {
        Kind::Real | Kind::Bool => value,
        Kind::Index if value.is_finite() => (value % 1e6).trunc() + 0.0,
        Kind::Index => 7.0,
    }
}

/// Bits of precision and the least exponent of a normal number.
struct Format {
    precision: i32,
    least_exponent: i32,
}

fn format(float: Float) -> Format {
    match float {
        Float::F32 => Format { precision: 24, least_exponent: -126 },
        Float::F64 => Format { precision: 53, least_exponent: -1022 },
    }
}

/// The distance in units in the last place of the wanted value; 0 where both are NaN, infinite where only one is.
fn error_in_ulp(format: &Format, got: f64, rounded: f64, want: Sum) -> f64 {
    if got.is_nan() && want.0.is_nan() || got == rounded && (got.is_infinite() || got == want.0 && want.1 == 0.0) {
        return 0.0;
    }
    if got.is_nan() || want.0.is_nan() || got.is_infinite() || rounded.is_infinite() {
        return f64::INFINITY;
    }
    let exponent = if want.0 == 0.0 {
        format.least_exponent
    } else {
        (want.0.abs().log2().floor() as i32).max(format.least_exponent)
    };
    let unit = f64::from(exponent - format.precision + 1);
    let difference = ((got - want.0) - want.1).abs();
    difference * (-unit / 2.0).exp2() * (-unit / 2.0).exp2()
}

/// The value wanted, and by how many units it may be wrong itself.
fn wanted(function: &Function, float: Float, arguments: &[f64]) -> (Sum, f64) {
    let plain = Sum(function.evaluate(arguments), 0.0);
    match float {
        Float::F32 => (plain, 1e-3),
        Float::F64 => reference(function, arguments).map_or((plain, 0.6), |value| (value, 1e-9)),
    }
}

fn check(function: &Function, float: Float, random: usize) {
    let columns = arguments(function, float, random);
    let count = columns[0].len();
    let format = format(float);
    let wanted: Vec<(Sum, f64)> = (0..count)
        .map(|k| wanted(function, float, &columns.iter().map(|column| column[k]).collect::<Vec<_>>()))
        .collect();
    for level in runnable_levels() {
        let got = run(function, float, level, &columns);
        let mut worst = (0.0, 0);
        for k in 0..count {
            let (want, slack) = wanted[k];
            if got[k] == 0.0 && want.0.abs() < function.flushed_below(float, level) {
                continue;
            }
            let rounded = if float == Float::F32 { f64::from(want.0 as f32) } else { want.0 };
            let error =
                error_in_ulp(&format, got[k], rounded, want) - if function.ulp == 0.0 { 0.500_001 } else { slack };
            if error > worst.0 {
                worst = (error, k);
            }
            assert!(
                signs_agree(function, got[k], want.0),
                "{}: sign of {} at {:?}",
                level.name,
                got[k],
                row(&columns, k)
            );
        }
        assert!(
            worst.0 <= function.ulp,
            "{} {float:?} at {}: {} ULP at {:?}: {:e} instead of {:e}",
            function.name,
            level.name,
            worst.0,
            row(&columns, worst.1),
            got[worst.1],
            wanted[worst.1].0.0,
        );
    }
}

fn row(columns: &[Vec<f64>], k: usize) -> Vec<f64> {
    columns.iter().map(|column| column[k]).collect()
}

/// Zeros have the sign of the reference's, but for the choice between +0 and −0 by min and max.
fn signs_agree(function: &Function, got: f64, want: f64) -> bool {
    let chosen = ["min", "max"].contains(&function.name);
    chosen || got != 0.0 || want != 0.0 || got.is_sign_negative() == want.is_sign_negative()
}

fn run(function: &Function, float: Float, level: &'static Level, columns: &[Vec<f64>]) -> Vec<f64> {
    let context = Context::create();
    let compiled = jit::compile(&context, function, level, float, 3);
    match float {
        Float::F64 => {
            let mut out = vec![0.0; columns[0].len()];
            compiled.run(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut out);
            out
        }
        Float::F32 => {
            let narrow: Vec<Vec<f32>> =
                columns.iter().map(|column| column.iter().map(|value| *value as f32).collect()).collect();
            let mut out = vec![0.0f32; columns[0].len()];
            compiled.run(&narrow.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut out);
            out.into_iter().map(f64::from).collect()
        }
    }
}

#[test]
fn float32_values_are_within_their_bounds() {
    for intrinsic in Intrinsic::ALL {
        check(&Function::from(*intrinsic), Float::F32, 200_001);
    }
}

#[test]
fn float64_values_are_within_their_bounds() {
    for intrinsic in Intrinsic::ALL {
        check(&Function::from(*intrinsic), Float::F64, 20_001);
    }
}

/// The operations that are more than an intrinsic.
fn composed_operations() -> impl Iterator<Item = Function> {
    unary_operations().into_iter().filter(|function| !function.is_intrinsic())
}

#[test]
fn operations_are_within_their_bounds_in_float32() {
    for function in composed_operations().filter(|function| function.ulp.is_finite()) {
        check(&function, Float::F32, 50_001);
    }
}

#[test]
fn operations_are_within_their_bounds_in_float64() {
    for function in composed_operations().filter(|function| function.ulp.is_finite()) {
        check(&function, Float::F64, 5_001);
    }
}

#[test]
fn every_operation_of_one_number_publishes_a_bound() {
    for function in unary_operations() {
        assert!(function.ulp > 0.0, "{} has no bound", function.name);
        let Scalar::Call(intrinsic, _) = function.body else { panic!("{} calls nothing", function.name) };
        let inherited = if function.is_intrinsic() { intrinsic.ulp() } else { function.ulp };
        assert_eq!(function.ulp, inherited, "{}", function.name);
    }
}

/// docs/ulp.md is the output of examples/ulp.rs.
#[test]
fn the_published_table_keeps_the_bounds_and_has_every_function() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ulp.md");
    let text = std::fs::read_to_string(path).expect("the table is there");
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    for function in unary_functions() {
        let rows: Vec<_> = rows.iter().filter(|row| row.len() > 4 && row[1] == function.name).collect();
        let expected = if function.ulp > 0.0 { 2 } else { 1 };
        assert!(rows.len() >= expected, "docs/ulp.md has no row of {}", function.name);
        for row in rows {
            let bound: Option<f64> = row[4].parse().ok();
            assert_eq!(bound.unwrap_or(f64::INFINITY), function.ulp, "{}", function.name);
            let Some(bound) = bound else { continue };
            let largest: f64 = row[3].parse().expect("a number");
            assert!(largest <= f64::max(bound, 0.5), "{}", function.name);
        }
    }
}

/// Code for arguments that are known not to be above 0 leaves out what keeps powers from overflowing.
#[test]
fn powers_of_nonpositive_numbers_are_the_same() {
    for intrinsic in [Intrinsic::Exp, Intrinsic::Exp2] {
        let plain = Function::from(intrinsic);
        let Scalar::Call(_, argument) = plain.body.clone() else { panic!("an intrinsic is a call") };
        let below = Scalar::Call(Intrinsic::Neg, vec![Scalar::Call(Intrinsic::Abs, argument)]);
        let known = Function { body: Scalar::Call(intrinsic, vec![below]), ..plain.clone() };
        for float in [Float::F32, Float::F64] {
            let negative: Vec<f64> = points(&plain, float, 20_000, 5).into_iter().map(|a| -a.abs()).collect();
            for level in runnable_levels() {
                let [plain, known] =
                    [&plain, &known].map(|function| run(function, float, level, std::slice::from_ref(&negative)));
                // The sign of NaN tells only how a negation was folded into other instructions.
                let bits = |value: &f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
                let bits = |values: &[f64]| values.iter().map(bits).collect::<Vec<_>>();
                assert_eq!(bits(&plain), bits(&known), "{intrinsic:?} {float:?} {}", level.name);
            }
        }
    }
}

#[test]
fn huge_angles_are_reduced_in_full() {
    for (angle, sine) in [(1e22, -0.852_200_849_767_188_8), (1.7e308, 1.7e308f64.sin()), (1e7, 1e7f64.sin())] {
        for level in runnable_levels() {
            let got = run(&Function::from(Intrinsic::Sin), Float::F64, level, &[vec![angle]])[0];
            assert!((got - sine).abs() < 2e-16, "{}: sin {angle:e} = {got}", level.name);
        }
    }
}

#[test]
fn a_power_of_nothing_is_one() {
    for level in runnable_levels() {
        for float in [Float::F32, Float::F64] {
            assert_eq!(
                run(&Function::from(Intrinsic::Exp), float, level, &[vec![0.0, -0.0]]),
                [1.0, 1.0],
                "{}",
                level.name
            );
            let integers: Vec<f64> = (-100..100).map(f64::from).collect();
            let powers: Vec<f64> = integers.iter().map(|k| k.exp2()).collect();
            assert_eq!(run(&Function::from(Intrinsic::Exp2), float, level, &[integers]), powers, "{}", level.name);
        }
    }
}
