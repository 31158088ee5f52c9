//! Columns that wait until several are taken in (`skeleton/queue.cu`): what of a pair waits, whether it has to, and how those of a row are taken in.
//!
//! ```text
//! Candidate   what accumulations take from a pair, and the column's number
//! Bound       what guards look at in a state
//! bound       that of a state
//! changes     a pair's candidate, and whether it may change a state with that bound
//! take        several candidates join a state
//!             where the state is one list:
//! precedes    whether a candidate stands before another one there, and what is in a place before what is in one of another list
//! unbound     the bound of an empty list
//! bound_by    that of a list whose last place has a candidate
//! place       puts a candidate into a place of the list
//! copy        puts what is in a place of another list there
//! clear       leaves a place empty
//! ```
//!
//! A list of the best so far is gone through once for all of them: each place is read, changed by one after the other, and written. What a place becomes
//! by one depends on what it and the place before had been, so that of each candidate the place before is kept.

use std::collections::BTreeSet;

use keopsc_ir::plan::{Accumulation, Pass, ValueId};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions::{self, Let, Operand, Rule, STEP, list_of};
use keopsc_ops::scalar::{Counter, Index, Scalar};

use crate::expression::{Operands, Position, Writer};
use crate::schedule::GpuSchedule;
use crate::spelling::{Text, type_name};
use crate::state::{
    CONTRACTED, RuleOperands, accumulations, column_number, describe, function, initial, is_long, write_update,
};
use crate::uses::for_each_read;

/// Candidates that are taken in together.
const TOGETHER: u32 = 8;

/// Places of a list from which on it is only made when all columns have been seen.
const FEWEST_PLACES: u32 = 32;

/// Components of a pair that wait, if columns can: guards tell which of them do not change anything, so that few are left, and states go on from chunk
/// to chunk.
pub(crate) fn waiting_components(pass: &Pass, used: &[&Accumulation]) -> Option<u64> {
    let can_wait = |accumulation: &&Accumulation| {
        let is_carried = reductions::reduction(accumulation.reduction).exact;
        is_carried
            && is_long(accumulation)
            && accumulation.rule.guard.as_ref().is_some_and(|guard| bounds(guard).is_some())
    };
    let arguments = used.iter().flat_map(|accumulation| &accumulation.arguments);
    let components = arguments.map(|id| u64::from(pass.value(*id).dim)).sum();
    (!used.is_empty() && used.iter().all(can_wait)).then_some(components)
}

/// The slots that a guard looks at, each at one place for each of its components.
fn bounds(guard: &Let) -> Option<Vec<(u32, Index)>> {
    let mut found: Vec<(u32, Index)> = Vec::new();
    for_each_read(&guard.value, &mut |operand, index| {
        if let Operand::State(slot) = operand
            && !found.contains(&(slot, index.clone()))
        {
            found.push((slot, index.clone()));
        }
    });
    let slots: BTreeSet<u32> = found.iter().map(|(slot, _)| *slot).collect();
    (slots.len() == found.len()).then_some(found)
}

/// The guard and the bounds of what waits.
fn guard_of(accumulation: &Accumulation) -> (&Let, Vec<(u32, Index)>) {
    let guard = accumulation.rule.guard.as_ref().expect("what waits has a guard");
    (guard, bounds(guard).expect("of what waits"))
}

/// Adds the structures and functions; `write_values` adds the pair's values, which `values` refers to.
pub(crate) fn write_functions(
    writer: &mut Writer,
    pass: &Pass,
    schedule: &GpuSchedule,
    write_values: impl Fn(&mut Writer),
    values: &dyn Operands<ValueId>,
) {
    let arguments = accumulations(pass, schedule).flat_map(|(_, accumulation)| &accumulation.arguments);
    let arguments: BTreeSet<ValueId> = arguments.copied().collect();
    writer.lines.gap();
    writer.lines.line(format!("enum {{ TOGETHER = {TOGETHER} }};"));
    write_structures(writer, pass, schedule, &arguments);
    write_order(writer, pass, schedule);
    function(writer, "static ", "bound(Bound &bound, const State &state)", |writer| {
        writer.computing_in(schedule.accumulate, |writer| write_bound(writer, pass, schedule));
    });
    let pair = schedule.contraction.as_ref().map_or(String::new(), |_| format!(", const Real {CONTRACTED}"));
    let waiting = Waiting { pass, candidate: "candidate" };
    writer.lines.gap();
    writer
        .lines
        .line("__device__ __forceinline__ bool changes(Candidate &candidate, const Bound &bound, const Row &row,");
    writer.lines.line(format!("    const Column &column, long long index{pair}) const"));
    writer.lines.open("{");
    write_values(writer);
    for id in &arguments {
        writer.for_each_component(pass.value(*id).dim, |writer, position| {
            let [place, value] = [&waiting as &dyn Operands<ValueId>, values].map(|of| of.read(*id, position, writer));
            writer.lines.line(format!("{} = {};", place.loose(), value.loose()));
        });
    }
    writer.lines.line(format!("candidate.column = {};", column_number().loose()));
    writer.lines.line("bool is_one = false;");
    for (number, accumulation) in accumulations(pass, schedule) {
        writer.computing_in(schedule.accumulate, |writer| write_guard(writer, pass, number, accumulation));
    }
    writer.lines.line("return is_one;");
    writer.lines.close("}");
    function(writer, "static ", "take(State &state, const Candidate *candidates, int count)", |writer| {
        for (number, accumulation) in accumulations(pass, schedule) {
            write_take(writer, pass, schedule, number, accumulation);
        }
    });
}

