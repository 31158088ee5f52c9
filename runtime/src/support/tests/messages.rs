//! What is refused, with which status and which words.

use super::harness::{Array, blank_call, plain, run, run_with};
use super::mock;
use crate::abi::*;
use crate::support::clusters::CLUSTERS;
use crate::support::{
    keops_support_prepare, keops_support_run, keops_support_strerror, keops_support_target, keops_support_workspace,
};
use core::ffi::CStr;

/// Valid arguments of `mock::full` with 10 rows and 20 columns.
fn valid() -> Vec<Array> {
    [(F32, vec![10, 2]), (F32, vec![20, 2]), (F32, vec![20, 1]), (F32, vec![1]), (F32, vec![10, 1])]
        .into_iter()
        .map(|(dtype, shape)| Array::zeros(dtype, &shape))
        .collect()
}

/// Runs the valid call with one tensor replaced.
fn with(number: usize, array: Array) -> (i32, String) {
    let mut arrays = valid();
    arrays[number] = array;
    run(mock::full::<f32>(F32), &mut arrays, 1)
}

fn refused(status: Status, text: &str) -> (i32, String) {
    (status as i32, text.to_owned())
}

#[test]
fn valid_is_valid() {
    assert_eq!(run(mock::full::<f32>(F32), &mut valid(), 1), (0, String::new()));
}

#[test]
fn shapes() {
    let f32s = |shape: &[i64]| Array::zeros(F32, shape);
    for (number, array, text) in [
        (0, f32s(&[10, 3]), "conv: tensor x: expected shape (batch..., M, 2), given shape (10, 3)"),
        (0, f32s(&[2]), "conv: tensor x: expected shape (batch..., M, 2), given shape (2,)"),
        (1, f32s(&[]), "conv: tensor y: expected shape (batch..., N, 2), given shape ()"),
        (3, f32s(&[1, 4]), "conv: tensor p: expected shape (batch..., 1), given shape (1, 4)"),
        (2, f32s(&[21, 1]), "conv: tensor b: expected shape (batch..., 20, 1), given shape (21, 1) (y has 20 rows)"),
        (4, f32s(&[11, 1]), "conv: result c: expected shape (batch..., 10, 1), given shape (11, 1) (x has 10 rows)"),
        (4, f32s(&[1, 10, 1]), "conv: result c: expected shape (10, 1), given shape (1, 10, 1)"),
        (0, f32s(&[5, 10, 2]), "conv: result c: expected shape (5, 10, 1), given shape (10, 1)"),
        (0, f32s(&[1; 33]), "conv: tensor x has 33 dimensions, at most 32 are possible"),
    ] {
        assert_eq!(with(number, array), refused(Status::Shape, text));
    }
    let negative = Array { shape: vec![-1, 2], ..f32s(&[10, 2]) };
    assert_eq!(
        with(0, negative),
        refused(Status::Shape, "conv: tensor x: expected shape (batch..., M, 2), given shape (-1, 2)")
    );
}

#[test]
fn batches_that_do_not_broadcast() {
    let mut arrays = valid();
    arrays[0] = Array::zeros(F32, &[3, 5, 10, 2]);
    arrays[2] = Array::zeros(F32, &[2, 1, 20, 1]);
    assert_eq!(
        run(mock::full::<f32>(F32), &mut arrays, 1),
        refused(
            Status::Shape,
            "conv: tensor b: batch shape (2, 1) does not broadcast with (3, 5) of the tensors before it"
        )
    );
}

#[test]
fn rows_told_by_the_call() {
    let entry = mock::full::<f32>(F32);
    assert_eq!(
        run_with(entry, &mut valid(), 1, |call| call.rows_i = 0),
        refused(Status::Shape, "conv: rows_i is 0, but x has 10 rows; give the same number or -1")
    );
    assert_eq!(run_with(entry, &mut valid(), 1, |call| (call.rows_i, call.rows_j) = (10, 20)), (0, String::new()));
    let mut arrays = [Array::zeros(F32, &[10, 1]), Array::zeros(F32, &[10, 1])];
    assert_eq!(
        run(mock::no_reduction(), &mut arrays, 1),
        refused(Status::Shape, "double: rows_j is -1, but no tensor tells N: give it")
    );
}

