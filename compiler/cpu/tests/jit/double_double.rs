//! Reference values of the intrinsics to about 100 bits: sums of two float64, by series and Newton steps, without regard to speed.

use super::functions::Function;
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Scalar;
use std::f64::consts::{FRAC_PI_2, LN_2};

/// The unevaluated sum of a rounded value and what rounding took.
#[derive(Clone, Copy, Debug)]
pub struct Sum(pub f64, pub f64);

const LN_2_SUM: Sum = Sum(LN_2, 2.3190468138462996e-17);
const PI: Sum = Sum(std::f64::consts::PI, 1.2246467991473532e-16);
const HALF_PI: [f64; 4] = [FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33, 5.562271104316826e-50];

/// The value of a function of float64 numbers, if it is regular there: finite, not zero, and far from underflow, and there is a reference.
pub fn reference(function: &Function, arguments: &[f64]) -> Option<Sum> {
    let plain = function.evaluate(arguments);
    if !plain.is_finite()
        || plain.abs() < 1e-290
        || arguments[..function.arguments.len()].iter().any(|a| !a.is_finite())
    {
        return None;
    }
    let value = match function.body {
        Scalar::Call(intrinsic, _) if function.is_intrinsic() => of_intrinsic(intrinsic, arguments, plain)?,
        _ if !(1e-140..1e140).contains(&arguments[0].abs()) => return None,
        _ => of_operation(function.name, Sum(arguments[0], 0.0))?,
    };
    assert!(
        (value.0 - plain).abs() <= plain.abs() * 1e-13,
        "{} of {arguments:?}: {value:?} is not {plain}",
        function.name
    );
    Some(value)
}

fn of_intrinsic(intrinsic: Intrinsic, arguments: &[f64], plain: f64) -> Option<Sum> {
    let a = Sum(arguments[0], 0.0);
    Some(match intrinsic {
        Intrinsic::Rsqrt => divide(Sum(1.0, 0.0), root(a)),
        Intrinsic::Exp => exp(a)?,
        Intrinsic::Exp2 => exp(multiply(a, LN_2_SUM))?,
        Intrinsic::Log => log(a),
        Intrinsic::Expm1 => expm1(a)?,
        Intrinsic::Log10 => divide(log(a), log(Sum(10.0, 0.0))),
        Intrinsic::Log1p => log1p(a),
        Intrinsic::Log2 => divide(log(a), LN_2_SUM),
        Intrinsic::Sin | Intrinsic::Cos => {
            let (quarter, r) = reduce(a.0)?;
            let (sine, cosine) = sine_and_cosine(r);
            let turned = if intrinsic == Intrinsic::Sin { quarter } else { quarter + 1 };
            match turned.rem_euclid(4) {
                0 => sine,
                1 => cosine,
                2 => negate(sine),
                _ => negate(cosine),
            }
        }
        Intrinsic::Tan => {
            let (quarter, r) = reduce(a.0)?;
            let (sine, cosine) = sine_and_cosine(r);
            if quarter % 2 == 0 { divide(sine, cosine) } else { negate(divide(cosine, sine)) }
        }
        // (t + t/(1 + t))/2 with t = e^a − 1.
        Intrinsic::Sinh => {
            let t = expm1(a)?;
            half(add(t, divide(t, add(Sum(1.0, 0.0), t))))
        }
        Intrinsic::Cosh => half(add(exp(a)?, exp(negate(a))?)),
        Intrinsic::Tanh => tanh(a)?,
        Intrinsic::Atan => atan(a),
        Intrinsic::Asin => asin(a),
        Intrinsic::Acos if a.0.abs() < 0.5 => add(Sum(HALF_PI[0], HALF_PI[1]), negate(asin(a))),
        Intrinsic::Acos => atan2(root(multiply(add(Sum(1.0, 0.0), negate(a)), add(Sum(1.0, 0.0), a))), a),
        Intrinsic::Atan2 if !(1e-280..1e280).contains(&(a.0 / arguments[1]).abs()) => return None,
        Intrinsic::Atan2 => atan2(a, Sum(arguments[1], 0.0)),
        Intrinsic::Pow if a.0 == 0.0 => return None,
        Intrinsic::Pow => {
            let value = exp(multiply(log(Sum(a.0.abs(), 0.0)), Sum(arguments[1], 0.0)))?;
            if plain < 0.0 { negate(value) } else { value }
        }
        _ => return None,
    })
}

