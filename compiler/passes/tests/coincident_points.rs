//! Derivatives at x = y of functions of the distance, where the distance itself has none.

use std::f64::consts::PI;

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_ir::formula::{NodeKind, Program};
use keopsc_ops::catalogue;
use keopsc_passes::resolve::{Options, resolve};
use keopsc_passes::{differentiate::differentiate, hoist::hoist, simplify::simplify};

fn resolved(inputs: &str, formula: &str) -> Program {
    let (file, errors) = keopsc_grammar::parse_file(&format!("dtype f64\n{inputs}\nout f = {formula}\n"));
    assert!(errors.is_empty(), "{formula}: {errors:?}");
    let (program, diagnostics) = resolve(&file, &Options::default());
    program.unwrap_or_else(|| panic!("{formula}: {diagnostics:?}"))
}

/// The value at one pair of points.
fn value(inputs: &str, formula: &str, points: &[&[f64]]) -> Vec<f64> {
    let program = differentiate(resolved(inputs, formula)).expect("it can be differentiated");
    let program = hoist(simplify(program));
    let values: Vec<Vec<f64>> = points.iter().map(|point| point.to_vec()).collect();
    let outputs = evaluate(&program, &program.entries[0], Sizes { i: 1, j: 1 }, &values);
    outputs.expect("it can be evaluated")[0].values.clone()
}

#[track_caller]
fn assert_close(what: &str, given: &[f64], expected: &[f64]) {
    assert_eq!(given.len(), expected.len(), "{what}");
    let close = given.iter().zip(expected).all(|(given, expected)| (given - expected).abs() <= 1e-13);
    assert!(close, "{what} is {given:?}, not {expected:?}");
}

/// Functions `1 + a d² + b d⁴ + …` of the distance d, with a and b.
const KERNELS: &[(&str, f64, f64)] = &[
    ("Matern(2.5, Norm2(x - y))", -5.0 / 6.0, 25.0 / 24.0),
    ("Matern(7/2, Norm2(x - y))", -0.7, 49.0 / 120.0),
    ("Matern(15/2, Norm2(x - y))", -7.5 / 13.0, 225.0 / 1144.0),
    ("Matern(nu=3.5, d=Norm2(x - y) / 2)", -0.7 / 4.0, 49.0 / 120.0 / 16.0),
    ("Matern(3.5, -2 * (Norm2(x - y) / 4))", -0.7 / 4.0, 49.0 / 120.0 / 16.0),
    ("Matern(3.5, Sqrt(SqDist(x, y)))", -0.7, 49.0 / 120.0),
    ("Matern(3.5, SqDist(x, y)**0.5)", -0.7, 49.0 / 120.0),
    ("Matern(3.5, Sqrt(SqDist(x, y) / 4))", -0.7 / 4.0, 49.0 / 120.0 / 16.0),
    ("Matern(3.5, Sqrt(Sum((x - y) * (x - y))))", -0.7, 49.0 / 120.0),
    ("MaternOfSquare(3.5, SqDist(x, y))", -0.7, 49.0 / 120.0),
    ("Exp(-Norm2(x - y)**2)", -1.0, 0.5),
    ("Exp(-(Norm2(x - y) * Norm2(x - y)))", -1.0, 0.5),
    ("BesselJ0(Norm2(x - y))", -0.25, 1.0 / 64.0),
    ("BesselJ0(Norm2(x - y) / 2)", -0.0625, 1.0 / 1024.0),
    ("SinXDivX(Norm2(x - y))", -1.0 / 6.0, 1.0 / 120.0),
    ("Sinc(Norm2(x - y))", -PI * PI / 6.0, PI * PI * PI * PI / 120.0),
];

#[test]
fn derivatives_of_radial_functions() {
    let inputs = "x = Vi(3); y = Vj(3)";
    let point: &[f64] = &[0.3, -1.2, 0.7];
    for &(kernel, a, b) in KERNELS {
        let at = |formula: &str| value(inputs, formula, &[point, point]);
        assert_close(kernel, &at(&format!("Sum[j]({kernel})")), &[1.0]);
        assert_close(kernel, &at(&format!("Sum[j](Grad({kernel}, x))")), &[0.0; 3]);
        // The Hessian is 2a times the identity, and ΔΔ d⁴ = 8 D (D + 2).
        let hessian = [2.0 * a, 0.0, 0.0, 0.0, 2.0 * a, 0.0, 0.0, 0.0, 2.0 * a];
        assert_close(kernel, &at(&format!("Sum[j](GradMatrix(Grad({kernel}, x), x))")), &hessian);
        let mixed = hessian.map(|component: f64| -component);
        assert_close(kernel, &at(&format!("Sum[j](GradMatrix(Grad({kernel}, x), y))")), &mixed);
        let bilaplacian = at(&format!("Sum[j](Laplacian(Laplacian({kernel}, x), x))"));
        assert!((bilaplacian[0] - 120.0 * b).abs() < 1e-11, "{kernel}: {bilaplacian:?}");
    }
}

