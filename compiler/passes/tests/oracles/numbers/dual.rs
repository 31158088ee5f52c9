//! Numbers that carry their derivatives along: a₀ + a₁ε₁ + a₂ε₂ + a₁₂ε₁ε₂ + …, with ε₁² = ε₂² = ε₃² = 0.
//!
//! With x + ε₁t + ε₂u in the place of x, the coefficient of ε₁ε₂ in f is the second derivative of f in the directions t and u. So the *value* of a
//! row is differentiated here, by the rules of calculus alone; the gradients of the tables play no part in it.

use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Number;

/// The coefficient of the product of ε₁, ε₂ and ε₃.
pub const ORDERS: usize = 3;

/// Coefficient `m` is that of the product of the εᵢ whose bit is set in `m`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dual<C> {
    pub coefficients: [C; 1 << ORDERS],
    /// Whether it has the derivatives that are given here.
    pub smoothness: Smoothness,
}

/// What a number depends on. What a derivative is at a kink or a jump is a convention, of which this arithmetic knows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Smoothness {
    Smooth,
    /// A continuous function where it has no derivative: |0|, the minimum of equals.
    Kink,
    /// A comparison of equals, the rounding of an integer.
    Jump,
}

use Smoothness::{Jump, Kink, Smooth};

/// Arithmetic of coefficients, to be read as formulas.
struct Terms;

impl Terms {
    fn add<C: Number>(a: &C, b: &C) -> C {
        C::call(Intrinsic::Add, &[a.clone(), b.clone()])
    }

    fn mul<C: Number>(a: &C, b: &C) -> C {
        C::call(Intrinsic::Mul, &[a.clone(), b.clone()])
    }

    fn div<C: Number>(a: &C, b: &C) -> C {
        C::call(Intrinsic::Div, &[a.clone(), b.clone()])
    }

    fn times<C: Number>(factor: f64, a: &C) -> C {
        Terms::mul(&C::real(factor), a)
    }

    fn one<C: Number>(intrinsic: Intrinsic, a: &C) -> C {
        C::call(intrinsic, std::slice::from_ref(a))
    }

    /// `a`, `-a`, `a³` … of what the closure makes of a root: `factor · rⁿ`.
    fn power<C: Number>(factor: f64, r: &C, exponent: u32) -> C {
        (0..exponent).fold(C::real(factor), |product, _| Terms::mul(&product, r))
    }
}

impl<C: Number + PartialEq> Dual<C> {
    /// A number that depends on nothing.
    pub fn constant(value: C) -> Dual<C> {
        Dual {
            coefficients: std::array::from_fn(|m| if m == 0 { value.clone() } else { C::real(0.0) }),
            smoothness: Smooth,
        }
    }

    fn value(&self) -> &C {
        &self.coefficients[0]
    }

    /// Whether it depends on no εᵢ.
    fn is_constant(&self) -> bool {
        self.coefficients[1..].iter().all(|coefficient| *coefficient == C::real(0.0))
    }

    fn component_wise(&self, other: &Dual<C>, intrinsic: Intrinsic) -> Dual<C> {
        let one = |m: usize| C::call(intrinsic, &[self.coefficients[m].clone(), other.coefficients[m].clone()]);
        Dual { coefficients: std::array::from_fn(one), smoothness: self.smoothness.max(other.smoothness) }
    }

    fn times(&self, other: &Dual<C>) -> Dual<C> {
        let coefficient = |m: usize| {
            let parts = (0..1 << ORDERS).filter(|part| part & m == *part);
            let products = parts.map(|part| Terms::mul(&self.coefficients[part], &other.coefficients[m ^ part]));
            products.reduce(|sum, product| Terms::add(&sum, &product)).unwrap_or_else(|| C::real(0.0))
        };
        Dual { coefficients: std::array::from_fn(coefficient), smoothness: self.smoothness.max(other.smoothness) }
    }

    fn with_value(mut self, value: C) -> Dual<C> {
        self.coefficients[0] = value;
        self
    }

