//! Timing: libraries that differ in their tiles, called in turn on random inputs of a size that takes some milliseconds.
//!
//! The first library has the model's tiles; in each other one a single pass of a plan has another tile. All plans change at once, so
//! that there are no more libraries than the plan with most candidates needs.

use std::time::{Duration, Instant};

use keopsc_cpu::Library as Source;
use keopsc_diagnostics::Code;
use keopsc_ir::types::Role as IrRole;
use keopsc_passes::schedule::{Choice, Scheduled, Tile};
use keopsc_runtime::SUPPORT_OBJECT;
use keopsc_runtime::loader::{Array, Entry, Library, Options, TensorView, thread_time};
use keopsc_runtime::manifest::{Dtype, Kind, Role, Tensor};

use super::{Finding, LEAST_GAIN, Plans};
use crate::failure::{Failure, Problem};
use crate::session::{code_generation, json, link_library};

/// Estimated cycles of a first call, which tells how many pairs take [`CALL`].
const CYCLES: f64 = 1e7;
/// Nanoseconds that a call is to take.
const CALL: f64 = 8e6;
/// Rows are in whole tiles, whatever the tile is.
const WHOLE_TILES: u64 = 192;
/// Rows of the index that stays, at least: there are many columns for each, as in problems that take long.
const FEW_ROWS: u64 = 2 * WHOLE_TILES;
/// Numbers of an input at most, so that it stays in a cache.
const MOST_NUMBERS: u64 = 1 << 18;
/// Rounds of calls, and the time after which no further one is begun.
const ROUNDS: std::ops::Range<u32> = 3..25;
const BUDGET: Duration = Duration::from_millis(2500);

/// What is found for each of these plans, by their numbers.
pub(super) fn find(plans: &Plans<'_>, numbers: &[usize]) -> Result<Vec<Vec<Finding>>, Failure> {
    let trials: Vec<Trial> = numbers.iter().map(|number| Trial::new(plans, *number)).collect();
    let most = trials.iter().map(|trial| trial.others.len()).max().unwrap_or(0);
    if most == 0 {
        return Ok(vec![Vec::new(); numbers.len()]);
    }
    let folder = tempfile::Builder::new().prefix("keopsc-tune-").tempdir();
    let folder =
        folder.map_err(|error| Problem::file(Code::CannotWrite, "write below", &std::env::temp_dir(), &error))?;
    let variants = (0..=most).map(|variant| {
        let tiles: Vec<Choice> = trials.iter().filter_map(|trial| trial.choice(variant)).collect();
        let path = folder.path().join(format!("lib{variant}.so"));
        library(plans, &tiles, &path)
    });
    let libraries: Vec<Library> = variants.collect::<Result<_, _>>()?;
    let budget = BUDGET / numbers.len().max(1) as u32;
    trials.iter().map(|trial| trial.findings(&libraries, budget)).collect()
}

/// A plan to be timed.
struct Trial {
    plan: String,
    /// The model's tile of each pass.
    model: Vec<Tile>,
    /// The other tiles of passes, one of which a library has.
    others: Vec<(usize, Tile)>,
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

impl Trial {
    fn new(plans: &Plans<'_>, number: usize) -> Trial {
        let plan = plans.plan(number);
        let scheduled = plans.scheduled(number);
        let candidates: Vec<Vec<Tile>> = (0..plan.passes.len())
            .map(|pass| plans.candidates(number, pass).iter().map(|candidate| candidate.tile).collect())
            .collect();
        let others =
            candidates.iter().enumerate().flat_map(|(pass, tiles)| tiles[1..].iter().map(move |tile| (pass, *tile)));
        let widest = plan.tensors.iter().map(|tensor| u64::from(tensor.dim())).max().unwrap_or(1);
        Trial {
            plan: plan.name.clone(),
            model: candidates.iter().map(|tiles| tiles[0]).collect(),
            others: others.collect(),
            shape: Shape::of(&scheduled, widest),
        }
    }

    /// What a library has instead of the model's tiles; the first has nothing.
    fn choice(&self, variant: usize) -> Option<Choice> {
        let (pass, tile) = self.others.get(variant.checked_sub(1)?)?;
        Some(Choice { plan: self.plan.clone(), pass: *pass, tile: *tile })
    }

