# Formula text -> the path of a compiled library, by `keopsc compile --cached`.

"The compiler: `\$KEOPSC`, or that of the same installation or checkout, or that on the `PATH`."
function compiler()
    named = get(ENV, "KEOPSC", "")
    root = dirname(@__DIR__)
    if !isempty(named)
        isfile(named) && return named
        throw(KeopsError(:compiler, "the environment variable KEOPSC is $named, which is no file"))
    end
    for path in [joinpath(root, "..", "..", "..", "bin", "keopsc"), joinpath(root, "..", "..", "target", "release", "keopsc")]
        isfile(path) && return path
    end
    path = Sys.which("keopsc")
    path === nothing && throw(KeopsError(:compiler, "the compiler keopsc is not on the PATH: set the environment variable KEOPSC to its path"))
    return path
end

"What `keopsc arguments...` prints."
function keopsc(arguments::Vector{String})
    output, errors = IOBuffer(), IOBuffer()
    process = run(pipeline(ignorestatus(`$(compiler()) $arguments`), stdout = output, stderr = errors))
    message = String(strip(String(take!(errors))))
    process.exitcode == 1 && throw(KeopsError(:formula, message))
    success(process) || throw(KeopsError(:compiler, message))
    return String(strip(String(take!(output))))
end
