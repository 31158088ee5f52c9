//! Rows of the reductions table as syntax trees, and those as rules.

use keopsc_grammar::parse_expression;
use keopsc_grammar::syntax::Expr;

use super::Reduction;
use super::rule::{Let, Operand, Outcome, Raising, Rule, Slot};
use crate::catalogue::parse_gradient;
use crate::integers::{Integers, evaluate_integer};
use crate::intrinsics::Kind;
use crate::recipe::{Named, Scope};
use crate::scalar::{Index, Scalar};
use crate::signature::Signature;

/// The neutral value of a slot of row numbers: no column.
const NONE: &str = "none";

/// The row number that means no column.
const NO_COLUMN: f64 = -1.0;

/// The prefix of the later state's slots in `merge`.
const LATER: &str = "later_";

/// A row whose texts are parsed.
#[derive(Debug)]
pub(super) struct ParsedReduction {
    pub signature: Signature,
    slots: Vec<ParsedSlot>,
    update: Phase,
    guard: Option<(Expr, Expr)>,
    pivots: Vec<u32>,
    raised: Phase,
    merge_steps: Expr,
    merge: Phase,
    outcomes: Vec<Expr>,
    pub gradient: Vec<(usize, Expr)>,
    pub equivalent: Option<Expr>,
}

#[derive(Debug)]
struct ParsedSlot {
    name: &'static str,
    dim: Expr,
    kind: Kind,
    initial: f64,
}

