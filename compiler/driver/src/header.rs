//! The C header of a library: manifest → text.
//!
//! ```c
//! int32_t gauss_conv(int64_t M, int64_t N, const float *x, const float *y, const float *b, const float *sigma, float *conv);
//! ```
//!
//! The text is C99 and C++98 with `<stdint.h>`, includes nothing of this project, and several such headers can be included together.

use keopsc_cpu::symbols::SHARD_ENDS;
use keopsc_runtime::abi::{self, STATUSES, Status};
use keopsc_runtime::manifest::{Dtype, Entry, Field, Kind, Manifest, Role, Shards, Tensor};

use crate::names::{c_own_parameter_name, c_parameter_name};

/// The text of `<name>.h`.
pub fn header(manifest: &Manifest) -> String {
    let name = &manifest.name;
    let guard = format!("{}_H_KEOPSC", name.to_uppercase());
    let functions: String = manifest.entries.iter().map(function).collect();
    let shards = if manifest.entries.iter().any(|entry| entry.shards.is_some()) { SHARDS } else { "" };
    let statuses: String =
        STATUSES.iter().map(|(status, name, text)| status_line(*status, name, &text.to_string_lossy())).collect();
    format!(
        "/* lib{name}.so, made by {compiler}. Do not edit.

   All arrays are row-major and contiguous, in host memory. M and N are the numbers of rows that i and j count.
   A pointer may be NULL where its array has no rows. Every function returns 0 or a KEOPS_ status. */
{shards}#ifndef {guard}
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

{layer_2}
#endif /* KEOPS_ABI_VERSION */

#ifdef __cplusplus
}}
#endif

#endif /* {guard} */
",
        compiler = manifest.compiler,
        version = abi::ABI_VERSION,
        layer_2 = layer_2(),
    )
}

fn status_line(status: Status, name: &str, text: &str) -> String {
    let number = status as i32;
    let is_last = STATUSES.last().is_some_and(|(last, _, _)| *last == status);
    format!("    {name} = {number}{} /* {text} */\n", if is_last { "" } else { "," })
}

/// The types of layer 2, for programs that load libraries and for each library's header. Their layout is that of `keopsc_runtime::abi`; a test compares
/// the two.
const TYPES: &str = include_str!("../../../runtime/include/keopsc_abi.h");

/// What stands in every header of these types: what follows the statuses.
fn layer_2() -> &'static str {
    let begin = TYPES.find("/* Layer 2,").unwrap_or_default();
    let end = TYPES.find("\n#endif /* KEOPS_ABI_VERSION */").unwrap_or(TYPES.len());
    &TYPES[begin..end]
}

/// What a header says once about the functions of layer 3.
const SHARDS: &str = "
/* Shards: the rows that a function sums over, or reduces otherwise, can be shared out among processes, or come piece by piece.
   ..._partial reduces a shard to a state: N (M where rows of i are reduced) is the number of the shard's rows, first that of its first row.
   ..._merge joins the state of later rows into that of earlier ones. ..._finalize turns a state into results.
   A state is a record for each row of the results, as told below. It begins at a multiple of 8 bytes, has ..._state_size bytes (-1: there is
   no such state), holds no pointers, and may come from a process on another machine.
   Let all shards have ..._shard(rows, most shards) rows, the last one what is left, and n be their number. Merged so

       for (step = 1; step < n; step *= 2)
           for (r = 0; r + step < n; r += 2 * step)
               merge(rows, state[r], state[r + step]);

   they give the same bits as one call. Other shards, merged in ascending order, give the same but for rounding. */
";

fn function(entry: &Entry) -> String {
    let documentation: String = entry.tensors.iter().map(|tensor| tensor_line(tensor, &entry.tensors)).collect();
    let parameters: String = entry.tensors.iter().map(|tensor| format!(", {}", parameter(tensor))).collect();
    let shards = entry.shards.as_ref().map(|shards| shard_functions(entry, shards)).unwrap_or_default();
    format!(
        "/* {}\n\n{documentation} */\nint32_t {}(int64_t M, int64_t N{parameters});\n\n{shards}",
        comment_text(&entry.formula),
        entry.symbol,
    )
}

