//! Random plans that keep every rule of `verify`, for property tests: everything follows from a seed.
//!
//! They use all constructs, sensible or not; plans of real formulas come from `passes::plan`.

use keopsc_ops::ReductionId;
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions;

use super::generate_scalar::{Available, generate_index_scalar, generate_scalar};
use super::{
    Accumulation, Block, Definition, Pass, Plan, Scatter, Tensor, TensorId, TensorKind, Value, ValueId, Write,
};
use crate::formula::generate::{draw_shapes, has_small_results};
use crate::random::Random;
use crate::types::{Algebra, Axis, Numerics, Products, Role, ScalarType, SumScheme};

/// The plan of a seed, without scatters: those the support code does, in no ring.
pub fn generate(seed: u64) -> Plan {
    plan(seed, false)
}

/// The plan of a seed, in which passes may end in a scatter.
pub fn generate_with_scatters(seed: u64) -> Plan {
    plan(seed, true)
}

fn plan(seed: u64, has_scatters: bool) -> Plan {
    let mut random = Random::new(seed);
    let inputs: Vec<Tensor> = (0..random.integer(2, 6)).map(|number| input(&mut random, number)).collect();
    let mut generator = Generator { random, tensors: inputs.clone(), passes: Vec::new() };
    for number in 0..generator.random.integer(1, 3) {
        let mut pass = generator.pass(number as usize);
        if has_scatters {
            generator.scatter(&mut pass, number as usize);
        }
        generator.passes.push(pass);
    }
    generator.finish()
}

fn input(random: &mut Random, number: i64) -> Tensor {
    Tensor {
        name: if random.percent(5) { "x".to_string() } else { format!("x{number}") },
        kind: TensorKind::Input,
        role: random.pick(&[Role::Parameter, Role::I, Role::J]),
        shape: vec![random.integer(1, 4) as u32],
        scalar: random.pick(&[ScalarType::F16, ScalarType::F32, ScalarType::F64, ScalarType::I64, ScalarType::C64]),
        gradient_of: None,
    }
}

struct Generator {
    random: Random,
    /// Inputs, then whatever passes write, each an output or a temporary.
    tensors: Vec<Tensor>,
    passes: Vec<Pass>,
}

impl Generator {
    fn pass(&mut self, number: usize) -> Pass {
        let reduces = self.random.percent(80);
        let axis = self.random.pick(&[Axis::I, Axis::J]);
        let rows = if self.random.percent(20) { Role::Parameter } else { axis.other().role() };
        let compute = self.random.pick(&[ScalarType::F32, ScalarType::F64]);
        let over = reduces.then_some(axis);
        let mut pass = Pass::new(rows, over, compute);
        self.reads(&mut pass);
        self.numbers(&mut pass);
        let blocks: &[Block] = match over {
            Some(_) => &[Block::Parameter, Block::Row, Block::Column, Block::Pair],
            None => &[Block::Parameter, Block::Row],
        };
        for _ in 0..self.random.integer(1, 5) {
            let block = self.random.pick(blocks);
            self.compute(&mut pass, block);
        }
        while over.is_some() && (pass.accumulations.is_empty() || self.random.percent(30)) {
            self.accumulate(&mut pass);
        }
        for _ in 0..self.random.integer(1, 3) {
            self.compute(&mut pass, Block::Epilogue);
        }
        self.writes(&mut pass, number);
        pass
    }

    fn reads(&mut self, pass: &mut Pass) {
        for (number, tensor) in self.tensors.iter().enumerate() {
            let block = match tensor.role {
                Role::Parameter => Some(Block::Parameter),
                role if role == pass.rows => Some(Block::Row),
                role => pass.over.filter(|over| over.role() == role).map(|_| Block::Column),
            };
            let readable = tensor.kind != TensorKind::Output && self.random.percent(80);
            if let Some(block) = block.filter(|_| readable) {
                let (dim, is_index) = (tensor.dim(), tensor.scalar == ScalarType::I64);
                let definition = Definition::Read(TensorId(number as u32));
                pass.values.push(Value { block, dim, is_index, definition });
            }
        }
    }

