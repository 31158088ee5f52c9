# keops_kernel and keops_grad: formulas and declarations -> functions.

"A function that [`keops_kernel`](@ref) or [`keops_grad`](@ref) made."
struct Kernel
    declarations::Vector{String}
    "The first is a reduction, each further one may use the one before, as keops_1, keops_2, ...; the last is the result."
    steps::Vector{String}
    flags::Vector{String}
    place::Place
    "What is declared, in the order of the call."
    declared::Vector{Argument}
    "The compiled function for each type of numbers."
    entries::Dict{DataType,Entry}
end

"""
    keops_kernel(formula, declarations...; sum = "auto", accumulate = "auto", products = "auto", threads = 0, gpu = nothing)

A function that reduces a formula over all pairs of points, without storing them. It is called with arrays in the order in which they are declared; points
are columns. `"x = Vi(3)"` is an array 3 x M with a column for each i, `"y = Vj(3)"` one for each j, `"p = Pm(1)"` a parameter: a number or a vector.
`"x = Vi(0, 3)"` gives the place of an argument, from 0. One number for each i or j may be a vector. More axes are batches, which broadcast.

The formula is keopsc's (`"Sum[j](Exp(-p * SqDist(x, y)) * b)"`) or KeOps' (`"Sum_Reduction(..., 0)"`); one that is no reduction is summed over j.
`GaussKernel(c, x, y, b)` and the other kernels of the library `kernels` are known. Results have a column for each i (or j); reductions that choose have column
numbers as their second result, or as their only one. These count from 1, and 0 is no column.

Numbers are Float64 or Float32, as those of the arrays are. Arrays are not copied: views, `x'` and `PermutedDimsArray`s have strides that the library follows. `sum` and `accumulate` say how sums are made,
`products` how exact sums of many coordinates are on GPUs, `gpu = 0` computes on that NVIDIA GPU, from the processor's memory and back. Errors are [`KeopsError`](@ref)s.

# Examples
```julia
F = keops_kernel("Exp(-p * SqDist(x, y)) * b", "p = Pm(1)", "x = Vi(3)", "y = Vj(3)", "b = Vj(1)")
a = F(0.25, randn(3, 1000), randn(3, 2000), rand(2000))
```
"""
function keops_kernel(formula::AbstractString, declarations::AbstractString...; sum = "auto", accumulate = "auto", products = "auto", threads = 0, gpu = nothing)
    if !occursin(r"_Reduction\s*\(|\w\s*\[\s*[ij]\s*[,\]]", formula)
        formula = "Sum[j]($formula)"
    end
    target = gpu === nothing ? "native" : "native,cuda"
    flags = ["--sum", string(sum), "--accumulate", string(accumulate), "--products", string(products), "--target", target]
    return checked(Kernel(collect(declarations), [formula], flags, Place(threads, gpu), read_declarations(declarations), Dict()))
end

"""
    keops_grad(F, variable)

The gradient of a function that [`keops_kernel`](@ref) made. It has the arguments of `F` and one more, `e`, of the shape of F's result: the derivative of
`sum(e .* F(...))` in the variable, of the variable's shape. It may be differentiated again.
"""
function keops_grad(F::Kernel, variable::Union{AbstractString,Symbol})
    step = "Grad(keops_$(length(F.steps)), $variable)"
    return checked(Kernel(F.declarations, [F.steps; step], F.flags, F.place, F.declared, Dict()))
end

function (F::Kernel)(values...)
    entry = entry_for(F, numbers_of(F, values))
    known = [argument.name for argument in F.declared]
    others = [Argument(tensor.name, tensor.role, dim(tensor)) for tensor in entry.tensors if !is_result(tensor) && !(tensor.name in known)]
    return evaluate(entry, [F.declared; others], values, F.place)
end

Base.show(io::IO, F::Kernel) = print(io, "keopsc function of (", join(described.(F.declared), ", "), "): ", F.steps[end])

"The text of the formula file."
function text(F::Kernel)
    named = ["keops_$number = $step" for (number, step) in enumerate(F.steps[1:end-1])]
    library = occursin(r"\w+Kernel\s*\(", F.steps[1]) ? ["use kernels"] : String[]
    return join([library; F.declarations; named; "out result = $(F.steps[end])"], "\n")
end

"The function, if the compiler has nothing against it."
function checked(F::Kernel)
    keopsc(["check", "-e", text(F)])
    return F
end

"The compiled function for a type of numbers."
function entry_for(F::Kernel, type::DataType)
    lock(LOCK) do
        get!(F.entries, type) do
            dtype = type == Float32 ? "f32" : "f64"
            load_library(keopsc(["compile"; "--cached"; "--dtype"; dtype; F.flags; "-e"; text(F)]))[1]
        end
    end
end

"The type of numbers of a call: that of the arrays with columns, else that of parameters, else Float64."
function numbers_of(F::Kernel, values::Tuple)
    is_number_type(value) = value isa AbstractArray && eltype(value) in (Float32, Float64)
    columns = [value for (argument, value) in zip(F.declared, values) if argument.role != "parameter" && is_number_type(value)]
    all = [columns; filter(is_number_type, collect(Any, values))]
    return isempty(all) ? Float64 : eltype(all[1])
end

const ROLES = Dict("Vi" => "i", "Vx" => "i", "Vj" => "j", "Vy" => "j", "Pm" => "parameter")

function read_declarations(declarations)
    placed = Dict{Int,Argument}()
    for (number, declaration) in enumerate(declarations)
        parts = match(r"^\s*(\w+)\s*=\s*(V[ijxy]|Pm)\s*\(\s*(?:(\d+)\s*,\s*)?(\d+)\s*\)\s*$", declaration)
        parts === nothing && throw(KeopsError(:formula, "$declaration: expected a declaration such as x = Vi(3)"))
        place = parts[3] === nothing ? number : parse(Int, parts[3]) + 1
        placed[place] = Argument(parts[1], ROLES[parts[2]], parse(Int, parts[4]))
    end
    sort(collect(keys(placed))) == 1:length(declarations) || throw(KeopsError(:formula, "places of arguments go from 0 to $(length(declarations) - 1), each once"))
    return [placed[place] for place = 1:length(declarations)]
end
