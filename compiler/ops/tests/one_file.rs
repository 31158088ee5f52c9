//! Adding an operation touches one file: outside the catalogue no code of the compiler names an operation, but for
//! those that the language itself needs: its operators, its indexing, broadcasting with its adjoint, and choices.

use std::fs;
use std::path::{Path, PathBuf};

use keopsc_ops::catalogue;

/// What operators stand for and simplify to, what indexing stands for, how a scalar becomes a vector and back, and a real number complex.
const OF_THE_LANGUAGE: &[&str] = &[
    "Add",
    "Subtract",
    "Mult",
    "Divide",
    "Inv",
    "Minus",
    "Square",
    "Pow",
    "Powf",
    "Mod",
    "Scalprod",
    "Equal",
    "NotEqual",
    "LessThan",
    "LessOrEqual",
    "Elem",
    "ElemT",
    "Extract",
    "ExtractT",
    "Concat",
    "Sum",
    "SumT",
    "ComplexSum",
    "ComplexSpread",
    "Real2Complex",
    "Abs",
    "IfElse",
    "Zero",
];

/// Crates and files that quote formulas as examples, or make random ones.
const EXAMPLES: &[&str] = &["diagnostics/src", "driver/src/reference", "generate.rs", "problems.rs"];

#[test]
fn operations_are_named_in_the_catalogue_only() {
    let compiler = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the compiler's folder").to_owned();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for folder in fs::read_dir(&compiler).expect("the compiler's folder") {
        collect(&folder.expect("a folder").path().join("src"), &mut files);
    }
    files.retain(|file| !file.starts_with(own.join("catalogue")) && !file.starts_with(own.join("reductions")));
    files.retain(|file| !EXAMPLES.iter().any(|part| file.to_string_lossy().contains(part)));
    assert!(files.len() > 20, "the scan found only {} files", files.len());
    let mut found = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("a source file");
        for (_, row) in catalogue::operations() {
            if !OF_THE_LANGUAGE.contains(&row.name) && names_operation(code(&text), row.name) {
                found.push(format!("{}: {}", file.display(), row.name));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_scan_finds_names() {
    assert!(names_operation(code("let id = find(\"SqDist\");"), "SqDist"));
    assert!(names_operation(code("parse(\"1 + SqDist(x, y)\")"), "SqDist"));
    assert!(!names_operation(code("/// \"SqDist\" is a distance"), "SqDist"));
    assert!(!names_operation(code("#[cfg(test)]\nmod tests { \"SqDist\" }"), "SqDist"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}

/// The lines of a file that are compiled into the compiler and are no comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim_start).take_while(|line| !line.starts_with("#[cfg(test)]"));
    lines.filter(|line| !line.starts_with("//"))
}

/// Whether a string literal is the name, or calls it.
fn names_operation<'a>(mut lines: impl Iterator<Item = &'a str>, name: &str) -> bool {
    let literal = format!("\"{name}\"");
    let call = format!("{name}(");
    lines.any(|line| {
        let calls = line.match_indices(&call).any(|(position, _)| {
            let before = &line[..position];
            before.matches('"').count() % 2 == 1 && !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        });
        line.contains(&literal) || calls
    })
}
