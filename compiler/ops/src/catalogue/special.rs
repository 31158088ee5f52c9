//! Special functions: error functions, the gamma function and its derivatives.
//!
//! Both families are closed under differentiation and have no removable singularity, so that derivatives of high order are as good as
//! values: erf' = 2/√π e^(-x²); lgamma' = ψ, ψ' = ζ(2, x), ζ(s, x)' = -s ζ(s + 1, x).
//!
//! Polynomials interpolate in Chebyshev points, computed in 60 digits. "A & S" is Abramowitz and Stegun, Handbook of Mathematical Functions.
//!
//! Largest errors of compiled code in units of the last place, over 200 000 random arguments (x86-64, AVX-512); those of Erf and Erfc are in docs/ulp.md:
//!
//! | function | arguments | float32 | float64 |
//! | --- | --- | --- | --- |
//! | LGamma | 0 to 20; 0.9 to 2.1, also next to the zeros | 2.6; 2.9 | 2.7; 3.7 |
//! | LGamma | -20 to 0, in units of max(1, value) | 14 | 9.2 |
//! | Digamma | 0.01 to 20 | 9.4 | 11.1 |
//! | HurwitzZeta, s = 2, 3, 6, 10 | 0.05 to 20 | 2.5, 3.1, 4.0, 5.4 | 2.7, 3.1, 4.2, 5.2 |

use super::{Law, Operation, Value};

const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);
const POSITIVE: (f64, f64) = (0.5, 2.0);

/// a e^(a²) erfc(a) - 1/2 for a from 0.745 to 28: a polynomial of degree 25 in (a - 1.3125)/(a + 1.3125), whose numerator is exact;
/// relative error of the function 1.5e-17.
macro_rules! scaled_erfc {
    () => {
        "poly((a - 1.3125) / (a + 1.3125), \
             -0.03383046772185518, 0.2569196487766231, -0.20875070535700058, 0.026329300710118523, 0.030138465366199782, \
             0.00051784390863785, -0.00613650273466337, -0.0024714634878134716, 0.0004229211469921011, 0.0008914108658101857, \
             0.0003915780751935738, -2.5013271918744773e-05, -0.0001396529769410204, -9.000829550628486e-05, \
             -2.1658353701554758e-05, 2.1019611723588406e-05, 2.9556973808578615e-05, -3.979375511098758e-05, \
             6.313025559122076e-05, 7.759608396120864e-05, -0.00040342351080028795, 0.0006768922802647091, \
             -0.0006599444775554119, 0.0003871437185083895, -0.00012557867256178358, 1.728838969954712e-05)"
    };
}

/// erf(x)/x - 1 up to 1, in x² (relative error of erf 8e-18).
macro_rules! small_erf {
    () => {
        "poly(f[k]*f[k], 0.12837916709551256, -0.37612638903183543, 0.11283791670945006, -0.02686617064323777, \
             0.0052239776071164225, -0.0008548325975389692, 0.00012055294904839707, -1.492473690741966e-05, \
             1.6447424703317362e-06, -1.6208483801871705e-07, 1.3720064546777686e-08, -7.795898827002142e-10)"
    };
}