fn write_structures(writer: &mut Writer, pass: &Pass, schedule: &GpuSchedule, arguments: &BTreeSet<ValueId>) {
    writer.lines.gap();
    writer.lines.open("struct Candidate {");
    let kind = type_name(Kind::Real, pass.compute);
    for id in arguments {
        writer.lines.line(format!("{kind} v{}[{}];", id.0, pass.value(*id).dim));
    }
    writer.lines.line("long long column;");
    writer.lines.close("};");
    writer.lines.gap();
    writer.lines.open("struct Bound {");
    for (number, accumulation) in accumulations(pass, schedule) {
        let (guard, bounds) = guard_of(accumulation);
        for (slot, _) in bounds {
            let slot = &accumulation.rule.slots[slot as usize];
            let kind = type_name(slot.kind, schedule.accumulate);
            writer.lines.line(format!("{kind} a{number}_{}[{}];", slot.name, guard.dim));
        }
    }
    writer.lines.close("};");
}

/// The places of a list, where a pass has nothing but one list of scalars.
pub(crate) fn list_places(used: &[&Accumulation]) -> Option<u32> {
    let [accumulation] = used else { return None };
    let rule = &accumulation.rule;
    let mut arguments = BTreeSet::new();
    let guard = rule.guard.as_ref()?;
    for_each_read(&guard.value, &mut |operand, _| {
        if let Operand::Argument(number) = operand {
            arguments.insert(number);
        }
    });
    let is_plain = rule.update_lets.is_empty() && joins_lists(rule) && guard.dim == 1 && arguments.len() == 1;
    places(rule, &rule.update).filter(|places| is_plain && *places >= FEWEST_PLACES)
}