/// Derivatives that do not exist at 0 are taken as 0, those below them are right.
#[test]
fn rough_correlations() {
    let at = |formula: &str| value("x = Vi(2); y = Vj(2)", formula, &[&[0.5, 0.25], &[0.5, 0.25]]);
    assert_close("Matern(1/2)", &at("Sum[j](Grad(Matern(1/2, Norm2(x - y)), x))"), &[0.0; 2]);
    let hessian = at("Sum[j](GradMatrix(Grad(Matern(3/2, Norm2(x - y)), x), x))");
    assert_close("Matern(3/2)", &hessian, &[-3.0, 0.0, 0.0, -3.0]);
}

#[test]
fn derivatives_on_the_line() {
    let at = |formula: &str| value("x = Vi(1); y = Vj(1)", formula, &[&[0.5], &[0.5]]);
    assert_close("Abs", &at("Sum[j](Grad(Grad(Matern(2.5, Abs(x - y)), x), x))"), &[-5.0 / 3.0]);
    assert_close("difference", &at("Sum[j](Grad(Grad(Matern(2.5, x - y), x), x))"), &[-5.0 / 3.0]);
    assert_close("Hypot", &at("Sum[j](Grad(Grad(Square(Hypot(x - y, x - y)), x), x))"), &[4.0]);
    // J0''' = (3 J1 - J3) / 4 and so on: odd derivatives vanish at 0, the sixth is -5/16.
    let sixth = "Grad(Grad(Grad(Grad(Grad(Grad(BesselJ0(x - y), x), x), x), x), x), x)";
    assert_close("J0", &at(&format!("Sum[j]({sixth})")), &[-5.0 / 16.0]);
    let fourth = "Grad(Grad(Grad(Grad(SinXDivX(x - y), x), x), x), x)";
    assert_close("SinXDivX", &at(&format!("Sum[j]({fourth})")), &[0.2]);
}

/// The weights may be negative for all that is known; Hessians are right all the same, and values below 0 stay NaN.
#[test]
fn weighted_distances() {
    let at = |formula: &str, weights: &[f64]| {
        let inputs = "x = Vi(2); y = Vj(2); s = Pm(2)";
        value(inputs, formula, &[&[0.5, 0.25], &[0.5, 0.25], weights])
    };
    let kernel = "Matern(2.5, Sqrt(WeightedSqDist(s, x, y)))";
    let hessian = at(&format!("Sum[j](GradMatrix(Grad({kernel}, x), x))"), &[2.0, 3.0]);
    assert_close(kernel, &hessian, &[-10.0 / 3.0, 0.0, 0.0, -5.0]);
    assert!(at("Sum[j](Square(Sqrt(s[0] + SqDist(x, y))))", &[-1.0, 0.0])[0].is_nan());
    assert_close("square", &at("Sum[j](Square(Sqrt(s[0] + SqDist(x, y))))", &[4.0, 0.0]), &[4.0]);
}

/// What is known not to be negative needs no check.
#[test]
fn squares_of_roots() {
    let checks = |formula: &str| {
        let program = resolved("x = Vi(3); y = Vj(3); p = Pm(1)", formula);
        let is_check = |kind: &NodeKind| matches!(kind, NodeKind::Operation { operation, .. } if catalogue::operation(*operation).name == "NanIfNegative");
        program.graph.nodes().filter(|(_, node)| is_check(&node.kind)).count()
    };
    for formula in ["SqDist(x, y) / 4", "SqNorm2(x) + Exp(p)", "Abs(p) * SqDist(x, y)", "Sum((x - y) * (x - y))", "2"] {
        assert_eq!(checks(&format!("Sum[j](Square(Sqrt({formula})))")), 0, "{formula}");
    }
    for formula in ["p", "x | y", "SqDist(x, y) - 1", "p * SqDist(x, y)", "-1"] {
        assert_eq!(checks(&format!("Sum[j](Square(Sqrt({formula})))")), 1, "{formula}");
    }
}

/// What looks into a formula for roots does not look far: squares of squares of … products share their factors.
#[test]
fn deep_products_take_no_time() {
    let products: String = (1..60).map(|n| format!("x{n} = x{0} * x{0}\n", n - 1)).collect();
    value(&format!("x0 = Vi(1); y = Vj(1)\n{products}"), "Sum[j](y * Square(x59))", &[&[1.0], &[1.0]]);
}
