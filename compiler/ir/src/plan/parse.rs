//! Text, as `print` writes it, to a plan. Whether it keeps the rules of plans is for `verify` to say.

use keopsc_ops::reductions;

use super::parse_scalar::parse_scalar;
use super::print::{BLOCKS, TENSOR_KINDS};
use super::{Accumulation, Block, Definition, Pass, Plan, Scatter, Tensor, TensorId, Value, ValueId, Write};
use crate::text::{ReadError, Reader, lines};

/// The plan of a text that holds one.
pub fn parse(text: &str) -> Result<Plan, ReadError> {
    let mut plans = parse_all(text)?;
    match plans.pop() {
        Some(plan) if plans.is_empty() => Ok(plan),
        _ => Err(ReadError { line: 1, column: 1, message: "expected one plan".to_string() }),
    }
}

/// All plans of a text, one after another.
pub fn parse_all(text: &str) -> Result<Vec<Plan>, ReadError> {
    let mut plans: Vec<Plan> = Vec::new();
    let mut lines = lines(text).peekable();
    while let Some(mut line) = lines.next() {
        if line.try_keyword("plan") {
            let name = line.identifier()?.to_string();
            plans.push(Plan { name, tensors: Vec::new(), passes: Vec::new(), numerics: line.numerics()? });
        } else if let Some(plan) = plans.last_mut() {
            parse_line(plan, &mut line)?;
        } else {
            return line.error("expected `plan` and a name");
        }
        line.end()?;
        let ends = lines.peek().is_none_or(|next| ["plan", "pass"].contains(&next.peek_word()));
        if let Some(pass) = plans.last_mut().and_then(|plan| plan.passes.last_mut()).filter(|_| ends) {
            finish_pass(pass, &line)?;
        }
    }
    Ok(plans)
}

fn parse_line(plan: &mut Plan, line: &mut Reader) -> Result<(), ReadError> {
    if line.try_keyword("tensor") {
        let tensor = parse_tensor(&plan.tensors, line)?;
        plan.tensors.push(tensor);
        return Ok(());
    }
    if line.try_keyword("pass") {
        plan.passes.push(parse_pass(line)?);
        return Ok(());
    }
    let Plan { tensors, passes, .. } = plan;
    let Some(pass) = passes.last_mut() else {
        return line.error("expected `tensor` or `pass`");
    };
    if line.try_keyword("accumulate") {
        let accumulation = parse_accumulation(pass, line)?;
        pass.accumulations.push(accumulation);
    } else if line.try_keyword("write") {
        let tensor = parse_tensor_name(tensors, line)?;
        line.symbol("=")?;
        pass.writes.push(Write { value: value_name(line)?, tensor });
    } else if line.try_keyword("scatter") {
        pass.scatters.push(parse_scatter(tensors, line)?);
    } else {
        parse_value(tensors, pass, line)?;
    }
    Ok(())
}

fn parse_scatter(tensors: &[Tensor], line: &mut Reader) -> Result<Scatter, ReadError> {
    let sums = parse_tensor_name(tensors, line)?;
    line.symbol("=")?;
    let values = if line.try_keyword("1") { None } else { Some(parse_tensor_name(tensors, line)?) };
    line.keyword("by")?;
    Ok(Scatter { numbers: parse_tensor_name(tensors, line)?, values, sums })
}

fn parse_tensor(tensors: &[Tensor], line: &mut Reader) -> Result<Tensor, ReadError> {
    let name = line.identifier()?.to_string();
    line.symbol(":")?;
    let Some((kind, _)) = TENSOR_KINDS.iter().find(|(_, word)| line.try_keyword(word)) else {
        return line.error("expected `input`, `output` or `temporary`");
    };
    let role = line.role()?;
    line.symbol("[")?;
    let shape = line.list("]", Reader::integer)?;
    let scalar = line.scalar_type()?;
    let gradient_of = if line.try_keyword("gradient") { Some(parse_tensor_name(tensors, line)?) } else { None };
    Ok(Tensor { name, kind: *kind, role, shape, scalar, gradient_of })
}

fn parse_pass(line: &mut Reader) -> Result<Pass, ReadError> {
    line.keyword("rows")?;
    let rows = line.role()?;
    line.symbol(",")?;
    let mut over = None;
    if line.try_keyword("over") {
        over = Some(line.axis()?);
        line.symbol(",")?;
    }
    line.keyword("compute")?;
    let compute = line.scalar_type()?;
    Ok(Pass::new(rows, over, compute))
}

