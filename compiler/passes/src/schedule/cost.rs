//! What a tile costs: cycles for one vector of pairs, from the counted work and the machine's ports.
//!
//! The greatest of several bounds counts: each kind of port, the instructions that can begin in a cycle, and the latency of what is
//! accumulated. What a column needs is shared by the row vectors of a tile. Two things come on top: chains of instructions that wait for
//! each other, the more the fewer row vectors take turns, and values that do not fit the registers.
//!
//! ```text
//! Σ_j exp(-|x-y|²)·b, D = 3, AVX-512:  5.0 cycles by the ports for products, and 0.4 of waiting with 3 row vectors, 1.2 with one
//! ```

use super::Machine;
use super::instructions::{Instructions, Work};
use super::tile::{Pressure, Tile};

/// What a tile's time is bounded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Ports for products.
    Products,
    /// Ports for additions and the like.
    Sums,
    /// All ports that compute.
    Computing,
    /// Ports for quotients and roots.
    Quotients,
    /// Ports for loads and stores.
    Memory,
    /// The instructions that can begin in a cycle.
    Issue,
    /// The time from an accumulator's old value to its new one.
    Latency,
    /// Values that do not fit the registers.
    Spills,
}

/// A tile with what it costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The tile.
    pub tile: Tile,
    /// Estimated cycles for one vector of pairs.
    pub cycles: f64,
    /// Registers for what changes from pair to pair; rows, parameters and coefficients can be read from memory instead.
    pub registers: u32,
    /// What its time is bounded by.
    pub bound: Bound,
}

/// What candidates are estimated from.
pub(super) struct Costs<'a> {
    pub(super) work: &'a Work,
    pub(super) pressure: &'a Pressure,
    pub(super) machine: &'a Machine,
}

/// Instructions of a turn of a loop that are no vector's.
const TURN: f64 = 3.0;
/// Instructions among which a processor finds those that need not wait.
const WINDOW: f64 = 64.0;
/// How much of the time that ports need to store and load a value again is not beside other work.
const SPILL: f64 = 0.15;

/// Tiles that differ by less are equally good.
const EQUAL: f64 = 1.025;

/// The candidates of a pass, the best first: of those that are about as cheap as any the one with fewest row vectors, of contractions the
/// largest, which loads least; then the cheapest.
pub(super) fn ranked(costs: &Costs<'_>, tiles: &[Tile]) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = tiles.iter().map(|tile| costs.candidate(*tile)).collect();
    all.sort_by(|one, other| one.cycles.total_cmp(&other.cycles));
    let enough = all.first().map_or(0.0, |cheapest| cheapest.cycles * EQUAL);
    let is_contracted = costs.work.contractions != Instructions::default();
    let preference = |Tile { row_vectors, columns }: Tile| match is_contracted {
        true => -i64::from(row_vectors * columns),
        false => i64::from(row_vectors),
    };
    let good = all.iter().enumerate().filter(|(_, candidate)| candidate.cycles <= enough);
    if let Some((best, _)) = good.min_by_key(|(_, candidate)| preference(candidate.tile)) {
        all[..=best].rotate_right(1);
    }
    all
}

impl Costs<'_> {
    fn candidate(&self, tile: Tile) -> Candidate {
        let [rows, columns] = [tile.row_vectors, tile.columns].map(f64::from);
        let Work { pairs, contractions } = self.work;
        let ports = &self.machine.ports;
        let registers = self.pressure.registers(tile, self.machine);
        let left = self.machine.registers.saturating_sub(registers);
        let operands = f64::from(self.pressure.memory_operands(tile, left)) / rows;
        let turns = f64::from(contractions.carried) / columns / rows;

        let (mut cycles, mut bound) = self.phase(pairs, Shared { rows, columns: 1.0 }, 1.0 / columns / rows, operands);
        cycles += self.waiting(pairs, rows);
        let (mut contracted, other) = self.phase(contractions, Shared { rows, columns }, turns, 0.0);
        contracted += self.waiting(contractions, rows * columns);
        if contracted > cycles {
            bound = other;
        }
        let again = SPILL * (1.0 / f64::from(ports.stores) + 1.0 / f64::from(ports.loads));
        let spilled = f64::from(registers.saturating_sub(self.machine.registers)) * again / rows;
        if spilled * 10.0 > cycles + contracted {
            bound = Bound::Spills;
        }
        Candidate { tile, cycles: cycles + contracted + spilled, registers, bound }
    }

    /// The time in which too few of so many chains go on.
    fn waiting(&self, work: &Instructions, chains: f64) -> f64 {
        f64::from(work.computing()) * f64::from(self.machine.ports.latency) / WINDOW / chains
    }

    /// The time of some instructions, with so many turns of a loop and so many operands that are read from memory where they are used.
    fn phase(&self, work: &Instructions, shared: Shared, turns: f64, operands: f64) -> (f64, Bound) {
        let ports = &self.machine.ports;
        let per = |count: f64, rate: u32| count / f64::from(rate);
        let [products, sums, quotients, stores, carried] =
            [work.products, work.sums, work.quotients, work.stores, work.carried].map(f64::from);
        let computing = f64::from(work.computing());
        let loads = f64::from(work.loads) / shared.columns + f64::from(work.column_loads) / shared.rows;
        let bounds = [
            (per(products, ports.products), Bound::Products),
            (per(sums, ports.sums), Bound::Sums),
            (per(computing, ports.computing), Bound::Computing),
            (quotients * f64::from(ports.quotient), Bound::Quotients),
            (per(loads + operands, ports.loads).max(per(stores, ports.stores)), Bound::Memory),
            (per(computing + loads + stores + TURN * turns, ports.all), Bound::Issue),
            (carried * f64::from(ports.latency) / shared.rows / shared.columns, Bound::Latency),
        ];
        bounds.into_iter().fold((0.0, Bound::Issue), |most, next| if next.0 > most.0 { next } else { most })
    }
}

/// For how many rows and columns what is loaded of a column and of a row is.
#[derive(Clone, Copy)]
struct Shared {
    rows: f64,
    columns: f64,
}