fn shard_functions(entry: &Entry, shards: &Shards) -> String {
    let [partial, merge, finalize, state_size, shard] = SHARD_ENDS.map(|end| entry.symbol.clone() + end);
    let [first, state] = ["first", "state"].map(|name| c_own_parameter_name(name, &entry.tensors));
    let over = rows_name(shards.over);
    let rows = match shards.rows {
        Role::Parameter => "its one row".to_owned(),
        role => format!("each of {} rows", rows_name(role)),
    };
    let parameters = |is_output: bool| -> String {
        let tensors = entry.tensors.iter().filter(|tensor| tensor.is_output() == is_output);
        tensors.map(|tensor| format!(", {}", parameter(tensor))).collect()
    };
    let (inputs, results) = (parameters(false), parameters(true));
    let fields: Vec<String> = shards.fields.iter().map(field_text).collect();
    let unread = |tensor: &&Tensor| !tensor.is_output() && !shards.finalize.contains(&tensor.name);
    let unread: Vec<String> =
        entry.tensors.iter().filter(unread).map(|tensor| c_parameter_name(&tensor.name)).collect();
    let unread = if unread.is_empty() {
        String::new()
    } else {
        format!("\n   ..._finalize does not read {}: NULL will do.", unread.join(", "))
    };
    format!(
        "/* {symbol} in shards of {over}. A state has {size} bytes for {rows}: {fields}.{unread} */
int32_t {partial}(int64_t M, int64_t N, int64_t {first}{inputs}, void *{state});
int32_t {merge}(int64_t rows, void *state, const void *later);
int32_t {finalize}(int64_t M, int64_t N{inputs}, const void *{state}{results});
int64_t {state_size}(int64_t rows);
int64_t {shard}(int64_t {over}, int64_t shards);

",
        symbol = entry.symbol,
        size = shards.record_size,
        fields = fields.join(", "),
    )
}

/// `float a0.s[3] at 0`
fn field_text(field: &Field) -> String {
    format!("{} {}[{}] at {}", c_type(field.dtype), field.name, field.count, field.offset)
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
    let gradient = match &tensor.gradient_of {
        Some(name) => format!(", gradient in {}", c_parameter_name(name)),
        None => String::new(),
    };
    format!("   {:width$}  {:shape_width$}  {use_text}{gradient}\n", c_parameter_name(&tensor.name), shape_text(tensor))
}

/// How many rows a role has.
fn rows_name(role: Role) -> &'static str {
    match role {
        Role::I => "M",
        Role::J => "N",
        Role::Parameter => "1",
    }
}

fn shape_text(tensor: &Tensor) -> String {
    let rows = rows_name(tensor.role).to_owned();
    let extents: Vec<String> = std::iter::once(rows).chain(tensor.shape.iter().map(u32::to_string)).collect();
    let complex = matches!(tensor.dtype, Dtype::C64 | Dtype::C128);
    format!("{}{}", extents.join(" x "), if complex { " complex (re, im)" } else { "" })
}

fn parameter(tensor: &Tensor) -> String {
    let constant = if tensor.is_output() { "" } else { "const " };
    format!("{constant}{} *{}", c_type(tensor.dtype), c_parameter_name(&tensor.name))
}

fn c_type(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F16 | Dtype::BF16 => "uint16_t",
        Dtype::F32 | Dtype::C64 => "float",
        Dtype::F64 | Dtype::C128 => "double",
        Dtype::I64 => "int64_t",
    }
}

/// A formula cannot end the comment that it stands in, nor open another.
fn comment_text(formula: &str) -> String {
    formula.replace("*/", "* /").replace("/*", "/ *").replace('\n', "\n   ")
}

#[cfg(test)]
mod tests;
