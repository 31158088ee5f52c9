//! Numbers in files, and elements and slices of formulas: what they are, and which are refused.

use keopsc_diagnostics::Code;
use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::Program;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_passes::resolve::{Options, resolve};

const INPUTS: &str = "dtype f64; v = Vi(4); z = Vi(3, dtype=c128); y = Vj(1)\n";
const V: [f64; 4] = [0.5, -1.0, 3.0, 7.0];
const Z: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

fn resolved(text: &str) -> Result<Program, Vec<(Code, String)>> {
    let (file, errors) = keopsc_grammar::parse_file(&format!("{INPUTS}{text}\n"));
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let (program, diagnostics) = resolve(&file, &Options::default());
    program.ok_or_else(|| diagnostics.into_iter().map(|diagnostic| (diagnostic.code, diagnostic.message)).collect())
}

/// The value of a formula times a column's 1.
fn value(formula: &str) -> Vec<f64> {
    let program = resolved(&format!("out f = Sum[j](({formula}) * y)"));
    let program = program.unwrap_or_else(|errors| panic!("{formula}: {errors:?}"));
    let entry = &program.entries[0];
    let input = |name: &str| match name {
        "v" => V.to_vec(),
        "z" => Z.to_vec(),
        _ => vec![1.0],
    };
    let inputs: Vec<Vec<f64>> = entry.inputs.iter().map(|id| input(&program.input(*id).name)).collect();
    evaluate(&program, entry, Sizes { i: 1, j: 1 }, &inputs).expect("it can be evaluated")[0].values.clone()
}

#[track_caller]
fn refused(formula: &str, code: Code, words: &str) {
    let errors = resolved(&format!("out f = Sum[j](({formula}) * y)")).expect_err(formula);
    let [(found, message)] = errors.as_slice() else { panic!("{formula}: {errors:?}") };
    assert!(*found == code && message.contains(words), "{formula}: {message}");
}

#[test]
fn operators_on_numbers() {
    let cases = [
        ("2 + 3", 5.0),
        ("2 - 3", -1.0),
        ("-2 * 3", -6.0),
        ("2 | 3", 6.0),
        ("8 / 2", 4.0),
        ("7 / 2", 3.5),
        ("-7 / 2", -3.5),
        ("7 % 3", 1.0),
        ("-7 % 3", 2.0),
        ("7 % -3", -2.0),
        ("7.5 % 2", 1.5),
        ("-7.5 % 2", 0.5),
        ("2 ** 10", 1024.0),
        ("2 ** -1", 0.5),
        ("0 ** 0", 1.0),
        ("4 ** 0.5", 2.0),
        ("-(2.5)", -2.5),
        ("+3", 3.0),
        ("0.5 + 1", 1.5),
        ("0.5 - 1", -0.5),
        ("0.5 * 3", 1.5),
        ("0.5 / 4", 0.125),
        // Integers that are too large go on as real numbers.
        ("9223372036854775807 + 1", 9_223_372_036_854_775_808.0),
        ("-9223372036854775807 - 2", -9_223_372_036_854_775_808.0),
        ("9223372036854775807 * 2", 18_446_744_073_709_551_616.0),
        ("3 ** 41", 36_472_996_377_170_786_403.0),
    ];
    for (formula, expected) in cases {
        assert_eq!(value(formula), [expected], "{formula}");
    }
}

#[test]
fn comparisons_of_numbers() {
    let cases = [
        ("<", [1, 0, 0]),
        ("<=", [1, 1, 0]),
        (">", [0, 0, 1]),
        (">=", [0, 1, 1]),
        ("==", [0, 1, 0]),
        ("!=", [1, 0, 1]),
    ];
    for (operator, expected) in cases {
        for (left, expected) in [("1", expected[0]), ("2", expected[1]), ("3", expected[2])] {
            for right in ["2", "2.0"] {
                let formula = format!("{left} {operator} {right}");
                assert_eq!(value(&formula), [f64::from(expected)], "{formula}");
            }
        }
    }
}

/// Dimensions, parameters and indices are integers, whatever was computed on the way.
#[test]
fn integers_that_are_computed() {
    for dim in ["8 / 2", "2 ** 2", "11 % 7", "-1 * -4", "9 - 5", "+4", "- -4"] {
        assert!(resolved(&format!("w = Vj({dim}); out f = Sum[j](v * w)")).is_ok(), "{dim}");
    }
    for dim in ["7 / 2", "4.0", "8 / 2.0", "2 ** -1", "y"] {
        assert!(resolved(&format!("w = Vj({dim}); out f = Sum[j](v * w)")).is_err(), "{dim}");
    }
    assert_eq!(value("v[5 - 3]"), [V[2]]);
    assert_eq!(value("v[6 / 3:2 ** 2]"), V[2..4]);
}

#[test]
fn zeros_divide_nothing() {
    for formula in ["1 / 0", "1 % 0", "1.5 / 0", "1.5 % 0.0", "v / 0", "v % 0", "v / 0.0", "1 / (2 - 2)"] {
        refused(formula, Code::DivisionByZero, "division by the number 0");
    }
    assert_eq!(value("0 / 2"), [0.0]);
    assert_eq!(value("v / -0.5"), V.map(|number| number / -0.5));
}

#[test]
fn parameters_in_halves() {
    let at = |nu: &str| value(&format!("Matern({nu}, v[2])"));
    assert_eq!(at("5/2"), at("2.5"));
    assert_ne!(at("5/2"), at("7/2"));
    for nu in ["2.25", "y", "2"] {
        assert!(resolved(&format!("out f = Sum[j](Matern({nu}, v[2]) * y)")).is_err(), "{nu}");
    }
}

#[test]
fn the_negative_of_the_least_integer_is_a_real_number() {
    assert_eq!(value("-(-9223372036854775807 - 1) / 9223372036854775808.0 + 0 * v[0]"), [1.0]);
    assert_eq!(value("-(-9223372036854775807) / 9223372036854775807 + 0 * v[0]"), [1.0]);
}

#[test]
fn elements_and_slices() {
    for (index, number) in (0_i64..).zip(V) {
        assert_eq!(value(&format!("v[{index}]")), [number]);
        assert_eq!(value(&format!("v[{}]", index - 4)), [number]);
    }
    let slices = [
        ("0:4", 0..4),
        (":", 0..4),
        ("1:3", 1..3),
        (":2", 0..2),
        ("2:", 2..4),
        ("-2:", 2..4),
        (":-1", 0..3),
        ("-4:1", 0..1),
        ("3:4", 3..4),
    ];
    for (written, range) in slices {
        assert_eq!(value(&format!("v[{written}]")), V[range], "{written}");
    }
    let complex = [("0:3", 0..6), ("1:", 2..6), (":-1", 0..4), ("-1:", 4..6), ("1:2", 2..4)];
    for (written, range) in complex {
        assert_eq!(value(&format!("z[{written}]")), Z[range], "{written}");
    }
    for formula in ["v[4]", "v[-5]", "v[0:5]", "v[-5:]", "v[5:]", "v[:-5]", "Abs(z[0:4])", "Abs(z[3])", "Abs(z[-4:])"] {
        refused(formula, Code::OutOfRange, "there is no component");
    }
    for formula in ["v[2:2]", "v[3:1]", "v[4:]", "v[:0]", "v[:-4]", "Abs(z[3:])"] {
        refused(formula, Code::OutOfRange, "has no components");
    }
}
