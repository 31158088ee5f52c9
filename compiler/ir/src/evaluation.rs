//! What both interpreters read and return: rows of numbers, and why they could not be computed.

use std::fmt;

use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Number;

use crate::types::{Axis, Role};

/// A matrix, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<N = f64> {
    /// Components a row.
    pub dim: usize,
    /// `rows × dim` numbers.
    pub values: Vec<N>,
}

impl<N: Number> Array<N> {
    /// A matrix of zeros.
    pub fn zeros(rows: usize, dim: usize) -> Array<N> {
        Array { dim, values: vec![N::real(0.0); rows * dim] }
    }

    /// One row.
    pub fn row(&self, number: usize) -> &[N] {
        &self.values[number * self.dim..(number + 1) * self.dim]
    }

    /// One row, to be written.
    pub fn row_mut(&mut self, number: usize) -> &mut [N] {
        &mut self.values[number * self.dim..(number + 1) * self.dim]
    }
}

impl<N: Number> Array<N> {
    /// Adds `values` to each row whose number is among `numbers`.
    pub fn scatter(&mut self, numbers: &[N], values: &[N]) {
        for row in 0..self.values.len() / self.dim.max(1) {
            for number in numbers {
                let is_chosen = N::call(Intrinsic::EqualIndex, &[number.clone(), N::real(row as f64)]);
                for (sum, value) in self.row_mut(row).iter_mut().zip(values) {
                    let part = N::call(Intrinsic::Select, &[is_chosen.clone(), value.clone(), N::real(0.0)]);
                    *sum = N::call(Intrinsic::Add, &[sum.clone(), part]);
                }
            }
        }
    }
}

/// How many values the indices have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Values of i, `M`.
    pub i: usize,
    /// Values of j, `N`.
    pub j: usize,
}

impl Sizes {
    /// Values of an index.
    pub fn of(self, axis: Axis) -> usize {
        match axis {
            Axis::I => self.i,
            Axis::J => self.j,
        }
    }

    /// Rows of a tensor of that role; one a pair for `Pair`.
    pub fn rows(self, role: Role) -> usize {
        match role {
            Role::Parameter => 1,
            Role::I => self.i,
            Role::J => self.j,
            Role::Pair => self.i * self.j,
        }
    }
}

/// A pair, or as much of it as matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The value of i.
    pub i: usize,
    /// The value of j.
    pub j: usize,
}

impl Position {
    /// The row of a tensor of role `rows` that `row` is, at the value `column` of the index `over`.
    pub fn new(rows: Role, row: usize, over: Axis, column: usize) -> Position {
        let i = if over == Axis::I {
            column
        } else if rows == Role::I {
            row
        } else {
            0
        };
        let j = if over == Axis::J {
            column
        } else if rows == Role::J {
            row
        } else {
            0
        };
        Position { i, j }
    }

    /// The value of an index.
    pub fn of(self, axis: Axis) -> usize {
        match axis {
            Axis::I => self.i,
            Axis::J => self.j,
        }
    }

    /// The row of a tensor of that role; 0 for pairs, which are held one at a time.
    pub fn row(self, role: Role) -> usize {
        match role {
            Role::I => self.i,
            Role::J => self.j,
            Role::Parameter | Role::Pair => 0,
        }
    }
}

/// Why something could not be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub enum EvaluationError {
    /// Too few or too many arrays.
    InputCount {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// An array whose length is not rows × components.
    InputLength {
        /// The input.
        name: String,
        /// How long it should be.
        expected: usize,
        /// How long it is.
        found: usize,
    },
    /// Something that this interpreter does not evaluate.
    Unsupported(String),
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EvaluationError::InputCount { expected, found } => {
                write!(f, "{expected} input arrays are needed, but {found} were given")
            }
            EvaluationError::InputLength { name, expected, found } => {
                write!(f, "input `{name}` needs {expected} numbers (rows × components), but {found} were given")
            }
            EvaluationError::Unsupported(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for EvaluationError {}

/// An input's name, role and components.
pub(crate) type Declaration<'a> = (&'a str, Role, u32);

/// The arrays of inputs, with their lengths checked.
pub(crate) fn bind<N: Number>(
    declarations: &[Declaration],
    sizes: Sizes,
    inputs: &[Vec<N>],
) -> Result<Vec<Array<N>>, EvaluationError> {
    if inputs.len() != declarations.len() {
        return Err(EvaluationError::InputCount { expected: declarations.len(), found: inputs.len() });
    }
    let bind = |(&(name, role, dim), values): (&Declaration, &Vec<N>)| {
        let expected = sizes.rows(role) * dim as usize;
        if values.len() != expected {
            let (name, found) = (name.to_string(), values.len());
            return Err(EvaluationError::InputLength { name, expected, found });
        }
        Ok(Array { dim: dim as usize, values: values.clone() })
    };
    declarations.iter().zip(inputs).map(bind).collect()
}
