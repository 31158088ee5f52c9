//! `--target cuda`, with shell scripts in place of nvcc.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Place, Said, is_elf, said};

/// An nvcc that writes what it was asked for.
const FAITHFUL: &str = r#"while [ $# -gt 0 ]; do
    case "$1" in
    -arch) arch=$2; shift ;;
    -o) output=$2; shift ;;
    --version) echo "release 13.0, V13.0.88"; exit ;;
    esac
    shift
done
echo "code for $arch" > "$output"
"#;

/// A folder with an nvcc.
struct Machine {
    place: Place,
}

impl Machine {
    fn new(script: &str) -> Machine {
        let machine = Machine { place: Place::new() };
        machine.install(script);
        machine
    }

    fn install(&self, script: &str) {
        self.place.write("script", format!("#!/bin/sh\n{script}"));
        let [text, program] = [self.place.path("script"), self.nvcc()];
        // Written by another process: as long as a fork of this one had it open, it could not be started.
        assert!(Command::new("install").args(["-m", "755"]).args([&text, &program]).status().unwrap().success());
    }

    fn nvcc(&self) -> PathBuf {
        self.place.path("nvcc")
    }

    fn keopsc(&self, arguments: &[&str]) -> Said {
        said(self.place.command(arguments).env("KEOPSC_NVCC", self.nvcc()).output().unwrap())
    }

    #[track_caller]
    fn does(&self, arguments: &[&str]) -> String {
        let said = self.keopsc(arguments);
        assert_eq!((said.err.as_str(), said.code), ("", 0), "keopsc {arguments:?}");
        said.out
    }

    /// The files that are left, without those that were there.
    fn files(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.place.path("")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> =
            names.filter(|name| !["gauss.kf", "script", "nvcc", "cache"].contains(&name.as_str())).collect();
        names.sort();
        names
    }
}

const COMPILE: [&str; 6] = ["compile", "gauss.kf", "--target", "native,cuda", "-o", "libgauss.so"];

