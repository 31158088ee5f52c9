//! The text of kernels: the Gaussian sum as a whole, and plans of all sorts that must become text and be accepted by nvcc.
//!
//! `tests/cases/NAME.txt` is the text of the first entry of `NAME.kf`; `BLESS=1 cargo test -p keopsc-cuda` writes it anew.
//! nvcc is `$KEOPSC_NVCC`, else the one on the path; without either the kernels are not compiled, and the test says so.

use std::path::{Path, PathBuf};
use std::process::Command;

use keopsc_cuda::emit;
use keopsc_cuda::launch::launches;
use keopsc_cuda::schedule::{Merging, Place, schedule};
use keopsc_ir::formula;
use keopsc_ir::plan::{Plan, Verified, generate, parse::parse};
use keopsc_passes::{hoist::hoist, pipeline, plan::plan, resolve::Options, simplify::simplify};

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

/// A long dot product with parameters, for which nothing fits into registers.
fn long_plan() -> Verified {
    plans_of(
        "A = Pm(3000)\nx = Vi(1500)\ny = Vj(1500)\nw = Vj(40)\nout f = Sum[j](Exp(x | y) * (w * Sum(A)) * (w | w))\n",
    )
    .remove(0)
}

#[test]
fn cases() {
    for name in ["chosen", "gauss", "nearest"] {
        let formula = std::fs::read_to_string(case(&format!("{name}.kf"))).expect("the case can be read");
        let found = emit(&plans_of(&formula)[0]);
        let expected = case(&format!("{name}.txt"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, &found).expect("the expected text can be written");
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert!(expected == found, "---- expected\n{expected}\n---- found\n{found}");
    }
}

#[test]
fn every_launch_has_its_kernel() {
    for seed in 0..200 {
        let plan = verified(generate::generate(seed));
        let text = emit(&plan);
        for launch in launches(&plan) {
            assert!(text.contains(&format!(" {}(", launch.kernel)), "seed {seed}: no {}", launch.kernel);
            assert!(launch.shared_bytes <= 48 << 10, "seed {seed}: {} bytes", launch.shared_bytes);
            let last = launch.tensors.last().expect("a pass writes something");
            assert!(text.contains(&format!("tensor{}[", last.0)), "seed {seed}: {last:?} is not written");
        }
        let opened = text.matches('{').count();
        assert_eq!(opened, text.matches('}').count(), "seed {seed}: {text}");
    }
}

#[test]
fn what_is_long_is_not_in_the_tile() {
    let plan = long_plan();
    let schedules = schedule(&plan);
    assert!(schedules[0].places.contains(&Place::Stored), "{schedules:?}");
    assert!(schedules[0].places.contains(&Place::Tile), "{schedules:?}");
    assert_eq!(schedules[0].merging, Merging::Sequence);
    assert_eq!(schedules[0].chunk % u64::from(schedules[0].tile), 0);
}

#[test]
fn the_accumulators_have_the_type_that_was_asked_for() {
    let text = "plan p; accumulate = f64\ntensor x: input i[1] f32\ntensor y: input j[1] f32\ntensor s: output i[1] f32\n\
                pass rows i, over j, compute f32\n  row v0[1] = read x\n  column v1[1] = read y\n  pair v2[1] = v0 * v1\n\
                \u{20} accumulate a0 = Sum(v2)\n  epilogue v3[1] = outcome a0\n  write s = v3\n";
    let plan = verified(parse(text).expect("the plan is right"));
    let text = emit(&plan);
    assert!(text.contains("double a0_s;") && text.contains("const float v2"), "{text}");
}

#[test]
fn nvcc_accepts_all_of_it() {
    let Some(nvcc) = nvcc() else {
        return eprintln!("NOT TESTED: there is no nvcc here; set KEOPSC_NVCC to one");
    };
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernels.cu");
    std::fs::write(&source, every_kernel()).expect("the kernels can be written");
    for architecture in ["sm_75", "sm_90"] {
        let mut command = Command::new(&nvcc);
        command.args(["-cubin", "-Werror", "all-warnings", "-arch", architecture, "-o"]);
        let output = command.arg(source.with_extension("cubin")).arg(&source).output().expect("nvcc can be started");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{architecture}, {}:\n{said}", source.display());
    }
}

/// Kernels of written formulas, of random formulas and of random plans, each plan in a namespace of its own.
fn every_kernel() -> String {
    let mut plans = vec![long_plan()];
    for name in ["chosen", "gauss", "nearest"] {
        plans.extend(plans_of(&std::fs::read_to_string(case(&format!("{name}.kf"))).expect("the case can be read")));
    }
    for seed in 0..12 {
        plans.extend(plan(&hoist(simplify(formula::generate::generate(seed)))).into_iter().map(verified));
        plans.push(verified(generate::generate(seed)));
    }
    let named =
        plans.into_iter().enumerate().map(|(number, plan)| Plan { name: format!("plan{number}"), ..plan.into_plan() });
    named.map(verified).map(|plan| format!("namespace of_{} {{\n{}}}\n", plan.name, emit(&plan))).collect()
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
