//! Sums that are a second matrix product: over columns, of a scalar of each pair, its *factor*, times the components of a column.
//!
//! ```text
//! pair v4[1] = exp(-v3)         the factors of a tile of pairs: rows × columns
//! pair v5[64] = v2[k] * v4      is not computed
//! accumulate a0 = Sum(v5)       factors · the components of v2: columns × 64
//! ```
//!
//! A thread that keeps a row's sums to itself has too many of them for its registers, and reads a column's components for that row alone. As a matrix product
//! they are in the registers of all lanes of a warp, each of which has some rows and some components (`skeleton/wide.cu`).
//!
//! A factor times the difference of a row and a column is such a product, too, where the square of that difference is contracted before:
//!
//! ```text
//! Σ s (x - y) = (x - m) Σ s - Σ s (y - m)
//! ```
//!
//! relative to the same middle m as the squared distances. The right side is as exact as the left one where x - y is not much less than x - m and y - m, and
//! that is what contractions test; pairs that they compute anew are added one by one (`DirectPairs` in `skeleton/wide_tensor.cu`). Such are the gradients in
//! points of what depends on their distance.
//!
//! What counts is the rule of an accumulation and how its argument is computed. All of a pass have one factor; what has another goes on as without.

use keopsc_ir::plan::{Accumulation, Block, Definition, Pass, Plan, ValueId};
use keopsc_ir::types::{Products, ScalarType};
use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::reductions::Operand;
use keopsc_ops::scalar::{Index, Scalar};

use crate::contraction::{Contraction, Form, is_cheap};
use crate::schedule::Place;
use crate::spelling::Arithmetic;
use crate::uses::{Needed, arguments_read, for_each_read};

/// The sums of a pass that are a matrix product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WideSums {
    /// The pair value that columns are multiplied with.
    pub factor: ValueId,
    /// The sums, their components one after the other.
    pub sums: Vec<WideSum>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WideSum {
    /// The accumulation's number.
    pub accumulation: usize,
    /// Its argument: the product.
    pub product: ValueId,
    /// The column value.
    pub column: ValueId,
    /// Whether it is a difference that is multiplied.
    pub difference: Option<Difference>,
    /// The number of its first component among those of all sums.
    pub first: u32,
    /// Its components.
    pub width: u32,
}

/// A difference of the row and the column of a contraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Row - column.
    FromRow,
    /// Column - row.
    FromColumn,
}

impl WideSum {
    /// The number of its component that is number `q` of all.
    pub(crate) fn component(&self, q: &str) -> String {
        if self.first == 0 { q.to_owned() } else { format!("{q} - {}", self.first) }
    }

    /// The same, or its last component if it has none of that number.
    pub(crate) fn clamped(&self, q: &str) -> String {
        let last = self.first + self.width - 1;
        self.component(&format!("({q} < {last} ? {q} : {last})"))
    }
}

/// Components from which on a matrix product pays, also where it is not that of tensor cores, and the most for which registers suffice.
const LEAST_WIDTH: u32 = 32;
const MOST_WIDTH: u32 = 128;
/// The same of differences, each of which is computed otherwise.
const LEAST_DIFFERENCES: u32 = 16;
/// The most components that are added up in quads.
const MOST_WIDTH_IN_QUADS: u32 = 64;
/// In a ring, where it is to be seen whether results are right.
const LEAST_IN_RING: u32 = 3;
/// Each sum begins at a multiple of so many components.
const ALIGNMENT: u32 = 4;
/// Components that the lanes of a warp share out among themselves.
const SHARED_OUT: u32 = 32;

impl WideSums {
    /// The components of all sums.
    pub(crate) fn width(&self) -> u32 {
        self.sums.iter().map(|sum| sum.first + sum.width).max().unwrap_or(0)
    }

    /// Whether an accumulation is one of them.
    pub(crate) fn has(&self, accumulation: usize) -> bool {
        self.sums.iter().any(|sum| sum.accumulation == accumulation)
    }