/// Values are numbered in the order of their definition, which printing departs from only to put the epilogue last; until
/// [`finish_pass`] the places of later values are held by empty ones.
fn parse_value(tensors: &[Tensor], pass: &mut Pass, line: &mut Reader) -> Result<(), ReadError> {
    let Some((block, _)) = BLOCKS.iter().find(|(_, word)| line.try_keyword(word)) else {
        return line.error("expected a block, `accumulate`, `write`, `scatter`, `pass` or `plan`");
    };
    let start = line.clone();
    let number = line.numbered("v")? as usize;
    line.symbol("[")?;
    let dim = line.integer()?;
    line.symbol("]")?;
    let is_index = line.try_keyword("index");
    line.symbol("=")?;
    let definition = parse_definition(tensors, line)?;
    if number > MAXIMUM_VALUES || pass.values.get(number).is_some_and(|value| value.definition != NOT_YET) {
        return start.error(format!("expected a number that is not used yet, and at most {MAXIMUM_VALUES}"));
    }
    while pass.values.len() <= number {
        pass.values.push(Value { block: Block::Parameter, dim: 0, is_index: false, definition: NOT_YET });
    }
    pass.values[number] = Value { block: *block, dim, is_index, definition };
    Ok(())
}

const MAXIMUM_VALUES: usize = 1 << 20;
const NOT_YET: Definition = Definition::Outcome { accumulation: u32::MAX, outcome: u32::MAX };

/// Checks that all numbers up to the largest were there.
fn finish_pass(pass: &Pass, line: &Reader) -> Result<(), ReadError> {
    match pass.values.iter().position(|value| value.definition == NOT_YET) {
        Some(number) => line.error(format!("expected a definition of v{number} in this pass")),
        None => Ok(()),
    }
}

fn parse_definition(tensors: &[Tensor], line: &mut Reader) -> Result<Definition, ReadError> {
    if line.try_keyword("read") {
        return Ok(Definition::Read(parse_tensor_name(tensors, line)?));
    }
    if line.try_keyword("number") {
        return Ok(Definition::Number);
    }
    if line.try_keyword("outcome") {
        let accumulation = line.numbered("a")?;
        let outcome = if line.try_symbol(".") { line.integer()? } else { 0 };
        return Ok(Definition::Outcome { accumulation, outcome });
    }
    Ok(Definition::Compute(parse_scalar(line)?))
}

fn parse_accumulation(pass: &Pass, line: &mut Reader) -> Result<Accumulation, ReadError> {
    let start = line.clone();
    if line.numbered("a")? as usize != pass.accumulations.len() {
        return start.error(format!("expected a{}, as accumulations are numbered in order", pass.accumulations.len()));
    }
    line.symbol("=")?;
    let place = line.clone();
    let name = line.identifier()?;
    let Some(reduction) = reductions::find_reduction(name) else {
        return place.error(format!("expected a reduction of the table, not `{name}`"));
    };
    let parameters = if line.try_symbol("[") { line.list("]", Reader::integer)? } else { Vec::new() };
    line.symbol("(")?;
    let arguments = line.list(")", value_name)?;
    let dim = |id: &ValueId| pass.values.get(id.0 as usize).map(|value| value.dim);
    let Some(dims) = arguments.iter().map(dim).collect::<Option<Vec<u32>>>() else {
        return place.error("expected values that are defined before");
    };
    match reductions::instantiate(reduction, &dims, &parameters) {
        Ok(rule) => Ok(Accumulation { reduction, parameters, arguments, rule }),
        Err(error) => place.error(error.to_string()),
    }
}

fn parse_tensor_name(tensors: &[Tensor], line: &mut Reader) -> Result<TensorId, ReadError> {
    let start = line.clone();
    let name = line.identifier()?;
    let number = if line.try_symbol("#") {
        Some(line.integer()?)
    } else {
        tensors.iter().position(|tensor| tensor.name == name)
    };
    match number.filter(|&number| tensors.get(number).is_some_and(|tensor| tensor.name == name)) {
        Some(number) => Ok(TensorId(number as u32)),
        None => start.error(format!("expected a tensor of the plan, not `{name}`")),
    }
}

fn value_name(line: &mut Reader) -> Result<ValueId, ReadError> {
    line.numbered("v").map(ValueId)
}
