//! The instruction-set levels that a library carries code for: one row a level.
//!
//! A kernel is generated once a level, in a module of its own, and the library chooses among the clones when it is loaded.
//! Everything a level decides (lane counts, fused multiply-add, AVX-512 instructions) is in its row; no other file tests a name.

use inkwell::attributes::AttributeLoc;
use inkwell::context::ContextRef;
use inkwell::values::FunctionValue;
use keopsc_passes::schedule::{Machine, Ports};
use keopsc_runtime::abi;

/// An instruction-set level.
#[derive(Debug, PartialEq, Eq)]
pub struct Level {
    /// The name in options, listings and symbol suffixes.
    pub name: &'static str,
    /// What it is, for listings.
    pub description: &'static str,
    /// The processor requirement that the support code checks.
    pub requirement: u32,
    /// The architecture as target triples spell it; empty where any will do.
    pub triple_arch: &'static str,
    /// LLVM's name of the processor.
    pub cpu: &'static str,
    /// LLVM's feature string.
    pub features: &'static str,
    /// float32 values in a vector register.
    pub lanes_f32: u32,
    /// float64 values in a vector register.
    pub lanes_f64: u32,
    /// Vector registers.
    pub registers: u32,
    /// Bits of a vector register.
    pub vector_bits: u32,
    /// Whether a fused multiply-add is one instruction; where it is not, it is a multiplication and an addition.
    pub has_fma: bool,
    /// Whether AVX2 is there.
    pub has_avx2: bool,
    /// Whether the AVX-512 foundation with its BW, DQ and VL parts is there.
    pub has_avx512: bool,
    /// How fast its processors compute, for the cost model of schedules.
    pub ports: Ports,
}

/// About what processors of the last ten years do.
const COMMON: Ports =
    Ports { products: 2, sums: 2, computing: 4, loads: 2, stores: 2, all: 5, latency: 4, quotient: 5 };

/// x86-64-v2: SSE4.2, two-operand instructions, no fused multiply-add.
pub static X86_64_V2: Level = Level {
    name: "x86-64-v2",
    description: "x86-64 processors since about 2009: SSE4.2",
    requirement: abi::REQUIRES_X86_64_V2,
    triple_arch: "x86_64",
    cpu: "x86-64-v2",
    features: "",
    lanes_f32: 4,
    lanes_f64: 2,
    registers: 16,
    vector_bits: 128,
    has_fma: false,
    has_avx2: false,
    has_avx512: false,
    // Two-operand instructions need copies.
    ports: Ports { all: 4, ..COMMON },
};

/// x86-64-v3: AVX2 and fused multiply-add.
pub static X86_64_V3: Level = Level {
    name: "x86-64-v3",
    description: "x86-64 processors since about 2013: AVX2 and fused multiply-add",
    requirement: abi::REQUIRES_X86_64_V3,
    triple_arch: "x86_64",
    cpu: "x86-64-v3",
    features: "",
    lanes_f32: 8,
    lanes_f64: 4,
    registers: 16,
    vector_bits: 256,
    has_fma: true,
    has_avx2: true,
    has_avx512: false,
    ports: COMMON,
};

/// x86-64-v4: AVX-512 in full width.
pub static X86_64_V4: Level = Level {
    name: "x86-64-v4",
    description: "x86-64 processors with AVX-512",
    requirement: abi::REQUIRES_X86_64_V4,
    triple_arch: "x86_64",
    cpu: "x86-64-v4",
    features: "-prefer-256-bit",
    lanes_f32: 16,
    lanes_f64: 8,
    registers: 32,
    vector_bits: 512,
    has_fma: true,
    has_avx2: true,
    has_avx512: true,
    ports: Ports { stores: 1, ..COMMON },
};

/// aarch64 as every processor of it is: NEON, whose multiply-add is fused.
pub static AARCH64_NEON: Level = Level {
    name: "aarch64-neon",
    description: "every aarch64 processor: NEON",
    requirement: abi::REQUIRES_NOTHING,
    triple_arch: "aarch64",
    cpu: "generic",
    features: "",
    lanes_f32: 4,
    lanes_f64: 2,
    ports: COMMON,
    registers: 32,
    vector_bits: 128,
    has_fma: true,
    has_avx2: false,
    has_avx512: false,
};

/// Any other processor that LLVM knows, by generic vectors of 128 bits.
pub static PORTABLE: Level = Level {
    name: "portable",
    description: "any processor, in vectors of 128 bits",
    requirement: abi::REQUIRES_NOTHING,
    triple_arch: "",
    cpu: "generic",
    features: "",
    lanes_f32: 4,
    lanes_f64: 2,
    registers: 32,
    vector_bits: 128,
    has_fma: false,
    has_avx2: false,
    has_avx512: false,
    ports: COMMON,
};

impl Level {
    /// Every level, the most capable of an architecture last but for [`PORTABLE`].
    pub const ALL: [&'static Level; 5] = [&X86_64_V2, &X86_64_V3, &X86_64_V4, &AARCH64_NEON, &PORTABLE];

    /// The level of that name.
    pub fn from_name(name: &str) -> Option<&'static Level> {
        Level::ALL.into_iter().find(|level| level.name == name)
    }

    /// What schedules are made for.
    pub fn machine(&self) -> Machine {
        Machine {
            lanes_f32: self.lanes_f32,
            registers: self.registers,
            fused: self.has_fma,
            tables: self.has_avx512 || self.has_avx2,
            ports: self.ports,
        }
    }

    /// Marks a function as compiled for this level, whatever the module's own target machine is.
    pub fn attach(&self, context: ContextRef<'_>, function: FunctionValue<'_>) {
        let width = self.vector_bits.to_string();
        let cpu = if self.triple_arch.is_empty() { "" } else { self.cpu };
        let attributes = [
            ("target-cpu", cpu),
            ("target-features", self.features),
            ("prefer-vector-width", width.as_str()),
            ("min-legal-vector-width", width.as_str()),
            ("probe-stack", "inline-asm"),
        ];
        for (key, value) in attributes.into_iter().filter(|(_, value)| !value.is_empty()) {
            function.add_attribute(AttributeLoc::Function, context.create_string_attribute(key, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn a_register_holds_the_lanes_of_its_row() {
        for level in Level::ALL {
            assert_eq!(level.lanes_f32 * 32, level.vector_bits, "{}", level.name);
            assert_eq!(level.lanes_f64 * 64, level.vector_bits, "{}", level.name);
            assert_eq!(Level::from_name(level.name), Some(level));
        }
    }
}
