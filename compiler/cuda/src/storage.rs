//! How tensors are stored: pointer types, loads and stores, and the helpers that a text needs for them.

use keopsc_ir::types::ScalarType;

use crate::spelling::Text;

/// The C type of a stored component. Those of complex numbers lie one after the other.
pub(crate) fn stored_type(scalar: ScalarType) -> &'static str {
    match scalar {
        ScalarType::F16 | ScalarType::BF16 => "unsigned short",
        ScalarType::F32 | ScalarType::C64 => "float",
        ScalarType::F64 | ScalarType::C128 => "double",
        ScalarType::I64 => "long long",
    }
}

/// A stored component as one of the computing type; row numbers stay what they are.
pub(crate) fn load(element: String, stored: ScalarType, computing: ScalarType) -> Text {
    Text::primary(match stored.real() {
        ScalarType::F16 => format!("load_f16({element})"),
        ScalarType::BF16 => format!("load_bf16({element})"),
        ScalarType::F64 if computing != ScalarType::F64 => format!("(float){element}"),
        _ => element,
    })
}

/// A computed number as it is stored.
pub(crate) fn store(value: &Text, stored: ScalarType, computing: ScalarType) -> String {
    use crate::spelling::Binding::Primary;
    match stored.real() {
        ScalarType::F16 => format!("store_f16({})", value.loose()),
        ScalarType::BF16 => format!("store_bf16({})", value.loose()),
        ScalarType::F32 if computing == ScalarType::F64 => format!("(float){}", value.at(Primary)),
        _ => value.loose().to_string(),
    }
}

/// Name and definition of what kernels may mention. Headers are not needed for it, and NVRTC has none.
const HELPERS: &[(&str, &str)] = &[
    ("INFINITY_F32", "#define INFINITY_F32 __int_as_float(0x7f800000)\n"),
    ("INFINITY_F64", "#define INFINITY_F64 __longlong_as_double(0x7ff0000000000000ll)\n"),
    ("NAN_F32", "#define NAN_F32 __int_as_float(0x7fffffff)\n"),
    ("NAN_F64", "#define NAN_F64 __longlong_as_double(0x7fffffffffffffffll)\n"),
    (
        "load_f16",
        "
static __device__ __forceinline__ float load_f16(unsigned short half)
{
    float value;
    asm(\"cvt.f32.f16 %0, %1;\" : \"=f\"(value) : \"h\"(half));
    return value;
}
",
    ),
    (
        "store_f16",
        "
static __device__ __forceinline__ unsigned short store_f16(float value)
{
    unsigned short half;
    asm(\"cvt.rn.f16.f32 %0, %1;\" : \"=h\"(half) : \"f\"(value));
    return half;
}
",
    ),
    (
        "load_bf16",
        "
// The upper half of a float.
static __device__ __forceinline__ float load_bf16(unsigned short half)
{
    return __uint_as_float((unsigned int)half << 16);
}
",
    ),
    (
        "store_bf16",
        "
// To the nearest, ties to even; a NaN stays one.
static __device__ __forceinline__ unsigned short store_bf16(float value)
{
    const unsigned int bits = __float_as_uint(value);
    const unsigned int rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (unsigned short)(value == value ? rounded : 0x7fffu);
}
",
    ),
];

/// The definitions of the helpers that `kernels` mentions.
pub(crate) fn helpers(kernels: &str) -> String {
    let mentioned = HELPERS.iter().filter(|(name, _)| kernels.contains(name));
    mentioned.map(|(_, definition)| *definition).collect()
}
