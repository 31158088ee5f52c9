//! Layouts of kernels, timed on the first GPU of this machine. The data go through its memory; that takes the same time whatever the layout is.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use keopsc_cuda::Arithmetic;
use keopsc_cuda::schedule::{self, Layout as KernelLayout, candidates};
use keopsc_diagnostics::Code;
use keopsc_ir::plan::Plan;
use keopsc_ir::plan::print::print;
use keopsc_runtime::loader::{self, Library};
use keopsc_runtime::{SUPPORT_OBJECT, gpu_architecture};

use super::{Choice, Layout, Site, Sizes, timing};
use crate::cache::Key;
use crate::device::{DeviceTarget, here};
use crate::failure::{Failure, Problem};
use crate::options::Options;
use crate::session::{self, FrontEnd, json, link_library};

/// As many rows as fill a GPU, and as many columns.
const SIZES: Sizes = Sizes { first_cycles: 1e5, whole_tiles: 1024, few_rows: 1 << 20, most_numbers: 1 << 24 };

/// The GPU that is timed.
const NUMBER: i32 = 0;

impl Layout for KernelLayout {
    fn numbers(self) -> [u32; 2] {
        match self {
            KernelLayout::Rows(rows) => [0, rows],
            KernelLayout::ResidentBlocks(blocks) => [1, blocks],
        }
    }

    fn from_numbers(numbers: [u32; 2]) -> Option<KernelLayout> {
        match numbers {
            [0, rows] => Some(KernelLayout::Rows(rows)),
            [1, blocks] => Some(KernelLayout::ResidentBlocks(blocks)),
            _ => None,
        }
    }
}

/// As the scheduler takes it.
pub fn choice(Choice { plan, pass, layout }: Choice<KernelLayout>) -> schedule::Choice {
    schedule::Choice { plan, pass, layout }
}

/// The first GPU.
pub struct Gpu<'a> {
    front: &'a FrontEnd<'a>,
    options: &'a Options,
    target: DeviceTarget,
}

impl<'a> Gpu<'a> {
    /// For the one architecture that there is to be code for, which has to be the GPU's.
    pub fn new(front: &'a FrontEnd<'a>, options: &'a Options, target: &DeviceTarget) -> Result<Self, Problem> {
        let refused = |message: String| {
            let help = "`--gpu-arch native`, or no `--gpu-arch`, is the GPU of this machine";
            Problem::new(message).with_code(Code::CannotTune).with_help(help)
        };
        let found = gpu_architecture(NUMBER).map_err(&refused)?;
        let own = found.ok_or_else(|| refused("there is no GPU to tune for".to_owned()))?;
        if target.architectures != [own] {
            let named: Vec<String> = target.architectures.iter().map(u32::to_string).collect();
            let named = named.join(", ");
            return Err(refused(format!(
                "code for GPUs of architecture {named} cannot be timed here: the GPU has {own}"
            )));
        }
        Ok(Gpu { front, options, target: DeviceTarget { has_ptx: false, ..target.clone() } })
    }
}

impl Site for Gpu<'_> {
    type Layout = KernelLayout;

    fn key(&self, plan: &Plan) -> Key {
        Key::new(&[
            ("what", "layouts of kernels"),
            ("build", env!("KEOPSC_BUILD")),
            ("system", &here::description().unwrap_or_default()),
            ("target", &self.target.key_text()),
            ("plan", &print(plan)),
        ])
    }

    fn candidates(&self, plan: usize, pass: usize) -> Vec<KernelLayout> {
        let plan = &self.front.output.plans[plan];
        candidates(plan, &plan.passes[pass], Arithmetic::Real)
    }

    fn library(&self, choices: &[Choice<KernelLayout>], path: &Path) -> Result<Library, Failure> {
        let manifest = self.front.manifest(self.options);
        let layouts = choices.iter().cloned().map(choice).collect();
        let options = Options { device: Some(self.target.clone()), layouts, ..self.options.clone() };
        let objects = session::objects(&self.front.library(&options, &json(&manifest)?), &options)?;
        let bytes = link_library(&objects, SUPPORT_OBJECT, &manifest, &options, timing::SONAME)?;
        timing::open(&bytes, path)
    }

    fn sizes(&self) -> Sizes {
        SIZES
    }

    fn call(&self) -> loader::Options {
        loader::Options { gpu: Some(NUMBER), ..loader::Options::default() }
    }

    fn now(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}
