//! The accumulators: their structure, neutral value, update by a column and merge of two states, all from the rules' expressions.

use std::collections::BTreeSet;

use keopsc_ir::plan::{Accumulation, Block, Definition, Pass, ValueId};
use keopsc_ir::types::ScalarType;
use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::reductions::{self, Let, Operand, Raising, Rule, STEP, Slot, list_of};
use keopsc_ops::scalar::{Counter, Index, Scalar};

use crate::candidates;
use crate::expression::{Counters, Operands, Position, Writer};
use crate::schedule::{GpuSchedule, Place};
use crate::spelling::{Binding, Text, integer, type_name};
use crate::uses::{arguments_read, for_each_read, lets_needed};
use crate::wide::{Difference, WideSum, WideSums};

/// What a pair's contraction is called, and its factor of wide sums.
pub(crate) const CONTRACTED: &str = "contracted";
const FACTOR: &str = "factor";

/// The accumulations that are needed, with their numbers.
pub(crate) fn accumulations<'p>(
    pass: &'p Pass,
    schedule: &'p GpuSchedule,
) -> impl Iterator<Item = (usize, &'p Accumulation)> {
    pass.accumulations.iter().enumerate().filter(|(number, _)| schedule.accumulations[*number])
}

/// The structure `State` and the functions that work on states; `write_values` adds the pair's values, which `values` refers to.
pub(crate) fn write_functions(
    writer: &mut Writer,
    pass: &Pass,
    schedule: &GpuSchedule,
    write_values: impl Fn(&mut Writer),
    values: &dyn Operands<ValueId>,
) {
    let compute = writer.real;
    writer.real = schedule.accumulate;
    let every = |_: usize| true;
    let narrow = |number: usize| schedule.wide.as_ref().is_none_or(|wide| !wide.has(number));
    write_structure(writer, "State", pass, schedule, &every);
    function(writer, "static ", "initialize(State &state)", |writer| write_initial(writer, pass, schedule, &every));
    function(writer, "static ", "merge(State &earlier, const State &later)", |writer| {
        write_merge(writer, pass, schedule, &every);
    });
    if schedule.in_quads {
        function(writer, "static ", "merge_mixed(State &one, const State &other)", |writer| {
            write_mixed_merge(writer, pass, schedule, ["State", "merge"], &every);
        });
    }
    if schedule.wide_in_quads() {
        // What there is beside wide sums.
        write_structure(writer, "Narrow", pass, schedule, &narrow);
        let has_narrow = accumulations(pass, schedule).any(|(number, _)| narrow(number));
        writer.lines.line(format!("enum {{ HAS_NARROW = {} }};", u32::from(has_narrow)));
        function(writer, "static ", "initialize_narrow(Narrow &state)", |writer| {
            write_initial(writer, pass, schedule, &narrow);
        });
        function(
            writer,
            "template <typename Some> static ",
            "merge_narrow(Some &earlier, const Narrow &later)",
            |writer| {
                write_merge(writer, pass, schedule, &narrow);
            },
        );
        function(writer, "static ", "merge_mixed(Narrow &one, const Narrow &other)", |writer| {
            write_mixed_merge(writer, pass, schedule, ["Narrow", "merge_narrow"], &narrow);
        });
    }
    writer.real = compute;
    if schedule.queues {
        return candidates::write_functions(writer, pass, schedule, write_values, values);
    }
    // A contraction has been computed before; a factor is what is left of the pair, and takes its place.
    let contracted = |one: &str| schedule.contraction.as_ref().map_or(String::new(), |_| format!(", const Real {one}"));
    let pair = match &schedule.wide {
        Some(_) => format!(", Real &{FACTOR}"),
        None => contracted(CONTRACTED),
    };
    // Wide sums are no business of it.
    let [prefix, state] = if schedule.wide_in_quads() { ["template <typename Some> ", "Some"] } else { ["", "State"] };
    let arguments =
        format!("update({state} &state, const Row &row, const Column &column, long long index{pair}) const");
    function(writer, prefix, &arguments, |writer| {
        if schedule.wide.is_some() && schedule.contraction.is_some() {
            writer.lines.line(format!("const Real {CONTRACTED} = {FACTOR};"));
        }
        write_values(writer);
        write_updates(writer, pass, schedule, values, &column_number());
        if let Some(wide) = &schedule.wide {
            let factor = values.read(wide.factor, &Position::Known(0), writer);
            writer.lines.line(format!("{FACTOR} = {};", factor.loose()));
        }
    });
    if schedule.in_quads {
        write_near(writer, pass, schedule, &write_values, values);
    }
    if let Some(wide) = &schedule.wide {
        write_wide_sums(writer, pass, wide);
    }
    if schedule.block > 1 {
        let lags = |(_, accumulation): (usize, &Accumulation)| reductions::reduction(accumulation.reduction).lagging;
        // A ring has no rounding, but its exponentials of large numbers are not as they seem.
        let may_lag = writer.is_real() && accumulations(pass, schedule).all(lags);
        let pairs = contracted("*pairs");
        let arguments =
            format!("update_block(State &state, const Row &row, const Column *columns, long long first{pairs}) const");
        function(writer, "", &arguments, |writer| match may_lag {
            true => write_lagging_block(writer, pass, schedule, write_values, values),
            false => write_block(writer, pass, schedule, write_values, values),
        });
    }
}

