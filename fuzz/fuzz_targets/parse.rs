//! Bytes → parser: printed and parsed again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keopsc_fuzz::front_end::parses(&String::from_utf8_lossy(bytes)));
