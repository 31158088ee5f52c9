# What goes wrong, as an exception.

"""
    KeopsError(kind, message)

Why something could not be computed. `kind` is `:formula` (the compiler refused it, and the message shows where), `:compiler` (there is none, or it failed),
`:arguments`, `:shape`, `:type`, or a status of the library such as `:memory` or `:driver`. Nothing has been computed.
"""
struct KeopsError <: Exception
    kind::Symbol
    message::String
end

Base.showerror(io::IO, error::KeopsError) = print(io, "KeopsError (", error.kind, "): ", error.message)
