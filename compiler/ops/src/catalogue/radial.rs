//! Functions of a distance: Bessel functions, Matérn correlations.
//!
//! Each belongs to a family that is closed under differentiation and has no removable singularity, so that derivatives of high order are as
//! good as values:
//!
//! ```text
//! Λ_n(x) = J_n(x)/x^n,  Λ_n' = -x Λ_(n+1)                         for spherical Bessel functions alike
//! M_p(s) = θ_p(√s) e^(-√s) / θ_p(0),  M_p' = -M_(p-1) / (4p - 2)         θ_p: reverse Bessel polynomials
//! ```
//!
//! Functions that are even in a distance have a companion on its square, in which they are smooth: with d = |x - y| the second derivative of
//! `Matern(2.5, d)` or `BesselJ0(d)` at x = y is that of a smooth function of |x - y|², where no root is left.
//!
//! "A & S" is Abramowitz and Stegun, Handbook of Mathematical Functions. Largest errors of compiled code in units of the last place, over
//! 40 000 random arguments (x86-64, AVX-512), those of Bessel functions in units of the amplitude sqrt(2 / (π x)) where they oscillate:
//!
//! | function | arguments | float32 | float64 |
//! | --- | --- | --- | --- |
//! | x^n Λ_n, n = 0, 1, 2, 4, 7 | 0 to 60 | 4.9, 6.9, 7.9, 7.8, 9.3 | 4.2, 5.6, 8.8, 7.3, 8.4 |
//! | Matern, ν = 1/2, 3/2, 5/2, 15/2 | 0 to 3 | 0.7, 3.9, 4.2, 5.8 | 0.6, 3.9, 4.6, 6.0 |

use super::{EarlyLaw, Operation, Value, When};

const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);
const POSITIVE: (f64, f64) = (0.5, 2.0);

/// J_n(x)/x^n for x >= 0, whose square is given, too: up to 4 + n/2 by its power series (A & S 9.1.10), where no term is much larger than the
/// sum. Above, J_0 and J_1 are as in Hankel's asymptotic expansion (9.2.5), P and Q being quotients of polynomials in w = 1/x² on x >= 4
/// instead of asymptotic series (relative errors 8e-18 of P, 6e-15 of Q, which is less than P/32), and the phase x - π/4 resolved by the
/// addition theorem, as a difference would be rounded. The recurrence (9.1.27) leads to J_n from there, which is stable for n <= x.
macro_rules! bessel {
    ($x:literal, $square:literal) => {
        concat!(
            "where(select(x < 4 + 0.5*n, \
             series(0.25 * square, -1/(n + 1), -1/(2*(n + 2)), -1/(3*(n + 3)), -1/(4*(n + 4)), -1/(5*(n + 5)), -1/(6*(n + 6)), \
             -1/(7*(n + 7)), -1/(8*(n + 8)), -1/(9*(n + 9)), -1/(10*(n + 10)), -1/(11*(n + 11)), -1/(12*(n + 12)), \
             -1/(13*(n + 13)), -1/(14*(n + 14)), -1/(15*(n + 15)), -1/(16*(n + 16)), -1/(17*(n + 17)), -1/(18*(n + 18))) \
             / (powi(2, n) * factorial(n)), \
             select(x == inf, 0, 0.5641895835477563 * rsqrt(x) * powi(v, n) * choose(n == 0, zero, choose(n == 1, one, \
             choose(n == 2, 2*v*one - zero, choose(n == 3, (8*w - 1)*one - 4*v*zero, \
             choose(n == 4, (48*w - 8)*v*one - (24*w - 1)*zero, choose(n == 5, poly(w, 1, -72, 384)*one - (192*w - 12)*v*zero, \
             choose(n == 6, poly(w, 18, -768, 3840)*v*one - poly(w, 1, -144, 1920)*zero, \
             poly(w, -1, 288, -9600, 46080)*one - poly(w, 24, -1920, 23040)*v*zero))))))))), \
             x = ", $x, ", square = ", $square, ", v = 1 / x, w = v * v, s = sin(x), c = cos(x), \
             zero = poly(w, 1, 184.44062276892632, 11835.598638054755, 337089.4969549953, 4510397.092871145, 27653089.54915853, \
             70031061.9389377, 57343738.73370314, 7492086.181200553) / poly(w, 1, 184.51093526892626, 11848.459911091357, \
             337902.47100503556, 4532926.589478139, 27939687.01600071, 71625939.81255864, 60650334.105153844, \
             9143141.675655967) * (s + c) + v * (s - c) * (poly(w, 0.12499999999999928, 19.320934459135604, 997.7389109043048, \
             21621.504157211708, 202450.65795552573, 755062.1615552773, 876579.4439628461, 136085.67966673474) / \
             poly(w, 1, 155.15341317304197, 8071.004626311426, 177433.0666612777, 1710855.5050041592, 6806281.396702391, \
             9309496.237997752, 2701231.474505499)), \
             one = poly(w, 1, 182.19744555437128, 11525.229019333308, 322765.7149536677, 4234549.690859292, 25391110.68029634, \
             62929166.9785281, 51366442.2009756, 7797417.939437878) / poly(w, 1, 182.08025805437137, 11504.035684649076, \
             321443.1643435456, 4198423.090583856, 24938806.945869405, 60454909.646005586, 46325530.8540806, \
             5318522.389651409) * (s - c) + v * (s + c) * (poly(w, 0.3749999999999992, 57.28073101595957, 2918.771762295702, \
             62336.15963038161, 575270.0450683468, 2124346.6628561574, 2497764.23105521, 462789.94852440694) / \
             poly(w, 1, 153.02205354254295, 7824.493130052062, 168261.31741136903, 1575011.507081022, 6003129.507680044, \
             7656361.55552694, 1915949.3133292694)))"
        )
    };
}

