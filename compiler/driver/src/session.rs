//! One formula, from its characters to a finished library: the stages in order.
//!
//! ```text
//! texts ─load─▶ trees ─passes::pipeline─▶ plans ─cpu─▶ objects ─link─▶ library
//!                                          ├─cuda, device─▶ objects
//!                                          └─▶ manifest ─▶ header
//! ```

use keopsc_cpu::level::Level;
use keopsc_cpu::symbols::SHARD_ENDS;
use keopsc_cpu::{CompileError, Library, Object};
use keopsc_diagnostics::Diagnostic;
use keopsc_grammar::print_file;
use keopsc_grammar::syntax::File;
use keopsc_passes::pipeline;
use keopsc_runtime::SUPPORT_OBJECT;
use keopsc_runtime::abi::MODULE_SYMBOL;
use keopsc_runtime::manifest::Manifest;
use object::Architecture;

use crate::cache::{Artifacts, Key};
use crate::cost::{cost_json, cost_text};
use crate::device;
use crate::emit::Emit;
use crate::explain::explanation;
use crate::failure::{Failure, Problem};
use crate::formula::Formula;
use crate::header::header;
use crate::layout::layout_text;
use crate::link::{LinkRequest, link, machine};
use crate::manifest::{self, manifest};
use crate::options::{FormulaOptions, Options};

/// A compiled library, in memory.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The shared library's bytes.
    pub library: Vec<u8>,
    /// The C header.
    pub header: String,
    /// What the library says about itself.
    pub manifest: Manifest,
    /// Warnings about the formula.
    pub warnings: Vec<Diagnostic>,
}

impl Compiled {
    /// The files of a cache entry.
    pub fn into_artifacts(self) -> Artifacts {
        let name = &self.manifest.name;
        Artifacts {
            library_name: format!("lib{name}.so"),
            library: self.library,
            header_name: format!("{name}.h"),
            header: self.header,
        }
    }
}

/// Compiles a formula into a library that calls itself `soname`.
pub fn compile(formula: &Formula, options: &Options, soname: &str) -> Result<Compiled, Failure> {
    compile_with(SUPPORT_OBJECT, formula, options, soname)
}

/// The same with the support code of the architecture that the levels are for.
pub fn compile_with(support: &[u8], formula: &Formula, options: &Options, soname: &str) -> Result<Compiled, Failure> {
    let front = front_end(formula, &options.formula, &mut |_, _| {})?;
    let manifest = front.manifest(options);
    let text = json(&manifest)?;
    let objects = objects(&front.library(options, &text), options)?;
    let bytes = link_library(&objects, support, &manifest, options, soname)?;
    Ok(Compiled { library: bytes, header: header(&manifest), manifest, warnings: front.output.warnings })
}

/// All object files but the support code. Code for GPUs is made beside that for the CPU.
pub(crate) fn objects(library: &Library<'_>, options: &Options) -> Result<Vec<Object>, Failure> {
    let compile = || keopsc_cpu::compile(library, &options.levels).map_err(code_generation);
    let Some(target) = &options.device else { return compile() };
    let kernels = keopsc_cuda::library_with(library.plans, &options.layouts);
    device::tables::has_room(library.plans, &kernels)?;
    let (images, objects) = std::thread::scope(|scope| {
        let images = scope.spawn(|| device::compile(&kernels, target));
        let objects = compile();
        (images.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), objects)
    });
    let (images, mut objects) = (images?, objects?);
    let machine = objects.first().and_then(|object| machine(&object.bytes)).unwrap_or(Architecture::X86_64);
    let bytes = device::tables::object(library.plans, &kernels, &images, machine)?;
    objects.push(Object { name: "device".to_owned(), bytes });
    Ok(objects)
}

/// Reports what is wrong with a formula; gives the warnings if nothing is.
pub fn check(formula: &Formula, options: &FormulaOptions) -> Result<Vec<Diagnostic>, Failure> {
    Ok(front_end(formula, options, &mut |_, _| {})?.output.warnings)
}

/// The texts of some representations, in the order asked.
pub fn emit(formula: &Formula, options: &Options, kinds: &[Emit]) -> Result<Vec<String>, Failure> {
    let wanted: Vec<&str> = kinds.iter().filter_map(Emit::pass).collect();
    let mut stages: Vec<(&str, String)> = Vec::new();
    let front = front_end(formula, &options.formula, &mut |pass, printed| {
        if wanted.contains(&pass) {
            stages.push((pass, printed.to_string()));
        }
    })?;
    kinds.iter().map(|kind| representation(kind, &front, &stages, options)).collect()
}

/// How each entry of a formula is computed, in words.
pub fn explain(formula: &Formula, options: &FormulaOptions) -> Result<String, Failure> {
    let FrontEnd { file, output } = front_end(formula, options, &mut |_, _| {})?;
    let texts = output.plans.iter().map(|plan| explanation(plan, &manifest::formula(file, &plan.name)));
    Ok(texts.collect::<Vec<_>>().join("\n"))
}

