//! Random plans, with all constructs and all reductions, and random layouts in registers.

use keopsc_cpu::level::Level;
use keopsc_grammar::parse_file;
use keopsc_ir::formula::Program;
use keopsc_ir::formula::generate::{generate, generate_with_requests};
use keopsc_ir::plan::{self, Accumulation, Block, Definition, Pass, Plan, TensorKind, Value, ValueId, Verified};
use keopsc_ir::random::Random;
use keopsc_ir::types::{ScalarType, SumScheme};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Index, Scalar};
use keopsc_passes::differentiate::differentiate;
use keopsc_passes::resolve::Options;
use keopsc_passes::schedule::{Choice, Machine, Scheduled, schedule};
use keopsc_passes::{hoist, pipeline, simplify};

/// The plans of a seed: the entries of a random formula file, of the derivatives of one, or a plan that no formula has.
pub fn draw(random: &mut Random) -> Vec<Verified> {
    let seed = random.bits();
    let plans = match random.below(5) {
        0 => vec![Verified::new(with_results(seed)).expect("plans keep the rules")],
        1 => of_program(differentiate(generate_with_requests(seed)).unwrap_or_else(|_| generate(seed)), random),
        2 => of_usual_formulas(random),
        _ => of_program(generate(seed), random),
    };
    plans.into_iter().map(|plan| change(plan, random)).collect()
}

/// The same with other storage types, and bounded exponents.
fn change(plan: Verified, random: &mut Random) -> Verified {
    let for_ranges = plan.for_ranges().cloned();
    let mut plan = plan.into_plan();
    draw_storage(&mut plan, random);
    draw_numerics(&mut plan, random);
    let like_it = for_ranges.map(|mut other| {
        let arguments = plan.tensors.iter().filter(|tensor| tensor.kind != TensorKind::Temporary);
        other.numerics = plan.numerics;
        other.tensors.iter_mut().zip(arguments).for_each(|(tensor, like)| *tensor = like.clone());
        other
    });
    let verified = |mut plan: Plan| {
        bound_exponents(&mut plan);
        Verified::new(plan).expect("plans keep the rules")
    };
    let plan = verified(plan);
    match like_it {
        Some(other) => plan.with_ranges(verified(other)),
        None => plan,
    }
}

/// The first plan from a seed on that has results.
fn with_results(seed: u64) -> Plan {
    let has_results = |plan: &Plan| plan.tensors.iter().any(|tensor| tensor.kind == TensorKind::Output);
    (0..)
        .map(|more| plan::generate::generate(seed.wrapping_add(more)))
        .find(has_results)
        .expect("most plans have results")
}

fn of_program(program: Program, random: &mut Random) -> Vec<Verified> {
    let program = if random.percent(50) { hoist::hoist(simplify::simplify(program)) } else { program };
    let plans = keopsc_passes::plan::plan(&program).into_iter();
    plans.map(|plan| Verified::new(plan).expect("plans keep the rules")).collect()
}

/// What libraries are made for: kernels with their derivatives, neighbours, transport. Dimensions are drawn, so that some distances are contractions
/// and some outputs long.
const USUAL: &str = "
x = Vi(D); y = Vj(D); b = Vj(E); s = Pm(1); w = Pm(D)
K = Exp(-SqDist(x, y) / s**2)
L = WeightedSqDist(w, x, y)
A = Sum(Abs(x - y))
out conv = Sum[j](K * b)
out conv_x = Grad(conv, x)
out conv_y = Grad(conv, y)
out conv_s = Grad(conv, s)
out conv_b = Grad(conv, b)
out weighted = Sum[j](L * b)
out near = KMin_ArgKMin[j, K=3](L)
out both = Max_ArgMax[i](A - (x | y))
out soft = SumSoftMaxWeight[j](x | y, b)
out lse = LogSumExp[i](-A - L)
out lse_y = Grad(lse, y)
out mean = Mean[j](Concat(x * y, b))
out scaled = Sum[j](x * Sum(b))
out mixed = Sum[i](Norm2(x) * Sin(L) - (x | y) * Cos(A))
";

