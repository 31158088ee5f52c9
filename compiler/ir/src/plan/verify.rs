//! The rules that every [`Plan`] keeps. A pass that breaks one has a bug; back ends rely on them without a check.

use std::ops::Deref;

use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions;

use super::verify_scalar::verify_scalar;
use super::{
    Accumulation, Block, Definition, Pass, Plan, Scatter, Tensor, TensorId, TensorKind, Value, ValueId, Write,
};
use crate::defect::{Defect, Defects};
use crate::text::is_identifier;
use crate::types::{Role, ScalarType};

/// A plan that keeps every rule: what back ends may rely on without a check.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    plan: Plan,
    for_ranges: Option<Box<Plan>>,
}

impl Verified {
    /// The plan, if it keeps every rule.
    pub fn new(plan: Plan) -> Result<Verified, Vec<Defect>> {
        verify(&plan).map(|()| Verified { plan, for_ranges: None })
    }

    /// The same plan, with that of the same entry for calls in which only some pairs count; nothing changes if the two are equal.
    pub fn with_ranges(self, plan: Verified) -> Verified {
        let for_ranges = (plan.plan != self.plan).then(|| Box::new(plan.plan));
        Verified { for_ranges, ..self }
    }

    /// The plan for calls in which only some pairs count, if it is another one. It keeps every rule, too.
    pub fn for_ranges(&self) -> Option<&Plan> {
        self.for_ranges.as_deref()
    }

    /// The plan, to change it: it has to be verified anew afterwards.
    pub fn into_plan(self) -> Plan {
        self.plan
    }
}

impl Deref for Verified {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plan
    }
}

/// Checks every rule.
pub fn verify(plan: &Plan) -> Result<(), Vec<Defect>> {
    let mut defects = Defects::default();
    let place = format!("plan {}", plan.name);
    defects.require(is_identifier(&plan.name), &place, "a name is an identifier", || plan.name.clone());
    plan.tensors.iter().for_each(|tensor| verify_tensor(plan, tensor, &mut defects));
    let kinds: Vec<TensorKind> = plan.tensors.iter().map(|tensor| tensor.kind).collect();
    defects.require(
        kinds.is_sorted_by_key(|&kind| kind as usize),
        &place,
        "tensors are inputs, then outputs, then temporaries",
        || format!("{kinds:?}"),
    );
    let mut written = vec![0usize; plan.tensors.len()];
    for (number, pass) in plan.passes.iter().enumerate() {
        let mut verifier = PassVerifier { plan, pass, number, written: &written, defects: &mut defects };
        verifier.verify();
        let scattered = pass.scatters.iter().map(|scatter| scatter.sums);
        for tensor in pass.writes.iter().map(|write| write.tensor).chain(scattered) {
            if let Some(count) = written.get_mut(tensor.0 as usize) {
                *count += 1;
            }
        }
    }
    for (tensor, &count) in plan.tensors.iter().zip(&written) {
        let right = tensor.kind == TensorKind::Input || count == 1;
        let place = format!("tensor {}", tensor.name);
        defects.require(right, &place, "outputs and temporaries are written once", || format!("{count} writes"));
    }
    defects.into_result()
}

fn verify_tensor(plan: &Plan, tensor: &Tensor, defects: &mut Defects) {
    let place = format!("tensor {}", tensor.name);
    defects.require(is_identifier(&tensor.name), &place, "a name is an identifier", || tensor.name.clone());
    defects
        .require(tensor.role != Role::Pair, &place, "a tensor has rows along one index at most", || "ij".to_string());
    let parts = tensor.scalar.components();
    let dim = tensor.shape.iter().try_fold(parts, |product, &extent| product.checked_mul(extent));
    let sized = dim.is_some_and(|dim| dim > 0);
    defects.require(sized, &place, "a tensor has components, fewer than 2^32", || format!("{:?}", tensor.shape));
    let of = |id: TensorId| plan.tensors.get(id.0 as usize).filter(|input| input.kind == TensorKind::Input);
    let like = |input: &Tensor| (input.role, input.dim()) == (tensor.role, tensor.dim());
    let alike = tensor.gradient_of.is_none_or(|id| tensor.kind == TensorKind::Output && of(id).is_some_and(like));
    defects.require(alike, &place, "a gradient is a result with the rows and components of an input", || {
        "none".to_string()
    });
}

