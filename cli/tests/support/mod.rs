//! Running the binary in a folder of its own, with a cache of its own.

// Each test file is a program of its own and uses its part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A formula that every test may use.
pub const GAUSS: &str = "x = Vi(2)\ny = Vj(2)\nb = Vj(1)\nout conv = Sum[j](Exp(-SqDist(x, y)) * b)\n";

/// A folder that is removed at the end, with the formula `gauss.kf` in it.
pub struct Place {
    folder: tempfile::TempDir,
}

/// What a run of the binary said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        place.write("gauss.kf", GAUSS);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The binary, with nothing of this machine's environment that it looks at.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keopsc"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("KEOPSC_CACHE_DIR", self.path("cache")).env("TMPDIR", self.folder.path());
        let of_gpus = ["KEOPSC_NVCC", "KEOPSC_NVRTC", "KEOPSC_DEVICE_COMPILER"];
        for variable in
            ["XDG_CACHE_HOME", "KEOPSC_CACHE_SIZE", "KEOPSC_TARGET", "NO_COLOR", "CC"].iter().chain(&of_gpus)
        {
            command.env_remove(variable);
        }
        command
    }

    pub fn keopsc(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    /// Runs it with text on stdin.
    pub fn keopsc_reading(&self, arguments: &[&str], stdin: &str) -> Said {
        use std::io::Write;
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = command.spawn().unwrap();
        running.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        said(running.wait_with_output().unwrap())
    }

    /// Runs it, which must fail with this code and exactly these words on stderr and none on stdout.
    #[track_caller]
    pub fn refuses(&self, arguments: &[&str], code: i32, words: &str) {
        let said = self.keopsc(arguments);
        assert_eq!((said.err.as_str(), said.out.as_str(), said.code), (words, "", code), "keopsc {arguments:?}");
    }

    /// Runs it, which must succeed with nothing on stderr; gives stdout.
    #[track_caller]
    pub fn does(&self, arguments: &[&str]) -> String {
        let said = self.keopsc(arguments);
        assert_eq!((said.err.as_str(), said.code), ("", 0), "keopsc {arguments:?}");
        said.out
    }
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A `.npy` file of version 1.
pub fn npy(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    header.push_str(&" ".repeat((64 - (11 + header.len()) % 64) % 64));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// float32 numbers as bytes.
pub fn singles(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// float64 numbers as bytes.
pub fn doubles(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Whether a file begins like an ELF file.
pub fn is_elf(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"))
}
