//! What `gpu_ring` runs in an emulator is what NVIDIA's compiler takes, too: texts of random plans, in integers and in real numbers.

use std::path::PathBuf;

use keopsc_cuda::schedule::{GpuSchedule, schedule};
use keopsc_cuda::{Arithmetic, library, library_in_ring};
use keopsc_driver::device::find::Compiler;
use keopsc_driver::device::{DeviceTarget, Form, compile};
use keopsc_ir::plan::Verified;
use keopsc_ir::random::Random;
use keopsc_ir::types::Products;
use keopsc_passes::{pipeline, resolve::Options};
use keopsc_tests::ring::plans::draw;

/// Draws of plans, and threads that compile them; each draw also has its two architectures compiled side by side.
const DRAWS: u64 = 6;
const THREADS: u64 = 2;

/// The plans of a draw; every other one has accumulators that are wider than its arithmetic.
fn plans(number: u64) -> Vec<Verified> {
    let is_wide = |plan: &Verified| {
        let numerics = plan.numerics;
        plan.passes
            .iter()
            .any(|pass| !pass.accumulations.is_empty() && numerics.accumulators(pass.compute) != pass.compute)
    };
    let mut seeds = (number << 10..).map(|seed| draw(&mut Random::new(seed)));
    seeds.find(|plans| number.is_multiple_of(2) || plans.iter().any(is_wide)).expect("some plans are wide")
}

/// What `gpu_ring` draws has contractions that lanes take in, and such that threads do.
#[test]
fn random_plans_have_contractions_of_both_kinds() {
    let plans = (0..200).flat_map(|seed| draw(&mut Random::new(seed)));
    let layouts: Vec<GpuSchedule> = plans.flat_map(|plan| schedule(&plan, Arithmetic::Ring, &[])).collect();
    let contracted = |in_quads: bool| {
        layouts.iter().filter(|layout| layout.contraction.is_some() && layout.in_quads == in_quads).count()
    };
    assert!(
        [true, false].into_iter().all(|kind| contracted(kind) >= 5),
        "{} and {}",
        contracted(true),
        contracted(false)
    );
}

/// And sums that are matrix products, of factors that are contracted and of others, beside other accumulations and alone.
#[test]
fn random_plans_have_wide_sums() {
    let plans = (0..400).flat_map(|seed| draw(&mut Random::new(seed)));
    let layouts: Vec<GpuSchedule> = plans.flat_map(|plan| schedule(&plan, Arithmetic::Ring, &[])).collect();
    let wide = |is_contracted: bool| {
        let wide = layouts.iter().filter(|layout| layout.wide.is_some());
        wide.filter(|layout| layout.contraction.is_some() == is_contracted).count()
    };
    assert!([true, false].into_iter().all(|kind| wide(kind) >= 5), "{} and {}", wide(true), wide(false));
}

/// With `KEOPSC_NVCC`, for the oldest and the newest architecture; warnings are errors. In integers the text is the same for all of them.
#[test]
fn the_real_nvcc_compiles_random_plans() {
    let Some(nvcc) = tool("KEOPSC_NVCC") else { return };
    let target =
        |architectures| DeviceTarget { architectures, has_ptx: true, compiler: Ok(Compiler::Nvcc(nvcc.clone())) };
    for_each_draw(|number, plans| {
        for (kernels, target) in [(library_in_ring(plans), target(vec![75])), (library(plans), target(vec![75, 121]))] {
            let made = compile(&kernels, &target);
            assert!(made.is_ok(), "draw {number}: {:?}", made.err());
        }
    });
}

/// Contractions: of short and of long rows, taken in by lanes and by threads, of products and of distances. Wide sums, of pairs that are contracted and of
/// such that are not, and of differences.
const CONTRACTIONS: &str =
    "x = Vi(64); y = Vj(64); b = Vj(8); u = Vi(300); v = Vj(300); p3 = Vi(3); q3 = Vj(3); w36 = Vj(36)
out sum = Sum[j](Exp(-SqDist(x, y)))
out few = ArgKMin[j, K=5](SqDist(x, y))
out long_sum = Sum[j](Exp(-SqDist(u, v)))
out long_sums = Sum[j]((u | v) * b)
out wide = Sum[j](Exp(-SqDist(p3, q3)) * y)
out wide_of_few = Sum[j](Exp(-SqDist(x, y)) * w36)
out wide_of_many = Sum[j](Exp(-SqDist(u, v)) * w36)
out slopes = Grad(sum, x)
";

