//! What `gpu_ring` runs in an emulator is what NVIDIA's compiler takes, too: texts of random plans, in integers and in real numbers.

use std::path::PathBuf;

use keopsc_cuda::{library, library_in_ring};
use keopsc_driver::device::find::Compiler;
use keopsc_driver::device::{DeviceTarget, compile};
use keopsc_ir::plan::Verified;
use keopsc_ir::random::Random;
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

/// With `KEOPSC_NVCC`, for the oldest and the newest architecture; warnings are errors.
#[test]
fn the_real_nvcc_compiles_random_plans() {
    let Some(nvcc) = std::env::var_os("KEOPSC_NVCC").map(PathBuf::from) else {
        return eprintln!("NOT TESTED: there is no nvcc here; set KEOPSC_NVCC to one");
    };
    let nvcc = std::path::absolute(nvcc).expect("this folder is somewhere");
    let target = DeviceTarget { architectures: vec![75, 121], has_ptx: true, compiler: Ok(Compiler::Nvcc(nvcc)) };
    let check = |number: u64| {
        let plans = plans(number);
        for (what, kernels) in [("integers", library_in_ring(&plans)), ("numbers", library(&plans))] {
            let made = compile(&kernels, &target);
            assert!(made.is_ok(), "draw {number}, {what}: {:?}", made.err());
        }
    };
    std::thread::scope(|scope| {
        let check = &check;
        for thread in 0..THREADS {
            scope.spawn(move || (thread..DRAWS).step_by(THREADS as usize).for_each(check));
        }
    });
}
