//! `keopsc compile`: a formula → a library and its header, or representations on the way.

use std::path::{Path, PathBuf};
use std::time::Instant;

use keopsc_driver::cache::{Cache, Origin};
use keopsc_driver::device::find::Purpose;
use keopsc_driver::emit::Emit;
use keopsc_driver::failure::{Failure, Problem};
use keopsc_driver::formula::Formula;
use keopsc_driver::options::Options;
use keopsc_driver::output::write_file;
use keopsc_driver::session::Compiled;
use keopsc_driver::{depfile, session, tune};

use super::{Stop, show_diagnostics, stop};
use crate::arguments::{CodeArguments, Compile, MessageFormat, SourceArguments};
use crate::console::{self, Console, Severity};
use crate::{formula, progress};

/// What is made where no target is named: a library to keep runs anywhere, one for now runs here.
const TARGET_TO_KEEP: &str = "portable";
const TARGET_FOR_NOW: &str = "native";

/// What libraries look at when they choose their code; one for now has nothing to choose from but what was asked for.
const TARGET_VARIABLE: &str = "KEOPSC_TARGET";

/// Runs the command.
pub fn run(arguments: &Compile, console: &Console) -> Result<(), Stop> {
    let start = Instant::now();
    if arguments.cached {
        let cached = cached(&arguments.source, &arguments.code, arguments.tune, console)?;
        if arguments.verbose {
            console::error_text(&format!("{} in {}\n", cached.how(), milliseconds(start)));
        }
        return Ok(console::output(format!("{}\n", cached.library.display()).as_bytes())?);
    }
    let kinds = arguments.emit.iter().map(|text| Emit::from_option(text)).collect::<Result<Vec<Emit>, _>>()?;
    let formula = formula::read(&arguments.source)?;
    let target = if arguments.tune { target_for_now() } else { TARGET_TO_KEEP.to_owned() };
    // What is tuned is for this machine.
    let purpose = if arguments.tune { Purpose::ForNow } else { Purpose::ToKeep };
    let mut options = formula::options(&arguments.source, &arguments.code, &target, purpose)?;
    if !kinds.is_empty() && arguments.output.as_deref() == Some(Path::new("-")) {
        return Err(Problem::new("stdout can take the library or the representations, not both")
            .with_help("give the library a file with `-o`, or leave out `-o` or `--emit`")
            .into());
    }
    if arguments.tune {
        tune(&formula, &mut options, console)?;
    }
    if !kinds.is_empty() {
        emit(&formula, &options, &kinds)?;
    }
    if kinds.is_empty() || arguments.output.is_some() {
        let default = || PathBuf::from(format!("lib{}.so", options.name));
        let output = arguments.output.clone().unwrap_or_else(default);
        let files = Files::new(arguments, &formula, &options, output)?;
        write_library(&formula, &options, &files, console)?;
        if arguments.verbose {
            console::error_text(&format!("compiled {} in {}\n", files.library.display(), milliseconds(start)));
        }
    }
    Ok(())
}

/// The path of the formula's library in the cache, compiled now if it is not there.
pub fn through_cache(source: &SourceArguments, code: &CodeArguments, console: &Console) -> Result<PathBuf, Stop> {
    Ok(cached(source, code, false, console)?.library)
}

/// The target of what is for this machine, where no argument says.
fn target_for_now() -> String {
    let wanted = std::env::var(TARGET_VARIABLE).ok().filter(|target| !target.is_empty());
    wanted.unwrap_or_else(|| TARGET_FOR_NOW.to_owned())
}

struct Cached {
    library: PathBuf,
    origin: Origin,
}

impl Cached {
    fn how(&self) -> &'static str {
        match self.origin {
            Origin::Found => "found in the cache",
            Origin::Compiled => "compiled into the cache",
            Origin::CompiledOutside(_) => "compiled outside the cache",
        }
    }
}

fn cached(source: &SourceArguments, code: &CodeArguments, tuned: bool, console: &Console) -> Result<Cached, Stop> {
    let formula = formula::read(source)?;
    let mut options = formula::options(source, code, &target_for_now(), Purpose::ForNow)?;
    if tuned {
        tune(&formula, &mut options, console)?;
    }
    let key = session::cache_key(&formula, &options);
    let compile = || -> Result<_, Failure> {
        let compiled = compile(&formula, &options, &format!("lib{}.so", options.name))?;
        show_diagnostics(console, &formula.source, &compiled.warnings);
        Ok(compiled.into_artifacts())
    };
    let (found, origin) = Cache::from_environment()?.find_or_compile(&key, compile).map_err(stop(&formula))?;
    if let Origin::CompiledOutside(problem) = &origin {
        let note =
            format!("the library was put into `{}`, and will be compiled again next time", found.library.display());
        console.problem(&problem.clone().with_note(note), Severity::Warning);
    }
    Ok(Cached { library: found.library, origin })
}

