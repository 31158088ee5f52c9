//! Derivatives of choices: what is not taken is nothing, also where it is infinite or not defined.

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::Program;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_passes::resolve::{Options, resolve};
use keopsc_passes::{differentiate::differentiate, hoist::hoist, simplify::simplify};

/// The derivative in x of the sum over one column y, before and after simplification.
fn derivative(formula: &str, request: &str, x: &[f64], y: &[f64]) -> [Vec<f64>; 2] {
    let (m, n) = (x.len(), y.len());
    let text = format!("dtype f64; x = Vi({m}); y = Vj({n})\nout f = Sum[j]({})\n", request.replace('_', formula));
    let (file, errors) = keopsc_grammar::parse_file(&text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let (program, diagnostics) = resolve(&file, &Options::default());
    let program = program.unwrap_or_else(|| panic!("{text}: {diagnostics:?}"));
    let program = differentiate(program).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    [program.clone(), hoist(simplify(program))].map(|program| value(&program, x, y))
}

fn value(program: &Program, x: &[f64], y: &[f64]) -> Vec<f64> {
    let entry = &program.entries[0];
    let inputs: Vec<Vec<f64>> =
        entry.inputs.iter().map(|id| if program.input(*id).name == "x" { x } else { y }.to_vec()).collect();
    evaluate(program, entry, Sizes { i: 1, j: 1 }, &inputs).expect("it can be evaluated")[0].values.clone()
}

#[track_caller]
fn check(formula: &str, request: &str, x: &[f64], y: &[f64], expected: &[f64]) {
    for found in derivative(formula, request, x, y) {
        for (found, expected) in found.iter().zip(expected) {
            let close = (found - expected).abs() <= 1e-12 * expected.abs().max(1.0);
            assert!(close, "{request} of {formula} at {x:?}, {y:?} is {found}, not {expected}");
        }
    }
}

#[test]
fn branches_that_are_not_taken() {
    let cases: &[(&str, f64, f64, f64)] = &[
        // The formula, x, its first and its second derivative.
        ("IfElse(x, Sqrt(x), -x)", -1.0, -1.0, 0.0),
        ("IfElse(x, Sqrt(x), -x)", 4.0, 0.25, -0.03125),
        ("IfElse(x, x, Log(-x))", 0.0, 1.0, 0.0),
        ("IfElse(x - 1, 1 / x, x)", 0.0, 1.0, 0.0),
        ("IfElse(-x, x, Square(Log(x)) + 1 / x)", 0.0, 1.0, 0.0),
        ("IfElse(x - 1, Log(Exp(Sqrt(x)) * Sqrt(x)), x * x)", 0.0, 0.0, 2.0),
        ("IfElse(x, IfElse(x - 1, 1 / (x - 1), Log(x)), x**3)", -2.0, 12.0, -12.0),
        ("IfElse(x, IfElse(x - 1, Sqrt(x - 1), Sin(x)), Log(-x))", 0.0, 1.0, 0.0),
        ("IfElse(-x, Exp(x), 1 / x) + IfElse(x, x * x, 3)", 2000.0, 4000.0 - 0.25e-6, 2.0 + 2.5e-10),
        ("Exp(IfElse(x, Log(x), x)) * x", -1.0, 0.0, (-1.0f64).exp()),
        ("Norm2(IfElse(x, Concat(Sqrt(x), x), Concat(x, 2 * x)))", -1.0, -(5.0f64.sqrt()), 0.0),
        ("IfElse(x, Sqrt(x), x) * IfElse(x, 1 / x, x)", -3.0, -6.0, 2.0),
        ("IfElse(x - y, Norm2(Concat(Sqrt(x), x)), x * x)", -1.0, -2.0, 2.0),
        ("Minimum(Sqrt(x), 2) + x * x", -1.0, -2.0, 2.0),
        ("Maximum(x, Log(x + 1))", -2.0, 1.0, 0.0),
    ];
    for &(formula, x, first, second) in cases {
        check(formula, "Grad(_, x)", &[x], &[1.0], &[first]);
        check(formula, "Diff(_, x, 1)", &[x], &[1.0], &[first]);
        check(formula, "Grad(Grad(_, x), x)", &[x], &[1.0], &[second]);
        check(formula, "Diff(Grad(_, x), x, y)", &[x], &[1.0], &[second]);
        check(formula, "Laplacian(_, x)", &[x], &[1.0], &[second]);
        check(formula, "Divergence(_, x)", &[x], &[1.0], &[first]);
    }
}

#[test]
fn components_choose_by_themselves() {
    let formula = "Sum(IfElse(x, Sqrt(x), x * x))";
    check(formula, "Grad(_, x)", &[-1.0, 4.0, 0.25], &[1.0], &[-2.0, 0.25, 1.0]);
    check(formula, "Laplacian(_, x)", &[-1.0, 4.0, 0.25], &[1.0], &[2.0 - 0.25 / 8.0 - 0.25 * 8.0]);
    check("IfElse(x, Sqrt(x), x * x)", "Divergence(_, x)", &[-1.0, 4.0, 0.25], &[1.0], &[-2.0 + 0.25 + 1.0]);
    let scaled = "Sum(IfElse(x, Sqrt(x) * y, y * x))";
    check(scaled, "Grad(_, y)", &[-1.0, 4.0], &[2.0], &[1.0]);
    let mixed = "IfElse(x, MatVecMult(TensorProd(y, y), Sqrt(x)), MatVecMult(TensorProd(y, y), x))";
    check(mixed, "Grad(_, x, y)", &[-1.0, -2.0], &[2.0, 1.0], &[10.0, 5.0]);
}

#[test]
fn choices_between_results() {
    let formula = "IfElse(x, Log(x), -x)";
    for found in derivative(formula, "0 * y + Grad(_ * 2, x)", &[-1.0], &[3.0]) {
        assert_eq!(found, [-2.0]);
    }
}

/// Columns that are not chosen are 0 here, where the logarithm has no derivative.
#[test]
fn columns_that_are_not_chosen() {
    for (reduction, expected) in
        [("Max[j](Log(x * y))", 0.25), ("KMax[j, K=1](Log(x * y))", 0.25), ("Min[j](-Log(x * y))", -0.25)]
    {
        let text = format!("dtype f64; x = Vi(1); y = Vj(1)\nout f = Grad({reduction}, x, 1)\n");
        let (file, _) = keopsc_grammar::parse_file(&text);
        let program = resolve(&file, &Options::default()).0.expect("it is sound");
        let program = differentiate(program).expect("it can be differentiated");
        for program in [program.clone(), hoist(simplify(program))] {
            let inputs = [vec![4.0], vec![0.0, 2.0, 0.0]];
            let found =
                evaluate(&program, &program.entries[0], Sizes { i: 1, j: 3 }, &inputs).expect("it can be evaluated");
            assert_eq!(found[0].values, [expected], "{reduction}");
        }
    }
}