    /// `f(self)`, given f and its first three derivatives at the value: Taylor's formula, which is exact as n⁴ = 0 for n = self - value.
    fn composed(&self, [f, first, second, third]: [C; 4]) -> Dual<C> {
        if self.is_constant() {
            return Dual { smoothness: self.smoothness, ..Dual::constant(f) };
        }
        let n = self.clone().with_value(C::real(0.0));
        let square = n.times(&n);
        let cube = square.times(&n);
        let mut total = Dual::constant(f);
        for (power, derivative) in
            [(n, first), (square, Terms::times(0.5, &second)), (cube, Terms::div(&third, &C::real(6.0)))]
        {
            total = total.component_wise(&power.times(&Dual::constant(derivative)), Intrinsic::Add);
        }
        Dual { smoothness: self.smoothness, ..total }
    }

    /// Whether two numbers are equal and do not remain so nearby, or one is not a number at all, which comparisons hide.
    fn crosses(&self, other: &Dual<C>) -> bool {
        let is_number = |number: &Dual<C>| number.value() == number.value();
        let equal = self.value() == other.value() && self.coefficients != other.coefficients;
        equal || !is_number(self) || !is_number(other)
    }

    fn marked(self, smoothness: Smoothness) -> Dual<C> {
        Dual { smoothness: self.smoothness.max(smoothness), ..self }
    }

    fn one(&self, intrinsic: Intrinsic) -> Dual<C> {
        self.composed(derivatives(intrinsic, self.value()))
    }

    fn scaled(&self, factor: f64) -> Dual<C> {
        self.times(&Dual::constant(C::real(factor)))
    }

    fn reciprocal(&self) -> Dual<C> {
        let r = Terms::div(&C::real(1.0), self.value());
        self.composed([r.clone(), Terms::power(-1.0, &r, 2), Terms::power(2.0, &r, 3), Terms::power(-6.0, &r, 4)])
    }
}

/// A function of one number and its first three derivatives.
fn derivatives<C: Number>(intrinsic: Intrinsic, x: &C) -> [C; 4] {
    let call = |other: Intrinsic| Terms::one(other, x);
    let constant = |value: f64| C::real(value);
    let r = || Terms::div(&constant(1.0), x);
    match intrinsic {
        Intrinsic::Neg => [call(Intrinsic::Neg), constant(-1.0), constant(0.0), constant(0.0)],
        Intrinsic::Floor | Intrinsic::Ceil | Intrinsic::Trunc | Intrinsic::Round => {
            [call(intrinsic), constant(0.0), constant(0.0), constant(0.0)]
        }
        Intrinsic::Abs => {
            let sign = C::call(
                Intrinsic::Select,
                &[C::call(Intrinsic::Less, &[x.clone(), constant(0.0)]), constant(-1.0), constant(1.0)],
            );
            [call(Intrinsic::Abs), sign, constant(0.0), constant(0.0)]
        }
        Intrinsic::Sqrt => {
            let r = call(Intrinsic::Rsqrt);
            [call(Intrinsic::Sqrt), Terms::power(0.5, &r, 1), Terms::power(-0.25, &r, 3), Terms::power(0.375, &r, 5)]
        }
        Intrinsic::Rsqrt => {
            let r = call(Intrinsic::Rsqrt);
            [r.clone(), Terms::power(-0.5, &r, 3), Terms::power(0.75, &r, 5), Terms::power(-1.875, &r, 7)]
        }
        Intrinsic::Exp => std::array::from_fn(|_| call(Intrinsic::Exp)),
        Intrinsic::Exp2 => {
            let log = constant(std::f64::consts::LN_2);
            let value = call(Intrinsic::Exp2);
            std::array::from_fn(|order| Terms::mul(&value, &Terms::power(1.0, &log, order as u32)))
        }
        Intrinsic::Expm1 => {
            std::array::from_fn(|order| call(if order == 0 { Intrinsic::Expm1 } else { Intrinsic::Exp }))
        }
        Intrinsic::Log => [call(Intrinsic::Log), r(), Terms::power(-1.0, &r(), 2), Terms::power(2.0, &r(), 3)],
        Intrinsic::Log2 | Intrinsic::Log10 => {
            let scale = if intrinsic == Intrinsic::Log2 { std::f64::consts::LOG2_E } else { std::f64::consts::LOG10_E };
            let powers = |factor: f64, exponent| Terms::power(factor * scale, &r(), exponent);
            [call(intrinsic), powers(1.0, 1), powers(-1.0, 2), powers(2.0, 3)]
        }
        Intrinsic::Log1p => {
            let r = Terms::div(&constant(1.0), &Terms::add(&constant(1.0), x));
            [call(intrinsic), r.clone(), Terms::power(-1.0, &r, 2), Terms::power(2.0, &r, 3)]
        }
        Intrinsic::Sin => {
            let (sin, cos) = (call(Intrinsic::Sin), call(Intrinsic::Cos));
            [sin.clone(), cos.clone(), Terms::times(-1.0, &sin), Terms::times(-1.0, &cos)]
        }
        Intrinsic::Cos => {
            let (sin, cos) = (call(Intrinsic::Sin), call(Intrinsic::Cos));
            [cos.clone(), Terms::times(-1.0, &sin), Terms::times(-1.0, &cos), sin]
        }
        Intrinsic::Sinh | Intrinsic::Cosh => {
            let other = if intrinsic == Intrinsic::Sinh { Intrinsic::Cosh } else { Intrinsic::Sinh };
            [call(intrinsic), call(other), call(intrinsic), call(other)]
        }
        Intrinsic::Tan => tangent(call(Intrinsic::Tan), 1.0),
        Intrinsic::Tanh => tangent(call(Intrinsic::Tanh), -1.0),
        Intrinsic::Asin => arc_sine(call(Intrinsic::Asin), x, 1.0),
        Intrinsic::Acos => arc_sine(call(Intrinsic::Acos), x, -1.0),
        Intrinsic::Atan => {
            let square = Terms::mul(x, x);
            let r = Terms::div(&constant(1.0), &Terms::add(&constant(1.0), &square));
            let second = Terms::mul(&Terms::times(-2.0, x), &Terms::power(1.0, &r, 2));
            let numerator = Terms::add(&Terms::times(6.0, &square), &constant(-2.0));
            [call(Intrinsic::Atan), r.clone(), second, Terms::mul(&numerator, &Terms::power(1.0, &r, 3))]
        }
        Intrinsic::Add
        | Intrinsic::Sub
        | Intrinsic::Mul
        | Intrinsic::Div
        | Intrinsic::Min
        | Intrinsic::Max
        | Intrinsic::Atan2
        | Intrinsic::Pow
        | Intrinsic::Less
        | Intrinsic::LessEqual
        | Intrinsic::Equal
        | Intrinsic::NotEqual
        | Intrinsic::EqualIndex
        | Intrinsic::Select
        | Intrinsic::SelectIndex => unreachable!("{} takes more than one number", intrinsic.name()),
    }
}