/// The formulas that libraries are made for, with points of `d` coordinates and `e` weights.
pub fn usual_formulas(d: u32, e: u32, options: &Options) -> pipeline::Output {
    let (file, errors) = parse_file(&format!("dim D = {d}; dim E = {e}{USUAL}"));
    assert!(errors.is_empty(), "{errors:?}");
    pipeline::run(&file, options, &mut |_, _| {}).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn of_usual_formulas(random: &mut Random) -> Vec<Verified> {
    let (d, e) = (random.pick(&[1, 2, 3, 16, 17, 20, 33]), random.pick(&[1, 1, 1, 2, 3, 17, 40]));
    let options = Options { dtype: Some(random.pick(&[ScalarType::F32, ScalarType::F64])), ..Options::default() };
    let mut plans = usual_formulas(d, e, &options).plans;
    while plans.len() > 3 {
        plans.swap_remove(random.below(plans.len()));
    }
    plans
}

/// Some arguments and results in another storage type, complex ones where components can be paired.
fn draw_storage(plan: &mut Plan, random: &mut Random) {
    use ScalarType::{BF16, C64, C128, F16, F32, F64};
    for tensor in plan.tensors.iter_mut().filter(|tensor| tensor.scalar != ScalarType::I64) {
        let changes = match tensor.kind {
            TensorKind::Input => 20,
            TensorKind::Output => 10,
            TensorKind::Temporary => 0,
        };
        if random.percent(changes) {
            let dim = tensor.dim();
            let types: &[ScalarType] =
                if dim % 2 == 0 { &[F16, BF16, F32, F64, C64, C128] } else { &[F16, BF16, F32, F64] };
            tensor.scalar = random.pick(types);
            tensor.shape = vec![dim / tensor.scalar.components()];
        }
    }
}

/// Other orders of summation, and wide accumulators.
fn draw_numerics(plan: &mut Plan, random: &mut Random) {
    if random.percent(30) {
        plan.numerics.sum = random.pick(&[SumScheme::Auto, SumScheme::Direct, SumScheme::Block, SumScheme::Kahan]);
    }
    if random.percent(20) {
        plan.numerics.accumulate = Some(ScalarType::F64);
    }
}

/// Brings the exponents of reductions of exponentials into the interval in which the ring's order and its differences agree: a bounded
/// function of them is reduced instead.
pub fn bound_exponents(plan: &mut Plan) {
    for pass in &mut plan.passes {
        for number in 0..pass.accumulations.len() {
            if has_exponents(&pass.accumulations[number]) {
                let bounded = bounded(pass, pass.accumulations[number].arguments[0]);
                pass.accumulations[number].arguments[0] = bounded;
            }
        }
    }
}

fn has_exponents(accumulation: &Accumulation) -> bool {
    let mut found = false;
    for item in &accumulation.rule.update_lets {
        item.value.visit(&mut |part| found |= matches!(part, Scalar::Call(Intrinsic::Exp | Intrinsic::Exp2, _)));
    }
    found
}

fn bounded(pass: &mut Pass, exponent: ValueId) -> ValueId {
    let component = Scalar::Component(exponent, Index::Constant(0));
    let definition = Definition::Compute(Scalar::Call(Intrinsic::Sin, vec![component]));
    pass.values.push(Value { block: Block::Pair, dim: 1, is_index: false, definition });
    ValueId(pass.values.len() as u32 - 1)
}

/// A layout in registers and a division into chunks and threads for each plan; some are those of the level.
pub fn draw_schedules(plans: &[Verified], level: &Level, random: &mut Random) -> Vec<Scheduled> {
    let registers = if random.percent(40) { level.registers } else { random.pick(&[1, 8, 16, 24, 32, 64]) };
    let machine = Machine { registers, ..level.machine() };
    let chunk = random.percent(75).then(|| random.pick(&[1, 2, 3, 4, 5, 8, 16, 24]));
    let pair_cost = random.percent(75).then(|| 1_u32 << random.integer(10, 30));
    let other_tiles = random.percent(50);
    let mut lay_out = |plan| {
        let mut scheduled = schedule(plan, &machine);
        if other_tiles {
            scheduled = with_any_tiles(scheduled, &machine, random);
        }
        let scheduled = match chunk {
            Some(chunk) => scheduled.with_chunk(chunk),
            None => scheduled,
        };
        match pair_cost {
            Some(cost) => scheduled.with_pair_cost(cost),
            None => scheduled,
        }
    };
    plans.iter().map(&mut lay_out).collect()
}

/// The same with any tile for each pass that it can have.
fn with_any_tiles(scheduled: Scheduled, machine: &Machine, random: &mut Random) -> Scheduled {
    let plan = scheduled.plan().name.clone();
    let choose = |pass| {
        let (_, candidates) = scheduled.candidates(pass, machine);
        Choice { plan: plan.clone(), pass, tile: random.pick(&candidates).tile }
    };
    let choices: Vec<Choice> = (0..scheduled.plan().passes.len()).map(choose).collect();
    scheduled.with_tiles(&choices, machine)
}
