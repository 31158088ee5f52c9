//! The accumulators: their structure, neutral value, update by a column and merge of two states, all from the rules' expressions.

use std::collections::BTreeSet;

use keopsc_ir::plan::{Accumulation, Pass, ValueId};
use keopsc_ir::types::ScalarType;
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions::{self, Let, Operand};
use keopsc_ops::scalar::{Counter, Index, Scalar};

use crate::expression::{Operands, Position, Writer};
use crate::lines::Lines;
use crate::schedule::GpuSchedule;
use crate::spelling::{Binding, Text, integer, real, type_name};
use crate::uses::{for_each_read, lets_needed};

/// The accumulations that are needed, with their numbers.
pub(crate) fn accumulations<'p>(
    pass: &'p Pass,
    schedule: &'p GpuSchedule,
) -> impl Iterator<Item = (usize, &'p Accumulation)> {
    pass.accumulations.iter().enumerate().filter(|(number, _)| schedule.accumulations[*number])
}

/// The structure `NAME_state` and the function `NAME_merge`, which merges the state of later columns into that of earlier ones.
pub(crate) fn define(lines: &mut Lines, name: &str, pass: &Pass, schedule: &GpuSchedule) {
    lines.open(format!("struct {name}_state {{"));
    for (number, accumulation) in accumulations(pass, schedule) {
        for slot in &accumulation.rule.slots {
            let extent = if slot.dim == 1 { String::new() } else { format!("[{}]", slot.dim) };
            let kind = type_name(slot.kind, schedule.accumulate);
            lines.line(format!("{kind} a{number}_{}{extent};", slot.name));
        }
    }
    lines.close("};");
    lines.gap();
    let arguments = format!("{name}_state &earlier, const {name}_state &later");
    lines.line(format!("static __device__ __forceinline__ void {name}_merge({arguments})"));
    lines.open("{");
    let mut writer = Writer::new(std::mem::take(lines), schedule.accumulate);
    for (number, accumulation) in accumulations(pass, schedule) {
        let operands = RuleOperands::of_state(accumulation, number, "earlier", pass.compute);
        let operands = RuleOperands { later: Some("later"), ..operands };
        let rule = &accumulation.rule;
        write_phase(&mut writer, &operands, &rule.merge_lets, &rule.merge);
    }
    *lines = writer.lines;
    lines.close("}");
    lines.gap();
}

/// Sets the state `variable` to that of no column.
pub(crate) fn write_initial(writer: &mut Writer, pass: &Pass, schedule: &GpuSchedule, variable: &str) {
    for (number, accumulation) in accumulations(pass, schedule) {
        for slot in &accumulation.rule.slots {
            let neutral = match slot.kind {
                Kind::Index => integer(slot.initial as i64),
                _ => real(slot.initial, schedule.accumulate),
            };
            let member = Text::primary(format!("{variable}.a{number}_{}", slot.name));
            writer.for_each_component(slot.dim, |writer, position| {
                let component = component(&member, slot.dim, position);
                writer.lines.line(format!("{} = {};", component.loose(), neutral.loose()));
            });
        }
    }
}

/// One more column, number `column`.
pub(crate) fn write_update(
    writer: &mut Writer,
    pass: &Pass,
    schedule: &GpuSchedule,
    column: &Text,
    values: &dyn Operands<ValueId>,
) {
    for (number, accumulation) in accumulations(pass, schedule) {
        writer.lines.line(format!("// {}", describe(number, accumulation)));
        let operands = RuleOperands::of_state(accumulation, number, "state", pass.compute);
        let operands = RuleOperands { values: Some(values), column: Some(column), ..operands };
        let rule = &accumulation.rule;
        writer.computing_in(schedule.accumulate, |writer| {
            write_phase(writer, &operands, &rule.update_lets, &rule.update);
        });
    }
}

/// Component `position` of an outcome, from the state `state`.
pub(crate) fn outcome(
    writer: &mut Writer,
    pass: &Pass,
    schedule: &GpuSchedule,
    (accumulation, outcome): (u32, u32),
    position: &Position,
) -> Text {
    let number = accumulation as usize;
    let accumulation = &pass.accumulations[number];
    let outcome = &accumulation.rule.outcomes[outcome as usize];
    let operands = RuleOperands::of_state(accumulation, number, "state", pass.compute);
    let counters = vec![(Counter(0), position.clone())];
    let text = writer.computing_in(schedule.accumulate, |writer| {
        writer.expression(&outcome.value, outcome.kind, &counters, &operands)
    });
    if outcome.kind == Kind::Real && pass.compute == ScalarType::F32 && schedule.accumulate == ScalarType::F64 {
        return Text::primary(format!("(float){}", text.at(Binding::Primary)));
    }
    text
}

/// `accumulate a0 = Sum(v3)`, as in the printed plan.
fn describe(number: usize, accumulation: &Accumulation) -> String {
    let name = reductions::reduction(accumulation.reduction).name;
    let parameters: Vec<String> = accumulation.parameters.iter().map(i64::to_string).collect();
    let parameters = if parameters.is_empty() { String::new() } else { format!("[{}]", parameters.join(", ")) };
    let arguments: Vec<String> = accumulation.arguments.iter().map(|id| format!("v{}", id.0)).collect();
    format!("accumulate a{number} = {name}{parameters}({})", arguments.join(", "))
}

/// What the expressions of a rule refer to.
struct RuleOperands<'a> {
    accumulation: &'a Accumulation,
    number: usize,
    /// The state's variable; in a merge that of the earlier columns.
    state: &'a str,
    /// In a merge the state of the later columns.
    later: Option<&'a str>,
    /// In an update the values of the pass.
    values: Option<&'a dyn Operands<ValueId>>,
    /// In an update the number of the column.
    column: Option<&'a Text>,
    /// The type that values of the pass are computed in.
    compute: ScalarType,
}