/// The derivatives of t = tan and, for the sign -1, tanh: with w = 1 ± t² they are w, ±2 t w and ±2 w (w ± 2 t²).
fn tangent<C: Number>(value: C, sign: f64) -> [C; 4] {
    let square = Terms::mul(&value, &value);
    let first = Terms::add(&C::real(1.0), &Terms::times(sign, &square));
    let second = Terms::mul(&Terms::times(2.0 * sign, &value), &first);
    let sum = Terms::add(&first, &Terms::times(2.0 * sign, &square));
    let third = Terms::mul(&Terms::times(2.0 * sign, &first), &sum);
    [value, first, second, third]
}

/// The derivatives of ±asin: with u = 1/√(1 - x²) they are u, x u³ and u³ + 3 x² u⁵.
fn arc_sine<C: Number>(value: C, x: &C, sign: f64) -> [C; 4] {
    let square = Terms::mul(x, x);
    let u = Terms::one(Intrinsic::Rsqrt, &Terms::add(&C::real(1.0), &Terms::times(-1.0, &square)));
    let cube = Terms::power(sign, &u, 3);
    let third = Terms::add(&cube, &Terms::mul(&square, &Terms::power(3.0 * sign, &u, 5)));
    [value, Terms::power(sign, &u, 1), Terms::mul(x, &cube), third]
}

