//! Types shared by both representations.

use std::fmt;

/// The two indices of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Axis {
    /// The first, `Vi`, 1..M.
    I,
    /// The second, `Vj`, 1..N.
    J,
}

/// The indices that a value depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// None: the same for all pairs.
    Parameter,
    /// i only.
    I,
    /// j only.
    J,
    /// Both.
    Pair,
}

impl Role {
    /// The indices that either depends on.
    pub fn union(self, other: Role) -> Role {
        use Role::*;
        match (self, other) {
            (Parameter, role) | (role, Parameter) => role,
            (I, I) => I,
            (J, J) => J,
            _ => Pair,
        }
    }

    /// Whether every index of `other` is one of this role's.
    pub fn contains(self, other: Role) -> bool {
        self.union(other) == self
    }

    /// Whether it depends on that index.
    pub fn has(self, axis: Axis) -> bool {
        self.contains(axis.role())
    }
}

impl Axis {
    /// The role of a value that depends on this index alone.
    pub fn role(self) -> Role {
        match self {
            Axis::I => Role::I,
            Axis::J => Role::J,
        }
    }

    /// The other index.
    pub fn other(self) -> Axis {
        match self {
            Axis::I => Axis::J,
            Axis::J => Axis::I,
        }
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Axis::I => "i",
            Axis::J => "j",
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Parameter => "p",
            Role::I => "i",
            Role::J => "j",
            Role::Pair => "ij",
        })
    }
}

/// How a tensor is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScalarType {
    /// IEEE half precision; arithmetic in f32.
    F16,
    /// bfloat16; arithmetic in f32.
    BF16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Row numbers.
    I64,
    /// Complex numbers of single precision: re and im. In formulas two components each.
    C64,
    /// Complex numbers of double precision.
    C128,
}

impl ScalarType {
    /// The name in formula files.
    pub fn name(self) -> &'static str {
        match self {
            ScalarType::F16 => "f16",
            ScalarType::BF16 => "bf16",
            ScalarType::F32 => "f32",
            ScalarType::F64 => "f64",
            ScalarType::I64 => "i64",
            ScalarType::C64 => "c64",
            ScalarType::C128 => "c128",
        }
    }

    /// The types that numbers may be stored in, by all spellings; the first of each is [`ScalarType::name`].
    pub const NAMES: &[(&str, ScalarType)] = &[
        ("f16", ScalarType::F16),
        ("bf16", ScalarType::BF16),
        ("f32", ScalarType::F32),
        ("f64", ScalarType::F64),
        ("half", ScalarType::F16),
        ("float16", ScalarType::F16),
        ("bfloat16", ScalarType::BF16),
        ("float", ScalarType::F32),
        ("float32", ScalarType::F32),
        ("double", ScalarType::F64),
        ("float64", ScalarType::F64),
        ("c64", ScalarType::C64),
        ("c128", ScalarType::C128),
        ("complex64", ScalarType::C64),
        ("complex128", ScalarType::C128),
    ];

    /// The storage type of numbers that is called so.
    pub fn from_name(name: &str) -> Option<ScalarType> {
        ScalarType::NAMES.iter().find(|(known, _)| *known == name).map(|(_, scalar)| *scalar)
    }

    /// The type that arithmetic on it is done in.
    pub fn computing(self) -> ScalarType {
        match self {
            ScalarType::F64 | ScalarType::C128 => ScalarType::F64,
            _ => ScalarType::F32,
        }
    }

    /// Whether an element is a complex number.
    pub fn is_complex(self) -> bool {
        matches!(self, ScalarType::C64 | ScalarType::C128)
    }

    /// How many components of a formula an element is.
    pub fn components(self) -> u32 {
        if self.is_complex() { 2 } else { 1 }
    }

    /// The type of the parts of a complex number; a real type is its own.
    pub fn real(self) -> ScalarType {
        match self {
            ScalarType::C64 => ScalarType::F32,
            ScalarType::C128 => ScalarType::F64,
            other => other,
        }
    }

    /// The complex type that holds such numbers as parts: the narrowest there is.
    pub fn complex(self) -> ScalarType {
        match self.computing() {
            ScalarType::F64 => ScalarType::C128,
            _ => ScalarType::C64,
        }
    }

    /// Bytes of an element.
    pub fn size(self) -> u64 {
        match self {
            ScalarType::F16 | ScalarType::BF16 => 2,
            ScalarType::F32 => 4,
            ScalarType::F64 | ScalarType::I64 | ScalarType::C64 => 8,
            ScalarType::C128 => 16,
        }
    }
}

