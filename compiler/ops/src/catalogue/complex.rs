//! Complex numbers: a vector of `n` of them has `2*n` components, re and im of each in turn.
//!
//! Derivatives are those of the pairs of real numbers: the cotangent of a holomorphic function `h` is `e * Conj(h')`. In recipes
//! `k / 2 * 2` is where the number that component `k` belongs to begins.

use super::{Law, Operation, Value, Written};

/// The parts of the number that component `k` belongs to.
macro_rules! re {
    () => {
        "f[k / 2 * 2]"
    };
}
macro_rules! im {
    () => {
        "f[k / 2 * 2 + 1]"
    };
}

/// The larger part without its sign, and the smaller one divided by it (0 for the number 0).
macro_rules! larger {
    () => {
        concat!("max(abs(", re!(), "), abs(", im!(), "))")
    };
}
macro_rules! ratio {
    () => {
        concat!("select(", larger!(), " == 0, 0, min(abs(", re!(), "), abs(", im!(), ")) / ", larger!(), ")")
    };
}

/// The larger part of the square root, from the absolute value without overflow.
macro_rules! root {
    () => {
        concat!("sqrt(0.5 * (", larger!(), " * sqrt(1 + ", ratio!(), " * ", ratio!(), ") + abs(", re!(), ")))")
    };
}

