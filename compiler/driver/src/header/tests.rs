use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;

use keopsc_diagnostics::Code;
use keopsc_runtime::abi::{Call, Clusters, DLTensor, EntryPoint, Module};

use super::*;
use crate::failure::Failure;
use crate::formula::Formula;
use crate::options::FormulaOptions;
use crate::session::check;

fn tensor(name: &str, kind: Kind, role: Role, shape: &[u32], dtype: Dtype) -> Tensor {
    Tensor { name: name.to_owned(), kind, role, shape: shape.to_vec(), dtype, gradient_of: None }
}

fn manifest(name: &str) -> Manifest {
    let conv = Entry {
        name: "conv".to_owned(),
        symbol: format!("{name}_conv"),
        formula: "Sum[j](Exp(-SqDist(x, y)) * I)".to_owned(),
        tensors: vec![
            tensor("x", Kind::Input, Role::I, &[3], Dtype::F32),
            tensor("y", Kind::Input, Role::J, &[3], Dtype::F16),
            tensor("I", Kind::Input, Role::Parameter, &[1], Dtype::F64),
            tensor("d_conv", Kind::Cotangent, Role::I, &[1], Dtype::BF16),
            tensor("conv", Kind::Output, Role::I, &[2, 3], Dtype::F32),
            tensor("conv_index", Kind::Output, Role::I, &[2], Dtype::I64),
        ],
        shards: Some(Shards {
            over: Role::J,
            rows: Role::I,
            record_size: 40,
            fields: vec![
                Field { name: "a0.m".to_owned(), dtype: Dtype::F32, count: 6, offset: 0 },
                Field { name: "a0.a".to_owned(), dtype: Dtype::I64, count: 2, offset: 24 },
            ],
            finalize: vec!["x".to_owned(), "d_conv".to_owned()],
        }),
    };
    Manifest {
        abi_version: abi::ABI_VERSION,
        compiler: "keopsc test".to_owned(),
        name: name.to_owned(),
        targets: vec!["x86-64-v3".to_owned()],
        gpu: None,
        entries: vec![conv],
    }
}

#[test]
fn a_function_is_documented_and_declared() {
    let text = header(&manifest("gauss"));
    let expected = "\
/* Sum[j](Exp(-SqDist(x, y)) * I)

   x           M x 3      in
   y           N x 3      in
   I_          1 x 1      in
   d_conv      M x 1      in, cotangent
   conv        M x 2 x 3  out
   conv_index  M x 2      out
 */
int32_t gauss_conv(int64_t M, int64_t N, const float *x, const uint16_t *y, const double *I_, const uint16_t *d_conv, \
float *conv, int64_t *conv_index);

/* gauss_conv in shards of N. A state has 40 bytes for each of M rows: float a0.m[6] at 0, int64_t a0.a[2] at 24.
   ..._finalize does not read y, I_: NULL will do. */
int32_t gauss_conv_partial(int64_t M, int64_t N, int64_t first, const float *x, const uint16_t *y, const double *I_, \
const uint16_t *d_conv, void *state);
int32_t gauss_conv_merge(int64_t rows, void *state, const void *later);
int32_t gauss_conv_finalize(int64_t M, int64_t N, const float *x, const uint16_t *y, const double *I_, const uint16_t *d_conv, \
const void *state, float *conv, int64_t *conv_index);
int64_t gauss_conv_state_size(int64_t rows);
int64_t gauss_conv_shard(int64_t N, int64_t shards);
";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains(SHARDS));
}

#[test]
fn what_cannot_be_in_shards_has_no_functions_for_them() {
    let mut manifest = manifest("gauss");
    manifest.entries[0].shards = None;
    let text = header(&manifest);
    assert!(!text.contains("gauss_conv_partial") && !text.contains(SHARDS));
}

#[test]
fn shards_of_i_and_a_single_row() {
    let mut manifest = manifest("gauss");
    let shards = manifest.entries[0].shards.as_mut().unwrap();
    (shards.over, shards.rows) = (Role::I, Role::Parameter);
    shards.finalize.extend(["y".to_owned(), "I".to_owned()]);
    let text = header(&manifest);
    let expected = "/* gauss_conv in shards of M. A state has 40 bytes for its one row: float a0.m[6] at 0, int64_t a0.a[2] at 24. */\n";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("int64_t gauss_conv_shard(int64_t M, int64_t shards);"));
}