    /// Whether some are of differences.
    pub(crate) fn have_differences(&self) -> bool {
        self.sums.iter().any(|sum| sum.difference.is_some())
    }

    /// The pair values that nothing but these sums reads.
    pub(crate) fn products<'a>(&'a self, pass: &'a Pass, needed: &'a Needed) -> impl Iterator<Item = ValueId> + 'a {
        let all = pass.accumulations.iter().enumerate().filter(|(number, _)| needed.accumulations[*number]);
        let others = all.filter(|(number, _)| !self.has(*number)).flat_map(|(_, one)| arguments_read(one));
        let mut read: Vec<ValueId> = others.collect();
        for (value, _) in pass.values.iter().zip(&needed.values).filter(|(_, needed)| **needed) {
            if let Definition::Compute(scalar) = &value.definition {
                for_each_read(scalar, &mut |id, _| read.push(id));
            }
        }
        self.sums.iter().map(|sum| sum.product).filter(move |product| !read.contains(product))
    }

    /// Bytes of shared memory for the components of a tile's columns; as float32 those that are multiplied as some parts of 16 bits, with a gap.
    pub(crate) fn shared_bytes(&self, compute: ScalarType, products: Products) -> u64 {
        let number_of_parts = u64::from(number_of_parts(products));
        let width = u64::from(self.width());
        let fused = |real: u64| 32 * real * width.next_multiple_of(u64::from(SHARED_OUT));
        match compute {
            ScalarType::F64 => fused(8),
            _ => fused(4).max(64 * number_of_parts * (width.next_multiple_of(8) + 2)),
        }
    }

    /// Words of 16 bytes of a column, of eight components each, where lanes have their sums in registers; none if there are too many.
    pub(crate) fn words_in_quads(&self, products: Products) -> u32 {
        match self.width() {
            width if width <= MOST_WIDTH_IN_QUADS => number_of_parts(products) * width.div_ceil(16) * 2,
            _ => 0,
        }
    }

    /// Registers of a thread for its share of sums, and of those of factors.
    pub(crate) fn registers(&self) -> u64 {
        u64::from(self.width().next_multiple_of(ALIGNMENT)) + if self.have_differences() { 4 } else { 0 }
    }
}

/// Of how many numbers of bfloat16 each is made that is multiplied.
fn number_of_parts(products: Products) -> u32 {
    match products {
        Products::Auto => 3,
        Products::Tf32 => 2,
        Products::Bf16 => 1,
    }
}

/// The sums of one factor with the most components, if that are enough, beside what is contracted.
pub(crate) fn wide_sums(
    plan: &Plan,
    pass: &Pass,
    needed: &Needed,
    places: &[Place],
    arithmetic: Arithmetic,
    contraction: Option<&Contraction>,
) -> Option<WideSums> {
    let is_single = arithmetic == Arithmetic::Ring || pass.compute == ScalarType::F32;
    if !is_single || plan.numerics.accumulators(pass.compute) != pass.compute {
        return None;
    }
    let all = pass.accumulations.iter().enumerate().filter(|(number, _)| needed.accumulations[*number]);
    // Tests of what is contracted are those of these differences; in a ring there are none.
    let measured = contraction.filter(|one| arithmetic == Arithmetic::Ring || one.form == Form::Distances);
    let products = all.filter_map(|(number, accumulation)| product_of(pass, number, accumulation, measured));
    let mut found: Vec<WideSums> = Vec::new();
    for (factor, sum) in products.filter(|(_, sum)| is_cheap(plan, pass, sum.column, places)) {
        let number = found.iter().position(|sums| sums.factor == factor).unwrap_or(found.len());
        if number == found.len() {
            found.push(WideSums { factor, sums: Vec::new() });
        }
        let sums = &mut found[number];
        let first = sums.width().next_multiple_of(ALIGNMENT);
        if first + sum.width <= MOST_WIDTH {
            sums.sums.push(WideSum { first, ..sum });
        }
    }
    let widest = found.into_iter().max_by_key(|sums| (sums.width(), std::cmp::Reverse(sums.factor)))?;
    let least = match arithmetic {
        Arithmetic::Ring => LEAST_IN_RING,
        Arithmetic::Real if widest.have_differences() => LEAST_DIFFERENCES,
        Arithmetic::Real => LEAST_WIDTH,
    };
    (widest.width() >= least).then_some(widest)
}

