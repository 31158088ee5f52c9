//! The table of codes: everything that can be said to a user has a row here, with its explanation.
//!
//! To add a code, add a row: the doc line is its title, `wrong` a text that gives it, `right` what to write instead.
//! A code is never given to something else. E01: syntax; E02: meaning; E03: files and tools; W: warnings.

use crate::diagnostic::Severity;

macro_rules! codes {
    ($($(#[doc = $title:literal])+ $name:ident = $code:literal {
        why: $why:literal, wrong: $wrong:literal, right: $right:literal $(,)?
    })*) => {
        /// The code of a diagnostic: a row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $title])+ $name,)*
        }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            fn row(self) -> Row {
                match self {
                    $(Code::$name => Row {
                        code: $code,
                        title: concat!($($title),+),
                        why: $why,
                        wrong: $wrong,
                        right: $right,
                    },)*
                }
            }
        }
    };
}

struct Row {
    code: &'static str,
    title: &'static str,
    why: &'static str,
    wrong: &'static str,
    right: &'static str,
}

impl Code {
    /// `E0101`
    pub fn as_str(self) -> &'static str {
        self.row().code
    }

    /// The code that is written so, in upper or lower case.
    pub fn parse(written: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(written.trim()))
    }

    /// What it says, in a few words.
    pub fn title(self) -> &'static str {
        self.row().title.trim()
    }

    /// Why it is said, in a few sentences.
    pub fn why(self) -> &'static str {
        self.row().why
    }

    /// A text that gives this code, as short as possible; empty where it would be too long to show.
    /// For E03 it is a command.
    pub fn wrong_example(self) -> &'static str {
        self.row().wrong
    }

    /// The same text put right.
    pub fn right_example(self) -> &'static str {
        self.row().right
    }

    /// Is it a warning or an error?
    pub fn severity(self) -> Severity {
        if self.as_str().starts_with('W') { Severity::Warning } else { Severity::Error }
    }

    /// The whole explanation, for `keopsc explain E0101`.
    pub fn explanation(self) -> String {
        let Row { code, why, wrong, right, .. } = self.row();
        let mut text = format!("{code}: {}\n\n{why}\n", self.title());
        for (heading, example) in [("Wrong:", wrong), ("Right:", right)] {
            if !example.is_empty() {
                text += &format!("\n{heading}\n\n    {}\n", example.replace('\n', "\n    "));
            }
        }
        text
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

codes! {
    // ---- syntax

    /// The formula cannot go on like this
    UnexpectedToken = "E0101" {
        why: "A word or sign stands where something else is expected. The message says what may stand there.\n\
              A statement gives a name to a formula (`K = Exp(x)`) or requests a result (`out f = Sum[j](K)`);\n\
              it ends with its line, except inside brackets.",
        wrong: "out f = Sum[j](x +)",
        right: "out f = Sum[j](x + 1)",
    }
    /// A bracket is never closed
    UnclosedBracket = "E0102" {
        why: "Every `(`, `[` and `{` needs its counterpart. The error stands where the bracket opens, because\n\
              nobody can know where it should have been closed.",
        wrong: "K = Exp(-SqDist(x, y)\nout f = Sum[j](K)",
        right: "K = Exp(-SqDist(x, y))\nout f = Sum[j](K)",
    }
    /// A bracket closes nothing, or the wrong bracket
    UnmatchedBracket = "E0103" {
        why: "A closing bracket needs an opening one of its own kind.",
        wrong: "K = Exp(-SqDist(x, y)))",
        right: "K = Exp(-SqDist(x, y))",
    }
    /// Comparisons cannot be chained
    ChainedComparison = "E0104" {
        why: "A comparison gives 1 or 0. `a < b < c` would compare that 1 or 0 with `c`, which is hardly what is\n\
              meant. Compare twice and multiply; or use brackets to compare the result of a comparison.",
        wrong: "inside = 0 < r < 1",
        right: "inside = (0 < r) * (r < 1)",
    }
    /// An argument without a name follows one with a name
    PositionalAfterKeyword = "E0105" {
        why: "In a call, arguments that are known by their position come first, `name = value` arguments last.",
        wrong: "out f = LogSumExp[j](weight=b, -SqDist(x, y))",
        right: "out f = LogSumExp[j](-SqDist(x, y), weight=b)",
    }
    /// The formula is nested too deeply
    TooDeep = "E0106" {
        why: "At most 256 brackets may be open at once, and at most 513 operations may stand within each other; a\n\
              sum of more terms than that counts as well, because each `+` holds all the terms before it.\n\
              Give parts of the formula names, or group the terms of a long sum with brackets.",
        wrong: "",
        right: "",
    }
    /// This character has no meaning in a formula
    BadCharacter = "E0107" {
        why: "Formulas are made of names (letters a-z, digits, `_`), numbers, operators `+ - * / % ** ^ |`, comparisons,\n\
              brackets, `=`, `,`, `:`, `;` and comments after `#`. Text that was copied from a document often\n\
              holds other characters that look the same, such as the long minus.",
        wrong: "K = Exp(−x)",
        right: "K = Exp(-x)",
    }
    /// This is not a number
    BadNumber = "E0108" {
        why: "Numbers are written `3`, `0.5`, `.5`, `1e-3` or `1_000_000`; they have no suffix, and a product needs\n\
              its `*`. They reach up to about 1.8e308.",
        wrong: "K = Exp(2x)",
        right: "K = Exp(2 * x)",
    }
    /// The text is too long
    TooLong = "E0109" {
        why: "At most 16 MiB of formula text are read. A text of that size is usually a wrong file.",
        wrong: "",
        right: "",
    }

    // ---- meaning

    /// This name has not been given a meaning
    UnknownName = "E0201" {
        why: "A name must be declared as an input (`x = Vi(3)`), a dimension (`dim D = 3`) or a formula above the line\n\
              that uses it.",
        wrong: "x = Vi(3)\nout f = Sum[j](SqNorm2(xx))",
        right: "x = Vi(3)\nout f = Sum[j](SqNorm2(x))",
    }
    /// There is no such operation or reduction
    UnknownFunction = "E0202" {
        why: "`keopsc ops` lists all operations and reductions. A formula of your own is defined with\n\
              `def f(u, v) = …` above the lines that use it.",
        wrong: "x = Vi(3)\nout f = Sum[j](Expo(x))",
        right: "x = Vi(3)\nout f = Sum[j](Exp(x))",
    }
    /// Wrong number of arguments
    ArgumentCount = "E0203" {
        why: "The operation, reduction or definition takes another number of arguments. `keopsc ops NAME` shows its form.",
        wrong: "x = Vi(3)\ny = Vj(3)\nout f = Sum[j](SqDist(x))",
        right: "x = Vi(3)\ny = Vj(3)\nout f = Sum[j](SqDist(x, y))",
    }
    /// There is no argument or option of this name
    UnknownArgument = "E0204" {
        why: "Only the arguments that are listed in the form of an operation or reduction can be given by name.",
        wrong: "x = Vi(3)\ny = Vj(3)\nout n = ArgKMin[j, k=2](SqDist(x, y))",
        right: "x = Vi(3)\ny = Vj(3)\nout n = ArgKMin[j, K=2](SqDist(x, y))",
    }
    /// Dimensions do not fit together
    DimensionMismatch = "E0205" {
        why: "The values that an operation combines must have equal numbers of components; those of one component\n\
              combine with any. Dimensions are fixed when the formula is compiled, so this is known before any data is seen.",
        wrong: "x = Vi(3)\ny = Vj(2)\nout f = Sum[j](SqDist(x, y))",
        right: "x = Vi(3)\ny = Vj(3)\nout f = Sum[j](SqDist(x, y))",
    }
    /// A value of one component is expected
    NotScalar = "E0206" {
        why: "The operation, or the derivative of a formula without a cotangent, is defined for values of one component.\n\
              Take a component (`v[0]`), a norm, a sum of the components (`Sum(v)`), or give the cotangent.",
        wrong: "x = Vi(3)\nout g = Sum[j](Grad(Exp(x), x))",
        right: "x = Vi(3)\nout g = Sum[j](Grad(Sum(Exp(x)), x))",
    }
    /// A name is given twice
    DuplicateName = "E0207" {
        why: "A name means the same everywhere in a file; it cannot be given again.",
        wrong: "x = Vi(3)\nx = Vj(3)\nout f = Sum[j](x)",
        right: "x = Vi(3)\ny = Vj(3)\nout f = Sum[j](x * y)",
    }
    /// There is no such number type
    UnknownType = "E0208" {
        why: "Numbers are stored as f16, bf16, f32, f64, c64 or c128 (or half, bfloat16, float, double; float16, float32, float64,\n\
              complex64, complex128).",
        wrong: "dtype f8\nx = Vi(3)\nout f = Sum[j](x)",
        right: "dtype f32\nx = Vi(3)\nout f = Sum[j](x)",
    }
    /// The file requests no result
    NoOutput = "E0209" {
        why: "A file says with `out name = …` what is to be computed. Without that there is nothing to compile.",
        wrong: "x = Vj(3)\ns = Sum[j](x)",
        right: "x = Vj(3)\nout s = Sum[j](x)",
    }
    /// This is not an index that can be reduced
    BadIndex = "E0210" {
        why: "A reduction runs over `i` or over `j`, which is written in the bracket after its name.",
        wrong: "x = Vi(3)\nout f = Sum[k](x)",
        right: "x = Vi(3)\nout f = Sum[j](x)",
    }
    /// The value depends on the wrong index
    WrongRole = "E0211" {
        why: "An output is a table of rows, one per i or one per j. What depends on both must be reduced over one of\n\
              them, and values of i and j rows meet only inside a reduction.",
        wrong: "x = Vi(3)\ny = Vj(3)\nout f = SqDist(x, y)",
        right: "x = Vi(3)\ny = Vj(3)\nout f = Sum[j](SqDist(x, y))",
    }
    /// This cannot be part of a formula
    NotAFormula = "E0212" {
        why: "Lists of integers, row numbers (the results of ArgMin, ArgKMin …) and pairs of values and row numbers are\n\
              no formulas: nothing can be computed with them further.",
        wrong: "x = Vi(3)\ny = Vj(3)\nout f = 2 * ArgMin[j](SqDist(x, y))",
        right: "x = Vi(3)\ny = Vj(3)\nout f = ArgMin[j](SqDist(x, y))",
    }
    /// This name does not stand for a value
    NotAValue = "E0213" {
        why: "The name of an operation, a reduction or a definition stands for a value only with its arguments.",
        wrong: "x = Vi(3)\nout f = Sum[j](Exp * x)",
        right: "x = Vi(3)\nout f = Sum[j](Exp(x) * x)",
    }
    /// An integer is expected here
    NotAnInteger = "E0214" {
        why: "Dimensions, component numbers, powers of some operations and options such as `K` must be known when the file\n\
              is compiled: numbers, names from `dim D = 3`, and `+ - * / % **` of them.",
        wrong: "dim D = 1.5\nx = Vi(D)\nout f = Sum[j](x)",
        right: "dim D = 15\nx = Vi(D)\nout f = Sum[j](x)",
    }
    /// A number is out of its range
    OutOfRange = "E0215" {
        why: "Component numbers count from 0 and must be less than the dimension; dimensions and counts are at least 1.",
        wrong: "x = Vi(3)\nout f = Sum[j](x[3])",
        right: "x = Vi(3)\nout f = Sum[j](x[2])",
    }
    /// Division by zero
    DivisionByZero = "E0216" {
        why: "An integer that must be known at compile time is divided by zero.",
        wrong: "dim D = 3 / 0\nx = Vi(D)\nout f = Sum[j](x)",
        right: "dim D = 3 / 1\nx = Vi(D)\nout f = Sum[j](x)",
    }
    /// The formula becomes too large
    TooLarge = "E0217" {
        why: "Definitions that use definitions, derivatives of high order and operations on large dimensions can make a formula\n\
              grow beyond what can be compiled. Give intermediate results names, or use smaller dimensions.",
        wrong: "x = Vi(5000000000)\nout f = Sum[j](x)",
        right: "x = Vi(500)\nout f = Sum[j](x)",
    }
    /// A definition uses itself
    RecursiveMacro = "E0218" {
        why: "A definition is replaced by its formula wherever it is used, so it cannot use itself.",
        wrong: "def f(u) = f(u) * u\nx = Vi(3)\nout s = Sum[j](f(x))",
        right: "def f(u) = u * u\nx = Vi(3)\nout s = Sum[j](f(x))",
    }
    /// A setting is given twice
    DuplicateSetting = "E0219" {
        why: "`dtype` and each setting of `numerics` can be given once in a file, and once after an output.",
        wrong: "dtype f32\ndtype f64\nx = Vi(3)\nout f = Sum[j](x)",
        right: "dtype f64\nx = Vi(3)\nout f = Sum[j](x)",
    }
    /// There is no such setting
    UnknownSetting = "E0220" {
        why: "`numerics` takes `sum`, `accumulate`, `algebra` and `products`; the message lists what each may be set to.",
        wrong: "numerics sum = quick\nx = Vi(3)\nout f = Sum[j](x)",
        right: "numerics sum = kahan\nx = Vi(3)\nout f = Sum[j](x)",
    }
    /// There is no such dimension
    UnknownDim = "E0221" {
        why: "`-D NAME=VALUE` on the command line gives a value to a dimension that the file declares with `dim NAME = …`.",
        wrong: "",
        right: "",
    }
    /// An input is declared in the wrong way
    BadDeclaration = "E0222" {
        why: "Inputs are declared `x = Vi(dim)` (a row per i), `x = Vj(dim)` (a row per j) or `x = Pm(dim)` (the same for\n\
              all pairs); KeOps' form with a position, `x = Vi(0, dim)`, counts positions from 0 without gaps\n\
              or repetitions.",
        wrong: "x = Vi(0, 3)\ny = Vj(0, 3)\nout f = Sum[j](x * y)",
        right: "x = Vi(0, 3)\ny = Vj(1, 3)\nout f = Sum[j](x * y)",
    }
    /// This has no derivative
    NotDifferentiable = "E0223" {
        why: "Row numbers jump, so that they have no derivative; the values that stand there have one. One can differentiate with\n\
              respect to inputs.",
        wrong: "x = Vi(3)\ny = Vj(3)\nn = ArgMin[j](SqDist(x, y))\nout g = Grad(n, x)",
        right: "x = Vi(3)\ny = Vj(3)\nn = Min[j](SqDist(x, y))\nout g = Grad(n, x)",
    }
    /// This name is reserved
    ReservedName = "E0224" {
        why: "Outputs and inputs become C functions and arguments: the words of C and C++ and `M` and `N` (the numbers of\n\
              rows) cannot be used. Outputs can neither be called `target`, `strerror` and `keops_module_v1` nor end in\n\
              `_strerror`, `_partial`, `_merge`, `_finalize`, `_state_size`, `_shard` and `_target`: the library has such\n\
              functions itself.",
        wrong: "x = Vi(3)\nout double = Sum[j](x)",
        right: "x = Vi(3)\nout twice = Sum[j](x)",
    }
    /// These numerics cannot be had here
    UnsupportedNumerics = "E0225" {
        why: "Accumulators have the type that everything is computed in, or more digits: `accumulate = f64` with float16, bfloat16\n\
              or float32 inputs. Fewer would lose what was computed, and are refused.",
        wrong: "dtype f64\nx = Vi(3)\ny = Vj(3)\nout f = Sum[j](x | y) numerics accumulate = f32",
        right: "dtype f32\nx = Vi(3)\ny = Vj(3)\nout f = Sum[j](x | y) numerics accumulate = f64",
    }
    /// This is not the kind of number, real or complex, that is needed
    WrongNumbers = "E0226" {
        why: "In a file with complex inputs (`dtype=c64`) operators and functions of complex numbers are the complex ones: `z * w`,\n\
              `Exp(z)`. What takes real numbers alone, as comparisons do, needs a part, an absolute value or an angle.",
        wrong: "z = Vi(1, dtype=c64)\ny = Vj(1)\nout f = Max[j](z * y)",
        right: "z = Vi(1, dtype=c64)\ny = Vj(1)\nout f = Max[j](ComplexAbs(z * y))",
    }
    /// There is no such library
    UnknownLibrary = "E0227" {
        why: "`use NAME` is for libraries of definitions that come with the compiler; `use \"PATH.kf\"` for files of your own. A path\n\
              begins at the folder of the file that says it.",
        wrong: "use kernls\nx = Vi(3)\ny = Vj(3)\nout f = Sum[j](GaussKernel(1, x, y, 1))",
        right: "use kernels\nx = Vi(3)\ny = Vj(3)\nout f = Sum[j](GaussKernel(1, x, y, 1))",
    }
    /// A file that is used has more than definitions
    NoDefinition = "E0228" {
        why: "What `use` brings in are the definitions, `def f(u, v) = …`, of a file; they get all they need as arguments. Inputs,\n\
              dimensions, types and outputs belong into the file that is compiled, where a reader looks for them.",
        wrong: "",
        right: "",
    }
    /// Files use each other in a circle
    CircularUse = "E0229" {
        why: "A file cannot use itself, nor a file that uses it, directly or through others. Move what both need into a file of its\n\
              own, and use that in both.",
        wrong: "",
        right: "",
    }
    /// A name is never used
    UnusedDefinition = "W0201" {
        why: "The formula has a name but no output uses it. That is legal; often it is a mistyped name.",
        wrong: "x = Vi(3)\nK = Exp(x)\nout f = Sum[j](x)",
        right: "x = Vi(3)\nK = Exp(x)\nout f = Sum[j](K)",
    }

    // ---- files and tools

    /// A file cannot be read
    CannotRead = "E0301" {
        why: "The file does not exist, is not text in UTF-8, or may not be read. A path after `use` begins at the folder of the file\n\
              that says it.",
        wrong: "keopsc compile gaus.kf",
        right: "keopsc compile gauss.kf",
    }
    /// A file cannot be written
    CannotWrite = "E0302" {
        why: "The folder does not exist or may not be written to, or the disk is full.",
        wrong: "keopsc compile gauss.kf -o no-such-folder/libgauss.so",
        right: "keopsc compile gauss.kf -o libgauss.so",
    }
    /// The linker failed
    LinkerFailed = "E0303" {
        why: "The built-in linker needs no tools. One that is chosen with `--linker` must exist and must understand the\n\
              options of the system's C compiler; the message shows its own words.",
        wrong: "keopsc compile gauss.kf --linker no-such-linker",
        right: "keopsc compile gauss.kf",
    }
    /// There is no such target
    UnknownTarget = "E0304" {
        why: "`keopsc targets` lists the machines and instruction sets that can be compiled for.",
        wrong: "keopsc compile gauss.kf --target x86_65",
        right: "keopsc compile gauss.kf --target x86-64-v3",
    }
    /// The cache cannot be used
    BadCache = "E0305" {
        why: "Compiled libraries are kept in a folder, which must be writable. `keopsc cache` shows and clears it; the\n\
              variable KEOPSC_CACHE_DIR chooses another one.",
        wrong: "KEOPSC_CACHE_DIR=/proc/none keopsc compile --cached gauss.kf",
        right: "KEOPSC_CACHE_DIR=/tmp/keopsc keopsc compile --cached gauss.kf",
    }
    /// Code cannot be timed on this machine
    CannotTune = "E0306" {
        why: "`--tune` runs code on this machine to see which is fastest. That is for one instruction set, which this\n\
              processor must have; `--target native` is the best of those.",
        wrong: "keopsc compile --tune gauss.kf --target portable",
        right: "keopsc compile --tune gauss.kf --target native",
    }
    /// Code for GPUs cannot be compiled
    DeviceCompilerFailed = "E0307" {
        why: "`--target cuda` needs a compiler of NVIDIA's: nvcc, or NVRTC, its shared library. `keopsc targets` says which one\n\
              is used. KEOPSC_NVCC and KEOPSC_NVRTC name others, KEOPSC_DEVICE_COMPILER chooses between the two.",
        wrong: "KEOPSC_NVCC=/no/such/nvcc keopsc compile --target cuda gauss.kf",
        right: "KEOPSC_NVCC=/usr/local/cuda/bin/nvcc keopsc compile --target cuda gauss.kf",
    }
}