impl<'a> RuleOperands<'a> {
    fn of_state(accumulation: &'a Accumulation, number: usize, state: &'a str, compute: ScalarType) -> Self {
        RuleOperands { accumulation, number, state, later: None, values: None, column: None, compute }
    }

    fn slot(&self, variable: &str, slot: u32, position: &Position) -> Text {
        let slot = &self.accumulation.rule.slots[slot as usize];
        component(&Text::primary(format!("{variable}.a{}_{}", self.number, slot.name)), slot.dim, position)
    }
}

impl Operands<Operand> for RuleOperands<'_> {
    fn read(&self, operand: Operand, position: &Position, writer: &mut Writer) -> Text {
        match (operand, self.later, self.values, self.column) {
            (Operand::State(slot), ..) => self.slot(self.state, slot, position),
            (Operand::Later(slot), Some(later), ..) => self.slot(later, slot, position),
            (Operand::Let(number), ..) => {
                let in_merge = self.later.is_some();
                let rule = &self.accumulation.rule;
                let lets = if in_merge { &rule.merge_lets } else { &rule.update_lets };
                component(&Text::primary(self.let_name(number as usize)), lets[number as usize].dim, position)
            }
            (Operand::Argument(number), _, Some(values), _) => match self.accumulation.arguments.get(number as usize) {
                Some(id) => writer.computing_in(self.compute, |writer| values.read(*id, position, writer)),
                None => real(self.default_argument(number as usize), writer.real),
            },
            (Operand::Column, .., Some(column)) => column.clone(),
            (operand, ..) => unreachable!("{operand:?} where there is none: the rule is not one of the table"),
        }
    }
}

impl RuleOperands<'_> {
    /// The value of an argument that was left out.
    fn default_argument(&self, number: usize) -> f64 {
        let signature = reductions::signature(self.accumulation.reduction);
        signature.arguments.get(number).and_then(|argument| argument.default).unwrap_or(f64::NAN)
    }

    fn let_name(&self, number: usize) -> String {
        format!("a{}_let{number}", self.number)
    }
}

fn component(variable: &Text, dim: u32, position: &Position) -> Text {
    if dim == 1 {
        return variable.clone();
    }
    Text::primary(format!("{}[{}]", variable.loose(), position.text().loose()))
}

/// Replaces a state by what `rules` make of it (one expression a slot), all of the old state.
fn write_phase(writer: &mut Writer, operands: &RuleOperands<'_>, lets: &[Let], rules: &[Scalar<Operand>]) {
    for (number, item) in lets.iter().enumerate().filter(|(number, _)| lets_needed(lets, rules)[*number]) {
        write_variable(writer, &operands.let_name(number), item.kind, item.dim, &item.value, operands);
    }
    let slots = &operands.accumulation.rule.slots;
    let in_place: Vec<bool> = (0..slots.len()).map(|slot| is_in_place(slot as u32, slots[slot].dim, rules)).collect();
    let next = |slot: usize| format!("a{}_next_{}", operands.number, slots[slot].name);
    for slot in (0..slots.len()).filter(|slot| !in_place[*slot]) {
        write_variable(writer, &next(slot), slots[slot].kind, slots[slot].dim, &rules[slot], operands);
    }
    // What is written in place may read the old state of the other slots, so these come after.
    let order = (0..slots.len()).filter(|slot| in_place[*slot]).chain((0..slots.len()).filter(|slot| !in_place[*slot]));
    for slot in order {
        let description = &slots[slot];
        writer.for_each_component(description.dim, |writer, position| {
            let value = if in_place[slot] {
                writer.expression(&rules[slot], description.kind, &vec![(Counter(0), position.clone())], operands)
            } else {
                component(&Text::primary(next(slot)), description.dim, position)
            };
            let place = operands.slot(operands.state, slot as u32, position);
            if value.loose() != place.loose() {
                writer.lines.line(format!("{} = {};", place.loose(), value.loose()));
            }
        });
    }
}

/// Whether a slot's new components can replace the old ones one by one: nobody looks at an old one afterwards.
fn is_in_place(slot: u32, dim: u32, rules: &[Scalar<Operand>]) -> bool {
    let mut readers = BTreeSet::new();
    let mut own_component = true;
    for (reader, rule) in rules.iter().enumerate() {
        for_each_read(rule, &mut |operand, index| {
            if operand == Operand::State(slot) {
                readers.insert(reader as u32);
                own_component &= dim == 1 || *index == Index::Counter(Counter(0));
            }
        });
    }
    own_component && readers.iter().all(|reader| *reader == slot)
}

/// A variable with the components of an expression.
fn write_variable(
    writer: &mut Writer,
    name: &str,
    kind: Kind,
    dim: u32,
    value: &Scalar<Operand>,
    operands: &RuleOperands<'_>,
) {
    let type_name = type_name(kind, writer.real);
    if dim == 1 {
        let text = writer.expression(value, kind, &vec![(Counter(0), Position::Known(0))], operands);
        return writer.lines.line(format!("const {type_name} {name} = {};", text.loose()));
    }
    writer.lines.line(format!("{type_name} {name}[{dim}];"));
    writer.for_each_component(dim, |writer, position| {
        let text = writer.expression(value, kind, &vec![(Counter(0), position.clone())], operands);
        writer.lines.line(format!("{name}[{}] = {};", position.text().loose(), text.loose()));
    });
}
