//! What files mean before anything is done to their formulas: which indices results have, what inputs are called, and how much is read.

use keopsc_diagnostics::{Code, Diagnostic};
use keopsc_grammar::syntax::{File, StatementKind};
use keopsc_ir::formula::Program;
use keopsc_ir::types::{Role, ScalarType};
use keopsc_passes::resolve::{Options, resolve};

const INPUTS: &str = "x = Vi(3); y = Vj(3); a = Vi(1); b = Vj(1); p = Pm(1)\n";

fn parsed(text: &str) -> File {
    let (file, errors) = keopsc_grammar::parse_file(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    file
}

fn resolved(statements: &str) -> Result<Program, Vec<Diagnostic>> {
    let (program, diagnostics) = resolve(&parsed(&format!("{INPUTS}{statements}\n")), &Options::default());
    program.ok_or(diagnostics)
}

fn sound(statements: &str) -> Program {
    resolved(statements).unwrap_or_else(|errors| panic!("{statements}: {errors:?}"))
}

#[track_caller]
fn refused(statements: &str, code: Code) {
    let errors = resolved(statements).expect_err(statements);
    assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), [code], "{statements}: {errors:?}");
}

/// A reduction has a result for each of the other index, unless that was reduced inside.
#[test]
fn rows_of_reductions() {
    let cases = [
        ("Sum[j](a * b)", Role::I),
        ("Sum[i](a * b)", Role::J),
        ("Sum[j](b)", Role::I),
        ("Sum[i](b)", Role::J),
        ("Sum[i](Sum[j](a * b))", Role::Parameter),
        ("Sum[j](Sum[i](a * b))", Role::Parameter),
        ("Sum[j](Sum[j](a * b) * b)", Role::I),
        ("Sum[i](Sum[j](Sum[j](a * b) * b))", Role::Parameter),
        ("Sum[i](Sum[i](a * b) * a)", Role::J),
        ("Sum[i](Sum[j](a * b) * b)", Role::J),
        ("Sum[j](Sum[i](a * b) * a)", Role::I),
        ("Sum[j](Sum[i](Sum[j](a * b)) * p)", Role::Parameter),
        ("Sum[i](ScatterSum[i](a, ArgMin[j](SqDist(x, y))) * a)", Role::J),
        ("Sum[j](ScatterSum[i](a, ArgMin[j](SqDist(x, y))))", Role::Parameter),
        ("Sum[i](Grad(Sum[j](a * b), a, p))", Role::Parameter),
        ("Sum[j](Grad(Sum[i](a * b), b, p))", Role::Parameter),
        ("Sum[j](Grad(Sum[i](Sum[j](a * b)), p, 1) + 0 * b)", Role::Parameter),
        ("Sum[i](Grad(Sum[i](Sum[j](a * b * p)), p, 1))", Role::Parameter),
        ("Sum[j](Grad(Sum[i](Sum[j](a * b * p)), p, 1))", Role::Parameter),
        ("Sum[i](Grad(a ** 2, a))", Role::J),
        ("Sum[j](Grad(Sum[j](a * b), b, 1))", Role::Parameter),
    ];
    for (formula, rows) in cases {
        let program = sound(&format!("out f = {formula}"));
        let output = &program.entries[0].outputs[0];
        assert_eq!((output.rows, program.graph.node(output.node).role), (rows, rows), "{formula}");
    }
}

/// Only where a result is nothing but the gradient of a reduction do gradients of batch elements add up.
#[test]
fn results_that_are_gradients() {
    let cases = [
        ("Grad(Sum[j](a * b), a)", Some("a")),
        ("Grad(Sum[j](a * b), b)", Some("b")),
        ("Grad(Sum[j](a * b * p), p)", Some("p")),
        ("Grad(Exp(Sum[j](a * b)), a)", Some("a")),
        ("2 * Grad(Sum[j](a * b), a)", None),
        ("Grad(a ** 3, a)", None),
        ("Sum[j](Grad(a * b, a))", None),
        ("Sum[j](a * b)", None),
    ];
    for (formula, input) in cases {
        let program = sound(&format!("out f = {formula}"));
        let found = program.entries[0].outputs[0].gradient_of.map(|id| program.input(id).name.as_str());
        assert_eq!(found, input, "{formula}");
    }
}

/// An input that is declared where it is used is called by its position, unless something else is.
#[test]
fn names_of_inputs_without_names() {
    let names = |text: &str| -> Vec<String> {
        let (program, diagnostics) = resolve(&parsed(text), &Options::default());
        let program = program.unwrap_or_else(|| panic!("{text}: {diagnostics:?}"));
        program.inputs.into_iter().map(|input| input.name).collect()
    };
    assert_eq!(names("out f = Sum[j](Vi(0, 3) * Vj(1, 3))"), ["v0", "v1"]);
    assert_eq!(names("v0 = Vi(1, 3)\nout f = Sum[j](Vj(0, 3) * v0)"), ["v0", "v0_"]);
    assert_eq!(names("x = Vi(1, 3)\nv0 = 2 * x\nout f = Sum[j](Vj(0, 3) * v0)"), ["x", "v0_"]);
    assert_eq!(names("x = Vi(1, 3)\nv0_ = 2 * x\nv0 = 3 * x\nout f = Sum[j](Vj(0, 3) * v0 * v0_)"), ["x", "v0__"]);
}

