//! The page of reductions.

use keopsc_ir::evaluation::Sizes;
use keopsc_ops::ReductionId;
use keopsc_ops::reductions::{self, Reduction, SCATTER, families};

use super::Page;
use super::application::is_parameter;
use super::example::{Example, Given};
use super::signature::{dimensions, items};
use super::words::{contents, listed, table, vector};

/// The example: `F` is `x - y`, a matrix of two rows and three columns, and `w` are weights, which depend on the reduced index.
const X: &[f64] = &[1.0, 2.0];
const Y: &[f64] = &[3.0, -1.0, 2.0];
const WEIGHTS_I: &[f64] = &[1.0, 3.0];
const WEIGHTS_J: &[f64] = &[1.0, 2.0, 0.5];

/// Rows that are telling: equal values, infinities, NaNs, none at all.
const ROWS: &[&[f64]] = &[
    &[2.0, 1.0, 1.0],
    &[0.0, 0.0],
    &[f64::INFINITY, 1.0],
    &[f64::NEG_INFINITY, f64::NEG_INFINITY],
    &[2.0, f64::NAN, 1.0],
    &[f64::NAN],
    &[],
];

/// The page of reductions.
pub fn reductions() -> Page {
    let mut examples = Vec::new();
    let tables = families().map(|(heading, rows)| (heading, rows.iter().map(|(_, row)| row.name).collect()));
    let contents = contents(tables.chain([(SCATTERS, vec![SCATTER.name])]));
    let mut text = format!("{INTRODUCTION}{contents}");
    for (heading, rows) in families() {
        text.push_str(&format!("\n## {heading}\n"));
        for (id, row) in rows {
            text.push_str(&entry(id, row, &mut examples));
        }
    }
    text.push_str(&scatter(&mut examples));
    Page { text, examples }
}

/// The heading of what is written as reductions are, and is none.
const SCATTERS: &str = "Sums by row numbers";

/// What is said of scatters, after their form.
const ABOUT_SCATTERS: &str = "\
What is summed up has rows along the index in the bracket: an input or any formula of inputs and reductions, or a number, which is the same for all rows.
The row numbers are an outcome of `ArgMin`, `ArgMax`, `ArgKMin` and their like over the other index, of the same file; a row with several numbers counts for each
of them, and -1 names nobody. A column that no row names gets 0. Each row is added once, after the pass over the pairs that finds the numbers, so that
`fused` outputs of both are one pass and what it takes to read the rows:

```kf
x = Vi(3); y = Vj(3)
fused step {
  out label = ArgMin[j](SqDist(x, y))
  out total = ScatterSum[i](x, label)
  out count = ScatterSum[i](1, label)
}
```

Results may be used further (`total / count`, or in another reduction). Complex numbers are refused, and derivatives: that in `v` gathers rows of the cotangent, `e[a]`.
Entries with such results have no shards. The order of addition depends on a column's own rows alone: sums of 128 of them, in turn into as many
running sums as components leave of 32 (one from 17 on), are added in a binary tree, on CPUs and GPUs, for the same bits; of n rows the error is at most
(127 + log2 n) u Σ|v|. With `numerics accumulate = f64`, or `sum = kahan`, sums are made in float64.
";

fn scatter(examples: &mut Vec<Example>) -> String {
    let sizes = Sizes { i: X.len(), j: Y.len() };
    let mut text = format!("\n## {SCATTERS}\n\n### {}\n\n`{}`\n\n{}\n\n", SCATTER.name, SCATTER.form, SCATTER.doc);
    text += ABOUT_SCATTERS;
    text += "\n```text\n";
    let formulas = [
        ("ScatterSum[i](x, ArgMin[j](F))", "ScatterSum[i](x, ArgMin[j](x - y))"),
        ("ScatterSum[i](1, ArgMin[j](F))", "ScatterSum[i](1, ArgMin[j](x - y))"),
        ("ScatterSum[i](x, ArgKMin[j, K=2](F))", "ScatterSum[i](x, ArgKMin[j, K=2](x - y))"),
        ("ScatterSum[j](y, ArgMax[i](F))", "ScatterSum[j](y, ArgMax[i](x - y))"),
    ];
    for (shown, formula) in formulas {
        let example = Example::compute(&given(("Vi", WEIGHTS_I)), formula, sizes);
        let example = example.unwrap_or_else(|why| panic!("the example `{formula}`: {why}"));
        text += &format!("{shown} = {}\n", results(&example));
        examples.push(example);
    }
    text + "```\n"
}

const INTRODUCTION: &str = "\
# Reductions

<!-- `keopsc ops --markdown reductions` prints this page from the compiler's tables. -->

Every reduction: how the values of a formula over all j become one result for each i, or over all i one for each j. The examples reduce
the matrix `F` that is `x - y` for `x = (1, 2)`, one number for each i, and `y = (3, -1, 2)`, one for each j:

| F | j = 0 | j = 1 | j = 2 |
| --- | --- | --- | --- |
| i = 0 | -2 | 2 | -1 |
| i = 1 | -1 | 3 | 0 |