struct PassVerifier<'p> {
    plan: &'p Plan,
    pass: &'p Pass,
    number: usize,
    /// How often each tensor was written by earlier passes.
    written: &'p [usize],
    defects: &'p mut Defects,
}

impl PassVerifier<'_> {
    fn verify(&mut self) {
        self.verify_indices();
        for (number, value) in self.pass.values.iter().enumerate() {
            self.verify_value(ValueId(number as u32), value);
        }
        for (number, accumulation) in self.pass.accumulations.iter().enumerate() {
            self.verify_accumulation(number, accumulation);
        }
        self.pass.writes.iter().for_each(|write| self.verify_write(write));
        self.pass.scatters.iter().for_each(|scatter| self.verify_scatter(scatter));
    }

    fn verify_indices(&mut self) {
        let Pass { rows, over, compute, .. } = self.pass;
        let place = self.place("");
        let computing = [ScalarType::F32, ScalarType::F64].contains(compute);
        self.require(computing, &place, "arithmetic is in f32 or f64", || compute.name().to_string());
        let accumulators = self.plan.numerics.accumulators(*compute);
        let wide = accumulators == ScalarType::F64 || accumulators == *compute;
        self.require(wide, &place, "accumulators are of the computing type or f64", || accumulators.name().to_string());
        self.require(*rows != Role::Pair, &place, "rows are along one index at most", || "ij".to_string());
        let apart = over.is_none_or(|over| !rows.has(over));
        self.require(apart, &place, "rows do not depend on the reduced index", || format!("{rows} and {over:?}"));
        let accumulations = self.pass.accumulations.len();
        let reduces = over.is_some() == (accumulations > 0);
        self.require(reduces, &place, "an index is reduced exactly where there are accumulations", || {
            format!("{over:?} with {accumulations} accumulations")
        });
    }

    fn verify_value(&mut self, id: ValueId, value: &Value) {
        let place = self.place(&format!(" v{}", id.0));
        self.require(value.dim > 0, &place, "a value has components", || "none".to_string());
        let of_columns = matches!(value.block, Block::Column | Block::Pair);
        let columns = self.pass.over.is_some() || !of_columns;
        self.require(columns, &place, "only a pass that reduces an index has columns", || format!("{:?}", value.block));
        match &value.definition {
            Definition::Read(tensor) => self.verify_read(*tensor, value, &place),
            Definition::Number => self.verify_number(value, &place),
            Definition::Compute(scalar) => {
                let mut available = true;
                scalar.visit(&mut |part| {
                    if let keopsc_ops::scalar::Scalar::Component(used, _) = part {
                        available &= self.verify_use(*used, id, value.block, &place);
                    }
                });
                if available {
                    verify_scalar(self.pass, id, scalar, &place, self.defects);
                }
            }
            Definition::Outcome { accumulation, outcome } => {
                self.verify_outcome(*accumulation as usize, *outcome as usize, value, &place);
            }
        }
    }

    fn verify_read(&mut self, id: TensorId, value: &Value, place: &str) {
        let Some(tensor) = self.plan.tensors.get(id.0 as usize) else {
            self.require(false, place, "a tensor that is read exists", || format!("tensor {}", id.0));
            return;
        };
        let written = self.written[id.0 as usize] > 0;
        let is_left = match tensor.kind {
            TensorKind::Input => true,
            TensorKind::Temporary => written,
            TensorKind::Output => false,
        };
        self.require(is_left, place, "what is read is an input or a temporary of an earlier pass", || {
            format!("{} `{}`", if written { "written" } else { "unwritten" }, tensor.name)
        });
        let over = self.pass.over.map(|over| over.role());
        let block = match tensor.role {
            Role::Parameter => Some(Block::Parameter),
            role if role == self.pass.rows => Some(Block::Row),
            role if Some(role) == over => Some(Block::Column),
            _ => None,
        };
        self.require(block == Some(value.block), place, "a tensor is read in the block of its role", || {
            format!("`{}` of role {} in the {:?} block", tensor.name, tensor.role, value.block)
        });
        self.verify_components(tensor, value, place);
    }

    fn verify_number(&mut self, value: &Value, place: &str) {
        let counted = match value.block {
            Block::Row => self.pass.rows != Role::Parameter,
            block => block == Block::Column,
        };
        self.require(counted, place, "a number is that of a row or a column", || format!("{:?}", value.block));
        let found = (value.dim, value.is_index);
        self.require(found == (1, true), place, "a number is one row number", || format!("{found:?}"));
    }

    fn verify_outcome(&mut self, accumulation: usize, outcome: usize, value: &Value, place: &str) {
        self.require(value.block == Block::Epilogue, place, "outcomes are taken in the epilogue", || {
            format!("{:?}", value.block)
        });
        let outcome = self.pass.accumulations.get(accumulation).and_then(|one| one.rule.outcomes.get(outcome));
        self.require(outcome.is_some(), place, "an outcome is one that an accumulation has", || "none".to_string());
        if let Some(outcome) = outcome {
            let found = (value.dim, value.is_index);
            let expected = (outcome.dim, outcome.kind == Kind::Index);
            self.require(found == expected, place, "an outcome has the type of its rule", || {
                format!("{found:?} where the rule has {expected:?}")
            });
        }
    }

    /// Whether `used` may be used in the definition of `user`.
    fn verify_use(&mut self, used: ValueId, user: ValueId, block: Block, place: &str) -> bool {
        let ordered = self.require(used < user, place, "values stand before their users", || format!("v{}", used.0));
        ordered && {
            let of = self.pass.value(used).block;
            self.require(block.sees().contains(&of), place, "a value is computed before its user", || {
                format!("v{} of the {of:?} block in the {block:?} block", used.0)
            })
        }
    }

    fn verify_accumulation(&mut self, number: usize, accumulation: &Accumulation) {
        let place = self.place(&format!(" a{number}"));
        let Accumulation { reduction, parameters, arguments, rule } = accumulation;
        let values: Option<Vec<&Value>> = arguments.iter().map(|id| self.pass.values.get(id.0 as usize)).collect();
        let Some(values) = values else {
            self.require(false, &place, "what is accumulated exists", || format!("{arguments:?}"));
            return;
        };
        let before = values.iter().all(|value| value.block != Block::Epilogue);
        self.require(before, &place, "what is accumulated is computed before the epilogue", || "epilogue".to_string());
        let real = values.iter().all(|value| !value.is_index);
        self.require(real, &place, "row numbers are not accumulated", || "a row number".to_string());
        let known = reductions::reductions().count() > reduction.0 as usize;
        let known = self.require(known, &place, "a reduction is one of the table", || format!("{reduction:?}"));
        let dims: Vec<u32> = values.iter().map(|value| value.dim).collect();
        let wanted = if known { reductions::signature(*reduction).arguments.len() } else { dims.len() };
        let complete = dims.len() == wanted;
        self.require(complete, &place, "an accumulation has every argument of its reduction", || {
            format!("{} of {wanted}", dims.len())
        });
        let same = known && reductions::instantiate(*reduction, &dims, parameters).as_ref() == Ok(rule);
        self.require(same, &place, "an accumulation's rule is that of its reduction and arguments", || {
            format!("another rule for dimensions {dims:?} and parameters {parameters:?}")
        });
    }

    fn verify_write(&mut self, write: &Write) {
        let Write { value: id, tensor } = *write;
        let (Some(value), Some(tensor)) =
            (self.pass.values.get(id.0 as usize), self.plan.tensors.get(tensor.0 as usize))
        else {
            let place = self.place("");
            self.require(false, &place, "what is written, and where to, exists", || format!("{write:?}"));
            return;
        };
        let place = self.place(&format!(" write {}", tensor.name));
        let once_a_row = matches!(value.block, Block::Parameter | Block::Row | Block::Epilogue);
        self.require(once_a_row, &place, "what is written has one value a row", || format!("{:?}", value.block));
        let is_ours = tensor.kind != TensorKind::Input;
        self.require(is_ours, &place, "inputs are not written", || tensor.name.clone());
        let along = tensor.role == self.pass.rows;
        self.require(along, &place, "a pass writes tensors along its rows", || {
            format!("role {} where rows are {}", tensor.role, self.pass.rows)
        });
        self.verify_components(tensor, value, &place);
    }

    fn verify_scatter(&mut self, scatter: &Scatter) {
        let of = |id: TensorId| self.plan.tensors.get(id.0 as usize);
        let values = scatter.values.map(of);
        let (Some(numbers), Some(sums), true) = (of(scatter.numbers), of(scatter.sums), values != Some(None)) else {
            let place = self.place("");
            self.require(false, &place, "what is scattered, and where to, exists", || format!("{scatter:?}"));
            return;
        };
        let place = self.place(&format!(" scatter {}", sums.name));
        let along = match self.pass.rows {
            Role::I => Some(Role::J),
            Role::J => Some(Role::I),
            Role::Parameter | Role::Pair => None,
        };
        let lies = along == Some(sums.role) && sums.kind == TensorKind::Temporary && sums.scalar == self.pass.compute;
        self.require(lies, &place, "sums go to a temporary of the computing type along the columns", || {
            format!("role {} where rows are {}", sums.role, self.pass.rows)
        });
        let numbered = (numbers.role, numbers.scalar) == (self.pass.rows, ScalarType::I64);
        let numbered = numbered && self.is_complete(scatter.numbers, TensorKind::Temporary);
        self.require(numbered, &place, "values are scattered by row numbers that passes have written", || {
            numbers.name.clone()
        });
        let Some((id, values)) = scatter.values.zip(values.flatten()) else {
            self.require(sums.dim() == 1, &place, "a count has one component", || sums.dim().to_string());
            return;
        };
        let real = values.scalar != ScalarType::I64 && !values.scalar.is_complex();
        let complete = self.is_complete(id, TensorKind::Input) || self.is_complete(id, TensorKind::Temporary);
        let fits = real && values.role == self.pass.rows && values.dim() == sums.dim();
        self.require(
            fits && complete,
            &place,
            "what is scattered are numbers of the rows, as many as of the sums",
            || values.name.clone(),
        );
    }

    /// Whether a tensor is of that kind, and has been written by the end of this pass if it is a temporary.
    fn is_complete(&self, id: TensorId, kind: TensorKind) -> bool {
        let is_ours = self.pass.writes.iter().any(|write| write.tensor == id);
        let is_written = is_ours || self.written[id.0 as usize] > 0;
        self.plan.tensor(id).kind == kind && (kind == TensorKind::Input || is_written)
    }

    fn verify_components(&mut self, tensor: &Tensor, value: &Value, place: &str) {
        let parts = u64::from(tensor.scalar.components());
        let dim: u64 = tensor.shape.iter().map(|&extent| u64::from(extent)).fold(parts, u64::saturating_mul);
        let same = dim == u64::from(value.dim) && (tensor.scalar == ScalarType::I64) == value.is_index;
        self.require(same, place, "a tensor and its value have the same components", || {
            format!("{} components for {dim}, index {} for {}", value.dim, value.is_index, tensor.scalar.name())
        });
    }

    fn place(&self, what: &str) -> String {
        format!("plan {} pass {}{what}", self.plan.name, self.number)
    }

    fn require(&mut self, holds: bool, place: &str, rule: &'static str, found: impl FnOnce() -> String) -> bool {
        self.defects.require(holds, place, rule, found)
    }
}
