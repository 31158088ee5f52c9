//! Sizes around those at which a division changes, and what the double loop costs.

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::cost::cost;
use keopsc_ir::plan::{Pass, Plan};
use keopsc_ir::random::Random;
use keopsc_ir::types::{Axis, Role};

/// 0, 1, and numbers around multiples of `unit`.
pub fn around(unit: u64, random: &mut Random) -> usize {
    let multiple = unit * random.pick(&[1, 1, 2, 2, 3, 4, 5, 7, 8, 9]);
    let near = multiple.saturating_add_signed(random.integer(-1, 1));
    let any = random.below(3 * unit.min(64) as usize) as u64;
    random.pick(&[0, 1, near, near, near, near, any, any]) as usize
}

/// The sizes with which a pass has so many rows and columns. `other` is the index that a pass without rows does not run over.
pub fn of_pass(pass: &Pass, rows: usize, columns: usize, other: usize) -> Sizes {
    let by_rows = pass.rows == Role::I || pass.over == Some(Axis::J);
    let rows = if pass.rows == Role::Parameter { other } else { rows };
    let (i, j) = if by_rows { (rows, columns) } else { (columns, rows) };
    Sizes { i, j }
}

/// What the double loop costs, roughly.
pub fn work(plan: &Plan, sizes: Sizes) -> f64 {
    let passes = plan.passes.iter().map(|pass| {
        let (rows, columns) = (sizes.rows(pass.rows) as f64, pass.over.map_or(0, |over| sizes.of(over)) as f64);
        (rows + 1.0) * (columns + 1.0) * (cost(pass).per_pair.cycles() + 10.0)
    });
    let elements = plan.tensors.iter().map(|tensor| sizes.rows(tensor.role) as f64 * f64::from(tensor.dim()));
    passes.sum::<f64>() + 10.0 * (elements.sum::<f64>() + (sizes.i + sizes.j) as f64)
}

/// The number that a variable of the environment names.
pub fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// The smallest sizes below these in which a call still goes wrong, and how.
pub fn shrunk(mut sizes: Sizes, mut wrong: String, check: impl Fn(Sizes) -> Result<(), String>) -> (Sizes, String) {
    loop {
        let Sizes { i, j } = sizes;
        let smaller = [(0, j), (i, 0), (i / 2, j), (i, j / 2), (i.saturating_sub(1), j), (i, j.saturating_sub(1))];
        let candidates = smaller.into_iter().filter(|candidate| *candidate != (i, j));
        let failing = candidates.map(|(i, j)| Sizes { i, j }).find_map(|candidate| {
            let result = check(candidate);
            result.err().map(|wrong| (candidate, wrong))
        });
        match failing {
            Some(found) => (sizes, wrong) = found,
            None => return (sizes, wrong),
        }
    }
}