/// One more column, whose number is `column`, in all states but wide sums.
fn write_updates(
    writer: &mut Writer,
    pass: &Pass,
    schedule: &GpuSchedule,
    values: &dyn Operands<ValueId>,
    column: &Text,
) {
    let is_wide = |number: usize| schedule.wide.as_ref().is_some_and(|wide| wide.has(number));
    for (number, accumulation) in accumulations(pass, schedule).filter(|(number, _)| !is_wide(*number)) {
        let operands = RuleOperands::of_state(accumulation, number, "state", pass.compute);
        let operands = RuleOperands { values: Some(values), column: Some(column), ..operands };
        write_update(writer, schedule, &operands);
    }
}

/// The state of columns that are near each other, where one is told by its place among them: a number of half as many bytes, which is known when the
/// text is compiled. It begins as a state whose columns are all others, at the place -1.
fn write_near(
    writer: &mut Writer,
    pass: &Pass,
    schedule: &GpuSchedule,
    write_values: &impl Fn(&mut Writer),
    values: &dyn Operands<ValueId>,
) {
    let all = || accumulations(pass, schedule);
    let has_near = writer.is_real()
        && schedule.block == 1
        && all().any(|(_, accumulation)| accumulation.rule.slots.iter().any(is_number))
        && all().all(|(_, accumulation)| tells_places(&accumulation.rule))
        && !pass.block(Block::Column).any(|(_, value)| value.definition == Definition::Number);
    writer.lines.line(format!("enum {{ HAS_NEAR = {} }};", u32::from(has_near)));
    if !has_near {
        return;
    }
    writer.lines.gap();
    writer.lines.open("struct Near {");
    for_each_slot(pass, schedule, |number, slot| {
        let extent = if slot.dim == 1 { String::new() } else { format!("[{}]", slot.dim) };
        let kind = if is_number(slot) { "int" } else { type_name(slot.kind, schedule.accumulate) };
        writer.lines.line(format!("{kind} a{number}_{}{extent};", slot.name));
    });
    writer.lines.close("};");
    let for_each_component = |writer: &mut Writer, body: &dyn Fn(&mut Writer, &Slot, [Text; 2])| {
        for_each_slot(pass, schedule, |number, slot| {
            writer.for_each_component(slot.dim, |writer, position| {
                let member = |state: &str| Text::primary(format!("{state}.a{number}_{}", slot.name));
                body(writer, slot, ["near", "state"].map(|state| component(&member(state), slot.dim, position)));
            });
        });
    };
    function(writer, "static ", "begin_near(Near &near, const State &state)", |writer| {
        for_each_component(writer, &|writer, slot, [near, state]| {
            let value = if is_number(slot) { "-1".to_owned() } else { state.loose().to_owned() };
            writer.lines.line(format!("{} = {value};", near.loose()));
        });
    });
    function(writer, "", "end_near(State &state, const Near &near, long long index) const", |writer| {
        let first = column_number();
        for_each_component(writer, &|writer, slot, [near, state]| {
            let [near, state] = [near.loose(), state.loose()];
            let value = match is_number(slot) {
                true => format!("{near} < 0 ? {state} : {} + {near}", first.loose()),
                false => near.to_owned(),
            };
            writer.lines.line(format!("{state} = {value};"));
        });
    });
    let arguments =
        format!("update(Near &state, const Row &row, const Column &column, int place, const Real {CONTRACTED}) const");
    function(writer, "", &arguments, |writer| {
        write_values(writer);
        write_updates(writer, pass, schedule, values, &Text::primary("place"));
    });
}

