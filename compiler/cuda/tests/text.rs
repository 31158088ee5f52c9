//! The text of kernels: written formulas as a whole, and plans of all sorts that must become text and be accepted by nvcc.
//!
//! `tests/cases/NAME.txt` is what is special about the entries of `NAME.kf`, without the skeleton; `BLESS=1 cargo test -p keopsc-cuda` writes it
//! anew. nvcc is `$KEOPSC_NVCC`, else the one on the path; without either the kernels are not compiled, and the test says so.

use std::path::{Path, PathBuf};
use std::process::Command;

use keopsc_cuda::Arithmetic;
use keopsc_cuda::library::{Library, Order};
use keopsc_cuda::schedule::{Place, schedule};
use keopsc_cuda::{Difference, library, library_in_ring};
use keopsc_ir::formula;
use keopsc_ir::plan::{Plan, Verified, generate, parse::parse};
use keopsc_passes::{hoist::hoist, pipeline, plan::plan, resolve::Options, simplify::simplify};

const CASES: [&str; 9] = ["chosen", "differences", "gauss", "lists", "many", "nearest", "scatters", "softmax", "wide"];

fn plans_of(text: &str) -> Vec<Verified> {
    let (file, errors) = keopsc_grammar::parse_file(text);
    assert!(errors.is_empty(), "{errors:?}");
    pipeline::run(&file, &Options::default(), &mut |_, _| {}).expect("the formula is right").plans
}

fn verified(plan: Plan) -> Verified {
    Verified::new(plan).expect("the plan keeps the rules")
}

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

fn plans_of_case(name: &str) -> Vec<Verified> {
    plans_of(&std::fs::read_to_string(case(&format!("{name}.kf"))).expect("the case can be read"))
}

/// The text after the skeleton.
fn special(text: &str) -> &str {
    &text[text.find("// Entry ").expect("there is an entry")..]
}

/// A long dot product with parameters, for which nothing fits into registers.
fn long_plan() -> Verified {
    plans_of(
        "A = Pm(3000)\nx = Vi(1500)\ny = Vj(1500)\nw = Vj(40)\nout f = Sum[j](Exp(x | y) * (w * Sum(A)) * (w | w))\n",
    )
    .remove(0)
}