Weights `w` are (1, 2, 0.5) over j and (1, 3) over i, and `K` is 2. A gradient is that of the results for each i with respect to `y`, for a
cotangent of ones. A second table shows what becomes of single rows: of equal values, infinities, NaNs, and of none, where weights are 1. All results
were computed by the compiler's reference interpreter as the page was made, in float64, and are shown with six digits.

";

fn entry(id: ReductionId, row: &Reduction, examples: &mut Vec<Example>) -> String {
    let mut text = format!("\n### {}\n\n`{}`", row.name, row.signature);
    if !row.aliases.is_empty() {
        let aliases: Vec<String> = row.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        text.push_str(&format!(", also called {}", listed(&aliases)));
    }
    text.push_str(&format!("\n\n{}\n\n- Of one row, {}\n", row.doc, dimensions(row.signature)));
    for (argument, formula) in row.gradient {
        text.push_str(&format!("- Gradient in `{argument}`, pair by pair: `{formula}`\n"));
    }
    if !row.equivalent.is_empty() {
        text.push_str(&format!("- Differentiated as `{}`\n", row.equivalent));
    }
    if let Some(form) = super::operations::complex_form(&(row.complex, "")) {
        text.push_str(&form);
    }
    if row.compensated != row.name {
        text.push_str(&format!("- With `numerics sum = kahan`, computed as `{}`\n", row.compensated));
    }
    text.push_str(&example(id, examples));
    text.push_str(&format!("\n{}", rows(id, examples)));
    text
}

/// Both directions on the example, and the gradient if there is one.
fn example(id: ReductionId, examples: &mut Vec<Example>) -> String {
    let sizes = Sizes { i: X.len(), j: Y.len() };
    let mut text = "\n```text\n".to_owned();
    for (index, weights) in [("j", ("Vj", WEIGHTS_J)), ("i", ("Vi", WEIGHTS_I))] {
        let given = given(weights);
        if let Ok(example) = Example::compute(&given, &call(id, index, "x - y"), sizes) {
            text.push_str(&format!("{} = {}\n", call(id, index, "F"), results(&example)));
            examples.push(example);
        }
    }
    let dim = reductions::infer(id, &vec![1; arguments(id)], &parameters(id))
        .map_or(1, |outcomes| outcomes[0].1.iter().product());
    let gradient = format!("Grad({}, y, SumT(1, {dim}))", call(id, "j", "x - y"));
    match Example::compute(&given(("Vj", WEIGHTS_J)), &gradient, sizes) {
        Ok(example) => {
            text.push_str(&format!("gradient in y: {}\n", results(&example)));
            examples.push(example);
        }
        Err(why) => text.push_str(&format!("no gradient: {why}\n")),
    }
    text + "```\n"
}

fn given((role, weights): (&str, &[f64])) -> Vec<Given> {
    let declared = [("x = Vi(1)".to_owned(), X), ("y = Vj(1)".to_owned(), Y), (format!("w = {role}(1)"), weights)];
    declared.map(|(declaration, values)| (declaration, values.to_vec())).to_vec()
}

fn rows(id: ReductionId, examples: &mut Vec<Example>) -> String {
    let mut lines = vec![vec!["values".to_owned(), "result".to_owned()]];
    for values in ROWS {
        let given = [("y = Vj(1)".to_owned(), values.to_vec()), ("w = Vj(1)".to_owned(), vec![1.0; values.len()])];
        if let Ok(example) = Example::compute(&given, &call(id, "j", "y"), Sizes { i: 1, j: values.len() }) {
            let shown = if values.is_empty() { "none".to_owned() } else { vector(values) };
            lines.push(vec![shown, results(&example)]);
            examples.push(example);
        }
    }
    table(&lines)
}

/// The reduction over an index of a formula, with weights and parameters where it takes some.
fn call(id: ReductionId, index: &str, formula: &str) -> String {
    let options: String =
        parameter_names(id).iter().zip(parameters(id)).map(|(name, value)| format!(", {name}={value}")).collect();
    let weights = ", w".repeat(arguments(id) - 1);
    format!("{}[{index}{options}]({formula}{weights})", reductions::reduction(id).name)
}

fn arguments(id: ReductionId) -> usize {
    reductions::signature(id).arguments.len()
}

fn parameter_names(id: ReductionId) -> Vec<&'static str> {
    let items = items(reductions::reduction(id).signature);
    items.into_iter().filter(|(_, form)| is_parameter(form)).map(|(name, _)| name).collect()
}

/// 2 for each.
fn parameters(id: ReductionId) -> Vec<i64> {
    vec![2; parameter_names(id).len()]
}

/// One result for each value of the index that is left; values and row numbers one after the other.
fn results(example: &Example) -> String {
    let show = |values: &Vec<f64>, rows: usize| {
        let each = (values.len() / rows.max(1)).max(1);
        let rows: Vec<String> = values.chunks(each).map(vector).collect();
        if rows.len() == 1 { rows[0].clone() } else { format!("({})", rows.join(", ")) }
    };
    let shown: Vec<String> = example.results.iter().map(|values| show(values, example.rows)).collect();
    shown.join(" and ")
}