fn write_order(writer: &mut Writer, pass: &Pass, schedule: &GpuSchedule) {
    let used: Vec<&Accumulation> = accumulations(pass, schedule).map(|(_, accumulation)| accumulation).collect();
    let places = list_places(&used);
    writer.lines.line(format!("enum {{ PLACES = {} }};", places.unwrap_or(0)));
    let Some((number, accumulation)) = accumulations(pass, schedule).next().filter(|_| places.is_some()) else {
        return;
    };
    let (guard, bounds) = guard_of(accumulation);
    let [own, other] = ["candidate", "other"].map(|candidate| Waiting { pass, candidate });
    let column = candidate_column();
    let in_state = RuleOperands::of_state(accumulation, number, "state", pass.compute);
    let argument = |waiting: &Waiting<'_>, writer: &mut Writer| {
        let id = accumulation.arguments[0];
        let text = writer.computing_in(pass.compute, |writer| waiting.read(id, &Position::Known(0), writer));
        in_state.widened(text, writer)
    };
    writer.lines.gap();
    writer
        .lines
        .line("static __device__ __forceinline__ bool precedes(const Candidate &candidate, const Candidate &other)");
    writer.lines.open("{");
    let text = writer.computing_in(schedule.accumulate, |writer| {
        let text = argument(&other, writer);
        let state = |operand: Operand, _: &Position| matches!(operand, Operand::State(_)).then(|| text.clone());
        let operands = operands_of(pass, number, accumulation, &own, &column);
        let operands = Replaced { operands, state: &state };
        writer.expression(&guard.value, guard.kind, &vec![(Counter(0), Position::Known(0))], &operands)
    });
    writer.lines.line(format!("return {};", text.loose()));
    writer.lines.close("}");
    let bound_components =
        || bounds.iter().map(|(slot, _)| (*slot, bound_text(&accumulation.rule, number, *slot, &Position::Known(0))));
    function(writer, "static ", "bound_by(Bound &bound, const Candidate &candidate)", |writer| {
        writer.computing_in(schedule.accumulate, |writer| {
            let text = argument(&own, writer);
            bound_components().for_each(|(_, to)| writer.lines.line(format!("{} = {};", to.loose(), text.loose())));
        });
    });
    let slots = &accumulation.rule.slots;
    function(writer, "static ", "unbound(Bound &bound)", |writer| {
        writer.computing_in(schedule.accumulate, |writer| {
            for (slot, to) in bound_components() {
                let nothing = initial(writer, &slots[slot as usize]);
                writer.lines.line(format!("{} = {};", to.loose(), nothing.loose()));
            }
        });
    });
    function(writer, "static ", "place(State &state, int k, const Candidate &candidate)", |writer| {
        let text = writer.computing_in(schedule.accumulate, |writer| argument(&own, writer));
        for slot in slots {
            let text = if slot.kind == Kind::Index { &column } else { &text };
            writer.lines.line(format!("state.a{number}_{}[k] = {};", slot.name, text.loose()));
        }
    });
    function(writer, "static ", "copy(State &state, int k, const State &other, int l)", |writer| {
        for slot in slots {
            writer.lines.line(format!("state.a{number}_{0}[k] = other.a{number}_{0}[l];", slot.name));
        }
    });
    function(writer, "static ", "clear(State &state, int k)", |writer| {
        writer.computing_in(schedule.accumulate, |writer| {
            for slot in slots {
                let nothing = initial(writer, slot);
                writer.lines.line(format!("state.a{number}_{}[k] = {};", slot.name, nothing.loose()));
            }
        });
    });
    writer.lines.gap();
    writer
        .lines
        .line("static __device__ __forceinline__ bool precedes(const State &state, int k, const State &other, int l)");
    writer.lines.open("{");
    let text = writer.computing_in(schedule.accumulate, |writer| {
        precedes(writer, &operands_of(pass, number, accumulation, &own, &column), ["state", "other"], ["k", "l"])
    });
    writer.lines.line(format!("return {};", text.loose()));
    writer.lines.close("}");
}

/// Whether what is in a place of a list stands before what is in a place of another one: what was an argument is in the one slot that is no index.
fn precedes(writer: &mut Writer, operands: &RuleOperands<'_>, [own, other]: [&str; 2], [k, l]: [&str; 2]) -> Text {
    let RuleOperands { accumulation, number, .. } = *operands;
    let slots = &accumulation.rule.slots;
    let real = slots.iter().find(|slot| slot.kind == Kind::Real).expect("what guards compare");
    let read = |operand: Operand, _: &Position| match operand {
        Operand::Argument(_) => Some(Text::primary(format!("{own}.a{number}_{}[{k}]", real.name))),
        Operand::State(slot) => Some(Text::primary(format!("{other}.a{number}_{}[{l}]", slots[slot as usize].name))),
        _ => None,
    };
    let (guard, _) = guard_of(accumulation);
    let replaced = Replaced { operands: *operands, state: &read };
    writer.expression(&guard.value, guard.kind, &vec![(Counter(0), Position::Known(0))], &replaced)
}

fn write_bound(writer: &mut Writer, pass: &Pass, schedule: &GpuSchedule) {
    for (number, accumulation) in accumulations(pass, schedule) {
        let (guard, bounds) = guard_of(accumulation);
        let operands = RuleOperands::of_state(accumulation, number, "state", pass.compute);
        for (slot, index) in bounds {
            writer.for_each_component(guard.dim, |writer, position| {
                let counters = vec![(Counter(0), position.clone())];
                let component = Scalar::Component(Operand::State(slot), index);
                let kind = accumulation.rule.slots[slot as usize].kind;
                let from = writer.expression(&component, kind, &counters, &operands);
                let to = bound_text(&accumulation.rule, number, slot, position);
                writer.lines.line(format!("{} = {};", to.loose(), from.loose()));
            });
        }
    }
}

fn bound_text(rule: &Rule, number: usize, slot: u32, component: &Position) -> Text {
    Text::primary(format!("bound.a{number}_{}[{}]", rule.slots[slot as usize].name, component.text().loose()))
}

