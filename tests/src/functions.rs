//! The functions of compiled entries: called here, or in the emulator.

use std::ffi::c_void;
use std::mem::offset_of;

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::TensorKind;
use keopsc_runtime::abi::{Call, EntryPoint, MODULE_SYMBOL, Module};

use crate::emulated::Argument;
use crate::{Code, Compiled, NAME};

/// Calls a function of an entry's table.
macro_rules! call {
    ($compiled:expr, $entry:expr, $function:ident, [$($value:expr => $argument:expr),*]) => {
        match &$compiled.code {
            Code::Here(library, _) => {
                let function = entry_point(library, $entry).$function;
                call!(@here $function, function)($($value),*)
            }
            Code::Emulated(emulated) => {
                emulated.call_method($entry, offset_of!(EntryPoint, $function), &[$($argument),*]) as _
            }
        }
    };
    (@here run, $function:ident) => { $function };
    (@here workspace, $function:ident) => { $function };
    (@here $layer_3:ident, $function:ident) => { $function.expect("an entry with shards") };
}

impl Compiled {
    /// Calls an entry through layer 1; the status.
    ///
    /// # Safety
    /// There is a pointer for each argument and each result, to as many elements as the sizes say.
    pub(crate) unsafe fn call_layer_1(&self, entry: usize, sizes: Sizes, pointers: &[*mut c_void]) -> i32 {
        let plan = &self.plans[entry];
        let name = format!("{NAME}_{}", plan.name);
        match &self.code {
            // SAFETY: the symbol is a C function of two int64 and this many pointers.
            Code::Here(library, _) => unsafe {
                let symbol = library.get::<unsafe extern "C" fn()>(name).expect("an exported entry");
                invoke(*symbol, sizes, pointers)
            },
            Code::Emulated(emulated) => {
                let tensors = plan.tensors.iter().filter(|tensor| tensor.kind != TensorKind::Temporary);
                let memory = tensors.zip(pointers).map(|(tensor, pointer)| {
                    let elements = sizes.rows(tensor.role) * tensor.elements() as usize;
                    Argument::Memory(*pointer, elements * tensor.scalar.size() as usize)
                });
                let rows = [sizes.i, sizes.j].map(|rows| Argument::Number(rows as i64));
                let arguments: Vec<Argument<'_>> = rows.into_iter().chain(memory).collect();
                // SAFETY: as the caller promises.
                unsafe { emulated.call(&name, &arguments) as i32 }
            }
        }
    }

    /// Calls an entry through layer 2; the status.
    ///
    /// # Safety
    /// The call is as the ABI wants it.
    pub(crate) unsafe fn call_layer_2(&self, entry: usize, call: &Call) -> i32 {
        // SAFETY: as the caller promises.
        unsafe { call!(self, entry, run, [call => Argument::Call(call)]) }
    }

    /// The bytes of workspace that a call wants, and the status.
    ///
    /// # Safety
    /// As for [`Compiled::call_layer_2`].
    pub(crate) unsafe fn workspace_of(&self, entry: usize, call: &Call) -> (u64, i32) {
        let mut bytes = 0_u64;
        let out = &raw mut bytes;
        // SAFETY: as the caller promises.
        let status = unsafe {
            call!(self, entry, workspace, [call => Argument::Call(call), out => Argument::Memory(out.cast(), 8)])
        };
        (bytes, status)
    }

    /// The bytes of a state of so many rows of an entry with shards; negative if there is none.
    pub(crate) fn state_size(&self, entry: usize, rows: usize) -> i64 {
        let rows = rows as i64;
        // SAFETY: the function takes any number.
        unsafe { call!(self, entry, state_size, [rows => Argument::Number(rows)]) }
    }

    /// The columns of a shard.
    pub(crate) fn shard(&self, entry: usize, columns: usize, shards: i64) -> i64 {
        let columns = columns as i64;
        // SAFETY: the function takes any numbers.
        unsafe { call!(self, entry, shard, [columns => Argument::Number(columns), shards => Argument::Number(shards)]) }
    }

