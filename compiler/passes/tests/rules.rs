//! The rules of `simplify` and `hoist` one by one: two formulas of the language that become the same graph.

use keopsc_ir::formula::verify::{Stage, verify};
use keopsc_ir::formula::{NodeId, NodeKind, Program};
use keopsc_ops::{catalogue, reductions};
use keopsc_passes::resolve::{Options, resolve};
use keopsc_passes::{differentiate::differentiate, hoist::hoist, simplify::simplify};

const INPUTS: &str = "x = Vi(3); y = Vj(3); a = Vi(1); b = Vj(1); p = Pm(1); q = Pm(3)\n";

fn simplified(formula: &str) -> String {
    let (file, errors) = keopsc_grammar::parse_file(&format!("{INPUTS}out f = {formula}\n"));
    assert!(errors.is_empty(), "{formula}: {errors:?}");
    let (program, diagnostics) = resolve(&file, &Options::default());
    let program = program.unwrap_or_else(|| panic!("{formula}: {diagnostics:?}"));
    let program = hoist(simplify(differentiate(program).expect("it can be differentiated")));
    verify(&program, Stage::Differentiated).expect("it is sound");
    show(&program, program.entries[0].outputs[0].node)
}

/// A node as a formula in which the numbers of nodes do not show.
fn show(program: &Program, id: NodeId) -> String {
    let node = program.graph.node(id);
    let mut arguments: Vec<String> = node.kind.arguments().iter().map(|&argument| show(program, argument)).collect();
    match &node.kind {
        NodeKind::Input(input) => program.input(*input).name.clone(),
        NodeKind::Constant(value) => value.0.to_string(),
        NodeKind::Operation { operation, parameters, .. } => {
            let row = catalogue::operation(*operation);
            if row.commutative {
                arguments.sort();
            }
            arguments.extend(parameters.iter().map(i64::to_string));
            format!("{}({})", row.name, arguments.join(", "))
        }
        NodeKind::Reduction { reduction, over, rows, .. } => {
            format!("{}[{over} -> {rows}]({})", reductions::reduction(*reduction).name, arguments.join(", "))
        }
        NodeKind::Chosen { axis, .. } => format!("chosen[{axis}]({})", arguments.join(", ")),
        NodeKind::Gradient { .. } | NodeKind::Tangent { .. } => panic!("a request is left"),
    }
}

#[track_caller]
fn same(left: &str, right: &str) {
    assert_eq!(simplified(left), simplified(right), "\n{left}\n{right}");
}

#[track_caller]
fn different(left: &str, right: &str) {
    assert_ne!(simplified(left), simplified(right), "\n{left}\n{right}");
}

#[test]
fn constants_are_computed() {
    same("Sum[j](b * (IntCst(2) * IntCst(3)))", "Sum[j](b * 6)");
    same("a + Exp(IntCst(0))", "a + 1");
    same("a / (IntCst(2) + Sqrt(IntCst(4)))", "a / 4");
}

#[test]
fn zeros_vanish() {
    same("x + Zero(3)", "x");
    same("Zero(3) - x", "-x");
    same("x * 0", "Zero(3)");
    same("Sum[j](SqDist(x, y) * Zero(1))", "a * 0");
    same("a + MatVecMult(Zero(3), x)", "a");
    different("x + Zero(3)", "x + 1");
}

#[test]
fn operands_have_one_order() {
    same("Sum[j](a * b)", "Sum[j](b * a)");
    same("Sum[j](SqDist(x, y))", "Sum[j](SqDist(y, x))");
    different("a - p", "p - a");
}

#[test]
fn laws_of_the_catalogue() {
    same("Sum[j](Sum((x - y) * (x - y)))", "Sum[j](SqDist(x, y))");
    same("-(-x) * 1 + 0", "x");
    same("Sum[j](Exp(-SqDist(-x, -y)))", "Sum[j](Exp(-SqDist(x, y)))");
    same("a ** 1", "a");
    same("2 * (3 * a)", "6 * a");
    same("a * a", "Square(a)");
}

#[test]
fn spread_scalars() {
    same("SumT(a, 3) * x", "a * x");
    same("Sum(SumT(a, 3))", "3 * a");
    same("Exp(SumT(a, 3)) * x", "Exp(a) * x");
    same("Sum(a * x)", "a * Sum(x)");
    same("Scalprod(a * x, q)", "a * Scalprod(x, q)");
    same("Scalprod(a, x)", "a * Sum(x)");
    different("Scalprod(SumT(a, 3), SumT(p, 3))", "Scalprod(a, p)");
}

#[test]
fn factors_leave_sums() {
    same("Sum[j](a * b)", "a * Sum[j](b)");
    same("Sum[j](x * SqDist(x, y) * p)", "(x * p) * Sum[j](SqDist(x, y))");
    same("Sum[j](-SqDist(x, y))", "-Sum[j](SqDist(x, y))");
    same("Sum[j](SqDist(x, y) / a)", "(1 / a) * Sum[j](SqDist(x, y))");
    same("Sum[j](a)", "a * Sum[j](1)");
    // The difference form is kept: taking x out of it would cancel far from the origin.
    different("Sum[j](b * (x - y))", "x * Sum[j](b) - Sum[j](b * y)");
}

#[test]
fn hoisted_products() {
    same("Sum[j](Exp(-SqDist(x, y) / p))", "Sum[j](Exp((-Inv(p)) * SqDist(x, y)))");
    same("Sum[j](b * (Exp(-SqDist(x, y)) * (x - y)))", "Sum[j]((b * Exp(-SqDist(x, y))) * (x - y))");
    same("Sum[j](Exp(p * (a * SqDist(x, y))))", "Sum[j](Exp((p * a) * SqDist(x, y)))");
}

#[test]
fn components_of_vectors() {
    same("Concat(x, q)[4]", "q[1]");
    same("ElemT(a, 3, 1)[1] + ElemT(a, 3, 2)[1]", "a");
    same("(x * q)[2] - (a * x)[0]", "x[2] * q[2] - a * x[0]");
    different("Exp(x)[0]", "Exp(x[0])");
    same("Scalprod(ElemT(a, 3, 1), x)", "a * x[1]");
    same("Scalprod(ElemT(a, 1, 0), x)", "ElemT(a, 1, 0) * Sum(x)");
}

#[test]
fn derivatives_in_closed_form() {
    same("Sum[j](Laplacian(SqDist(x, y), x))", "Sum[j](IntCst(6))");
    same("Sum[j](Divergence(p * x, x))", "Sum[j](3 * p)");
    same("Sum[j](Grad(SqDist(x, y), x))", "2 * Sum[j](x - y)");
    same("Sum[j](Grad(a, x))", "Zero(3)");
    same("GradMatrix(a * x, a)", "Concat(Concat(x[0], x[1]), x[2])");
    same("Grad(a ** 3, a)", "3 * a ** 2");
    same("Diff(Square(a), a, p)", "2 * (p * a)");
}
