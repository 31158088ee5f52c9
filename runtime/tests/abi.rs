//! The structs of the public half of the ABI lie in memory as version 1 fixed it: `tests/abi/1.txt`, which tests/python/test_abi.py holds C's to.

use std::mem::{offset_of, size_of};

use keopsc_runtime::abi::{Call, Clusters, DLDataType, DLDevice, DLTensor, EntryPoint, Module};
use keopsc_runtime::manifest::Manifest;

const FIXED: &str = include_str!("../../tests/abi/1.txt");

/// A line of the file: the struct's name in C, its size, and where each field begins.
macro_rules! line {
    ($name:literal, $type:ty, $($field:ident)+) => {{
        let fields = [$((stringify!($field), offset_of!($type, $field))),+];
        let places: Vec<String> = fields.iter().map(|(field, offset)| format!(" {field} {offset}")).collect();
        format!("{} {}:{}\n", $name, size_of::<$type>(), places.join(","))
    }};
}

#[test]
fn structs_lie_as_version_1_fixed_them() {
    let lines = [
        line!("DLDevice", DLDevice, device_type device_id),
        line!("DLDataType", DLDataType, code bits lanes),
        line!("DLTensor", DLTensor, data device ndim dtype shape strides byte_offset),
        line!("keops_call", Call, struct_size num_tensors tensors rows_i rows_j threads device_type device_id check stream ranges workspace
            workspace_size message message_size),
        line!("keops_entry_v1", EntryPoint, struct_size num_tensors name run prepare workspace partial merge finalize state_size shard),
        line!("keops_clusters_v1", Clusters, struct_size reserved grid_cluster cluster_order cluster_ranges cluster_centroids from_matrix),
        line!("keops_module", Module, struct_size abi_version name manifest manifest_size num_entries entry_size entries strerror target
            clusters),
    ];
    assert_eq!(lines.concat(), FIXED);
}

/// What a library of version 1 says of itself is read.
#[test]
fn manifests_of_version_1_are_read() {
    let text = include_str!("../../tests/abi/1.json");
    let manifest = Manifest::from_json(text).expect("it was read when it was made");
    assert_eq!(
        manifest.entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(),
        ["conv", "conv_x", "f", "nn"]
    );
    let shards = manifest.entries[0].shards.as_ref().expect("a sum has shards");
    assert_eq!(shards.record_size, 8);
}
