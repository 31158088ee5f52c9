//! The loader against a library made by hand from `library/mock.c` and the support object, and against files that are none.

use keopsc_runtime::SUPPORT_OBJECT;
use keopsc_runtime::loader::{Array, CallError, Library, LoadError, Options, TensorView, ViewError};
use keopsc_runtime::manifest::Dtype;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A folder of this process, as each test may run in one of its own; left behind for a look at it after a failure.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("loader-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Compiles the mock library with some macros defined.
fn build(name: &str, macros: &[&str]) -> PathBuf {
    let object = folder().join(format!("{name}.o"));
    std::fs::write(&object, SUPPORT_OBJECT).unwrap();
    let library = folder().join(format!("{name}.so"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/library/mock.c");
    let status = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-Wl,-z,defs", "-Wl,--gc-sections"])
        .args(macros)
        .arg(source)
        .arg(&object)
        .arg("-o")
        .arg(&library)
        .status();
    assert!(status.unwrap().success());
    library
}

fn mock() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build("mock", &[]))
}

fn refusal(path: &Path) -> String {
    match Library::open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error.to_string().replace(path.to_str().unwrap(), "FILE"),
    }
}

#[test]
fn a_library_tells_what_it_is() {
    let library = Library::open(mock()).unwrap();
    assert_eq!((library.name(), library.target()), ("mock", Some("generic")));
    assert_eq!(library.strerror(2), "a shape does not fit");
    assert!(library.manifest_json().starts_with("{\"abi_version\":1"));
    let entries: Vec<_> = library.entries().map(|entry| entry.name()).collect();
    assert_eq!(entries, ["product"]);
    let entry = library.entry("product").unwrap();
    assert_eq!(entry.description().formula, "Sum[j](x * y)");
    assert_eq!(entry.description().tensors[2].name, "c");
    assert!(library.entry("other").is_none());
}

#[test]
fn a_call_with_slices() {
    let library = Library::open(mock()).unwrap();
    let entry = library.entry("product").unwrap();
    let x: Vec<f32> = (0..100).map(|i| i as f32).collect();
    let y: Vec<f32> = (0..1000).map(|j| (j % 7) as f32).collect();
    let total: f32 = y.iter().sum();
    let mut c = vec![0.0_f32; 100];
    let mut tensors = [
        TensorView::input(&x, &[100, 1]).unwrap(),
        TensorView::input(&y, &[1000, 1]).unwrap(),
        TensorView::output(&mut c, &[100, 1]).unwrap(),
    ];
    assert!(entry.workspace(&mut tensors, &Options::default()).unwrap() > 0);
    entry.run(&mut tensors, &Options { threads: Some(3), ..Options::default() }).unwrap();
    assert!(c.iter().enumerate().all(|(i, value)| *value == i as f32 * total));
}

