//! Calls: views in the order of the manifest, errors as values.

use super::view::TensorView;
use super::{Library, text};
use crate::abi::{Call, DL_CUDA, DLTensor, EntryPoint, Status};
use crate::manifest;
use std::ffi::{CStr, c_char};
use std::fmt;
use std::ptr;

/// Bytes for messages.
const MESSAGE_BYTES: usize = 1024;

/// One function of a library.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    library: &'a Library,
    point: EntryPoint,
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
    /// The GPU that reduces, whose memory the data go through; `None` for the CPU.
    pub gpu: Option<i32>,
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
    pub(super) fn new(library: &'a Library, point: EntryPoint, description: &'a manifest::Entry) -> Entry<'a> {
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
        self.check_writable(tensors.iter().map(Some))?;
        // SAFETY: `call` describes memory that the views have borrowed, writable where results go.
        self.call(tensors.iter_mut().map(Some), options, |call| unsafe { (self.point.run)(call) })
    }

    /// The bytes of workspace that a run would take.
    pub fn workspace(&self, tensors: &mut [TensorView<'_>], options: &Options) -> Result<u64, CallError> {
        self.check_writable(tensors.iter().map(Some))?;
        let mut bytes = 0;
        // SAFETY: as in `run`.
        self.call(tensors.iter_mut().map(Some), options, |call| unsafe { (self.point.workspace)(call, &mut bytes) })?;
        Ok(bytes)
    }

    /// The bytes of states of so many rows, batch elements included; an error where the entry has no shards.
    pub fn state_size(&self, rows: i64) -> Result<usize, CallError> {
        let function = self.shard_function(self.point.state_size)?;
        // SAFETY: the function only computes.
        let size = unsafe { function(rows) };
        usize::try_from(size).map_err(|_| self.refused(Status::Shape, format!("no state has {rows} rows")))
    }

    /// How many rows of the reduced index a shard should have, so that so many are in at most so many shards and results keep their bits.
    pub fn shard(&self, columns: i64, shards: i64) -> Result<i64, CallError> {
        let function = self.shard_function(self.point.shard)?;
        // SAFETY: the function only computes.
        let length = unsafe { function(columns, shards) };
        let impossible = || self.refused(Status::Arguments, format!("{columns} rows cannot be in {shards} shards"));
        if length < 0 { Err(impossible()) } else { Ok(length) }
    }

    /// Reduces a shard, whose first row of the reduced index has that number, to states. `inputs` stand in the order of the manifest.
    pub fn partial(
        &self,
        inputs: &mut [TensorView<'_>],
        first: i64,
        states: &mut [u64],
        options: &Options,
    ) -> Result<(), CallError> {
        let function = self.shard_function(self.point.partial)?;
        let size = size_of_val(states) as u64;
        let tensors = inputs.iter_mut().map(Some);
        // SAFETY: as in `run`; the slice is writable.
        self.call(tensors, options, |call| unsafe { function(call, first, states.as_mut_ptr().cast(), size) })
    }

    /// Joins the states `later` of later rows of the reduced index into `states`.
    pub fn merge(&self, states: &mut [u64], later: &[u64], options: &Options) -> Result<(), CallError> {
        let function = self.shard_function(self.point.merge)?;
        let size = size_of_val(states) as u64;
        if states.len() != later.len() {
            let sizes = format!("states of {size} and of {} bytes cannot be merged", size_of_val(later));
            return Err(self.refused(Status::Shape, sizes));
        }
        let (states, later) = (states.as_mut_ptr().cast(), later.as_ptr().cast());
        // SAFETY: both slices have these bytes.
        self.call([].into_iter(), options, |call| unsafe { function(call, states, later, size) })
    }

    /// Computes the results of states. `tensors` stand in the order of the manifest; inputs that it does not list as read may be `None`.
    pub fn finalize(
        &self,
        tensors: &mut [Option<TensorView<'_>>],
        states: &[u64],
        options: &Options,
    ) -> Result<(), CallError> {
        let function = self.shard_function(self.point.finalize)?;
        self.check_writable(tensors.iter().map(Option::as_ref))?;
        let size = size_of_val(states) as u64;
        let tensors = tensors.iter_mut().map(Option::as_mut);
        // SAFETY: as in `run`; states are only read.
        self.call(tensors, options, |call| unsafe { function(call, states.as_ptr().cast(), size) })
    }

    fn shard_function<F>(&self, function: Option<F>) -> Result<F, CallError> {
        function.ok_or_else(|| self.refused(Status::Unsupported, "it cannot be computed in shards".to_owned()))
    }

    fn refused(&self, status: Status, reason: String) -> CallError {
        CallError { status: status as i32, message: format!("{}: {reason}", self.name()) }
    }

    fn call<'t, 'd: 't>(
        &self,
        tensors: impl Iterator<Item = Option<&'t mut TensorView<'d>>>,
        options: &Options,
        function: impl FnOnce(*const Call) -> i32,
    ) -> Result<(), CallError> {
        let structs: Vec<Option<DLTensor>> = tensors.map(|tensor| tensor.map(TensorView::tensor)).collect();
        let pointers: Vec<*const DLTensor> =
            structs.iter().map(|tensor| tensor.as_ref().map_or(ptr::null(), ptr::from_ref)).collect();
        let mut message = [0_u8; MESSAGE_BYTES];
        let call = Call {
            struct_size: size_of::<Call>() as u32,
            num_tensors: u32::try_from(pointers.len()).unwrap_or(u32::MAX),
            tensors: pointers.as_ptr(),
            rows_i: options.rows_i.unwrap_or(-1),
            rows_j: options.rows_j.unwrap_or(-1),
            threads: options.threads.unwrap_or(0),
            device_type: options.gpu.map_or(0, |_| DL_CUDA),
            device_id: options.gpu.unwrap_or(0),
            check: 0,
            stream: ptr::null_mut(),
            ranges: ptr::null(),
            workspace: ptr::null_mut(),
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
    fn check_writable<'t, 'd: 't>(
        &self,
        tensors: impl Iterator<Item = Option<&'t TensorView<'d>>>,
    ) -> Result<(), CallError> {
        let mut results = self.description.tensors.iter().zip(tensors).filter(|(described, _)| described.is_output());
        match results.find(|(_, view)| view.is_some_and(|view| !view.is_writable())) {
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
