"""
Reductions over all pairs of points, compiled by keopsc, which never store the matrix of pairs. Points are columns.

    F = keops_kernel("Exp(-p * SqDist(x, y)) * b", "p = Pm(1)", "x = Vi(3)", "y = Vj(3)", "b = Vj(2)")
    a = F(0.25, x, y, b)                                   # 2 x M: for each column of x a sum over the columns of y
    g = keops_grad(F, "x")(0.25, x, y, b, ones(2, M))      # 3 x M: the gradient of sum(a) in x

`keops_file` has the functions of a formula file. What goes wrong is a `KeopsError`.
"""
module Keopsc

using Libdl
using LinearAlgebra: Adjoint, Transpose

export keops_kernel, keops_grad, keops_file, KeopsError

include("errors.jl")
include("compiler.jl")
include("abi.jl")
include("json.jl")
include("library.jl")
include("call.jl")
include("kernel.jl")
include("file.jl")

end