    fn numbers(&mut self, pass: &mut Pass) {
        let rows = (pass.rows != Role::Parameter).then_some(Block::Row);
        for block in [rows, pass.over.map(|_| Block::Column)].into_iter().flatten() {
            if self.random.percent(30) {
                pass.values.push(Value { block, dim: 1, is_index: true, definition: Definition::Number });
            }
        }
    }

    fn compute(&mut self, pass: &mut Pass, block: Block) {
        let dim = self.random.integer(1, 4) as u32;
        let available = available(pass, block);
        let is_index = !available.indices.is_empty() && self.random.percent(20);
        let scalar = if is_index {
            generate_index_scalar(&mut self.random, dim, &available)
        } else {
            generate_scalar(&mut self.random, dim, &available)
        };
        pass.values.push(Value { block, dim, is_index, definition: Definition::Compute(scalar) });
    }

    fn accumulate(&mut self, pass: &mut Pass) {
        let reductions: Vec<ReductionId> = reductions::reductions().map(|(id, _)| id).collect();
        let reduction = self.random.pick(&reductions);
        let signature = reductions::signature(reduction);
        let counts = (signature.arguments.len(), signature.parameters.len());
        let fits = |dims: &[u32], parameters: &[i64]| has_small_results(signature, dims, parameters);
        let Some((dims, parameters)) = draw_shapes(&mut self.random, counts, fits) else { return };
        let Ok(rule) = reductions::instantiate(reduction, &dims, &parameters) else { return };
        let arguments: Vec<ValueId> = dims.iter().map(|&dim| self.argument(pass, dim)).collect();
        let accumulation = pass.accumulations.len() as u32;
        for (outcome, declared) in rule.outcomes.iter().enumerate() {
            let definition = Definition::Outcome { accumulation, outcome: outcome as u32 };
            let is_index = declared.kind == Kind::Index;
            pass.values.push(Value { block: Block::Epilogue, dim: declared.dim, is_index, definition });
        }
        pass.accumulations.push(Accumulation { reduction, parameters, arguments, rule });
    }

    /// A value to accumulate, of that dimension: one that is there or a new one.
    fn argument(&mut self, pass: &mut Pass, dim: u32) -> ValueId {
        let numbered = pass.values.iter().enumerate();
        let fits = |value: &Value| value.dim == dim && !value.is_index && value.block != Block::Epilogue;
        let fitting: Vec<usize> = numbered.filter(|(_, value)| fits(value)).map(|(number, _)| number).collect();
        let number = self.random.pick_any(&fitting).unwrap_or_else(|| {
            let scalar = generate_scalar(&mut self.random, dim, &available(pass, Block::Pair));
            let definition = Definition::Compute(scalar);
            pass.values.push(Value { block: Block::Pair, dim, is_index: false, definition });
            pass.values.len() - 1
        });
        ValueId(number as u32)
    }

    fn writes(&mut self, pass: &mut Pass, number: usize) {
        let once_a_row = |value: &Value| matches!(value.block, Block::Row | Block::Epilogue);
        let numbered = pass.values.iter().enumerate().filter(|(_, value)| once_a_row(value));
        let candidates: Vec<usize> = numbered.map(|(number, _)| number).collect();
        for count in 0..self.random.integer(1, 2) {
            let value = self.random.pick(&candidates);
            let Value { dim, is_index, .. } = pass.values[value];
            let shape = if dim % 2 == 0 && self.random.percent(50) { vec![2, dim / 2] } else { vec![dim] };
            let kind = self.random.pick(&[TensorKind::Output, TensorKind::Temporary]);
            let scalar = if is_index { ScalarType::I64 } else { pass.compute };
            let name = format!("y{number}_{count}");
            pass.writes.push(Write { value: ValueId(value as u32), tensor: TensorId(self.tensors.len() as u32) });
            let alike = |input: &Tensor| {
                let place = (input.kind, input.role, input.dim(), input.scalar == ScalarType::I64);
                place == (TensorKind::Input, pass.rows, dim, is_index) && input.name != "x"
            };
            let alike = self.tensors.iter().position(alike).filter(|_| kind == TensorKind::Output);
            let gradient_of = alike.filter(|_| self.random.percent(50)).map(|number| TensorId(number as u32));
            self.tensors.push(Tensor { name, kind, role: pass.rows, shape, scalar, gradient_of });
        }
    }