/// A float64 that is compared and hashed by its bits, so that -0 and 0 differ and NaN equals itself.
#[derive(Clone, Copy, Debug)]
pub struct Float(pub f64);

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}
impl Eq for Float {}
impl std::hash::Hash for Float {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// Everything that trades speed for accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Numerics {
    /// How sums are accumulated.
    pub sum: SumScheme,
    /// The accumulators' type, where it is asked for: f32 or f64, no narrower than the computing type.
    pub accumulate: Option<ScalarType>,
    /// Which laws simplification may apply.
    pub algebra: Algebra,
    /// How exact the numbers are that are multiplied in sums of many products.
    pub products: Products,
}

impl Default for Numerics {
    fn default() -> Self {
        Numerics { sum: SumScheme::Auto, accumulate: None, algebra: Algebra::Exact, products: Products::Auto }
    }
}

impl Numerics {
    /// The type of the accumulators of what is computed in `compute`.
    pub fn accumulators(&self, compute: ScalarType) -> ScalarType {
        self.accumulate.unwrap_or(compute)
    }
}

/// How sums are accumulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SumScheme {
    /// Running sums of short chunks of columns, added in a binary tree.
    Auto,
    /// One running sum in the order of the columns.
    Direct,
    /// Running sums of blocks of about √N columns, added in the order of the blocks.
    Block,
    /// Compensated running sums of chunks, added in a binary tree, compensated too.
    Kahan,
}

/// Which laws simplification may apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algebra {
    /// Those that keep the accuracy of the formula as written.
    Exact,
    /// Also those that may lose it to cancellation or overflow.
    Fast,
}

impl Algebra {
    /// The choices by name.
    pub const NAMES: &[(&str, Algebra)] = &[("exact", Algebra::Exact), ("fast", Algebra::Fast)];

    /// The name in formula files.
    pub fn name(self) -> &'static str {
        match self {
            Algebra::Exact => "exact",
            Algebra::Fast => "fast",
        }
    }

    /// The choice that is called so.
    pub fn from_name(name: &str) -> Option<Algebra> {
        Algebra::NAMES.iter().find(|(known, _)| *known == name).map(|(_, algebra)| *algebra)
    }
}

/// How exact the numbers are that are multiplied in sums of many products, where a machine multiplies less exact ones faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Products {
    /// As exact as the computing type.
    Auto,
    /// At least as exact as in TensorFloat-32: 11 significant bits.
    Tf32,
    /// At least as exact as in bfloat16: 8 significant bits.
    Bf16,
}

impl Products {
    /// The choices by all spellings; the first of each is [`Products::name`].
    pub const NAMES: &[(&str, Products)] =
        &[("auto", Products::Auto), ("tf32", Products::Tf32), ("bf16", Products::Bf16), ("full", Products::Auto)];

    /// The name in formula files.
    pub fn name(self) -> &'static str {
        match self {
            Products::Auto => "auto",
            Products::Tf32 => "tf32",
            Products::Bf16 => "bf16",
        }
    }

    /// The choice that is called so.
    pub fn from_name(name: &str) -> Option<Products> {
        Products::NAMES.iter().find(|(known, _)| *known == name).map(|(_, products)| *products)
    }
}

impl SumScheme {
    /// The schemes by all spellings, KeOps' included; the first of each is [`SumScheme::name`].
    pub const NAMES: &[(&str, SumScheme)] = &[
        ("auto", SumScheme::Auto),
        ("direct", SumScheme::Direct),
        ("block", SumScheme::Block),
        ("kahan", SumScheme::Kahan),
        ("direct_sum", SumScheme::Direct),
        ("block_sum", SumScheme::Block),
        ("kahan_scheme", SumScheme::Kahan),
    ];

    /// The name in formula files.
    pub fn name(self) -> &'static str {
        match self {
            SumScheme::Auto => "auto",
            SumScheme::Direct => "direct",
            SumScheme::Block => "block",
            SumScheme::Kahan => "kahan",
        }
    }

    /// The scheme that is called so.
    pub fn from_name(name: &str) -> Option<SumScheme> {
        SumScheme::NAMES.iter().find(|(known, _)| *known == name).map(|(_, scheme)| *scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_what_they_are_printed_for() {
        for (name, scalar) in ScalarType::NAMES {
            assert_eq!(ScalarType::from_name(name), Some(*scalar));
            assert_eq!(ScalarType::from_name(scalar.name()), Some(*scalar));
        }
        for (name, scheme) in SumScheme::NAMES {
            assert_eq!(SumScheme::from_name(name), Some(*scheme));
            assert_eq!(SumScheme::from_name(scheme.name()), Some(*scheme));
        }
        for (name, algebra) in Algebra::NAMES {
            assert_eq!(Algebra::from_name(name), Some(*algebra));
            assert_eq!(Algebra::from_name(algebra.name()), Some(*algebra));
        }
        for (name, products) in Products::NAMES {
            assert_eq!(Products::from_name(name), Some(*products));
            assert_eq!(Products::from_name(products.name()), Some(*products));
        }
        assert_eq!((ScalarType::from_name("i64"), SumScheme::from_name("quick")), (None, None));
    }
}
