# The JSON of manifests, which the compiler writes: objects become Dicts, arrays Vectors, null nothing. Julia's standard library has no reader.

mutable struct JsonText
    bytes::Vector{UInt8}
    place::Int
end

read_json(text::String) = read_value(JsonText(Vector{UInt8}(text), 1))

"The next character that is no blank."
function peek_byte(json::JsonText)
    while json.bytes[json.place] in (UInt8(' '), UInt8('\n'), UInt8('\r'), UInt8('\t'))
        json.place += 1
    end
    return Char(json.bytes[json.place])
end

function skip(json::JsonText, text::String)
    json.place += length(text)
    return nothing
end

function read_value(json::JsonText)
    first = peek_byte(json)
    first == '{' && return read_object(json)
    first == '[' && return read_array(json)
    first == '"' && return read_string(json)
    first == 't' && (skip(json, "true"); return true)
    first == 'f' && (skip(json, "false"); return false)
    first == 'n' && return skip(json, "null")
    return read_number(json)
end

function read_object(json::JsonText)
    object = Dict{String,Any}()
    skip(json, "{")
    while peek_byte(json) != '}'
        peek_byte(json) == ',' && skip(json, ",")
        peek_byte(json)
        key = read_string(json)
        peek_byte(json)
        skip(json, ":")
        object[key] = read_value(json)
    end
    skip(json, "}")
    return object
end

function read_array(json::JsonText)
    array = Any[]
    skip(json, "[")
    while peek_byte(json) != ']'
        peek_byte(json) == ',' && skip(json, ",")
        push!(array, read_value(json))
    end
    skip(json, "]")
    return array
end

function read_string(json::JsonText)
    skip(json, "\"")
    start = json.place
    while json.bytes[json.place] != UInt8('"')
        json.place += json.bytes[json.place] == UInt8('\\') ? 2 : 1
    end
    text = String(json.bytes[start:json.place-1])
    skip(json, "\"")
    # JSON's escapes are among Julia's.
    return unescape_string(replace(text, "\\/" => "/"))
end

function read_number(json::JsonText)
    start = json.place
    while Char(json.bytes[json.place]) in "+-.0123456789eE"
        json.place += 1
    end
    text = String(json.bytes[start:json.place-1])
    integer = tryparse(Int, text)
    return integer === nothing ? parse(Float64, text) : integer
end
