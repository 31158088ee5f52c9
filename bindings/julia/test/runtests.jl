# julia --project=bindings/julia bindings/julia/test/runtests.jl, with the compiler as $KEOPSC, in a checkout's target/release or on the PATH.
using Keopsc, Random, Test

Random.seed!(1)

const INPUTS = ("p = Pm(1)", "x = Vi(3)", "y = Vj(3)", "b = Vj(2)")

square(v) = sum(abs2, v)
dot(v, w) = sum(v .* w)

"Formulas, and what they are for one pair."
const FORMULAS = [
    ("Exp(-p * SqDist(x, y)) * b", (p, x, y, b) -> exp(-p * square(x - y)) * b),
    ("Sum_Reduction(Exp(-p * SqDist(x, y)) * b, 0)", (p, x, y, b) -> exp(-p * square(x - y)) * b),
    ("Sum[j]((x | y) / p * b)", (p, x, y, b) -> dot(x, y) / p * b),
    ("(b | b) * x * y", (p, x, y, b) -> square(b) * x .* y),
    ("GaussKernel(p, x, y, b)", (p, x, y, b) -> exp(-p * square(x - y)) * b),
    ("LaplaceKernel(p, x, y, b)", (p, x, y, b) -> exp(-p * sqrt(square(x - y))) * b),
    ("CauchyKernel(p, x, y, b)", (p, x, y, b) -> b / (1 + p * square(x - y))),
    ("InverseMultiquadricKernel(p, x, y, b)", (p, x, y, b) -> b / sqrt(1 / p + square(x - y))),
    ("DivFreeGaussKernel(p, x, y, x)", (p, x, y, b) -> exp(-p * square(x - y)) * ((1 / p - square(x - y)) * x + dot(x, x - y) * (x - y))),
    ("CurlFreeGaussKernel(p, x, y, y)", (p, x, y, b) -> exp(-p * square(x - y)) * (y / 2p - dot(y, x - y) * (x - y))),
]

"The sum over j, written out, in Float64."
function written_out(pair, p, x, y, b)
    p, x, y, b = Float64.(p), Float64.(x), Float64.(y), Float64.(b)
    rows = length(pair(p, zeros(3), zeros(3), zeros(2)))
    a = zeros(rows, size(x, 2))
    for i in axes(x, 2), j in axes(y, 2)
        a[:, i] += pair(p, x[:, i], y[:, j], b[:, j])
    end
    return a
end

close_to(found, expected, T) = size(found) == size(expected) && eltype(found) == T && all(abs.(found - expected) .<= sqrt(eps(T)) / 50 * (1 .+ abs.(expected)))

@testset "$formula, $T, $M x $N" for (formula, pair) in FORMULAS, T in (Float32, Float64), (M, N) in ((5, 0), (0, 5), (7, 100), (130, 33))
    F = keops_kernel(formula, INPUTS...)
    p, x, y, b = rand(T), randn(T, 3, M), randn(T, 3, N), randn(T, 2, N)
    @test close_to(F(p, x, y, b), written_out(pair, p, x, y, b), T)
end

"Arrays in memory that hold the same numbers: whole, every second column of another, backwards, some of the rows, reshaped, rows of another."
layouts(A) = [
    A,
    (B = zeros(eltype(A), size(A, 1), 2 * size(A, 2)); B[:, 1:2:end] = A; view(B, :, 1:2:2*size(A, 2))),
    view(A[:, end:-1:1], :, size(A, 2):-1:1),
    (B = zeros(eltype(A), size(A, 1) + 3, size(A, 2)); B[3:end-1, :] = A; view(B, 3:size(A, 1)+2, :)),
    reshape(view(vec(A), :), size(A)),
    permutedims(A)',
    PermutedDimsArray(permutedims(A), (2, 1)),
    transpose(view(permutedims(A), :, :)),
]

@testset "layouts" for T in (Float32, Float64)
    F = keops_kernel(FORMULAS[1][1], INPUTS...)
    p, x, y, b = rand(T), randn(T, 3, 20), randn(T, 3, 30), randn(T, 2, 30)
    a = F(p, x, y, b)
    for u in layouts(x), (v, w) in zip(layouts(y), circshift(layouts(b), 3))
        @test F([p], u, v, w) == a
    end
    @test x == layouts(x)[3]