/// The slots of all accumulations.
fn for_each_slot(pass: &Pass, schedule: &GpuSchedule, mut body: impl FnMut(usize, &Slot)) {
    for (number, accumulation) in accumulations(pass, schedule) {
        accumulation.rule.slots.iter().for_each(|slot| body(number, slot));
    }
}

/// Whether numbers of columns are kept as they are, or replaced by that of the column, and nobody else looks at them or at the column's.
fn tells_places(rule: &Rule) -> bool {
    let looks = |scalar: &Scalar<Operand>| {
        let mut looks = false;
        for_each_read(scalar, &mut |operand, _| {
            looks |= match operand {
                Operand::State(slot) => is_number(&rule.slots[slot as usize]),
                Operand::Column => true,
                _ => false,
            };
        });
        looks
    };
    // Slot `own`, of so many components.
    fn keeps(scalar: &Scalar<Operand>, [own, dim]: [u32; 2], looks: &impl Fn(&Scalar<Operand>) -> bool) -> bool {
        match scalar {
            Scalar::Component(Operand::Column, _) => true,
            Scalar::Component(Operand::State(slot), index) => *slot == own && (dim == 1 || *index == Index::K),
            Scalar::Call(Intrinsic::SelectIndex, arms) => match arms.as_slice() {
                [condition, then, otherwise] => {
                    !looks(condition) && [then, otherwise].into_iter().all(|arm| keeps(arm, [own, dim], looks))
                }
                _ => false,
            },
            _ => false,
        }
    }
    rule.guard.as_ref().is_none_or(|guard| !looks(&guard.value))
        && !rule.update_lets.iter().any(|item| looks(&item.value))
        && (0..).zip(rule.slots.iter().zip(&rule.update)).all(|(own, (slot, update))| match is_number(slot) {
            true => keeps(update, [own, slot.dim], &looks),
            false => !looks(update),
        })
}

/// The structure of the slots of some accumulations.
fn write_structure(
    writer: &mut Writer,
    name: &str,
    pass: &Pass,
    schedule: &GpuSchedule,
    is_one: &dyn Fn(usize) -> bool,
) {
    writer.lines.gap();
    writer.lines.open(format!("struct {name} {{"));
    for (number, accumulation) in accumulations(pass, schedule).filter(|(number, _)| is_one(*number)) {
        for slot in &accumulation.rule.slots {
            let extent = if slot.dim == 1 { String::new() } else { format!("[{}]", slot.dim) };
            let kind = type_name(slot.kind, schedule.accumulate);
            writer.lines.line(format!("{kind} a{number}_{}{extent};", slot.name));
        }
    }
    writer.lines.close("};");
}

/// Adds components of wide sums to those that a state has. Differences are summed up as those from the column.
fn write_wide_sums(writer: &mut Writer, pass: &Pass, wide: &WideSums) {
    let arguments = "add_wide(State &state, int q, const Real sum)";
    function(writer, "static ", arguments, |writer| {
        for sum in &wide.sums {
            let WideSum { accumulation, difference, first, width, .. } = sum;
            let operator = if *difference == Some(Difference::FromRow) { '-' } else { '+' };
            let slot = &pass.accumulations[*accumulation].rule.slots[0];
            let component = format!("state.a{accumulation}_{}[{}]", slot.name, sum.component("q"));
            writer.lines.open(format!("if (q >= {first} && q < {}) {{", first + width));
            writer.lines.line(format!("{component} = {component} {operator} sum;"));
            writer.lines.close("}");
        }
    });
}

/// Several columns at once, relative to pivots that may lag behind them. Only where sums get large with these, or are none since a pivot is
/// infinite, columns are taken in one after the other.
fn write_lagging_block(
    writer: &mut Writer,
    pass: &Pass,
    schedule: &GpuSchedule,
    write_values: impl Fn(&mut Writer),
    values: &dyn Operands<ValueId>,
) {
    let column = column_number();
    writer.lines.line("State ahead = state;");
    for_each_column(writer, schedule, &|writer| {
        writer.computing_in(pass.compute, |writer| write_values(writer));
        for (number, accumulation, raising) in raised(pass, schedule) {
            writer.lines.line(format!("// {}", describe(number, accumulation)));
            let operands = RuleOperands::of_state(accumulation, number, "ahead", pass.compute);
            let operands = RuleOperands { values: Some(values), column: Some(&column), ..operands };
            write_raised_update(writer, operands, raising);
        }
    });
    writer.lines.line("bool is_moderate = true;");
    writer.computing_in(schedule.accumulate, |writer| {
        let [absolute, most] = match schedule.accumulate {
            ScalarType::F64 => ["fabs", "0x1p900"],
            _ => ["fabsf", "0x1p100f"],
        };
        for (number, accumulation, raising) in raised(pass, schedule) {
            let operands = RuleOperands::of_state(accumulation, number, "ahead", pass.compute);
            for slot in others(accumulation, raising) {
                writer.for_each_component(accumulation.rule.slots[slot as usize].dim, |writer, position| {
                    let sum = operands.slot("ahead", slot, position);
                    writer.lines.line(format!("is_moderate = is_moderate && {absolute}({}) < {most};", sum.loose()));
                });
            }
        }
    });
    writer.lines.open("if (is_moderate) {");
    writer.lines.line("state = ahead;");
    writer.lines.line("return;");
    writer.lines.close("}");
    write_one_by_one(writer, schedule);
}

