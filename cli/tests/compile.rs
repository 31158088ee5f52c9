//! `keopsc compile`, `check` and `inspect` from the outside.

mod support;

use support::{GAUSS, Place, is_elf};

#[test]
fn a_library_and_a_header_are_written() {
    let place = Place::new();
    assert_eq!(place.does(&["compile", "gauss.kf", "-o", "libgauss.so"]), "");
    assert!(is_elf(&place.path("libgauss.so")));
    let prototype =
        "int32_t gauss_conv(int64_t M, int64_t N, const float *x, const float *y, const float *b, float *conv);";
    assert!(place.read("gauss.h").contains(prototype), "{}", place.read("gauss.h"));
    let shown = place.does(&["inspect", "libgauss.so"]);
    assert!(shown.starts_with("library   gauss\ncompiler  keopsc "), "{shown}");
    assert!(shown.contains("targets   x86-64-v2, x86-64-v3, x86-64-v4\n"), "{shown}");
    let entry = "\ngauss_conv    conv = Sum[j](Exp(-SqDist(x, y)) * b)\n    \
                 x     input      f32   M x 2\n    \
                 y     input      f32   N x 2\n    \
                 b     input      f32   N x 1\n    \
                 conv  result     f32   M x 1\n    \
                 shards of N; a state has M x 8 bytes: a0.s f32 x 1\n";
    assert!(shown.ends_with(entry), "{shown}");
    place.does(&["compile", "-e", "x = Vi(1); y = Vj(1); out s = Sum[i](Exp(y * Sum[j](Exp(x * y))))", "-o", "two.so"]);
    assert!(place.does(&["inspect", "two.so"]).ends_with("    s  result     f32   N x 1\n    no shards\n"));
}

#[test]
fn the_default_output_is_named_after_the_file() {
    let place = Place::new();
    place.write("my-kernel.kf", GAUSS);
    place.does(&["compile", "my-kernel.kf", "--target", "native"]);
    assert!(is_elf(&place.path("libmy_kernel.so")));
    assert!(place.read("my_kernel.h").contains("my_kernel_conv("));
}

#[test]
fn stdin_and_stdout_are_files_too() {
    let place = Place::new();
    let said = place.keopsc_reading(&["compile", "-", "--target", "native", "--emit", "manifest"], GAUSS);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains(r#""name":"kernel""#), "{}", said.out);
    let output = place.command(&["compile", "-e", "x = Vi(1); out s = Sum[i](x)", "-o", "-"]).output().unwrap();
    assert!(output.stdout.starts_with(b"\x7fELF"));
}

#[test]
fn two_folders_give_the_same_bytes() {
    let (one, other) = (Place::new(), Place::new());
    let mut libraries = Vec::new();
    for place in [&one, &other] {
        for _ in 0..2 {
            place.does(&["compile", "gauss.kf", "-o", "libgauss.so"]);
            libraries.push((std::fs::read(place.path("libgauss.so")).unwrap(), place.read("gauss.h")));
        }
    }
    assert!(libraries.iter().all(|library| *library == libraries[0]));
}

#[test]
fn every_representation_is_printed() {
    let place = Place::new();
    let kinds = ["ast", "formula", "plan", "schedule", "llvm", "asm", "cuda", "header", "manifest", "after:resolve"];
    let text = place.does(&["compile", "gauss.kf", "--target", "native", "--emit", &kinds.join(",")]);
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("==> ")).collect();
    let expected: Vec<String> = kinds.iter().map(|kind| format!("==> {kind} <==")).collect();
    assert_eq!(headings, expected);
    for part in text.split("==> ").skip(1) {
        assert!(part.lines().count() > 1, "{part}");
    }
    assert!(!place.path("libgauss.so").exists());
    assert_eq!(place.does(&["compile", "gauss.kf", "--emit", "ast"]), GAUSS);
}

#[test]
fn mistakes_in_the_formula_are_code_1() {
    let place = Place::new();
    place.write("bad.kf", "x = Vi(2)\nout c = Sum[j](x +)\n");
    let words = "error[E0101]: expected an expression after `+`, found `)`\n  --> bad.kf:2:19\n  |\n2 | out c = Sum[j](x +)\n  |                   ^\n\n";
    place.refuses(&["compile", "bad.kf", "-o", "bad.so"], 1, words);
    place.refuses(&["check", "bad.kf"], 1, words);
    assert!(!place.path("bad.so").exists());
    let said = place.keopsc(&["check", "bad.kf", "--message-format", "json"]);
    let message: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!((&message["code"], &message["line"], &message["column"]), (&"E0101".into(), &2.into(), &19.into()));
}

#[test]
fn a_good_formula_checks_silently() {
    assert_eq!(Place::new().does(&["check", "gauss.kf"]), "");
}

