//! What happens when keopsc itself is wrong: a message, a file to reproduce it, exit code 70.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use crate::console;

/// BSD's EX_SOFTWARE.
const EXIT_CODE: u8 = 70;

/// Deep formulas are walked recursively; the main thread's stack is not ours to choose.
const STACK_BYTES: usize = 64 << 20;

/// The formula text that is being worked on, for the reproducer.
static SOURCE: Mutex<Option<String>> = Mutex::new(None);

/// Remembers the text that a defect would be reproduced with.
pub fn remember_source(text: &str) {
    *SOURCE.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_owned());
}

/// Remembers the files that it uses: they follow as comments.
pub fn remember_used<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut source = SOURCE.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, text) in files {
        let text = text.lines().map(|line| format!("# {line}\n"));
        let text: String = std::iter::once(format!("\n# ---- {name}\n")).chain(text).collect();
        source.get_or_insert_default().push_str(&text);
    }
}

/// Runs the program; a panic becomes a report and its exit code.
pub fn guard(program: impl FnOnce() -> ExitCode + Send + 'static) -> ExitCode {
    guard_with(report, program)
}

fn guard_with(report: fn(&str), program: impl FnOnce() -> ExitCode + Send + 'static) -> ExitCode {
    std::panic::set_hook(Box::new(move |panic| report(&panic_text(panic))));
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let result = match thread.spawn(|| catch_unwind(AssertUnwindSafe(program))) {
        Ok(running) => running.join().and_then(|result| result),
        Err(error) => {
            console::error_text(&format!("error: cannot start a thread: {error}\n"));
            return ExitCode::from(2);
        }
    };
    result.unwrap_or(ExitCode::from(EXIT_CODE))
}

/// Reports a defect that did not panic.
pub fn internal(message: &str) -> ExitCode {
    report(message);
    ExitCode::from(EXIT_CODE)
}

fn panic_text(panic: &PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("a panic without words");
    match panic.location() {
        Some(place) => format!("{message} ({}:{})", place.file(), place.line()),
        None => message.to_owned(),
    }
}

fn report(message: &str) {
    let text = format!("internal error: {message}\n  = this is a defect of keopsc {}, not of the formula\n", version());
    let help = match write_reproducer(message) {
        Ok(path) => format!("  = help: please report it with the file `{}`\n", path.display()),
        Err(error) => {
            format!("  = help: please report it with the formula (the reproducer could not be written: {error})\n")
        }
    };
    console::error_text(&(text + &help));
}

fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

fn write_reproducer(message: &str) -> std::io::Result<PathBuf> {
    let source = SOURCE.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
    let arguments: Vec<String> = std::env::args().collect();
    let mut file = tempfile::Builder::new().prefix("keopsc-defect-").suffix(".kf").tempfile()?;
    std::io::Write::write_all(&mut file, reproducer(&arguments, message, &source).as_bytes())?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}

/// A formula file that begins with how keopsc was called, as comments.
fn reproducer(arguments: &[String], message: &str, source: &str) -> String {
    let head = format!("keopsc {}\n{arguments:?}\n{message}", version());
    let head: String = head.lines().map(|line| format!("# {line}\n")).collect();
    head + source
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_exit_code_70() {
        static REPORTED: Mutex<String> = Mutex::new(String::new());
        let code = guard_with(|message| REPORTED.lock().unwrap().push_str(message), || panic!("this test panics"));
        // Others panic in the usual words.
        drop(std::panic::take_hook());
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(70)));
        assert!(REPORTED.lock().unwrap().starts_with("this test panics (cli/src/defect.rs:"));
    }

    #[test]
    fn a_reproducer_is_a_formula_file() {
        let arguments = ["keopsc".to_owned(), "check".to_owned(), "a\nb.kf".to_owned()];
        let text = reproducer(&arguments, "two\nlines", "out f = Sum[j](x)\n");
        let version = version();
        assert_eq!(
            text,
            format!("# keopsc {version}\n# [\"keopsc\", \"check\", \"a\\nb.kf\"]\n# two\n# lines\nout f = Sum[j](x)\n")
        );
    }
}