/// What each entry of a formula costs as written and as planned, in words or as JSON.
pub fn costs(formula: &Formula, options: &FormulaOptions, as_json: bool) -> Result<String, Failure> {
    let FrontEnd { file, output } = front_end(formula, options, &mut |_, _| {})?;
    Ok(if as_json { cost_json(file, &output) } else { cost_text(file, &output) })
}

/// The key of what [`compile`] would make, from the texts alone: names mean nothing yet.
pub fn cache_key(formula: &Formula, options: &Options) -> Key {
    let (options, uses) = (options.key_text(), formula.uses());
    let texts = formula.source.files().map(|(_, text)| ("source", text));
    let fields = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("build", env!("KEOPSC_BUILD")),
        ("machine", std::env::consts::ARCH),
        ("options", &options),
        ("uses", &uses),
    ];
    Key::new(&fields.into_iter().chain(texts).collect::<Vec<_>>())
}

pub(crate) struct FrontEnd<'a> {
    file: &'a File,
    pub(crate) output: pipeline::Output,
}

impl FrontEnd<'_> {
    pub(crate) fn manifest(&self, options: &Options) -> Manifest {
        manifest(options, self.file, &self.output.program, &self.output.plans)
    }

    pub(crate) fn library<'a>(&'a self, options: &'a Options, manifest: &'a str) -> Library<'a> {
        Library {
            name: &options.name,
            plans: &self.output.plans,
            manifest,
            tiles: &options.tiles,
            has_device_code: options.device.is_some(),
        }
    }
}

pub(crate) fn front_end<'a>(
    formula: &'a Formula,
    options: &FormulaOptions,
    observer: &mut pipeline::Observer<'_>,
) -> Result<FrontEnd<'a>, Failure> {
    let file = &formula.file;
    Ok(FrontEnd { file, output: pipeline::run(file, options, observer).map_err(Failure::Source)? })
}

pub(crate) fn link_library(
    objects: &[Object],
    support: &[u8],
    manifest: &Manifest,
    options: &Options,
    soname: &str,
) -> Result<Vec<u8>, Failure> {
    let name = &manifest.name;
    let functions = manifest.entries.iter().flat_map(|entry| {
        let ends = entry.shards.iter().flat_map(|_| SHARD_ENDS);
        std::iter::once(entry.symbol.clone()).chain(ends.map(|end| entry.symbol.clone() + end))
    });
    let own = [format!("{name}_strerror"), format!("{name}_target"), MODULE_SYMBOL.to_owned()];
    let exports: Vec<String> = functions.chain(own).collect();
    let support = ("support.o".to_owned(), support);
    let compiled = objects.iter().map(|object| (format!("{}.o", object.name), object.bytes.as_slice()));
    let objects: Vec<(String, &[u8])> = compiled.chain([support]).collect();
    Ok(link(&options.linker, &LinkRequest { soname, exports: &exports, objects: &objects })?)
}

fn representation(
    kind: &Emit,
    front: &FrontEnd,
    stages: &[(&str, String)],
    options: &Options,
) -> Result<String, Failure> {
    let manifest = front.manifest(options);
    let text = json(&manifest)?;
    let library = front.library(options, &text);
    match kind {
        Emit::Ast => Ok(print_file(front.file)),
        Emit::Formula | Emit::Plan | Emit::After(_) => {
            let found = stages.iter().find(|(pass, _)| Some(*pass) == kind.pass());
            Ok(found.map(|(_, text)| text.clone()).unwrap_or_default())
        }
        Emit::Schedule => each_level(options, |level| Ok(schedule_text(&library, level))),
        Emit::Llvm => each_level(options, |level| keopsc_cpu::emit_llvm(&library, level)),
        Emit::Asm => each_level(options, |level| keopsc_cpu::emit_assembly(&library, level)),
        Emit::Cuda => Ok(keopsc_cuda::library_with(&front.output.plans, &options.layouts).text),
        Emit::Ptx => {
            let target = options
                .device
                .as_ref()
                .ok_or_else(|| Problem::new("`--emit ptx` is for code for GPUs").with_help("add `--target cuda`"))?;
            device::ptx(&keopsc_cuda::library_with(&front.output.plans, &options.layouts).text, target)
        }
        Emit::Header => Ok(header(&manifest)),
        Emit::Manifest => Ok(text + "\n"),
    }
}

fn each_level(
    options: &Options,
    print: impl Fn(&'static Level) -> Result<String, CompileError>,
) -> Result<String, Failure> {
    let texts: Result<Vec<String>, _> = options.levels.iter().map(|level| print(level)).collect();
    texts.map(|texts| texts.concat()).map_err(code_generation)
}

fn schedule_text(library: &Library<'_>, level: &'static Level) -> String {
    let scheduled = keopsc_cpu::schedules(library, level);
    let all = scheduled.iter().flat_map(|scheduled| std::iter::once(scheduled).chain(scheduled.for_ranges()));
    all.map(|scheduled| layout_text(scheduled, level)).collect()
}

pub(crate) fn json(manifest: &Manifest) -> Result<String, Failure> {
    manifest.to_json().map_err(|error| Failure::Internal(format!("the manifest is no JSON: {error}")))
}

pub(crate) fn code_generation(error: CompileError) -> Failure {
    Failure::Internal(error.to_string())
}