#[test]
fn own_parameters_give_way_to_tensors() {
    let mut manifest = manifest("gauss");
    manifest.entries[0].tensors[0].name = "state".to_owned();
    manifest.entries[0].tensors[1].name = "state_".to_owned();
    manifest.entries[0].tensors[2].name = "first".to_owned();
    let text = header(&manifest);
    let expected = "(int64_t M, int64_t N, int64_t first_, const float *state, const uint16_t *state_, const double *first, \
                    const uint16_t *d_conv, void *state__);";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn no_output_can_be_called_like_a_function_for_shards() {
    for end in SHARD_ENDS {
        let text = format!("x = Vi(1); y = Vj(1); out f{end} = Sum[j](x * y)");
        let formula = Formula::from_text("a.kf", &text).unwrap();
        let options = FormulaOptions::default();
        let Err(Failure::Source(errors)) = check(&formula, &options) else { panic!("f{end} was taken") };
        assert_eq!(errors[0].code, Code::ReservedName, "{end}");
    }
}

#[test]
fn a_formula_cannot_leave_its_comment() {
    let mut manifest = manifest("gauss");
    manifest.entries[0].formula = "a */ int evil; /* b".to_owned();
    assert!(header(&manifest).contains("/* a * / int evil; / * b\n"));
}

/// Compiles C or C++ text that includes the headers `a.h` and `b.h`.
fn compiles(compiler: &str, standard: &str, folder: &Path, program: &str) {
    for name in ["a", "b"] {
        std::fs::write(folder.join(format!("{name}.h")), header(&manifest(name))).unwrap();
    }
    let source = folder.join(if compiler == "gcc" { "program.c" } else { "program.cpp" });
    std::fs::write(&source, program).unwrap();
    let options = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wstrict-prototypes", "-c", "-o", "/dev/null"];
    let options = options.iter().filter(|option| compiler == "gcc" || **option != "-Wstrict-prototypes");
    let output = Command::new(compiler).arg(standard).args(options).arg(&source).output().unwrap();
    assert!(output.status.success(), "{compiler} {standard}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn two_headers_compile_as_c_and_cpp_after_complex_h() {
    let folder = tempfile::tempdir().unwrap();
    let program = "#include \"a.h\"\n#include \"b.h\"\n#include \"a.h\"\nint main(void) { return a_conv(0, 0, 0, 0, 0, 0, 0, 0) + KEOPS_OK; }\n";
    for (compiler, standard) in [("gcc", "-std=c99"), ("gcc", "-std=c17"), ("g++", "-std=c++11"), ("g++", "-std=c++20")]
    {
        compiles(compiler, standard, folder.path(), program);
    }
    compiles("gcc", "-std=c99", folder.path(), &format!("#include <complex.h>\n{program}"));
}

#[test]
fn the_structs_have_the_layout_of_the_abi() {
    let facts = [
        ("sizeof(DLTensor)", size_of::<DLTensor>()),
        ("offsetof(DLTensor, dtype)", offset_of!(DLTensor, dtype)),
        ("offsetof(DLTensor, shape)", offset_of!(DLTensor, shape)),
        ("offsetof(DLTensor, byte_offset)", offset_of!(DLTensor, byte_offset)),
        ("sizeof(keops_call)", size_of::<Call>()),
        ("offsetof(keops_call, tensors)", offset_of!(Call, tensors)),
        ("offsetof(keops_call, rows_j)", offset_of!(Call, rows_j)),
        ("offsetof(keops_call, threads)", offset_of!(Call, threads)),
        ("offsetof(keops_call, check)", offset_of!(Call, check)),
        ("offsetof(keops_call, stream)", offset_of!(Call, stream)),
        ("offsetof(keops_call, ranges)", offset_of!(Call, ranges)),
        ("offsetof(keops_call, workspace)", offset_of!(Call, workspace)),
        ("offsetof(keops_call, message)", offset_of!(Call, message)),
        ("offsetof(keops_call, message_size)", offset_of!(Call, message_size)),
        ("sizeof(keops_entry_v1)", size_of::<EntryPoint>()),
        ("offsetof(keops_entry_v1, run)", offset_of!(EntryPoint, run)),
        ("offsetof(keops_entry_v1, workspace)", offset_of!(EntryPoint, workspace)),
        ("offsetof(keops_entry_v1, partial)", offset_of!(EntryPoint, partial)),
        ("offsetof(keops_entry_v1, finalize)", offset_of!(EntryPoint, finalize)),
        ("offsetof(keops_entry_v1, shard)", offset_of!(EntryPoint, shard)),
        ("sizeof(keops_module)", size_of::<Module>()),
        ("offsetof(keops_module, manifest)", offset_of!(Module, manifest)),
        ("offsetof(keops_module, entry_size)", offset_of!(Module, entry_size)),
        ("offsetof(keops_module, target)", offset_of!(Module, target)),
        ("offsetof(keops_module, clusters)", offset_of!(Module, clusters)),
        ("sizeof(keops_clusters_v1)", size_of::<Clusters>()),
        ("offsetof(keops_clusters_v1, grid_cluster)", offset_of!(Clusters, grid_cluster)),
        ("offsetof(keops_clusters_v1, cluster_centroids)", offset_of!(Clusters, cluster_centroids)),
        ("offsetof(keops_clusters_v1, from_matrix)", offset_of!(Clusters, from_matrix)),
    ];
    let checks: String =
        facts.iter().map(|(fact, value)| format!("_Static_assert({fact} == {value}, \"{fact}\");\n")).collect();
    let folder = tempfile::tempdir().unwrap();
    compiles("gcc", "-std=c11", folder.path(), &format!("#include <stddef.h>\n#include \"a.h\"\n{checks}"));
}

#[test]
fn every_status_has_its_number_and_words() {
    let text = header(&manifest("gauss"));
    for (number, (status, name, _)) in STATUSES.iter().enumerate() {
        assert_eq!(*status as usize, number);
        assert!(text.contains(&format!("    {name} = {number}")), "{name}");
    }
}
