//! Kernel plans in words: what is done how often, for `keopsc explain FILE`.
//!
//! ```text
//! conv = Sum[j](K * b)
//!   takes x (M x 3), y (N x 3), b (N x 1), sigma (1 x 1); gives conv (M x 1)
//!   one pass: for each i, over all j, in f32
//!     once per call   1 div, 1 mul, 1 neg
//!     for each pair   2 add, 1 exp, 5 mul, 3 sub
//!     over all j      Sum of 1 number
//! ```

use std::collections::BTreeMap;

use keopsc_ir::plan::{Accumulation, Block, Definition, Pass, Plan, Scatter, Tensor, TensorId, TensorKind, ValueId};
use keopsc_ir::types::Role;
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::reductions::reduction;
use keopsc_ops::scalar::Scalar;

/// How often each function is computed, by name.
type Counts = BTreeMap<&'static str, u64>;

/// The explanation of one entry, whose formula as written is `formula`.
pub fn explanation(plan: &Plan, formula: &str) -> String {
    let listed = |kind| {
        plan.tensors.iter().filter(move |tensor| tensor.kind == kind).map(described).collect::<Vec<_>>().join(", ")
    };
    let head = format!(
        "{formula}\n  takes {}; gives {}\n",
        non_empty(listed(TensorKind::Input)),
        non_empty(listed(TensorKind::Output))
    );
    let passes = plan.passes.iter().enumerate().map(|(number, pass)| pass_text(plan, pass, number));
    head + &passes.collect::<String>()
}

fn non_empty(text: String) -> String {
    if text.is_empty() { "nothing".to_owned() } else { text }
}

/// `x (M x 3)`
fn described(tensor: &Tensor) -> String {
    let rows = match tensor.role {
        Role::I | Role::Pair => "M",
        Role::J => "N",
        Role::Parameter => "1",
    };
    let extents = std::iter::once(rows.to_owned()).chain(tensor.shape.iter().map(u32::to_string));
    format!("{} ({})", tensor.name, extents.collect::<Vec<_>>().join(" x "))
}

fn pass_text(plan: &Plan, pass: &Pass, number: usize) -> String {
    let rows = match pass.rows {
        Role::Parameter => "once".to_owned(),
        role => format!("for each {role}"),
    };
    let over = pass.over.map(|axis| format!(", over all {axis}")).unwrap_or_default();
    let which = match plan.passes.len() {
        1 => "one pass".to_owned(),
        count => format!("pass {} of {count}", number + 1),
    };
    let mut text = format!("  {which}: {rows}{over}, in {}\n", pass.compute.name());
    let column = pass.over.map(|axis| format!("once per {axis}")).unwrap_or_default();
    let places = [
        (Block::Parameter, "once per call".to_owned()),
        (Block::Row, format!("once per {}", pass.rows)),
        (Block::Column, column),
        (Block::Pair, "for each pair".to_owned()),
        (Block::Epilogue, "at the end".to_owned()),
    ];
    for (block, words) in places {
        // What is accumulated is kept between the pairs and the end.
        if block == Block::Epilogue {
            text.extend(pass.accumulations.iter().map(|accumulation| accumulation_line(pass, accumulation)));
        }
        let counts = block_counts(pass, block);
        if !counts.is_empty() {
            text += &line(&words, &counts_text(&counts));
        }
    }
    let left: Vec<&str> = pass.writes.iter().map(|write| plan.tensor(write.tensor).name.as_str()).collect();
    text += &line("writes", &left.join(", "));
    text.extend(pass.scatters.iter().map(|scatter| scatter_line(plan, scatter)));
    text
}

fn scatter_line(plan: &Plan, Scatter { numbers, values, sums }: &Scatter) -> String {
    let name = |id: TensorId| plan.tensor(id).name.as_str();
    let what = values.map_or("1 for each row", name);
    line("then", &format!("{} = {what}, summed up by {}", name(*sums), name(*numbers)))
}

fn line(place: &str, text: &str) -> String {
    format!("    {place:14}  {text}\n")
}

fn accumulation_line(pass: &Pass, accumulation: &Accumulation) -> String {
    let dims: Vec<String> =
        accumulation.arguments.iter().map(|value: &ValueId| pass.value(*value).dim.to_string()).collect();
    let words = pass.over.map(|axis| format!("over all {axis}")).unwrap_or_default();
    let numbers = if dims == ["1"] { "number" } else { "numbers" };
    line(&words, &format!("{} of {} {numbers}", reduction(accumulation.reduction).name, dims.join(" and ")))
}

fn counts_text(counts: &Counts) -> String {
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

fn block_counts(pass: &Pass, block: Block) -> Counts {
    let mut counts = Counts::new();
    for (_, value) in pass.block(block) {
        if let Definition::Compute(scalar) = &value.definition {
            count(scalar, u64::from(value.dim), &mut counts);
        }
    }
    counts
}

fn count<V: PartialEq>(scalar: &Scalar<V>, times: u64, counts: &mut Counts) {
    match scalar {
        Scalar::Constant(_) | Scalar::Component(..) | Scalar::Index(_) => {}
        Scalar::Call(intrinsic, arguments) => {
            add(*intrinsic, times, counts);
            // The square of a difference takes one difference.
            let is_first = |number: usize| !arguments[..number].contains(&arguments[number]);
            let distinct = (0..arguments.len()).filter(|number| is_first(*number));
            distinct.for_each(|number| count(&arguments[number], times, counts));
        }
        Scalar::Fold { with, count: length, body, .. } => {
            let length = u64::from(*length);
            add(*with, times.saturating_mul(length.saturating_sub(1)), counts);
            count(body, times.saturating_mul(length), counts);
        }
        // Which one is taken depends on the component; the first stands for both.
        Scalar::Choose { then, .. } => count(then, times, counts),
    }
}

fn add(intrinsic: Intrinsic, times: u64, counts: &mut Counts) {
    if times > 0 {
        let entry = counts.entry(intrinsic.name()).or_default();
        *entry = entry.saturating_add(times);
    }
}

#[cfg(test)]
mod tests {
    use crate::formula::Formula;
    use crate::options::FormulaOptions;
    use crate::session;

    #[test]
    fn what_is_done_how_often() {
        let text = "x = Vi(3); y = Vj(3); s = Pm(1); out f = Sum[j](Exp(-SqDist(x, y) / s**2))";
        let formula = Formula::from_text("-e", text).unwrap();
        let explained = session::explain(&formula, &FormulaOptions::default()).unwrap();
        let head = "f = Sum[j](Exp(-SqDist(x, y) / s**2))\n  takes x (M x 3), y (N x 3), s (1 x 1); gives f (M x 1)\n  \
                    one pass: for each i, over all j, in f32\n    once per call   ";
        assert!(explained.starts_with(head), "{explained}");
        let tail = "\n    for each pair   2 add, 1 exp2, 4 mul, 3 sub\n    over all j      Sum of 1 number\n    writes          f\n";
        assert!(explained.ends_with(tail), "{explained}");
    }
}
