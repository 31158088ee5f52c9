//! The libraries of definitions that come with the compiler. To add one, add its file and a row.

use keopsc_grammar::parse_file;
use keopsc_grammar::syntax::StatementKind;

/// Names, as after `use`, and texts.
pub const LIBRARIES: &[(&str, &str)] = &[("kernels", include_str!("../../library/kernels.kf"))];

/// The library that defines a name.
pub fn library_that_defines(wanted: &str) -> Option<&'static str> {
    let defines = |text: &str| {
        let statements = parse_file(text).0.statements;
        statements
            .iter()
            .any(|statement| matches!(&statement.kind, StatementKind::Definition { name, .. } if name.text == wanted))
    };
    LIBRARIES.iter().find(|(_, text)| defines(text)).map(|(name, _)| *name)
}
