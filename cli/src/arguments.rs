//! The command line: one declaration a flag, from which parsing, help, completions and the man page follow.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

/// Compiler for reductions of symbolic matrices: formula files in, self-contained shared libraries out.
#[derive(Debug, Parser)]
#[command(name = "keopsc", version, arg_required_else_help = true)]
#[command(after_help = "\
Exit codes: 0 done; 1 errors in the formula; 2 wrong usage, or a file, tool or machine in the way; 70 a defect of keopsc.
Environment: KEOPSC_CACHE_DIR, KEOPSC_CACHE_SIZE (default 1G), KEOPSC_NUM_THREADS, KEOPSC_TARGET, NO_COLOR;
for GPUs KEOPSC_NVCC, KEOPSC_NVRTC, KEOPSC_DEVICE_COMPILER (nvcc or nvrtc), PATH, CUDA_HOME, CUDA_PATH, VIRTUAL_ENV.")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// How errors are written to stderr.
    #[arg(long, global = true, value_enum, default_value_t = MessageFormat::Human, value_name = "FORMAT")]
    pub message_format: MessageFormat,

    /// Whether errors are coloured; `auto` does so on a terminal unless NO_COLOR is set.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compile a formula file into a shared library and a C header.
    Compile(Compile),
    /// Report the errors of a formula file and write nothing.
    Check(Check),
    /// Compile a formula file (through the cache) and run it on arrays in files.
    Run(Run),
    /// Show what a compiled library offers.
    Inspect(Inspect),
    /// List the operations and reductions, or describe one.
    Ops(Ops),
    /// Explain an error code, or how a formula is computed.
    Explain(Explain),
    /// List what code can be made for.
    Targets,
    /// Show or clear the cache of compiled libraries.
    Cache(CacheArguments),
    /// Print a completion script for a shell.
    Completions(Completions),
    /// Print the man page.
    Man,
}

/// How errors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// For people, with the source and carets.
    Human,
    /// One JSON object a line.
    Json,
}

/// Whether output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where the formula comes from and what is set from outside.
#[derive(Debug, Args)]
pub struct SourceArguments {
    /// Formula file; `-` reads stdin.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "expression")]
    pub file: Option<PathBuf>,

    /// Formula text instead of a file; `;` separates statements.
    #[arg(short = 'e', long = "expression", value_name = "TEXT", conflicts_with = "file")]
    pub expression: Option<String>,

    /// Name of the library and prefix of its functions [default: the file's stem, or `kernel`].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Set a dimension that the file declares: `-D D=64`.
    #[arg(short = 'D', value_name = "NAME=VALUE")]
    pub dims: Vec<String>,

    /// Storage type of inputs and results, whatever the file says: f16, bf16, f32 or f64.
    #[arg(long, value_name = "TYPE")]
    pub dtype: Option<String>,

    /// How sums are accumulated, whatever the file says: auto, direct, block or kahan.
    #[arg(long, value_name = "SCHEME")]
    pub sum: Option<String>,

    /// Type of the accumulators, whatever the file says: auto (what is computed in), f32 or f64.
    #[arg(long, value_name = "TYPE")]
    pub accumulate: Option<String>,

    /// Which laws simplification may apply, whatever the file says: exact, or fast, which may lose accuracy to cancellation and overflow.
    #[arg(long, value_name = "KIND")]
    pub algebra: Option<String>,

    /// Numbers in sums of many products on GPUs, whatever the file says: auto (as exact as what is computed in), or tf32, bf16, which are faster.
    #[arg(long, value_name = "KIND")]
    pub products: Option<String>,

    /// Make these functions alone, outputs or fused blocks of the file, separated by commas [default: all].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
}

/// What code is made.
#[derive(Debug, Args)]
pub struct CodeArguments {
    /// Instruction sets, separated by commas; `keopsc targets` lists them [default: portable, or native through the cache].
    /// `cuda` adds code for GPUs.
    #[arg(long, value_name = "TARGET", value_delimiter = ',')]
    pub target: Vec<String>,

    /// GPU architectures, separated by commas, with `--target cuda` [default: 75,80,90, or through the cache this machine's, without PTX].
    /// The highest is also there as PTX, for newer ones.
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    pub gpu_arch: Vec<String>,

    /// Who links: `wild` (built in), `cc`, or the path of a linker.
    #[arg(long, value_name = "LINKER", default_value = "wild", value_hint = ValueHint::ExecutablePath)]
    pub linker: String,
}

/// Arguments of `compile`.
#[derive(Debug, Args)]
pub struct Compile {
    #[command(flatten)]
    pub source: SourceArguments,

    #[command(flatten)]
    pub code: CodeArguments,

    /// The library to write; its header goes beside it. `-` writes the library to stdout [default: lib<NAME>.so].
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Print representations to stdout instead of writing a library (with `-o`, as well as):
    /// ast, formula, plan, schedule, llvm, asm, cuda, ptx, header, manifest, after:PASS.
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub emit: Vec<String>,

    /// Also write which files the library was made of, the formula file and those that it uses, as a rule for make, Ninja or CMake.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub depfile: Option<PathBuf>,

    /// Time the best layouts of each pass on this machine and use the fastest; what was found is remembered in the cache [target: native]. With
    /// `--target native,cuda` those of kernels on its first GPU, too.
    #[arg(long)]
    pub tune: bool,

    /// Take the library from the cache, or compile it into the cache, and print its path.
    #[arg(long, conflicts_with_all = ["output", "emit", "depfile"])]
    pub cached: bool,