/// a^b: for a constant b by the derivatives of powers, so that a may be negative; else by exp(b · log a).
fn power<C: Number + PartialEq>(a: &Dual<C>, b: &Dual<C>) -> Dual<C> {
    let pow = |exponent: &C| C::call(Intrinsic::Pow, &[a.value().clone(), exponent.clone()]);
    let value = pow(b.value());
    if !b.is_constant() {
        let exponent = b.times(&a.one(Intrinsic::Log));
        let first = exponent.composed(std::array::from_fn(|_| value.clone()));
        return first.with_value(value);
    }
    let mut factor = C::real(1.0);
    let mut exponent = b.value().clone();
    a.composed(std::array::from_fn(|_| {
        let derivative = Terms::mul(&factor, &pow(&exponent));
        factor = Terms::mul(&factor, &exponent);
        exponent = Terms::add(&exponent, &C::real(-1.0));
        derivative
    }))
    .marked(b.smoothness)
}

/// The angle of (b, a): that of the quotient, up to a constant.
fn angle<C: Number + PartialEq>(a: &Dual<C>, b: &Dual<C>) -> Dual<C> {
    let value = C::call(Intrinsic::Atan2, &[a.value().clone(), b.value().clone()]);
    let (size_a, size_b) = (Terms::one(Intrinsic::Abs, a.value()), Terms::one(Intrinsic::Abs, b.value()));
    let flat = C::call(Intrinsic::LessEqual, &[size_a, size_b]) != C::real(0.0);
    let angle = if flat {
        a.times(&b.reciprocal()).one(Intrinsic::Atan)
    } else {
        b.times(&a.reciprocal()).one(Intrinsic::Atan).scaled(-1.0)
    };
    angle.with_value(value)
}

impl<C: Number + PartialEq> Number for Dual<C> {
    fn real(value: f64) -> Dual<C> {
        Dual::constant(C::real(value))
    }

    fn call(intrinsic: Intrinsic, arguments: &[Dual<C>]) -> Dual<C> {
        let a = &arguments[0];
        match intrinsic {
            Intrinsic::Add | Intrinsic::Sub => a.component_wise(&arguments[1], intrinsic),
            Intrinsic::Mul => a.times(&arguments[1]),
            Intrinsic::Div => {
                let value = C::call(Intrinsic::Div, &[a.value().clone(), arguments[1].value().clone()]);
                a.times(&arguments[1].reciprocal()).with_value(value)
            }
            Intrinsic::Pow => power(a, &arguments[1]),
            Intrinsic::Atan2 => angle(a, &arguments[1]),
            // Row numbers do not change nearby, but where the comparison that they come from does.
            Intrinsic::EqualIndex => {
                let b = &arguments[1];
                let truth = C::call(intrinsic, &[a.value().clone(), b.value().clone()]);
                Dual::constant(truth).marked(a.smoothness.max(b.smoothness))
            }
            Intrinsic::Less | Intrinsic::LessEqual | Intrinsic::Equal | Intrinsic::NotEqual => {
                let b = &arguments[1];
                let truth = C::call(intrinsic, &[a.value().clone(), b.value().clone()]);
                // What is continuous does not change the outcome nearby, kinks or not.
                let jumps = a.crosses(b) || a.smoothness.max(b.smoothness) == Jump;
                Dual::constant(truth).marked(if jumps { Jump } else { Smooth })
            }
            Intrinsic::Min | Intrinsic::Max => {
                let b = &arguments[1];
                let chosen = C::call(intrinsic, &[a.value().clone(), b.value().clone()]);
                let (chosen, other) = if chosen == *a.value() { (a, b) } else { (b, a) };
                let other = if other.smoothness == Jump { Jump } else { Smooth };
                chosen.clone().marked(if a.crosses(b) { Kink } else { Smooth }).marked(other)
            }
            Intrinsic::Select | Intrinsic::SelectIndex => {
                let chosen = if *a.value() == C::real(0.0) { &arguments[2] } else { &arguments[1] };
                chosen.clone().marked(a.smoothness)
            }
            Intrinsic::Abs => {
                let kink = if a.crosses(&Dual::real(0.0)) { Kink } else { Smooth };
                a.one(intrinsic).marked(kink)
            }
            Intrinsic::Floor | Intrinsic::Ceil | Intrinsic::Trunc | Intrinsic::Round => {
                let rounded = a.one(intrinsic);
                let jumps = rounded.value() == a.value() && !a.is_constant();
                rounded.marked(if jumps { Jump } else { Smooth })
            }
            _ => a.one(intrinsic),
        }
    }
}
