//! Words of recipes that stand for longer text: names for expressions, and polynomials.
//!
//! ```text
//! where(t * poly(w, 1, 1/6, 1/120), t = abs(f[k]), w = t*t)   ─▶   abs(f[k]) * (1 + abs(f[k])*abs(f[k]) * (1/6 + …))
//! ```

use keopsc_grammar::syntax::{Expr, Keyword};

use super::{Lowered, Scope, call};
use crate::intrinsics::{Intrinsic, Kind};
use crate::scalar::Scalar;

impl<V: Clone> Scope<'_, V> {
    /// `where(body, name = value, …)`: the body with names replaced by what they stand for.
    pub(super) fn lower_where(&mut self, arguments: &[Expr], keywords: &[Keyword]) -> Lowered<V> {
        let [body] = arguments else {
            return Err("`where` takes one body, then names with what they stand for".to_owned());
        };
        let outer = self.meanings.len();
        for Keyword { name, value } in keywords {
            let (scalar, kind) = self.lower(value)?;
            self.meanings.push((name.text.clone(), scalar, kind));
        }
        let lowered = self.lower(body);
        self.meanings.truncate(outer);
        lowered
    }

    /// `poly(x, c0, c1, …)`: the polynomial with these coefficients.
    pub(super) fn lower_polynomial(&mut self, variable: &Expr, coefficients: &[Expr]) -> Lowered<V> {
        let coefficients = coefficients.iter().map(|coefficient| self.real(coefficient)).collect::<Result<_, _>>()?;
        horner(&self.real(variable)?, coefficients)
    }

    /// `series(x, r1, r2, …)`: the polynomial whose first coefficient is 1 and each further one the last one times a ratio.
    pub(super) fn lower_series(&mut self, variable: &Expr, ratios: &[Expr]) -> Lowered<V> {
        let mut coefficients = vec![Scalar::Constant(1.0)];
        for ratio in ratios {
            let last = coefficients[coefficients.len() - 1].clone();
            let next = call(Intrinsic::Mul, vec![(last, Kind::Real), (self.real(ratio)?, Kind::Real)])?;
            coefficients.push(next.0);
        }
        horner(&self.real(variable)?, coefficients)
    }
}

/// The polynomial with these coefficients by Horner's rule, which back ends make a chain of fused multiply-adds.
fn horner<V: Clone>(variable: &Scalar<V>, mut coefficients: Vec<Scalar<V>>) -> Lowered<V> {
    let last = coefficients.pop().ok_or("a polynomial has at least one coefficient")?;
    coefficients.into_iter().rev().try_fold((last, Kind::Real), |value, coefficient| {
        let product = call(Intrinsic::Mul, vec![(variable.clone(), Kind::Real), value])?;
        call(Intrinsic::Add, vec![(coefficient, Kind::Real), product])
    })
}