#[test]
fn types() {
    let array = Array::zeros(F64, &[10, 2]);
    assert_eq!(with(0, array), refused(Status::Dtype, "conv: tensor x: expected float32, given float64"));
    let array = Array { dtype: DLDataType { code: DL_COMPLEX, bits: 64, lanes: 1 }, ..Array::zeros(F64, &[10, 2]) };
    assert_eq!(with(0, array), refused(Status::Dtype, "conv: tensor x: expected float32, given complex64"));
    let array = Array { dtype: DLDataType { code: 77, bits: 8, lanes: 4 }, ..Array::zeros(F64, &[10, 2]) };
    assert_eq!(
        with(0, array),
        refused(Status::Dtype, "conv: tensor x: expected float32, given type code 77 of 8 bits in 4 lanes")
    );
}

#[test]
fn devices() {
    let array = Array { device_type: DL_CUDA, ..Array::zeros(F32, &[10, 2]) };
    let text =
        "conv: tensor x is on CUDA device 0, but this library has no code for GPUs: compile it with --target cuda";
    assert_eq!(with(0, array), refused(Status::Device, text));
    let array = Array { device_type: 9, ..Array::zeros(F32, &[10, 1]) };
    assert_eq!(
        with(4, array),
        refused(Status::Device, "conv: result c is on a device of DLPack type 9, which is not supported")
    );
    assert_eq!(
        run_with(mock::full::<f32>(F32), &mut valid(), 1, |call| call.device_type = DL_CUDA),
        refused(Status::Device, "conv: this library has no code for GPUs: compile it with --target cuda")
    );
    assert_eq!(unsafe { keops_support_prepare(mock::full::<f32>(F32), DL_CPU, 0) }, 0);
    assert_eq!(unsafe { keops_support_prepare(mock::full::<f32>(F32), DL_CUDA, 0) }, Status::Device as i32);
}

#[test]
fn strides() {
    for (shape, strides, text) in [
        (vec![10, 1], vec![0, 1], "strides (0, 1) of shape (10, 1)"),
        (vec![2, 10, 1], vec![5, 1, 1], "strides (5, 1, 1) of shape (2, 10, 1)"),
        (vec![2, 10, 1], vec![-5, 1, 1], "strides (-5, 1, 1) of shape (2, 10, 1)"),
        (vec![2, 10, 1], vec![1, 1, 1], "strides (1, 1, 1) of shape (2, 10, 1)"),
    ] {
        let mut arrays = valid();
        if shape.len() == 3 {
            arrays[0] = Array::zeros(F32, &[2, 10, 2]);
        }
        arrays[4] = Array { shape, ..Array::zeros(F32, &[40]) }.with_strides(&strides);
        arrays[4].offset = 40;
        let text = format!("conv: result c: {text} put several elements in one place");
        assert_eq!(run(mock::full::<f32>(F32), &mut arrays, 1), refused(Status::Stride, &text));
    }
    let array = Array { offset: 2, ..Array::zeros(F32, &[10, 2]) };
    assert_eq!(with(0, array), refused(Status::Stride, "conv: tensor x: data is not aligned to 4 bytes"));
}

