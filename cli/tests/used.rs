//! Formulas that use other files, by every command.

mod support;

use support::Place;

const FORMULA: &str = "use \"lib/defs.kf\"\nuse kernels\nx = Vi(1)\ny = Vj(1)\n\
                       out f = Sum[j](Scaled(x, y)) + Sum[j](GaussKernel(0, x, y, 1))\n";

/// The formula and what it uses, in a folder beside the one in which commands work.
fn place() -> Place {
    let place = Place::new();
    std::fs::create_dir_all(place.path("far/lib/deeper")).unwrap();
    place.write("far/f.kf", FORMULA);
    place.write("far/lib/defs.kf", "use \"deeper/product.kf\"\ndef Scaled(x, y) = Product(x, y) * 2\n");
    place.write("far/lib/deeper/product.kf", "def Product(x, y) = x * y\n");
    place.write("x.csv", "1\n2\n");
    place.write("y.csv", "3\n4\n");
    place
}

fn runs(place: &Place, formula: &[&str]) -> String {
    let printed = place.does(&[&["run"], formula, &["x=x.csv", "y=y.csv"]].concat());
    printed.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn paths_begin_at_the_folder_of_the_file_that_says_them() {
    let place = place();
    // 2 (3 x + 4 x) + 2
    assert_eq!(runs(&place, &["far/f.kf"]), "16 30");
    place.does(&["check", "far/f.kf"]);
    place.does(&["explain", "far/f.kf"]);
    place.does(&["compile", "far/f.kf", "-o", "libf.so"]);
    let printed = place.does(&["compile", "far/f.kf", "--emit", "ast"]);
    assert!(printed.starts_with("use \"lib/defs.kf\"\nuse kernels\nx = Vi(1)\n"), "{printed}");
}

#[test]
fn text_uses_files_of_the_folder_that_the_command_works_in() {
    let place = place();
    let text = FORMULA.replace("lib/defs.kf", "far/lib/defs.kf");
    assert_eq!(runs(&place, &["-e", &text]), "16 30");
    let beside = place.command(&["check", "-e", FORMULA]).current_dir(place.path("far")).output().unwrap();
    assert!(beside.status.success());
    let said = place.keopsc(&["check", "-e", FORMULA]);
    assert_eq!(said.code, 1);
    let expected = "error[E0301]: cannot read `lib/defs.kf`: No such file or directory\n  --> -e:1:5\n";
    assert!(said.err.starts_with(expected), "{}", said.err);
    let said = place.keopsc_reading(&["check", "-"], &text);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn the_cache_looks_into_files_that_are_used() {
    let place = place();
    let library = || place.does(&["compile", "--cached", "far/f.kf"]);
    let first = library();
    assert_eq!(library(), first);
    place.write("far/lib/deeper/product.kf", "def Product(x, y) = x - y\n");
    let second = library();
    assert_ne!(second, first);
    assert_eq!(runs(&place, &["far/f.kf"]), "-8 -4");
    place.write("far/lib/deeper/product.kf", "def Product(x, y) = x * y\n");
    assert_eq!(library(), first);
    // A mistake that comes into the file is found, whatever the cache has.
    place.write("far/lib/deeper/product.kf", "def Product(x, y) = x *\n");
    let said = place.keopsc(&["compile", "--cached", "far/f.kf"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("--> far/lib/deeper/product.kf:1:24\n"), "{}", said.err);
}

#[test]
fn json_names_the_file_of_each_place() {
    let place = place();
    place.write("far/lib/deeper/product.kf", "def Product(x, y) = x * y + Vj(1)\n");
    let said = place.keopsc(&["check", "--message-format", "json", "far/f.kf"]);
    assert_eq!(said.code, 1);
    let json: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!((json["code"].as_str(), json["file"].as_str()), (Some("E0228"), Some("far/lib/deeper/product.kf")));
    let label = &json["labels"][1];
    assert_eq!((label["file"].as_str(), label["line"].as_u64()), (Some("far/f.kf"), Some(5)));
}

#[test]
fn a_depfile_has_all_files_that_were_read() {
    let place = place();
    place.does(&["compile", "far/f.kf", "-o", "libf.so", "--depfile", "f.d"]);
    assert_eq!(place.read("f.d"), "libf.so: far/f.kf far/lib/defs.kf far/lib/deeper/product.kf\n");
    place.does(&["compile", "-e", "x = Vi(1); out f = Sum[i](x)", "-o", "libf.so", "--depfile", "f.d"]);
    assert_eq!(place.read("f.d"), "libf.so:\n");
    for (arguments, message) in [
        (["-o", "libf.so", "--depfile", "libf.so"], "error: `libf.so` would be written twice\n"),
        (["-o", "libf.so", "--depfile", "f.h"], "error: `f.h` would be written twice\n"),
        (["-o", "-", "--depfile", "f.d"], "error: `--depfile` is for libraries that are files\n"),
        (
            ["-o", "far/lib/defs.kf", "--depfile", "f.d"],
            "error: `far/lib/defs.kf` is the formula: it would be overwritten\n",
        ),
        (["-o", "libf.so", "--depfile", "far/f.kf"], "error: `far/f.kf` is the formula: it would be overwritten\n"),
        (["-o", "libf.so", "--depfile", "none/f.d"], "error[E0302]: cannot write `none/f.d`: "),
    ] {
        let said = place.keopsc(&[&["compile", "far/f.kf"], &arguments[..]].concat());
        assert_eq!(said.code, 2);
        assert!(said.err.starts_with(message), "{}", said.err);
    }
    assert_eq!(place.read("far/f.kf"), FORMULA);
}
