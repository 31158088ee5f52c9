//! `x=x.npy`, `sigma=0.5`: the arrays of a call, read, shaped and converted as the manifest asks.

use std::path::Path;

use keopsc_driver::failure::Problem;
use keopsc_runtime::loader::{Entry, Library};
use keopsc_runtime::manifest::{Role, Tensor};

use super::requests::{is_identifier, tensor_names, unknown};
use crate::arguments::Run;
use crate::arrays::convert::{Buffer, Refusal, Rounding, convert};
use crate::arrays::{self, Array, Elements, Written, shape_text};
use crate::formula::{read_file, read_stdin};

/// The `name=path` words of the command line.
pub struct Inputs<'a> {
    words: Vec<(&'a str, &'a str)>,
}

/// An array, ready for a call.
pub struct Input {
    /// What the manifest says about it.
    pub tensor: Tensor,
    /// The elements.
    pub buffer: Buffer,
    /// (batch…, rows, dim), or (batch…, dim) for a parameter.
    pub shape: Vec<i64>,
}

impl<'a> Inputs<'a> {
    /// Splits the words.
    pub fn parse(words: &'a [String]) -> Result<Inputs<'a>, Problem> {
        let mut split = Vec::new();
        for word in words {
            let parts = word.split_once('=').filter(|(name, value)| is_identifier(name) && !value.is_empty());
            let (name, value) = parts.ok_or_else(|| {
                Problem::new(format!("`{word}` gives no input"))
                    .with_help("inputs are written `name=path`: `x=points.npy`")
            })?;
            if split.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Problem::new(format!("the input `{name}` is given twice")));
            }
            split.push((name, value));
        }
        Ok(Inputs { words: split })
    }

    /// Refuses names that no function of the library takes.
    pub fn check_names(&self, library: &Library) -> Result<(), Problem> {
        let names = tensor_names(library, |tensor| !tensor.is_output());
        match self.words.iter().find(|(name, _)| !names.iter().any(|known| known == name)) {
            Some((name, _)) => Err(unknown("input", name, &names)),
            None => Ok(()),
        }
    }

    /// The inputs of one function, in its order.
    pub fn read(&self, entry: &Entry<'_>, arguments: &Run) -> Result<Vec<Input>, Problem> {
        let tensors: Vec<&Tensor> = entry.description().tensors.iter().filter(|tensor| !tensor.is_output()).collect();
        let missing: Vec<String> =
            tensors.iter().filter(|tensor| self.value(tensor).is_none()).map(|tensor| described(tensor)).collect();
        if !missing.is_empty() {
            let what = if missing.len() == 1 { "an input is" } else { "inputs are" };
            return Err(Problem::new(format!("{what} missing: {}", missing.join(", ")))
                .with_help("inputs are written `name=path` after the formula: `x=points.npy`"));
        }
        let rounding = if arguments.allow_rounding { Rounding::Allowed } else { Rounding::Refused };
        tensors.iter().map(|tensor| read(tensor, self.value(tensor).unwrap_or_default(), rounding)).collect()
    }

    fn value(&self, tensor: &Tensor) -> Option<&'a str> {
        self.words.iter().find(|(name, _)| *name == tensor.name).map(|(_, value)| *value)
    }
}

/// `x (M x 3)`
fn described(tensor: &Tensor) -> String {
    format!("{} {}", tensor.name, wanted_shape(tensor))
}

fn wanted_shape(tensor: &Tensor) -> String {
    let dim = tensor.dim();
    match tensor.role {
        Role::I => format!("(M, {dim})"),
        Role::J => format!("(N, {dim})"),
        Role::Parameter => format!("({dim},)"),
    }
}

fn read(tensor: &Tensor, value: &str, rounding: Rounding) -> Result<Input, Problem> {
    let array = match numbers(value) {
        Some(array) => array,
        None => {
            let bytes = if value == "-" { read_stdin()? } else { read_file(Path::new(value))? };
            arrays::read(&bytes).map_err(|reason| Problem::new(format!("cannot read `{value}`: {reason}")))?
        }
    };
    let shape = call_shape(&array, tensor).ok_or_else(|| wrong_shape(&array, tensor, value))?;
    let type_name = type_name(&array);
    let count = shape.iter().product::<i64>();
    let buffer =
        convert(array, tensor.dtype, rounding).map_err(|refusal| refused(refusal, tensor, value, &type_name, count))?;
    Ok(Input { tensor: tensor.clone(), buffer, shape })
}

fn type_name(array: &Array) -> String {
    match &array.written {
        Written::Text => "text".to_owned(),
        Written::Binary(name) => name.clone(),
    }
}

/// `0.5` or `1,2,3` as an array of numbers.
fn numbers(value: &str) -> Option<Array> {
    let numbers: Vec<f64> = value.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    Some(Array { shape: vec![numbers.len()], elements: Elements::F64(numbers), written: Written::Text })
}