/// The same in both kinds of states, beside parameters and beside each other.
const MORE_CONTRACTIONS: &str = "w = Vj(64); p = Pm(2500); c = Vj(1); w80 = Vj(80); h = Vi(128); k = Vj(128)
out sums = Sum[j](Exp(x | y) * b)
out soft = LogSumExp[j](-SqDist(x, y))
out beside_parameters = Sum[j](Exp(-SqDist(x, y) / SqNorm2(p)) * w)
out long_beside_parameters = Sum[j](Exp(-SqDist(u, v) / SqNorm2(p)))
out long_slopes = Grad(Sum[j](Exp(-SqDist(h, k))), k)
fused value_and_slopes { out sum_again = Sum[j](Exp(-SqDist(x, y))); out slopes_again = Grad(Sum[j](Exp(-SqDist(x, y))), x) }
fused several { out value = Sum[j](Exp(-SqDist(p3, q3)) * c); out wides = Sum[j](Exp(-SqDist(p3, q3)) * w36); out more = Sum[j](Exp(-SqDist(p3, q3)) * w80) }
";

/// The same for these, for an architecture before and one after multiplications of 16 coordinates, and for one whose tensor cores compute wide sums.
#[test]
fn the_real_nvcc_compiles_contractions() {
    check_contractions(&format!("{CONTRACTIONS}{MORE_CONTRACTIONS}"), Options::default(), &[75, 90, 121]);
}

/// States know nothing of it, and the newest architecture has no text that is not one of the others'. Nor do narrow products differ in what the oldest one has of its own.
#[test]
fn the_real_nvcc_compiles_contractions_without_low_parts() {
    for (products, architectures) in [(Products::Tf32, &[90][..]), (Products::Bf16, &[75, 90])] {
        check_contractions(CONTRACTIONS, Options { products: Some(products), ..Options::default() }, architectures);
    }
}

fn check_contractions(text: &str, options: Options, architectures: &[u32]) {
    let Some(nvcc) = tool("KEOPSC_NVCC") else { return };
    let target =
        DeviceTarget { architectures: architectures.to_vec(), has_ptx: false, compiler: Ok(Compiler::Nvcc(nvcc)) };
    let (file, errors) = keopsc_grammar::parse_file(text);
    assert!(errors.is_empty(), "{errors:?}");
    let plans = pipeline::run(&file, &options, &mut |_, _| {}).expect("the formulas are right").plans;
    let kernels = library(&plans);
    let uses = |what: &str| kernels.text.contains(&format!("{what}<"));
    assert!(
        ["RowTile", "QuadTile", "Products", "LongProducts", "Uncontracted", "TensorSums"].into_iter().all(uses),
        "a method is not used"
    );
    let made = compile(&kernels, &target);
    assert!(made.is_ok(), "{:?}", made.err());
}

/// With `KEOPSC_NVRTC`: each kernel is in one of the parts, of texts in integers and in real numbers by turns.
#[test]
fn the_real_nvrtc_compiles_random_plans_in_parts() {
    let Some(nvrtc) = tool("KEOPSC_NVRTC") else { return };
    let target = DeviceTarget { architectures: vec![90], has_ptx: true, compiler: Ok(Compiler::Nvrtc(nvrtc)) };
    for_each_draw(|number, plans| {
        // Every other draw is wide.
        let kernels = if number / 2 % 2 == 0 { library(plans) } else { library_in_ring(plans) };
        let images = compile(&kernels, &target).unwrap_or_else(|failure| panic!("draw {number}: {failure:?}"));
        assert_eq!(images.len(), 2 * kernels.parts as usize, "draw {number}: machine code and PTX of each part");
        let ptx = images.iter().filter(|image| image.form == Form::Ptx);
        let texts: Vec<String> = ptx.map(|image| String::from_utf8_lossy(&image.bytes).into_owned()).collect();
        for name in &kernels.kernels {
            let entry = format!(".entry {name}(");
            assert_eq!(texts.iter().filter(|text| text.contains(&entry)).count(), 1, "draw {number}: {name}");
        }
    });
}

/// The file that a variable names.
fn tool(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        eprintln!("NOT TESTED: {variable} is not set");
    }
    path.map(|path| std::path::absolute(path).expect("this folder is somewhere"))
}

fn for_each_draw(check: impl Fn(u64, &[Verified]) + Sync) {
    std::thread::scope(|scope| {
        let check = |number: u64| check(number, &plans(number));
        for thread in 0..THREADS {
            scope.spawn(move || (thread..DRAWS).step_by(THREADS as usize).for_each(check));
        }
    });
}
