//! Weighted means of clusters, added up in float64 in the order of the points.

use super::argument::{Argument, Kind, Request, named};
use super::sort::counts;
use crate::abi::{DLTensor, Status, TensorDescriptor};

const POINTS: &TensorDescriptor = &named(c"points");
const LABELS: &TensorDescriptor = &named(c"labels");
const WEIGHTS: &TensorDescriptor = &named(c"weights");
const CENTROIDS: &TensorDescriptor = &named(c"centroids");
const TOTALS: &TensorDescriptor = &named(c"totals");

/// See [`crate::abi::Clusters::cluster_centroids`].
pub fn cluster_centroids(
    request: &mut Request<'_>,
    points: *const DLTensor,
    labels: *const DLTensor,
    weights: *const DLTensor,
    centroids: *const DLTensor,
    totals: *const DLTensor,
) -> Result<(), Status> {
    let points = request.argument(POINTS, points, Kind::Float, &[-1, -1])?;
    let (count, axes) = (points.rows(), points.columns());
    let labels = request.argument(LABELS, labels, Kind::Whole, &[count as i64])?;
    let weights = optional(request, WEIGHTS, weights, count)?;
    let centroids = request.argument(CENTROIDS, centroids, Kind::Float, &[-1, axes as i64])?;
    let clusters = centroids.rows();
    let totals = optional(request, TOTALS, totals, clusters)?;
    let inputs = [Some(&points), Some(&labels), weights.as_ref()];
    for input in inputs.into_iter().flatten() {
        request.writable(&centroids, &[input])?;
    }
    if let Some(totals) = &totals {
        for other in inputs.into_iter().flatten().chain([&centroids]) {
            request.writable(totals, &[other])?;
        }
    }
    request.labels_below(&labels, clusters)?;
    let mut number_arena = request.memory(clusters, size_of::<usize>())?;
    let sum_arena = request.memory(clusters.saturating_mul(axes.saturating_add(1)), size_of::<f64>())?;
    let numbers = counts(&mut number_arena, &labels, clusters);
    // SAFETY: there is room for a total and a sum along each axis for each cluster; all-zero bytes are 0.
    let (sums, weight_of) = unsafe {
        let base = sum_arena.base().cast::<f64>();
        base.write_bytes(0, clusters * (axes + 1));
        let sums = core::slice::from_raw_parts_mut(base, clusters * axes);
        (sums, core::slice::from_raw_parts_mut(base.add(clusters * axes), clusters))
    };
    let weight = |row: usize| weights.as_ref().map_or(1.0, |weights| weights.float(row, 0));
    for row in 0..count {
        if let Some(total) = weight_of.get_mut(labels.integer(row, 0) as usize) {
            *total += weight(row);
        }
    }
    add(&points, &labels, sums, |row, cluster| match weight_of.get(cluster) {
        Some(total) if *total == 0.0 => 1.0,
        _ => weight(row),
    });
    for (cluster, (total, number)) in weight_of.iter().zip(numbers.iter()).enumerate() {
        let divisor = if *total == 0.0 { *number as f64 } else { *total };
        for (axis, sum) in sums.iter().skip(cluster * axes).take(axes).enumerate() {
            centroids.write_float(cluster, axis, if *number == 0 { f64::NAN } else { sum / divisor });
        }
        if let Some(totals) = &totals {
            totals.write_float(cluster, 0, *total);
        }
    }
    Ok(())
}

/// A list of floats that may be NULL.
fn optional<'a>(
    request: &mut Request<'_>,
    descriptor: &'static TensorDescriptor,
    given: *const DLTensor,
    count: usize,
) -> Result<Option<Argument<'a>>, Status> {
    if given.is_null() {
        return Ok(None);
    }
    request.argument(descriptor, given, Kind::Float, &[count as i64]).map(Some)
}

/// Adds every point, times a weight, to the sum of its cluster.
fn add(points: &Argument<'_>, labels: &Argument<'_>, sums: &mut [f64], weight: impl Fn(usize, usize) -> f64) {
    let axes = points.columns();
    for row in 0..points.rows() {
        let cluster = labels.integer(row, 0) as usize;
        let weight = weight(row, cluster);
        for (axis, sum) in sums.iter_mut().skip(cluster * axes).take(axes).enumerate() {
            *sum += weight * points.float(row, axis);
        }
    }
}
