# The types of layer 2 (docs/abi.md), field by field as in keopsc_abi.h; tests/test_julia.py compares them with it.

struct DLDevice
    device_type::Int32
    device_id::Int32
end

struct DLDataType
    code::UInt8
    bits::UInt8
    lanes::UInt16
end

struct DLTensor
    data::Ptr{Cvoid}
    device::DLDevice
    ndim::Int32
    dtype::DLDataType
    shape::Ptr{Int64}
    strides::Ptr{Int64}
    byte_offset::UInt64
end

struct keops_call
    struct_size::UInt32
    num_tensors::UInt32
    tensors::Ptr{Ptr{DLTensor}}
    rows_i::Int64
    rows_j::Int64
    threads::Int32
    device_type::Int32
    device_id::Int32
    check::Int32
    stream::Ptr{Cvoid}
    ranges::Ptr{Ptr{DLTensor}}
    workspace::Ptr{Cvoid}
    workspace_size::UInt64
    message::Ptr{UInt8}
    message_size::UInt64
end

struct keops_entry_v1
    struct_size::UInt32
    num_tensors::UInt32
    name::Ptr{UInt8}
    run::Ptr{Cvoid}
    prepare::Ptr{Cvoid}
    workspace::Ptr{Cvoid}
    partial::Ptr{Cvoid}
    merge::Ptr{Cvoid}
    finalize::Ptr{Cvoid}
    state_size::Ptr{Cvoid}
    shard::Ptr{Cvoid}
end

struct keops_module
    struct_size::UInt32
    abi_version::UInt32
    name::Ptr{UInt8}
    manifest::Ptr{UInt8}
    manifest_size::UInt64
    num_entries::UInt32
    entry_size::UInt32
    entries::Ptr{keops_entry_v1}
    strerror::Ptr{Cvoid}
    target::Ptr{Cvoid}
    clusters::Ptr{Cvoid}
end

const ABI_VERSION = 1
const CPU = DLDevice(1, 0)
const CUDA_DEVICE = 2

"The kind of error of each status, from 1 on."
const STATUSES = [:null_pointer, :shape, :dtype, :stride, :device, :arguments, :memory, :target, :ranges, :unsupported, :thread, :value, :driver]

"DLPack's name of a type of numbers."
dl_type(::Type{Float32}) = DLDataType(2, 32, 1)
dl_type(::Type{Float64}) = DLDataType(2, 64, 1)
dl_type(::Type{Int64}) = DLDataType(0, 64, 1)