#[test]
fn shards_of_slices() {
    let library = Library::open(mock()).unwrap();
    let entry = library.entry("product").unwrap();
    let x: Vec<f32> = (0..10).map(|i| i as f32).collect();
    let y: Vec<f32> = (0..1000).map(|j| 1.0 / (1 + j) as f32).collect();
    let options = Options::default();
    assert_eq!((entry.state_size(10), entry.shard(1000, 3)), (Ok(80), Ok(512)));
    let mut states = [vec![7; 10], vec![7; 10]];
    for (shard, (part, state)) in y.chunks(512).zip(&mut states).enumerate() {
        let shape = [part.len() as i64, 1];
        let mut inputs = [TensorView::input(&x, &[10, 1]).unwrap(), TensorView::input(part, &shape).unwrap()];
        entry.partial(&mut inputs, 512 * shard as i64, state, &options).unwrap();
    }
    let [state, later] = &mut states;
    entry.merge(state, later, &options).unwrap();
    let (mut found, mut whole) = ([9.0_f32; 10], [9.0_f32; 10]);
    let x = || TensorView::input(&x, &[10, 1]).unwrap();
    entry
        .finalize(&mut [Some(x()), None, Some(TensorView::output(&mut found, &[10, 1]).unwrap())], state, &options)
        .unwrap();
    let mut tensors =
        [x(), TensorView::input(&y, &[1000, 1]).unwrap(), TensorView::output(&mut whole, &[10, 1]).unwrap()];
    entry.run(&mut tensors, &options).unwrap();

    let refused = |status, message: &str| CallError { status, message: format!("product: {message}") };
    assert_eq!(
        entry.merge(state, &later[..3], &options),
        Err(refused(2, "states of 80 and of 24 bytes cannot be merged"))
    );
    assert_eq!(entry.state_size(-1), Err(refused(2, "no state has -1 rows")));
    assert_eq!(entry.shard(10, 0), Err(refused(6, "10 rows cannot be in 0 shards")));
    assert_eq!(
        entry.partial(&mut tensors[..2], 0, &mut state[..3], &options),
        Err(refused(2, "state has 24 bytes, expected 80 (10 rows of 8 bytes)"))
    );
    assert_eq!(found, whole);
    let mut input_as_result = [Some(x()), None, Some(x())];
    assert_eq!(
        entry.finalize(&mut input_as_result, state, &options),
        Err(refused(6, "result c was given as an input"))
    );
}

#[test]
fn a_library_from_before_shards() {
    let library = Library::open(&build("first", &["-DFIRST_ENTRY"])).unwrap();
    let entry = library.entry("product").unwrap();
    assert_eq!(entry.description().shards, None);
    let (x, mut c) = ([2.0_f32], [0.0_f32]);
    let input = || TensorView::input(&x, &[1, 1]).unwrap();
    let mut tensors = [input(), input(), TensorView::output(&mut c, &[1, 1]).unwrap()];
    entry.run(&mut tensors, &Options::default()).unwrap();
    let message = "product: it cannot be computed in shards";
    assert_eq!(entry.state_size(1), Err(CallError { status: 10, message: message.to_owned() }));
    assert_eq!(c, [4.0]);
}

#[test]
fn strided_slices() {
    let library = Library::open(mock()).unwrap();
    // Both columns of one 3 x 2 matrix as x and y, and every second element as the result.
    let matrix = [1.0_f32, 10.0, 2.0, 20.0, 3.0, 30.0];
    let mut c = [0.0_f32; 6];
    let mut tensors = [
        TensorView::strided_input(&matrix, 0, &[3, 1], &[2, 1]).unwrap(),
        TensorView::strided_input(&matrix, 1, &[3, 1], &[2, 1]).unwrap(),
        TensorView::strided_output(&mut c, 4, &[3, 1], &[-2, 1]).unwrap(),
    ];
    library.entry("product").unwrap().run(&mut tensors, &Options::default()).unwrap();
    assert_eq!(c, [180.0, 0.0, 120.0, 0.0, 60.0, 0.0]);
}

