# The path of a library -> its functions, and what they take and give.

"An array that a function takes or gives, as the manifest describes it."
struct Tensor
    name::String
    kind::String
    role::String
    shape::Vector{Int}
    dtype::String
    gradient_of::Union{Nothing,String}
end

"The numbers in a row."
dim(tensor::Tensor) = prod(tensor.shape)

is_result(tensor::Tensor) = tensor.kind == "output"

"A function of a library. Libraries are never unloaded."
struct Entry
    name::String
    run::Ptr{Cvoid}
    strerror::Ptr{Cvoid}
    tensors::Vector{Tensor}
end

const LOCK = ReentrantLock()
const LOADED = Dict{String,Vector{Entry}}()

"The functions of a library, which is loaded when they are first asked for."
load_library(path::String) = lock(() -> get!(() -> read_library(path), LOADED, path), LOCK)

function read_library(path::String)
    handle = Libdl.dlopen(path, Libdl.RTLD_NOW | Libdl.RTLD_LOCAL)
    own = unsafe_load(ccall(Libdl.dlsym(handle, :keops_module_v1), Ptr{keops_module}, ()))
    own.abi_version == ABI_VERSION || throw(KeopsError(:compiler, "$path has version $(own.abi_version) of the interface, and $ABI_VERSION is known"))
    described = read_json(unsafe_string(own.manifest, own.manifest_size))["entries"]
    return [read_entry(own, number, described[number]) for number = 1:own.num_entries]
end

function read_entry(own::keops_module, number::Integer, described::Dict)
    place = Ptr{UInt8}(own.entries) + (number - 1) * own.entry_size
    entry = unsafe_load(Ptr{keops_entry_v1}(place))
    tensors = [read_tensor(tensor) for tensor in described["tensors"]]
    return Entry(described["name"], entry.run, own.strerror, tensors)
end

read_tensor(tensor::Dict) =
    Tensor(tensor["name"], tensor["kind"], tensor["role"], tensor["shape"], tensor["dtype"], get(tensor, "gradient_of", nothing))

"Julia's name of a type of numbers."
function julia_type(tensor::Tensor)
    tensor.dtype == "f32" && return Float32
    tensor.dtype == "f64" && return Float64
    tensor.dtype == "i64" && return Int64
    throw(KeopsError(:type, "$(tensor.name) has the type $(tensor.dtype): f32, f64 and row numbers are known here"))
end
