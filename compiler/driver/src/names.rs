//! Names on this side of the formula: of the library, and of parameters in its header.
//!
//! (Names that a formula may not use are refused by `passes::resolve`.)

use keopsc_runtime::manifest::Tensor;

/// Macros that common headers define: a parameter of that name gets an underscore, which callers never see.
const MACROS: [&str; 10] = ["I", "NULL", "EOF", "errno", "stdin", "stdout", "stderr", "assert", "linux", "unix"];

/// The name of a parameter in a prototype.
pub fn c_parameter_name(name: &str) -> String {
    match MACROS.contains(&name) {
        true => format!("{name}_"),
        false => name.to_owned(),
    }
}

/// The name of a parameter that stands beside the tensors: it gives way to a tensor of that name, which callers never see either.
pub fn c_own_parameter_name(name: &str, tensors: &[Tensor]) -> String {
    let mut own = name.to_owned();
    while tensors.iter().any(|tensor| c_parameter_name(&tensor.name) == own) {
        own.push('_');
    }
    own
}

/// The C identifier that a file's stem or a `--name` stands for: `my-kernel.v2` becomes `my_kernel_v2`.
pub fn library_name(stem: &str) -> String {
    let letters = stem.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' });
    let name: String = letters.collect();
    match name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        true => name,
        false => format!("k_{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_become_identifiers() {
        let cases = [
            ("gauss", "gauss"),
            ("my-kernel.v2", "my_kernel_v2"),
            ("3d", "k_3d"),
            ("é", "k__"),
            ("", "k_"),
            ("_a", "k__a"),
        ];
        for (stem, name) in cases {
            assert_eq!(library_name(stem), name);
        }
    }

    #[test]
    fn macros_get_an_underscore() {
        assert_eq!(c_parameter_name("I"), "I_");
        assert_eq!(c_parameter_name("x"), "x");
    }
}