#[test]
fn wrong_usage_is_code_2_and_says_what_to_do() {
    let place = Place::new();
    let cases: [(&[&str], &str); 13] = [
        (&["compile", "missing.kf"], "error[E0301]: cannot read `missing.kf`: No such file or directory\n"),
        (
            &["compile", "gauss.kf", "-o", "no/such/lib.so"],
            "error[E0302]: cannot write `no/such/lib.so`: No such file or directory\n  = help: there is no folder `no/such`\n",
        ),
        (
            &["compile", "gauss.kf", "-o", "/proc/lib.so"],
            "error[E0302]: cannot write `/proc/gauss.h`: No such file or directory\n",
        ),
        (
            &["compile", "gauss.kf", "--dtype", "f31"],
            "error: there is no dtype `f31`\n  = help: it can be f16, bf16, f32, f64, half, float16, bfloat16, float, float32, double, float64, c64, c128, complex64, complex128\n",
        ),
        (
            &["compile", "gauss.kf", "--target", "avx9"],
            "error[E0304]: there is no target `avx9`\n  = help: targets are portable, native, x86-64-v2, x86-64-v3, x86-64-v4, aarch64-neon, cuda\n",
        ),
        (
            &["compile", "gauss.kf", "--linker", "/bin/false"],
            "error[E0303]: the linker `/bin/false` failed: exit status: 1\n  = help: leave `--linker` out to use the built-in linker\n",
        ),
        (
            &["compile", "gauss.kf", "--linker", "no-such-ld"],
            "error[E0303]: cannot run the linker `no-such-ld`: No such file or directory\n  \
             = help: `--linker` takes `wild` (built in, the default), `cc` or the path of a linker\n",
        ),
        (
            &["compile", "gauss.kf", "--emit", "objct"],
            "error: there is nothing called `objct` to emit\n  \
             = help: `--emit` takes ast, formula, plan, schedule, llvm, asm, cuda, ptx, header, manifest and after:PASS\n",
        ),
        (
            &["compile", "gauss.kf", "-D", "D"],
            "error: `-D D` sets no dimension\n  = help: write a name and a whole number: `-D D=64`\n",
        ),
        (&["compile", "gauss.kf", "-o", "gauss.kf"], "error: `gauss.kf` is the formula: it would be overwritten\n"),
        (
            &["compile", "gauss.kf", "-o", "./gauss.h"],
            "error: the library and its header would both be `./gauss.h`\n  = help: give the library another name: `-o libNAME.so`\n",
        ),
        (
            &["compile", "gauss.kf", "-o", "-", "--emit", "plan"],
            "error: stdout can take the library or the representations, not both\n  \
             = help: give the library a file with `-o`, or leave out `-o` or `--emit`\n",
        ),
        (&["inspect", "missing.so"], "error[E0301]: cannot read `missing.so`: No such file or directory\n"),
    ];
    for (arguments, words) in cases {
        place.refuses(arguments, 2, words);
    }
    assert_eq!(place.keopsc(&["compile"]).code, 2);
    assert_eq!(place.keopsc(&["frobnicate"]).code, 2);
    assert!(!place.path("libgauss.so").exists());
}

#[test]
fn text_that_is_none_is_refused() {
    let place = Place::new();
    place.write("bytes.kf", b"x = Vi(1)\n\xff\xfe");
    place.refuses(&["check", "bytes.kf"], 2, "error: `bytes.kf` is no text: byte 10 is not UTF-8\n");
}

#[test]
fn foreign_and_truncated_libraries_are_refused() {
    let place = Place::new();
    place.does(&["compile", "gauss.kf", "-o", "libgauss.so", "--target", "native"]);
    let whole = std::fs::read(place.path("libgauss.so")).unwrap();
    for length in [0, 1, 63, 64, 1000, whole.len() / 2, whole.len() * 3 / 4] {
        place.write("cut.so", &whole[..length]);
        let said = place.keopsc(&["inspect", "cut.so"]);
        assert_eq!(said.code, 2, "{length}: {said:?}");
        assert!(said.err.contains("cut.so"), "{length}: {said:?}");
    }
    let libc = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists());
    let said = place.keopsc(&["inspect", libc.unwrap()]);
    assert_eq!((said.code, said.err.contains("was not made by keopsc")), (2, true), "{said:?}");
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let place = Place::new();
    place.write("libgauss.so", "old");
    // A limit on the size of files is the nearest thing to a full disk that needs no privileges.
    let script = format!(
        "ulimit -f 32; trap '' XFSZ; exec \"{}\" compile gauss.kf -o libgauss.so",
        env!("CARGO_BIN_EXE_keopsc")
    );
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(place.path("")).output().unwrap();
    let said = support::said(output);
    assert_eq!((said.code, said.err.as_str()), (2, "error[E0302]: cannot write `libgauss.so`: File too large\n"));
    assert_eq!(place.read("libgauss.so"), "old");
    let mut left: Vec<_> = std::fs::read_dir(place.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["gauss.h", "gauss.kf", "libgauss.so"]);
}

#[test]
fn other_linkers_make_the_same_functions() {
    let place = Place::new();
    let shown: Vec<String> = ["wild", "cc", "ld"]
        .iter()
        .map(|linker| {
            place.does(&["compile", "gauss.kf", "-o", "libgauss.so", "--target", "native", "--linker", linker]);
            place.does(&["inspect", "libgauss.so"])
        })
        .collect();
    assert!(shown.iter().all(|text| *text == shown[0]), "{shown:?}");
}
