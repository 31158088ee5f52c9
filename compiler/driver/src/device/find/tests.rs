use super::*;

/// A machine: files below a folder, and variables in which `@` stands for that folder.
struct Machine {
    root: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

impl Machine {
    fn new(variables: &[(&'static str, &'static str)]) -> Machine {
        Machine { root: tempfile::tempdir().unwrap(), variables: variables.to_vec() }
    }

    fn with(self, path: &str) -> Machine {
        let path = self.root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// What is found: `nvcc @/bin/nvcc`, or the error.
    fn found(&self) -> String {
        self.found_for(Purpose::ToKeep)
    }

    fn found_for(&self, purpose: Purpose) -> String {
        let root = self.root.path().display().to_string();
        let variable = |name: &str| {
            let value = self.variables.iter().find(|(variable, _)| *variable == name);
            value.map(|(_, value)| OsString::from(value.replace('@', &root)))
        };
        let text = match Search::new(variable, self.root.path()).compiler(purpose) {
            Ok(Compiler::Nvcc(path)) => format!("nvcc {}", path.display()),
            Ok(Compiler::Nvrtc(path)) => format!("nvrtc {}", path.display()),
            Err(problem) => problem.to_string(),
        };
        text.replace(&root, "@")
    }
}

/// Everywhere where nvcc may be, in the order in which it is looked for.
const NVCC: [&str; 9] = [
    "said/nvcc",
    "path/nvcc",
    "home/bin/nvcc",
    "cuda/bin/nvcc",
    "usr/local/cuda/bin/nvcc",
    "venv/lib/python3.12/site-packages/nvidia/cu13/bin/nvcc",
    "venv/lib/python3.9/site-packages/nvidia/cuda_nvcc/bin/nvcc",
    "python/local/lib/python3.11/dist-packages/nvidia/cu13/bin/nvcc",
    "user/.local/lib/python3.11/site-packages/nvidia/cu13/bin/nvcc",
];

const NVRTC: [&str; 7] = [
    "said/libnvrtc.so.13",
    "libraries/libnvrtc.so.13",
    "libraries/libnvrtc.so.12",
    "home/lib64/libnvrtc.so.12",
    "usr/local/cuda/lib64/libnvrtc.so",
    "usr/lib/x86_64-linux-gnu/libnvrtc.so.12",
    "venv/lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
];

const PLACES: [(&str, &str); 6] = [
    ("PATH", "relative:@/path:@/python/bin"),
    ("CUDA_HOME", "@/home"),
    ("CUDA_PATH", "@/cuda"),
    ("VIRTUAL_ENV", "@/venv"),
    ("HOME", "@/user"),
    ("LD_LIBRARY_PATH", "@/libraries"),
];

#[test]
fn places_are_looked_at_in_order() {
    for (compiler, said, places) in [("nvcc", "KEOPSC_NVCC", &NVCC[..]), ("nvrtc", "KEOPSC_NVRTC", &NVRTC[..])] {
        for first in 0..places.len() {
            let variable = (said, ["@/said/nvcc", "@/said/libnvrtc.so.13"][usize::from(compiler == "nvrtc")]);
            let variables = if first == 0 { [&[variable], &PLACES[..]].concat() } else { PLACES.to_vec() };
            let machine = Machine::new(&variables).with("python/bin/python3");
            let machine = places[first..].iter().fold(machine, |machine, place| machine.with(place));
            assert_eq!(machine.found(), format!("{compiler} @/{}", places[first]));
        }
    }
}

#[test]
fn nvcc_goes_before_nvrtc_unless_told_otherwise() {
    let machine = |variables: &[_]| {
        Machine::new(&[&PLACES[..], variables].concat()).with("path/nvcc").with("libraries/libnvrtc.so.13")
    };
    assert_eq!(machine(&[]).found(), "nvcc @/path/nvcc");
    assert_eq!(machine(&[("KEOPSC_NVCC", "")]).found(), "nvcc @/path/nvcc");
    assert_eq!(machine(&[("KEOPSC_DEVICE_COMPILER", "nvcc")]).found(), "nvcc @/path/nvcc");
    assert_eq!(machine(&[("KEOPSC_DEVICE_COMPILER", "nvrtc")]).found(), "nvrtc @/libraries/libnvrtc.so.13");
    assert_eq!(
        machine(&[("KEOPSC_DEVICE_COMPILER", "clang")]).found(),
        "error[E0307]: KEOPSC_DEVICE_COMPILER is `clang`\n  = help: it can be nvcc or nvrtc; unset, keopsc chooses"
    );
}

#[test]
fn nvrtc_goes_first_for_now_unless_nvcc_is_named() {
    let machine = |variables: &[_]| {
        Machine::new(&[&PLACES[..], variables].concat()).with("path/nvcc").with("libraries/libnvrtc.so.13")
    };
    assert_eq!(machine(&[]).found_for(Purpose::ForNow), "nvrtc @/libraries/libnvrtc.so.13");
    assert_eq!(machine(&[("KEOPSC_NVCC", "@/path/nvcc")]).found_for(Purpose::ForNow), "nvcc @/path/nvcc");
    assert_eq!(machine(&[("KEOPSC_DEVICE_COMPILER", "nvcc")]).found_for(Purpose::ForNow), "nvcc @/path/nvcc");
    assert_eq!(Machine::new(&PLACES).with("path/nvcc").found_for(Purpose::ForNow), "nvcc @/path/nvcc");
}

#[test]
fn what_is_missing_is_said() {
    let install = "\n  = nvcc is looked for in PATH, CUDA_HOME, CUDA_PATH, /usr/local/cuda and Python's packages; NVRTC in LD_LIBRARY_PATH and there\n  \
                   = help: `pip install 'nvidia-cuda-nvrtc==13.0.*'` is enough; or install NVIDIA's CUDA toolkit, or set KEOPSC_NVCC to an nvcc";
    let missing = |what| format!("error[E0307]: code for GPUs needs {what}, and there is none{install}");
    assert_eq!(Machine::new(&PLACES).found(), missing("nvcc or NVRTC"));
    let only_nvcc = [&PLACES[..], &[("KEOPSC_DEVICE_COMPILER", "nvrtc")]].concat();
    assert_eq!(Machine::new(&only_nvcc).with("path/nvcc").found(), missing("NVRTC"));
    assert_eq!(
        Machine::new(&[("KEOPSC_NVCC", "@/none"), ("PATH", "@/path")]).with("path/nvcc").found(),
        "error[E0307]: KEOPSC_NVCC is `@/none`, and there is no such file\n  = help: set KEOPSC_NVCC to the file, or unset it"
    );
}

#[test]
fn the_packages_of_a_linked_python_are_found() {
    let place = "opt/python/lib/python3.13/site-packages/nvidia/cu13/lib/libnvrtc.so.13";
    let machine = Machine::new(&PLACES).with("opt/python/bin/python3.13").with(place);
    std::fs::create_dir_all(machine.root.path().join("python/bin")).unwrap();
    let link = machine.root.path().join("python/bin/python3");
    std::os::unix::fs::symlink(machine.root.path().join("opt/python/bin/python3.13"), link).unwrap();
    assert_eq!(machine.found(), format!("nvrtc @/{place}"));
}

#[test]
fn a_file_that_cannot_be_run_is_passed_over() {
    let machine = Machine::new(&PLACES).with("path/nvcc").with("cuda/bin/nvcc");
    let path = machine.root.path().join("path/nvcc");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(machine.found(), "nvcc @/cuda/bin/nvcc");
}
