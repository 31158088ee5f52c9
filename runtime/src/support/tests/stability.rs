//! Threads of the host, forks, threads that cannot be started.

use super::harness::{Array, noise, run};
use super::mock::{self, Product, expected};
use crate::abi::F32;
use crate::support::threads::{MAX_THREADS, allowed, positive};

const ADDRESS_SPACE: i32 = 9;

unsafe extern "C" {
    fn setrlimit(resource: i32, limits: *const [u64; 2]) -> i32;
    fn fork() -> i32;
    fn waitpid(process: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

fn check(threads: i32) -> bool {
    let (x, y) = (noise(20, 1), noise(500, 2));
    let columns: Vec<Vec<f32>> = y.iter().map(|y| vec![*y]).collect();
    let mut arrays = [Array::f32(&[20, 1], x.clone()), Array::f32(&[500, 1], y), Array::zeros(F32, &[20, 1])];
    let (status, _) = run(mock::product(), &mut arrays, threads);
    let wanted: Vec<f32> = x.iter().map(|x| expected::<Product>(&[], &[*x], &columns)).collect();
    status == 0 && arrays[2].memory::<f32>() == wanted
}

#[test]
fn sixty_four_threads_of_the_host() {
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..64).map(|number| scope.spawn(move || (0..20).all(|round| check(1 + (number + round) % 5)))).collect();
        assert!(workers.into_iter().all(|worker| worker.join().unwrap()));
    });
}

#[test]
fn many_threads_in_one_call() {
    assert!(check(200));
    assert!(check(i32::MAX));
}

/// Whether something holds in a forked child.
fn holds_in_child(body: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child only runs the body and leaves without running destructors.
    unsafe {
        let child = fork();
        if child == 0 {
            _exit(if body() { 42 } else { 1 });
        }
        let mut status = 0;
        waitpid(child, &mut status, 0) == child && status >> 8 & 0xff == 42
    }
}

#[test]
fn a_fork_after_use_goes_on() {
    assert!(check(4));
    assert!(holds_in_child(|| check(4)));
}

/// Address space for a few stacks only: most threads cannot be started.
#[test]
fn fewer_threads_than_asked_for_do() {
    let limited = || {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        let bytes = pages.split(' ').next().unwrap().parse::<u64>().unwrap() * 4096 + (64 << 20);
        let limits = [bytes, bytes];
        // SAFETY: the struct has two numbers.
        let is_set = unsafe { setrlimit(ADDRESS_SPACE, &limits) } == 0;
        is_set && std::thread::Builder::new().stack_size(128 << 20).spawn(|| ()).is_err() && check(200)
    };
    assert!(holds_in_child(limited));
}

#[test]
fn numbers_of_threads() {
    assert_eq!(
        [&b"8"[..], b"0", b"", b"-1", b"4 ", b"99999999999999999999999"].map(positive),
        [Some(8), None, None, None, None, Some(usize::MAX)]
    );
    assert_eq!((allowed(3), allowed(usize::MAX)), (3, MAX_THREADS));
    assert!((1..=MAX_THREADS).contains(&allowed(0)));
}