#[test]
fn arrays_of_run_time_types() {
    let library = Library::open(mock()).unwrap();
    let x = Array::from_f64(Dtype::F32, &[2, 1], &[1.0, -2.0]).unwrap();
    let y = Array::from_f64(Dtype::F32, &[3, 1], &[1.0, 2.0, 4.0]).unwrap();
    let mut c = Array::zeros(Dtype::F32, &[2, 1]).unwrap();
    let mut tensors = [x.input().unwrap(), y.input().unwrap(), c.output().unwrap()];
    library.entry("product").unwrap().run(&mut tensors, &Options::default()).unwrap();
    assert_eq!((c.to_f64(), c.dtype(), c.shape()), (vec![7.0, -14.0], Dtype::F32, &[2, 1][..]));
    assert_eq!(c.elements::<f32>(), Some(&[7.0_f32, -14.0][..]));
    assert_eq!(c.elements::<f64>(), None);
    for dtype in [Dtype::F16, Dtype::BF16, Dtype::F32, Dtype::F64, Dtype::I64] {
        let array = Array::from_f64(dtype, &[3], &[-1.0, 0.0, 96.0]).unwrap();
        assert_eq!((array.to_f64(), array.dtype()), (vec![-1.0, 0.0, 96.0], dtype));
        assert_eq!(Array::zeros(dtype, &[2]).unwrap().to_f64(), [0.0, 0.0]);
    }
    for dtype in [Dtype::C64, Dtype::C128] {
        let array = Array::from_f64(dtype, &[2, 1], &[-1.0, 0.0, 96.0, 0.5]).unwrap();
        assert_eq!((array.to_f64(), array.dtype()), (vec![-1.0, 0.0, 96.0, 0.5], dtype));
        assert!(Array::from_f64(dtype, &[2, 1], &[1.0, 2.0]).is_err());
    }
    assert!(Array::from_f64(Dtype::F32, &[3, 1], &[1.0]).is_err());
    assert_eq!(Array::zeros(Dtype::F32, &[-1]), Err(ViewError::NegativeExtent(-1)));
    assert_eq!(Array::zeros(Dtype::F32, &[1 << 60]), Err(ViewError::TooLarge(1 << 60)));
    assert!(Array::zeros(Dtype::F32, &[i64::MAX, i64::MAX, i64::MAX]).is_err());
}

#[test]
fn refused_calls_say_why() {
    let library = Library::open(mock()).unwrap();
    let entry = library.entry("product").unwrap();
    let (x, y, mut c) = ([0.0_f32; 4], [0.0_f64; 4], [0.0_f32; 4]);
    let error = |tensors: &mut [TensorView<'_>]| entry.run(tensors, &Options::default()).unwrap_err();
    let input = |shape: &[i64]| TensorView::input(&x, shape).unwrap();
    let refused = |status, message: &str| CallError { status, message: message.to_owned() };
    assert_eq!(
        error(&mut [
            input(&[4, 1]),
            TensorView::input(&y, &[4, 1]).unwrap(),
            TensorView::output(&mut c, &[4, 1]).unwrap()
        ]),
        refused(3, "product: tensor y: expected float32, given float64")
    );
    assert_eq!(
        error(&mut [input(&[4]), input(&[4, 1]), TensorView::output(&mut c, &[4, 1]).unwrap()]),
        refused(2, "product: tensor x: expected shape (batch..., M, 1), given shape (4,)")
    );
    assert_eq!(error(&mut [input(&[4, 1])]), refused(6, "product: expected 3 tensors (x, y, c), given 1"));
    assert_eq!(
        error(&mut [input(&[4, 1]), input(&[4, 1]), input(&[4, 1])]),
        refused(6, "product: result c was given as an input")
    );
}

#[test]
fn views_stay_inside_their_slices() {
    let data = [0.0_f32; 6];
    let view =
        |offset, shape: &[i64], strides: &[i64]| TensorView::strided_input(&data, offset, shape, strides).map(|_| ());
    assert_eq!(view(0, &[3, 2], &[2, 1]), Ok(()));
    assert_eq!(view(0, &[3, 2], &[0, 0]), Ok(()));
    assert_eq!(view(0, &[0, 7], &[7, 1]), Ok(()));
    assert_eq!(view(0, &[4, 2], &[2, 1]), Err(ViewError::OutOfBounds { reach: (0, 7), length: 6 }));
    assert_eq!(view(1, &[3], &[-1]), Err(ViewError::OutOfBounds { reach: (-1, 1), length: 6 }));
    assert_eq!(view(6, &[1], &[1]), Err(ViewError::OutOfBounds { reach: (6, 6), length: 6 }));
    assert_eq!(view(0, &[3, -2], &[2, 1]), Err(ViewError::NegativeExtent(-2)));
    assert_eq!(view(0, &[3], &[1, 1]), Err(ViewError::StrideCount { dimensions: 1, strides: 2 }));
    assert!(view(0, &[i64::MAX; 5], &[i64::MAX; 5]).is_err());
    assert!(view(0, &[i64::MAX; 5], &[i64::MIN; 5]).is_err());
}

#[test]
fn every_truncation_is_refused() {
    let whole = std::fs::read(mock()).unwrap();
    let path = folder().join("cut.so");
    for length in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        std::fs::write(&path, &whole[..length]).unwrap();
        let text = refusal(&path);
        assert!(text.starts_with("FILE is not a shared library for this machine: "), "{length}: {text}");
    }
    assert!(refusal(&path).contains("it is cut off: "));
}