/// The operations that are more than an intrinsic, by their definitions.
fn of_operation(name: &str, a: Sum) -> Option<Sum> {
    const ONE: Sum = Sum(1.0, 0.0);
    Some(match name {
        "Erf" => erf(a)?,
        "Erfc" => erfc(a)?,
        "XLogX" => multiply(a, log(a)),
        "Rsqrt" => divide(ONE, root(a)),
        "Sigmoid" => divide(ONE, add(ONE, exp(negate(a))?)),
        "Softplus" if a.0 > 0.0 => add(a, log1p(exp(negate(a))?)),
        "Softplus" => log1p(exp(a)?),
        // log(a + √(a² + 1)), with a² / (1 + √(a² + 1)) for √(a² + 1) - 1.
        "Asinh" if a.0 < 0.0 => negate(of_operation(name, negate(a))?),
        "Asinh" => {
            let square = multiply(a, a);
            log1p(add(a, divide(square, add(ONE, root(add(ONE, square))))))
        }
        "Acosh" => {
            let (below, above) = (add(a, negate(ONE)), add(a, ONE));
            log1p(add(below, root(multiply(below, above))))
        }
        "Atanh" => half(log1p(divide(add(a, a), add(ONE, negate(a))))),
        "Sinc" => {
            let r = a.0 - a.0.round();
            let (sine, _) = sine_and_cosine(multiply(PI, Sum(r, 0.0)));
            let value = divide(sine, multiply(PI, a));
            if a.0.round().rem_euclid(2.0) == 0.0 { value } else { negate(value) }
        }
        "SinXDivX" => {
            let (quarter, r) = reduce(a.0)?;
            let (sine, cosine) = sine_and_cosine(r);
            let value = if quarter % 2 == 0 { sine } else { cosine };
            divide(if quarter.rem_euclid(4) < 2 { value } else { negate(value) }, a)
        }
        _ => return None,
    })
}

fn two_sum(a: f64, b: f64) -> Sum {
    let sum = a + b;
    let b_part = sum - a;
    Sum(sum, (a - (sum - b_part)) + (b - b_part))
}

fn two_product(a: f64, b: f64) -> Sum {
    let product = a * b;
    Sum(product, a.mul_add(b, -product))
}

fn half(a: Sum) -> Sum {
    Sum(0.5 * a.0, 0.5 * a.1)
}

fn negate(a: Sum) -> Sum {
    Sum(-a.0, -a.1)
}

fn add(a: Sum, b: Sum) -> Sum {
    let (high, low) = (two_sum(a.0, b.0), two_sum(a.1, b.1));
    let Sum(high, rest) = two_sum(high.0, high.1 + low.0);
    two_sum(high, rest + low.1)
}

fn multiply(a: Sum, b: Sum) -> Sum {
    let product = two_product(a.0, b.0);
    two_sum(product.0, product.1 + (a.0 * b.1 + a.1 * b.0))
}

fn divide(a: Sum, b: Sum) -> Sum {
    let first = a.0 / b.0;
    let rest = add(a, negate(multiply(b, Sum(first, 0.0))));
    let second = rest.0 / b.0;
    let rest = add(rest, negate(multiply(b, Sum(second, 0.0))));
    add(two_sum(first, second), Sum(rest.0 / b.0, 0.0))
}

fn root(a: Sum) -> Sum {
    if a.0 == 0.0 {
        return a;
    }
    let first = a.0.sqrt();
    let rest = add(a, negate(two_product(first, first)));
    add(Sum(first, 0.0), divide(rest, Sum(2.0 * first, 0.0)))
}

/// None where the result is not a normal number.
fn exp(a: Sum) -> Option<Sum> {
    let k = (a.0 / LN_2).round();
    let r = add(a, negate(multiply(LN_2_SUM, Sum(k, 0.0))));
    let small = Sum(r.0 / 256.0, r.1 / 256.0);
    let mut sum = Sum(1.0, 0.0);
    for n in (1..=12).rev() {
        sum = add(Sum(1.0, 0.0), divide(multiply(small, sum), Sum(f64::from(n), 0.0)));
    }
    let power = (0..8).fold(sum, |power, _| multiply(power, power));
    let scale = |value: f64| value * (k / 2.0).floor().exp2() * (k - (k / 2.0).floor()).exp2();
    let value = Sum(scale(power.0), scale(power.1));
    value.0.is_finite().then_some(value)
}

/// By (e^2a − 1)/(e^2a + 1).
fn tanh(a: Sum) -> Option<Sum> {
    if a.0.abs() > 40.0 {
        return Some(Sum(1f64.copysign(a.0), -0.0));
    }
    let less_one = expm1(add(a, a))?;
    Some(divide(less_one, add(less_one, Sum(2.0, 0.0))))
}

/// e^a − 1, near 0 by its series.
fn expm1(a: Sum) -> Option<Sum> {
    if a.0.abs() > 0.5 {
        return Some(add(exp(a)?, Sum(-1.0, 0.0)));
    }
    let mut sum = Sum(1.0, 0.0);
    for n in (2..=28).rev() {
        sum = add(Sum(1.0, 0.0), divide(multiply(a, sum), Sum(f64::from(n), 0.0)));
    }
    Some(multiply(a, sum))
}