#[test]
fn results_that_share_memory() {
    let entry = mock::product();
    let mut memory = [0.0_f32; 24];
    let mut shape = [10_i64, 1];
    let mut call_at = |offset: usize| {
        let mut tensor = |offset: usize, shape: *mut i64| DLTensor {
            data: memory.as_mut_ptr().wrapping_add(offset).cast(),
            device: DLDevice { device_type: DL_CPU, device_id: 0 },
            ndim: 2,
            dtype: crate::support::tensor::dlpack_type(F32),
            shape,
            strides: core::ptr::null_mut(),
            byte_offset: 0,
        };
        let (x, y) = (tensor(0, shape.as_mut_ptr()), tensor(0, shape.as_mut_ptr()));
        let result = tensor(offset, shape.as_mut_ptr());
        let pointers = [&raw const x, &raw const y, &raw const result];
        let mut message = [0_i8; 200];
        let mut call = blank_call(1);
        (call.num_tensors, call.tensors, call.message, call.message_size) =
            (3, pointers.as_ptr(), message.as_mut_ptr().cast(), 200);
        let status = unsafe { keops_support_run(entry, &call) };
        let text = unsafe { CStr::from_ptr(message.as_ptr().cast()) };
        (status, text.to_str().unwrap().to_owned())
    };
    assert_eq!(call_at(0), refused(Status::Stride, "product: result c shares memory with x"));
    assert_eq!(call_at(9), refused(Status::Stride, "product: result c shares memory with x"));
    assert_eq!(call_at(10), (0, String::new()));
}

/// Steps that are longer than memory tell no elements apart.
#[test]
fn results_inside_of_what_strides_over_all_memory() {
    let mut arrays = [
        Array::zeros(F32, &[10, 1]).with_strides(&[i64::MAX, 1]),
        Array::zeros(F32, &[3, 1]),
        Array::zeros(F32, &[10, 1]),
    ];
    let mut memory = Array::zeros(F32, &[20]);
    let mut tensors = arrays.each_mut().map(Array::tensor);
    tensors[0].data = memory.pointer();
    tensors[2].data = memory.pointer().wrapping_byte_add(40);
    let pointers = tensors.each_ref().map(core::ptr::from_ref);
    let answer = run_with(mock::product(), &mut [], 1, |call| {
        (call.num_tensors, call.tensors) = (3, pointers.as_ptr());
    });
    assert_eq!(answer, refused(Status::Stride, "product: result c shares memory with x"));
}

/// Nothing is read of a shape that has more extents than a tensor can have.
#[test]
fn too_many_dimensions_for_clusters() {
    let labels = Array::zeros(I64, &[4]);
    for (dimensions, text) in [(33, "33"), (i32::MAX, "2147483647"), (-1, "-1")] {
        let (mut labels, mut order) = (labels.clone(), labels.clone());
        let mut tensors = [labels.tensor(), order.tensor()];
        tensors[0].ndim = dimensions;
        let mut message = [0x55_u8; 100];
        let size = message.len() as u64;
        let status = unsafe { (CLUSTERS.cluster_order)(&tensors[0], &tensors[1], message.as_mut_ptr().cast(), size) };
        let said = CStr::from_bytes_until_nul(&message).unwrap().to_str().unwrap().to_owned();
        let expected = format!("cluster_order: labels has {text} dimensions, at most 32 are possible");
        assert_eq!((status, said), refused(Status::Shape, &expected));
    }
}

#[test]
fn counts_options_and_null() {
    let entry = mock::full::<f32>(F32);
    let change = |change: fn(&mut Call)| run_with(entry, &mut valid(), 1, change);
    assert_eq!(
        change(|call| call.num_tensors = 3),
        refused(Status::Arguments, "conv: expected 5 tensors (x, y, b, p, c), given 3")
    );
    assert_eq!(
        change(|call| call.threads = -2),
        refused(Status::Arguments, "conv: threads is -2, expected 0 (automatic) or more")
    );
    assert_eq!(
        change(|call| call.tensors = core::ptr::null()),
        refused(Status::NullPointer, "conv: the array of tensors is NULL")
    );
    assert_eq!(change(|call| call.struct_size = 95).0, Status::Arguments as i32);
    assert_eq!(change(|call| call.struct_size = 200), (0, String::new()));
    assert_eq!(unsafe { keops_support_run(entry, core::ptr::null()) }, Status::NullPointer as i32);
    assert_eq!(
        unsafe { keops_support_workspace(entry, &blank_call(1), core::ptr::null_mut()) },
        Status::NullPointer as i32
    );
    let null = Array { bytes: vec![], ..Array::zeros(F32, &[10, 2]) };
    assert_eq!(with(0, null), refused(Status::NullPointer, "conv: tensor x: data is NULL, but the shape is (10, 2)"));
}