const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);
const POSITIVE: (f64, f64) = (0.5, 2.0);

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "Complex",
        aliases: &["complex"],
        signature: "Complex(f: n, g: n) -> 2*n",
        value: Value::Recipe("choose(k % 2 == 0, f[k / 2], g[k / 2])"),
        gradient: &[("f", "ComplexReal(e)"), ("g", "ComplexImag(e)")],
        complex: &[("r r -> z", "")],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The complex numbers with real parts `f` and imaginary parts `g`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexReal",
        aliases: &["real"],
        signature: "ComplexReal(f: 2*n) -> n",
        value: Value::Recipe("f[2 * k]"),
        gradient: &[("f", "Real2Complex(e)")],
        laws: &[
            Law::exact("ComplexReal(Complex(a, b))", "a"),
            Law::exact("ComplexReal(Real2Complex(a))", "a"),
            Law::exact("ComplexReal(Imag2Complex(a))", "0"),
            Law::exact("ComplexReal(Conj(a))", "ComplexReal(a)"),
        ],
        linear_in: &["f"],
        complex: &[("z -> r", "")],
        domain: &[AROUND_ZERO],
        doc: "The real parts.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexImag",
        aliases: &["imag"],
        signature: "ComplexImag(f: 2*n) -> n",
        value: Value::Recipe("f[2 * k + 1]"),
        gradient: &[("f", "Imag2Complex(e)")],
        laws: &[
            Law::exact("ComplexImag(Complex(a, b))", "b"),
            Law::exact("ComplexImag(Imag2Complex(a))", "a"),
            Law::exact("ComplexImag(Real2Complex(a))", "0"),
            Law::exact("ComplexImag(Conj(a))", "-ComplexImag(a)"),
        ],
        linear_in: &["f"],
        complex: &[("z -> r", "")],
        domain: &[AROUND_ZERO],
        doc: "The imaginary parts.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Real2Complex",
        aliases: &["real2complex"],
        signature: "Real2Complex(f: n) -> 2*n",
        value: Value::Recipe("choose(k % 2 == 0, f[k / 2], 0)"),
        gradient: &[("f", "ComplexReal(e)")],
        linear_in: &["f"],
        complex: &[("r -> z", "")],
        domain: &[AROUND_ZERO],
        doc: "The complex numbers with real parts `f` and imaginary parts 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Imag2Complex",
        aliases: &["imag2complex"],
        signature: "Imag2Complex(f: n) -> 2*n",
        value: Value::Recipe("choose(k % 2 == 0, 0, f[k / 2])"),
        gradient: &[("f", "ComplexImag(e)")],
        linear_in: &["f"],
        complex: &[("r -> z", "")],
        domain: &[AROUND_ZERO],
        doc: "The complex numbers with real parts 0 and imaginary parts `f`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Conj",
        aliases: &["conj"],
        signature: "Conj(f: 2*n) -> 2*n",
        value: Value::Recipe("choose(k % 2 == 0, f[k], -f[k])"),
        gradient: &[("f", "Conj(e)")],
        laws: &[Law::exact("Conj(Conj(a))", "a"), Law::exact("Conj(Real2Complex(a))", "Real2Complex(a)")],
        linear_in: &["f"],
        complex: &[("z -> z", "")],
        domain: &[AROUND_ZERO],
        doc: "The complex conjugates.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexSquareAbs",
        signature: "ComplexSquareAbs(f: 2*n) -> n",
        value: Value::Recipe("f[2 * k] * f[2 * k] + f[2 * k + 1] * f[2 * k + 1]"),
        gradient: &[("f", "2 * RealTimesComplex(e, f)")],
        laws: &[Law::exact("ComplexSquareAbs(Conj(a))", "ComplexSquareAbs(a)")],
        complex: &[("z -> r", "")],
        domain: &[AROUND_ZERO],
        doc: "The squared absolute values.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexAbs",
        signature: "ComplexAbs(f: 2*n) -> n",
        value: Value::Expansion(&[("", "Sqrt(ComplexSquareAbs(f))")]),
        complex: &[("z -> r", "")],
        domain: &[POSITIVE],
        doc: "The absolute values; the derivative at 0 is taken as 0. Infinite where the square is.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexAngle",
        aliases: &["angle"],
        signature: "ComplexAngle(f: 2*n) -> n",
        value: Value::Expansion(&[("", "Atan2(ComplexImag(f), ComplexReal(f))")]),
        complex: &[("z -> r", "")],
        domain: &[POSITIVE],
        doc: "The angles in radians, from -pi to pi; 0 at 0, with derivative NaN there.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexSum",
        signature: "ComplexSum(f: 2*n) -> 2",
        value: Value::Recipe("sum(q < n, f[2 * q + k])"),
        gradient: &[("f", "ComplexSpread(e, n)")],
        linear_in: &["f"],
        complex: &[("z -> z", "")],
        domain: &[AROUND_ZERO],
        doc: "The sum of the complex numbers.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexSpread",
        signature: "ComplexSpread(f: 2, n: int(1)) -> 2*n",
        value: Value::Recipe("f[k % 2]"),
        gradient: &[("f", "ComplexSum(e)")],
        laws: &[Law::exact("ComplexSpread(a, 1)", "a")],
        linear_in: &["f"],
        complex: &[("z -> z", "")],
        domain: &[AROUND_ZERO],
        doc: "The complex number `f`, `n` times.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexSumT",
        signature: "ComplexSumT(f: 2, d: int(2)) -> d",
        value: Value::Expansion(&[("d % 2 == 0", "ComplexSpread(f, d / 2)")]),
        complex: &[("z -> z", "")],
        domain: &[AROUND_ZERO],
        doc: "The complex number `f` as often as fits into `d` components, which have to be even in number.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexAdd",
        signature: "ComplexAdd(f: 2*n|2, g: 2*n|2) -> 2*n",
        value: Value::Recipe("f[k] + g[k]"),
        gradient: &[("f", "e"), ("g", "e")],
        commutative: true,
        complex: &[("z z -> z", "")],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The sums of complex numbers; a single one is added to all.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexSubtract",
        signature: "ComplexSubtract(f: 2*n|2, g: 2*n|2) -> 2*n",
        value: Value::Recipe("f[k] - g[k]"),
        gradient: &[("f", "e"), ("g", "-e")],
        complex: &[("z z -> z", "")],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The differences of complex numbers; a single one stands for all.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexMult",
        signature: "ComplexMult(f: 2*n|2, g: 2*n|2) -> 2*n",
        value: Value::Recipe(
            "choose(k % 2 == 0, f[k / 2 * 2] * g[k / 2 * 2] - f[k / 2 * 2 + 1] * g[k / 2 * 2 + 1], \
             f[k / 2 * 2] * g[k / 2 * 2 + 1] + f[k / 2 * 2 + 1] * g[k / 2 * 2])",
        ),
        gradient: &[("f", "ComplexMult(e, Conj(g))"), ("g", "ComplexMult(e, Conj(f))")],
        commutative: true,
        linear_in: &["f", "g"],
        complex: &[("z z -> z", "")],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The products of complex numbers; a single one multiplies all.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexDivide",
        signature: "ComplexDivide(f: 2*n|2, g: 2*n|2) -> 2*n",
        // The divisor is scaled to parts of at most 1, so that its square neither overflows nor vanishes.
        value: Value::Recipe(
            "where(choose(k % 2 == 0, f[k / 2 * 2] * re + f[k / 2 * 2 + 1] * im, f[k / 2 * 2 + 1] * re - f[k / 2 * 2] * im) \
             / (g[k / 2 * 2] * re + g[k / 2 * 2 + 1] * im), \
             size = abs(g[k / 2 * 2]) + abs(g[k / 2 * 2 + 1]), re = g[k / 2 * 2] / size, im = g[k / 2 * 2 + 1] / size)",
        ),
        gradient: &[("f", "ComplexDivide(e, Conj(g))"), ("g", "-ComplexMult(e, Conj(ComplexDivide(out, g)))")],
        linear_in: &["f"],
        complex: &[("z z -> z", "")],
        domain: &[AROUND_ZERO, POSITIVE],
        doc: "The quotients of complex numbers; a single one stands for all; NaN where `g` is 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "RealTimesComplex",
        signature: "RealTimesComplex(f: n|1, g: 2*n|2) -> 2*n",
        value: Value::Recipe("f[k / 2] * g[k]"),
        gradient: &[("f", "ComplexReal(ComplexMult(e, Conj(g)))"), ("g", "RealTimesComplex(f, e)")],
        laws: &[Law::exact("RealTimesComplex(1, a)", "a")],
        linear_in: &["f", "g"],
        complex: &[("r z -> z", "")],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The products of the real numbers `f`, or of a single one, and the complex numbers `g`; a single one stands for all.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexRealScal",
        signature: "ComplexRealScal(f: m, g: n) -> max(2, m, n)",
        value: Value::Written(real_times_complex),
        complex: &[("r z -> z", "RealTimesComplex(f, g)"), ("z r -> z", "RealTimesComplex(g, f)")],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The products of real and complex numbers, whichever come first.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexOverReal",
        signature: "ComplexOverReal(f: 2*n|2, g: n|1) -> 2*n",
        value: Value::Recipe("f[k] / g[k / 2]"),
        gradient: &[("f", "ComplexOverReal(e, g)"), ("g", "-ComplexReal(ComplexMult(e, Conj(out))) / g")],
        laws: &[Law::exact("ComplexOverReal(a, 1)", "a")],
        linear_in: &["f"],
        complex: &[("z r -> z", "")],
        domain: &[AROUND_ZERO, POSITIVE],
        doc: "The quotients of the complex numbers `f` and the real numbers `g`; a single one stands for all.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexIntPow",
        signature: "ComplexIntPow(f: 2*n, m: int) -> 2*n",
        value: Value::Expansion(&[
            ("m == 1", "f"),
            ("m == 0", "ComplexSpread(Real2Complex(1), n)"),
            ("m < 0", "ComplexIntPow(ComplexDivide(Real2Complex(1), f), -m)"),
            ("m % 2 == 0", "ComplexIntPow(ComplexMult(f, f), m / 2)"),
            ("", "ComplexMult(f, ComplexIntPow(f, m - 1))"),
        ]),
        complex: &[("z -> z", "")],
        domain: &[POSITIVE],
        doc: "Complex numbers to the power of the integer `m`, by multiplications; 1 for `m` = 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexExp",
        signature: "ComplexExp(f: 2*n) -> 2*n",
        value: Value::Recipe("exp(f[k / 2 * 2]) * choose(k % 2 == 0, cos(f[k / 2 * 2 + 1]), sin(f[k / 2 * 2 + 1]))"),
        gradient: &[("f", "ComplexMult(e, Conj(out))")],
        complex: &[("z -> z", "")],
        domain: &[AROUND_ZERO],
        doc: "e to the power of complex numbers.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexExp1j",
        aliases: &["exp1j"],
        signature: "ComplexExp1j(f: n) -> 2*n",
        value: Value::Recipe("choose(k % 2 == 0, cos(f[k / 2]), sin(f[k / 2]))"),
        gradient: &[("f", "ComplexImag(ComplexMult(e, Conj(out)))")],
        complex: &[("r -> z", "")],
        domain: &[AROUND_ZERO],
        doc: "e to the power of `i * f` for real `f`: the points of the unit circle at these angles in radians.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexLog",
        signature: "ComplexLog(f: 2*n) -> 2*n",
        // The larger part is taken out of the absolute value, whose square would overflow or vanish.
        value: Value::Recipe(concat!(
            "choose(k % 2 == 0, log(",
            larger!(),
            ") + 0.5 * log(1 + ",
            ratio!(),
            " * ",
            ratio!(),
            "), atan2(",
            im!(),
            ", ",
            re!(),
            "))",
        )),
        gradient: &[("f", "ComplexDivide(e, Conj(f))")],
        complex: &[("z -> z", "")],
        domain: &[POSITIVE],
        doc: "The principal logarithms, with imaginary parts from -pi to pi; the real part is -inf at 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexSqrt",
        signature: "ComplexSqrt(f: 2*n) -> 2*n",
        // The larger part of the root is sqrt((|f| + |re|) / 2), the smaller one |im| / 2 divided by it: nothing cancels.
        value: Value::Recipe(concat!(
            "choose(k % 2 == 0, ",
            "select(",
            re!(),
            " < 0, select(",
            root!(),
            " == 0, 0, abs(",
            im!(),
            ") / (2 * ",
            root!(),
            ")), ",
            root!(),
            "), ",
            "select(",
            re!(),
            " < 0, select(",
            im!(),
            " < 0, -",
            root!(),
            ", ",
            root!(),
            "), ",
            "select(",
            root!(),
            " == 0, 0, ",
            im!(),
            " / (2 * ",
            root!(),
            "))))",
        )),
        gradient: &[("f", "RealTimesComplex(DivideOrZero(0.5, ComplexSquareAbs(out)), ComplexMult(e, out))")],
        complex: &[("z -> z", "")],
        domain: &[POSITIVE],
        doc: "The principal square roots, with real parts not below 0; the derivative at 0 is taken as 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexPow",
        signature: "ComplexPow(f: 2*n|2, g: 2*n|2) -> 2*n",
        value: Value::Expansion(&[("", "ComplexExp(ComplexMult(g, ComplexLog(f)))")]),
        complex: &[("z z -> z", "")],
        domain: &[POSITIVE, POSITIVE],
        doc: "`f` to the power `g`, principal values; NaN where `f` is 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexIfElse",
        signature: "ComplexIfElse(f: m, a: n, b: o) -> max(m, n, o)",
        value: Value::Written(choice_of_complex),
        complex: &[("r z z -> z", "")],
        domain: &[AROUND_ZERO, AROUND_ZERO, AROUND_ZERO],
        doc: "The complex numbers `a` where the real `f >= 0`, else `b`; a single one of any of them stands for all.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexSin",
        signature: "ComplexSin(f: 2*n) -> 2*n",
        value: Value::Expansion(&[(
            "",
            "Complex(Sin(ComplexReal(f)) * Cosh(ComplexImag(f)), Cos(ComplexReal(f)) * Sinh(ComplexImag(f)))",
        )]),
        complex: &[("z -> z", "")],
        domain: &[AROUND_ZERO],
        doc: "The sines of complex numbers.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ComplexCos",
        signature: "ComplexCos(f: 2*n) -> 2*n",
        value: Value::Expansion(&[(
            "",
            "Complex(Cos(ComplexReal(f)) * Cosh(ComplexImag(f)), -(Sin(ComplexReal(f)) * Sinh(ComplexImag(f))))",
        )]),
        complex: &[("z -> z", "")],
        domain: &[AROUND_ZERO],
        doc: "The cosines of complex numbers.",
        ..Operation::EMPTY
    },
];