/// Sets `is_one` where a component of a guard holds.
fn write_guard(writer: &mut Writer, pass: &Pass, number: usize, accumulation: &Accumulation) {
    let (guard, _) = guard_of(accumulation);
    writer.for_each_component(guard.dim, |writer, position| {
        let counters = vec![(Counter(0), position.clone())];
        let (values, column) = (Waiting { pass, candidate: "candidate" }, candidate_column());
        let bound = |operand: Operand, _: &Position| match operand {
            Operand::State(slot) => Some(bound_text(&accumulation.rule, number, slot, position)),
            _ => None,
        };
        let operands = operands_of(pass, number, accumulation, &values, &column);
        let operands = Replaced { operands, state: &bound };
        let text = writer.expression(&guard.value, guard.kind, &counters, &operands);
        writer.lines.line(format!("is_one = is_one || {};", text.loose()));
    });
}

fn candidate_column() -> Text {
    Text::primary("candidate.column")
}

fn operands_of<'a>(
    pass: &Pass,
    number: usize,
    accumulation: &'a Accumulation,
    values: &'a dyn Operands<ValueId>,
    column: &'a Text,
) -> RuleOperands<'a> {
    let operands = RuleOperands::of_state(accumulation, number, "state", pass.compute);
    RuleOperands { values: Some(values), column: Some(column), ..operands }
}

/// Takes candidates into an accumulation: a list place by place, anything else one after the other.
fn write_take(writer: &mut Writer, pass: &Pass, schedule: &GpuSchedule, number: usize, accumulation: &Accumulation) {
    let rule = &accumulation.rule;
    let (values, column) = (Waiting { pass, candidate: "candidate" }, candidate_column());
    let operands = operands_of(pass, number, accumulation, &values, &column);
    if places(rule, &rule.update).is_some() && rule.update_lets.is_empty() {
        writer.lines.line(format!("// {}", describe(number, accumulation)));
        let taken = Taken {
            rules: &rule.update,
            variables: vec!["Candidate some[TOGETHER];".to_owned()],
            reads: vec!["some[c] = candidates[c];".to_owned()],
            each: vec!["const Candidate &candidate = some[c];".to_owned()],
            later: false,
        };
        writer.computing_in(schedule.accumulate, |writer| write_places(writer, &operands, &taken));
        return;
    }
    writer.lines.line("#pragma unroll 1");
    writer.lines.open("for (int c = 0; c < TOGETHER && c < count; ++c) {");
    writer.lines.line("const Candidate &candidate = candidates[c];");
    write_update(writer, schedule, &operands);
    writer.lines.close("}");
}

/// The number of places, where rules change a list of scalars.
fn places(rule: &Rule, rules: &[Scalar<Operand>]) -> Option<u32> {
    let slots: Vec<u32> = (0..rule.slots.len() as u32).collect();
    list_of(&rule.slots, rules, &slots).filter(|(_, distance)| *distance == 1).map(|(places, _)| places)
}

/// Whether a merge takes the columns of the later list into the earlier one, one in a step.
pub(crate) fn joins_lists(rule: &Rule) -> bool {
    let mut fits = rule.merge_lets.is_empty() && places(rule, &rule.merge) == Some(rule.merge_steps);
    for scalar in &rule.merge {
        for_each_read(scalar, &mut |operand, index| {
            fits &= !matches!(operand, Operand::Later(_)) || *index == Index::Counter(STEP);
        });
    }
    fits
}

/// Takes the columns of a later list in, several at a time.
pub(crate) fn write_merge(writer: &mut Writer, operands: &RuleOperands<'_>) {
    let rule = &operands.accumulation.rule;
    let steps = rule.merge_steps;
    let real = writer.real;
    writer.lines.line("#pragma unroll 1");
    writer.lines.open(format!("for (int first = 0; first < {steps}; first += TOGETHER) {{"));
    writer.lines.line(format!("const int count = {steps} - first;"));
    let number = operands.number;
    let slots = || rule.slots.iter().map(|slot| (slot.name.as_str(), type_name(slot.kind, real)));
    let variables = slots().map(|(name, kind)| format!("{kind} later_{name}[TOGETHER];"));
    let reads =
        slots().map(|(name, _)| format!("later_{name}[c] = later.a{number}_{name}[c < count ? first + c : 0];"));
    let (variables, reads) = (variables.collect(), reads.collect());
    write_end_of_merge(writer, operands);
    let taken = Taken { rules: &rule.merge, variables, reads, each: Vec::new(), later: true };
    write_places(writer, operands, &taken);
    writer.lines.close("}");
}

/// Where the best of those that are left of the later list changes nothing, none does.
fn write_end_of_merge(writer: &mut Writer, operands: &RuleOperands<'_>) {
    let Some(places) = list_places(&[operands.accumulation]) else { return };
    let last = (places - 1).to_string();
    let changes = precedes(writer, operands, ["later", operands.state], ["first", &last]);
    writer.lines.open(format!("if (!({})) {{", changes.loose()));
    writer.lines.line("break;");
    writer.lines.close("}");
}

