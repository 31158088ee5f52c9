//! Every pair once: compiled plans in integers against a plain double loop, bit for bit, in memory between forbidden pages.
//!
//! `KEOPSC_CASES` says how many calls are made, `KEOPSC_SEED` of which libraries from which number on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::parse::parse;
use keopsc_ir::plan::print::print;
use keopsc_ir::plan::{Definition, Verified};
use keopsc_ir::random::Random;
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::reductions;
use keopsc_ops::scalar::Scalar;
use keopsc_passes::schedule::{Machine, Scheduled, schedule};
use keopsc_tests::ring::plans::{draw, draw_schedules};
use keopsc_tests::ring::sizes::{around, number_from, of_pass, shrunk, work};
use keopsc_tests::ring::trial::Trial;
use keopsc_tests::{Compiled, compile_in_ring, runnable_levels};

/// Calls of one library.
const CALLS: u64 = 100;
/// The double loop's cost in cycles of real arithmetic that most calls stay below.
const SMALL: f64 = 2e4;
/// That of a few.
const LARGE: f64 = 4e5;

struct Library {
    seed: u64,
    plans: Vec<Verified>,
    schedules: Vec<Scheduled>,
    compiled: Compiled,
    level: &'static str,
}

impl Library {
    fn random(seed: u64) -> Random {
        Random::new(seed ^ 0x0072_696e_6700_0000)
    }

    fn draw(seed: u64) -> Library {
        let mut random = Library::random(seed);
        let plans = draw(&mut random);
        let level = random.pick(&runnable_levels());
        let schedules = draw_schedules(&plans, level, &mut random);
        let compiled = compile_in_ring(&plans, level, schedules.clone());
        Library { seed, plans, schedules, compiled, level: level.name }
    }

    /// One call; what is wrong, in the smallest sizes in which it is.
    fn check(&self, call: u64) -> Result<(), String> {
        let mut random = Random::new(self.seed << 20 | call);
        let entry = random.below(self.plans.len());
        let most = if random.percent(3) { LARGE } else { SMALL };
        let sizes = self.draw_sizes(entry, most, &mut random);
        let elements = (most / work(&self.plans[entry], sizes)) as usize;
        let seed = random.bits();
        self.check_sizes(entry, sizes, elements, seed).map_err(|wrong| {
            let check = |sizes| self.check_sizes(entry, sizes, elements, seed);
            let (sizes, wrong) = shrunk(sizes, wrong, check);
            let words = Trial::draw(&self.plans[entry], sizes, elements, seed).words();
            format!("{}, call {call}\n{wrong}\n{words}{}", self.words(entry), print(&self.plans[entry]))
        })
    }

    fn check_sizes(&self, entry: usize, sizes: Sizes, elements: usize, seed: u64) -> Result<(), String> {
        let plan = &self.plans[entry];
        let who = format!("{}\n{}", self.words(entry), print(plan));
        Trial::draw(plan, sizes, elements, seed).check_guarded(&self.compiled, entry, plan, 1, &who)
    }

    fn words(&self, entry: usize) -> String {
        let passes = self.schedules[entry].passes();
        let layouts = passes.map(|(_, pass)| {
            let rows = pass.lanes * pass.row_vectors;
            format!("tile {rows} x {}, chunk {}, cost {}", pass.columns, pass.chunk, pass.pair_cost)
        });
        let layouts: Vec<String> = layouts.collect();
        format!("seed {}, entry {entry}, {}, {}", self.seed, self.level, layouts.join("; "))
    }

    /// Sizes around the tile and the chunk of some pass, whose double loop costs no more than `most`.
    fn draw_sizes(&self, entry: usize, most: f64, random: &mut Random) -> Sizes {
        let passes: Vec<_> = self.schedules[entry].passes().collect();
        let (pass, layout) = random.pick(&passes);
        let (tile, chunk) = (u64::from(layout.lanes * layout.row_vectors), u64::from(layout.chunk));
        for _ in 0..50 {
            let (mut rows, mut columns) = (around(tile, random), random.below(20));
            if random.percent(15) {
                // Few rows, whose columns fill the lanes with chunks.
                (rows, columns) = (random.below(13), around(chunk.saturating_mul(u64::from(layout.lanes)), random));
            } else if random.percent(60) {
                columns = around(chunk, random);
            }
            let sizes = of_pass(pass, rows, columns, random.below(9));
            if work(&self.plans[entry], sizes) <= most {
                return sizes;
            }
        }
        Sizes { i: random.below(6), j: random.below(6) }
    }
}

