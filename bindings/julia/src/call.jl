# Arrays -> tensors, a call, and results.
#
# What lies in memory column by column is a tensor of rows with its axes in the reverse order: 3 x M x B here is B x M x 3 there, and no number moves.

"What a function is called with: its name, whether it has a column for each i, for each j, or is a parameter, and the numbers in a column."
struct Argument
    name::String
    role::String
    dim::Int
end

"How a call is made: by how many threads (0: all), and on which GPU, if on one."
struct Place
    threads::Int
    gpu::Union{Nothing,Int}
end

"An array in memory: its axes are (dim, columns, batch...), for parameters (dim, batch...). `shape` is what the caller has."
struct Axes
    array::AbstractArray
    sizes::Vector{Int}
    strides::Vector{Int}
    shape::Dims
end

"Calls a function. `arguments` and `values` are in the caller's order; the library gets those that the formula mentions."
function evaluate(entry::Entry, arguments::Vector{Argument}, values::Tuple, place::Place)
    if length(values) != length(arguments)
        throw(KeopsError(:arguments, "expected $(join(described.(arguments), ", ")), given $(length(values)) arrays"))
    end
    inputs, outputs = filter(!is_result, entry.tensors), filter(is_result, entry.tensors)
    types = Dict(tensor.name => julia_type(tensor) for tensor in inputs)
    given = Dict(argument.name => axes_of(argument, value, get(types, argument.name, nothing)) for (argument, value) in zip(arguments, values))
    columns = Dict(role => columns_of(role, arguments, given) for role in ("i", "j"))
    batch = batch_of(inputs, given)
    results = [new_result(tensor, columns, batch, given) for tensor in outputs]
    call(entry, [[given[tensor.name] for tensor in inputs]; results], columns, place)
    shown = Tuple(shown_result(tensor, result) for (tensor, result) in zip(outputs, results))
    return length(shown) == 1 ? shown[1] : shown
end

# ---- arguments

axes_of(argument::Argument, value::Number, type) = axes_of(argument, fill(value, 1), type)

function axes_of(argument::Argument, value::AbstractArray, type)
    is_parameter = argument.role == "parameter"
    if type !== nothing
        # Parameters are small.
        is_parameter && eltype(value) <: Real && eltype(value) != type && (value = convert(Array{type}, value))
        eltype(value) == type || throw(KeopsError(:type, "$(argument.name) has elements of the type $(eltype(value)): expected $type"))
    end
    array, steps = in_memory(value)
    if type !== nothing && steps === nothing
        throw(KeopsError(:type, "$(argument.name) is a $(nameof(typeof(value))): expected an array in memory, such as collect($(argument.name))"))
    end
    sizes = collect(size(value))
    # Where the formula does not mention it only the sizes count.
    steps = steps === nothing ? zero(sizes) : collect(steps)
    # One number for each i or j may be a vector.
    if !is_parameter && argument.dim == 1 && length(sizes) == 1
        pushfirst!(sizes, 1)
        pushfirst!(steps, 1)
    end
    if length(sizes) < (is_parameter ? 1 : 2) || sizes[1] != argument.dim
        throw(KeopsError(:shape, "$(argument.name) is $(join(size(value), " x ")): expected $(expected(argument))"))
    end
    return Axes(array, sizes, steps, size(value))
end

axes_of(argument::Argument, value, type) = throw(KeopsError(:type, "$(argument.name) is a $(typeof(value)): expected an array"))

"The array that holds the numbers, and the strides; nothing where there is no such array."
in_memory(value::StridedArray) = (value, strides(value))
in_memory(value::AbstractArray) = (value, nothing)

function in_memory(value::PermutedDimsArray{T,N,order}) where {T,N,order}
    array, steps = in_memory(parent(value))
    return (array, steps === nothing ? nothing : map(axis -> steps[axis], order))
end

function in_memory(value::Union{Adjoint{T},Transpose{T}}) where {T<:Real}
    array, steps = in_memory(parent(value))
    steps === nothing && return (array, nothing)
    return (array, ndims(parent(value)) == 1 ? (1, steps...) : reverse(steps))
end

described(argument::Argument) = "$(argument.name) ($(expected(argument)))"

function expected(argument::Argument)
    argument.role == "i" && return "$(argument.dim) x M, a column for each i"
    argument.role == "j" && return "$(argument.dim) x N, a column for each j"
    return argument.dim == 1 ? "a number" : "$(argument.dim) numbers"
