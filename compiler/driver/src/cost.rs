//! What each result of a formula costs, as written and as planned, for `keopsc explain --cost`.
//!
//! ```text
//! conv_x = Grad(conv, x)
//!   for each pair  as written  22 arithmetic, 2 division, 1 exponential, 4 load
//!                  as planned  19 arithmetic, 1 exponential, 4 load
//!   for each i     as written  4 load, 3 store
//!                  as planned  4 arithmetic, 1 division, 4 load, 3 store
//!   altogether 0.54 times what is written, 1.38 times `conv`
//! ```
//!
//! *As written* is the formula after differentiation, each part once however often it is used; *as planned* is what the library does.

use keopsc_grammar::syntax::{Expr, ExprKind, File, Output, StatementKind};
use keopsc_ir::counts::Counts;
use keopsc_ir::formula::cost::Cost;
use keopsc_passes::pipeline::{self, Saving};
use serde_json::{Map, Value, json};

use crate::manifest::formula;

/// The requests that stand for a derivative of their first argument.
const DERIVATIVES: [&str; 2] = ["Grad", "Diff"];

/// The costs of all entries, in words.
pub fn cost_text(file: &File, output: &pipeline::Output) -> String {
    let entries = entries(file, output);
    entries.iter().map(|entry| entry_text(entry, &entries)).collect::<Vec<_>>().join("\n")
}

/// The costs of all entries, for programs.
pub fn cost_json(file: &File, output: &pipeline::Output) -> String {
    let entries = entries(file, output);
    let list: Vec<Value> = entries.iter().map(|entry| entry_json(entry, &entries)).collect();
    format!("{:#}\n", json!({ "entries": list }))
}

struct Entry<'o> {
    name: &'o str,
    formula: String,
    saving: Saving,
    /// The result that this one is a derivative of.
    value: Option<&'o str>,
}

fn entries<'o>(file: &'o File, output: &'o pipeline::Output) -> Vec<Entry<'o>> {
    let plans = output.plans.iter().zip(&output.costs);
    let entry = |(plan, saving): (&'o keopsc_ir::plan::Verified, &Saving)| Entry {
        name: &plan.name,
        formula: formula(file, &plan.name),
        saving: *saving,
        value: outputs(file)
            .find(|output| output.name.text == plan.name)
            .and_then(|output| differentiated(&output.value)),
    };
    plans.map(entry).collect()
}

fn outputs(file: &File) -> impl Iterator<Item = &Output> {
    file.statements.iter().flat_map(|statement| match &statement.kind {
        StatementKind::Output(output) => std::slice::from_ref(output),
        StatementKind::Fused { outputs, .. } => outputs,
        _ => &[],
    })
}

/// The name in `Grad(name, x)`.
fn differentiated(value: &Expr) -> Option<&str> {
    let ExprKind::Call { function, arguments, .. } = &value.kind else { return None };
    match arguments.first().map(|first| &first.kind) {
        Some(ExprKind::Name(name)) if DERIVATIVES.contains(&function.text.as_str()) => Some(name),
        _ => None,
    }
}

/// How many times the weight of another cost this one's is.
fn times(cost: &Cost, other: &Cost) -> Option<f64> {
    (other.weight() > 0.0).then(|| cost.weight() / other.weight())
}

/// The result that an entry is a derivative of, and how many times that one's cost its own is.
fn times_value<'o>(entry: &Entry<'o>, entries: &[Entry<'_>]) -> Option<(&'o str, f64)> {
    let name = entry.value?;
    let value = entries.iter().find(|other| other.name == name)?;
    Some((name, times(&entry.saving.after, &value.saving.after)?))
}

fn entry_text(entry: &Entry<'_>, entries: &[Entry<'_>]) -> String {
    let Saving { before, after } = &entry.saving;
    let mut text = format!("{}\n", entry.formula);
    for ((place, before), (_, after)) in before.places().into_iter().zip(after.places()) {
        if before != Counts::default() || after != Counts::default() {
            let place = if place == "call" { "once a call".to_owned() } else { format!("for each {place}") };
            text += &format!("  {place:13}  as written  {before}\n  {:13}  as planned  {after}\n", "");
        }
    }
    let saved = times(after, before).map(|times| format!("{times:.2} times what is written"));
    let of_value = times_value(entry, entries).map(|(name, times)| format!("{times:.2} times `{name}`"));
    let parts: Vec<String> = saved.into_iter().chain(of_value).collect();
    if parts.is_empty() { text } else { format!("{text}  altogether {}\n", parts.join(", ")) }
}

fn entry_json(entry: &Entry<'_>, entries: &[Entry<'_>]) -> Value {
    let Saving { before, after } = &entry.saving;
    let of_value = times_value(entry, entries).map(|(name, times)| json!({ "value": name, "times": times }));
    json!({
        "name": entry.name,
        "formula": entry.formula,
        "as_written": cost_object(before),
        "as_planned": cost_object(after),
        "derivative_of": of_value,
    })
}

fn cost_object(cost: &Cost) -> Value {
    let counts = |counts: Counts| {
        let fields = counts.named().into_iter().map(|(class, count)| (class.to_owned(), Value::from(count)));
        Value::Object(fields.collect::<Map<String, Value>>())
    };
    let places = cost.places().into_iter().map(|(place, done)| (format!("per_{place}"), counts(done)));
    Value::Object(places.chain([("weight".to_owned(), json!(cost.weight()))]).collect())
}

#[cfg(test)]
mod tests {
    use crate::formula::Formula;
    use crate::options::FormulaOptions;
    use crate::session;

    #[test]
    fn costs_of_a_value_and_its_gradient() {
        let text = "x = Vi(3); y = Vj(3); s = Pm(1)\nout f = Sum[j](Exp(-SqDist(x, y) / s**2))\nout g = Grad(f, x)";
        let formula = Formula::from_text("-e", text).unwrap();
        let words = session::costs(&formula, &FormulaOptions::default(), false).unwrap();
        let head = "f = Sum[j](Exp(-SqDist(x, y) / s**2))\n  for each pair  as written  10 arithmetic, 1 division, 1 exponential, 3 load\n";
        assert!(words.starts_with(head), "{words}");
        assert!(words.contains(" times `f`\n"), "{words}");
        let json: serde_json::Value =
            serde_json::from_str(&session::costs(&formula, &FormulaOptions::default(), true).unwrap()).unwrap();
        assert_eq!(json["entries"][0]["as_planned"]["per_pair"]["division"], 0);
        let times = json["entries"][1]["derivative_of"]["times"].as_f64().unwrap();
        assert!((1.0..3.0).contains(&times), "{times}");
    }
}
