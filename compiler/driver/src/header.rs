//! The C header of a library: manifest → text.
//!
//! ```c
//! int32_t gauss_conv(int64_t M, int64_t N, const float *x, const float *y, const float *b, const float *sigma, float *conv);
//! ```
//!
//! The text is C99 and C++98 with `<stdint.h>`, includes nothing of this project, and several such headers can be included together.

use keopsc_runtime::abi::{self, Status};
use keopsc_runtime::manifest::{Dtype, Entry, Kind, Manifest, Role, Tensor};

use crate::names::c_parameter_name;

/// The text of `<name>.h`.
pub fn header(manifest: &Manifest) -> String {
    let name = &manifest.name;
    let guard = format!("{}_H_KEOPSC", name.to_uppercase());
    let functions: String = manifest.entries.iter().map(function).collect();
    let statuses: String = STATUSES.iter().map(|(status, name, meaning)| status_line(*status, name, meaning)).collect();
    format!(
        "/* lib{name}.so, made by {compiler}. Do not edit.

   All arrays are row-major and contiguous, in host memory. M and N are the numbers of rows that i and j count.
   A pointer may be NULL where its array has no rows. Every function returns 0 or a KEOPS_ status. */
#ifndef {guard}
#define {guard}

#include <stdint.h>

#ifdef __cplusplus
extern \"C\" {{
#endif

{functions}/* What a status means, in words. */
const char *{name}_strerror(int32_t status);

/* The instruction set whose code is used (chosen at the first call), or NULL if this processor has none of them. */
const char *{name}_target(void);

#ifndef KEOPS_ABI_VERSION
#define KEOPS_ABI_VERSION {version}

enum {{
{statuses}}};

{LAYER_2}
#endif /* KEOPS_ABI_VERSION */

#ifdef __cplusplus
}}
#endif

#endif /* {guard} */
",
        compiler = manifest.compiler,
        version = abi::ABI_VERSION,
    )
}

const STATUSES: [(Status, &str, &str); 13] = [
    (Status::Ok, "KEOPS_OK", "done"),
    (Status::NullPointer, "KEOPS_NULL_POINTER", "a required pointer is NULL"),
    (Status::Shape, "KEOPS_SHAPE", "a shape does not fit"),
    (Status::Dtype, "KEOPS_DTYPE", "a tensor's dtype is not the declared one"),
    (Status::Stride, "KEOPS_STRIDE", "a tensor's strides cannot be used"),
    (Status::Device, "KEOPS_DEVICE", "a tensor is on a device that cannot be used"),
    (Status::Arguments, "KEOPS_ARGUMENTS", "the wrong number of tensors, or a struct that is too small"),
    (Status::Memory, "KEOPS_MEMORY", "memory could not be had"),
    (Status::Target, "KEOPS_TARGET", "no code in this library runs on this processor"),
    (Status::Ranges, "KEOPS_RANGES", "block-sparse ranges are malformed"),
    (Status::Unsupported, "KEOPS_UNSUPPORTED", "this version cannot do what was asked"),
    (Status::Thread, "KEOPS_THREAD", "a thread could not be started"),
    (Status::Value, "KEOPS_VALUE", "a value in a tensor cannot be used"),
];

fn status_line(status: Status, name: &str, meaning: &str) -> String {
    let number = status as i32;
    let is_last = STATUSES.last().is_some_and(|(last, _, _)| *last == status);
    format!("    {name} = {number}{} /* {meaning} */\n", if is_last { "" } else { "," })
}

/// The types of layer 2. Their layout is that of `keopsc_runtime::abi`; a test compares the two.
const LAYER_2: &str = "\
/* Layer 2, for bindings: any strides, batches and devices. DLTensor is DLPack's; include dlpack.h before this file to use
   both. */
#if !defined(DLPACK_DLPACK_H_) && !defined(KEOPS_HAS_DLTENSOR)
#define KEOPS_HAS_DLTENSOR
typedef struct {
    int32_t device_type; /* 1: CPU, 2: CUDA */
    int32_t device_id;
} DLDevice;

typedef struct {
    uint8_t code; /* 0: int, 1: unsigned, 2: float, 4: bfloat, 6: bool */
    uint8_t bits;
    uint16_t lanes; /* 1 */
} DLDataType;

typedef struct {
    void *data;
    DLDevice device;
    int32_t ndim;
    DLDataType dtype;
    int64_t *shape;
    int64_t *strides; /* in elements; NULL: row-major, contiguous */
    uint64_t byte_offset;
} DLTensor;
#endif

/* A call. Set struct_size to sizeof(keops_call) and all other bytes to 0 first.
   Tensors stand in the order of the functions above; shapes are (batch..., M or N, dim) and, for parameters, (batch..., dim). */
typedef struct {
    uint32_t struct_size;
    uint32_t num_tensors;
    const DLTensor *const *tensors;
    int64_t rows_i; /* M where no tensor tells it, else -1 */
    int64_t rows_j; /* N where no tensor tells it, else -1 */
    int32_t threads; /* 0: KEOPSC_NUM_THREADS, else all processors of the affinity mask */
    int32_t device_type; /* 0: where the tensors are */
    int32_t device_id;
    int32_t check; /* 1: validate ranges on a device, with a synchronisation */
    void *stream; /* CUDA stream */
    const DLTensor *const *ranges; /* six int64 tensors of block-sparse ranges, or NULL; batches broadcast */
    void *workspace; /* scratch memory, or NULL */
    uint64_t workspace_size;
    char *message; /* receives the exact error message, or NULL */
    uint64_t message_size;
} keops_call;