#[test]
fn cases() {
    for name in CASES {
        let text = library(&plans_of_case(name)).text;
        let expected = case(&format!("{name}.txt"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, special(&text)).expect("the expected text can be written");
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert!(expected == special(&text), "---- expected\n{expected}\n---- found\n{}", special(&text));
    }
}

#[test]
fn every_kernel_that_is_named_is_there_once() {
    for seed in 0..200 {
        let plan = verified(generate::generate(seed));
        let Library { text, kernels, entries, .. } = library(std::slice::from_ref(&plan));
        for kernel in &kernels {
            assert_eq!(text.matches(&format!(" {kernel}(")).count(), 1, "seed {seed}: {kernel}");
        }
        for pass in &entries[0].passes {
            let numbers = pass.reduce.iter().flatten().chain([&pass.finish]).map(|kernel| kernel.number as usize);
            assert!(numbers.max() < Some(kernels.len()), "seed {seed}: {pass:?}");
            assert!(pass.chunk.iter().all(|chunk| chunk.is_power_of_two()) && pass.chunk[0] <= pass.chunk[1]);
            assert_eq!(pass.over.is_some(), pass.reduce[0].is_some(), "seed {seed}: {pass:?}");
        }
        let opened = text.matches('{').count();
        assert_eq!(opened, text.matches('}').count(), "seed {seed}: {text}");
    }
}

#[test]
fn what_is_long_is_not_in_the_tile() {
    let plan = long_plan();
    let schedule = &schedule(&plan, Arithmetic::Real, &[])[0];
    assert!(schedule.places.contains(&Place::Stored), "{schedule:?}");
    assert!(schedule.places.contains(&Place::Tile), "{schedule:?}");
    assert_eq!((schedule.order, schedule.rows), (Order::Tree, 1));
}

#[test]
fn long_lists_are_made_by_as_many_warps_as_have_room() {
    let layout = |dim: u32, places: u32, parameters: u32, reduced: &str| {
        let text = format!("x = Vi(0, {dim}); y = Vj(1, {dim}); p = Pm(2, {parameters}); out at = {reduced}");
        let plan = plans_of(&text.replace("PLACES", &places.to_string())).remove(0);
        let layout = &schedule(&plan, Arithmetic::Real, &[])[0];
        (layout.places_of_list, layout.warps)
    };
    let near = "ArgKMin[j, K=PLACES](SqDist(x, y) * p)";
    assert_eq!(layout(3, 32, 1, near), (Some(32), None), "threads make short ones");
    assert_eq!(layout(3, 64, 1, near), (Some(64), Some(8)));
    assert_eq!(layout(3, 300, 1, near), (Some(300), Some(2)));
    assert_eq!(layout(3, 1024, 1, near), (Some(1024), Some(1)));
    assert_eq!(layout(20, 1024, 1, near), (Some(1024), None), "matrix products come before");
    assert_eq!(
        layout(3, 1024, 2500, "ArgKMin[j, K=PLACES](SqDist(x, y) * Sum(Square(p)))").1,
        None,
        "parameters have the room"
    );
    assert_eq!(layout(3, 10, 1, near), (None, None));
    assert_eq!(layout(3, 100, 1, "ArgKMin[j, K=PLACES](x * y)"), (None, None), "lists of vectors");
}

/// The differences of an entry's wide sums, with their first components.
fn differences(plan: &Plan) -> Vec<(Option<Difference>, u32)> {
    let layouts = schedule(plan, Arithmetic::Real, &[]);
    let sums = layouts.iter().flat_map(|layout| layout.wide.iter().flat_map(|wide| &wide.sums));
    sums.map(|sum| (sum.difference, sum.first)).collect()
}

#[test]
fn gradients_in_points_of_many_coordinates_are_wide_sums() {
    for dim in [15, 16, 33, 64, 100, 128, 129] {
        let text = format!(
            "x = Vi({dim})\ny = Vj({dim})\nb = Vj(2)\ne = Vi(2)\ns = Pm(1)\nv = Sum[j](Exp(-SqDist(x, y) / s) * b)\n\
             out f = Grad(v, x, e)\nout g = Grad(v, y, e)\n"
        );
        for plan in plans_of(&text) {
            let expected = if (16..=128).contains(&dim) { vec![(Some(Difference::FromRow), 0)] } else { vec![] };
            assert_eq!(differences(&plan), expected, "{dim} coordinates, {}", plan.name);
        }
    }
}

#[test]
fn differences_are_wide_sums_only_where_their_square_is_contracted() {
    let sums = |factor: &str, difference: &str| {
        let text = format!("x = Vi(40)\ny = Vj(40)\nz = Vj(40)\nout f = Sum[j]({factor} * ({difference}))\n");
        differences(&plans_of(&text)[0])
    };
    assert_eq!(sums("Exp(-SqDist(x, y))", "x - y"), [(Some(Difference::FromRow), 0)]);
    assert_eq!(sums("Exp(-SqDist(y, x))", "y - x"), [(Some(Difference::FromColumn), 0)]);
    assert_eq!(sums("Exp(-SqDist(x, y))", "x - z"), []);
    assert_eq!(sums("Exp(x | y)", "x - y"), []);
    assert_eq!(sums("Exp(-Sum(Abs(x - y)))", "x - y"), []);
}

#[test]
fn the_accumulators_have_the_type_that_was_asked_for() {
    let text = "plan p; accumulate = f64\ntensor x: input i[1] f32\ntensor y: input j[1] f32\ntensor s: output i[1] f32\n\
                pass rows i, over j, compute f32\n  row v0[1] = read x\n  column v1[1] = read y\n  pair v2[1] = v0 * v1\n\
                \u{20} accumulate a0 = Sum(v2)\n  epilogue v3[1] = outcome a0\n  write s = v3\n";
    let plan = verified(parse(text).expect("the plan is right"));
    let Library { text, entries, .. } = library(&[plan]);
    assert!(text.contains("double a0_s;") && text.contains("const float v2"), "{text}");
    assert_eq!(entries[0].passes[0].state_size, 8);
}

#[test]
fn rows_and_columns_without_low_parts_take_half_of_the_room() {
    let layout = |dim: u32, products: &str| {
        let inputs = format!("x = Vi({dim}); y = Vj({dim})");
        let formula = "out f = Sum[j](Exp(-SqDist(x, y)))";
        let Library { text, entries, .. } =
            library(&plans_of(&format!("{inputs}; {formula} numerics products = {products}")));
        let precision =
            ["FLOAT32", "TF32", "BF16"].into_iter().find(|name| text.contains(&format!("PRECISION = {name} }}")));
        let packed = entries[0].passes[0].packed;
        (packed.header, packed.sizes, precision.expect("the text says it"))
    };
    assert_eq!(layout(256, "auto"), (1024, [1152, 1152], "FLOAT32"));
    assert_eq!(layout(256, "tf32"), (1024, [640, 0], "TF32"), "rows are in registers");
    assert_eq!(layout(512, "bf16"), (2048, [1152, 1152], "BF16"));
    assert_eq!(layout(17, "auto"), (128, [256, 0], "FLOAT32"));
    assert_eq!(layout(17, "tf32"), (128, [128, 0], "TF32"));
}

#[test]
fn nvcc_accepts_all_of_it() {
    let Some(nvcc) = nvcc() else {
        return eprintln!("NOT TESTED: there is no nvcc here; set KEOPSC_NVCC to one");
    };
    let plans = every_plan();
    let written: Vec<Verified> = CASES.iter().flat_map(|name| plans_of_case(name)).collect();
    let (reals, ring) = (library(&renamed(plans)).text, library_in_ring(&renamed(written)).text);
    assert!(!ring.contains("__CUDA_ARCH__"), "in integers the text is the same for all architectures");
    let compile = |name: &str, text: &str, architecture: &str| {
        let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{architecture}.cu"));
        std::fs::write(&source, text).expect("the kernels can be written");
        let mut command = Command::new(&nvcc);
        command.args(["-cubin", "-Werror", "all-warnings", "-arch", architecture, "-o"]);
        let output = command.arg(source.with_extension("cubin")).arg(&source).output().expect("nvcc can be started");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{architecture}, {}:\n{said}", source.display());
    };
    std::thread::scope(|scope| {
        scope.spawn(|| compile("reals", &reals, "sm_90"));
        compile("reals", &reals, "sm_75");
        compile("ring", &ring, "sm_75");
    });
}

/// Plans of written formulas, of random formulas and random plans.
fn every_plan() -> Vec<Verified> {
    let mut plans = vec![long_plan()];
    plans.extend(CASES.iter().flat_map(|name| plans_of_case(name)));
    for seed in 0..8 {
        plans.extend(plan(&hoist(simplify(formula::generate::generate(seed)))).into_iter().map(verified));
        plans.push(verified(generate::generate(seed)));
    }
    plans
}

/// The same under different names.
fn renamed(plans: Vec<Verified>) -> Vec<Verified> {
    let named =
        plans.into_iter().enumerate().map(|(number, plan)| Plan { name: format!("plan{number}"), ..plan.into_plan() });
    named.map(verified).collect()
}

fn nvcc() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("KEOPSC_NVCC") {
        let path = PathBuf::from(path);
        assert!(path.exists(), "KEOPSC_NVCC is {}, where there is nothing", path.display());
        return Some(path);
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| folder.join("nvcc")).find(|path| path.exists())
}
