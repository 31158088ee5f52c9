//! Names that inputs and outputs cannot have, because the library's C header has other uses for them.

use keopsc_diagnostics::{Code, Diagnostic};
use keopsc_grammar::syntax::Name;

use super::scope::{Reported, Resolver};

/// The words of C up to C23.
const C: &[&str] = &[
    "alignas",
    "alignof",
    "auto",
    "bool",
    "break",
    "case",
    "char",
    "const",
    "constexpr",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "false",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "nullptr",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "struct",
    "switch",
    "thread_local",
    "true",
    "typedef",
    "typeof",
    "typeof_unqual",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
];

/// The words of C++ up to C++20 that are not words of C.
const CPP: &[&str] = &[
    "and",
    "and_eq",
    "asm",
    "bitand",
    "bitor",
    "catch",
    "char16_t",
    "char32_t",
    "char8_t",
    "class",
    "co_await",
    "co_return",
    "co_yield",
    "compl",
    "concept",
    "const_cast",
    "consteval",
    "constinit",
    "decltype",
    "delete",
    "dynamic_cast",
    "explicit",
    "export",
    "friend",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "reinterpret_cast",
    "requires",
    "static_cast",
    "template",
    "this",
    "throw",
    "try",
    "typeid",
    "typename",
    "using",
    "virtual",
    "wchar_t",
    "xor",
    "xor_eq",
];

/// The numbers of rows, which are arguments of every function.
const ROWS: &[&str] = &["M", "N"];

/// The types of arguments.
const TYPES: &[&str] = &["int32_t", "int64_t", "uint16_t"];

/// Names of the library's own functions.
const FUNCTIONS: &[&str] = &["target", "strerror", "keops_module_v1"];

/// Ends of names of the library's own functions.
const ENDS: &[&str] = &["_strerror", "_partial", "_merge", "_finalize", "_state_size", "_shard", "_target"];

impl Resolver<'_> {
    /// Refuses names that no argument of a C function can have.
    pub fn check_argument_name(&mut self, name: &Name) -> Result<(), Reported> {
        let text = name.text.as_str();
        let why = if ROWS.contains(&text) {
            "M and N are the numbers of rows in every function of the library".to_owned()
        } else if TYPES.contains(&text) {
            format!("`{text}` is a type in the library's header")
        } else if C.contains(&text) || CPP.contains(&text) {
            format!("`{text}` is a word of C or C++, in which the library is used")
        } else {
            return Ok(());
        };
        let message = format!("no input and no output can be called `{text}`");
        self.report(Diagnostic::error(Code::ReservedName, name.span, message).with_help(why))
    }

    /// Refuses names that no function of the library can have: outputs and fused blocks become functions.
    pub fn check_function_name(&mut self, name: &Name) -> Result<(), Reported> {
        self.check_argument_name(name)?;
        let text = name.text.as_str();
        let why = if let Some(end) = ENDS.iter().find(|end| text.ends_with(**end)) {
            format!("names that end in `{end}` belong to the library's own functions")
        } else if FUNCTIONS.contains(&text) {
            "the library has a function of its own with this name".to_owned()
        } else {
            return Ok(());
        };
        let message = format!("no output can be called `{text}`");
        self.report(Diagnostic::error(Code::ReservedName, name.span, message).with_help(why))
    }
}
