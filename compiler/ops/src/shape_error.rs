//! Why an operation or a reduction cannot be applied to arguments of these dimensions.

use std::fmt;

use crate::signature::Numbers;

/// Arguments that do not fit a signature. Displays as one sentence in the user's words.
#[derive(Clone, Debug, PartialEq)]
pub enum ShapeError {
    /// Too few or too many arguments or parameters.
    ArgumentCount {
        /// The row's name.
        function: &'static str,
        /// Its signature.
        signature: &'static str,
        /// How many formula arguments were given.
        arguments: usize,
        /// How many integer parameters were given.
        parameters: usize,
    },
    /// Dimensions that do not go together.
    DimensionConflict {
        /// The row's name.
        function: &'static str,
        /// Its signature.
        signature: &'static str,
        /// Name, pattern and given dimension of each argument.
        given: Vec<(String, String, u32)>,
    },
    /// An integer parameter out of its range.
    Parameter {
        /// The row's name.
        function: &'static str,
        /// The parameter's name.
        parameter: String,
        /// Its value.
        value: i64,
        /// The smallest value allowed.
        low: Option<i64>,
        /// The largest value allowed.
        high: Option<i64>,
        /// Which of the values between are allowed.
        numbers: Numbers,
    },
    /// Arguments and parameters that do not fit for a reason of the row's own.
    Unfit {
        /// The row's name.
        function: &'static str,
        /// What does not fit, in one sentence.
        message: String,
    },
    /// A result with too many components.
    TooLarge {
        /// The row's name.
        function: &'static str,
        /// How many it may have.
        limit: u32,
    },
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShapeError::ArgumentCount { function, signature, arguments, parameters } => {
                write!(f, "`{function}` takes other arguments: `{signature}`; given are {arguments} formula")?;
                write!(f, "{}", if *arguments == 1 { "" } else { "s" })?;
                write!(f, " and {parameters} integer{}", if *parameters == 1 { "" } else { "s" })
            }
            ShapeError::DimensionConflict { function, signature, given } => {
                write!(f, "dimensions do not fit `{signature}`: `{function}` is given ")?;
                for (number, (name, pattern, dim)) in given.iter().enumerate() {
                    let comma = if number == 0 { "" } else { ", " };
                    write!(f, "{comma}`{name}` of dimension {dim} for `{pattern}`")?;
                }
                Ok(())
            }
            ShapeError::Parameter { function, parameter, value, low, high, numbers: Numbers::Halves } => {
                let value = if value % 2 == 0 { (value / 2).to_string() } else { format!("{value}/2") };
                write!(f, "`{parameter}` of `{function}` is {value}, but has to be {}", halves(*low, *high))
            }
            ShapeError::Parameter { function, parameter, value, low, high, .. } => {
                write!(f, "`{parameter}` of `{function}` is {value}, but has to be ")?;
                match (low, high) {
                    (Some(low), Some(high)) => write!(f, "from {low} to {high}"),
                    (Some(low), None) => write!(f, "at least {low}"),
                    (None, Some(high)) => write!(f, "at most {high}"),
                    (None, None) => f.write_str("different from 0"),
                }
            }
            ShapeError::Unfit { function, message } => write!(f, "`{function}` cannot be applied here: {message}"),
            ShapeError::TooLarge { function, limit } => {
                write!(f, "the result of `{function}` has more than {limit} components")
            }
        }
    }
}

/// The allowed values of a parameter that counts halves, in words.
pub(crate) fn halves(low: Option<i64>, high: Option<i64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("one of {low}/2, {}/2, … {high}/2", low.saturating_add(2)),
        (Some(low), None) => format!("one of {low}/2, {}/2, …", low.saturating_add(2)),
        _ => "half of an odd integer".to_owned(),
    }
}

impl std::error::Error for ShapeError {}