/// Several columns at once: what pairs give is kept until the pivots have taken all of it in, so that the state is rescaled once. Where a pivot
/// is infinite, so that a difference to it may not be a number, the columns are taken in one after the other.
fn write_block(
    writer: &mut Writer,
    pass: &Pass,
    schedule: &GpuSchedule,
    write_values: impl Fn(&mut Writer),
    values: &dyn Operands<ValueId>,
) {
    let kept = kept_arguments(pass, schedule);
    for id in &kept {
        let kind = type_name(Kind::Real, pass.compute);
        writer.lines.line(format!("{kind} kept{}[BLOCK][{}];", id.0, pass.value(*id).dim));
    }
    for_each_column(writer, schedule, &|writer| {
        writer.computing_in(pass.compute, |writer| {
            write_values(writer);
            for id in &kept {
                writer.for_each_component(pass.value(*id).dim, |writer, position| {
                    let value = values.read(*id, position, writer);
                    let place = format!("kept{}[c][{}]", id.0, position.text().loose());
                    writer.lines.line(format!("{place} = {};", value.loose()));
                });
            }
        });
    });
    let kept = Kept { values, kept: &kept, pass };
    let column = column_number();
    writer.lines.line("State raised;");
    writer.lines.line("initialize(raised);");
    for (number, accumulation, raising) in raised(pass, schedule) {
        let operands = RuleOperands::of_state(accumulation, number, "raised", pass.compute);
        let operands = RuleOperands { values: Some(&kept), column: Some(&column), ..operands };
        for_each_pivot(writer, &operands, raising, |writer, slot, position| {
            let [from, to] = ["state", "raised"].map(|state| operands.slot(state, slot, position));
            writer.lines.line(format!("{} = {};", to.loose(), from.loose()));
        });
        for_each_column(writer, schedule, &|writer| {
            let rule = &accumulation.rule;
            let update: Vec<Scalar<Operand>> = rule.update.iter().map(as_extremum).collect();
            write_slots(writer, &operands, &rule.update_lets, &update, &raising.pivots);
        });
    }
    writer.lines.line("bool is_finite = true, is_raised = false;");
    for (number, accumulation, raising) in raised(pass, schedule) {
        let operands = RuleOperands::of_state(accumulation, number, "raised", pass.compute);
        for_each_pivot(writer, &operands, raising, |writer, slot, position| {
            let [old, new] = ["state", "raised"].map(|state| operands.slot(state, slot, position));
            let zero = writer.computing_in(schedule.accumulate, |writer| writer.number(0.0));
            let new_text = new.loose();
            writer.lines.line(format!("is_finite = is_finite && {new_text} - {new_text} == {};", zero.loose()));
            writer.lines.line(format!("is_raised = is_raised || {} != {};", new.loose(), old.loose()));
        });
    }
    writer.lines.open("if (!is_finite) {");
    write_one_by_one(writer, schedule);
    writer.lines.line("return;");
    writer.lines.close("}");
    writer.lines.open("if (is_raised) {");
    writer.lines.line("merge(state, raised);");
    writer.lines.close("}");
    for (number, accumulation, raising) in raised(pass, schedule) {
        writer.lines.line(format!("// {}", describe(number, accumulation)));
        let operands = RuleOperands::of_state(accumulation, number, "state", pass.compute);
        let operands = RuleOperands { values: Some(&kept), column: Some(&column), ..operands };
        for_each_column(writer, schedule, &|writer| write_raised_update(writer, operands, raising));
    }
}