/// The factor and the sum, if an accumulation adds up products of a pair's scalar and a column's components, or the differences that are `measured`.
fn product_of(
    pass: &Pass,
    number: usize,
    accumulation: &Accumulation,
    measured: Option<&Contraction>,
) -> Option<(ValueId, WideSum)> {
    let [product] = accumulation.arguments.as_slice() else { return None };
    let value = pass.value(*product);
    let Definition::Compute(Scalar::Call(Intrinsic::Mul, factors)) = &value.definition else { return None };
    if value.block != Block::Pair || value.dim == 1 || !is_sum(accumulation, value.dim) {
        return None;
    }
    let scalar = |scalar: &Scalar<ValueId>| match scalar {
        Scalar::Component(id, _) if is_real(pass, *id, Block::Pair) && pass.value(*id).dim == 1 => Some(*id),
        _ => None,
    };
    let column = |scalar: &Scalar<ValueId>| match scalar {
        Scalar::Component(id, index) if is_real(pass, *id, Block::Column) && *index == Index::K => Some((*id, None)),
        _ => {
            let difference = measured.and_then(|measured| difference_of(scalar, measured, value.dim))?;
            Some((measured?.column, Some(difference)))
        }
    };
    let [a, b] = factors.as_slice() else { return None };
    let (factor, (column, difference)) = scalar(a).zip(column(b)).or_else(|| scalar(b).zip(column(a)))?;
    let sum = WideSum { accumulation: number, product: *product, column, difference, first: 0, width: value.dim };
    Some((factor, sum))
}

/// Which difference it is, if it is one of the row and the column of a contraction, by components of which all are contracted.
fn difference_of(scalar: &Scalar<ValueId>, measured: &Contraction, dim: u32) -> Option<Difference> {
    let Scalar::Call(Intrinsic::Sub, terms) = scalar else { return None };
    let component = |id| Scalar::Component(id, Index::K);
    let [row, column] = [component(measured.row), component(measured.column)];
    match terms.as_slice() {
        _ if measured.count != dim => None,
        [a, b] if (a, b) == (&row, &column) => Some(Difference::FromRow),
        [a, b] if (a, b) == (&column, &row) => Some(Difference::FromColumn),
        _ => None,
    }
}

fn is_real(pass: &Pass, id: ValueId, block: Block) -> bool {
    pass.value(id).block == block && !pass.value(id).is_index
}

/// Whether an accumulation's state is a sum of its argument, component by component, and nothing else.
fn is_sum(accumulation: &Accumulation, dim: u32) -> bool {
    let rule = &accumulation.rule;
    let [slot] = rule.slots.as_slice() else { return false };
    let component = |operand| Scalar::Component(operand, Index::K);
    let adds = |scalars: &[Scalar<Operand>], operand| {
        let sum = Scalar::Call(Intrinsic::Add, vec![component(Operand::State(0)), component(operand)]);
        scalars == [sum]
    };
    let is_plain = rule.guard.is_none() && rule.raising.is_none();
    let begins_with_none = slot.kind == Kind::Real && slot.dim == dim && slot.initial == 0.0;
    let adds_columns = adds(&rule.update, Operand::Argument(0)) && adds(&rule.merge, Operand::Later(0));
    is_plain && begins_with_none && adds_columns
}
