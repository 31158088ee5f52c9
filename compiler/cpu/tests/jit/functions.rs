//! What is measured: intrinsics, and the operations of the catalogue that are functions of one real number, as scalar expressions.

use keopsc_cpu::level::Level;
use keopsc_cpu::vector::Float;
use keopsc_grammar::parse_file;
use keopsc_ir::plan::{Definition, Pass, ValueId, Verified};
use keopsc_ir::types::ScalarType;
use keopsc_ops::catalogue;
use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::scalar::{self, Index, Scalar};
use keopsc_passes::pipeline;
use keopsc_passes::resolve::Options;

/// A scalar function; `Component(k, …)` of its body is argument `k`.
#[derive(Clone, Debug)]
pub struct Function {
    /// The intrinsic's or the operation's name.
    pub name: &'static str,
    /// What is computed.
    pub body: Scalar<u32>,
    /// The kinds of the arguments.
    pub arguments: &'static [Kind],
    /// The kind of the result.
    pub result: Kind,
    /// The published bound in units in the last place.
    pub ulp: f64,
}

impl From<Intrinsic> for Function {
    fn from(intrinsic: Intrinsic) -> Function {
        let argument = |number: usize| Scalar::Component(number as u32, Index::Constant(0));
        Function {
            name: intrinsic.name(),
            body: Scalar::Call(intrinsic, (0..intrinsic.arguments().len()).map(argument).collect()),
            arguments: intrinsic.arguments(),
            result: intrinsic.result(),
            ulp: intrinsic.ulp(),
        }
    }
}

impl Function {
    /// The value in float64, by the interpreter.
    pub fn evaluate(&self, arguments: &[f64]) -> f64 {
        scalar::evaluate(&self.body, 0, |argument, _| arguments[*argument as usize])
    }

    /// Under what results a function that ends in an exponential may be 0: what is subnormal, and half a binade above without AVX-512.
    pub fn flushed_below(&self, float: Float, level: &Level) -> f64 {
        let mut flushes = false;
        self.body.visit(&mut |part| {
            flushes |= match part {
                Scalar::Call(Intrinsic::Exp | Intrinsic::Exp2, _) => true,
                Scalar::Call(Intrinsic::Pow, _) => float == Float::F64,
                _ => false,
            };
        });
        let least = (1 - float.exponent_bias()) as f64;
        let above = if level.has_avx512 && !self.body_is(Intrinsic::Pow) { 0.001 } else { 0.51 };
        if flushes { (least + above).exp2() } else { 0.0 }
    }

    fn body_is(&self, intrinsic: Intrinsic) -> bool {
        matches!(&self.body, Scalar::Call(called, _) if *called == intrinsic)
    }

    /// Whether it is just one intrinsic, whatever its name.
    pub fn is_intrinsic(&self) -> bool {
        matches!(&self.body, Scalar::Call(_, arguments) if arguments.iter().all(|part| matches!(part, Scalar::Component(..))))
    }
}

/// Every function of a real number that is more than an instruction, and the instructions of roots and roundings: the intrinsics that no
/// operation is, then the operations.
pub fn unary_functions() -> Vec<Function> {
    let operations = unary_operations();
    let exact = [Intrinsic::Neg, Intrinsic::Abs, Intrinsic::Floor, Intrinsic::Ceil, Intrinsic::Trunc];
    let unary =
        Intrinsic::ALL.iter().filter(|intrinsic| intrinsic.arguments() == [Kind::Real] && !exact.contains(intrinsic));
    let is_operation = |function: &Function| operations.iter().any(|operation| operation.body == function.body);
    let mut functions: Vec<Function> =
        unary.map(|intrinsic| Function::from(*intrinsic)).filter(|function| !is_operation(function)).collect();
    functions.extend(operations);
    functions
}

/// The operations that map each component of one real argument, without parameters, and are more than an instruction: found by what the
/// passes make of them, so that a new row is among them by itself.
pub fn unary_operations() -> Vec<Function> {
    let candidates = catalogue::operations().filter(|(id, _)| {
        let signature = catalogue::signature(*id);
        let keeps = |dim: u32| catalogue::infer_dim(*id, &[dim], &[]) == Ok(dim);
        signature.arguments.len() == 1 && signature.parameters.is_empty() && keeps(1) && keeps(3)
    });
    candidates.filter_map(|(_, row)| operation(row)).collect()
}

fn operation(row: &'static catalogue::Operation) -> Option<Function> {
    // Of three components each has to depend on its own alone.
    body(row.name, 3)?;
    let body = body(row.name, 1)?;
    let (mut roundings, mut largest) = (0, 0.0);
    body.visit(&mut |part| {
        if let Scalar::Call(intrinsic, _) = part {
            roundings += usize::from(intrinsic.rounds());
            largest = f64::max(largest, intrinsic.ulp());
        }
    });
    let is_instruction = roundings <= 1 && largest == 0.0;
    let function = Function { name: row.name, body, arguments: &[Kind::Real], result: Kind::Real, ulp: row.ulp };
    (!is_instruction).then_some(function)
}

/// What is reduced where this operation of a column's variable is; None if a component depends on others.
fn body(operation: &str, dim: u32) -> Option<Scalar<u32>> {
    let plan = plan(&format!("y = Vj({dim})\nout f = Max[j]({operation}(y))")).into_plan();
    let pass = &plan.passes[0];
    inlined(pass, pass.accumulations[0].arguments[0])
}

/// The plan of a formula file.
pub fn plan(text: &str) -> Verified {
    let (file, errors) = parse_file(text);
    assert!(errors.is_empty(), "{errors:?}");
    let options = Options { dtype: Some(ScalarType::F32), ..Options::default() };
    let output = pipeline::run(&file, &options, &mut |_, _| {}).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    output.plans.into_iter().next().expect("an entry")
}

fn inlined(pass: &Pass, value: ValueId) -> Option<Scalar<u32>> {
    match &pass.value(value).definition {
        Definition::Compute(scalar) => substituted(pass, scalar),
        _ => Some(Scalar::Component(0, Index::Constant(0))),
    }
}

fn substituted(pass: &Pass, scalar: &Scalar<ValueId>) -> Option<Scalar<u32>> {
    Some(match scalar {
        Scalar::Component(value, index) if pass.value(*value).dim == 1 || *index == Index::K => inlined(pass, *value)?,
        Scalar::Component(..) => return None,
        Scalar::Call(intrinsic, arguments) => Scalar::Call(
            *intrinsic,
            arguments.iter().map(|argument| substituted(pass, argument)).collect::<Option<Vec<_>>>()?,
        ),
        Scalar::Fold { with, counter, count, body } => {
            Scalar::Fold { with: *with, counter: *counter, count: *count, body: Box::new(substituted(pass, body)?) }
        }
        Scalar::Choose { .. } => return None,
        Scalar::Constant(number) => Scalar::Constant(*number),
        Scalar::Index(index) => Scalar::Index(index.clone()),
    })
}