end

"How many columns the arguments of that role have, or -1 where there are none."
function columns_of(role::String, arguments::Vector{Argument}, given::Dict{String,Axes})
    names = [argument.name for argument in arguments if argument.role == role]
    isempty(names) && return -1
    first = given[names[1]].sizes[2]
    for name in names
        if given[name].sizes[2] != first
            throw(KeopsError(:shape, "$(names[1]) has $first columns and $name has $(given[name].sizes[2]): expected one for each $role in both"))
        end
    end
    return first
end

batch_axes(tensor::Tensor, axes::Axes) = axes.sizes[(tensor.role == "parameter" ? 2 : 3):end]

"The batch axes of a call: axes of length 1 and missing ones are repeated."
function batch_of(inputs::Vector{Tensor}, given::Dict{String,Axes})
    batch = Int[]
    for tensor in inputs, (number, count) in enumerate(batch_axes(tensor, given[tensor.name]))
        if number > length(batch)
            push!(batch, count)
        elseif batch[number] == 1
            batch[number] = count
        elseif count != 1 && count != batch[number]
            throw(KeopsError(:shape, "$(tensor.name) has $count batch elements and others have $(batch[number]) along the same axis"))
        end
    end
    return batch
end

# ---- results

"An array for a result. A gradient has the shape of its variable: the library adds up over batch elements that share it."
function new_result(tensor::Tensor, columns::Dict{String,Int}, batch::Vector{Int}, given::Dict{String,Axes})
    type = julia_type(tensor)
    if tensor.gradient_of !== nothing
        variable = given[tensor.gradient_of]
        return whole(Array{type}(undef, variable.sizes...), variable.shape)
    end
    sizes = [dim(tensor); batch]
    if tensor.role != "parameter"
        columns[tensor.role] < 0 && throw(KeopsError(:arguments, "no argument has a column for each $(tensor.role), so that the size of the result is not known"))
        insert!(sizes, 2, columns[tensor.role])
    end
    # A list of K vectors of D numbers for each column is D x K, a list of K numbers is K.
    inner = reverse(tensor.shape)
    length(inner) > 1 && inner[1] == 1 && popfirst!(inner)
    return whole(Array{type}(undef, sizes...), Dims((inner..., sizes[2:end]...)))
end

whole(array::Array, shape::Dims) = Axes(array, collect(size(array)), collect(strides(array)), shape)

"A result as the caller sees it. Columns are counted from 1, as everywhere in Julia; 0 is none."
function shown_result(tensor::Tensor, result::Axes)
    array = reshape(result.array, result.shape)
    eltype(array) == Int64 && (array .+= 1)
    return array
end

# ---- the call

function call(entry::Entry, axes::Vector{Axes}, columns::Dict{String,Int}, place::Place)
    arrays = [one.array for one in axes]
    shapes, steps = [reverse(one.sizes) for one in axes], [reverse(one.strides) for one in axes]
    message = zeros(UInt8, 1024)
    GC.@preserve arrays shapes steps message begin
        tensors = [
            DLTensor(pointer(arrays[k]), CPU, length(shapes[k]), dl_type(eltype(arrays[k])), pointer(shapes[k]), pointer(steps[k]), 0)
            for k in eachindex(arrays)
        ]
        GC.@preserve tensors begin
            pointers = [pointer(tensors, k) for k in eachindex(tensors)]
            device_type, device_id = place.gpu === nothing ? (0, 0) : (CUDA_DEVICE, place.gpu)
            GC.@preserve pointers begin
                call = keops_call(
                    sizeof(keops_call), length(pointers), pointer(pointers), columns["i"], columns["j"], place.threads, device_type, device_id,
                    0, C_NULL, C_NULL, C_NULL, 0, pointer(message), length(message),
                )
                status = ccall(entry.run, Int32, (Ref{keops_call},), call)
            end
        end
    end
    status == 0 || throw(KeopsError(get(STATUSES, status, :unknown), words(entry, status, message)))
    return nothing
end

"The library's message, or what the status says where there is none."
function words(entry::Entry, status::Integer, message::Vector{UInt8})
    text = String(message[1:findfirst(==(0x00), message)-1])
    return isempty(text) ? unsafe_string(ccall(entry.strerror, Ptr{UInt8}, (Int32,), status)) : text
end
