//! Products of tensors whose axes are given by lists: written as transpositions of neighbouring axes and one matrix product.
//!
//! ```text
//! TensorDot(f, g, [2, 3], [3, 4], [1], [0])   =>   MatMatMult(f, g, 3)                            f is 2 × 3, g is 3 × 4
//! Kron(f, g, [2, 2], [2, 2])                  =>   Transpose(MatMatMult(f, g, 1), 2, 2, 2)        f and g are 2 × 2
//! ```
//!
//! Tensors are row-major vectors. Transpositions only rename components, so they cost nothing where they are used.

use super::{Operation, Value, Written};

const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "TensorDot",
        aliases: &["keops_tensordot", "tensordot"],
        signature: "TensorDot(f: n, g: m, dimsf: list, dimsg: list, contf: list, contg: list, permute: list = []) -> dim",
        value: Value::Written(tensor_dot),
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The product of a tensor `f` with the extents `dimsf` and a tensor `g` with the extents `dimsg`, summed over the axes `contf` of \
              `f` and `contg` of `g` in pairs. The axes left of `f`, then those of `g`, are those of the result; number `k` of them goes to \
              place `permute[k]`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Kron",
        aliases: &["kron"],
        signature: "Kron(f: n, g: m, dimsf: list, dimsg: list) -> n*m",
        value: Value::Written(kronecker),
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The Kronecker product of tensors with the extents `dimsf` and `dimsg`, equally many, as `numpy.kron` has it.",
        ..Operation::EMPTY
    },
];

/// The parameters of `TensorDot`: extents of both factors, axes that are summed over, places of the result's axes.
fn tensor_dot(dims: &[u32], lists: &[&[i64]]) -> Result<Written, String> {
    let &[extents_f, extents_g, contracted_f, contracted_g, permutation] = lists else {
        return Err("it takes five lists".to_owned());
    };
    let f = Tensor::new("f", "dimsf", dims[0], extents_f)?;
    let g = Tensor::new("g", "dimsg", dims[1], extents_g)?;
    let (sum_f, sum_g) = (f.axes("contf", contracted_f)?, g.axes("contg", contracted_g)?);
    let summed: Vec<u64> = sum_f.iter().map(|&axis| f.extents[axis]).collect();
    let opposite: Vec<u64> = sum_g.iter().map(|&axis| g.extents[axis]).collect();
    if summed != opposite {
        return Err(format!("the axes summed over have the extents {summed:?} in `f` and {opposite:?} in `g`"));
    }
    let (kept_f, kept_g) = (f.without(&sum_f), g.without(&sum_g));
    let f = f.transposed(&[kept_f.as_slice(), &sum_f].concat());
    let g = g.transposed(&[sum_g.as_slice(), &kept_g].concat());
    let extents = [&f.extents[..kept_f.len()], &g.extents[sum_g.len()..]].concat();
    let inner: u64 = summed.iter().product();
    let product = Tensor { formula: format!("MatMatMult({}, {}, {inner})", f.formula, g.formula), extents };
    let places: Vec<i64> = match permutation {
        [] => (0..).take(product.extents.len()).collect(),
        places => places.to_vec(),
    };
    product.placed("permute", &places)?.written()
}

/// Axis `k` of the result is made of axis `k` of `f` and axis `k` of `g`.
fn kronecker(dims: &[u32], lists: &[&[i64]]) -> Result<Written, String> {
    let &[extents_f, extents_g] = lists else {
        return Err("it takes two lists".to_owned());
    };
    if extents_f.len() != extents_g.len() {
        return Err(format!("`dimsf` has {} extents and `dimsg` {}", extents_f.len(), extents_g.len()));
    }
    let f = Tensor::new("f", "dimsf", dims[0], extents_f)?;
    let g = Tensor::new("g", "dimsg", dims[1], extents_g)?;
    let count = extents_f.len();
    let product = Tensor { formula: "MatMatMult(f, g, 1)".to_owned(), extents: [f.extents, g.extents].concat() };
    let order: Vec<usize> = (0..count).flat_map(|axis| [axis, count + axis]).collect();
    product.transposed(&order).written()
}

/// A formula whose components are those of a tensor, row-major.
struct Tensor {
    formula: String,
    extents: Vec<u64>,
}

impl Tensor {
    /// The argument `name` of `dim` components with the extents of the list called `list`.
    fn new(name: &str, list: &str, dim: u32, extents: &[i64]) -> Result<Tensor, String> {
        let extents: Option<Vec<u64>> =
            extents.iter().map(|&extent| u64::try_from(extent).ok().filter(|extent| *extent > 0)).collect();
        let extents = extents.ok_or_else(|| format!("`{list}` has an extent below 1"))?;
        let product = extents.iter().try_fold(1u64, |product, &extent| product.checked_mul(extent));
        match product == Some(u64::from(dim)) {
            true => Ok(Tensor { formula: name.to_owned(), extents }),
            false => Err(format!("the extents {extents:?} of `{list}` do not make the {dim} components of `{name}`")),
        }
    }

    /// The axes of a list, each once.
    fn axes(&self, list: &str, numbers: &[i64]) -> Result<Vec<usize>, String> {
        let mut axes = Vec::with_capacity(numbers.len());
        for &number in numbers {
            let axis = usize::try_from(number).ok().filter(|axis| *axis < self.extents.len());
            let axis = axis.ok_or_else(|| {
                format!("`{list}` names axis {number}, but the {} axes are counted from 0", self.extents.len())
            })?;
            if axes.contains(&axis) {
                return Err(format!("`{list}` names axis {axis} twice"));
            }
            axes.push(axis);
        }
        Ok(axes)
    }

    /// The axes that are not among these.
    fn without(&self, axes: &[usize]) -> Vec<usize> {
        (0..self.extents.len()).filter(|axis| !axes.contains(axis)).collect()
    }

    /// The tensor with its axes in that order. Axes are moved to the front of those that follow, one after the other.
    fn transposed(mut self, order: &[usize]) -> Tensor {
        let mut axes: Vec<usize> = (0..self.extents.len()).collect();
        for (place, &wanted) in order.iter().enumerate() {
            let Some(distance) = axes[place..].iter().position(|&axis| axis == wanted) else { continue };
            let end = place + distance;
            let (before, rows): (u64, u64) =
                (self.extents[..place].iter().product(), self.extents[place..end].iter().product());
            let columns = self.extents[end];
            if rows > 1 && columns > 1 {
                self.formula = format!("Transpose({}, {before}, {rows}, {columns})", self.formula);
            }
            axes[place..=end].rotate_right(1);
            self.extents[place..=end].rotate_right(1);
        }
        self
    }

    /// The tensor whose axis number `places[k]` is this one's axis `k`.
    fn placed(self, list: &str, places: &[i64]) -> Result<Tensor, String> {
        let places = self.axes(list, places)?;
        if places.len() != self.extents.len() {
            return Err(format!("`{list}` has {} places for {} axes", places.len(), self.extents.len()));
        }
        let mut order = vec![0; places.len()];
        for (axis, place) in places.into_iter().enumerate() {
            order[place] = axis;
        }
        Ok(self.transposed(&order))
    }

    fn written(self) -> Result<Written, String> {
        let dim = self.extents.iter().try_fold(1u64, |product, &extent| product.checked_mul(extent));
        let dim = dim.and_then(|dim| u32::try_from(dim).ok()).ok_or("the result has too many components")?;
        Ok(Written { formula: self.formula, dim })
    }
}