/// What is taken into a list.
struct Taken<'a> {
    /// What becomes of a place of each slot by one of it.
    rules: &'a [Scalar<Operand>],
    /// Where it is kept.
    variables: Vec<String>,
    /// How number `c` gets there.
    reads: Vec<String>,
    /// What stands before `rules` are applied to number `c`.
    each: Vec<String>,
    /// Whether it is places of a later list.
    later: bool,
}

/// One walk over the list in which `TOGETHER` columns, of which `count` are there, join it.
fn write_places(writer: &mut Writer, operands: &RuleOperands<'_>, taken: &Taken<'_>) {
    let rule = &operands.accumulation.rule;
    let (number, list) = (operands.number, operands.state);
    let real = writer.real;
    let names: Vec<(&str, &str)> =
        rule.slots.iter().map(|slot| (type_name(slot.kind, real), slot.name.as_ref())).collect();
    writer.lines.open("{");
    let each = |writer: &mut Writer, line: &dyn Fn(&str, &str) -> String| {
        names.iter().for_each(|(kind, name)| writer.lines.line(line(kind, name)));
    };
    let all = |writer: &mut Writer, lines: &[String]| lines.iter().for_each(|line| writer.lines.line(line));
    all(writer, &taken.variables);
    each(writer, &|kind, name| format!("{kind} before_{name}[TOGETHER];"));
    writer.lines.line("#pragma unroll");
    writer.lines.open("for (int c = 0; c < TOGETHER; ++c) {");
    all(writer, &taken.reads);
    each(writer, &|_, name| format!("before_{name}[c] = 0;"));
    writer.lines.close("}");
    writer.lines.open("const auto change = [&](const int k) {");
    each(writer, &|kind, name| format!("{kind} own_{name} = {list}.a{number}_{name}[k];"));
    writer.lines.line("#pragma unroll");
    writer.lines.open("for (int c = 0; c < TOGETHER; ++c) {");
    all(writer, &taken.each);
    let step = Position::Computed(Text::primary("c"));
    let counters = vec![(Counter(0), Position::Computed(Text::primary("k"))), (STEP, step)];
    let state = |operand: Operand, position: &Position| match operand {
        // The place itself, or the one before.
        Operand::State(slot) => {
            let (name, is_own) = (names[slot as usize].1, position.text().loose() == "k");
            Some(Text::primary(if is_own { format!("own_{name}") } else { format!("before_{name}[c]") }))
        }
        Operand::Later(slot) if taken.later => Some(Text::primary(format!("later_{}[c]", names[slot as usize].1))),
        _ => None,
    };
    let replaced = Replaced { operands: *operands, state: &state };
    for ((slot, update), (kind, name)) in rule.slots.iter().zip(taken.rules).zip(&names) {
        let text = writer.expression(update, slot.kind, &counters, &replaced);
        writer.lines.line(format!("const {kind} next_{name} = {};", text.loose()));
    }
    for (_, name) in &names {
        writer.lines.line(format!("before_{name}[c] = own_{name};"));
        writer.lines.line(format!("own_{name} = c < count ? next_{name} : own_{name};"));
    }
    writer.lines.close("}");
    each(writer, &|_, name| format!("{list}.a{number}_{name}[k] = own_{name};"));
    writer.lines.close("};");
    writer.lines.line("change(0);");
    writer.lines.line("#pragma unroll 1");
    writer.lines.open(format!("for (int k = 1; k < {}; ++k) {{", rule.slots[0].dim));
    writer.lines.line("change(k);");
    writer.lines.close("}");
    writer.lines.close("}");
}

/// Values of the pass that a candidate has.
struct Waiting<'a> {
    pass: &'a Pass,
    /// Its name.
    candidate: &'a str,
}

impl Operands<ValueId> for Waiting<'_> {
    fn read(&self, id: ValueId, position: &Position, _: &mut Writer) -> Text {
        let number = if self.pass.value(id).dim == 1 { Position::Known(0) } else { position.clone() };
        Text::primary(format!("{}.v{}[{}]", self.candidate, id.0, number.text().loose()))
    }
}

/// Operands of a rule, where the state is something else.
struct Replaced<'a> {
    operands: RuleOperands<'a>,
    /// What stands for a component of a state, where that is something else.
    state: &'a dyn Fn(Operand, &Position) -> Option<Text>,
}

impl Operands<Operand> for Replaced<'_> {
    fn read(&self, operand: Operand, position: &Position, writer: &mut Writer) -> Text {
        (self.state)(operand, position).unwrap_or_else(|| self.operands.read(operand, position, writer))
    }
}