/// The accumulations with pivots.
fn raised<'p>(
    pass: &'p Pass,
    schedule: &'p GpuSchedule,
) -> impl Iterator<Item = (usize, &'p Accumulation, &'p Raising)> {
    accumulations(pass, schedule)
        .filter_map(|(number, accumulation)| Some((number, accumulation, accumulation.rule.raising.as_ref()?)))
}

/// The slots that are no pivots.
fn others(accumulation: &Accumulation, raising: &Raising) -> Vec<u32> {
    (0..accumulation.rule.slots.len() as u32).filter(|slot| !raising.pivots.contains(slot)).collect()
}

/// `body` for each column of a block.
fn for_each_column(writer: &mut Writer, schedule: &GpuSchedule, body: &dyn Fn(&mut Writer)) {
    writer.lines.line("#pragma unroll");
    writer.lines.open("for (int c = 0; c < BLOCK; ++c) {");
    let place = place_of_column(schedule);
    writer.lines.line(format!("const Column &column = columns[{place}];"));
    writer.lines.line(format!("const long long index = first + {place};"));
    if schedule.contraction.is_some() {
        writer.lines.line(format!("const Real {CONTRACTED} = pairs[c];"));
    }
    writer.computing_in(schedule.accumulate, |writer| body(writer));
    writer.lines.close("}");
}

/// Where column `c` of those that are taken in together is, counted from the first.
fn place_of_column(schedule: &GpuSchedule) -> &'static str {
    if schedule.in_quads { "place_in_quad(c)" } else { "c" }
}

fn write_one_by_one(writer: &mut Writer, schedule: &GpuSchedule) {
    writer.lines.line("#pragma unroll 1");
    writer.lines.open("for (int c = 0; c < BLOCK; ++c) {");
    let contraction = if schedule.contraction.is_some() { ", pairs[c]" } else { "" };
    let place = place_of_column(schedule);
    writer.lines.line(format!("update(state, row, columns[{place}], first + {place}{contraction});"));
    writer.lines.close("}");
}

/// A column that finite pivots have taken in, into the other slots.
fn write_raised_update(writer: &mut Writer, operands: RuleOperands<'_>, raising: &Raising) {
    let Raising { lets, update, .. } = raising.with_finite_pivots();
    let slots = others(operands.accumulation, raising);
    write_slots(writer, &RuleOperands { lets: Some(&lets), ..operands }, &lets, &update, &slots);
}

fn for_each_pivot(
    writer: &mut Writer,
    operands: &RuleOperands<'_>,
    raising: &Raising,
    mut body: impl FnMut(&mut Writer, u32, &Position),
) {
    for pivot in &raising.pivots {
        let slot = &operands.accumulation.rule.slots[*pivot as usize];
        writer.for_each_component(slot.dim, |writer, position| body(writer, *pivot, position));
    }
}

/// `select(m < a, a, m)` as `max(m, a)`, which is the same as long as the slot m is no NaN: a pivot begins as a number and takes in what compares.
fn as_extremum(scalar: &Scalar<Operand>) -> Scalar<Operand> {
    if let Scalar::Call(Intrinsic::Select, arms) = scalar
        && let [Scalar::Call(Intrinsic::Less, compared), then, otherwise] = arms.as_slice()
        && let [lesser, greater] = compared.as_slice()
        && let Scalar::Component(Operand::State(_), _) = otherwise
    {
        let both = vec![otherwise.clone(), then.clone()];
        match (lesser == otherwise && greater == then, lesser == then && greater == otherwise) {
            (true, _) => return Scalar::Call(Intrinsic::Max, both),
            (_, true) => return Scalar::Call(Intrinsic::Min, both),
            _ => {}
        }
    }
    scalar.clone()
}

/// The arguments of accumulations with pivots that differ from pair to pair.
fn kept_arguments(pass: &Pass, schedule: &GpuSchedule) -> Vec<ValueId> {
    let raised = accumulations(pass, schedule).filter(|(_, accumulation)| accumulation.rule.raising.is_some());
    let arguments = raised.flat_map(|(_, accumulation)| arguments_read(accumulation));
    let is_computed = |id: &ValueId| match pass.value(*id).block {
        Block::Pair => true,
        Block::Column => schedule.place(*id) == Place::Thread,
        _ => false,
    };
    let mut kept: Vec<ValueId> = arguments.filter(is_computed).collect();
    kept.sort();
    kept.dedup();
    kept
}

/// Values of the pass, of which some have been kept.
struct Kept<'a> {
    values: &'a dyn Operands<ValueId>,
    kept: &'a [ValueId],
    pass: &'a Pass,
}

