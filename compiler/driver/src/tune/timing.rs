//! Timing: libraries that differ in their layouts, called in turn on random inputs of a size that takes some milliseconds.
//!
//! The first library has the model's layouts; in each other one a single pass of a plan has another one. All plans change at once, so
//! that there are no more libraries than the plan with most candidates needs.

use std::time::{Duration, Instant};

use keopsc_diagnostics::Code;
use keopsc_ir::plan::cost::cost;
use keopsc_ir::plan::{Plan, Verified};
use keopsc_ir::types::Role as IrRole;
use keopsc_runtime::loader::{Array, Entry, Library, Options, TensorView};
use keopsc_runtime::manifest::{Dtype, Kind, Role, Tensor};

use super::{Choice, Finding, LEAST_GAIN, Site, Sizes};
use crate::failure::{Failure, Problem};

/// What timed libraries call themselves.
pub(super) const SONAME: &str = "libtune.so";

/// Nanoseconds that a call is to take.
const CALL: f64 = 8e6;
/// A call is lengthened so often at most, since short ones are mostly start.
const LENGTHENED: u32 = 4;
/// Rounds of calls, and the time after which no further one is begun.
const ROUNDS: std::ops::Range<u32> = 3..25;
const BUDGET: Duration = Duration::from_millis(2500);

/// What is found for each of these plans, by their numbers.
pub(super) fn find<S: Site>(
    site: &S,
    plans: &[Verified],
    numbers: &[usize],
) -> Result<Vec<Vec<Finding<S::Layout>>>, Failure> {
    let trials: Vec<Trial<'_, S>> = numbers.iter().map(|number| Trial::new(site, plans, *number)).collect();
    let most = trials.iter().map(|trial| trial.others.len()).max().unwrap_or(0);
    if most == 0 {
        return Ok(numbers.iter().map(|_| Vec::new()).collect());
    }
    let folder = tempfile::Builder::new().prefix("keopsc-tune-").tempdir();
    let folder =
        folder.map_err(|error| Problem::file(Code::CannotWrite, "write below", &std::env::temp_dir(), &error))?;
    let variants = (0..=most).map(|variant| {
        let choices: Vec<_> = trials.iter().filter_map(|trial| trial.choice(variant)).collect();
        site.library(&choices, &folder.path().join(format!("lib{variant}.so")))
    });
    let libraries: Vec<Library> = variants.collect::<Result<_, _>>()?;
    let budget = BUDGET / numbers.len().max(1) as u32;
    trials.iter().map(|trial| trial.findings(&libraries, budget)).collect()
}

/// Writes a library to a file and opens it.
pub(super) fn open(bytes: &[u8], path: &std::path::Path) -> Result<Library, Failure> {
    std::fs::write(path, bytes).map_err(|error| Problem::file(Code::CannotWrite, "write", path, &error))?;
    Ok(Library::open(path).map_err(|error| Problem::new(error.to_string()).with_code(Code::CannotTune))?)
}

/// A plan to be timed.
struct Trial<'a, S: Site> {
    site: &'a S,
    plan: String,
    /// The model's layout of each pass that has several.
    model: Vec<Option<S::Layout>>,
    /// The other layouts of passes, one of which a library has.
    others: Vec<(usize, S::Layout)>,
    shape: Shape,
}

/// What decides how large the inputs of a call are.
struct Shape {
    /// Estimated cycles a pair.
    pair: f64,
    /// Numbers of the widest tensor's rows.
    widest: u64,
    /// Whether there are passes over i, and over j.
    over: [bool; 2],
}

/// M and N of a call.
#[derive(Clone, Copy)]
struct Extents {
    i: u64,
    j: u64,
}

impl<'a, S: Site> Trial<'a, S> {
    fn new(site: &'a S, plans: &[Verified], number: usize) -> Self {
        let plan = &plans[number];
        let candidates: Vec<Vec<S::Layout>> =
            (0..plan.passes.len()).map(|pass| site.candidates(number, pass)).collect();
        let others = candidates.iter().enumerate().flat_map(|(pass, layouts)| {
            let others = layouts.iter().skip(1);
            others.map(move |layout| (pass, *layout))
        });
        Trial {
            site,
            plan: plan.name.clone(),
            model: candidates.iter().map(|layouts| layouts.first().copied()).collect(),
            others: others.collect(),
            shape: Shape::of(plan),
        }
    }

    /// What a library has instead of the model's layouts; the first has nothing.
    fn choice(&self, variant: usize) -> Option<Choice<S::Layout>> {
        let (pass, layout) = self.others.get(variant.checked_sub(1)?)?;
        Some(Choice { plan: self.plan.clone(), pass: *pass, layout: *layout })
    }

    /// The fastest layout of each pass that has several.
    fn findings(&self, libraries: &[Library], budget: Duration) -> Result<Vec<Finding<S::Layout>>, Failure> {
        let entries = libraries[..=self.others.len()].iter().filter_map(|library| library.entry(&self.plan));
        let times = self.times(&entries.collect::<Vec<_>>(), budget)?;
        let [model_time, other_times @ ..] = &times[..] else { return Ok(Vec::new()) };
        let finding = |(pass, model): (usize, S::Layout)| {
            let others = self.others.iter().zip(other_times).filter(|((other, _), _)| *other == pass);
            let times: Vec<(S::Layout, f64)> = std::iter::once((model, *model_time))
                .chain(others.map(|((_, layout), time)| (*layout, *time)))
                .collect();
            let fastest = times.iter().min_by(|one, other| one.1.total_cmp(&other.1));
            let better = fastest.filter(|(_, time)| time * LEAST_GAIN < *model_time);
            let (layout, time) = better.copied().unwrap_or((model, *model_time));
            let choice = Choice { plan: self.plan.clone(), pass, layout };
            Finding { choice, model, gain: model_time / time, times }
        };
        let has_others = |pass: usize| self.others.iter().any(|(other, _)| *other == pass);
        let models = self.model.iter().enumerate().filter_map(|(pass, model)| Some((pass, (*model)?)));
        Ok(models.filter(|(pass, _)| has_others(*pass)).map(finding).collect())
    }