    /// A scatter by row numbers that the pass wrote, if there are some.
    fn scatter(&mut self, pass: &mut Pass, number: usize) {
        let role = match pass.rows {
            Role::I => Role::J,
            Role::J => Role::I,
            Role::Parameter | Role::Pair => return,
        };
        let temporary = |tensor: &Tensor| tensor.kind == TensorKind::Temporary && tensor.role == pass.rows;
        let is_real = |tensor: &Tensor| tensor.scalar != ScalarType::I64 && !tensor.scalar.is_complex();
        let is_input = |tensor: &Tensor| tensor.kind == TensorKind::Input && tensor.role == pass.rows;
        let find = |wanted: &dyn Fn(&Tensor) -> bool| {
            let numbered = (0..).map(TensorId).zip(&self.tensors);
            numbered.filter(|(_, tensor)| wanted(tensor)).map(|(id, _)| id).collect::<Vec<_>>()
        };
        let numbers = find(&|tensor| temporary(tensor) && tensor.scalar == ScalarType::I64);
        let values = find(&|tensor| (temporary(tensor) || is_input(tensor)) && is_real(tensor));
        let Some(numbers) = self.random.pick_any(&numbers) else { return };
        let values = self.random.pick_any(&values).filter(|_| self.random.percent(80));
        let dim = values.map_or(1, |id| self.tensors[id.0 as usize].dim());
        let sums = TensorId(self.tensors.len() as u32);
        pass.scatters.push(Scatter { numbers, values, sums });
        let (name, kind, scalar) = (format!("s{number}"), TensorKind::Temporary, pass.compute);
        self.tensors.push(Tensor { name, kind, role, shape: vec![dim], scalar, gradient_of: None });
    }

    /// The plan with its tensors in order: inputs, outputs, temporaries.
    fn finish(mut self) -> Plan {
        let mut order: Vec<usize> = (0..self.tensors.len()).collect();
        order.sort_by_key(|&number| self.tensors[number].kind as usize);
        let renumber = |id: &mut TensorId| {
            let new = order.iter().position(|&old| old == id.0 as usize);
            id.0 = new.unwrap_or_default() as u32;
        };
        for pass in &mut self.passes {
            pass.writes.iter_mut().for_each(|write| renumber(&mut write.tensor));
            for Scatter { numbers, values, sums } in &mut pass.scatters {
                [numbers, sums].into_iter().chain(values).for_each(renumber);
            }
            for value in &mut pass.values {
                if let Definition::Read(tensor) = &mut value.definition {
                    renumber(tensor);
                }
            }
        }
        let tensors = order.iter().map(|&number| self.tensors[number].clone()).collect();
        let sum = self.random.pick(&[SumScheme::Auto, SumScheme::Direct, SumScheme::Block, SumScheme::Kahan]);
        let accumulate = self.random.percent(20).then_some(ScalarType::F64);
        let algebra = if self.random.percent(20) { Algebra::Fast } else { Algebra::Exact };
        let products = self.random.pick(&[Products::Auto, Products::Auto, Products::Tf32, Products::Bf16]);
        let numerics = Numerics { sum, accumulate, algebra, products };
        Plan { name: "generated".to_string(), tensors, passes: self.passes, numerics }
    }
}

/// What a value of that block, added at the end, may use.
fn available(pass: &Pass, block: Block) -> Available {
    let mut available = Available::default();
    for (number, value) in pass.values.iter().enumerate().filter(|(_, value)| block.sees().contains(&value.block)) {
        let list = if value.is_index { &mut available.indices } else { &mut available.reals };
        list.push((ValueId(number as u32), value.dim));
    }
    available
}
