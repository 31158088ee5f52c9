//! Calls: views in the order of the manifest, errors as values.

use super::view::TensorView;
use super::{Library, text};
use crate::abi::{Call, DLTensor, EntryPoint, Status};
use crate::manifest;
use std::ffi::{CStr, c_char};
use std::fmt;

/// Bytes for messages.
const MESSAGE_BYTES: usize = 1024;

/// One function of a library.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    library: &'a Library,
    point: &'a EntryPoint,
    description: &'a manifest::Entry,
}

/// What a call may say besides its tensors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// M, needed only where no tensor tells it.
    pub rows_i: Option<i64>,
    /// N, likewise.
    pub rows_j: Option<i64>,
    /// Threads; `None` leaves that to `KEOPSC_NUM_THREADS` and the affinity mask.
    pub threads: Option<i32>,
}

/// A call that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// The library's status.
    pub status: i32,
    /// Exactly what was wrong.
    pub message: String,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CallError {}

impl<'a> Entry<'a> {
    pub(super) fn new(library: &'a Library, point: &'a EntryPoint, description: &'a manifest::Entry) -> Entry<'a> {
        Entry { library, point, description }
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        &self.description.name
    }

    /// What the manifest says about it.
    pub fn description(&self) -> &'a manifest::Entry {
        self.description
    }

    /// Runs it. `tensors` stand in the order of the manifest: arguments, then results.
    pub fn run(&self, tensors: &mut [TensorView<'_>], options: &Options) -> Result<(), CallError> {
        // SAFETY: `call` describes memory that the views have borrowed, writable where results go.
        self.call(tensors, options, |call| unsafe { (self.point.run)(call) })
    }

    /// The bytes of workspace that a run would take.
    pub fn workspace(&self, tensors: &mut [TensorView<'_>], options: &Options) -> Result<u64, CallError> {
        let mut bytes = 0;
        // SAFETY: as in `run`.
        self.call(tensors, options, |call| unsafe { (self.point.workspace)(call, &mut bytes) })?;
        Ok(bytes)
    }

    fn call(
        &self,
        tensors: &mut [TensorView<'_>],
        options: &Options,
        function: impl FnOnce(*const Call) -> i32,
    ) -> Result<(), CallError> {
        self.check_writable(tensors)?;
        let structs: Vec<DLTensor> = tensors.iter_mut().map(TensorView::tensor).collect();
        let pointers: Vec<*const DLTensor> = structs.iter().map(std::ptr::from_ref).collect();
        let mut message = [0_u8; MESSAGE_BYTES];
        let call = Call {
            struct_size: size_of::<Call>() as u32,
            num_tensors: u32::try_from(pointers.len()).unwrap_or(u32::MAX),
            tensors: pointers.as_ptr(),
            rows_i: options.rows_i.unwrap_or(-1),
            rows_j: options.rows_j.unwrap_or(-1),
            threads: options.threads.unwrap_or(0),
            device_type: 0,
            device_id: 0,
            check: 0,
            stream: std::ptr::null_mut(),
            ranges: std::ptr::null(),
            workspace: std::ptr::null_mut(),
            workspace_size: 0,
            message: message.as_mut_ptr().cast::<c_char>(),
            message_size: MESSAGE_BYTES as u64,
        };
        let status = function(&call);
        if status == Status::Ok as i32 {
            return Ok(());
        }
        let exact =
            CStr::from_bytes_until_nul(&message).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
        let message =
            if exact.is_empty() { format!("{}: {}", self.name(), self.library.strerror(status)) } else { exact };
        Err(CallError { status, message })
    }

    /// A library writes to every result; the borrow must allow it. Wrong counts are the library's to report.
    fn check_writable(&self, tensors: &[TensorView<'_>]) -> Result<(), CallError> {
        let mut results = self.description.tensors.iter().zip(tensors).filter(|(described, _)| described.is_output());
        match results.find(|(_, view)| !view.is_writable()) {
            Some((described, _)) => Err(CallError {
                status: Status::Arguments as i32,
                message: format!("{}: result {} was given as an input", self.name(), described.name),
            }),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: names are NULL or text.
        let name = unsafe { text(self.point.name) };
        f.debug_struct("Entry").field("name", &name).finish_non_exhaustive()
    }
}
