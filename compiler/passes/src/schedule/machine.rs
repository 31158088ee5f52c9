//! What the scheduler knows of a machine.

/// A machine with vector registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// float32 lanes of a vector register; half as many float64.
    pub lanes_f32: u32,
    /// Vector registers.
    pub registers: u32,
    /// Whether a product and an addition can be one instruction.
    pub fused: bool,
    /// Whether exponentials look up a table in registers.
    pub tables: bool,
    /// How fast it computes.
    pub ports: Ports,
}

/// How many vector instructions of a kind can begin in a cycle, and what else decides the time of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Products, with an addition or without.
    pub products: u32,
    /// Additions, comparisons, selections and integer instructions.
    pub sums: u32,
    /// All that compute together, table look-ups included.
    pub computing: u32,
    /// Loads; a broadcast is one.
    pub loads: u32,
    /// Stores.
    pub stores: u32,
    /// Instructions of any kind.
    pub all: u32,
    /// Cycles from an addition or a product to its result.
    pub latency: u32,
    /// Cycles between two quotients or roots.
    pub quotient: u32,
}
