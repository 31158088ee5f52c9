//! Machines as processors of the last years are: SSE4.2, AVX2 and AVX-512.

use keopsc_passes::schedule::{Machine, Ports};

const PORTS: Ports = Ports { products: 2, sums: 2, computing: 4, loads: 2, stores: 2, all: 5, latency: 4, quotient: 5 };

pub const MACHINES: [Machine; 3] = [
    Machine { lanes_f32: 4, registers: 16, fused: false, tables: false, ports: Ports { all: 4, ..PORTS } },
    Machine { lanes_f32: 8, registers: 16, fused: true, tables: true, ports: PORTS },
    Machine { lanes_f32: 16, registers: 32, fused: true, tables: true, ports: Ports { stores: 1, ..PORTS } },
];
