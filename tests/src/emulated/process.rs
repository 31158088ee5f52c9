//! A process in the emulator that has loaded a library, and its memory: what `tests/c/emulated.c` answers.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Once;

/// Arguments of a function at most.
const MOST_ARGUMENTS: usize = 14;

const HELP: &str = "`scripts/setup.sh emulator` installs what is needed";

/// The numbers of the requests.
#[derive(Clone, Copy)]
enum Request {
    Symbol,
    Map,
    Unmap,
    Write,
    Read,
    Call,
}

/// The process. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    requests: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Process {
    /// Loads a library of that architecture.
    pub fn start(architecture: &str, library: &Path) -> Process {
        let mut command = emulator(architecture);
        command.arg(program(architecture)).arg(library);
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("{command:?}: {error}; {HELP}"));
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let answers = BufReader::new(answers.expect("a pipe"));
        Process { child, requests: requests.map(BufWriter::new), answers }
    }

    /// The address of a symbol.
    pub fn symbol(&mut self, name: &str) -> io::Result<u64> {
        self.send(Request::Symbol, 0, name.len(), &[], name.as_bytes())?;
        self.answer()
    }

    /// Maps memory between pages that may not be touched, `offset` bytes into a page; its address.
    pub fn map(&mut self, offset: usize, size: usize) -> io::Result<u64> {
        self.send(Request::Map, offset as u64, size, &[], &[])?;
        self.answer()
    }

    /// Takes away all that [`Process::map`] gave.
    pub fn unmap(&mut self) -> io::Result<()> {
        self.send(Request::Unmap, 0, 0, &[], &[])?;
        self.answer().map(drop)
    }

    /// Writes bytes.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> io::Result<()> {
        self.send(Request::Write, address, bytes.len(), &[], bytes)?;
        self.answer().map(drop)
    }

    /// Reads bytes.
    pub fn read(&mut self, address: u64, size: usize) -> io::Result<Vec<u8>> {
        self.send(Request::Read, address, size, &[], &[])?;
        let mut bytes = vec![0; size];
        self.answers.read_exact(&mut bytes)?;
        self.answer().map(|_| bytes)
    }

    /// Reads a number.
    pub fn read_word(&mut self, address: u64) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.read(address, 8)?.try_into().expect("eight bytes")))
    }

    /// Calls a function of integers and pointers; what it returns, in the low bits.
    pub fn call(&mut self, function: u64, arguments: &[u64]) -> io::Result<u64> {
        self.send(Request::Call, function, 0, arguments, &[])?;
        self.answer()
    }

    fn send(&mut self, request: Request, address: u64, size: usize, arguments: &[u64], bytes: &[u8]) -> io::Result<()> {
        let mut words = [0; 3 + MOST_ARGUMENTS];
        words[..3].copy_from_slice(&[request as u64, address, size as u64]);
        words[3..3 + arguments.len()].copy_from_slice(arguments);
        let requests = self.requests.as_mut().expect("open until dropped");
        words.iter().try_for_each(|word| requests.write_all(&word.to_le_bytes()))?;
        requests.write_all(bytes)?;
        requests.flush()
    }

    fn answer(&mut self) -> io::Result<u64> {
        let mut word = [0; 8];
        self.answers.read_exact(&mut word)?;
        Ok(u64::from_le_bytes(word))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.requests = None;
        let _ = self.child.wait();
    }
}

/// The command that runs programs of that architecture.
pub fn emulator(architecture: &str) -> Command {
    let mut command = Command::new(format!("qemu-{architecture}"));
    command.arg("-L").arg(format!("/usr/{architecture}-linux-gnu"));
    command
}

/// The command that compiles C programs of that architecture.
pub fn c_compiler(architecture: &str) -> Command {
    Command::new(format!("{architecture}-linux-gnu-gcc"))
}

/// The program, compiled once a process.
fn program(architecture: &str) -> PathBuf {
    static COMPILED: Once = Once::new();
    let folder = Path::new(env!("OUT_DIR"));
    let program = folder.join(format!("emulated-{architecture}"));
    COMPILED.call_once(|| {
        // Under a name of its own first: another process may be running the program, or compiling it.
        let output = tempfile::Builder::new().tempfile_in(folder).expect("a writable folder").into_temp_path();
        let mut command = c_compiler(architecture);
        command.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&output);
        let status = command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/c/emulated.c")).status();
        assert!(status.as_ref().is_ok_and(|status| status.success()), "{command:?}: {status:?}; {HELP}");
        output.persist(&program).expect("a writable folder");
    });
    program
}
