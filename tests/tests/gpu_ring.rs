//! Every pair once, on a GPU: compiled plans in integers against a plain double loop, bit for bit, on the CPU and on a GPU.
//!
//! The GPU is the emulator of `tests/emulator`, or with `KEOPSC_TEST_GPU=1` this machine's own. `KEOPSC_CASES` says how many calls are made,
//! `KEOPSC_SEED` of which libraries from which number on.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use keopsc_cuda::Arithmetic;
use keopsc_cuda::library::Order;
use keopsc_cuda::schedule::schedule;
use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::parse::parse;
use keopsc_ir::plan::print::print;
use keopsc_ir::plan::{Pass, Plan, Verified};
use keopsc_ir::random::Random;
use keopsc_tests::gpu::Gpu;
use keopsc_tests::ring::on_gpu::{Verdict, Way};
use keopsc_tests::ring::plans::{draw, draw_schedules};
use keopsc_tests::ring::sizes::{around, number_from, of_pass, shrunk, work};
use keopsc_tests::ring::trial::Trial;
use keopsc_tests::{Compiled, compile_in_ring_for_gpus, runnable_levels};

/// What the emulator runs in a minute, and a GPU.
const IS_FAST: bool = !cfg!(debug_assertions);
/// Calls where nothing is said.
const CASES: u64 = if IS_FAST { 10_000 } else { 800 };
/// Calls of one library in memory without bounds, and with each of the bounds.
const CALLS: u64 = if IS_FAST { 100 } else { 40 };
const CALLS_IN_SLABS: u64 = CALLS / 4;
/// The bytes of the GPU's memory that calls may use.
const BOUNDS: [u64; 3] = [4_000, 20_000, 150_000];
/// The double loop's cost in cycles of real arithmetic that most calls stay below.
const SMALL: f64 = if IS_FAST { 1e6 } else { 2e5 };
/// That of a few.
const LARGE: f64 = if IS_FAST { 2e7 } else { 2e6 };

struct Library {
    seed: u64,
    plans: Vec<Verified>,
    compiled: Compiled,
    level: &'static str,
}

/// How many calls ended how.
#[derive(Default)]
struct Count {
    agree: AtomicU64,
    depend_on_nans: AtomicU64,
    have_no_room: AtomicU64,
}

