//! M, N and the batch axes of a call, from its inputs.

use keopsc_driver::failure::Problem;
use keopsc_runtime::manifest::{Role, Tensor};

use super::inputs::Input;

/// The extents that all tensors of a call share.
#[derive(Clone, Debug, PartialEq)]
pub struct Extents {
    rows_i: Option<i64>,
    rows_j: Option<i64>,
    batch: Vec<i64>,
}

impl Extents {
    /// The extents of these inputs, which must agree. `rows_i` and `rows_j` count where no input tells.
    pub fn new(inputs: &[Input], rows_i: Option<i64>, rows_j: Option<i64>) -> Result<Extents, Problem> {
        Ok(Extents {
            rows_i: rows(inputs, Role::I, "i", rows_i)?,
            rows_j: rows(inputs, Role::J, "j", rows_j)?,
            batch: batch(inputs)?,
        })
    }

    /// The shape of a result in the call: (batch…, rows, dim), or (batch…, dim).
    pub fn call_shape(&self, tensor: &Tensor) -> Result<Vec<i64>, Problem> {
        let mut shape = self.batch.clone();
        match tensor.role {
            Role::I => shape.push(known(self.rows_i, "i", "M", "--rows-i", tensor)?),
            Role::J => shape.push(known(self.rows_j, "j", "N", "--rows-j", tensor)?),
            Role::Parameter => {}
        }
        shape.push(i64::try_from(tensor.dim()).unwrap_or(i64::MAX));
        Ok(shape)
    }
}

fn known(rows: Option<i64>, index: &str, count: &str, flag: &str, tensor: &Tensor) -> Result<i64, Problem> {
    rows.ok_or_else(|| {
        let message =
            format!("no input tells {count}, the number of rows of `{}`: none has one row per {index}", tensor.name);
        Problem::new(message).with_help(format!("give it: `{flag} 100`"))
    })
}

fn rows(inputs: &[Input], role: Role, index: &str, given: Option<i64>) -> Result<Option<i64>, Problem> {
    let mut told: Option<(&str, i64)> = None;
    for input in inputs.iter().filter(|input| input.tensor.role == role) {
        let rows = input.shape[input.shape.len() - 2];
        match told {
            Some((name, other)) if other != rows => {
                return Err(Problem::new(format!(
                    "`{name}` has {other} rows and `{}` has {rows}, but both have one row per {index}",
                    input.tensor.name
                )));
            }
            _ => told = Some((&input.tensor.name, rows)),
        }
    }
    match (told, given) {
        (Some((name, rows)), Some(given)) if rows != given => {
            Err(Problem::new(format!("`--rows-{index}` says {given}, but `{name}` has {rows} rows")))
        }
        (Some((_, rows)), _) => Ok(Some(rows)),
        (None, given) => Ok(given),
    }
}

/// The batch axes of all inputs, broadcast as NumPy does.
fn batch(inputs: &[Input]) -> Result<Vec<i64>, Problem> {
    let own = inputs.iter().map(|input| {
        let trailing = if input.tensor.role == Role::Parameter { 1 } else { 2 };
        (&input.tensor.name, &input.shape[..input.shape.len() - trailing])
    });
    let mut batch: Vec<i64> = Vec::new();
    for (name, axes) in own {
        let missing = axes.len().saturating_sub(batch.len());
        batch.splice(..0, std::iter::repeat_n(1, missing));
        let offset = batch.len() - axes.len();
        for (common, own) in batch[offset..].iter_mut().zip(axes) {
            match (*common, *own) {
                (common, own) if common == own || own == 1 => {}
                (1, own) => *common = own,
                (other, own) => {
                    return Err(Problem::new(format!(
                        "the batch axes of `{name}` have the extent {own} where other inputs have {other}"
                    )));
                }
            }
        }
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use keopsc_runtime::manifest::{Dtype, Kind};

    use super::*;
    use crate::arrays::convert::Buffer;

    fn tensor(name: &str, role: Role) -> Tensor {
        Tensor { name: name.to_owned(), kind: Kind::Input, role, shape: vec![3], dtype: Dtype::F32, gradient_of: None }
    }

    fn input(name: &str, role: Role, shape: &[i64]) -> Input {
        Input { tensor: tensor(name, role), buffer: Buffer::F32(vec![]), shape: shape.to_vec() }
    }

    #[test]
    fn extents_come_from_the_inputs() {
        let inputs =
            [input("x", Role::I, &[5, 1, 10, 3]), input("y", Role::J, &[4, 20, 3]), input("p", Role::Parameter, &[3])];
        let extents = Extents::new(&inputs, None, Some(20)).unwrap();
        assert_eq!(extents.call_shape(&tensor("a", Role::I)), Ok(vec![5, 4, 10, 3]));
        assert_eq!(extents.call_shape(&tensor("a", Role::J)), Ok(vec![5, 4, 20, 3]));
        assert_eq!(extents.call_shape(&tensor("a", Role::Parameter)), Ok(vec![5, 4, 3]));
    }

    #[test]
    fn extents_that_do_not_agree_are_refused() {
        let message = |inputs: &[Input], rows_i| Extents::new(inputs, rows_i, None).unwrap_err().message;
        let (x, z) = (|| input("x", Role::I, &[2, 10, 3]), || input("z", Role::I, &[11, 3]));
        assert_eq!(message(&[x(), z()], None), "`x` has 10 rows and `z` has 11, but both have one row per i");
        assert_eq!(message(&[x()], Some(7)), "`--rows-i` says 7, but `x` has 10 rows");
        let y = input("y", Role::J, &[3, 10, 3]);
        assert_eq!(message(&[x(), y], None), "the batch axes of `y` have the extent 3 where other inputs have 2");
        let extents = Extents::new(&[], None, None).unwrap();
        assert_eq!(
            extents.call_shape(&tensor("a", Role::I)).unwrap_err().to_string(),
            "error: no input tells M, the number of rows of `a`: none has one row per i\n  = help: give it: `--rows-i 100`"
        );
    }
}
