//! The system libraries that a compiled library may need, as stubs made here, so that no development package has to be
//! installed to link against them.
//!
//! A stub defines the functions of its table and nothing else: with `--no-undefined`, any other undefined symbol is an
//! error, and with `--as-needed`, a library is only recorded as needed where it is. The stubs carry no symbol versions,
//! so that the result loads with any glibc.

use object::write::{Object, StandardSection, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SymbolFlags, SymbolKind, SymbolScope};

use super::in_process;

/// A system library: its name at run time and the functions of it that may be used.
struct SystemLibrary {
    soname: &'static str,
    functions: &'static [&'static str],
}

const SYSTEM_LIBRARIES: [SystemLibrary; 2] = [
    SystemLibrary {
        soname: "libc.so.6",
        functions: &[
            "abort",
            "bcmp",
            "calloc",
            "dlclose",
            "dlerror",
            "dlopen",
            "dlsym",
            "free",
            "getauxval",
            "getenv",
            "getpid",
            "madvise",
            "malloc",
            "memcmp",
            "memcpy",
            "memmove",
            "memset",
            "posix_memalign",
            "pthread_atfork",
            "pthread_create",
            "pthread_join",
            "pthread_once",
            "pthread_sigmask",
            "realloc",
            "sched_getaffinity",
            "sched_yield",
            "sigfillset",
            "snprintf",
            "strcmp",
            "strlen",
            "strtol",
            "syscall",
            "sysconf",
        ],
    },
    SystemLibrary {
        soname: "libm.so.6",
        functions: &[
            "acos",
            "acosf",
            "acosh",
            "acoshf",
            "asin",
            "asinf",
            "asinh",
            "asinhf",
            "atan",
            "atan2",
            "atan2f",
            "atanf",
            "atanh",
            "atanhf",
            "cbrt",
            "cbrtf",
            "ceil",
            "ceilf",
            "cos",
            "cosf",
            "cosh",
            "coshf",
            "erf",
            "erfc",
            "erfcf",
            "erff",
            "exp",
            "exp2",
            "exp2f",
            "expf",
            "expm1",
            "expm1f",
            "floor",
            "floorf",
            "fma",
            "fmaf",
            "fmod",
            "fmodf",
            "hypot",
            "hypotf",
            "ldexp",
            "ldexpf",
            "lgamma",
            "lgammaf",
            "log",
            "log10",
            "log10f",
            "log1p",
            "log1pf",
            "log2",
            "log2f",
            "logf",
            "nearbyint",
            "nearbyintf",
            "pow",
            "powf",
            "remainder",
            "remainderf",
            "rint",
            "rintf",
            "round",
            "roundeven",
            "roundevenf",
            "roundf",
            "sin",
            "sinf",
            "sinh",
            "sinhf",
            "sqrt",
            "sqrtf",
            "tan",
            "tanf",
            "tanh",
            "tanhf",
            "tgamma",
            "tgammaf",
            "trunc",
            "truncf",
        ],
    },
];

/// The stubs for a machine: file names and contents.
pub fn stubs(machine: Architecture) -> libwild::error::Result<Vec<(String, Vec<u8>)>> {
    SYSTEM_LIBRARIES.iter().map(|library| Ok((library.soname.to_owned(), stub(library, machine)?))).collect()
}

fn stub(library: &SystemLibrary, machine: Architecture) -> libwild::error::Result<Vec<u8>> {
    let object = object_defining(library.functions, machine)?;
    in_process::run(machine, &["-shared", "-soname", library.soname, "stub.o"], &[("stub.o", &object)])
}

fn object_defining(functions: &[&str], machine: Architecture) -> libwild::error::Result<Vec<u8>> {
    let mut object = Object::new(BinaryFormat::Elf, machine, Endianness::Little);
    let text = object.section_id(StandardSection::Text);
    object.append_section_data(text, &[0; 16], 16);
    for name in functions {
        object.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value: 0,
            size: 16,
            kind: SymbolKind::Text,
            scope: SymbolScope::Dynamic,
            weak: false,
            section: SymbolSection::Section(text),
            flags: SymbolFlags::None,
        });
    }
    Ok(object.write()?)
}
