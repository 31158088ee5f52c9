# keops_file: a formula file -> its functions.

"A function of a formula file."
struct FileFunction
    path::String
    entry::Entry
    arguments::Vector{Argument}
    place::Place
end

"""
    keops_file(path; threads = 0, gpu = nothing, dims...)

The functions of a formula file, as a named tuple: `keops_file("gauss.kf", D = 3).conv(x, y, b, sigma)`. `dims` are values for what the file declares by
`dim`. Arguments are the inputs that an output mentions, in the order of their declaration, and after them cotangents and tangents; they have the types of the
file (`dtype`), and everything else is as for [`keops_kernel`](@ref).
"""
function keops_file(path::AbstractString; threads = 0, gpu = nothing, dims...)
    flags = collect(Iterators.flatten(("-D", "$name=$value") for (name, value) in dims))
    target = gpu === nothing ? "native" : "native,cuda"
    entries = load_library(keopsc(["compile"; "--cached"; "--target"; target; flags; String(path)]))
    functions = [FileFunction(path, entry, arguments_of(entry), Place(threads, gpu)) for entry in entries]
    return NamedTuple{Tuple(Symbol(entry.name) for entry in entries)}(Tuple(functions))
end

arguments_of(entry::Entry) = [Argument(tensor.name, tensor.role, dim(tensor)) for tensor in entry.tensors if !is_result(tensor)]

(F::FileFunction)(values...) = evaluate(F.entry, F.arguments, values, F.place)

Base.show(io::IO, F::FileFunction) = print(io, F.path, ": ", F.entry.name, "(", join(described.(F.arguments), ", "), ")")
