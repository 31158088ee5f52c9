//! Files with complex inputs: what operators, functions and derivatives mean there, against complex arithmetic by hand.

use keopsc_diagnostics::Code;
use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_passes::resolve::{Options, resolve};
use keopsc_passes::{differentiate::differentiate, hoist::hoist, simplify::simplify};

const INPUTS: &str = "dtype f64; z = Vi(1, dtype=c128); v = Vi(3, dtype=c128); r = Vi(1); w = Vj(1, dtype=c128); c = Vi(1, dtype=c128)\n";

type Complex = [f64; 2];

const Z: Complex = [0.3, 0.7];
const V: [Complex; 3] = [[1.0, -2.0], [0.25, 0.5], [-3.0, 1.5]];
const R: f64 = 0.5;
const W: Complex = [-0.4, 0.2];
const C: Complex = [2.0, -1.0];

fn times([a, b]: Complex, [c, d]: Complex) -> Complex {
    [a * c - b * d, a * d + b * c]
}

fn scaled([a, b]: Complex, factor: f64) -> Complex {
    [a * factor, b * factor]
}

fn conjugate([a, b]: Complex) -> Complex {
    [a, -b]
}

fn size([a, b]: Complex) -> f64 {
    a.hypot(b)
}

/// The value of a formula for one row and one column, and whether it is complex, as written and after simplification.
fn values(formula: &str) -> [(Vec<f64>, bool); 2] {
    let (file, errors) = keopsc_grammar::parse_file(&format!("{INPUTS}out f = {formula}\n"));
    assert!(errors.is_empty(), "{formula}: {errors:?}");
    let (program, diagnostics) = resolve(&file, &Options::default());
    let program = program.unwrap_or_else(|| panic!("{formula}: {diagnostics:?}"));
    let program = differentiate(program).unwrap_or_else(|errors| panic!("{formula}: {errors:?}"));
    [program.clone(), hoist(simplify(program))].map(|program| {
        let entry = &program.entries[0];
        let input = |name: &str| match name {
            "z" => Z.to_vec(),
            "v" => V.concat(),
            "r" => vec![R],
            "w" => W.to_vec(),
            "c" => C.to_vec(),
            _ => panic!("no input is called {name}"),
        };
        let inputs: Vec<Vec<f64>> = entry.inputs.iter().map(|id| input(&program.input(*id).name)).collect();
        let found = evaluate(&program, entry, Sizes { i: 1, j: 1 }, &inputs).expect("it can be evaluated");
        (found[0].values.clone(), entry.outputs[0].is_complex)
    })
}

#[track_caller]
fn check(formula: &str, expected: &[f64], expected_complex: bool) {
    for (found, is_complex) in values(formula) {
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-13 * b.abs().max(1.0);
        let same = found.len() == expected.len() && found.iter().zip(expected).all(close);
        assert!(same && is_complex == expected_complex, "{formula} is {found:?} ({is_complex}), not {expected:?}");
    }
}

#[track_caller]
fn complex(formula: &str, expected: Complex) {
    check(formula, &expected, true);
}

#[track_caller]
fn real(formula: &str, expected: f64) {
    check(formula, &[expected], false);
}

#[track_caller]
fn refused(formula: &str, code: Code) {
    let (file, errors) = keopsc_grammar::parse_file(&format!("{INPUTS}out f = {formula}\n"));
    assert!(errors.is_empty(), "{formula}: {errors:?}");
    let codes: Vec<Code> = resolve(&file, &Options::default()).1.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [code], "{formula}");
}

#[test]
fn operators_are_those_of_complex_numbers() {
    complex("Sum[j](z * w)", times(Z, W));
    complex("Sum[j](z / w)", scaled(times(Z, conjugate(W)), 1.0 / size(W).powi(2)));
    complex("Sum[j](z - w)", [Z[0] - W[0], Z[1] - W[1]]);
    complex("Sum[j](w + 1)", [W[0] + 1.0, W[1]]);
    complex("Sum[j](2.5 * w)", scaled(W, 2.5));
    complex("Sum[j](r * w)", scaled(W, R));
    complex("Sum[j](w ** 2)", times(W, W));
    complex("Sum[j](Exp(w))", scaled([W[1].cos(), W[1].sin()], W[0].exp()));
    real("Sum[j](Abs(w))", size(W));
    real("Sum[j](ComplexImag(z * w))", times(Z, W)[1]);
}

#[test]
fn operations_of_real_numbers_take_the_real_inputs() {
    complex("Sum[j](Atan(r) * w)", scaled(W, R.atan()));
    real("Sum[j](Floor(r) + Abs(w))", size(W));
    real("Max[j](r * Abs(w))", R * size(W));
    refused("Sum[j](Atan(w))", Code::WrongNumbers);
    refused("Sum[j](Floor(z) * w)", Code::WrongNumbers);
}