/// `update` or `merge`.
#[derive(Debug)]
struct Phase {
    lets: Vec<(&'static str, Expr, Expr)>,
    /// The value of each slot, in the slots' order; `None` for one that stays as it is.
    values: Vec<Option<Expr>>,
}

pub(super) fn parse_row(row: &'static Reduction) -> Result<ParsedReduction, String> {
    let signature = Signature::parse(row.name, row.signature)?;
    if signature.results.len() != row.outcomes.len() {
        return Err("the signature has another number of results".to_owned());
    }
    let gradient = parse_gradient(&signature, row.gradient)?;
    Ok(ParsedReduction {
        slots: row.state.iter().map(parse_slot).collect::<Result<_, _>>()?,
        update: parse_phase(row, row.lets, row.update)?,
        guard: if row.guard.1.is_empty() { None } else { Some((parse(row.guard.0)?, parse(row.guard.1)?)) },
        pivots: row.pivots.iter().map(|name| slot_number(row, name)).collect::<Result<_, _>>()?,
        raised: parse_phase(row, row.raised_lets, row.raised_update)?,
        merge_steps: parse(row.merge_steps)?,
        merge: parse_phase(row, row.merge_lets, row.merge)?,
        outcomes: row.outcomes.iter().map(|text| parse(text)).collect::<Result<_, _>>()?,
        gradient,
        equivalent: if row.equivalent.is_empty() { None } else { Some(parse(row.equivalent)?) },
        signature,
    })
}

fn parse_slot(slot: &(&'static str, &'static str, &'static str)) -> Result<ParsedSlot, String> {
    let (name, dim, initial) = *slot;
    let (kind, initial) = match initial {
        NONE => (Kind::Index, NO_COLUMN),
        number => (Kind::Real, number.parse().map_err(|_| format!("`{number}` is no neutral value"))?),
    };
    Ok(ParsedSlot { name, dim: parse(dim)?, kind, initial })
}

fn slot_number(row: &Reduction, name: &str) -> Result<u32, String> {
    let position = row.state.iter().position(|(slot, ..)| *slot == name);
    position.map(|position| position as u32).ok_or_else(|| format!("there is no slot `{name}`"))
}

fn parse_phase(row: &Reduction, lets: &[(&'static str, &str, &str)], values: &[(&str, &str)]) -> Result<Phase, String> {
    values.iter().try_for_each(|(name, _)| slot_number(row, name).map(|_| ()))?;
    let lets = lets.iter().map(|(name, dim, text)| Ok((*name, parse(dim)?, parse(text)?)));
    let value = |slot: &str| values.iter().find(|(name, _)| *name == slot).map(|(_, text)| parse(text)).transpose();
    Ok(Phase {
        lets: lets.collect::<Result<_, String>>()?,
        values: row.state.iter().map(|(slot, ..)| value(slot)).collect::<Result<_, String>>()?,
    })
}

fn parse(text: &str) -> Result<Expr, String> {
    parse_expression(text).map_err(|error| format!("`{text}`: {}", error.message))
}

impl ParsedReduction {
    /// The rule for arguments of these dimensions.
    pub(super) fn instantiate(&self, dims: &[u32], integers: &Integers, shapes: &[Vec<u32>]) -> Result<Rule, String> {
        let slots = self.slots.iter().map(|slot| {
            let dim = dimension(&slot.dim, integers)?;
            Ok(Slot { name: slot.name.to_owned(), kind: slot.kind, dim, initial: slot.initial })
        });
        let slots = slots.collect::<Result<Vec<Slot>, String>>()?;
        let states = named_slots(&slots, "", Operand::State);

        let mut update_names = self.named_arguments(dims);
        update_names.push(Named {
            name: "column".to_owned(),
            kind: Kind::Index,
            dim: 1,
            period: 0,
            value: Operand::Column,
        });
        update_names.extend(states.iter().cloned());
        let guard = self.guard.as_ref().map(|(dim, text)| {
            let dim = dimension(dim, integers)?;
            let (value, kind) = Scope::new(integers, &update_names, dim).lower(text)?;
            if kind == Kind::Bool { Ok(Let { kind, dim, value }) } else { Err(format!("the guard is a {kind:?}")) }
        });
        let guard = guard.transpose()?;
        let raising = if self.pivots.is_empty() {
            None
        } else {
            let (lets, update) = self.raised.instantiate(&slots, update_names.clone(), integers, 1)?;
            Some(Raising { pivots: self.pivots.clone(), lets, update })
        };
        let (update_lets, update) = self.update.instantiate(&slots, update_names, integers, 1)?;

        let mut merge_names = states.clone();
        merge_names.extend(named_slots(&slots, LATER, Operand::Later));
        let merge_steps = dimension(&self.merge_steps, integers)?;
        let (merge_lets, merge) = self.merge.instantiate(&slots, merge_names, integers, merge_steps)?;

        let outcomes = self.outcomes.iter().zip(shapes).map(|(text, shape)| {
            let dim = shape.iter().product();
            let (value, kind) = Scope::new(integers, &states, dim).lower(text)?;
            Ok(Outcome { kind, dim, value })
        });
        let outcomes = outcomes.collect::<Result<_, String>>()?;
        Ok(Rule { slots, update_lets, update, guard, raising, merge_steps, merge_lets, merge, outcomes })
    }

    fn named_arguments(&self, dims: &[u32]) -> Vec<Named<Operand>> {
        let numbered = (0u32..).zip(&self.signature.arguments);
        let named = numbered.map(|(number, argument)| {
            let dim = dims.get(number as usize).copied().unwrap_or(1);
            let period = if argument.pattern.is_repeated(dim) { dim } else { 0 };
            Named { name: argument.name.clone(), kind: Kind::Real, dim, period, value: Operand::Argument(number) }
        });
        named.collect()
    }
}

impl Phase {
    fn instantiate(
        &self,
        slots: &[Slot],
        mut names: Vec<Named<Operand>>,
        integers: &Integers,
        steps: u32,
    ) -> Result<(Vec<Let>, Vec<Scalar<Operand>>), String> {
        let mut lets = Vec::with_capacity(self.lets.len());
        for (number, (name, dim, text)) in (0..).zip(&self.lets) {
            let dim = dimension(dim, integers)?;
            let (value, kind) = Scope::of_steps(integers, &names, dim, steps).lower(text)?;
            lets.push(Let { kind, dim, value });
            names.push(Named { name: (*name).to_owned(), kind, dim, period: 0, value: Operand::Let(number) });
        }
        let values = (0..).zip(slots).zip(&self.values).map(|((number, slot), text)| {
            let Some(text) = text else {
                return Ok(unchanged(number, slot));
            };
            let (value, kind) = Scope::of_steps(integers, &names, slot.dim, steps).lower(text)?;
            if kind == slot.kind { Ok(value) } else { Err(format!("the slot `{}` gets a {kind:?}", slot.name)) }
        });
        Ok((lets, values.collect::<Result<_, String>>()?))
    }
}

fn unchanged(number: u32, slot: &Slot) -> Scalar<Operand> {
    Scalar::Component(Operand::State(number), if slot.dim == 1 { Index::Constant(0) } else { Index::K })
}

fn named_slots(slots: &[Slot], prefix: &str, operand: fn(u32) -> Operand) -> Vec<Named<Operand>> {
    let named = (0..).zip(slots).map(|(number, slot)| Named {
        name: format!("{prefix}{}", slot.name),
        kind: slot.kind,
        dim: slot.dim,
        period: 0,
        value: operand(number),
    });
    named.collect()
}

fn dimension(expr: &Expr, integers: &Integers) -> Result<u32, String> {
    let dim = evaluate_integer(expr, integers).and_then(|dim| u32::try_from(dim).ok());
    dim.filter(|dim| *dim >= 1).ok_or_else(|| "a slot or let has no dimension".to_owned())
}
