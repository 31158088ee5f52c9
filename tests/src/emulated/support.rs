//! The support code for a processor for which there is no Rust standard library: the bitcode that rustc made for this one, compiled for that.
//!
//! It is the same source and the same generic IR but for the question which instructions the processor has; what rustc itself would do otherwise for
//! the other processor is not tested so.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use inkwell::attributes::AttributeLoc;
use inkwell::context::Context;
use inkwell::memory_buffer::MemoryBuffer;
use inkwell::module::Module;
use inkwell::targets::FileType;
use keopsc_cpu::level::Level;
use keopsc_cpu::target;

const BITCODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/support.bc"));

/// The object file for the architecture of a level, made once a process.
pub fn support_object(level: &Level) -> &'static [u8] {
    static OBJECTS: Mutex<BTreeMap<&str, &[u8]>> = Mutex::new(BTreeMap::new());
    let mut objects = OBJECTS.lock().unwrap_or_else(PoisonError::into_inner);
    objects.entry(level.triple_arch).or_insert_with(|| compile(level).leak())
}

fn compile(level: &Level) -> Vec<u8> {
    let context = Context::create();
    let buffer = MemoryBuffer::create_from_memory_range_copy(BITCODE, "support");
    let module = Module::parse_bitcode_from_buffer(&buffer, &context).expect("rustc's LLVM has this one's version");
    for function in module.get_functions() {
        for attribute in ["target-cpu", "target-features"] {
            function.remove_string_attribute(AttributeLoc::Function, attribute);
        }
    }
    let machine = target::machine(level).expect("a target machine");
    target::optimize(&module, &machine).expect("the module is valid for the other machine");
    target::generate(&module, &machine, FileType::Object).expect("code for the other machine")
}
