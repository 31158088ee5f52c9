//! Compilers that are shell scripts, and the real ones where there are any.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::find::Compiler;
use super::*;
use crate::formula::Formula;
use crate::link::Linker;
use crate::options::{FormulaOptions, Options};
use crate::session;

/// What a script that is called as nvcc begins with: `$arch`, `$form` and `$output`.
const READ_ARGUMENTS: &str = "#!/bin/sh
while [ $# -gt 0 ]; do
    case \"$1\" in
    -cubin | -ptx) form=$1 ;;
    -arch) arch=$2; shift ;;
    -o) output=$2; shift ;;
    esac
    text=$1
    shift
done
";

/// A folder with an nvcc that does this.
fn nvcc(script: &str) -> (TempDir, DeviceTarget) {
    let folder = tempfile::tempdir().unwrap();
    let [text, program] = ["script", "nvcc"].map(|name| folder.path().join(name));
    std::fs::write(&text, format!("{READ_ARGUMENTS}{script}\n")).unwrap();
    // Written by another process: as long as a fork of this one had it open, it could not be started.
    assert!(Command::new("install").args(["-m", "755"]).args([&text, &program]).status().unwrap().success());
    (folder, DeviceTarget { architectures: vec![75, 90], has_ptx: true, compiler: Ok(Compiler::Nvcc(program)) })
}

/// Kernels of that text, in two parts.
fn kernels(text: &str) -> Library {
    Library {
        text: text.to_owned(),
        parts: 2,
        kernels: Vec::new(),
        layout: 0,
        sums: [None; 2],
        scatter: None,
        entries: Vec::new(),
    }
}

/// What the user is told of an nvcc that does this, without its place.
fn told(script: &str) -> String {
    let (folder, target) = nvcc(script);
    match compile(&kernels("the text"), &target) {
        Err(Failure::Environment(problem)) => problem.to_string().replace(&folder.path().display().to_string(), "/at"),
        other => panic!("{script}: {other:?}"),
    }
}