impl Operands<ValueId> for Kept<'_> {
    fn read(&self, id: ValueId, position: &Position, writer: &mut Writer) -> Text {
        if !self.kept.contains(&id) {
            return self.values.read(id, position, writer);
        }
        let number = if self.pass.value(id).dim == 1 { Position::Known(0) } else { position.clone() };
        Text::primary(format!("kept{}[c][{}]", id.0, number.text().loose()))
    }
}

pub(crate) fn function(writer: &mut Writer, prefix: &str, declaration: &str, body: impl FnOnce(&mut Writer)) {
    writer.lines.gap();
    writer.lines.line(format!("{prefix}__device__ __forceinline__ void {declaration}"));
    writer.lines.open("{");
    body(writer);
    writer.lines.close("}");
}

fn write_merge(writer: &mut Writer, pass: &Pass, schedule: &GpuSchedule, is_one: &dyn Fn(usize) -> bool) {
    for (number, accumulation) in accumulations(pass, schedule).filter(|(number, _)| is_one(*number)) {
        let operands = RuleOperands::of_state(accumulation, number, "earlier", pass.compute);
        let operands = RuleOperands { later: Some("later"), ..operands };
        let rule = &accumulation.rule;
        if schedule.queues && candidates::joins_lists(rule) {
            candidates::write_merge(writer, &operands);
        } else if rule.merge_steps == 1 {
            write_phase(writer, &operands, &rule.merge_lets, &rule.merge);
        } else {
            writer.lines.line("#pragma unroll 1");
            writer.lines.open(format!("for (int step = 0; step < {}; ++step) {{", rule.merge_steps));
            let step = Position::Computed(Text::primary("step"));
            write_phase(writer, &RuleOperands { step: Some(&step), ..operands }, &rule.merge_lets, &rule.merge);
            writer.lines.close("}");
        }
    }
}

fn is_number(slot: &Slot) -> bool {
    slot.kind == Kind::Index
}

/// Whether states of columns that lie between each other's can be merged: there are no numbers of columns, or one for each component of the state.
pub(crate) fn can_be_mixed(rule: &Rule) -> bool {
    let dim = rule.slots.first().map_or(0, |slot| slot.dim);
    !rule.slots.iter().any(is_number) || rule.merge_steps == 1 && rule.slots.iter().all(|slot| slot.dim == dim)
}

/// Merges states of columns that lie between each other's. Where a column is told by its number, `merge` keeps that of the earlier state if both could
/// be meant; here the least number counts, whichever state it is in.
fn write_mixed_merge(
    writer: &mut Writer,
    pass: &Pass,
    schedule: &GpuSchedule,
    [state, merge]: [&str; 2],
    is_one: &dyn Fn(usize) -> bool,
) {
    let all = accumulations(pass, schedule).filter(|(number, _)| is_one(*number));
    let numbered = all.filter(|(_, one)| one.rule.slots.iter().any(is_number));
    let numbered: Vec<(usize, &Accumulation)> = numbered.collect();
    if numbered.is_empty() {
        return writer.lines.line(format!("{merge}(one, other);"));
    }
    writer.lines.line(format!("{state} reversed = other;"));
    writer.lines.line(format!("{merge}(reversed, one);"));
    writer.lines.line(format!("{merge}(one, other);"));
    for (number, accumulation) in numbered {
        let slots = &accumulation.rule.slots;
        let operands = RuleOperands::of_state(accumulation, number, "one", pass.compute);
        let place = slots.iter().position(is_number).unwrap_or_default();
        writer.for_each_component(slots[place].dim, |writer, position| {
            let of = |state: &str, slot: usize| operands.slot(state, slot as u32, position);
            let [own, others] = ["one", "reversed"].map(|state| of(state, place));
            writer.lines.open(format!("if ({} < {}) {{", others.loose(), own.loose()));
            for slot in 0..slots.len() {
                let [own, others] = ["one", "reversed"].map(|state| of(state, slot));
                writer.lines.line(format!("{} = {};", own.loose(), others.loose()));
            }
            writer.lines.close("}");
        });
    }
}

