//! A formula file with all that it uses, read and parsed: what the stages begin with.

use std::path::{Path, PathBuf};

use keopsc_diagnostics::{Diagnostic, Source};
use keopsc_grammar::syntax::{File, StatementKind};
use keopsc_passes::load::{Loaded, load};

/// A formula without mistakes in its spelling, and the files that it uses.
#[derive(Clone, Debug)]
pub struct Formula {
    /// The texts.
    pub source: Source,
    /// The paths of the files that it uses; libraries of the compiler have none.
    pub used: Vec<PathBuf>,
    pub(crate) file: File,
}

impl Formula {
    /// Reads a formula that has no file; paths in it begin at the folder that the process works in. A refusal comes with the texts that it is about.
    pub fn from_text(name: &str, text: &str) -> Result<Formula, (Source, Vec<Diagnostic>)> {
        Formula::read(name, text, None)
    }

    /// Reads the formula of a file that has been read.
    pub fn from_file(path: &Path, text: &str) -> Result<Formula, (Source, Vec<Diagnostic>)> {
        Formula::read(&path.display().to_string(), text, Some(path))
    }

    fn read(name: &str, text: &str, path: Option<&Path>) -> Result<Formula, (Source, Vec<Diagnostic>)> {
        let mut source = Source::new(name, text);
        match load(&mut source, path) {
            Ok(Loaded { file, paths }) => Ok(Formula { source, used: paths, file }),
            Err(diagnostics) => Err((source, diagnostics)),
        }
    }

    /// Which files the `use` statements mean, file by file.
    pub(crate) fn uses(&self) -> String {
        let files = std::iter::once(&self.file).chain(&self.file.used);
        let uses = files.map(|file| {
            let numbers = file.statements.iter().filter_map(|statement| match statement.kind {
                StatementKind::Use { file, .. } => file.map(|number| number.to_string()),
                _ => None,
            });
            numbers.collect::<Vec<_>>().join(" ")
        });
        uses.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Linker;
    use crate::options::{FormulaOptions, Options};
    use crate::session::cache_key;

    fn key(folder: &Path, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let formula = Formula::from_file(&folder.join("f.kf"), files[0].1).unwrap();
        let options = Options {
            name: "k".to_owned(),
            formula: FormulaOptions::default(),
            levels: Vec::new(),
            tiles: Vec::new(),
            layouts: Vec::new(),
            linker: Linker::InProcess,
            device: None,
        };
        cache_key(&formula, &options).text().to_owned()
    }

    #[test]
    fn keys_have_the_texts_of_all_files_and_which_file_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let main = "x = Vi(1)\nuse 'a.kf'\nout f = Sum[i](K(x))\n";
        let (a, b, c) = ("use 'b.kf'\ndef K(x) = L(x)", "use 'c.kf'\ndef L(x) = x", "def M(x) = x");
        let first = key(folder, &[("f.kf", main), ("a.kf", a), ("b.kf", b), ("c.kf", c)]);
        let others = [
            key(folder, &[("f.kf", main), ("c.kf", "def M(x) = 2 * x")]),
            key(folder, &[("f.kf", main), ("c.kf", c), ("b.kf", "use 'c.kf'\ndef L(x) = 3 * x")]),
            key(folder, &[("f.kf", "x = Vi(1)\nout f = Sum[i](x)\n")]),
        ];
        assert!(others.iter().all(|other| *other != first));
        assert_eq!(key(folder, &[("f.kf", main), ("b.kf", b)]), first);
        // The same texts in the same order, put together in another way.
        let main = "use 'p.kf'; use 'q.kf'; use 'r.kf'; x = Vi(1); out f = Sum[i](P(x))";
        let one = key(
            folder,
            &[("f.kf", main), ("p.kf", "def P(x) = x"), ("q.kf", "def Q(x) = x"), ("r.kf", "def P(x) = x")],
        );
        std::fs::remove_file(folder.join("r.kf")).unwrap();
        std::os::unix::fs::symlink("p.kf", folder.join("r.kf")).unwrap();
        let same = key(folder, &[("f.kf", main)]);
        std::fs::remove_file(folder.join("r.kf")).unwrap();
        std::os::unix::fs::symlink("q.kf", folder.join("r.kf")).unwrap();
        let other = key(folder, &[("f.kf", main)]);
        assert!(one != same && one != other && same != other);
    }
}