    /// Say on stderr what was done and how long it took.
    #[arg(short, long)]
    pub verbose: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub source: SourceArguments,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example: keopsc run gauss.kf x=x.npy y=y.npy b=b.csv sigma=0.5 -o conv=conv.npy

Arrays: .npy (float16/32/64 and integers), or text tables (.csv and the like). Vi is M x dim, Vj N x dim, Pm dim; further
leading axes are batches. A parameter may be written as numbers: `sigma=0.5`, `w=1,2,3`.")]
pub struct Run {
    /// FILE, then inputs as `name=path` (`-` reads stdin). Without FILE, use `-e TEXT`.
    #[arg(value_name = "FILE|NAME=PATH", required = true, value_hint = ValueHint::FilePath)]
    pub positional: Vec<String>,

    /// Formula text instead of a file; `;` separates statements.
    #[arg(short = 'e', long = "expression", value_name = "TEXT")]
    pub expression: Option<String>,

    /// Where a result goes: `path` where there is one result, `name=path` else; .npy, or a text table. `-` is stdout [default: -].
    #[arg(short, long, value_name = "[NAME=]PATH", value_hint = ValueHint::FilePath)]
    pub output: Vec<String>,

    /// Set a dimension that the file declares: `-D D=64`.
    #[arg(short = 'D', value_name = "NAME=VALUE")]
    pub dims: Vec<String>,

    /// Storage type of inputs and results, whatever the file says: f16, bf16, f32 or f64.
    #[arg(long, value_name = "TYPE")]
    pub dtype: Option<String>,

    /// How sums are accumulated, whatever the file says: auto, direct, block or kahan.
    #[arg(long, value_name = "SCHEME")]
    pub sum: Option<String>,

    /// Type of the accumulators, whatever the file says: auto (what is computed in), f32 or f64.
    #[arg(long, value_name = "TYPE")]
    pub accumulate: Option<String>,

    /// Which laws simplification may apply, whatever the file says: exact, or fast, which may lose accuracy to cancellation and overflow.
    #[arg(long, value_name = "KIND")]
    pub algebra: Option<String>,

    /// Numbers in sums of many products on GPUs, whatever the file says: auto (as exact as what is computed in), or tf32, bf16, which are faster.
    #[arg(long, value_name = "KIND")]
    pub products: Option<String>,

    #[command(flatten)]
    pub code: CodeArguments,

    /// M, the number of rows that i counts, where no input tells it.
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(i64).range(0..))]
    pub rows_i: Option<i64>,

    /// N, the number of rows that j counts, where no input tells it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    pub rows_j: Option<i64>,

    /// Threads to use [default: KEOPSC_NUM_THREADS, else all processors].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    pub threads: Option<i32>,

    /// Allow inputs to be rounded to the formula's type (float64 files into an f32 formula).
    #[arg(long)]
    pub allow_rounding: bool,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// A library that keopsc made.
    #[arg(value_name = "LIBRARY", value_hint = ValueHint::FilePath)]
    pub library: PathBuf,

    /// Print the manifest as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `ops`.
#[derive(Debug, Args)]
pub struct Ops {
    /// An operation or reduction to describe.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Print both tables as JSON, for programs that generate something from them.
    #[arg(long, conflicts_with = "name")]
    pub json: bool,

    /// Print a reference page, with examples that are computed as it is printed.
    #[arg(long, value_enum, value_name = "PAGE", conflicts_with_all = ["name", "json"])]
    pub markdown: Option<ReferencePage>,
}

/// The reference pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReferencePage {
    /// What formulas are made of: `docs/operations.md`.
    Operations,
    /// How pairs become rows: `docs/reductions.md`.
    Reductions,
    /// What is said of mistakes: `docs/diagnostics.md`.
    Diagnostics,
    /// This command line: `docs/cli.md`.
    CommandLine,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A code such as E0101, or a formula file; `-` reads stdin.
    #[arg(value_name = "CODE|FILE", required_unless_present = "expression", value_hint = ValueHint::FilePath)]
    pub subject: Option<String>,

    /// Formula text instead of a file; `;` separates statements.
    #[arg(short = 'e', long = "expression", value_name = "TEXT", conflicts_with = "subject")]
    pub expression: Option<String>,

    /// Set a dimension that the file declares: `-D D=64`.
    #[arg(short = 'D', value_name = "NAME=VALUE")]
    pub dims: Vec<String>,

    /// Storage type of inputs and results, whatever the file says: f16, bf16, f32 or f64.
    #[arg(long, value_name = "TYPE")]
    pub dtype: Option<String>,

    /// Which laws simplification may apply, whatever the file says: exact, or fast, which may lose accuracy to cancellation and overflow.
    #[arg(long, value_name = "KIND")]
    pub algebra: Option<String>,

    /// Count the operations of each result for each pair, row and call, as written and as planned.
    #[arg(long)]
    pub cost: bool,

    /// Print the counts as JSON.
    #[arg(long, requires = "cost")]
    pub json: bool,
}

/// Arguments of `cache`.
#[derive(Debug, Args)]
pub struct CacheArguments {
    /// Print the folder only.
    #[arg(long, conflicts_with_all = ["clear", "size"])]
    pub dir: bool,

    /// Remove all entries, and what `--tune` remembers.
    #[arg(long, conflicts_with = "size")]
    pub clear: bool,

    /// Print the bytes that entries take only.
    #[arg(long)]
    pub size: bool,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