/// Sets the state to that of no column.
fn write_initial(writer: &mut Writer, pass: &Pass, schedule: &GpuSchedule, is_one: &dyn Fn(usize) -> bool) {
    for (number, accumulation) in accumulations(pass, schedule).filter(|(number, _)| is_one(*number)) {
        for slot in &accumulation.rule.slots {
            let neutral = initial(writer, slot);
            let member = Text::primary(format!("state.a{number}_{}", slot.name));
            writer.for_each_component_once(slot.dim, |writer, position| {
                let component = component(&member, slot.dim, position);
                writer.lines.line(format!("{} = {};", component.loose(), neutral.loose()));
            });
        }
    }
}

/// What a slot has before any column.
pub(crate) fn initial(writer: &Writer, slot: &Slot) -> Text {
    match slot.kind {
        Kind::Index => integer(slot.initial as i64),
        _ => writer.number(slot.initial),
    }
}

/// The number of the column within all columns.
pub(crate) fn column_number() -> Text {
    Text::new(Binding::Sum, "call.launch.first_column + index")
}

/// One more column. Where a guard says that it changes nothing, nothing is done.
pub(crate) fn write_update(writer: &mut Writer, schedule: &GpuSchedule, operands: &RuleOperands<'_>) {
    let RuleOperands { accumulation, number, .. } = *operands;
    writer.lines.line(format!("// {}", describe(number, accumulation)));
    let rule = &accumulation.rule;
    writer.computing_in(schedule.accumulate, |writer| match &rule.guard {
        Some(guard) if is_long(accumulation) => {
            let holds = format!("a{number}_changes");
            writer.lines.line(format!("bool {holds} = false;"));
            writer.for_each_component(guard.dim, |writer, position| {
                let counters = vec![(Counter(0), position.clone())];
                let text = writer.expression(&guard.value, guard.kind, &counters, operands);
                writer.lines.line(format!("{holds} = {holds} || {};", text.loose()));
            });
            writer.lines.open(format!("if ({holds}) {{"));
            write_phase(writer, operands, &rule.update_lets, &rule.update);
            writer.lines.close("}");
        }
        _ => write_phase(writer, operands, &rule.update_lets, &rule.update),
    });
}

/// Whether an update is dear enough to be skipped where it would change nothing.
pub(crate) fn is_long(accumulation: &Accumulation) -> bool {
    accumulation.rule.slots.iter().map(|slot| slot.dim).sum::<u32>() > 4
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
pub(crate) fn describe(number: usize, accumulation: &Accumulation) -> String {
    let name = reductions::reduction(accumulation.reduction).name;
    let parameters: Vec<String> = accumulation.parameters.iter().map(i64::to_string).collect();
    let parameters = if parameters.is_empty() { String::new() } else { format!("[{}]", parameters.join(", ")) };
    let arguments: Vec<String> = accumulation.arguments.iter().map(|id| format!("v{}", id.0)).collect();
    format!("accumulate a{number} = {name}{parameters}({})", arguments.join(", "))
}

/// What the expressions of a rule refer to.
#[derive(Clone, Copy)]
pub(crate) struct RuleOperands<'a> {
    pub(crate) accumulation: &'a Accumulation,
    pub(crate) number: usize,
    /// The state's variable; in a merge that of the earlier columns.
    pub(crate) state: &'a str,
    /// In a merge the state of the later columns.
    pub(crate) later: Option<&'a str>,
    /// In an update the values of the pass.
    pub(crate) values: Option<&'a dyn Operands<ValueId>>,
    /// In an update the number of the column.
    pub(crate) column: Option<&'a Text>,
    /// The `let`s of the phase, where they are neither those of the update nor those of the merge.
    pub(crate) lets: Option<&'a [Let]>,
    /// In a merge that has several, the step.
    pub(crate) step: Option<&'a Position>,
    /// The type that values of the pass are computed in.
    pub(crate) compute: ScalarType,
}

impl<'a> RuleOperands<'a> {
    pub(crate) fn of_state(accumulation: &'a Accumulation, number: usize, state: &'a str, compute: ScalarType) -> Self {
        RuleOperands {
            accumulation,
            number,
            state,
            later: None,
            values: None,
            column: None,
            lets: None,
            step: None,
            compute,
        }
    }

    /// The counters of component `position`.
    pub(crate) fn counters(&self, position: &Position) -> Counters {
        let component = (Counter(0), position.clone());
        std::iter::once(component).chain(self.step.map(|step| (STEP, step.clone()))).collect()
    }