#[test]
fn images_are_what_nvcc_writes() {
    let (_folder, target) = nvcc(r#"echo "$form $arch $(cat "$text")" > "$output"; echo a remark >&2"#);
    let images = compile(&kernels("the text"), &target).unwrap();
    let image = |architecture, form, bytes: &str| Image { architecture, form, bytes: bytes.as_bytes().to_vec() };
    assert_eq!(
        images,
        [
            image(75, Form::MachineCode, "-cubin sm_75 the text\n"),
            // It has instructions that PTX for later architectures may not have.
            image(90, Form::MachineCode, "-cubin sm_90a the text\n"),
            image(90, Form::Ptx, "-ptx compute_90 the text\n"),
        ]
    );
    let older = DeviceTarget { architectures: vec![80], ..target.clone() };
    assert_eq!(
        compile(&kernels("the text"), &older).unwrap(),
        [
            // It is made from the PTX.
            image(80, Form::MachineCode, "-cubin sm_80 -ptx compute_80 the text\n"),
            image(80, Form::Ptx, "-ptx compute_80 the text\n"),
        ]
    );
    assert_eq!(ptx("the text", &target).unwrap(), "-ptx compute_90 the text\n");
    let without_ptx = DeviceTarget { has_ptx: false, ..target };
    assert_eq!(
        compile(&kernels("the text"), &without_ptx).unwrap(),
        [(75, "75"), (90, "90a")].map(|(number, name)| image(
            number,
            Form::MachineCode,
            &format!("-cubin sm_{name} the text\n")
        ))
    );
}

#[test]
fn a_text_that_is_refused_is_a_defect_and_kept() {
    for words in ["kernels.cu(3): error: identifier \"y\" is undefined", "ptxas error   : Entry function uses too much"]
    {
        let (folder, target) =
            nvcc(&format!("[ $arch = sm_75 ] || {{ echo '{words}' >&2; exit 2; }}; echo > \"$output\""));
        let Err(Failure::Internal(message)) = compile(&kernels("the text"), &target) else {
            panic!("{words} is about the text")
        };
        let head = format!("`{}/nvcc` refuses the kernels for sm_90a; the text is kept in `", folder.path().display());
        let (kept, rest) = message.strip_prefix(&head).and_then(|rest| rest.split_once("`\n")).expect(&message);
        assert_eq!(rest, words);
        assert_eq!(std::fs::read_to_string(kept).unwrap(), "the text");
        std::fs::remove_file(kept).unwrap();
    }
}

#[test]
fn what_is_in_the_way_is_said() {
    assert_eq!(
        told("kill -9 $$"),
        "error[E0307]: `/at/nvcc` failed: it was killed by signal 9\n  \
         = help: this machine may be short of memory: name fewer architectures (`--gpu-arch`)"
    );
    assert_eq!(
        told("echo \"nvcc error   : 'cicc' died due to signal 9 (Kill signal)\"; exit 9"),
        "error[E0307]: `/at/nvcc` failed: a part of it was killed\n  = nvcc error   : 'cicc' died due to signal 9 (Kill signal)\n  \
         = help: this machine may be short of memory: name fewer architectures (`--gpu-arch`)"
    );
    let words = "gcc: No such file or directory\nnvcc fatal   : Failed to preprocess host compiler properties.";
    assert_eq!(
        told(&format!("echo '{words}' >&2; exit 1")),
        "error[E0307]: `/at/nvcc` failed: it needs a C++ compiler, whose preprocessor it runs\n  \
         = gcc: No such file or directory\n    nvcc fatal   : Failed to preprocess host compiler properties.\n  \
         = help: install g++ (`apt-get install g++`), or `pip install 'nvidia-cuda-nvrtc==13.0.*'` and set KEOPSC_DEVICE_COMPILER=nvrtc"
    );
    assert_eq!(
        told("echo \"nvcc fatal   : Unsupported gpu architecture '$arch'\" >&2; exit 1"),
        "error[E0307]: `/at/nvcc` makes no code for sm_75\n  = nvcc fatal   : Unsupported gpu architecture 'sm_75'\n  \
         = help: leave it out of `--gpu-arch`, or install CUDA 13, which makes code for all that `--gpu-arch` takes"
    );
    assert_eq!(told("true"), "error[E0307]: `/at/nvcc` failed: it wrote nothing");
    assert_eq!(
        told("exit 3"),
        "error[E0307]: `/at/nvcc` failed: exit status: 3\n  \
         = help: set KEOPSC_NVCC to another nvcc, or KEOPSC_DEVICE_COMPILER=nvrtc"
    );
}

#[test]
fn compilers_that_are_none_are_named() {
    let of = |compiler| match compile(
        &kernels(""),
        &DeviceTarget { architectures: vec![75], has_ptx: true, compiler: Ok(compiler) },
    ) {
        Err(Failure::Environment(problem)) => problem.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        of(Compiler::Nvcc("/nowhere/nvcc".into())),
        "error[E0307]: cannot run `/nowhere/nvcc`: No such file or directory\n  \
         = help: set KEOPSC_NVCC to another nvcc, or KEOPSC_DEVICE_COMPILER=nvrtc"
    );
    let said = of(Compiler::Nvrtc("/nowhere/libnvrtc.so".into()));
    assert!(said.starts_with("error[E0307]: NVRTC at `/nowhere/libnvrtc.so` cannot be used\n  = "), "{said}");
}

#[test]
fn another_compiler_is_another_key() {
    let (folder, target) = nvcc("true");
    let key = target.key_text();
    assert_eq!(target.key_text(), key);
    let other = DeviceTarget { architectures: vec![75], ..target.clone() };
    assert_ne!(other.key_text(), key);
    assert_ne!(DeviceTarget { has_ptx: false, ..target.clone() }.key_text(), key);
    let Ok(Compiler::Nvcc(program)) = &target.compiler else { panic!("it is nvcc") };
    std::fs::write(program, "a newer version").unwrap();
    assert_ne!(target.key_text(), key);
    drop(folder);
}

/// With `KEOPSC_NVCC` and `KEOPSC_NVRTC`: the kernels of a sample, for the oldest and the newest architecture.
#[test]
fn real_compilers_accept_the_kernels_of_a_sample() {
    let (oldest, newest) = (architecture::KNOWN[0], architecture::KNOWN[architecture::KNOWN.len() - 1]);
    let nvcc = std::env::var_os("KEOPSC_NVCC").map(|path| (Compiler::Nvcc(path.into()), vec![oldest, newest]));
    let nvrtc = std::env::var_os("KEOPSC_NVRTC").map(|path| (Compiler::Nvrtc(path.into()), vec![newest]));
    if nvcc.is_none() && nvrtc.is_none() {
        eprintln!("NOT TESTED: there is no nvcc here; set KEOPSC_NVCC to one");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/gauss.kf");
    let formula = Formula::from_file(&path, &std::fs::read_to_string(&path).unwrap()).unwrap();
    for (compiler, architectures) in [nvcc, nvrtc].into_iter().flatten() {
        let target = DeviceTarget { architectures, has_ptx: true, compiler: Ok(compiler) };
        let options = Options {
            name: "gauss".to_owned(),
            formula: FormulaOptions::default(),
            levels: crate::targets::select(&[], "native").unwrap().levels,
            tiles: Vec::new(),
            layouts: Vec::new(),
            linker: Linker::InProcess,
            device: Some(target.clone()),
        };
        let made = session::compile(&formula, &options, "libgauss.so").unwrap();
        let gpu = made.manifest.gpu.unwrap();
        assert_eq!((gpu.architectures, gpu.ptx), (target.architectures, Some(newest)));
        // Compiled again it is the same, to a byte.
        let again = session::compile(&formula, &options, "libgauss.so").unwrap();
        assert!(again.library == made.library, "another library");
        let ptx = session::emit(&formula, &options, &[crate::emit::Emit::Ptx]).unwrap().remove(0);
        assert!(ptx.contains(&format!(".target sm_{newest}")));
        // Each kernel is in one of the images.
        let has = |text: &str| made.library.windows(text.len()).filter(|window| *window == text.as_bytes()).count();
        for name in ptx.lines().filter_map(|line| line.strip_prefix(".visible .entry ")) {
            assert_eq!(has(&format!(".visible .entry {name}\n")), 1, "{name}");
        }
    }
}
