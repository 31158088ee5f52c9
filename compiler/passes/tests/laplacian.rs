//! Laplacians and divergences against sums of derivatives in each direction, in the float64 interpreter, and what they cost.

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_ir::formula::verify::{Stage, verify};
use keopsc_ir::formula::{NodeKind, Program, generate::generate_inputs};
use keopsc_ir::random::Random;
use keopsc_ops::catalogue;
use keopsc_passes::resolve::{Options, resolve};
use keopsc_passes::{differentiate::differentiate, hoist::hoist, simplify::simplify};

const INPUTS: &str = "dtype f64; x = Vi(3); y = Vj(3); a = Vi(1); b = Vj(1); p = Pm(1); A = Pm(6); B = Pm(9); q = Pm(2); z = Vi(4); w = Vj(4)\n";
const SIZES: Sizes = Sizes { i: 3, j: 4 };

fn program(output: &str) -> Program {
    let program = differentiate(resolved(output)).unwrap_or_else(|errors| panic!("{output}: {errors:?}"));
    verify(&program, Stage::Differentiated).unwrap_or_else(|defects| panic!("{output}: {defects:?}"));
    program
}

fn resolved(output: &str) -> Program {
    let text = format!("{INPUTS}out f = {output}\n");
    let (file, errors) = keopsc_grammar::parse_file(&text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let (program, diagnostics) = resolve(&file, &Options::default());
    let program = program.unwrap_or_else(|| panic!("{text}: {diagnostics:?}"));
    verify(&program, Stage::Resolved).unwrap_or_else(|defects| panic!("{text}: {defects:?}"));
    program
}

fn values(program: &Program) -> Vec<f64> {
    let inputs = generate_inputs(program, &program.entries[0], SIZES, &mut Random::new(11));
    evaluate(program, &program.entries[0], SIZES, &inputs).expect("it can be evaluated")[0].values.clone()
}

/// `left` and `right` have the same values, before and after simplification. Inputs are drawn in the order in which they are declared, so
/// both have to mention the same ones.
#[track_caller]
fn assert_equal(left: &str, right: &str) {
    let (left_program, right_program) = (program(left), program(right));
    let names = |program: &Program| -> Vec<String> {
        program.entries[0].inputs.iter().map(|id| program.input(*id).name.clone()).collect()
    };
    assert_eq!(names(&left_program), names(&right_program), "{left}");
    let expected = values(&right_program);
    for found in [values(&left_program), values(&hoist(simplify(left_program)))] {
        for (found, expected) in found.iter().zip(&expected) {
            let close = (found - expected).abs() <= 1e-11 * expected.abs().max(1.0);
            assert!(close, "{left} is {found:e}, not {expected:e}");
        }
    }
}

/// Scalar formulas of x (3 components).
const SCALARS: &[&str] = &[
    "Exp(-SqDist(x, y) / p**2) * b",
    "Exp(-Norm2(x - y))",
    "Norm2(x - y)",
    "Log(1 + SqDist(x, y)) * Exp(x | y)",
    "Inv(1 + SqNorm2(x - 2 * y))",
    "Sin(x | y) * Cos(x[0]) + x[1] * x[2]",
    "WeightedSqDist(B, x, y)",
    "Exp(-WeightedSqDist(B, x, y) / 10)",
    "SqNormDiag(y, x - y)",
    "q | Tanh(MatVecMult(A, x))",
    "q | Tanh(Tanh(MatVecMult(A, x)) * MatVecMult(A, x))",
    "Scalprod(MatVecMult(B, x), x * y)",
    "Sum(Exp(x * y))",
    "Sum(Exp(x) * SqDist(x, y))",
    "Sqrt(1 + Sum(Square(x) * Square(x))) * Sum(MatVecMult(B, Sin(x)))",
    "IfElse(x[0] - y[0], SqNorm2(x)**2, Exp(x[1]))",
    "Powf(1 + SqDist(x, y), -0.5) + Atan2(x[0], 2 + x[1]**2)",
    "MatVecMult(x, y) + TensorProd(x, x)[1] + Concat(x, y)[2]**2",
    "x | y",
    "b",
];

/// Formulas of x with 3 components.
const VECTORS: &[&str] = &[
    "Exp(-SqDist(x, y) / p**2) * (x - y)",
    "x",
    "MatVecMult(B, x)",
    "MatVecMult(B, x) * Exp(-SqDist(x, y))",
    "Sin(x) * y + SqNorm2(x) * MatVecMult(B, Cos(x))",
    "Normalize(x - 3)",
    "Tanh(MatVecMult(B, x * x))",
    "y * b",
];

#[test]
fn laplacians_are_sums_of_second_derivatives() {
    for scalar in SCALARS {
        let second = |d: u32| format!("Grad(Grad({scalar}, x), x, ElemT(1, 3, {d}))[{d}]");
        let sum = format!("{} + {} + {}", second(0), second(1), second(2));
        assert_equal(&format!("Sum[j](Laplacian({scalar}, x))"), &format!("Sum[j]({sum})"));
    }
}

#[test]
fn divergences_are_sums_of_first_derivatives() {
    for vector in VECTORS {
        let first = |d: u32| format!("Grad({vector}, x, ElemT(1, 3, {d}))[{d}]");
        let sum = format!("{} + {} + {}", first(0), first(1), first(2));
        assert_equal(&format!("Sum[j](Divergence({vector}, x))"), &format!("Sum[j]({sum})"));
    }
}

#[test]
fn of_sums_and_functions_of_sums() {
    let sum = "Sum[j](Exp(-SqDist(x, y) / p**2) * b)";
    assert_equal(&format!("Laplacian({sum}, x)"), "Sum[j](Laplacian(Exp(-SqDist(x, y) / p**2) * b, x))");
    for whole in [format!("Log(1 + {sum}**2)"), "LogSumExp[j](x | y)".to_owned(), format!("a * Norm2(x) * {sum}")] {
        let second = |d: u32| format!("Grad(Grad({whole}, x, 1), x, ElemT(1, 3, {d}))[{d}]");
        let sum = format!("{} + {} + {}", second(0), second(1), second(2));
        assert_equal(&format!("Laplacian({whole}, x)"), &sum);
    }
}

/// Operations that mix components, as complex ones do, are no operations on single components.
#[test]
fn of_complex_products() {
    for scalar in
        ["Sum(ComplexMult(z, ComplexMult(z, w)))", "SqNorm2(ComplexMult(z, w)) * z[1]", "Sum(ComplexExp(z) * w)"]
    {
        let second = |d: u32| format!("Grad(Grad({scalar}, z), z, ElemT(1, 4, {d}))[{d}]");
        let sum = [0, 1, 2, 3].map(second).join(" + ");
        assert_equal(&format!("Sum[j](Laplacian({scalar}, z))"), &format!("Sum[j]({sum})"));
    }
}

#[test]
fn of_linear_operations_without_loops_over_directions() {
    for text in [
        "q | MatVecMult(A, x * x)",
        "Sum(MatVecMult(B, Exp(x)))",
        "Sum(TensorProd(y, Sin(x)))",
        "Exp(x)[1]",
        "Sum(Extract(Sin(x * y), 1, 2))",
        "(x | x) * Sum(MatVecMult(B, y))",
        "Sum(MatVecMult(B, y))",
    ] {
        assert_eq!(count(&program(&format!("Sum[j](Laplacian({text}, x))")), "ElemT"), 0, "{text}");
    }
    for text in [
        "Laplacian(Sum[j](Exp(-SqDist(x, y)) * b), x)",
        "Laplacian(Log(1 + Sum[j](Exp(-SqDist(x, y)) * b)), x)",
        "Laplacian((x | x) * LogSumExp[j](q | q), x)",
        "Laplacian(LogSumExp[j](q | q), x)",
        "Sum[j](Divergence(y, x))",
        "Sum[j](Divergence(x, x))",
    ] {
        assert_eq!(count(&program(text), "ElemT"), 0, "{text}");
    }
}

/// Products of gradients are asked for as such, and nothing is asked for that is multiplied by 0.
#[test]
fn of_functions_of_scalars_by_products_of_gradients() {
    for text in ["Exp(SqDist(x, y) * b)", "Sin(x | y)", "Exp(-SqDist(x, y)) * Cos(x | y)"] {
        let program = resolved(&format!("Sum[j](Laplacian({text}, x))"));
        let requests =
            |is_asked: fn(&NodeKind) -> bool| program.graph.nodes().filter(|(_, node)| is_asked(&node.kind)).count();
        assert_eq!(requests(|kind| matches!(kind, NodeKind::Tangent { .. })), 0, "{text}");
        assert!(requests(|kind| matches!(kind, NodeKind::Gradient { .. })) > 0, "{text}");
        let zero = |id| matches!(program.graph.node(id).kind, NodeKind::Constant(value) if value.0 == 0.0);
        let products = program.graph.nodes().filter(|(_, node)| is_named(&node.kind, "Mult"));
        let with_zero = products.filter(|(_, node)| node.kind.arguments().into_iter().any(zero));
        assert_eq!(with_zero.count(), 0, "{text}");
    }
}

#[test]
fn of_radial_formulas_without_loops_over_directions() {
    let program = hoist(simplify(program("Sum[j](Laplacian(Exp(-SqDist(x, y) / p**2), x))")));
    let count = |name: &str| count(&program, name);
    assert_eq!((count("Exp2"), count("SqDist"), count("Elem"), count("ElemT")), (1, 1, 0, 0));
}

/// The vector's derivative in one direction is enough.
#[test]
fn of_products_of_scalars_and_vectors_without_loops_over_directions() {
    for text in ["Sum(x[0] * MatVecMult(B, x))", "Sum(MatVecMult(B, x) * x[0])"] {
        let program = program(&format!("Sum[j](Laplacian({text}, x))"));
        assert_eq!(count(&program, "ElemT"), 1, "{text}");
    }
}

fn count(program: &Program, name: &str) -> usize {
    program.graph.nodes().filter(|(_, node)| is_named(&node.kind, name)).count()
}

fn is_named(kind: &NodeKind, name: &str) -> bool {
    matches!(kind, NodeKind::Operation { operation, .. } if catalogue::operation(*operation).name == name)
}

#[test]
fn traces_and_sums_of_linear_maps() {
    assert_equal("Sum[j](TraceOperator(MatVecMult(B, x) * b, x))", "Sum[j]((B[0] + B[4] + B[8] + 0 * x[0]) * b)");
    assert_equal(
        "Sum[j](TraceOperator(MatVecMult(B, x), x, y))",
        "Sum[j](B[0] * y[0] + B[4] * y[1] + B[8] * y[2] + 0 * x[0])",
    );
    assert_equal("Sum[j](TraceOperator(x | y, x, b))", "Sum[j](b * Sum(y) + 0 * x[0])");
    assert_equal("Sum[j](SumLinOperator(x * y, x))", "Sum[j](Sum(y) + 0 * x[0])");
    assert_equal("Sum[j](SumLinOperator(x | y, x))", "Sum[j](Sum(y) + 0 * x[0])");
    let matrix = "Sum[j]((q | MatVecMult(A, y)) + 0 * x[0])";
    assert_equal("Sum[j](SumLinOperator(MatVecMult(A, x), x, q, y))", matrix);
}

#[test]
fn tangents_in_several_inputs() {
    let formula = "Exp(-SqDist(x, y)) * p";
    let sum = format!("Sum[j](Diff({formula}, x, y) + Diff({formula}, p, b))");
    assert_equal(&format!("Sum[j](Diff({formula}, (x, p), (y, b)))"), &sum);
    assert_equal(&format!("Sum[j](Diff({formula}, [x, p], [y, b]))"), &sum);
}