    /// The least time of a call of each entry, in nanoseconds: rounds in which each has its turn.
    fn times(&self, entries: &[Entry<'_>], budget: Duration) -> Result<Vec<f64>, Failure> {
        let start = Instant::now();
        let mut call = self.call_that_takes_long(&entries[0])?;
        let mut least = vec![f64::INFINITY; entries.len()];
        for round in 0..ROUNDS.end {
            if round >= ROUNDS.start && start.elapsed() > budget {
                break;
            }
            for (entry, least) in entries.iter().zip(&mut least) {
                *least = least.min(call.time(self.site, entry)?);
            }
        }
        Ok(least)
    }

    /// A call that takes about as long as it is to.
    fn call_that_takes_long(&self, entry: &Entry<'_>) -> Result<Call, Failure> {
        let sizes = self.site.sizes();
        let mut pairs = sizes.first_cycles / self.shape.pair;
        let mut call = Call::new(*entry, self.shape.extents(pairs, &sizes))?;
        // What is only done once is done.
        call.time(self.site, entry)?;
        for _ in 0..LENGTHENED {
            let time = call.time(self.site, entry)?;
            if 2.0 * time > CALL {
                break;
            }
            pairs *= CALL / time.max(1.0);
            call = Call::new(*entry, self.shape.extents(pairs, &sizes))?;
        }
        Ok(call)
    }
}

impl Shape {
    fn of(plan: &Plan) -> Shape {
        let pair: f64 = plan.passes.iter().map(|pass| cost(pass).per_pair.cycles() / 16.0).sum();
        let over = [IrRole::J, IrRole::I].map(|rows| plan.passes.iter().any(|pass| pass.rows == rows));
        let widest = plan.tensors.iter().map(|tensor| u64::from(tensor.dim())).max().unwrap_or(1);
        Shape { pair: pair.max(0.01), widest: widest.max(1), over }
    }

    /// Rows and columns for about so many pairs.
    fn extents(&self, pairs: f64, sizes: &Sizes) -> Extents {
        let Sizes { whole_tiles, few_rows, most_numbers, .. } = *sizes;
        let whole = |rows: f64, most: u64| (rows as u64).min(most).max(whole_tiles) / whole_tiles * whole_tiles;
        let most = most_numbers / self.widest;
        if self.over == [true, true] {
            let rows = whole(pairs.sqrt(), most);
            return Extents { i: rows, j: rows };
        }
        let many = whole(pairs / few_rows as f64, most);
        let few = whole(pairs / many as f64, most);
        if self.over[0] { Extents { i: many, j: few } } else { Extents { i: few, j: many } }
    }
}

/// Inputs and results of a call.
struct Call {
    inputs: Vec<Array>,
    results: Vec<Array>,
    extents: Extents,
}

impl Call {
    fn new(entry: Entry<'_>, extents: Extents) -> Result<Call, Problem> {
        let mut random = Random(1);
        let (mut inputs, mut results) = (Vec::new(), Vec::new());
        for tensor in &entry.description().tensors {
            let shape = shape(tensor, extents);
            if tensor.kind == Kind::Output {
                results.push(Array::zeros(tensor.dtype, &shape).map_err(cannot_call)?);
            } else {
                let parts = if matches!(tensor.dtype, Dtype::C64 | Dtype::C128) { 2 } else { 1 };
                let count = shape.iter().product::<i64>() * parts;
                let values: Vec<f64> = (0..count).map(|_| random.number()).collect();
                inputs.push(Array::from_f64(tensor.dtype, &shape, &values).map_err(cannot_call)?);
            }
        }
        Ok(Call { inputs, results, extents })
    }

    /// The nanoseconds of a call.
    fn time(&mut self, site: &impl Site, entry: &Entry<'_>) -> Result<f64, Problem> {
        let mut tensors: Vec<TensorView<'_>> =
            self.inputs.iter().map(Array::input).collect::<Result<_, _>>().map_err(cannot_call)?;
        for result in &mut self.results {
            tensors.push(result.output().map_err(cannot_call)?);
        }
        let Extents { i, j } = self.extents;
        let options = Options { rows_i: Some(i as i64), rows_j: Some(j as i64), ..site.call() };
        let start = site.now();
        entry.run(&mut tensors, &options).map_err(cannot_call)?;
        Ok((site.now() - start).as_nanos() as f64)
    }
}

fn shape(tensor: &Tensor, extents: Extents) -> Vec<i64> {
    let dim = i64::try_from(tensor.dim()).unwrap_or(i64::MAX);
    match tensor.role {
        Role::Parameter => vec![dim],
        Role::I => vec![extents.i as i64, dim],
        Role::J => vec![extents.j as i64, dim],
    }
}

fn cannot_call(error: impl std::fmt::Display) -> Problem {
    Problem::new(format!("the timed code cannot be called: {error}")).with_code(Code::CannotTune)
}

/// Numbers from 0.25 to 1.25, the same in every run: away from 0, where quotients and logarithms are slower than elsewhere.
struct Random(u64);

impl Random {
    fn number(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        0.25 + (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