    pub(crate) fn slot(&self, variable: &str, slot: u32, position: &Position) -> Text {
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
                let lets = self.lets.unwrap_or(if in_merge { &rule.merge_lets } else { &rule.update_lets });
                component(&Text::primary(self.let_name(number as usize)), lets[number as usize].dim, position)
            }
            (Operand::Argument(number), _, Some(values), _) => match self.accumulation.arguments.get(number as usize) {
                Some(id) => {
                    let text = writer.computing_in(self.compute, |writer| values.read(*id, position, writer));
                    self.widened(text, writer)
                }
                None => writer.number(self.default_argument(number as usize)),
            },
            (Operand::Column, .., Some(column)) => column.clone(),
            (operand, ..) => unreachable!("{operand:?} where there is none: the rule is not one of the table"),
        }
    }
}

impl RuleOperands<'_> {
    /// An argument in the accumulators' type: what a rule computes of two arguments is computed in that, too.
    pub(crate) fn widened(&self, text: Text, writer: &Writer) -> Text {
        match self.compute != writer.real {
            true => Text::primary(format!("(double){}", text.at(Binding::Primary))),
            false => text,
        }
    }

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
    let all: Vec<u32> = (0..rules.len() as u32).collect();
    write_slots(writer, operands, lets, rules, &all);
}

/// Replaces some slots of a state by what `rules` make of it, all of the old state.
fn write_slots(
    writer: &mut Writer,
    operands: &RuleOperands<'_>,
    lets: &[Let],
    rules: &[Scalar<Operand>],
    chosen: &[u32],
) {
    let own: Vec<Scalar<Operand>> = chosen.iter().map(|slot| rules[*slot as usize].clone()).collect();
    let needed = lets_needed(lets, &own);
    for (number, item) in lets.iter().enumerate().filter(|(number, _)| needed[*number]) {
        write_variable(writer, &operands.let_name(number), item.kind, item.dim, &item.value, operands);
    }
    let slots = &operands.accumulation.rule.slots;
    let next = |slot: u32| format!("a{}_next_{}", operands.number, slots[slot as usize].name);
    if let Some((dim, _)) = list_of(slots, rules, chosen) {
        return writer.for_each_component_from_the_last(dim, |writer, position| {
            for slot in chosen {
                let kind = slots[*slot as usize].kind;
                let counters = operands.counters(position);
                let text = writer.expression(&rules[*slot as usize], kind, &counters, operands);
                let kind = type_name(kind, writer.real);
                writer.lines.line(format!("const {kind} {} = {};", next(*slot), text.loose()));
            }
            for slot in chosen {
                let place = operands.slot(operands.state, *slot, position);
                writer.lines.line(format!("{} = {};", place.loose(), next(*slot)));
            }
        });
    }
    let (in_place, others): (Vec<u32>, Vec<u32>) =
        chosen.iter().partition(|slot| is_in_place(**slot, slots[**slot as usize].dim, rules, chosen));
    for slot in &others {
        let description = &slots[*slot as usize];
        write_variable(writer, &next(*slot), description.kind, description.dim, &rules[*slot as usize], operands);
    }
    // What is written in place may read the old state of the other slots, so these come after.
    for (slot, is_in_place) in in_place.iter().map(|slot| (*slot, true)).chain(others.iter().map(|slot| (*slot, false)))
    {
        let description = &slots[slot as usize];
        writer.for_each_component(description.dim, |writer, position| {
            let value = if is_in_place {
                let counters = operands.counters(position);
                writer.expression(&rules[slot as usize], description.kind, &counters, operands)
            } else {
                component(&Text::primary(next(slot)), description.dim, position)
            };
            let place = operands.slot(operands.state, slot, position);
            if value.loose() != place.loose() {
                writer.lines.line(format!("{} = {};", place.loose(), value.loose()));
            }
        });
    }
}

/// Whether a slot's new components can replace the old ones one by one: nobody looks at an old one afterwards.
fn is_in_place(slot: u32, dim: u32, rules: &[Scalar<Operand>], chosen: &[u32]) -> bool {
    let mut readers = BTreeSet::new();
    let mut own_component = true;
    for (reader, rule) in rules.iter().enumerate().filter(|(reader, _)| chosen.contains(&(*reader as u32))) {
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
        let text = writer.expression(value, kind, &operands.counters(&Position::Known(0)), operands);
        return writer.lines.line(format!("const {type_name} {name} = {};", text.loose()));
    }
    writer.lines.line(format!("{type_name} {name}[{dim}];"));
    writer.for_each_component(dim, |writer, position| {
        let text = writer.expression(value, kind, &operands.counters(position), operands);
        writer.lines.line(format!("{name}[{}] = {};", position.text().loose(), text.loose()));
    });
}
