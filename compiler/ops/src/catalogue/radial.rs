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
//! "A & S" is Abramowitz and Stegun, Handbook of Mathematical Functions.

use super::{EarlyLaw, Operation, Value, When};

const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);
const POSITIVE: (f64, f64) = (0.5, 2.0);

/// J_n(x)/x^n for x >= 0, whose square is given, too, by
///
/// * its power series (Abramowitz & Stegun 9.1.10) up to 4 + n/2, where no term is much larger than the sum;
/// * the trapezoidal rule on Bessel's integral (9.1.21) up to 25: 64 points on the circle, of which symmetry leaves 16, err by J_(64-n)(x);
/// * Hankel's asymptotic expansion (9.2.5, 9.2.9, 9.2.10) above, where its terms up to the 17th suffice, with the phase
///   x - nπ/2 - π/4 by the addition theorem and not by a difference that rounds.
macro_rules! bessel {
    ($x:literal, $square:literal) => {
        concat!(
            "where(select(x < 4 + 0.5*n, \
             series(0.25 * square, -1/(n + 1), -1/(2*(n + 2)), -1/(3*(n + 3)), -1/(4*(n + 4)), -1/(5*(n + 5)), -1/(6*(n + 6)), \
             -1/(7*(n + 7)), -1/(8*(n + 8)), -1/(9*(n + 9)), -1/(10*(n + 10)), -1/(11*(n + 11)), -1/(12*(n + 12)), \
             -1/(13*(n + 13)), -1/(14*(n + 14)), -1/(15*(n + 15)), -1/(16*(n + 16)), -1/(17*(n + 17)), -1/(18*(n + 18))) \
             * (1 / (powi(2, n) * factorial(n))), \
             select(x < 25, 0.0625 * choose(n % 2 == 0, \
             terms(q < 16, where(cos(n * t) * cos(min(x, 25) * sin(t)), t = (q + 0.5) * 0.09817477042468103)), \
             terms(q < 16, where(sin(n * t) * sin(min(x, 25) * sin(t)), t = (q + 0.5) * 0.09817477042468103))) / powi(x, n), \
             select(x == inf, 0, choose(n % 4 < 2, 0.5641895835477563, -0.5641895835477563) * rsqrt(x) * \
             choose(n % 2 == 0, even * (sin(x) + cos(x)) - odd * (sin(x) - cos(x)), even * (sin(x) - cos(x)) + odd * (sin(x) + cos(x))) \
             / powi(x, n)))), \
             x = ", $x, ", square = ", $square, ", w = 1 / square, m = 4*n*n, \
             even = series(w, -(m - 1)*(m - 9)/128, -(m - 25)*(m - 49)/768, -(m - 81)*(m - 121)/1920, -(m - 169)*(m - 225)/3584, \
             -(m - 289)*(m - 361)/5760, -(m - 441)*(m - 529)/8448, -(m - 625)*(m - 729)/11648, -(m - 841)*(m - 961)/15360), \
             odd = (m - 1) / (8 * x) * series(w, -(m - 9)*(m - 25)/384, -(m - 49)*(m - 81)/1280, -(m - 121)*(m - 169)/2688, \
             -(m - 225)*(m - 289)/4608, -(m - 361)*(m - 441)/7040, -(m - 529)*(m - 625)/9984, -(m - 729)*(m - 841)/13440, \
             -(m - 961)*(m - 1089)/17408))"
        )
    };
}

/// j_n(x)/x^n for x >= 0, whose square is given, too: up to 4 + n/2 by its power series (A & S 10.1.2), above by the closed form in sine and cosine
/// (10.1.8), in powers of w = 1/x², which does not cancel there.
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
        doc: "The Bessel function of the first kind of order 0: 0 at the infinities; it has derivatives up to order 7.",
        ..Operation::EMPTY
    },
    Operation {
        name: "BesselJ1",
        aliases: &["j1"],
        signature: "BesselJ1(f: n) -> n",
        value: Value::Expansion(&[("", "f * BesselLambda(f, 1)")]),
        domain: &[AROUND_ZERO],
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
        doc: "`j_n(f) / f**n` with the spherical Bessel function of order `n`, smooth and even: `SinXDivX(f)` for `n = 0`, 0 at the infinities.",
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
        doc: "The Matérn correlation of a distance `d`, 1 at 0, 0 at the infinities: `nu` is 1/2, 3/2, … or 15/2. Derivatives at 0 are right as far as \
              they exist, also through `Norm2`; beyond that they are taken as 0.",
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
        // e^(-r) times the reverse Bessel polynomial θ_p(r)/θ_p(0), r = sqrt(f), which is r^(p+1/2) K_(p+1/2)(r) but for a factor (A & S 10.2.15).
        // (r^ν K_ν)' = -r r^(ν-1) K_(ν-1) (9.6.28) gives the derivative. Beyond 1000, where e^(-r) is 0, the polynomial may not overflow.
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
