use std::process::Command;

use object::write::{Object, Relocation, StandardSection, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, RelocationFlags, SymbolFlags, SymbolKind, SymbolScope};
use object::{Object as _, ObjectSymbol as _};

use super::*;

/// An object with two global functions; `visible` calls `calls`, which it does not define, and `hidden` does nothing.
fn object_that_calls(calls: &str) -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let text = object.section_id(StandardSection::Text);
    let call_and_return = [0xe9, 0, 0, 0, 0, 0xc3];
    object.append_section_data(text, &call_and_return, 16);
    let mut add = |name: &str, section| {
        object.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value: 0,
            size: 6,
            kind: SymbolKind::Text,
            scope: SymbolScope::Dynamic,
            weak: false,
            section,
            flags: SymbolFlags::None,
        })
    };
    add("visible", SymbolSection::Section(text));
    add("hidden", SymbolSection::Section(text));
    let callee = add(calls, SymbolSection::Undefined);
    let call = Relocation {
        offset: 1,
        symbol: callee,
        addend: -4,
        flags: RelocationFlags::Elf { r_type: object::elf::R_X86_64_PLT32 },
    };
    object.add_relocation(text, call).unwrap();
    object.write().unwrap()
}

fn link_object(linker: &Linker, bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let exports = ["visible".to_owned()];
    let objects = [("code.o".to_owned(), bytes)];
    link(linker, &LinkRequest { soname: "libtest.so", exports: &exports, objects: &objects })
}

fn exported(library: &[u8]) -> Vec<String> {
    let file = object::File::parse(library).unwrap();
    let defined = file.dynamic_symbols().filter(|symbol| symbol.is_definition());
    defined.map(|symbol| symbol.name().unwrap().to_owned()).collect()
}

fn needed(library: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("library.so");
    std::fs::write(&path, library).unwrap();
    let output = Command::new("readelf").arg("-d").arg(&path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| line.contains("(NEEDED)")).map(|line| line.split_whitespace().last().unwrap()).collect()
}

const LINKERS: [&str; 3] = ["wild", "cc", "ld"];

#[test]
fn every_linker_exports_what_is_asked_and_needs_what_is_used() {
    let object = object_that_calls("malloc");
    for name in LINKERS {
        let library = link_object(&Linker::from_option(name), &object).unwrap();
        assert_eq!(exported(&library), ["visible"], "{name}");
        assert_eq!(needed(&library), "[libc.so.6]", "{name}");
    }
}

#[test]
fn every_linker_gives_the_same_bytes_twice() {
    let object = object_that_calls("cosf");
    for name in LINKERS {
        let linker = Linker::from_option(name);
        assert_eq!(link_object(&linker, &object), link_object(&linker, &object), "{name}");
    }
}

#[test]
fn a_function_that_no_system_has_is_reported_in_the_linkers_words() {
    let object = object_that_calls("no_such_function");
    for name in LINKERS {
        let problem = link_object(&Linker::from_option(name), &object).unwrap_err();
        assert!(problem.notes.concat().contains("no_such_function"), "{name}: {problem}");
    }
}

#[test]
fn a_damaged_object_is_a_problem() {
    let mut object = object_that_calls("malloc");
    object.truncate(100);
    for name in LINKERS {
        link_object(&Linker::from_option(name), &object).unwrap_err();
    }
}

#[test]
fn a_linker_that_is_not_there_is_named() {
    let problem = link_object(&Linker::from_option("/nowhere/ld"), &object_that_calls("malloc")).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "error[E0303]: cannot run the linker `/nowhere/ld`: No such file or directory\n  \
         = help: `--linker` takes `wild` (built in, the default), `cc` or the path of a linker"
    );
}

#[test]
fn a_linker_that_fails_is_quoted() {
    let problem = link_object(&Linker::from_option("/bin/false"), &object_that_calls("malloc")).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "error[E0303]: the linker `/bin/false` failed: exit status: 1\n  \
         = help: leave `--linker` out to use the built-in linker"
    );
}

#[test]
fn a_program_is_recognised_as_a_compiler_by_its_name() {
    let option = |path: &str| command::Tool::from_path(std::path::Path::new(path)).is_compiler;
    for compiler in ["cc", "/usr/bin/gcc-12", "x86_64-linux-gnu-gcc", "clang++-19"] {
        assert!(option(compiler), "{compiler}");
    }
    for linker in ["ld", "ld.lld-22", "/opt/gcc/bin/ld.bfd", "mold"] {
        assert!(!option(linker), "{linker}");
    }
}
