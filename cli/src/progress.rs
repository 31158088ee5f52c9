//! A line on the terminal that says how long something has been running, from the first second on.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_millis(200);

/// Does some work. If it takes long and stderr is a terminal, shows that it is going on.
pub fn with_elapsed_time<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return work();
    }
    std::thread::scope(|scope| {
        let (end, ended) = channel::<()>();
        scope.spawn(move || show(what, &ended));
        let result = work();
        drop(end);
        result
    })
}

fn show(what: &str, ended: &Receiver<()>) {
    let start = Instant::now();
    let mut wait = FIRST;
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(wait) {
        write(&format!("\r{what} … {:.1} s", start.elapsed().as_secs_f64()));
        wait = INTERVAL;
    }
    if wait == INTERVAL {
        write("\r\x1b[K");
    }
}

fn write(text: &str) {
    // A terminal that has gone away does not stop the work.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