typedef struct {
    uint32_t struct_size;
    uint32_t num_tensors;
    const char *name;
    int32_t (*run)(const keops_call *call);
    int32_t (*prepare)(int32_t device_type, int32_t device_id);
    int32_t (*workspace)(const keops_call *call, uint64_t *size);
} keops_entry_v1;

/* Functions that make block-sparse ranges, the same in every library. Tensors have any strides and no batch dimensions; message and
   message_size as in a call. M points in D dimensions are put into C clusters, whose numbers are labels; B blocks of rows meet C blocks
   of columns. Integers are int32 or int64, floats are float32 or float64. */
typedef struct {
    uint32_t struct_size;
    uint32_t reserved;

    /* labels (M): the number of each point's cell in a grid, among the cells that have points, in lexicographic order.
       points (M, D) and cell (1) or (D), the lengths of a cell, are floats of one type. count, or NULL: the number of cells. */
    int32_t (*grid_cluster)(const DLTensor *points, const DLTensor *cell, const DLTensor *labels, int64_t *count, char *message,
                            uint64_t message_size);

    /* order (M): the permutation that sorts the labels (M), equal ones in their order. */
    int32_t (*cluster_order)(const DLTensor *labels, const DLTensor *order, char *message, uint64_t message_size);

    /* ranges (C, 2): where each cluster begins and ends among the sorted points. The labels (M) may be in any order. */
    int32_t (*cluster_ranges)(const DLTensor *labels, const DLTensor *ranges, char *message, uint64_t message_size);

    /* centroids (C, D): weighted means of the points (M, D), with weights (M) or NULL for ones; totals (C), or NULL: sums of weights.
       Where weights add up to 0 the mean is that of equal weights; a cluster without points has NaN. */
    int32_t (*cluster_centroids)(const DLTensor *points, const DLTensor *labels, const DLTensor *weights, const DLTensor *centroids,
                                 const DLTensor *totals, char *message, uint64_t message_size);

    /* The other four tensors of block-sparse ranges, where keep (B, C), integers or booleans, says which blocks of rows ranges_i (B, 2)
       meet which blocks of columns ranges_j (C, 2). count, or NULL: the number of blocks kept. The four are all NULL to ask for that
       number only, else slices_i (B), redranges_j (count, 2), slices_j (C), redranges_i (count, 2); more rows are filled with (0, 0). */
    int32_t (*from_matrix)(const DLTensor *ranges_i, const DLTensor *ranges_j, const DLTensor *keep, const DLTensor *slices_i,
                           const DLTensor *redranges_j, const DLTensor *slices_j, const DLTensor *redranges_i, int64_t *count,
                           char *message, uint64_t message_size);
} keops_clusters_v1;

/* Step through entries by entry_size bytes: later versions may append fields. */
typedef struct {
    uint32_t struct_size;
    uint32_t abi_version;
    const char *name;
    const char *manifest; /* JSON */
    uint64_t manifest_size;
    uint32_t num_entries;
    uint32_t entry_size;
    const keops_entry_v1 *entries;
    const char *(*strerror)(int32_t status);
    const char *(*target)(void);
    const keops_clusters_v1 *clusters;
} keops_module;

/* The same symbol in every library: look it up with dlsym where several are loaded. */
const keops_module *keops_module_v1(void);
";

fn function(entry: &Entry) -> String {
    let documentation: String = entry.tensors.iter().map(|tensor| tensor_line(tensor, &entry.tensors)).collect();
    let parameters: String = entry.tensors.iter().map(|tensor| format!(", {}", parameter(tensor))).collect();
    format!(
        "/* {}\n\n{documentation} */\nint32_t {}(int64_t M, int64_t N{parameters});\n\n",
        comment_text(&entry.formula),
        entry.symbol,
    )
}

/// `   x      M x 3      in`
fn tensor_line(tensor: &Tensor, all: &[Tensor]) -> String {
    let width = all.iter().map(|tensor| tensor.name.len()).max().unwrap_or_default();
    let shapes = all.iter().map(|tensor| shape_text(tensor).len());
    let shape_width = shapes.max().unwrap_or_default();
    let use_text = match tensor.kind {
        Kind::Input => "in",
        Kind::Cotangent => "in, cotangent",
        Kind::Tangent => "in, tangent",
        Kind::Output => "out",
    };
    format!("   {:width$}  {:shape_width$}  {use_text}\n", c_parameter_name(&tensor.name), shape_text(tensor))
}

fn shape_text(tensor: &Tensor) -> String {
    let rows = match tensor.role {
        Role::I => "M",
        Role::J => "N",
        Role::Parameter => "1",
    };
    std::iter::once(rows.to_owned()).chain(tensor.shape.iter().map(u32::to_string)).collect::<Vec<_>>().join(" x ")
}

fn parameter(tensor: &Tensor) -> String {
    let constant = if tensor.is_output() { "" } else { "const " };
    format!("{constant}{} *{}", c_type(tensor.dtype), c_parameter_name(&tensor.name))
}

fn c_type(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F16 | Dtype::BF16 => "uint16_t",
        Dtype::F32 => "float",
        Dtype::F64 => "double",
        Dtype::I64 => "int64_t",
    }
}

/// A formula cannot end the comment that it stands in, nor open another.
fn comment_text(formula: &str) -> String {
    formula.replace("*/", "* /").replace("/*", "/ *").replace('\n', "\n   ")
}

#[cfg(test)]
mod tests;