    /// The fastest tile of each pass that has several.
    fn findings(&self, libraries: &[Library], budget: Duration) -> Result<Vec<Finding>, Failure> {
        let entries = libraries[..=self.others.len()].iter().filter_map(|library| library.entry(&self.plan));
        let times = self.times(&entries.collect::<Vec<_>>(), budget)?;
        let [model_time, other_times @ ..] = &times[..] else { return Ok(Vec::new()) };
        let finding = |pass: usize| {
            let model = self.model[pass];
            let others = self.others.iter().zip(other_times).filter(|((other, _), _)| *other == pass);
            let times: Vec<(Tile, f64)> =
                std::iter::once((model, *model_time)).chain(others.map(|((_, tile), time)| (*tile, *time))).collect();
            let fastest = times.iter().min_by(|one, other| one.1.total_cmp(&other.1));
            let better = fastest.filter(|(_, time)| time * LEAST_GAIN < *model_time);
            let (chosen, time) = better.copied().unwrap_or((model, *model_time));
            Finding { plan: self.plan.clone(), pass, model, chosen, gain: model_time / time, times }
        };
        let has_others = |pass: &usize| self.others.iter().any(|(other, _)| other == pass);
        Ok((0..self.model.len()).filter(has_others).map(finding).collect())
    }

    /// The least time of a call of each entry, in nanoseconds: rounds in which each has its turn.
    fn times(&self, entries: &[Entry<'_>], budget: Duration) -> Result<Vec<f64>, Failure> {
        let start = Instant::now();
        let pairs = CYCLES / self.shape.pair;
        let first = Call::new(entries[0], self.shape.extents(pairs))?.time(&entries[0])?;
        let mut call = Call::new(entries[0], self.shape.extents(pairs * CALL / first.max(1.0)))?;
        let mut least = vec![f64::INFINITY; entries.len()];
        for round in 0..ROUNDS.end {
            if round >= ROUNDS.start && start.elapsed() > budget {
                break;
            }
            for (entry, least) in entries.iter().zip(&mut least) {
                *least = least.min(call.time(entry)?);
            }
        }
        Ok(least)
    }
}

impl Shape {
    fn of(scheduled: &Scheduled, widest: u64) -> Shape {
        let pair: f64 = scheduled.passes().map(|(_, layout)| f64::from(layout.pair_cost) / 16.0).sum();
        let over = [IrRole::J, IrRole::I].map(|rows| scheduled.passes().any(|(pass, _)| pass.rows == rows));
        Shape { pair: pair.max(0.01), widest: widest.max(1), over }
    }

    /// Rows and columns for about so many pairs.
    fn extents(&self, pairs: f64) -> Extents {
        let whole = |rows: f64, most: u64| (rows as u64).min(most).max(WHOLE_TILES) / WHOLE_TILES * WHOLE_TILES;
        let most = MOST_NUMBERS / self.widest;
        if self.over == [true, true] {
            let rows = whole(pairs.sqrt(), most);
            return Extents { i: rows, j: rows };
        }
        let many = whole(pairs / FEW_ROWS as f64, most);
        let few = whole(pairs / many as f64, most);
        if self.over[0] { Extents { i: many, j: few } } else { Extents { i: few, j: many } }
    }
}

fn library(plans: &Plans<'_>, tiles: &[Choice], path: &std::path::Path) -> Result<Library, Failure> {
    let manifest = plans.front.manifest(plans.options);
    let text = json(&manifest)?;
    let source = Source {
        name: &plans.options.name,
        plans: &plans.front.output.plans,
        manifest: &text,
        tiles,
        has_device_code: false,
    };
    let objects = keopsc_cpu::compile(&source, &[plans.level]).map_err(code_generation)?;
    let bytes = link_library(&objects, SUPPORT_OBJECT, &manifest, plans.options, "libtune.so")?;
    std::fs::write(path, bytes).map_err(|error| Problem::file(Code::CannotWrite, "write", path, &error))?;
    Ok(Library::open(path).map_err(|error| Problem::new(error.to_string()).with_code(Code::CannotTune))?)
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

    /// The nanoseconds of a call in this thread.
    fn time(&mut self, entry: &Entry<'_>) -> Result<f64, Problem> {
        let mut tensors: Vec<TensorView<'_>> =
            self.inputs.iter().map(Array::input).collect::<Result<_, _>>().map_err(cannot_call)?;
        for result in &mut self.results {
            tensors.push(result.output().map_err(cannot_call)?);
        }
        let Extents { i, j } = self.extents;
        let options = Options { rows_i: Some(i as i64), rows_j: Some(j as i64), threads: Some(1) };
        let start = thread_time();
        entry.run(&mut tensors, &options).map_err(cannot_call)?;
        Ok((thread_time() - start).as_nanos() as f64)
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