/// Compiles, and shows that it is going on where it takes long: for many targets, GPUs among them, or hundreds of outputs.
fn compile(formula: &Formula, options: &Options, soname: &str) -> Result<Compiled, Failure> {
    let gpus = options.device.as_ref().map(|_| "GPUs");
    let targets: Vec<&str> = options.levels.iter().map(|level| level.name).chain(gpus).collect();
    let what = format!("compiling {} for {}", options.name, targets.join(", "));
    progress::with_elapsed_time(&what, || session::compile(formula, options, soname))
}

/// Sets the tiles that are fastest on this machine, and says which.
fn tune(formula: &Formula, options: &mut Options, console: &Console) -> Result<(), Stop> {
    let cache = Cache::from_environment()?;
    let work = || tune::tune(formula, options, &cache);
    let tuned = progress::with_elapsed_time("tuning", work).map_err(stop(formula))?;
    if let Some(problem) = tuned.forgotten {
        let note = "what tuning found is used, and will have to be found again next time";
        console.problem(&problem.with_note(note), Severity::Warning);
    }
    if console.format == MessageFormat::Human {
        console::error_text(&tuned.findings.iter().map(|finding| format!("{finding}\n")).collect::<String>());
    }
    options.tiles = tuned.tiles;
    options.layouts = tuned.layouts;
    Ok(())
}

/// Prints representations, with a heading each if there are several.
fn emit(formula: &Formula, options: &Options, kinds: &[Emit]) -> Result<(), Stop> {
    let texts = session::emit(formula, options, kinds).map_err(stop(formula))?;
    for (kind, text) in kinds.iter().zip(texts) {
        if kinds.len() > 1 {
            console::output(format!("==> {} <==\n", kind.option_text()).as_bytes())?;
        }
        console::output(text.as_bytes())?;
    }
    Ok(())
}

/// What a command reads and writes.
struct Files<'a> {
    library: PathBuf,
    header: PathBuf,
    depfile: Option<&'a Path>,
    /// The formula file, if there is one, and those that it uses.
    read: Vec<&'a Path>,
}

impl<'a> Files<'a> {
    /// Finds before a second's work what would be in the way after it.
    fn new(
        arguments: &'a Compile,
        formula: &'a Formula,
        options: &Options,
        library: PathBuf,
    ) -> Result<Files<'a>, Problem> {
        let header = library.with_file_name(format!("{}.h", options.name));
        let own = arguments.source.file.as_deref().filter(|path| *path != Path::new("-"));
        let read = own.into_iter().chain(formula.used.iter().map(PathBuf::as_path)).collect();
        let files = Files { library, header, depfile: arguments.depfile.as_deref(), read };
        match files.is_stdout() {
            true if files.depfile.is_some() => Err(Problem::new("`--depfile` is for libraries that are files")
                .with_help("give the library a file with `-o`")),
            true => Ok(files),
            false => files.check().map(|()| files),
        }
    }

    fn is_stdout(&self) -> bool {
        self.library == Path::new("-")
    }

    fn check(&self) -> Result<(), Problem> {
        let Files { library, header, .. } = self;
        let written: Vec<&Path> = [library.as_path(), header].into_iter().chain(self.depfile).collect();
        for path in &written {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                return Err(keopsc_driver::output::no_folder(path, folder));
            }
        }
        if library == header {
            let message = format!("the library and its header would both be `{}`", library.display());
            return Err(Problem::new(message).with_help("give the library another name: `-o libNAME.so`"));
        }
        if let Some(depfile) = self.depfile.filter(|depfile| *depfile == library || *depfile == header) {
            return Err(Problem::new(format!("`{}` would be written twice", depfile.display()))
                .with_help("give `--depfile` another name"));
        }
        let is_read = |path: &Path| self.read.iter().any(|read| is_same_file(path, read));
        match written.into_iter().find(|path| is_read(path)) {
            Some(path) => Err(Problem::new(format!("`{}` is the formula: it would be overwritten", path.display()))),
            None => Ok(()),
        }
    }
}

fn write_library(formula: &Formula, options: &Options, files: &Files<'_>, console: &Console) -> Result<(), Stop> {
    let default_soname = || format!("lib{}.so", options.name);
    let soname = match files.library.file_name() {
        Some(name) if !files.is_stdout() => name.to_string_lossy().into_owned(),
        _ => default_soname(),
    };
    let compiled = compile(formula, options, &soname).map_err(stop(formula))?;
    show_diagnostics(console, &formula.source, &compiled.warnings);
    if files.is_stdout() {
        return Ok(console::output(&compiled.library)?);
    }
    write_file(&files.header, compiled.header.as_bytes())?;
    write_file(&files.library, &compiled.library)?;
    if let Some(path) = files.depfile {
        write_file(path, depfile::rule(&files.library, files.read.iter().copied()).as_bytes())?;
    }
    Ok(())
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn milliseconds(start: Instant) -> String {
    format!("{:.1} ms", start.elapsed().as_secs_f64() * 1e3)
}
