//! The rules of `simplify` and `hoist` one by one: two formulas of the language that become the same graph.

use keopsc_ir::formula::verify::{Stage, verify};
use keopsc_ir::formula::{NodeId, NodeKind, Program};
use keopsc_ops::{catalogue, reductions};
use keopsc_passes::resolve::{Options, resolve};
use keopsc_passes::simplify::{Switches, names, simplify, simplify_with};
use keopsc_passes::{differentiate::differentiate, hoist::hoist, pipeline};

const INPUTS: &str = "x = Vi(3); y = Vj(3); a = Vi(1); b = Vj(1); p = Pm(1); q = Pm(3)\n";

fn differentiated(formula: &str) -> Program {
    let (file, errors) = keopsc_grammar::parse_file(&format!("{INPUTS}out f = {formula}\n"));
    assert!(errors.is_empty(), "{formula}: {errors:?}");
    let (program, diagnostics) = resolve(&file, &Options::default());
    let program = program.unwrap_or_else(|| panic!("{formula}: {diagnostics:?}"));
    differentiate(program).expect("it can be differentiated")
}

fn simplified(formula: &str) -> String {
    let program = hoist(simplify(differentiated(formula)));
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
        NodeKind::Scatter { over, .. } => format!("scatter[{over}]({})", arguments.join(", ")),
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

/// Terms of compensated sums share no factor that was rounded, whatever other sums of the file do.
#[test]
fn compensated_sums_keep_their_divisions_and_exponentials() {
    let sum = "Sum[j](Exp(-SqDist(x, y) / p) * b)";
    let (file, errors) = keopsc_grammar::parse_file(&format!(
        "{INPUTS}out plain = {sum}; out kahan = {sum} numerics sum = kahan; out last = {sum} numerics sum = block\n"
    ));
    assert!(errors.is_empty(), "{errors:?}");
    let (program, diagnostics) = resolve(&file, &Options::default());
    let program = program.unwrap_or_else(|| panic!("{diagnostics:?}"));
    let program = hoist(simplify(differentiate(program).expect("it can be differentiated")));
    verify(&program, Stage::Differentiated).expect("it is sound");
    let exact: Vec<(&str, bool)> = program
        .entries
        .iter()
        .map(|entry| (entry.name.as_str(), show(&program, entry.outputs[0].node).contains("Divide(")))
        .collect();
    assert_eq!(exact, [("plain", false), ("kahan", true), ("last", false)]);
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
fn signs_of_operations() {
    same("Abs(NanIfNegative(a))", "NanIfNegative(a)");
    same("Abs(Sqrt(a))", "Sqrt(a)");
    different("Abs(Sin(a))", "Sin(a)");
}

#[test]
fn spread_scalars() {
    same("SumT(a, 3) * x", "a * x");
    same("Sum(SumT(a, 3))", "3 * a");
    same("Exp(SumT(a, 3)) * x", "Exp(a) * x");
    same("Sum(a * x)", "a * Sum(x)");
    same("Scalprod(a * x, q)", "a * Scalprod(x, q)");
    same("Scalprod(a, x)", "a * Sum(x)");
    // The scalar stands first where its input does.
    same("Sum(a * q)", "a * Sum(q)");
    same("Scalprod(a * q, x)", "a * Scalprod(q, x)");
    same("SqDist(SumT(a, 3), x)", "SqDist(a, x)");
    different("SqDist(SumT(a, 3), SumT(p, 3))", "SqDist(a, p)");
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
fn linear_operations_leave_sums() {
    same("Sum[j](TensorProd(x, y))", "TensorProd(x, Sum[j](y))");
    same("Sum[j](MatVecMult(TensorProd(x, q), y))", "MatVecMult(TensorProd(x, q), Sum[j](y))");
    same("Sum[j](ElemT(b, 5, 2))", "ElemT(Sum[j](b), 5, 2)");
    same("Sum[j](ComplexMult(Concat(a, p), Complex(b, b)))", "ComplexMult(Concat(a, p), Sum[j](Complex(b, b)))");
    // A sum of more components would take more room and time.
    different("Sum[j](Elem(y, 1))", "Elem(Sum[j](y), 1)");
    different("Sum[j](x | y)", "x | Sum[j](y)");
    different("Sum[j](TensorProd(y, x - y))", "TensorProd(Sum[j](y), Sum[j](x - y))");
}

#[test]
fn hoisted_products() {
    same("Sum[j](Exp(-SqDist(x, y) / p))", "Sum[j](Exp((-Inv(p)) * SqDist(x, y)))");
    same("Sum[j](b * (Exp(-SqDist(x, y)) * (x - y)))", "Sum[j]((b * Exp(-SqDist(x, y))) * (x - y))");
    same("Sum[j](Exp(p * (a * SqDist(x, y))))", "Sum[j](Exp((p * a) * SqDist(x, y)))");
}

/// What `hoist` makes of formulas as they are written, and what it leaves.
#[test]
fn hoisting_alone() {
    let cases = [
        // A sign goes to what is made less often, or has fewer components.
        ("Sum[j](-(a * SqDist(x, y)))", "Sum[j]((-a) * SqDist(x, y))"),
        ("Sum[j](-(SqDist(x, y) * a))", "Sum[j]((-a) * SqDist(x, y))"),
        ("Sum[j](a * (-SqDist(x, y)))", "Sum[j]((-a) * SqDist(x, y))"),
        ("Sum[j]((-SqDist(x, y)) * a)", "Sum[j]((-a) * SqDist(x, y))"),
        ("Sum[j]((-SqDist(x, y)) * (x - y))", "Sum[j]((-SqDist(x, y)) * (x - y))"),
        ("Sum[j](SqDist(x, y) * (-(x - y)))", "Sum[j]((-SqDist(x, y)) * (x - y))"),
        ("Sum[j]((-(x - y)) * SqDist(x, y))", "Sum[j]((-SqDist(x, y)) * (x - y))"),
        ("Sum[j]((-a) * SqDist(x, y))", "Sum[j]((-a) * SqDist(x, y))"),
        ("Sum[j](SqDist(x, y) * (-a))", "Sum[j](SqDist(x, y) * (-a))"),
        ("Sum[j](a * (-b))", "Sum[j](a * (-b))"),
        ("Sum[j]((-a) * b)", "Sum[j]((-a) * b)"),
        ("Sum[j](-(x * y))", "Sum[j](-(x * y))"),
        ("Sum[j]((-a) * (-SqDist(x, y)))", "Sum[j]((-a) * (-SqDist(x, y)))"),
        // Divisions are made once a row or call, but not where that saves none.
        ("Sum[j](SqDist(x, y) / a)", "Sum[j](Inv(a) * SqDist(x, y))"),
        ("Sum[j](a / SqDist(x, y))", "Sum[j](a / SqDist(x, y))"),
        ("Sum[j](SqDist(x, y) / (x | y))", "Sum[j](SqDist(x, y) / (x | y))"),
        ("a / p", "a / p"),
        // Products are made of scalars, and of what is made less often, first.
        ("Sum[j](b * (SqDist(x, y) * (x - y)))", "Sum[j]((b * SqDist(x, y)) * (x - y))"),
        ("Sum[j](((x - y) * SqDist(x, y)) * b)", "Sum[j]((b * SqDist(x, y)) * (x - y))"),
        ("Sum[j](a * (p * SqDist(x, y)))", "Sum[j]((a * p) * SqDist(x, y))"),
        ("Sum[j](SqDist(x, y) * (a * p))", "Sum[j](SqDist(x, y) * (a * p))"),
        ("Sum[j](x * (SqDist(x, y) * q))", "Sum[j]((x * q) * SqDist(x, y))"),
        ("Sum[j](x * (y * q))", "Sum[j](x * (y * q))"),
        // Exponentials of what sums components are powers of 2, those of what may be exact are not. (With a factor for many pairs: below.)
        ("Sum[j](Exp(SqDist(x, y)))", "Sum[j](Exp2(1.4426950408889634 * SqDist(x, y)))"),
        ("Sum[j](Exp(-SqDist(x, y)))", "Sum[j](Exp2((-1.4426950408889634) * SqDist(x, y)))"),
        ("Sum[j](Exp(-Norm2(x - y)))", "Sum[j](Exp2((-1.4426950408889634) * Norm2(x - y)))"),
        ("Sum[j](Exp(x - y))", "Sum[j](Exp(x - y))"),
        ("Sum[j](Exp(-(x - y)))", "Sum[j](Exp(-(x - y)))"),
        ("Sum[j](Exp((x - y)[1]))", "Sum[j](Exp((x - y)[1]))"),
        ("Sum[j](Exp(Extract(x - y, 0, 2)))", "Sum[j](Exp(Extract(x - y, 0, 2)))"),
        ("Sum[j](Exp(-Max(x - y)))", "Sum[j](Exp(-Max(x - y)))"),
        ("Sum[j](Exp(Max(x - y) * SqDist(x, y)))", "Sum[j](Exp2(1.4426950408889634 * (Max(x - y) * SqDist(x, y))))"),
        ("Sum[j](Exp(SqDist(x, y) * (x | y)))", "Sum[j](Exp2(1.4426950408889634 * (SqDist(x, y) * (x | y))))"),
        ("Sum[j](Exp(a) * b)", "Sum[j](Exp(a) * b)"),
        ("Exp(a * p)", "Exp(a * p)"),
        ("Sum[j](Exp(b * p))", "Sum[j](Exp(b * p))"),
        ("Sum[j](Sin(a * SqDist(x, y)))", "Sum[j](Sin(a * SqDist(x, y)))"),
        // Numbers are computed.
        ("a + Exp(IntCst(0))", "a + 1"),
    ];
    for (formula, expected) in cases {
        let [hoisted, expected] = [hoist(differentiated(formula)), differentiated(expected)]
            .map(|program| show(&program, program.entries[0].outputs[0].node));
        assert_eq!(hoisted, expected, "{formula}");
    }
    let exponential = |formula: &str| {
        let program = hoist(differentiated(formula));
        show(&program, program.entries[0].outputs[0].node)
    };
    for factor in ["a", "b", "p"] {
        for formula in
            [format!("Sum[j](Exp({factor} * SqDist(x, y)))"), format!("Sum[j](Exp(SqDist(x, y) * {factor}))")]
        {
            assert!(exponential(&formula).contains("Exp2("), "{formula}");
        }
    }
}

#[test]
fn components_of_vectors() {
    same("Concat(x, q)[2]", "x[2]");
    same("Concat(x, q)[3]", "q[0]");
    same("Concat(q, Concat(x, q))[5]", "x[2]");
    same("Concat(a, q)[0] + Concat(q, a)[3]", "2 * a");
    same("(a * x)[1] - (x + p)[2]", "a * x[1] - (x[2] + p)");
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

/// The rules in Rust, each with a formula that it is applied to. Laws have their own tests.
const EXAMPLES: &[(&str, &str)] = &[
    ("evaluate constants", "a * (Exp(IntCst(0)) + 1)"),
    ("drop zeros", "a + MatVecMult(Zero(3), x)"),
    ("order operands", "Sum[j](b * a)"),
    ("take component", "(x * q)[2]"),
    ("multiply by unit vector", "x | ElemT(a, 3, 1)"),
    ("drop spreads", "SumT(a, 3) * x"),
    ("spread later", "Exp(SumT(a, 3))"),
    ("sum spreads", "Sum(SumT(a, 3))"),
    ("take scalars out", "MatVecMult(Concat(x, x), a * x)"),
    ("reduce fewer rows", "a + Sum[j](b)"),
    ("take factors out of reductions", "Sum[j](a * b)"),
    ("take linear operations out of reductions", "Sum[j](TensorProd(x, y))"),
    ("distribute over differences", "Sum[j](b * (x - y)) numerics algebra = fast"),
];

#[test]
fn each_rule_is_applied_and_can_be_switched_off() {
    let rules: Vec<String> = names().into_iter().filter(|name| !name.contains("->")).collect();
    assert_eq!(rules, EXAMPLES.iter().map(|(rule, _)| *rule).collect::<Vec<_>>());
    for (rule, formula) in EXAMPLES {
        let program = differentiated(formula);
        let was_applied =
            |switches: &Switches| simplify_with(&program, switches).1.iter().any(|(name, _)| name == *rule);
        assert!(was_applied(&Switches::default()), "`{rule}` is not applied to {formula}");
        assert!(!was_applied(&Switches::without([*rule])), "`{rule}` cannot be switched off");
    }
}

#[test]
fn scalars_leave_linear_operations() {
    same("Sum[j](MatVecMult(Concat(x, q), b * y))", "Sum[j](b * MatVecMult(Concat(x, q), y))");
    same("Sum[j](MatVecMult(Concat(q, q), SumT(b, 3)))", "MatVecMult(Concat(q, q), SumT(1, 3)) * Sum[j](b)");
    same("Extract(a * x, 0, 2)", "a * Extract(x, 0, 2)");
    same("MatVecMult(TensorProd(x, q), a * x)", "a * MatVecMult(TensorProd(x, q), x)");
    // Not where the result is longer: that would take more products.
    different("TensorProd(a * x, q)", "a * TensorProd(x, q)");
}

#[test]
fn what_pays_only_sometimes_is_tried() {
    // An exponential less for each pair …
    same("Sum[j](Exp(-SqDist(x, y)) * Exp(-(x | y)))", "Sum[j](Exp(-(SqDist(x, y) + (x | y))))");
    // … but not where both are made less often than for each pair, nor where one is used elsewhere too.
    different("Sum[j](Exp(x | x) * Exp(y | y) * b)", "Sum[j](Exp((x | x) + (y | y)) * b)");
    different(
        "Sum[j](Exp(-SqDist(x, y)) * (Exp(x | y) + Exp(-SqDist(x, y))) + Exp(x | y) * Exp(-SqDist(x, y)))",
        "Sum[j](Exp(-SqDist(x, y)) * (Exp(x | y) + Exp(-SqDist(x, y))) + Exp((x | y) - SqDist(x, y)))",
    );
    // What costs as much one way as the other stays as it is written.
    different(
        "Sum[j](Exp(x | y) * Exp(SqDist(x, y)) + Exp(SqDist(x, y)))",
        "Sum[j](Exp((x | y) + SqDist(x, y)) + Exp(SqDist(x, y)))",
    );
    // Exponents that are inputs are exact, and their sum is not.
    different("Exp(a) * Exp(p)", "Exp(a + p)");
    // A common factor is gathered where that makes fewer products.
    same("a * x + a * q", "a * (x + q)");
    // The square root of a positive number is inverted at once.
    same("Sum[j](b / Sqrt(1 + SqDist(x, y)))", "Sum[j](b * Rsqrt(1 + SqDist(x, y)))");
    different("Sum[j](b / Sqrt(SqDist(x, y)))", "Sum[j](b * Rsqrt(SqDist(x, y)))");
    // A square of a difference that was multiplied out is made whole again where that is cheaper.
    same("(x | x) - 2 * (x | q) + (q | q)", "SqDist(x, q)");
}

/// A sum over all columns of what depends on them alone is the same for all rows, but not where each row has ranges of its own.
#[test]
fn calls_with_ranges_have_plans_of_their_own_where_they_need_them() {
    let has_another = |formula: &str| {
        let (file, _) = keopsc_grammar::parse_file(&format!("{INPUTS}out f = {formula}\n"));
        let output = pipeline::run(&file, &Options::default(), &mut |_, _| {}).expect("it is sound");
        output.plans[0].for_ranges().is_some()
    };
    for formula in ["Sum[j](y)", "a + Sum[j](y)", "Sum[j](x * y)", "Sum[j](a * b + 0 * b)"] {
        assert!(has_another(formula), "{formula}");
    }
    for formula in ["Sum[j](x + y)", "Sum[j](Exp(-SqDist(x, y)) * b)", "x + 0 * x", "LogSumExp[j](x | y)"] {
        assert!(!has_another(formula), "{formula}");
    }
}

/// What one reduction takes in as it is and another one as a factor, and a result that another result is made of.
#[test]
fn what_is_used_twice_is_computed_once() {
    for outputs in
        ["out s = Sum[j](Exp(x | y)); out t = Sum[j](Exp(x | y) * b)", "out s = Exp(a * Sum[j](b)); out t = Sin(s)"]
    {
        let (file, errors) = keopsc_grammar::parse_file(&format!("{INPUTS}fused f {{ {outputs} }}\n"));
        assert!(errors.is_empty(), "{errors:?}");
        let output = pipeline::run(&file, &Options::default(), &mut |_, _| {}).expect("it is sound");
        let both = output.plans.iter().find(|plan| plan.name == "f").expect("the block is there");
        let printed = keopsc_ir::plan::print::print(both);
        assert_eq!(printed.matches("exp").count(), 1, "{printed}");
    }
}

#[test]
fn powers_share_their_squares() {
    same("a ** 4", "Square(Square(a))");
    same("a ** 3 + a ** 2", "a * Square(a) + Square(a)");
    same("Powf(a, 0.5) + a ** -2", "Sqrt(a) + Inv(Square(a))");
    same("Powf(a, 3.0)", "a ** 3");
    same("Powf(a, 1.5)", "a * Sqrt(a)");
    same("Powf(a, -0.5)", "Inv(Sqrt(a))");
    same("Powf(a, IntCst(0))", "1 + 0 * a");
    different("Powf(a, 2.5)", "a ** 2 * Sqrt(a)");
    same("ComplexSpread(Concat(a, p), 1)", "Concat(a, p)");
    different("ComplexSpread(Concat(a, p), 2)", "Concat(Concat(a, p), Concat(a, p))");
}

/// Exponentials of what comes out of a rounding are joined, however it is chosen; of inputs they are not, nor where it is not looked so deep.
#[test]
fn exponentials_of_rounded_numbers_are_joined() {
    let exponentials =
        |a: &str| simplified(&format!("Sum[j](Exp({a}) * Exp(x[0] * y[0] + y[1]))")).matches("Exp").count();
    let chosen = |inner: &str, levels: usize| {
        (0..levels).fold(inner.to_string(), |inner, _| format!("Maximum({inner}, {inner} / 2)"))
    };
    assert_eq!([exponentials("x[0] * y[1]"), exponentials(&chosen("(x[0] * y[1])", 2))], [1, 1]);
    let larger = "Maximum(x[0], y[0])";
    let found = [exponentials(larger), exponentials(&chosen(larger, 2)), exponentials(&chosen(larger, 12))];
    assert_eq!(found, [2, 2, 2]);
}

#[test]
fn a_program_that_computes_nothing_keeps_its_inputs() {
    let mut program = differentiated("Sum[j](x[0] * y[0])");
    program.entries.clear();
    let found = simplify(program.clone());
    assert_eq!((found.inputs, found.scalar), (program.inputs, program.scalar));
    assert_eq!((found.graph.len(), found.entries.len()), (0, 0));
}

#[test]
fn only_what_is_asked_for_is_loose() {
    let loose = "Sum[j](b * (x - y)) numerics algebra = fast";
    assert_eq!(simplified(loose), simplified("x * Sum[j](b) - Sum[j](b * y)"));
    same("Sum[j](b * (x + y)) numerics algebra = fast", "x * Sum[j](b) + Sum[j](b * y)");
    // What is looked at before does not use up the trials.
    let many = (0..40).fold("a".to_owned(), |inside, _| format!("Sin({inside})"));
    let sums = (1..=40).map(|number| format!("Sum[j](Sin({number} * (a * b)))")).collect::<Vec<_>>().join(" + ");
    for others in [many, sums] {
        let found = simplified(&format!("({others}) * Sum[j](b * (x - y)) numerics algebra = fast"));
        assert_eq!(found.matches("Subtract(x, y)").count(), 0, "{found}");
    }
    different("Sum[j](b * (x - y))", loose);
    different("Sqrt(a) * Sqrt(p)", "Sqrt(a * p)");
    same("Sqrt(a) * Sqrt(p) numerics algebra = fast", "Sqrt(a * p)");
    same("a / p / (1 + p ** 2) numerics algebra = fast", "a / (p * (1 + p ** 2))");
}

#[test]
fn entries_keep_their_own_algebra() {
    let text = format!(
        "{INPUTS}out f = Sum[j](b * (x - y))\nout g = Sum[j](b * (x - y)) numerics algebra = fast\nout h = Sum[j](b * (x - y))\n"
    );
    let (file, _) = keopsc_grammar::parse_file(&text);
    let program = simplify(resolve(&file, &Options::default()).0.expect("it is sound"));
    verify(&program, Stage::Differentiated).expect("it is sound");
    let names: Vec<&str> = program.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["f", "g", "h"]);
    let shown: Vec<String> = program.entries.iter().map(|entry| show(&program, entry.outputs[0].node)).collect();
    assert_eq!(shown[0], shown[2]);
    assert_ne!(shown[0], shown[1]);
}

#[test]
fn early_laws_give_the_derivative_that_is_meant() {
    // Sqrt's derivative at 0 is taken as 0, so that of its square would be 0 at coincident points instead of the limit.
    let text = format!("{INPUTS}out g = Sum[j](Grad(Square(Norm2(x - y)), x))\n");
    let (file, _) = keopsc_grammar::parse_file(&text);
    let mut printed = String::new();
    pipeline::run(&file, &Options::default(), &mut |pass, graph| {
        if pass == "differentiate" {
            printed = graph.to_string();
        }
    })
    .expect("it is sound");
    assert!(!printed.contains("Sqrt") && !printed.contains("Rsqrt"), "{printed}");
}

/// What the pipeline prints, comment lines included, is read back.
#[test]
fn printed_graphs_and_plans_read_back() {
    let text = format!("{INPUTS}out f = Sum[j](Exp(-SqDist(x, y) / p**2) * b)\nout g = Grad(f, x)\n");
    let (file, _) = keopsc_grammar::parse_file(&text);
    let mut printed = Vec::new();
    let output = pipeline::run(&file, &Options::default(), &mut |pass, stage| printed.push((pass, stage.to_string())));
    let output = output.expect("it is sound");
    for (pass, text) in &printed {
        match *pass {
            "plan" => {
                let plans = keopsc_ir::plan::parse::parse_all(text).expect("plans can be read");
                assert!(plans.iter().eq(output.plans.iter().map(|plan| &**plan)));
                assert_eq!(text.matches("# as planned: per pair").count(), 2);
            }
            "hoist" => assert_eq!(keopsc_ir::formula::parse::parse(text).as_ref(), Ok(&output.program)),
            "simplify" => assert!(text.starts_with("# ") && keopsc_ir::formula::parse::parse(text).is_ok(), "{text}"),
            _ => assert!(keopsc_ir::formula::parse::parse(text).is_ok(), "{pass}: {text}"),
        }
    }
}
