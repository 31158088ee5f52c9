//! The formula and the options of a command line, ready for the driver.

use std::io::Read;
use std::path::Path;

use keopsc_diagnostics::{Code, Diagnostic, Source};
use keopsc_driver::cache::Cache;
use keopsc_driver::device::find::{Purpose, Search};
use keopsc_driver::device::{DeviceTarget, architecture, here};
use keopsc_driver::failure::Problem;
use keopsc_driver::formula::Formula;
use keopsc_driver::link::Linker;
use keopsc_driver::options::{self, FormulaOptions, Options};
use keopsc_driver::{names, targets};

use crate::arguments::{CodeArguments, SourceArguments};
use crate::commands::Stop;
use crate::defect;

/// The name of a formula that comes from no file.
const NAMELESS: &str = "kernel";

/// Reads the formula that the arguments name, and the files that it uses.
pub fn read(arguments: &SourceArguments) -> Result<Formula, Stop> {
    let result = match (&arguments.expression, &arguments.file) {
        (Some(text), _) => from_text("-e", text),
        (None, Some(path)) if path == Path::new("-") => from_text("<stdin>", &text(read_stdin()?, path)?),
        (None, Some(path)) => {
            let text = text(read_file(path)?, path)?;
            defect::remember_source(&text);
            Formula::from_file(path, &text)
        }
        (None, None) => return Err(Problem::new("there is no formula: name a file, or write one after `-e`").into()),
    };
    let formula = result.map_err(|(source, diagnostics)| Stop::Source(source, diagnostics))?;
    defect::remember_used(formula.source.files().skip(1));
    Ok(formula)
}

fn from_text(name: &str, text: &str) -> Result<Formula, (Source, Vec<Diagnostic>)> {
    defect::remember_source(text);
    Formula::from_text(name, text)
}

/// The contents of a file.
pub fn read_file(path: &Path) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|error| Problem::file(Code::CannotRead, "read", path, &error))
}

/// All of stdin.
pub fn read_stdin() -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let result = std::io::stdin().lock().read_to_end(&mut bytes);
    result.map_err(|error| {
        Problem::new(format!("cannot read stdin: {}", keopsc_driver::failure::system_words(&error)))
    })?;
    Ok(bytes)
}

fn text(bytes: Vec<u8>, path: &Path) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Problem::new(format!("`{}` is no text: byte {place} is not UTF-8", path.display()))
    })
}

/// The options that the arguments give; `default_target` is taken where no target is named.
pub fn options(
    source: &SourceArguments,
    code: &CodeArguments,
    default_target: &str,
    purpose: Purpose,
) -> Result<Options, Problem> {
    let selection = targets::select(&code.target, default_target)?;
    Ok(Options {
        name: library_name(source),
        formula: formula_options(source)?,
        levels: selection.levels,
        tiles: Vec::new(),
        layouts: Vec::new(),
        linker: Linker::from_option(&code.linker),
        device: device(code, selection.has_gpus, purpose)?,
    })
}

fn device(code: &CodeArguments, has_gpus: bool, purpose: Purpose) -> Result<Option<DeviceTarget>, Problem> {
    match has_gpus {
        true => {
            let is_for_this_machine = code.gpu_arch.is_empty() || code.gpu_arch == ["native"];
            let here = (purpose == Purpose::ForNow && is_for_this_machine).then(gpus_here).flatten();
            let (architectures, has_ptx) = match here {
                // A library in the cache of this machine runs on no other.
                Some(here) => (here, false),
                None => (architecture::from_option(&code.gpu_arch)?, true),
            };
            let compiler = Search::of_this_process().compiler(purpose);
            Ok(Some(DeviceTarget { architectures, has_ptx, compiler }))
        }
        false if code.gpu_arch.is_empty() => Ok(None),
        false => Err(Problem::new("`--gpu-arch` is for code for GPUs").with_help("add `--target cuda`")),
    }
}

fn gpus_here() -> Option<Vec<u32>> {
    here::architectures(&Cache::from_environment().ok()?)
}

fn library_name(source: &SourceArguments) -> String {
    let stem = source.file.as_deref().filter(|path| *path != Path::new("-")).and_then(Path::file_stem);
    let stem = stem.map(|stem| stem.to_string_lossy().into_owned());
    names::library_name(&source.name.clone().or(stem).unwrap_or_else(|| NAMELESS.to_owned()))
}

/// The options that prevail over the file.
pub fn formula_options(source: &SourceArguments) -> Result<FormulaOptions, Problem> {
    Ok(FormulaOptions {
        dims: source.dims.iter().map(|text| options::dim(text)).collect::<Result<_, _>>()?,
        dtype: source.dtype.as_deref().map(options::dtype).transpose()?,
        sum: source.sum.as_deref().map(options::sum).transpose()?,
        accumulate: source.accumulate.as_deref().map(options::accumulate).transpose()?,
        algebra: source.algebra.as_deref().map(options::algebra).transpose()?,
        products: source.products.as_deref().map(options::products).transpose()?,
        only: source.only.clone(),
    })
}