fn contains(library: &Path, text: &str) -> bool {
    std::fs::read(library).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_library_has_code_for_gpus_beside_that_for_the_cpu() {
    let machine = Machine::new(FAITHFUL);
    machine.does(&COMPILE);
    assert_eq!(machine.files(), ["gauss.h", "libgauss.so"]);
    let library = machine.place.path("libgauss.so");
    for code in ["code for sm_75\n", "code for sm_80\n", "code for sm_90a\n", "code for compute_90\n\0"] {
        assert!(contains(&library, code), "{code}");
    }
    let shown = machine.place.does(&["inspect", "libgauss.so"]);
    assert!(shown.contains("\ngpus      sm_75, sm_80, sm_90; PTX for compute_90 and newer\nhere "), "{shown}");
    let run = ["run", "gauss.kf", "x=1,2", "--target", "cuda,native"];
    // The CPU's code is called as ever.
    machine.place.write("x.csv", "0,0\n1,1\n");
    machine.place.write("b.csv", "1\n2\n");
    let arguments = [&["run", "gauss.kf", "x=x.csv", "y=x.csv", "b=b.csv"][..], &run[3..]].concat();
    assert_eq!(machine.does(&arguments), machine.place.does(&arguments[..5]));
}

#[test]
fn architectures_are_chosen() {
    let machine = Machine::new(FAITHFUL);
    machine.does(&[&COMPILE[..], &["--gpu-arch", "120,sm_86"]].concat());
    let json: serde_json::Value =
        serde_json::from_str(&machine.place.does(&["inspect", "libgauss.so", "--json"])).unwrap();
    assert_eq!(json["gpu"], serde_json::json!({ "architectures": [86, 120], "ptx": 120 }));
    machine.does(&["compile", "gauss.kf", "--target", "cuda", "-o", "libgauss.so"]);
    let shown = machine.place.does(&["inspect", "libgauss.so"]);
    assert!(shown.contains("targets   x86-64-v2, x86-64-v3, x86-64-v4\ngpus "), "{shown}");
}

#[test]
fn libraries_without_say_nothing_of_gpus() {
    let place = Place::new();
    place.does(&["compile", "gauss.kf", "--target", "native", "-o", "libgauss.so"]);
    assert!(!place.does(&["inspect", "libgauss.so", "--json"]).contains("gpu"));
    assert!(!place.does(&["inspect", "libgauss.so"]).contains("gpu"));
}

#[test]
fn two_folders_and_all_linkers_give_the_same_code() {
    let mut libraries = Vec::new();
    for machine in [Machine::new(FAITHFUL), Machine::new(FAITHFUL)] {
        machine.does(&COMPILE);
        libraries.push(std::fs::read(machine.place.path("libgauss.so")).unwrap());
    }
    assert!(libraries[0] == libraries[1]);
    let machine = Machine::new(FAITHFUL);
    let shown = ["wild", "cc", "ld"].map(|linker| {
        machine.does(&[&COMPILE[..], &["--linker", linker]].concat());
        assert!(contains(&machine.place.path("libgauss.so"), "code for sm_90a\n"), "{linker}");
        machine.place.does(&["inspect", "libgauss.so"])
    });
    assert!(shown.iter().all(|text| *text == shown[0]), "{shown:?}");
}

#[test]
fn the_cache_tells_compilers_apart_and_starts_none() {
    let machine = Machine::new(FAITHFUL);
    let cached = ["compile", "gauss.kf", "--cached", "--target", "cuda", "-v"];
    let first = machine.keopsc(&cached);
    assert!(
        first.err.starts_with("compiled into the cache in ") && is_elf(Path::new(first.out.trim_end())),
        "{first:?}"
    );
    let second = machine.keopsc(&cached);
    assert!(second.err.starts_with("found in the cache in ") && second.out == first.out, "{second:?}");
    let other = machine.keopsc(&[&cached[..], &["--gpu-arch", "90"]].concat());
    assert!(other.err.starts_with("compiled into the cache in ") && other.out != first.out, "{other:?}");
    // Its size and date are others; it would fail if it were started.
    machine.install("exit 1 # a newer version\n");
    let newer = machine.keopsc(&cached);
    assert_eq!((newer.code, newer.out.as_str()), (2, ""), "{newer:?}");
    machine.install(&format!("{FAITHFUL}# newer still\n"));
    let newer = machine.keopsc(&cached);
    assert!(newer.err.starts_with("compiled into the cache in ") && newer.out != first.out, "{newer:?}");
}

#[test]
fn text_and_ptx_are_printed() {
    let machine = Machine::new(FAITHFUL);
    assert!(machine.place.does(&["compile", "gauss.kf", "--emit", "cuda"]).contains("__global__"));
    assert_eq!(machine.does(&["compile", "gauss.kf", "--target", "cuda", "--emit", "ptx"]), "code for compute_90\n");
    machine.place.refuses(
        &["compile", "gauss.kf", "--emit", "ptx"],
        2,
        "error: `--emit ptx` is for code for GPUs\n  = help: add `--target cuda`\n",
    );
}

#[test]
fn what_is_in_the_way_is_code_2_and_leaves_nothing() {
    let machine = Machine::new("kill -9 $$\n");
    let nvcc = machine.nvcc().display().to_string();
    let killed = machine.keopsc(&COMPILE);
    let words = format!(
        "error[E0307]: `{nvcc}` failed: it was killed by signal 9\n  \
         = help: this machine may be short of memory: name fewer architectures (`--gpu-arch`)\n"
    );
    assert_eq!((killed.err.as_str(), killed.code), (words.as_str(), 2));
    std::fs::remove_file(machine.nvcc()).unwrap();
    let missing = machine.keopsc(&COMPILE);
    let words = format!(
        "error[E0307]: KEOPSC_NVCC is `{nvcc}`, and there is no such file\n  = help: set KEOPSC_NVCC to the file, or unset it\n"
    );
    assert_eq!((missing.err.as_str(), missing.code), (words.as_str(), 2));
    assert_eq!(machine.files(), Vec::<String>::new());
    machine.place.refuses(
        &["compile", "gauss.kf", "--target", "cuda", "--gpu-arch", "70"],
        2,
        "error[E0304]: there is no GPU architecture `70`\n  = help: `--gpu-arch` takes \
         75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121: compute capabilities without the point; or native\n",
    );
    let output = machine.place.command(&["compile", "gauss.kf", "--cached"]).env("KEOPSC_TARGET", "cuda").output();
    let words = "error[E0304]: `cuda` is no instruction set of the CPU, which KEOPSC_TARGET names\n  = help: `--target cuda` makes code for GPUs\n";
    assert_eq!(said(output.unwrap()).err, words);
    machine.place.refuses(
        &["compile", "gauss.kf", "--gpu-arch", "90"],
        2,
        "error: `--gpu-arch` is for code for GPUs\n  = help: add `--target cuda`\n",
    );
}

#[test]
fn kernels_that_nvcc_refuses_are_a_defect() {
    let machine = Machine::new("echo 'kernels.cu(7): error: expected a \";\"' >&2; exit 2\n");
    let refused = machine.keopsc(&COMPILE);
    assert_eq!((refused.code, refused.out.as_str()), (70, ""));
    assert!(
        refused.err.starts_with("internal error: `") && refused.err.contains("kernels.cu(7): error: "),
        "{refused:?}"
    );
    let [formula, text] = &machine.files()[..] else { panic!("{:?}", machine.files()) };
    let (formula, text) = if text.ends_with(".cu") { (formula, text) } else { (text, formula) };
    assert!(machine.place.read(text).contains("__global__"));
    assert!(machine.place.read(formula).ends_with(support::GAUSS));
    assert!(refused.err.contains(text) && refused.err.contains(formula), "{refused:?}");
}

#[test]
fn targets_tell_which_compiler_is_used() {
    let machine = Machine::new(FAITHFUL);
    let line = |text: &str| text.lines().find(|line| line.starts_with("cuda ")).unwrap().to_owned();
    let told = line(&machine.does(&["targets"]));
    assert!(told.ends_with(&format!("(by nvcc 13.0.88, {})", machine.nvcc().display())), "{told}");
    machine.install("exit 1\n");
    let told = line(&machine.does(&["targets"]));
    assert!(told.ends_with("cannot be used, it does not say its version)"), "{told}");
}

/// With `KEOPSC_NVCC`: every sample, for the oldest and the newest architecture; warnings are errors.
#[test]
fn the_real_nvcc_compiles_the_samples() {
    let Some(nvcc) = std::env::var_os("KEOPSC_NVCC").map(PathBuf::from) else {
        return eprintln!("NOT TESTED: there is no nvcc here; set KEOPSC_NVCC to one");
    };
    let nvcc = std::path::absolute(nvcc).unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
    let files = std::fs::read_dir(samples).unwrap().map(|file| file.unwrap().path());
    let formulas: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|kind| kind == "kf")).collect();
    assert!(formulas.len() > 1);
    // One after the other: the architectures of each are compiled side by side.
    for formula in formulas {
        let place = Place::new();
        let arguments =
            ["compile", formula.to_str().unwrap(), "--target", "native,cuda", "--gpu-arch", "75,121", "-o", "lib.so"];
        let said = said(place.command(&arguments).env("KEOPSC_NVCC", &nvcc).output().unwrap());
        assert_eq!((said.err.as_str(), said.code), ("", 0), "{}", formula.display());
        let library = place.path("lib.so");
        assert!(is_elf(&library) && contains(&library, ".target sm_121"), "{}", formula.display());
    }
}