#[test]
fn a_null_tensor_and_a_null_shape() {
    let mut tensors: Vec<DLTensor> = valid().iter_mut().map(Array::tensor).collect();
    tensors[0].shape = core::ptr::null_mut();
    let mut pointers: Vec<*const DLTensor> = tensors.iter().map(core::ptr::from_ref).collect();
    let mut arrays = valid();
    let entry = mock::full::<f32>(F32);
    assert_eq!(
        run_with(entry, &mut arrays, 1, |call| call.tensors = pointers.as_ptr()),
        refused(Status::NullPointer, "conv: tensor x: shape is NULL")
    );
    pointers[0] = core::ptr::null();
    assert_eq!(
        run_with(entry, &mut arrays, 1, |call| call.tensors = pointers.as_ptr()),
        refused(Status::NullPointer, "conv: tensor x is NULL")
    );
}

#[test]
fn messages_are_cut_to_fit() {
    let entry = mock::full::<f32>(F32);
    let mut arrays = valid();
    arrays[0] = Array::zeros(F32, &[10, 3]);
    assert_eq!(run_with(entry, &mut arrays, 1, |call| call.message_size = 7), refused(Status::Shape, "conv: "));
    assert_eq!(run_with(entry, &mut arrays, 1, |call| call.message_size = 1), refused(Status::Shape, ""));
    assert_eq!(run_with(entry, &mut arrays, 1, |call| call.message = core::ptr::null_mut()).0, Status::Shape as i32);
}

#[test]
fn plain_calls() {
    let entry = mock::full::<f32>(F32);
    assert_eq!(plain(entry, -1, 20, &mut valid()), Status::Shape as i32);
    assert_eq!(plain(entry, 10, -1, &mut valid()), Status::Shape as i32);
    let mut arrays = valid();
    arrays[1].bytes.clear();
    assert_eq!(plain(entry, 10, 20, &mut arrays), Status::NullPointer as i32);
    arrays[2].bytes.clear();
    assert_eq!(plain(entry, 10, 0, &mut arrays), 0);
    let mut shared = [0.0_f32; 10];
    let pointer = shared.as_mut_ptr().cast();
    let pointers = [pointer, pointer, pointer];
    assert_eq!(
        unsafe { crate::support::keops_support_plain(mock::product(), 10, 10, pointers.as_ptr()) },
        Status::Stride as i32
    );
}

/// Rows that are all one element make a huge problem out of little memory: its records cannot be had.
#[test]
fn memory_that_cannot_be_had() {
    let rows = 1_i64 << 56;
    let huge = |dim: i64| Array { shape: vec![rows, dim], ..Array::zeros(F32, &[1, dim]) }.with_strides(&[0, 1]);
    let mut arrays = valid();
    (arrays[1], arrays[2]) = (huge(2), huge(1));
    assert_eq!(run(mock::full::<f32>(F32), &mut arrays, 1), refused(Status::Memory, "conv: out of memory"));
    let rows = i64::MAX;
    let huge = |dim: i64| Array { shape: vec![rows, dim], ..Array::zeros(F32, &[1, dim]) }.with_strides(&[0, 1]);
    (arrays[1], arrays[2]) = (huge(2), huge(1));
    assert_eq!(run(mock::full::<f32>(F32), &mut arrays, 8), refused(Status::Memory, "conv: out of memory"));
}

#[test]
fn every_status_has_a_text() {
    let text = |status: i32| unsafe { CStr::from_ptr(keops_support_strerror(status)) }.to_str().unwrap();
    let texts: std::collections::HashSet<&str> = (0..=13).map(text).collect();
    assert_eq!(texts.len(), 14);
    assert!(!texts.contains("unknown status"));
    assert_eq!((text(14), text(-1), text(0)), ("unknown status", "unknown status", "success"));
    assert_eq!(unsafe { CStr::from_ptr(keops_support_target(mock::product())) }, c"generic");
}