/// (e^r - 1 - r)/r² for |r| < 0.46 (relative error of e^r 1e-17).
macro_rules! small_exp {
    () => {
        "poly(r, 0.5, 0.1666666666666674, 0.04166666666666672, 0.008333333333263977, 0.0013888888888839365, 0.00019841270024798, \
             2.4801587432636397e-05, 2.7557121027596604e-06, 2.755717769636528e-07, 2.5145720924025055e-08, 2.0943608345326643e-09)"
    };
}

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "Erf",
        aliases: &["erf"],
        signature: "Erf(f: n) -> n",
        // Below 1 a polynomial, above 1 - erfc, which is at most 0.16 there.
        value: Value::Recipe(concat!(
            "where(select(abs(f[k]) < 1, f[k] + f[k] * ",
            small_erf!(),
            ", select(f[k] < 0, -1, 1) * (1 - exp(-a*a) * (0.5 + ",
            scaled_erfc!(),
            ") / a)), a = select(abs(f[k]) > 28, 28, abs(f[k])))",
        )),
        gradient: &[("f", "1.1283791670955126 * e * Exp(-Square(f))")],
        laws: &[Law::exact("Erf(-a)", "-Erf(a)")],
        domain: &[AROUND_ZERO],
        ulp: 2.0,
        doc: "The error function: -1 at -inf, 1 at inf, without cancellation near 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Erfc",
        aliases: &["erfc"],
        signature: "Erfc(f: n) -> n",
        // Up to 0.75 without the tail: 1 - f, exact where it is below 1/2, less a correction. The tail is 2^-m (1/2 + s + p (1/2 + s))/a with
        // p = e^r - 1 and r = m log 2 - a², |r| < 0.46. With h a multiple of 1/256 next to a = |f|, h² is exact and a² = h² + (a - h)(a + h),
        // so that r = large - small, and large is exact; what rounding the difference takes is added to p. Below -1 the value is 2 - erfc(a).
        value: Value::Recipe(concat!(
            "where(select(abs(f[k] + 0.125) < 0.875, (1 - f[k]) - f[k] * ",
            small_erf!(),
            ", select(f[k] < 0, 2, 0) + select(f[k] < 0, -1, 1) * (exp2(-m) * ((0.5 + ((s + s*p) + 0.5*p)) / a))), \
             a = select(abs(f[k]) > 28, 28, abs(f[k])), h = 0.00390625 * floor(256 * a + 0.5), \
             m = floor(1.4426950408889634 * (h*h) + 0.5), large = 0.693145751953125 * m - h*h, \
             small = (a - h) * (a + h) - 1.4286068203094172e-06 * m, r = large - small, s = ",
            scaled_erfc!(),
            ", p = r + (((large - r) - small) + r*r * ",
            small_exp!(),
            "))",
        )),
        gradient: &[("f", "-1.1283791670955126 * e * Exp(-Square(f))")],
        domain: &[AROUND_ZERO],
        ulp: 2.0,
        doc: "`1 - Erf(f)` to the last digits far out in the tail, until it is below the smallest normal number: 2 at -inf, 0 at inf.",
        ..Operation::EMPTY
    },
    Operation {
        name: "LGamma",
        aliases: &["lgamma", "gammaln", "loggamma"],
        signature: "LGamma(f: n) -> n",
        // For z >= 0 up to 7.5 by a polynomial for lgamma(2 + d)/d (relative error 2.5e-18), |d| <= 1/2, d being z less the nearest
        // integer, and the logarithm of the factors between (A & S 6.1.15): near 1 and 2, where lgamma is 0, nothing is lost, as d is
        // exact. Above by Stirling's series (6.1.40), its coefficients fitted on [7.5, inf) (relative error of the series 2e-17). Below 0
        // by reflection (6.1.17), with f less the nearest integer in the sine.
        value: Value::Recipe(
            "where(select(f[k] < 0, select(floor(f[k]) == f[k], inf, \
             -log(select(abs(r) < 1e-9, abs(r), 0.3183098861837907 * abs(sin(3.141592653589793 * r))))), 0) + \
             select(f[k] < 0, -1, 1) * select(z < 7.5, \
             select(z < 1.5, -1, 1) * log(between) + d * poly(d, 0.42278433509846713, 0.32246703342411326, \
             -0.0673523010531981, 0.02058080842778038, -0.0073855510286719986, 0.002890510331034267, -0.0011927539118428156, \
             0.0005096695154115458, -0.00022315475400520507, 9.945767355819498e-05, -4.49263133791557e-05, \
             2.0505590755833454e-05, -9.438715099211532e-06, 4.38470440459836e-06, -2.0439048107029907e-06, \
             9.200527894968101e-07, -4.3252393445604814e-07, 2.78740805211359e-07, -1.3219945666117874e-07), \
             (z - 0.5) * (log(z) - 1) + (0.4189385332046727 + poly(1 / (z*z), 0.08333333333333333, -0.0027777777777698684, \
             0.0007936507864954393, -0.0005952356552865964, 0.000841351480772293, -0.001883462005502802, \
             0.004915438477086982) / z)), \
             r = f[k] - round(f[k]), z = select(f[k] < 0, select(f[k] < -1e18, 1e18, 1 - f[k]), f[k]), d = z - floor(z + 0.5), \
             between = select(z < 0.5, z * (z + 1), select(z < 1.5, z, prod(q < 5, select(z < q + 2.5, 1, z - q - 1)))))",
        ),
        gradient: &[("f", "e * Digamma(f)")],
        domain: &[POSITIVE],
        ulp: f64::INFINITY,
        doc: "The logarithm of `|gamma(f)|`: inf at the infinities and at its poles, the integers up to 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Digamma",
        aliases: &["digamma"],
        signature: "Digamma(f: n) -> n",
        // The asymptotic series (A & S 6.3.18) at z + 8, less the 8 terms of the recurrence (6.3.6); next to the zero at 1.46… a
        // polynomial for ψ(z)/(z - zero) (relative error 6e-17), the zero in two parts. Below 0 by reflection (6.3.7).
        value: Value::Recipe(
            "where(select(abs(d) < 0.4, d * poly(d, 0.9676722454476212, -0.4427631689835946, 0.2584997609556527, \
             -0.1639427054414771, 0.10782405069062649, -0.07219956135838439, 0.0488042882338796, -0.03316112140432273, \
             0.02259764476315382, -0.015424902150426514, 0.010538884830695644, -0.007202392859623675, 0.0049253162429312315, \
             -0.003390004062515745, 0.0023189480599406166, -0.0014652227515749054, 0.0010023946468949185, \
             -0.0010644372487456594, 0.0007282408320483567), \
             log(y) - (0.5 / y + w * poly(w, 1/12, -1/120, 1/252, -1/240, 1/132, -691/32760, 1/12, -3617/8160) \
             + sum(q < 8, 1 / (z + q)))) - \
             select(f[k] < 0, 3.141592653589793 * (cos(3.141592653589793 * r) / sin(3.141592653589793 * r)), 0), \
             z = select(f[k] < 0, 1 - f[k], f[k]), d = (z - 1.4616321325302124) - 1.2438149938918909e-08, \
             y = z + 8, w = 1 / (y*y), r = f[k] - round(f[k]))",
        ),
        gradient: &[("f", "e * HurwitzZeta(f, 2)")],
        domain: &[POSITIVE],
        ulp: f64::INFINITY,
        doc: "The derivative of `LGamma`: -inf at its poles, the limit from the right, and NaN at -inf.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Polygamma",
        aliases: &["polygamma"],
        signature: "Polygamma(f: n, m: int(0, 9)) -> n",
        // (-1)^(m+1) m! ζ(m + 1, f), A & S 6.4.10.
        value: Value::Expansion(&[
            ("m == 0", "Digamma(f)"),
            ("m == 1", "HurwitzZeta(f, 2)"),
            ("m == 2", "-2 * HurwitzZeta(f, 3)"),
            ("m == 3", "6 * HurwitzZeta(f, 4)"),
            ("m == 4", "-24 * HurwitzZeta(f, 5)"),
            ("m == 5", "120 * HurwitzZeta(f, 6)"),
            ("m == 6", "-720 * HurwitzZeta(f, 7)"),
            ("m == 7", "5040 * HurwitzZeta(f, 8)"),
            ("m == 8", "-40320 * HurwitzZeta(f, 9)"),
            ("m == 9", "362880 * HurwitzZeta(f, 10)"),
        ]),
        domain: &[POSITIVE],
        doc: "The derivative of order `m` of `Digamma`, up to order 9.",
        ..Operation::EMPTY
    },
    Operation {
        name: "HurwitzZeta",
        aliases: &["zeta"],
        signature: "HurwitzZeta(f: n, s: int(2, 10)) -> n",
        // 8 terms, then the Euler-Maclaurin formula (A & S 23.2.3 and 6.4.11) at y = z + 8; all terms but few small ones have one sign.
        // Below 0 by the reflection of polygamma functions (6.4.7): the sum over all integers is π^s times a polynomial in the cotangent.
        value: Value::Recipe(
            "where(select(f[k] < 0, powi(3.141592653589793, s) * (1 + c*c) * choose(s == 2, 1, choose(s == 3, c, \
             choose(s == 4, poly(c*c, 1/3, 1), choose(s == 5, c * poly(c*c, 2/3, 1), choose(s == 6, poly(c*c, 2/15, 1, 1), \
             choose(s == 7, c * poly(c*c, 17/45, 4/3, 1), choose(s == 8, poly(c*c, 17/315, 11/15, 5/3, 1), \
             choose(s == 9, c * poly(c*c, 62/315, 6/5, 2, 1), poly(c*c, 62/2835, 88/189, 16/9, 7/3, 1))))))))), 0) + \
             choose(s % 2 == 0, select(f[k] < 0, -1, 1), 1) * (sum(q < 8, 1 / powi(z + q, s)) + (1/(s - 1) + (0.5 / y + \
             w * (s/12) * series(w, -(s + 1)*(s + 2)/60, -(s + 3)*(s + 4)/42, -(s + 5)*(s + 6)/40, -5*(s + 7)*(s + 8)/198, \
             -691*(s + 9)*(s + 10)/27300, -35*(s + 11)*(s + 12)/1382, -3617*(s + 13)*(s + 14)/142800))) / powi(y, s - 1)), \
             z = select(f[k] < 0, 1 - f[k], f[k]), y = z + 8, w = 1 / (y*y), r = f[k] - round(f[k]), \
             c = cos(3.141592653589793 * r) / sin(3.141592653589793 * r))",
        ),
        gradient: &[("f", "-s * e * HurwitzZeta(f, s + 1)")],
        domain: &[POSITIVE],
        doc: "The sum of `1 / (f + q)**s` over q = 0, 1, 2, …: inf at its poles, the integers up to 0, and NaN at -inf; it has \
              derivatives up to `s` = 10.",
        ..Operation::EMPTY
    },
];