impl Count {
    fn add(&self, verdict: Verdict) {
        let count = match verdict {
            Verdict::Agrees => &self.agree,
            Verdict::DependsOnNans => &self.depend_on_nans,
            Verdict::NoRoom => &self.have_no_room,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn numbers(&self) -> [u64; 3] {
        [&self.agree, &self.depend_on_nans, &self.have_no_room].map(|count| count.load(Ordering::Relaxed))
    }
}

/// A state so large that a thread has few levels of the tree of chunks: a block of rows with ranges has more chunks than these hold.
const DEEP: &str = "
plan deep
tensor x: input i[1] f32
tensor y: input j[45] f32
tensor total: output i[45] f32
pass rows i, over j, compute f32
  row v0[1] = read x
  column v1[45] = read y
  pair v2[45] = v0 * v1[k]
  accumulate a0 = Sum(v2)
  epilogue v3[45] = outcome a0
  write total = v3
";
const DEEP_CALLS: u64 = 60;

/// Sums of many components of one factor beside one of another: with so many that lanes have one, two or four times four of them.
const WIDE: &str = "
plan wideWIDTH
tensor x: input i[2] f32
tensor y: input j[2] f32
tensor b: input j[WIDTH] f32
tensor c: input j[5] f32
tensor sums: output i[WIDTH] f32
tensor more: output i[5] f32
tensor others: output i[5] f32
pass rows i, over j, compute f32
  row v0[2] = read x
  column v1[2] = read y
  column v2[WIDTH] = read b
  column v3[5] = read c
  pair v4[1] = v0[0] * v1[0] + v0[1]
  pair v5[1] = v4 - v1[1]
  pair v6[WIDTH] = v2[k] * v4
  pair v7[5] = v4 * v3[k]
  pair v8[5] = v3[k] * v5
  accumulate a0 = Sum(v6)
  accumulate a1 = Sum(v7)
  accumulate a2 = Sum(v8)
  epilogue v9[WIDTH] = outcome a0
  epilogue v10[5] = outcome a1
  epilogue v11[5] = outcome a2
  write sums = v9
  write more = v10
  write others = v11
";
const WIDTHS: [u32; 4] = [9, 30, 62, 120];
const WIDE_CALLS: u64 = 20;

/// Sums of differences from the row and from the column, of the factor of a contraction, beside such of a column and one that the thread of the row adds up.
const DIFFERENCES: &str = "
plan differencesWIDTH
tensor x: input i[WIDTH] f32
tensor y: input j[WIDTH] f32
tensor b: input j[5] f32
tensor slopes: output i[WIDTH] f32
tensor others: output i[WIDTH] f32
tensor sums: output i[5] f32
tensor total: output i[1] f32
pass rows i, over j, compute f32
  row v0[WIDTH] = read x
  column v1[WIDTH] = read y
  column v2[5] = read b
  pair v3[1] = sum(q < WIDTH, (v0[q] - v1[q]) * (v0[q] - v1[q]))
  pair v4[1] = v3 * v2[1] + v3
  pair v5[WIDTH] = v4 * (v0[k] - v1[k])
  pair v6[WIDTH] = (v1[k] - v0[k]) * v4
  pair v7[5] = v4 * v2[k]
  accumulate a0 = Sum(v5)
  accumulate a1 = Sum(v6)
  accumulate a2 = Sum(v7)
  accumulate a3 = Sum(v3)
  epilogue v8[WIDTH] = outcome a0
  epilogue v9[WIDTH] = outcome a1
  epilogue v10[5] = outcome a2
  epilogue v11[1] = outcome a3
  write slopes = v8
  write others = v9
  write sums = v10
  write total = v11
";
const DIFFERENCE_WIDTHS: [u32; 3] = [3, 17, 50];

/// A contraction, whose blocks take row tiles and splits in an order of their own where there are more than sixteen tiles.
const CONTRACTED: &str = "
plan contracted
tensor x: input i[3] f32
tensor y: input j[3] f32
tensor total: output i[1] f32
pass rows i, over j, compute f32
  row v0[3] = read x
  column v1[3] = read y
  pair v2[1] = sum(q < 3, (v0[q] - v1[q]) * (v0[q] - v1[q]))
  accumulate a0 = Sum(v2)
  epilogue v3[1] = outcome a0
  write total = v3
";
const CONTRACTED_CALLS: u64 = 4;

impl Library {
    fn contracted(gpu: &Gpu) -> Library {
        let plan = Verified::new(parse(CONTRACTED).expect("it can be read")).expect("it keeps the rules");
        assert!(schedule(&plan, Arithmetic::Ring, &[])[0].contraction.is_some());
        Library::of_plan(plan, gpu)
    }

    /// A plan with components of that number, of which these accumulations are wide sums.
    fn wide(plan: &str, width: u32, expected: &[usize], gpu: &Gpu) -> Library {
        let plan = Verified::new(parse(&plan.replace("WIDTH", &width.to_string())).expect("it can be read"));
        let plan = plan.expect("it keeps the rules");
        let layout = &schedule(&plan, Arithmetic::Ring, &[])[0];
        let sums = layout.wide.as_ref().map(|wide| wide.sums.iter().map(|sum| sum.accumulation).collect::<Vec<_>>());
        assert_eq!(sums, Some(expected.to_vec()));
        Library::of_plan(plan, gpu)
    }

    fn deep(gpu: &Gpu) -> Library {
        let plan = Verified::new(parse(DEEP).expect("it can be read")).expect("it keeps the rules");
        let layout = &schedule(&plan, Arithmetic::Ring, &[])[0];
        assert_eq!((layout.order, layout.levels), (Order::Tree, 5));
        Library::of_plan(plan, gpu)
    }

    fn of_plan(plan: Verified, gpu: &Gpu) -> Library {
        let level = runnable_levels()[0];
        let schedules = vec![keopsc_passes::schedule::schedule(&plan, &level.machine())];
        let plans = vec![plan];
        let compiled = compile_in_ring_for_gpus(&plans, level, schedules, &gpu.target());
        Library { seed: 0, plans, compiled, level: level.name }
    }

    fn draw(seed: u64, gpu: &Gpu) -> Library {
        let mut random = Random::new(seed ^ 0x6770_7572_696e_6700);
        let plans = draw(&mut random);
        let level = random.pick(&runnable_levels());
        let schedules = draw_schedules(&plans, level, &mut random);
        let compiled = compile_in_ring_for_gpus(&plans, level, schedules, &gpu.target());
        Library { seed, plans, compiled, level: level.name }
    }

    /// One call; what is wrong, in the smallest sizes in which it is.
    fn check(&self, call: u64, gpu: &Gpu, way: Way<'_>) -> Result<Verdict, String> {
        let mut random = Random::new(self.seed << 20 | call);
        let entry = random.below(self.plans.len());
        let plan = &self.plans[entry];
        let most = if random.percent(10) { LARGE } else { SMALL };
        let sizes = draw_sizes(plan, most, &mut random);
        let elements = (most / work(plan, sizes)) as usize;
        let seed = random.bits();
        let check = |sizes| self.check_sizes(entry, sizes, elements, seed, way);
        check(sizes).map_err(|wrong| {
            // A GPU on which a kernel failed does nothing any more.
            let (sizes, wrong) = match gpu.wait() {
                0 => shrunk(sizes, wrong, |sizes| check(sizes).map(drop)),
                _ => (sizes, wrong),
            };
            let words = Trial::draw(plan, sizes, elements, seed).words();
            format!("{}, call {call}\n{wrong}\n{words}{}", self.words(entry), print(plan))
        })
    }

    fn check_sizes(
        &self,
        entry: usize,
        sizes: Sizes,
        elements: usize,
        seed: u64,
        way: Way<'_>,
    ) -> Result<Verdict, String> {
        let plan = &self.plans[entry];
        let who = format!("{}\n{}", self.words(entry), print(plan));
        Trial::draw(plan, sizes, elements, seed).for_gpus(plan).check_on_gpu(&self.compiled, entry, plan, way, &who)
    }

    fn words(&self, entry: usize) -> String {
        let layouts = schedule(&self.plans[entry], Arithmetic::Ring, &[]).into_iter().map(|pass| {
            let [few, many] = pass.chunk;
            format!(
                "{} x {} rows, tile {}, chunk {few} to {many}, {:?}",
                pass.threads, pass.rows, pass.tile, pass.order
            )
        });
        let layouts: Vec<String> = layouts.collect();
        format!("seed {}, entry {entry}, {}; on the GPU {}", self.seed, self.level, layouts.join("; "))
    }
}

/// Sizes around the tiles, the chunks and the splits of some pass on a GPU, whose double loop costs no more than `most`.
fn draw_sizes(plan: &Plan, most: f64, random: &mut Random) -> Sizes {
    let passes: Vec<(&Pass, _)> = plan.passes.iter().zip(schedule(plan, Arithmetic::Ring, &[])).collect();
    let (pass, layout) = &passes[random.below(passes.len())];
    let threads = u64::from(layout.threads);
    let chunk = u64::from(layout.chunk[0]).min(1 << 10);
    for _ in 0..50 {
        let row_unit = random.pick(&[threads, threads, threads * u64::from(layout.rows)]);
        let column_unit = random.pick(&[chunk, chunk, u64::from(layout.tile), u64::from(layout.block), 4 * chunk]);
        let (mut rows, mut columns) = (near(row_unit, random), random.below(20));
        if random.percent(45) {
            // Few rows, whose columns are divided among blocks; with ranges one block has them all.
            let unit = random.pick(&[chunk, 4 * chunk, 8 * chunk, chunk << layout.levels.min(6)]);
            (rows, columns) = (random.below(5), around(unit, random));
        } else if random.percent(60) {
            columns = around(column_unit, random);
        }
        let sizes = of_pass(pass, rows, columns, random.below(9));
        if work(plan, sizes) <= most {
            return sizes;
        }
    }
    Sizes { i: random.below(6), j: random.below(6) }
}

/// A number around one or two units, or a small one.
fn near(unit: u64, random: &mut Random) -> usize {
    let near = (unit * random.pick(&[1, 1, 1, 2])).saturating_add_signed(random.integer(-1, 1));
    if random.percent(75) { near as usize } else { random.below(40) }
}

/// Calls `work` in a thread for each processor until it has nothing left to do.
fn on_all_processors(work: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        (0..std::thread::available_parallelism().map_or(1, usize::from)).for_each(|_| drop(scope.spawn(&work)));
    });
}