/// Columns that are more than the cache holds, so that row tiles walk over them in groups and threads share their packing: records that are a
/// tensor's rows, which are not packed where they are dense, and records with something computed. A pair takes so long that threads that are started
/// find work.
const WIDE: [&str; 2] = [
    "
plan wide
tensor x: input i[1] f32
tensor y: input j[150] f32
tensor total: output i[1] f32
tensor least: output i[1] i64
pass rows i, over j, compute f32
  row v0[1] = read x
  column v1[150] = read y
  pair v2[1] = exp(v0 * v1[7]) + v1[149]
  accumulate a0 = Sum(v2)
  accumulate a1 = ArgMin(v2)
  epilogue v3[1] = outcome a0
  epilogue v4[1] index = outcome a1
  write total = v3
  write least = v4
",
    "
plan wide
tensor x: input i[1] f32
tensor y: input j[150] f32
tensor total: output i[1] f32
tensor least: output i[1] i64
pass rows i, over j, compute f32
  row v0[1] = read x
  column v1[150] = read y
  column v2[2] = v1[k + 3] * v1[149]
  pair v3[1] = exp(v0 * v2[0]) + v2[1]
  accumulate a0 = Sum(v3)
  accumulate a1 = ArgMin(v3)
  epilogue v4[1] = outcome a0
  epilogue v5[1] index = outcome a1
  write total = v4
  write least = v5
",
];

/// How often a call is repeated so that its threads run at the same time at least once.
const REPETITIONS: usize = 20;

#[test]
fn wide_columns_agree_with_the_double_loop() {
    for (level, text) in runnable_levels().into_iter().flat_map(|level| WIDE.map(|text| (level, text))) {
        let plan = Verified::new(parse(text).expect("it can be read")).expect("it keeps the rules");
        let machine = Machine { registers: 1, ..level.machine() };
        let schedules = vec![schedule(&plan, &machine).with_pair_cost(1 << 20)];
        let compiled = compile_in_ring(std::slice::from_ref(&plan), level, schedules);
        let check = |rows: usize, seed: u64, elements: usize, threads: i32| {
            let trial = Trial::draw(&plan, Sizes { i: rows, j: 2100 }, elements, seed).with_threads(threads);
            let who = format!("{}, seed {seed}\n{text}", level.name);
            let result = trial.check_guarded(&compiled, 0, &plan, REPETITIONS, &who);
            result.unwrap_or_else(|wrong| panic!("{wrong}\n{who}{}", trial.words()));
            trial.elements() > 1
        };
        for seed in [0, 1] {
            check(2 * level.lanes_f32 as usize + 1, seed, 1, 1);
            check(2 * level.lanes_f32 as usize + 1, seed, 1, 3);
        }
        assert!((2..).any(|seed| check(2, seed, 4, 3)), "a batch is drawn before long");
    }
}

/// What is drawn has everything that there is, in few libraries.
#[test]
fn random_plans_have_everything() {
    let mut missing: Vec<String> = Intrinsic::ALL.iter().map(|intrinsic| format!("{intrinsic:?}")).collect();
    missing.extend(reductions::reductions().map(|(_, row)| row.name.to_owned()));
    missing.extend(
        [
            "f16",
            "bf16",
            "f32",
            "f64",
            "i64",
            "c64",
            "c128",
            "rows i",
            "rows j",
            "rows p",
            "f32 arithmetic",
            "f64 arithmetic",
            "Along",
            "Guarded",
            "After",
            "Tree",
            "Sequence",
            "Roots",
            "Carried",
            "contractions",
            "several kinds of updates",
        ]
        .map(String::from),
    );
    let mut see = |what: String| missing.retain(|other| *other != what);
    for seed in 0..150 {
        let random = &mut Library::random(seed);
        let plans = draw(random);
        for scheduled in draw_schedules(&plans, runnable_levels()[0], random) {
            for (_, layout) in scheduled.passes() {
                layout.updates.iter().for_each(|update| see(format!("{update:?}")));
                see(format!("{:?}", layout.order));
                if !layout.contractions.is_empty() {
                    see("contractions".to_owned());
                }
                if layout.updates.iter().any(|update| *update != layout.updates[0]) {
                    see("several kinds of updates".to_owned());
                }
            }
        }
        for plan in plans {
            plan.tensors.iter().for_each(|tensor| see(tensor.scalar.name().to_owned()));
            for pass in &plan.passes {
                see(format!("rows {}", pass.rows));
                see(format!("{} arithmetic", pass.compute.name()));
                pass.accumulations.iter().for_each(|one| see(reductions::reduction(one.reduction).name.to_owned()));
                for value in &pass.values {
                    let Definition::Compute(scalar) = &value.definition else { continue };
                    scalar.visit(&mut |part| {
                        if let Scalar::Call(intrinsic, _) = part {
                            see(format!("{intrinsic:?}"));
                        }
                    });
                }
            }
        }
    }
    assert!(missing.is_empty(), "no plan has {missing:?}");
}

#[test]
fn random_plans_agree_with_the_double_loop() {
    let calls = number_from("KEOPSC_CASES").unwrap_or(10_000);
    let first = number_from("KEOPSC_SEED").unwrap_or(0);
    let end = first + calls.div_ceil(CALLS);
    let next = AtomicU64::new(first);
    let failures = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let library = Library::draw(seed);
            // One failure a library says enough.
            if let Some(failure) = (0..CALLS).find_map(|call| library.check(call).err()) {
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
            }
        }
    };
    std::thread::scope(|scope| {
        (0..std::thread::available_parallelism().map_or(1, usize::from)).for_each(|_| drop(scope.spawn(work)));
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failures.is_empty(), "{} libraries are wrong:\n\n{}", failures.len(), failures.join("\n\n"));
}
