//! Functions that make block-sparse ranges, for every language: cells of a grid, sorting, means, lists of blocks from a matrix.
//!
//! ```text
//! points ─grid_cluster─▶ labels ─┬─cluster_order─▶ order of the points
//!                                ├─cluster_ranges─▶ ranges
//!                                └─cluster_centroids─▶ means ─ caller ─▶ keep ─from_matrix─▶ the six tensors
//! ```

mod argument;
mod grid;
mod matrix;
mod means;
mod sort;

use super::code;
use super::message::Message;
use crate::abi::{Clusters, DLTensor, Status};
use argument::Request;
use core::ffi::{CStr, c_char};

/// The table that every library's module points to.
#[unsafe(export_name = "keops_support_clusters")]
pub static CLUSTERS: Clusters = Clusters {
    struct_size: size_of::<Clusters>() as u32,
    reserved: 0,
    grid_cluster,
    cluster_order,
    cluster_ranges,
    cluster_centroids,
    from_matrix,
};

unsafe extern "C" fn grid_cluster(
    points: *const DLTensor,
    cell: *const DLTensor,
    labels: *const DLTensor,
    count: *mut i64,
    message: *mut c_char,
    message_size: u64,
) -> i32 {
    let body =
        |request: &mut Request<'_>| grid::grid_cluster(request, points, cell, labels).map(|cells| tell(count, cells));
    // SAFETY: as the ABI says of callers.
    unsafe { answer(c"grid_cluster", message, message_size, body) }
}

unsafe extern "C" fn cluster_order(
    labels: *const DLTensor,
    order: *const DLTensor,
    message: *mut c_char,
    message_size: u64,
) -> i32 {
    // SAFETY: as the ABI says of callers.
    unsafe { answer(c"cluster_order", message, message_size, |request| sort::cluster_order(request, labels, order)) }
}

unsafe extern "C" fn cluster_ranges(
    labels: *const DLTensor,
    ranges: *const DLTensor,
    message: *mut c_char,
    message_size: u64,
) -> i32 {
    // SAFETY: as the ABI says of callers.
    unsafe { answer(c"cluster_ranges", message, message_size, |request| sort::cluster_ranges(request, labels, ranges)) }
}

unsafe extern "C" fn cluster_centroids(
    points: *const DLTensor,
    labels: *const DLTensor,
    weights: *const DLTensor,
    centroids: *const DLTensor,
    totals: *const DLTensor,
    message: *mut c_char,
    message_size: u64,
) -> i32 {
    let body =
        |request: &mut Request<'_>| means::cluster_centroids(request, points, labels, weights, centroids, totals);
    // SAFETY: as the ABI says of callers.
    unsafe { answer(c"cluster_centroids", message, message_size, body) }
}

unsafe extern "C" fn from_matrix(
    ranges_i: *const DLTensor,
    ranges_j: *const DLTensor,
    keep: *const DLTensor,
    slices_i: *const DLTensor,
    redranges_j: *const DLTensor,
    slices_j: *const DLTensor,
    redranges_i: *const DLTensor,
    count: *mut i64,
    message: *mut c_char,
    message_size: u64,
) -> i32 {
    let lists = [slices_i, redranges_j, slices_j, redranges_i];
    let body = |request: &mut Request<'_>| {
        matrix::from_matrix(request, ranges_i, ranges_j, keep, lists).map(|kept| tell(count, kept))
    };
    // SAFETY: as the ABI says of callers.
    unsafe { answer(c"from_matrix", message, message_size, body) }
}

/// Runs a function whose messages begin with its name.
///
/// # Safety
/// `message` is NULL or has `message_size` writable bytes.
unsafe fn answer(
    name: &CStr,
    message: *mut c_char,
    message_size: u64,
    body: impl FnOnce(&mut Request<'_>) -> Result<(), Status>,
) -> i32 {
    // SAFETY: as the caller promises; the name is a C string.
    let mut message = unsafe { Message::over(message, message_size) };
    // SAFETY: the name is a C string.
    unsafe { message.name(name.as_ptr()) }.text(": ");
    let result = body(&mut Request { message: &mut message });
    if result.is_ok() {
        message.clear();
    }
    code(result)
}

fn tell(place: *mut i64, number: usize) {
    // SAFETY: callers pass NULL or a place for a number.
    if let Some(place) = unsafe { place.as_mut() } {
        *place = number as i64;
    }
}