#[test]
fn files_that_are_no_libraries() {
    let path = folder().join("other.so");
    let check = |bytes: &[u8], text: &str| {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(refusal(&path), format!("FILE is not a shared library for this machine: {text}; compile it again"));
    };
    check(b"", "it has 0 bytes only");
    check(&[b'x'; 100], "it is not an ELF file");
    check(SUPPORT_OBJECT, "it is an ELF file of another kind");
    let mut whole = std::fs::read(mock()).unwrap();
    whole[18] = 8;
    let this = if cfg!(target_arch = "x86_64") { 62 } else { 183 };
    check(&whole, &format!("it is for machine 8, this is machine {this}"));
    whole[4] = 1;
    check(&whole, "it is not 64-bit little-endian");
    assert_eq!(refusal(&folder()), "FILE is not a shared library for this machine: it is not a file; compile it again");
    assert_eq!(refusal(&folder().join("absent.so")), "cannot read FILE: No such file or directory (os error 2)");
}

#[test]
fn damaged_libraries() {
    let foreign = folder().join("foreign.so");
    let source = folder().join("foreign.c");
    std::fs::write(&source, "int answer(void) { return 42; }").unwrap();
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&foreign).arg(&source).status();
    assert!(status.unwrap().success());
    assert!(matches!(Library::open(&foreign), Err(LoadError::Foreign { .. })));
    assert_eq!(refusal(&foreign), "FILE was not made by keopsc: it has no symbol keops_module_v1");
    for (name, option, text) in [
        (
            "version",
            "-DVERSION=2",
            "FILE has version 2 of the binary interface, this program knows version 1; compile it again",
        ),
        (
            "small",
            "-DMODULE_BYTES=16",
            "FILE is damaged: its struct keops_module has 16 bytes, version 1 has 72; compile it again",
        ),
        ("count", "-DNUM_ENTRIES=2", "FILE is damaged: it has 2 entries, its manifest 1; compile it again"),
        (
            "shards",
            "-DSHARDS=\"\"",
            "FILE is damaged: entry 0, product, has functions for shards, its manifest has none; compile it again",
        ),
        (
            "name",
            "-DENTRY_NAME=\"other\"",
            "FILE is damaged: entry 0 is product with 3 tensors, in its manifest other with 3; compile it again",
        ),
    ] {
        assert_eq!(refusal(&build(name, &[option])), text);
    }
    assert!(refusal(&build("json", &["-DFORMULA=\"\\\"\""])).starts_with("FILE is damaged: its manifest: "));
}

#[test]
fn a_larger_module_struct_is_fine() {
    let library = Library::open(&build("large", &["-DMODULE_BYTES=sizeof(module)+64"])).unwrap();
    assert_eq!(library.name(), "mock");
}

#[test]
fn opening_again_and_again() {
    for _ in 0..50 {
        let library = Library::open(mock()).unwrap();
        let (x, y, mut c) = ([2.0_f32], [3.0_f32; 5000], [0.0_f32]);
        let mut tensors = [
            TensorView::input(&x, &[1, 1]).unwrap(),
            TensorView::input(&y, &[5000, 1]).unwrap(),
            TensorView::output(&mut c, &[1, 1]).unwrap(),
        ];
        library.entry("product").unwrap().run(&mut tensors, &Options::default()).unwrap();
        assert_eq!(c, [30000.0]);
    }
}
