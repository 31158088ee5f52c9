//! Instructions by the ports that execute them, for one vector of pairs.

use std::ops::AddAssign;

/// What the pairs of a pass take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Outside contractions.
    pub pairs: Instructions,
    /// In contractions.
    pub contractions: Instructions,
}

/// Instructions for one vector of pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instructions {
    /// Products, with an addition or without.
    pub products: u32,
    /// Additions, comparisons, selections and integer instructions.
    pub sums: u32,
    /// Look-ups in tables of a register or two.
    pub lookups: u32,
    /// Quotients and roots.
    pub quotients: u32,
    /// Loads of what belongs to the pair; in contractions of what belongs to the row, which is for all columns of a tile.
    pub loads: u32,
    /// Stores.
    pub stores: u32,
    /// Loads of what belongs to the column, which is for all row vectors of a tile.
    pub column_loads: u32,
    /// Instructions one after the other from an accumulator's old value to its new one.
    pub carried: u32,
}

impl AddAssign for Instructions {
    fn add_assign(&mut self, other: Instructions) {
        let add = |to: &mut u32, from: u32| *to = to.saturating_add(from);
        add(&mut self.products, other.products);
        add(&mut self.sums, other.sums);
        add(&mut self.lookups, other.lookups);
        add(&mut self.quotients, other.quotients);
        add(&mut self.loads, other.loads);
        add(&mut self.stores, other.stores);
        add(&mut self.column_loads, other.column_loads);
        self.carried = self.carried.max(other.carried);
    }
}

impl Instructions {
    /// As often as that.
    pub(super) fn times(self, count: u32) -> Instructions {
        let times = |one: u32| one.saturating_mul(count);
        Instructions {
            products: times(self.products),
            sums: times(self.sums),
            lookups: times(self.lookups),
            quotients: times(self.quotients),
            loads: times(self.loads),
            stores: times(self.stores),
            column_loads: times(self.column_loads),
            carried: self.carried,
        }
    }

    /// Those that compute.
    pub fn computing(&self) -> u32 {
        self.products.saturating_add(self.sums).saturating_add(self.lookups).saturating_add(self.quotients)
    }
}