/// Sets a variable of the environment, which compiled code reads at each call.
///
/// # Safety
/// No other thread of the process runs code that reads or writes the environment.
unsafe fn set_variable(name: &str, value: &str) {
    // SAFETY: as the caller promises.
    unsafe { std::env::set_var(name, value) }
}

/// The only test of this program, so that it has the environment for itself.
#[test]
fn random_plans_agree_with_the_double_loop_on_a_gpu() {
    let calls = number_from("KEOPSC_CASES").unwrap_or(CASES);
    let first = number_from("KEOPSC_SEED").unwrap_or(0);
    // SAFETY: the one other thread waits for this one.
    unsafe { set_variable("KEOPSC_DEVICE", "cuda:0") };
    let gpus = Gpu::all();
    let end = first + calls.div_ceil(CALLS);
    let failures: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let is_over = AtomicBool::new(false);
    let fail = |failure: String| {
        is_over.fetch_or(gpus.iter().any(|gpu| gpu.wait() != 0), Ordering::Relaxed);
        failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
    };
    let libraries: Mutex<Vec<Library>> = Mutex::new(Vec::new());
    let (next, count) = (AtomicU64::new(first), Count::default());
    on_all_processors(|| {
        let streams: Vec<_> = gpus.iter().map(Gpu::stream).collect();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end || is_over.load(Ordering::Relaxed) {
                return;
            }
            let library = Library::draw(seed, &gpus[0]);
            let mut results = (0..CALLS).map(|call| {
                let number = call as usize % gpus.len();
                library.check(call, &gpus[number], Way::Everywhere(&gpus[number], streams[number]))
            });
            let failure = results.find_map(|result| result.map(|verdict| count.add(verdict)).err());
            // One failure a library says enough.
            match failure {
                Some(failure) => fail(failure),
                None => libraries.lock().unwrap_or_else(PoisonError::into_inner).push(library),
            }
        }
    });
    let check_written = |library: &Library, seed: u64, sizes: Sizes| {
        let gpu = &gpus[seed as usize % gpus.len()];
        match library.check_sizes(0, sizes, 1, seed, Way::Everywhere(gpu, gpu.stream())) {
            Ok(verdict) => count.add(verdict),
            Err(wrong) => fail(format!("call {seed}, {sizes:?}\n{wrong}{}", print(&library.plans[0]))),
        }
    };
    let deep = Library::deep(&gpus[0]);
    for seed in (0..DEEP_CALLS).take_while(|_| !is_over.load(Ordering::Relaxed)) {
        let mut random = Random::new(seed);
        check_written(&deep, seed, Sizes { i: 1 + random.below(2), j: 2000 + random.below(2500) });
    }
    let contracted = Library::contracted(&gpus[0]);
    for seed in (0..CONTRACTED_CALLS).take_while(|_| !is_over.load(Ordering::Relaxed)) {
        let mut random = Random::new(seed);
        check_written(&contracted, seed, Sizes { i: 2049 + random.below(2500), j: 300 + random.below(900) });
    }
    let columns = WIDTHS.map(|width| (WIDE, width, vec![0, 1]));
    let differences = DIFFERENCE_WIDTHS.map(|width| (DIFFERENCES, width, vec![0, 1, 2]));
    for (plan, width, sums) in columns.into_iter().chain(differences) {
        let wide = Library::wide(plan, width, &sums, &gpus[0]);
        for seed in (0..WIDE_CALLS).take_while(|_| !is_over.load(Ordering::Relaxed)) {
            let mut random = Random::new(seed);
            check_written(&wide, seed, Sizes { i: near(128, &mut random), j: near(64, &mut random) });
        }
    }
    let libraries = libraries.into_inner().unwrap_or_else(PoisonError::into_inner);
    let in_slabs = Count::default();
    for (number, bound) in BOUNDS.into_iter().enumerate() {
        // SAFETY: the threads above have ended.
        unsafe { set_variable("KEOPSC_DEVICE_MEMORY", &bound.to_string()) };
        let next = AtomicU64::new(0);
        on_all_processors(|| {
            while let Some(library) = libraries.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                let first = CALLS + number as u64 * CALLS_IN_SLABS;
                let mut calls = first..first + CALLS_IN_SLABS;
                let check = |call: u64| {
                    let gpu = &gpus[call as usize % gpus.len()];
                    library.check(call, gpu, Way::InSlabs(gpu.number())).map(|verdict| in_slabs.add(verdict)).err()
                };
                let failure = if is_over.load(Ordering::Relaxed) { None } else { calls.find_map(check) };
                failure.into_iter().for_each(|failure| fail(format!("in {bound} bytes: {failure}")));
            }
        });
    }
    let [agree, depend, _] = count.numbers();
    let [agree_in_slabs, depend_in_slabs, no_room] = in_slabs.numbers();
    let depend = depend + depend_in_slabs;
    // Said even where a test that passes is not to say anything.
    let _ = writeln!(
        std::io::stderr(),
        "{}: {agree} calls agree in every way, {agree_in_slabs} in little memory; {depend} depend on NaNs, {no_room} have no room",
        gpus[0].words(),
    );
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failures.is_empty(), "{} libraries are wrong:\n\n{}", failures.len(), failures.join("\n\n"));
    assert!(depend * 10 <= agree + 10, "{depend} of {agree} calls depend on NaNs");
    assert!(no_room <= agree_in_slabs + 10, "{no_room} calls have no room, {agree_in_slabs} have");
}