/// The array's shape as a call wants it, if it fits.
fn call_shape(array: &Array, tensor: &Tensor) -> Option<Vec<i64>> {
    let dim = usize::try_from(tensor.dim()).ok()?;
    let inner: Vec<usize> = tensor.shape.iter().map(|extent| *extent as usize).collect();
    let shape = &array.shape[..];
    let fitted: Vec<usize> = match (tensor.role, shape) {
        // Rows of several axes, such as K x dim.
        (_, shape) if inner.len() > 1 && shape.ends_with(&inner) => {
            [&shape[..shape.len() - inner.len()], &[dim]].concat()
        }
        (Role::Parameter, []) if dim == 1 => vec![1],
        (Role::Parameter, [1, last]) if *last == dim => vec![dim],
        // A column of numbers.
        (Role::Parameter, [rows, 1]) if array.is_text() && *rows == dim => vec![dim],
        (Role::Parameter, [.., last]) if *last == dim => shape.to_vec(),
        (Role::I | Role::J, [rows]) if dim == 1 => vec![*rows, 1],
        (Role::I | Role::J, [.., _, last]) if *last == dim => shape.to_vec(),
        // An empty table does not know its columns.
        (Role::I | Role::J, [0, 0]) if array.is_text() => vec![0, dim],
        _ => return None,
    };
    fitted.into_iter().map(|extent| i64::try_from(extent).ok()).collect()
}

fn wrong_shape(array: &Array, tensor: &Tensor, value: &str) -> Problem {
    Problem::new(format!(
        "`{}` needs an array of shape {}, and `{value}` has {}",
        tensor.name,
        wanted_shape(tensor),
        shape_text(&array.shape)
    ))
}

fn refused(refusal: Refusal, tensor: &Tensor, value: &str, type_name: &str, count: i64) -> Problem {
    let wanted = tensor.dtype.name();
    let (name, what) = (&tensor.name, format!("`{value}` holds {type_name}"));
    match refusal {
        Refusal::Complex => Problem::new(format!(
            "{what} and `{name}` is {wanted}: complex numbers do not become real ones"
        ))
        .with_help("declare it with `dtype=c64` or `dtype=c128`, or save `array.real`, `array.imag` or `abs(array)`"),
        Refusal::Rounded(rounded) => {
            Problem::new(format!("{what} and `{name}` is {wanted}: {rounded} of {count} numbers would be rounded"))
                .with_help("compute in their type with `--dtype f64`, or accept the rounding with `--allow-rounding`")
        }
        Refusal::Overflowed(overflowed) => Problem::new(format!(
            "{what} and `{name}` is {wanted}: {overflowed} of {count} numbers are beyond its range"
        ))
        .with_help("compute in a wider type: `--dtype f64`"),
    }
}

#[cfg(test)]
mod tests {
    use keopsc_runtime::manifest::{Dtype, Kind};

    use super::*;

    fn fitted(role: Role, inner: &[u32], shape: &[usize], is_text: bool) -> Option<Vec<i64>> {
        let written = if is_text { Written::Text } else { Written::Binary("float32".to_owned()) };
        let tensor = Tensor {
            name: "x".to_owned(),
            kind: Kind::Input,
            role,
            shape: inner.to_vec(),
            dtype: Dtype::F32,
            gradient_of: None,
        };
        call_shape(&Array { shape: shape.to_vec(), elements: Elements::F32(vec![]), written }, &tensor)
    }

    #[test]
    fn shapes_that_fit_and_shapes_that_do_not() {
        assert_eq!(fitted(Role::I, &[3], &[10, 3], false), Some(vec![10, 3]));
        assert_eq!(fitted(Role::I, &[3], &[2, 10, 3], false), Some(vec![2, 10, 3]));
        assert_eq!(fitted(Role::J, &[1], &[10], false), Some(vec![10, 1]));
        assert_eq!(fitted(Role::J, &[3], &[30], false), None);
        assert_eq!(fitted(Role::J, &[3], &[3, 10], false), None);
        assert_eq!(fitted(Role::J, &[3], &[], false), None);
        assert_eq!(fitted(Role::I, &[2, 3], &[10, 2, 3], false), Some(vec![10, 6]));
        assert_eq!(fitted(Role::I, &[2, 3], &[10, 6], false), Some(vec![10, 6]));
        assert_eq!(fitted(Role::I, &[3], &[0, 0], true), Some(vec![0, 3]));
        assert_eq!(fitted(Role::Parameter, &[1], &[], false), Some(vec![1]));
        assert_eq!(fitted(Role::Parameter, &[3], &[3], false), Some(vec![3]));
        assert_eq!(fitted(Role::Parameter, &[3], &[1, 3], false), Some(vec![3]));
        assert_eq!(fitted(Role::Parameter, &[3], &[3, 1], true), Some(vec![3]));
        assert_eq!(fitted(Role::Parameter, &[3], &[3, 1], false), None);
        assert_eq!(fitted(Role::Parameter, &[3], &[5, 3], false), Some(vec![5, 3]));
        assert_eq!(fitted(Role::Parameter, &[3], &[4], false), None);
    }

    #[test]
    fn numbers_may_stand_on_the_command_line() {
        assert_eq!(numbers("0.5").map(|array| array.shape), Some(vec![1]));
        assert_eq!(numbers("1,-2e3, 3").map(|array| array.elements), Some(Elements::F64(vec![1.0, -2000.0, 3.0])));
        assert_eq!(numbers("x.npy"), None);
        assert_eq!(numbers("1,"), None);
    }
}