/// Of a value-and-index pair the values are differentiated, and the numbers are those of rows.
#[test]
fn pairs_of_values_and_numbers() {
    let printed = |formula: &str| keopsc_ir::formula::print::print(&sound(&format!("out f = {formula}")));
    for (pair, single) in [
        ("Grad(MinArgMin[j](SqDist(x, y)), x)", "Grad(Min[j](SqDist(x, y)), x)"),
        ("Diff(MaxArgMax[j](SqDist(x, y)), x)", "Diff(Max[j](SqDist(x, y)), x)"),
    ] {
        let reductions = |text: &str| text.matches("gradient(").count() + text.matches("tangent(").count();
        assert_eq!(reductions(&printed(pair)), reductions(&printed(single)), "{pair}");
    }
    assert!(printed("ScatterSum[i](x, MinArgMin[j](SqDist(x, y)))").contains("scatter[i]"));
    refused("out f = ScatterSum[i](x, Min[j](SqDist(x, y)))", Code::WrongRole);
    refused("out f = ScatterSum[j](y, ArgMin[j](SqDist(x, y)))", Code::WrongRole);
    refused("out f = ScatterSum[i](x, ArgMin[j](Sum[i](a * b)))", Code::WrongRole);
}

#[test]
fn strings_of_reductions_have_so_many_arguments() {
    for sound_form in [
        "Sum_Reduction(a * b, 0)",
        "Sum_Reduction(a * b, 1)",
        "LogSumExp_Reduction(a * b, 0)",
        "LogSumExp_Reduction(a * b, 0, b)",
    ] {
        sound(&format!("out f = {sound_form}"));
    }
    for form in [
        "Sum_Reduction(a * b)",
        "Sum_Reduction(a * b, 0, b)",
        "LogSumExp_Reduction(a * b, 0, b, b)",
        "KMin_Reduction(a * b, 2)",
    ] {
        refused(&format!("out f = {form}"), Code::ArgumentCount);
    }
}

/// What is called by a name whose definition is wrong is not wrong once more, nor is what comes after very many mistakes read.
#[test]
fn mistakes_are_told_once_and_are_bounded_in_number() {
    refused("broken = Nonsense(x)\nout f = Sum[j](broken(x) * b)", Code::UnknownFunction);
    refused("broken = Nonsense(x)\nout f = Sum[j](broken * b)", Code::UnknownFunction);
    let count = |mistakes: usize| {
        let lines: String =
            (0..mistakes).map(|number| format!("out f{number} = Sum[j](unknown{number} * b)\n")).collect();
        resolved(&lines).expect_err("there are mistakes").len()
    };
    assert_eq!([count(1), count(199), count(200), count(201), count(1000)], [1, 199, 200, 200, 200]);
}

#[test]
fn other_storage_types_are_of_the_same_kind_of_numbers() {
    let codes = |text: &str, dtype: ScalarType| {
        let options = Options { dtype: Some(dtype), ..Options::default() };
        let (program, diagnostics) = resolve(&parsed(text), &options);
        let codes: Vec<Code> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        (program.and_then(|program| program.scalar), codes)
    };
    let real = "dtype f32; x = Vi(3); y = Vj(3)\nout f = Sum[j](x * y)";
    let complex = "dtype c64; x = Vi(3); y = Vj(3)\nout f = Sum[j](x * y)";
    assert_eq!(codes(real, ScalarType::F64), (Some(ScalarType::F64), vec![]));
    assert_eq!(codes(complex, ScalarType::C128), (Some(ScalarType::F64), vec![]));
    assert_eq!(codes(real, ScalarType::C64), (None, vec![Code::WrongNumbers]));
    assert_eq!(codes(complex, ScalarType::F64), (None, vec![Code::WrongNumbers]));
}

/// Trees that were not made by the loader may name files that are not there.
#[test]
fn files_that_were_not_read_are_missed() {
    let mut file = parsed("use kernels\nx = Vi(3)\nout f = Sum[i](x)");
    for number in [None, Some(0), Some(7)] {
        for statement in &mut file.statements {
            if let StatementKind::Use { file, .. } = &mut statement.kind {
                *file = number;
            }
        }
        let (program, diagnostics) = resolve(&file, &Options::default());
        assert!(program.is_none());
        assert_eq!(diagnostics.iter().map(|error| error.code).collect::<Vec<_>>(), [Code::CannotRead], "{number:?}");
    }
}
