//! Files that are used: their definitions become names of the file that says `use`.
//!
//! Each file has names of its own, those that it gives and those of the files that it uses. A definition means what it means in its file,
//! whoever uses it; what its file uses is not handed on.

use keopsc_diagnostics::{Code, Diagnostic};
use keopsc_grammar::syntax::{Expr, File, Library, Name, Span, StatementKind};

use super::scope::{Definition, Macro, Meaning, Reported, Resolver};

impl<'a> Resolver<'a> {
    /// Reads the definitions of all used files.
    pub fn read_used_files(&mut self, files: &'a [File]) {
        self.files = files;
        self.names_of_used = vec![Default::default(); files.len()];
        for (number, file) in files.iter().enumerate() {
            self.home = Some(number);
            for statement in &file.statements {
                match &statement.kind {
                    StatementKind::Definition { name, parameters, body } => {
                        self.macro_definition(name, parameters, body);
                    }
                    StatementKind::Use { library, file } => self.use_definitions(library, *file),
                    _ => {}
                }
            }
        }
        self.home = None;
    }

    /// Gives the names of a used file their meaning in this one.
    pub fn use_definitions(&mut self, library: &Library, file: Option<usize>) {
        let Some(number) = file.filter(|number| *number < self.files.len()) else {
            let message = format!("`{}` has not been read", name_of(library));
            // Names that are missing are reported where they are used.
            let _: Result<(), Reported> = self.report(Diagnostic::error(Code::CannotRead, library.span(), message));
            return;
        };
        for (name, parameters, body) in definitions(&self.files[number]) {
            let meaning = Meaning::Macro(Macro { parameters, body, home: Some(number) });
            let definition = Definition { meaning, span: name.span, mentions: Vec::new() };
            match self.lookup(&name.text) {
                None => self.insert(&name.text, definition),
                Some(Definition { meaning: Meaning::Macro(Macro { home, .. }), .. }) if *home == Some(number) => {}
                Some(known) => {
                    let message = format!("`{}` defines `{}`, and that name is taken", name_of(library), name.text);
                    let diagnostic = Diagnostic::error(Code::DuplicateName, library.span(), message)
                        .with_label(known.span, "it was given here first")
                        .with_label(name.span, "it is defined here")
                        .with_help("choose another name: a name means the same everywhere in a file");
                    self.diagnostics.push(diagnostic);
                }
            }
        }
    }

    /// The names that a `use` gives, at its place.
    pub fn used_names(&self, library: &Library, file: Option<usize>) -> Vec<(String, Span)> {
        let file = file.and_then(|number| self.files.get(number));
        file.into_iter().flat_map(definitions).map(|(name, ..)| (name.text.clone(), library.span())).collect()
    }
}

/// The definition of that name in any of the files.
pub(super) fn definition_in<'a>(files: &'a [File], wanted: &str) -> Option<&'a Name> {
    files.iter().flat_map(definitions).map(|(name, ..)| name).find(|name| name.text == wanted)
}

/// A library as it is named after `use`, without quotes.
pub(super) fn name_of(library: &Library) -> &str {
    match library {
        Library::Known(name) => &name.text,
        Library::Path { text, .. } => text,
    }
}

fn definitions(file: &File) -> impl Iterator<Item = (&Name, &[Name], &Expr)> {
    file.statements.iter().filter_map(|statement| match &statement.kind {
        StatementKind::Definition { name, parameters, body } => Some((name, parameters.as_slice(), body)),
        _ => None,
    })
}