    /// Reduces columns to a state; the status.
    ///
    /// # Safety
    /// The call is as the ABI wants it; the state is writable.
    pub(crate) unsafe fn partial(&self, entry: usize, call: &Call, first: i64, state: State) -> i32 {
        // SAFETY: as the caller promises.
        unsafe {
            call!(self, entry, partial, [
                call => Argument::Call(call),
                first => Argument::Number(first),
                state.0 => Argument::Memory(state.0, state.1 as usize),
                state.1 => Argument::Number(state.1 as i64)
            ])
        }
    }

    /// Joins the state of later columns into that of earlier ones; the status.
    ///
    /// # Safety
    /// As for [`Compiled::partial`]; the states are equally large.
    pub(crate) unsafe fn merge(&self, entry: usize, call: &Call, state: State, later: State) -> i32 {
        // SAFETY: as the caller promises.
        unsafe {
            call!(self, entry, merge, [
                call => Argument::Call(call),
                state.0 => Argument::Memory(state.0, state.1 as usize),
                later.0 => Argument::Memory(later.0, later.1 as usize),
                state.1 => Argument::Number(state.1 as i64)
            ])
        }
    }

    /// Writes the results of a state; the status.
    ///
    /// # Safety
    /// The call is as the ABI wants it; the state is readable.
    pub(crate) unsafe fn finalize(&self, entry: usize, call: &Call, state: State) -> i32 {
        // SAFETY: as the caller promises.
        unsafe {
            call!(self, entry, finalize, [
                call => Argument::Call(call),
                state.0 => Argument::Memory(state.0, state.1 as usize),
                state.1 => Argument::Number(state.1 as i64)
            ])
        }
    }
}

/// A state and its bytes.
pub(crate) type State = (*mut c_void, u64);

/// The functions of an entry.
fn entry_point(library: &libloading::Library, number: usize) -> &EntryPoint {
    // SAFETY: every library has the symbol with this type; the table lives as long as the library.
    let module = unsafe {
        let symbol = library.get::<unsafe extern "C" fn() -> *const Module>(MODULE_SYMBOL);
        &*symbol.expect("an exported module")()
    };
    assert!(number < module.num_entries as usize);
    // SAFETY: entries lie `entry_size` apart.
    unsafe { &*module.entries.byte_add(number * module.entry_size as usize) }
}

macro_rules! pointer_type {
    ($number:expr) => {
        *mut c_void
    };
}

macro_rules! invoke_by_count {
    ($function:expr, $sizes:expr, $pointers:expr; $($count:literal: $($number:literal)*;)*) => {
        match $pointers.len() {
            $($count => {
                type Function = unsafe extern "C" fn(i64, i64, $(pointer_type!($number)),*) -> i32;
                // SAFETY: as the caller promises, the function has this signature.
                unsafe {
                    let function = std::mem::transmute::<unsafe extern "C" fn(), Function>($function);
                    function($sizes.i as i64, $sizes.j as i64, $($pointers[$number]),*)
                }
            })*
            count => panic!("no call of {count} pointers is spelled out"),
        }
    };
}

/// # Safety
/// The function takes two int64 and as many pointers as given.
unsafe fn invoke(function: unsafe extern "C" fn(), sizes: Sizes, pointers: &[*mut c_void]) -> i32 {
    invoke_by_count! { function, sizes, pointers;
        1: 0;
        2: 0 1;
        3: 0 1 2;
        4: 0 1 2 3;
        5: 0 1 2 3 4;
        6: 0 1 2 3 4 5;
        7: 0 1 2 3 4 5 6;
        8: 0 1 2 3 4 5 6 7;
        9: 0 1 2 3 4 5 6 7 8;
        10: 0 1 2 3 4 5 6 7 8 9;
        11: 0 1 2 3 4 5 6 7 8 9 10;
        12: 0 1 2 3 4 5 6 7 8 9 10 11;
    }
}
