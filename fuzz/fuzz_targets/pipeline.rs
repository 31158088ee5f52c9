//! Formula text, changed by a mutator that knows the grammar and the catalogue → all passes, schedules, CUDA text.
#![no_main]

use keopsc_fuzz::{front_end, mutate};

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(16) {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let text = mutate::mutate(&String::from_utf8_lossy(&data[..size]), seed.into());
    let length = text.len().min(max_size);
    data[..length].copy_from_slice(&text.as_bytes()[..length]);
    length
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    front_end::compiles(&String::from_utf8_lossy(bytes));
});