/// By e^(−a²)·2/√π·(a + 2a³/3 + 4a⁵/15 + …), whose terms have one sign.
fn erf(a: Sum) -> Option<Sum> {
    if a.0.abs() > 6.5 {
        return Some(Sum(1f64.copysign(a.0), 0.0));
    }
    let square = multiply(a, a);
    let mut sum = Sum(1.0, 0.0);
    for n in (1..=200).rev() {
        sum = add(Sum(1.0, 0.0), divide(multiply(add(square, square), sum), Sum(f64::from(2 * n + 1), 0.0)));
    }
    let factor = multiply(exp(negate(square))?, multiply(a, sum));
    Some(divide(add(factor, factor), root(PI)))
}

/// Above 3 by the continued fraction e^(−a²)/√π / (a + 1/2/(a + 2/2/(a + 3/2/(a + …)))).
fn erfc(a: Sum) -> Option<Sum> {
    if a.0 < 3.0 {
        return Some(add(Sum(1.0, 0.0), negate(erf(a)?)));
    }
    let fraction = (1..=150).rev().fold(a, |tail, n| add(a, divide(Sum(f64::from(n) / 2.0, 0.0), tail)));
    Some(divide(exp(negate(multiply(a, a)))?, multiply(root(PI), fraction)))
}

fn log(a: Sum) -> Sum {
    if !(1e-290..1e290).contains(&a.0) {
        let shift = if a.0 < 1.0 { 200.0 } else { -200.0 };
        let shifted = Sum(a.0 * f64::exp2(shift), a.1 * f64::exp2(shift));
        return add(log(shifted), multiply(LN_2_SUM, Sum(-shift, 0.0)));
    }
    if (a.0 - 1.0).abs() < 0.1 {
        return log_of_ratio(divide(add(a, Sum(-1.0, 0.0)), add(a, Sum(1.0, 0.0))));
    }
    let first = Sum(a.0.ln(), 0.0);
    let power = exp(negate(first)).expect("the inverse of a number that is not near 0 is a number");
    let ratio = add(multiply(a, power), Sum(-1.0, 0.0));
    // log(1 + ratio) for a ratio of at most 1e-13.
    add(first, add(ratio, Sum(-0.5 * ratio.0 * ratio.0, 0.0)))
}

/// log(1 + a), near 0 by 2·artanh(a/(2 + a)).
fn log1p(a: Sum) -> Sum {
    if a.0.abs() > 0.09 {
        return log(add(a, Sum(1.0, 0.0)));
    }
    log_of_ratio(divide(a, add(a, Sum(2.0, 0.0))))
}

/// log((1 + s)/(1 − s)) for a small s.
fn log_of_ratio(s: Sum) -> Sum {
    let square = multiply(s, s);
    let terms = (0..22).rev().map(|n| divide(Sum(2.0, 0.0), Sum(f64::from(2 * n + 1), 0.0)));
    multiply(s, terms.fold(Sum(0.0, 0.0), |sum, term| add(multiply(sum, square), term)))
}

/// a = quarter·π/2 + r, for magnitudes up to 1e6.
fn reduce(a: f64) -> Option<(i64, Sum)> {
    let n = (a / FRAC_PI_2).round();
    let parts = HALF_PI.map(|part| two_product(-n, part));
    let r = parts.into_iter().fold(Sum(a, 0.0), add);
    (a.abs() < 1e6).then_some((n as i64, r))
}

fn sine_and_cosine(r: Sum) -> (Sum, Sum) {
    let minus_square = negate(multiply(r, r));
    let series = |first: i32| {
        let mut sum = Sum(1.0, 0.0);
        for n in (1..=14).rev() {
            let divisor = f64::from((2 * n + first - 1) * (2 * n + first));
            sum = add(Sum(1.0, 0.0), divide(multiply(minus_square, sum), Sum(divisor, 0.0)));
        }
        sum
    };
    (multiply(r, series(1)), series(0))
}

fn atan(a: Sum) -> Sum {
    if a.0.abs() > 1.0 {
        let half_pi = Sum(HALF_PI[0].copysign(a.0), HALF_PI[1].copysign(a.0));
        return add(half_pi, negate(atan(divide(Sum(1.0, 0.0), a))));
    }
    let first = Sum(a.0.atan(), 0.0);
    let (sine, cosine) = sine_and_cosine(first);
    let tangent = divide(add(multiply(a, cosine), negate(sine)), add(cosine, multiply(a, sine)));
    add(first, tangent)
}

fn asin(a: Sum) -> Sum {
    let other = root(multiply(add(Sum(1.0, 0.0), negate(a)), add(Sum(1.0, 0.0), a)));
    if other.0 == 0.0 { Sum(HALF_PI[0].copysign(a.0), HALF_PI[1].copysign(a.0)) } else { atan(divide(a, other)) }
}

fn atan2(a: Sum, b: Sum) -> Sum {
    let angle = atan(divide(a, b));
    let pi = Sum(2.0 * HALF_PI[0].copysign(a.0), 2.0 * HALF_PI[1].copysign(a.0));
    if b.0 < 0.0 { add(pi, angle) } else { angle }
}
