//! Laws of simplification: a formula of one shape may be replaced by one of another, under conditions, at a stated price in accuracy.
//!
//! ```text
//! Law::exact("Sqrt(Square(a))", "Abs(a)")
//! Law::exact("Abs(a)", "a").when(&["nonnegative(a)"])
//! Law::rounding("Exp(a) * Exp(b)", "Exp(a + b)").when(&["rounded(a)", "rounded(b)"]).tried()
//! ```
//!
//! Lower-case names match any formula, the same one wherever it stands, but `c` and `d` constants only; a literal matches that constant, and a
//! vector all of whose components it is; in the place of a parameter a name matches its value.

/// A law: formulas of the shape `left` may be replaced by `right`.
#[derive(Clone, Copy, Debug)]
pub struct Law {
    /// The pattern.
    pub left: &'static str,
    /// What replaces it.
    pub right: &'static str,
    /// What has to hold of the formulas that the names stand for, see [`Condition`](super::Condition).
    pub when: &'static [&'static str],
    /// What it does to the result's accuracy.
    pub accuracy: Accuracy,
    /// When it is applied.
    pub pays: Pays,
}

/// What a law does to the accuracy of a result. But for loose ones, a finite result stays finite, and what is NaN stays so; what overflows on the way
/// only may become a number. What is smaller than the smallest normal number counts as lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accuracy {
    /// The same bits for finite values, but for the sign of zeros.
    Exact,
    /// The error is at most this many times the bound on the error of `left`.
    Rounding(u32),
    /// Cancellation or overflow may cost everything: applied only where `numerics algebra = fast` asks for it.
    Loose,
}

/// When a law is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pays {
    /// Wherever its left side stands.
    Always,
    /// Where it makes the whole program cheaper.
    Tried,
}

impl Law {
    /// A law whose sides agree bit by bit.
    pub const fn exact(left: &'static str, right: &'static str) -> Law {
        Law::of(left, right, Accuracy::Exact)
    }

    /// A law whose right side's error is at most four times the bound of the left side's.
    pub const fn rounding(left: &'static str, right: &'static str) -> Law {
        Law::of(left, right, Accuracy::Rounding(4))
    }

    /// A law that may cost any accuracy.
    pub const fn loose(left: &'static str, right: &'static str) -> Law {
        Law::of(left, right, Accuracy::Loose)
    }

    const fn of(left: &'static str, right: &'static str, accuracy: Accuracy) -> Law {
        Law { left, right, when: &[], accuracy, pays: Pays::Always }
    }

    /// The same under conditions.
    pub const fn when(self, when: &'static [&'static str]) -> Law {
        Law { when, ..self }
    }

    /// The same, kept only where the whole program gets cheaper.
    pub const fn tried(self) -> Law {
        Law { pays: Pays::Tried, ..self }
    }

    /// What it is called where laws are counted or switched off: `a + 0 -> a`.
    pub fn name(&self) -> String {
        let when = if self.when.is_empty() { String::new() } else { format!(" if {}", self.when.join(", ")) };
        format!("{} -> {}{when}", self.left, self.right)
    }
}