/// Where an argument has to be complex, a constant is; where it may be real, it stays so.
/// Weights may be complex; what is compared, or an exponent, may not, whatever stands beside it.
#[test]
fn reductions_take_complex_numbers_where_they_only_add_them_up() {
    complex("Sum[j](w)", W);
    complex("SumSoftMaxWeight[j](r, w)", W);
    for formula in ["Max[j](w)", "LogSumExp[j](w)", "LogSumExp[j](w, w)", "LogSumExp[j](r, w)"] {
        refused(formula, Code::WrongNumbers);
    }
    for formula in ["SumSoftMaxWeight[j](w, w)", "SumSoftMaxWeight[j](w, r)", "SumSoftMaxWeight[j](z, w)"] {
        refused(formula, Code::WrongNumbers);
    }
}

#[test]
fn constants_are_complex_where_they_have_to_be() {
    complex("Sum[j](ComplexMult(w, 2))", scaled(W, 2.0));
    complex("Sum[j](ComplexMult(0.5, w))", scaled(W, 0.5));
    complex("Sum[j](IfElse(r, w, 2))", W);
    complex("Sum[j](IfElse(-r, w, 2))", [2.0, 0.0]);
    complex("Sum[j](IfElse(-1, w, z))", Z);
    real("Sum[j](Abs(w) + IfElse(-r, 1, 2))", size(W) + 2.0);
    refused("Sum[j](ComplexMult(w, r))", Code::WrongNumbers);
}

#[test]
fn elements_are_complex_numbers() {
    for (index, number) in [(0, V[0]), (1, V[1]), (2, V[2]), (-1, V[2]), (-3, V[0])] {
        complex(&format!("Sum[j](v[{index}] * w)"), times(number, W));
    }
    refused("Sum[j](v[3] * w)", Code::OutOfRange);
    refused("Sum[j](v[-4] * w)", Code::OutOfRange);
}

/// The derivatives in the real and in the imaginary part, as the parts of one number.
#[test]
fn gradients_in_complex_inputs() {
    complex("Grad(Sum[j](z * w), z, c)", times(conjugate(W), C));
    complex("Grad(Sum[j](z * w), z, 2)", scaled(conjugate(W), 2.0));
    complex("Grad(Sum[j](z * w), z, 0.5)", scaled(conjugate(W), 0.5));
    check("Grad(Sum[j](v * w), v, 3)", &[scaled(conjugate(W), 3.0); 3].concat(), true);
    check("Grad(Sum[j](v * w), v, c)", &[times(conjugate(W), C); 3].concat(), true);
    complex("Grad(Sum[j](Abs(z * w)), z, 1)", scaled(Z, size(W) / size(Z)));
    real("Grad(Sum[j](r * w), r, c)", times(conjugate(W), C)[0]);
    refused("Grad(Sum[j](z * w), z, r)", Code::WrongNumbers);
}

/// Of other derivatives neither the formula nor the variable may be complex.
#[test]
fn derivatives_of_real_formulas_in_real_inputs() {
    for formula in ["Laplacian(Abs(z * w), z)", "Laplacian(r * w, r)", "Divergence(Abs(z), z)", "Laplacian(z * w, z)"] {
        refused(&format!("Sum[j]({formula} * w)"), Code::WrongNumbers);
    }
    real("Sum[j](Laplacian(r * r * r, r) * Abs(w))", 6.0 * R * size(W));
}

#[test]
fn derivatives_in_directions() {
    complex("Diff(Sum[j](z * w), z, c)", times(W, C));
    complex("Diff(Sum[j](z * w), z, 2)", scaled(W, 2.0));
    check("Diff(Sum[j](v * w), v, 3)", &[scaled(W, 3.0); 3].concat(), true);
    complex("Diff(Sum[j](r * w), r, 3)", scaled(W, 3.0));
    real("Diff(Sum[j](Abs(z * w)), z, c)", size(W) * times(conjugate(Z), C)[0] / size(Z));
    refused("Diff(Sum[j](z * w), z, r)", Code::WrongNumbers);
    complex(
        "Diff(Sum[j](z * w * c), (z, c), (c, z))",
        times(W, [times(C, C)[0] + times(Z, Z)[0], times(C, C)[1] + times(Z, Z)[1]]),
    );
    complex("Diff(Sum[j](z * w), [z], [c])", times(W, C));
    real("Diff(Sum[j](r * r * Abs(w)), (r,), (2,))", 4.0 * R * size(W));
    real("Diff(Sum[j](Abs(z * w)), (z,), (c,))", size(W) * times(conjugate(Z), C)[0] / size(Z));
}