/// The condition is spread over the parts of the numbers, single numbers over all.
fn choice_of_complex(dims: &[u32], _: &[&[i64]]) -> Result<Written, String> {
    let (conditions, numbers) = (dims[0], [dims[1], dims[2]]);
    let count = conditions.max(numbers[0] / 2).max(numbers[1] / 2);
    let fits = numbers.iter().all(|dim| *dim == 2 || *dim == 2 * count);
    if !fits || (conditions != 1 && conditions != count) {
        return Err(format!(
            "{conditions} conditions do not fit complex numbers of {} and {} components",
            numbers[0], numbers[1]
        ));
    }
    let condition = if conditions == 1 { "f" } else { "Complex(f, f)" };
    let [a, b] = [("a", numbers[0]), ("b", numbers[1])].map(|(name, dim)| match dim == 2 * count {
        true => name.to_owned(),
        false => format!("ComplexSpread({name}, {count})"),
    });
    Ok(Written { formula: format!("IfElse({condition}, {a}, {b})"), dim: 2 * count })
}

/// The first argument is the real one if it is a single number or half as long as the second.
fn real_times_complex(dims: &[u32], _: &[&[i64]]) -> Result<Written, String> {
    let (first, second) = (dims[0], dims[1]);
    let (real, complex, dim) = if second % 2 == 0 && (first == 1 || first == second / 2) {
        ("f", "g", second)
    } else if first % 2 == 0 && (second == 1 || second == first / 2) {
        ("g", "f", first)
    } else {
        return Err(format!(
            "of {first} and {second} components, neither is a real number, or as many, for complex numbers in the other"
        ));
    };
    Ok(Written { formula: format!("RealTimesComplex({real}, {complex})"), dim })
}