/// j_n(x)/x^n for x >= 0, whose square is given, too: up to 4 + n/2 by its power series (A & S 10.1.2), above by the closed form in sine
/// and cosine (10.1.8), in powers of w = 1/x², which does not cancel there.
macro_rules! spherical {
    ($x:literal, $square:literal) => {
        concat!(
            "where(select(x < 4 + 0.5*n, \
             series(0.5 * square, -1/(2*n + 3), -1/(2*(2*n + 5)), -1/(3*(2*n + 7)), -1/(4*(2*n + 9)), -1/(5*(2*n + 11)), \
             -1/(6*(2*n + 13)), -1/(7*(2*n + 15)), -1/(8*(2*n + 17)), -1/(9*(2*n + 19)), -1/(10*(2*n + 21)), -1/(11*(2*n + 23)), \
             -1/(12*(2*n + 25)), -1/(13*(2*n + 27)), -1/(14*(2*n + 29)), -1/(15*(2*n + 31)), -1/(16*(2*n + 33)), \
             -1/(17*(2*n + 35)), -1/(18*(2*n + 37))) * (powi(2, n) * factorial(n) / factorial(2*n + 1)), \
             select(x == inf, 0, choose(n == 0, s, choose(n == 1, w * (s - c), choose(n == 2, w * ((3*w - 1)*s - 3*w*c), \
             choose(n == 3, w*w * ((15*w - 6)*s - (15*w - 1)*c), \
             choose(n == 4, w*w * (poly(w, 1, -45, 105)*s - w * (105*w - 10)*c), \
             choose(n == 5, w*w*w * (poly(w, 15, -420, 945)*s - poly(w, 1, -105, 945)*c), \
             w*w*w * (poly(w, -1, 210, -4725, 10395)*s - w * poly(w, 21, -1260, 10395)*c))))))))), \
             x = ", $x, ", square = ", $square, ", w = 1 / square, s = sin(x) / x, c = cos(x))"
        )
    };
}

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "BesselJ0",
        aliases: &["j0"],
        signature: "BesselJ0(f: n) -> n",
        value: Value::Expansion(&[("", "BesselLambda(f, 0)")]),
        domain: &[AROUND_ZERO],
        ulp: f64::INFINITY,
        doc: "The Bessel function of the first kind of order 0: 0 at the infinities; it has derivatives up to order 7.",
        ..Operation::EMPTY
    },
    Operation {
        name: "BesselJ1",
        aliases: &["j1"],
        signature: "BesselJ1(f: n) -> n",
        value: Value::Expansion(&[("", "f * BesselLambda(f, 1)")]),
        domain: &[AROUND_ZERO],
        ulp: f64::INFINITY,
        doc: "The Bessel function of the first kind of order 1: NaN at the infinities; it has derivatives up to order 6.",
        ..Operation::EMPTY
    },
    Operation {
        name: "BesselLambda",
        signature: "BesselLambda(f: d, n: int(0, 7)) -> d",
        value: Value::Recipe(bessel!("abs(f[k])", "f[k]*f[k]")),
        gradient: &[("f", "-(e * f * BesselLambda(f, n + 1))")],
        early_laws: &[EarlyLaw {
            left: "BesselLambda(a, n)",
            right: "BesselLambdaOfSquare(Square(a), n)",
            when: When::HasRoot("a"),
        }],
        domain: &[POSITIVE],
        doc: "`J_n(f) / f**n`, smooth and even: `1 / (2**n * n!)` at 0, 0 at the infinities.",
        ..Operation::EMPTY
    },
    Operation {
        name: "BesselLambdaOfSquare",
        signature: "BesselLambdaOfSquare(f: d, n: int(0, 7)) -> d",
        value: Value::Recipe(bessel!("sqrt(f[k])", "f[k]")),
        gradient: &[("f", "-0.5 * e * BesselLambdaOfSquare(f, n + 1)")],
        domain: &[POSITIVE],
        doc: "`BesselLambda(Sqrt(f), n)`, smooth at 0: NaN below.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SphericalLambda",
        signature: "SphericalLambda(f: d, n: int(0, 6)) -> d",
        value: Value::Recipe(spherical!("abs(f[k])", "f[k]*f[k]")),
        gradient: &[("f", "-(e * f * SphericalLambda(f, n + 1))")],
        domain: &[POSITIVE],
        doc: "`j_n(f) / f**n` with the spherical Bessel function of order `n`, smooth and even: `SinXDivX(f)` for `n = 0`, 0 at the \
              infinities.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SphericalLambdaOfSquare",
        signature: "SphericalLambdaOfSquare(f: d, n: int(0, 6)) -> d",
        value: Value::Recipe(spherical!("sqrt(f[k])", "f[k]")),
        gradient: &[("f", "-0.5 * e * SphericalLambdaOfSquare(f, n + 1)")],
        domain: &[POSITIVE],
        doc: "`SphericalLambda(Sqrt(f), n)`, smooth at 0: NaN below.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Matern",
        aliases: &["matern"],
        signature: "Matern(nu: half(1, 15), d: n) -> n",
        value: Value::Expansion(&[("", "MaternOfSquare(nu, Square(d))")]),
        domain: &[AROUND_ZERO],
        doc: "The Matérn correlation of a distance `d`, 1 at 0, 0 at the infinities: `nu` is 1/2, 3/2, … or 15/2. Derivatives at 0 are \
              right as far as they exist, also through `Norm2`; beyond that they are taken as 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "MaternOfSquare",
        signature: "MaternOfSquare(nu: half(1, 15), f: n) -> n",
        // `nu` is the integer 2ν here, and the scaled distance sqrt(2ν f).
        value: Value::Expansion(&[("", "MaternShape(nu * f, (nu - 1) / 2)")]),
        domain: &[POSITIVE],
        doc: "The Matérn correlation of a squared distance `f`: NaN where `f` is negative.",
        ..Operation::EMPTY
    },
    Operation {
        name: "MaternShape",
        signature: "MaternShape(f: n, p: int(0, 7)) -> n",
        value: Value::Expansion(&[("p == 0", "Exp(-Sqrt(f))"), ("", "SmoothMaternShape(f, p)")]),
        domain: &[POSITIVE],
        doc: "The Matérn correlation with `nu = p + 1/2` at a distance whose square, times `2 * nu`, is `f`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SmoothMaternShape",
        signature: "SmoothMaternShape(f: n, p: int(1, 7)) -> n",
        // e^(-r) times the reverse Bessel polynomial θ_p(r)/θ_p(0), r = sqrt(f), which is r^(p+1/2) K_(p+1/2)(r) but for a factor
        // (A & S 10.2.15). (r^ν K_ν)' = -r r^(ν-1) K_(ν-1) (9.6.28) gives the derivative. Beyond 1000, where e^(-r) is 0, the polynomial
        // may not overflow.
        value: Value::Recipe(
            "where(exp(-sqrt(f[k])) * poly(r, 1, 1, choose(p == 1, 0, choose(p == 2, 1/3, choose(p == 3, poly(r, 2/5, 1/15), \
             choose(p == 4, poly(r, 3/7, 2/21, 1/105), choose(p == 5, poly(r, 4/9, 1/9, 1/63, 1/945), \
             choose(p == 6, poly(r, 5/11, 4/33, 2/99, 1/495, 1/10395), \
             poly(r, 6/13, 5/39, 10/429, 2/715, 4/19305, 1/135135)))))))), \
             r = min(sqrt(f[k]), 1000))",
        ),
        gradient: &[("f", "-(e / (4*p - 2)) * MaternShape(f, p - 1)")],
        domain: &[POSITIVE],
        doc: "What `MaternShape` is for `p` from 1: 1 at 0, 0 at inf, NaN below 0.",
        ..Operation::EMPTY
    },
];
