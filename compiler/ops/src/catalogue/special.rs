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

/// e^(a²) erfc(a) for a >= 0: a polynomial of degree 24 in (a - 4)/(a + 4), divided by 1 + 2a, as Shepherd and Laframboise (1981) have it;
/// relative error 1e-17 up to infinity.
macro_rules! scaled_erfc {
    () => {
        "poly(1 - 8 / (a + 4), 1.2329951186255526, -0.13962111684056228, \
             0.015379652102619974, 0.06809705425466839, -0.10103906603631811, 0.09373283499911264, -0.06633036581186058, \
             0.037167515526338006, -0.01619773406293477, 0.005031970069102256, -0.0007577732435942576, \
             -0.0001992571524726518, 0.00015062142608651945, -2.4397731143023292e-05, -1.1221135665965907e-05, \
             5.70657829924074e-06, 2.9173425573089733e-07, -8.210647933297337e-07, 7.771943241086912e-08, \
             1.0631817593818149e-07, -2.0725802488181963e-08, -1.2338731403798444e-08, 3.2323973445082033e-09, \
             9.297625263709659e-10, -2.764120233734578e-10) / (1 + 2*a)"
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

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "Erf",
        aliases: &["erf"],
        signature: "Erf(f: n) -> n",
        // Below 1 a polynomial, above 1 - erfc, which is at most 0.16 there, as in `Erfc`.
        value: Value::Recipe(concat!(
            "where(select(a < 1, f[k] + f[k] * ",
            small_erf!(),
            ", select(f[k] < 0, -1, 1) * (1 - exp(-a*a) * ",
            scaled_erfc!(),
            ")), a = abs(f[k]))",
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
        // With h a multiple of 1/16 next to a = |f|, h² is exact and a² = h² + (a - h)(a + h), so that the exponent of the tail is not
        // rounded. Below -1 the value is 2 - erfc(a), between 1 - erf.
        value: Value::Recipe(concat!(
            "where(select(abs(f[k] + 0.275) < 0.725, 1 - (f[k] + f[k] * ",
            small_erf!(),
            "), select(f[k] < 0, 2, 0) + select(f[k] < 0, -1, 1) * (exp(-h*h) * exp(-((a - h) * (a + h))) * ",
            scaled_erfc!(),
            ")), a = select(abs(f[k]) > 28, 28, abs(f[k])), h = 0.0625 * floor(16 * a))",
        )),
        gradient: &[("f", "-1.1283791670955126 * e * Exp(-Square(f))")],
        domain: &[AROUND_ZERO],
        ulp: 7.0,
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
