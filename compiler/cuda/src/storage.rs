//! How tensors are stored: pointer types, loads and stores.

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

/// The real numbers of an element: their steps are counted in elements.
pub(crate) fn parts(scalar: ScalarType) -> u32 {
    scalar.components()
}

/// A stored component as one of the computing type; row numbers stay what they are.
pub(crate) fn load(element: String, stored: ScalarType, computing: ScalarType) -> Text {
    let single = |text: String| if computing == ScalarType::F64 { format!("widen({text})") } else { text };
    Text::primary(match stored.real() {
        ScalarType::F16 => single(format!("load_f16({element})")),
        ScalarType::BF16 => single(format!("load_bf16({element})")),
        ScalarType::F32 => single(element),
        ScalarType::F64 if computing != ScalarType::F64 => format!("narrow({element})"),
        _ => element,
    })
}

/// A computed number as it is stored.
pub(crate) fn store(value: &Text, stored: ScalarType, computing: ScalarType) -> String {
    let value = value.loose();
    let single = || if computing == ScalarType::F64 { format!("narrow({value})") } else { value.to_owned() };
    match stored.real() {
        ScalarType::F16 => format!("store_f16({})", single()),
        ScalarType::BF16 => format!("store_bf16({})", single()),
        ScalarType::F32 => single(),
        ScalarType::F64 if computing != ScalarType::F64 => format!("widen({value})"),
        _ => value.to_owned(),
    }
}
