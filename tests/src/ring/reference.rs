//! The double loop: every pass by the interpreter, row after row, column after column, in integers.

use keopsc_ir::evaluation::{Array, Sizes};
use keopsc_ir::plan::evaluate::{Accumulators, evaluate_pass};
use keopsc_ir::plan::{Definition, Pass, Plan, TensorKind, Value};
use keopsc_ir::types::{Axis, Role, ScalarType};
use keopsc_ops::ring::Ring;
use keopsc_runtime::support::convert::{BFloat, Compute, Double, Half, Single, Storage};

/// Which columns each row is reduced over, where not over all.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// For each i some j.
    pub over_j: Vec<Vec<usize>>,
    /// For each j some i.
    pub over_i: Vec<Vec<usize>>,
}

/// What the double loop finds.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The bits of each result.
    pub results: Vec<Vec<u64>>,
    /// Whether passes compute with the bits of NaNs that come from another type: processors convert them differently.
    pub has_converted_nans: bool,
}

/// Evaluates all passes. `inputs` are the bits of each argument, `rows × components` of them.
pub fn evaluate(plan: &Plan, sizes: Sizes, inputs: &[Vec<u64>], pairs: Option<&Pairs>) -> Evaluated {
    let mut given = inputs.iter().cloned();
    let mut tensors: Vec<Vec<u64>> = Vec::new();
    for tensor in &plan.tensors {
        let empty = || vec![0; sizes.rows(tensor.role) * tensor.dim() as usize];
        tensors.push(if tensor.kind == TensorKind::Input { given.next().expect("an input") } else { empty() });
    }
    let mut has_converted_nans = false;
    for pass in &plan.passes {
        has_converted_nans |= (0..tensors.len()).any(|number| {
            let scalar = plan.tensors[number].scalar;
            reads(pass, number) && is_converted(scalar, pass) && has_nans(&tensors[number], scalar)
        });
        match (pass.compute, plan.numerics.accumulators(pass.compute)) {
            (ScalarType::F64, _) => run_pass::<64, 64>(plan, pass, sizes, &mut tensors, pairs),
            (_, ScalarType::F64) => run_pass::<32, 64>(plan, pass, sizes, &mut tensors, pairs),
            _ => run_pass::<32, 32>(plan, pass, sizes, &mut tensors, pairs),
        }
        has_converted_nans |= pass.writes.iter().any(|write| {
            let (tensor, words) = (&plan.tensors[write.tensor.0 as usize], &tensors[write.tensor.0 as usize]);
            let is_kept = tensor.kind == TensorKind::Temporary;
            is_kept && is_converted(tensor.scalar, pass) && has_nans(words, tensor.scalar)
        });
    }
    let kept = plan.tensors.iter().zip(tensors).filter(|(tensor, _)| tensor.kind == TensorKind::Output);
    Evaluated { results: kept.map(|(_, words)| words).collect(), has_converted_nans }
}

/// Whether a pass reads the tensor of that number.
pub(super) fn reads(pass: &Pass, number: usize) -> bool {
    let reads = |value: &Value| matches!(value.definition, Definition::Read(id) if id.0 as usize == number);
    pass.values.iter().any(reads)
}

/// Whether a pass reads and writes such numbers as real numbers of another type than its own.
pub(super) fn is_converted(scalar: ScalarType, pass: &Pass) -> bool {
    scalar != ScalarType::I64 && scalar.real() != pass.compute
}

fn has_nans(words: &[u64], scalar: ScalarType) -> bool {
    words.iter().any(|word| is_nan(*word, scalar))
}

/// Whether the bits of a component are those of a NaN.
pub(super) fn is_nan(word: u64, scalar: ScalarType) -> bool {
    match scalar.real() {
        ScalarType::F16 => word & 0x7fff > 0x7c00,
        ScalarType::BF16 => word & 0x7fff > 0x7f80,
        ScalarType::F32 => f32::from_bits(word as u32).is_nan(),
        ScalarType::I64 => false,
        _ => f64::from_bits(word).is_nan(),
    }
}

fn run_pass<const BITS: u32, const WIDE: u32>(
    plan: &Plan,
    pass: &Pass,
    sizes: Sizes,
    tensors: &mut [Vec<u64>],
    pairs: Option<&Pairs>,
) {
    let numbers = |(number, tensor): (usize, &keopsc_ir::plan::Tensor)| {
        let words = if reads(pass, number) { tensors[number].clone() } else { vec![0; tensors[number].len()] };
        let values = words.into_iter().map(|word| load::<BITS>(word, tensor.scalar)).collect();
        Array { dim: tensor.dim() as usize, values }
    };
    let mut arrays: Vec<Array<Ring<BITS>>> = plan.tensors.iter().enumerate().map(numbers).collect();
    let columns = pass.over.map_or(0, |over| sizes.of(over));
    let columns_of = |row: usize| match (pairs, pass.rows, pass.over) {
        (Some(pairs), Role::I, Some(Axis::J)) => pairs.over_j[row].clone(),
        (Some(pairs), Role::J, Some(Axis::I)) => pairs.over_i[row].clone(),
        _ => (0..columns).collect(),
    };
    let accumulators =
        Accumulators::<Ring<BITS>, Ring<WIDE>> { widen: |value| value.convert(), narrow: |value| value.convert() };
    evaluate_pass(pass, sizes, &mut arrays, accumulators, columns_of);
    for write in &pass.writes {
        let number = write.tensor.0 as usize;
        let scalar = plan.tensors[number].scalar;
        tensors[number] = arrays[number].values.iter().map(|value| store(*value, scalar)).collect();
    }
}

/// What a pass reads: the bits of the stored number, or part of one, in the computing type.
fn load<const BITS: u32>(word: u64, scalar: ScalarType) -> Ring<BITS> {
    fn bits<S: Storage, const BITS: u32>(stored: S::Bits) -> u64 {
        if BITS == 32 { u64::from(S::load::<f32>(stored).to_bits()) } else { S::load::<f64>(stored).to_bits() }
    }
    Ring::new(match scalar.real() {
        ScalarType::F16 => bits::<Half, BITS>(word as u16),
        ScalarType::BF16 => bits::<BFloat, BITS>(word as u16),
        ScalarType::F32 => bits::<Single, BITS>(f32::from_bits(word as u32)),
        ScalarType::I64 => word,
        _ => bits::<Double, BITS>(f64::from_bits(word)),
    })
}

/// What a pass writes.
fn store<const BITS: u32>(value: Ring<BITS>, scalar: ScalarType) -> u64 {
    fn bits<T: Compute>(value: T, scalar: ScalarType) -> u64 {
        match scalar.real() {
            ScalarType::F16 => Half::store(value).into(),
            ScalarType::BF16 => BFloat::store(value).into(),
            ScalarType::F32 => Single::store(value).to_bits().into(),
            _ => Double::store(value).to_bits(),
        }
    }
    match scalar {
        ScalarType::I64 => value.signed() as u64,
        _ if BITS == 32 => bits(f32::from_bits(value.bits() as u32), scalar),
        _ => bits(f64::from_bits(value.bits()), scalar),
    }
}
