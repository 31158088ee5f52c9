//! Independent pieces of work on all processors.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The results of `work` for the numbers below `count`, in their order. It runs in threads with `stack` bytes of stack, of which one at least has to
/// be started; a panic goes on here.
pub fn map<T: Send>(count: usize, stack: usize, work: impl Fn(usize) -> T + Sync) -> io::Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(count));
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            let result = work(number);
            results.lock().expect("pushing does not panic").push((number, result));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(count);
    thread::scope(|scope| {
        let spawn = || thread::Builder::new().stack_size(stack).spawn_scoped(scope, run);
        let first = spawn()?;
        let others: Vec<_> = (1..threads).map_while(|_| spawn().ok()).collect();
        let joined = others.into_iter().chain([first]).map(thread::ScopedJoinHandle::join);
        joined.for_each(|outcome| outcome.unwrap_or_else(|payload| std::panic::resume_unwind(payload)));
        io::Result::Ok(())
    })?;
    let mut results = results.into_inner().expect("pushing does not panic");
    results.sort_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn results_come_in_order() {
        let squares = map(100, 1 << 20, |number| number * number).expect("threads can be started");
        assert_eq!(squares, (0..100).map(|number| number * number).collect::<Vec<_>>());
        assert_eq!(map(0, 1 << 20, |number| number).expect("as above"), Vec::<usize>::new());
    }

    #[test]
    #[should_panic(expected = "the seventh")]
    fn panics_go_on() {
        let _ = map(20, 1 << 20, |number| assert!(number != 7, "the seventh"));
    }
}