end

@testset "arguments" begin
    s, t = randn(6), randn(9)
    F = keops_kernel("s * t", "s = Vi(1)", "t = Vj(1)")
    @test F(s, t) ≈ reshape(s * sum(t), 1, 6)
    @test F(s', transpose(t)) == F(s, t) == F(view([s; s], 1:6), view(repeat(t, inner = 2), 1:2:18)')
    # By place, and one that the formula does not mention.
    G = keops_kernel("s - t", "t = Vj(1, 1)", "s = Vi(0, 1)", "u = Vj(2, 5)")
    @test G(s, t, randn(5, 9)) ≈ reshape([sum(one .- t) for one in s], 1, 6)
    @test_throws KeopsError G(s, t, randn(5, 8))
    # Numbers of any type are parameters.
    H = keops_kernel("q * (r | s) * t", "q = Pm(1)", "r = Pm(2)", "s = Vi(2)", "t = Vj(1)")
    s = randn(Float32, 2, 4)
    expected = 3 * [1, 2]' * s * sum(Float32.(t))
    @test H(3, [1, 2], s, Float32.(t)) ≈ expected
    @test H(3.0, [1.0, 2.0], s, Float32.(t)) isa Matrix{Float32}
end

@testset "other reductions, $T" for T in (Float32, Float64)
    x, y = randn(T, 3, 8), randn(T, 3, 12)
    D = [square(x[:, i] - y[:, j]) for i = 1:8, j = 1:12]
    declared = ("x = Vi(3)", "y = Vj(3)")
    @test close_to(keops_kernel("LogSumExp[j](-SqDist(x, y))", declared...)(x, y), log.(sum(exp.(-D), dims = 2))', T)
    @test close_to(keops_kernel("Sum_Reduction(SqDist(x, y), 1)", declared...)(x, y), sum(D, dims = 1), T)
    nearest = keops_kernel("ArgMin[j](SqDist(x, y))", declared...)
    @test nearest(x, y) == [argmin(D[i, :]) for _ = 1:1, i = 1:8]
    @test nearest(x, zeros(T, 3, 0)) == zeros(Int, 1, 8)
    values, numbers = keops_kernel("Min_ArgMin[j](SqDist(x, y))", declared...)(x, y)
    @test close_to(values, minimum(D, dims = 2)', T) && numbers == nearest(x, y)
    order = hcat([sortperm(D[i, :])[1:4] for i = 1:8]...)
    @test keops_kernel("ArgKMin[j, K=4](SqDist(x, y))", declared...)(x, y) == order
    @test keops_kernel("ArgKMin[j, K=1](SqDist(x, y))", declared...)(x, y) == order[1:1, :]
    lists = keops_kernel("KMin[j, K=4](x - y)", declared...)(x, y)
    @test close_to(lists, [sort([x[d, i] - y[d, j] for j = 1:12])[k] for d = 1:3, k = 1:4, i = 1:8], T)
    # The same for each i.
    @test keops_kernel("Sum[j](y) | Sum[j](y)", declared...)(x, y) ≈ fill(square(sum(y, dims = 2)), 1, 8)
end

@testset "batches" begin
    F = keops_kernel(FORMULAS[1][1], INPUTS...)
    p, x, y, b = rand(1, 1, 2), randn(3, 5, 4, 2), randn(3, 6), randn(2, 6, 4)
    a = F(p, x, y, b)
    @test size(a) == (2, 5, 4, 2)
    for k = 1:4, l = 1:2
        @test a[:, :, k, l] ≈ F(p[1, 1, l], x[:, :, k, l], y, b[:, :, k])
    end
    # What batch elements share has one gradient.
    e = randn(2, 5, 4, 2)
    g = keops_grad(F, "y")(p, x, y, b, e)
    @test g ≈ sum(keops_grad(F, "y")(p[1, 1, l], x[:, :, k, l], y, b[:, :, k], e[:, :, k, l]) for k = 1:4, l = 1:2)
    @test size(keops_grad(F, :p)(p, x, y, b, e)) == (1, 1, 2)
    @test_throws KeopsError F(p, x, y, randn(2, 6, 3))
end

"The derivative of sum(e .* F(...)) in one argument, by differences."
function by_differences(F, values, number, e)
    gradient = zeros(size(values[number]))
    for place in eachindex(gradient)
        moved(h) = Tuple(k == number ? (v = copy(value); v[place] += h; v) : value for (k, value) in enumerate(values))
        gradient[place] = sum(e .* (F(moved(1e-5)...) - F(moved(-1e-5)...))) / 2e-5
    end
    return gradient
end

@testset "gradients of $formula" for (formula, _) in FORMULAS
    F = keops_kernel(formula, INPUTS...)
    values = ([0.7], randn(3, 4), randn(3, 6), randn(2, 6))
    e = randn(size(F(values...)))
    for (number, name) in enumerate(["p", "x", "y"])
        G = keops_grad(F, name)
        found = G(values..., e)
        @test size(found) == size(values[number])
        @test isapprox(found, by_differences(F, values, number, e), rtol = 1e-6, atol = 1e-8)
        # Another derivative: of sum(u .* G) in x.
        u = randn(size(found))
        @test isapprox(keops_grad(G, "x")(values..., e, u), by_differences((all...) -> G(all..., e), values, 2, u), rtol = 1e-6, atol = 1e-7)
    end
end

@testset "options" begin
    x, y = randn(Float32, 3, 50), randn(Float32, 3, 10_000)
    plain = keops_kernel("SqDist(x, y)", "x = Vi(3)", "y = Vj(3)")(x, y)
    @test keops_kernel("SqDist(x, y)", "x = Vi(3)", "y = Vj(3)"; threads = 1)(x, y) == plain
    exact = sum([square(Float64.(x[:, i]) - Float64.(y[:, j])) for i = 1:50, j = 1:10_000], dims = 2)'
    accurate = keops_kernel("SqDist(x, y)", "x = Vi(3)", "y = Vj(3)"; sum = "kahan", accumulate = "f64")(x, y)
    @test maximum(abs.(accurate - exact) ./ exact) < 1e-7
    @test_throws KeopsError keops_kernel("SqDist(x, y)", "x = Vi(3)", "y = Vj(3)"; sum = "fast")(x, y)
    @test keops_kernel("SqDist(x, y)", "x = Vi(3)", "y = Vj(3)"; products = "tf32")(x, y) == plain
end

@testset "files" begin
    folder = mktempdir()
    write(joinpath(folder, "defs.kf"), "def K(x, y) = Exp(-SqDist(x, y))\n")
    path = joinpath(folder, "two.kf")
    write(path, "use \"defs.kf\"\ndim D = 2\ndtype f64\nx = Vi(D)\ny = Vj(D)\nout s = Sum[j](K(x, y))\nout g = Grad(s, x)\nout n = ArgMin[j](SqDist(x, y))\n")
    x, y = randn(3, 5), randn(3, 7)
    two = keops_file(path; D = 3)
    @test keys(two) == (:s, :g, :n)
    s = [sum(exp(-square(x[:, i] - y[:, j])) for j = 1:7) for _ = 1:1, i = 1:5]
    @test two.s(x, y) ≈ s
    @test two.g(x, y, ones(1, 5)) ≈ by_differences(two.s, (x, y), 1, ones(1, 5)) rtol = 1e-6
    @test two.n(x, y) == [argmin([square(x[:, i] - y[:, j]) for j = 1:7]) for _ = 1:1, i = 1:5]
    @test_throws KeopsError two.s(Float32.(x), Float32.(y))
    @test_throws KeopsError keops_file(joinpath(folder, "none.kf"))
end

"The error that a call ends with."
function error_of(call)
    try
        call()
    catch error
        return error isa KeopsError ? (error.kind, error.message) : error
    end
    return nothing
end

struct Unknown <: AbstractMatrix{Float64} end
Base.size(::Unknown) = (3, 20)
Base.getindex(::Unknown, i::Int, j::Int) = 0.0

@testset "errors" begin
    F = keops_kernel(FORMULAS[1][1], INPUTS...)
    x, y, b = randn(3, 10), randn(3, 20), randn(2, 20)
    @test error_of(() -> F(1, x, y)) ==
          (:arguments, "expected p (a number), x (3 x M, a column for each i), y (3 x N, a column for each j), b (2 x N, a column for each j), given 3 arrays")
    @test error_of(() -> F(1, x, y', b)) == (:shape, "y is 20 x 3: expected 3 x N, a column for each j")
    @test error_of(() -> F(1, x, Unknown(), b)) == (:type, "y is a Unknown: expected an array in memory, such as collect(y)")
    @test error_of(() -> F(1, x, y[1:2, :], b)) == (:shape, "y is 2 x 20: expected 3 x N, a column for each j")
    @test error_of(() -> F(1, x, vec(y), b)) == (:shape, "y is 60: expected 3 x N, a column for each j")
    @test error_of(() -> F([1, 2], x, y, b)) == (:shape, "p is 2: expected a number")
    @test error_of(() -> F(1, x, y, b[:, 2:end])) == (:shape, "y has 20 columns and b has 19: expected one for each j in both")
    @test error_of(() -> F(1, x, Float32.(y), b)) == (:type, "y has elements of the type Float32: expected Float64")
    @test error_of(() -> F(1, x, ones(Int, 3, 20), b)) == (:type, "y has elements of the type Int64: expected Float64")
    @test error_of(() -> F(1im, x, y, b)) == (:type, "p has elements of the type Complex{Int64}: expected Float64")
    @test error_of(() -> F("1", x, y, b)) == (:type, "p is a String: expected an array")
    @test error_of(() -> F(1, randn(3, 10, 2), randn(3, 20, 3), b)) == (:shape, "y has 3 batch elements and others have 2 along the same axis")
    kind, message = error_of(() -> keops_kernel("Exp(z)", "x = Vi(3)"))
    @test kind == :formula && occursin("error[E0201]: `z` has not been given a meaning\n  --> -e:2:", message)
    @test error_of(() -> keops_kernel("x", "x = Vi(three)")) == (:formula, "x = Vi(three): expected a declaration such as x = Vi(3)")
    @test error_of(() -> keops_kernel("x", "x = Vi(0, 3)", "y = Vi(0, 3)")) == (:formula, "places of arguments go from 0 to 1, each once")
    @test error_of(() -> keops_grad(F, "z"))[1] == :formula
    @test error_of(() -> withenv(() -> keops_kernel("x", "x = Vi(3)"), "KEOPSC" => "/no/such/file"))[1] == :compiler
    @test sprint(showerror, KeopsError(:shape, "no")) == "KeopsError (shape): no"
    # What the library refuses itself.
    entry = Keopsc.entry_for(F, Float64)
    tensors = [Keopsc.whole(A, size(A)) for A in (ones(1), x, randn(2, 20), b, zeros(2, 10))]
    kind, message = error_of(() -> Keopsc.call(entry, tensors, Dict("i" => 10, "j" => 20), Keopsc.Place(0, nothing)))
    @test kind == :shape && occursin("tensor y: expected shape (batch..., N, 3), given shape (20, 2)", message)
end

@testset "many tasks" begin
    F = keops_kernel(FORMULAS[1][1], INPUTS...)
    x, y, b = randn(3, 100), randn(3, 200), randn(2, 200)
    a = F(0.5, x, y, b)
    found = Vector{Any}(undef, 32)
    Threads.@threads for k = 1:32
        found[k] = F(0.5, x, y, b)
    end
    @test all(==(a), found)
end

@testset "manifests" begin
    text = "{\"a\": [1, -2.5e1, true, false, null, []], \"b\\\"\\u00e9\\n\\/\": {\"c\" : \"é\"}, \"d\": {}}"
    @test Keopsc.read_json(text) == Dict("a" => Any[1, -25.0, true, false, nothing, Any[]], "b\"é\n/" => Dict("c" => "é"), "d" => Dict())
end
