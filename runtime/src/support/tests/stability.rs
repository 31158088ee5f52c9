//! Threads of the host, forks, threads that cannot be started.

use super::harness::{Array, noise, run};
use super::mock::{self, Product, expected};
use crate::abi::F32;

unsafe extern "C" {
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
        let workers: Vec<_> = (0..64).map(|number| scope.spawn(move || (0..20).all(|round| check(1 + (number + round) % 5)))).collect();
        assert!(workers.into_iter().all(|worker| worker.join().unwrap()));
    });
}

#[test]
fn many_threads_in_one_call() {
    assert!(check(200));
    assert!(check(i32::MAX));
}

#[test]
fn a_fork_after_use_goes_on() {
    assert!(check(4));
    // SAFETY: the child only calls the code under test and leaves without running destructors.
    unsafe {
        let child = fork();
        if child == 0 {
            _exit(if check(4) { 42 } else { 1 });
        }
        let mut status = 0;
        assert_eq!(waitpid(child, &mut status, 0), child);
        assert_eq!(status >> 8 & 0xff, 42);
    }
}
