//! Statements, in order: bindings and macros give names, `out` and `fused` make the functions of the library.

use std::collections::HashSet;

use keopsc_diagnostics::{Code, Diagnostic, suggest};
use keopsc_grammar::syntax::{Expr, ExprKind, File, Name, Output as Written, Setting, Span, Statement, StatementKind};
use keopsc_ir::formula::{Entry, InputId, NodeId, NodeKind, Origin, Output, Program};
use keopsc_ir::types::Role;
use keopsc_ops::reductions;

use super::declarations::maker;
use super::scope::{Macro, Meaning, Mentioned, Operand, Reported, Resolver};
use super::used::name_of;
use crate::values::{self, Value};

impl<'a> Resolver<'a> {
    /// Reads bindings, macros, outputs and fused blocks.
    pub fn read_statements(&mut self, file: &'a File) {
        self.later = file.statements.iter().rev().flat_map(|statement| self.defined_names(&statement.kind)).collect();
        for statement in &file.statements {
            match &statement.kind {
                StatementKind::Binding { name, value } => self.binding(name, value),
                StatementKind::Definition { name, parameters, body } => self.macro_definition(name, parameters, body),
                StatementKind::Output(output) => {
                    self.output(output);
                }
                StatementKind::Fused { name, outputs } => self.fused(name, outputs),
                StatementKind::Use { library, file } => self.use_definitions(library, *file),
                StatementKind::Dim { .. } | StatementKind::Dtype(_) | StatementKind::Numerics(_) => {}
            }
            for _ in self.defined_names(&statement.kind) {
                self.later.pop();
            }
        }
        if !file
            .statements
            .iter()
            .any(|statement| matches!(statement.kind, StatementKind::Output(_) | StatementKind::Fused { .. }))
        {
            let diagnostic =
                Diagnostic::error(Code::NoOutput, Span::default(), "this file asks for nothing: it has no `out`")
                    .with_help("write `out name = Sum[j](…)` for every result that is wanted");
            self.diagnostics.push(diagnostic);
        }
    }

    /// Leaves out the functions that the caller does not want. A `fused` block does without those of its outputs.
    pub fn keep_wanted_entries(&mut self) {
        let wanted = &self.options.only;
        if wanted.is_empty() || self.diagnostics.iter().any(Diagnostic::is_error) {
            return;
        }
        let names: Vec<String> = self.program.entries.iter().map(|entry| entry.name.clone()).collect();
        for name in wanted.iter().filter(|name| !names.contains(name)) {
            let message = format!("`{name}` is wanted, but no `out` and no `fused` block of the file is called so");
            let known = suggest(name, names.iter().map(String::as_str));
            let help = known.map_or(format!("it has {}", names.join(", ")), |known| format!("did you mean `{known}`?"));
            self.diagnostics.push(Diagnostic::error(Code::UnknownName, Span::default(), message).with_help(help));
        }
        self.program.entries.retain(|entry| wanted.contains(&entry.name));
    }

    /// The program, unless there was an error.
    pub fn finish(mut self, file: &File) -> (Option<Program>, Vec<Diagnostic>) {
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.primary_span().map(|span| span.start));
        let warnings = self.unused_definitions(file);
        if self.diagnostics.is_empty() {
            self.diagnostics = warnings;
        }
        let sound = self.diagnostics.iter().all(|diagnostic| !diagnostic.is_error());
        (sound.then_some(self.program), self.diagnostics)
    }

    /// Formulas and macros whose names nothing uses. Unused inputs are legal: one declares what a family of formulas shares.
    fn unused_definitions(&self, file: &File) -> Vec<Diagnostic> {
        let unused = |statement: &Statement| match &statement.kind {
            StatementKind::Binding { name, value } if !is_input(value) && !self.used.contains(&name.text) => {
                let message = format!("`{}` is never used", name.text);
                let help = format!("write `out {} = …` if it is a result that is wanted", name.text);
                Some(Diagnostic::warning(Code::UnusedDefinition, name.span, message).with_help(help))
            }
            StatementKind::Definition { name, .. } if !self.used.contains(&name.text) => {
                let message = format!("the macro `{}` is never used", name.text);
                Some(Diagnostic::warning(Code::UnusedDefinition, name.span, message))
            }
            StatementKind::Use { library, file } => {
                let names = self.used_names(library, *file);
                let message = format!("nothing of `{}` is used", name_of(library));
                let warning = Diagnostic::warning(Code::UnusedDefinition, library.span(), message);
                (!names.iter().any(|(name, _)| self.used.contains(name))).then_some(warning)
            }
            _ => None,
        };
        file.statements.iter().filter_map(unused).collect()
    }

    fn binding(&mut self, name: &'a Name, value: &'a Expr) {
        if is_input(value) {
            return;
        }
        let (operand, mentions) = self.read_definition(name, value);
        let meaning = operand.map_or(Meaning::Broken, |operand| Meaning::Value(operand.value));
        self.define(name, meaning, mentions);
    }

    /// Gives a `def` its name.
    pub fn macro_definition(&mut self, name: &'a Name, parameters: &'a [Name], body: &'a Expr) {
        for (number, parameter) in parameters.iter().enumerate() {
            if let Some(first) = parameters[..number].iter().find(|first| first.text == parameter.text) {
                let message = format!("the macro `{}` has two parameters `{}`", name.text, parameter.text);
                let diagnostic = Diagnostic::error(Code::DuplicateName, parameter.span, message)
                    .with_label(first.span, "the first one");
                self.diagnostics.push(diagnostic);
            }
        }
        self.define(name, Meaning::Macro(Macro { parameters, body, home: self.home }), Vec::new());
    }

    /// The value of a definition and the inputs it mentions.
    fn read_definition(&mut self, name: &Name, value: &'a Expr) -> (Result<Operand, Reported>, Vec<InputId>) {
        self.mentioned = Mentioned::default();
        self.defining = Some(name.text.clone());
        let operand = self.expression(value);
        self.defining = None;
        (operand, std::mem::take(&mut self.mentioned).inputs)
    }

    /// Reads an `out`, which is an entry by itself.
    fn output(&mut self, written: &'a Written) -> Option<Entry> {
        let numerics = self.output_numerics(&written.numerics);
        let reserved = self.check_function_name(&written.name);
        let (operand, mentions) = self.read_definition(&written.name, &written.value);
        let outputs = operand.and_then(|operand| {
            let outputs = self.results(&written.name, &operand)?;
            Ok((operand, outputs))
        });
        let (meaning, outputs) = match outputs {
            Ok((operand, outputs)) => (Meaning::Value(operand.value), Some(outputs)),
            Err(Reported) => (Meaning::Broken, None),
        };
        self.define(&written.name, meaning, mentions.clone());
        reserved.ok()?;
        let entry = Entry {
            name: written.name.text.clone(),
            inputs: self.in_call_order(mentions),
            outputs: outputs?,
            numerics,
        };
        self.add_entry(&written.name, entry, &written.numerics).ok()
    }

    /// Adds an entry, in which no result may have the name of an input or of another result. `numerics` are those beside its output.
    fn add_entry(&mut self, name: &Name, entry: Entry, numerics: &[Setting]) -> Result<Entry, Reported> {
        self.check_numerics(name, &entry, numerics)?;
        let inputs = entry.inputs.iter().map(|id| self.program.input(*id).name.as_str());
        let results = entry.outputs.iter().map(|output| output.name.as_str());
        let mut known = HashSet::new();
        if let Some(twice) = inputs.chain(results).find(|name| !known.insert(*name)) {
            let message = format!("the function `{}` would have two arguments `{twice}`", entry.name);
            let help = "the cotangent of a result `s` is called `d_s`, a tangent of `x` is `t_x`, the row numbers of a pair end in `_indices`";
            self.diagnostics.push(Diagnostic::error(Code::DuplicateName, name.span, message).with_help(help));
        }
        self.program.entries.push(entry.clone());
        Ok(entry)
    }

    fn fused(&mut self, name: &'a Name, outputs: &'a [Written]) {
        if outputs.is_empty() {
            let message = format!("the block `{}` has no `out`", name.text);
            self.diagnostics.push(Diagnostic::error(Code::NoOutput, name.span, message));
        }
        let reserved = self.check_function_name(name);
        let entries: Vec<Option<Entry>> = outputs.iter().map(|output| self.output(output)).collect();
        self.define(name, Meaning::Block, Vec::new());
        let (Ok(()), Some(entries)) = (reserved, entries.into_iter().collect::<Option<Vec<Entry>>>()) else { return };
        let Some(first) = entries.first() else { return };
        if let Some(place) = entries.iter().position(|entry| entry.numerics != first.numerics) {
            let message = "outputs of a fused block share one pass and have the same `numerics`";
            self.diagnostics.push(Diagnostic::error(Code::UnknownSetting, outputs[place].name.span, message));
        }
        let mut known = HashSet::new();
        let mentioned = entries.iter().flat_map(|entry| &entry.inputs).copied().filter(|input| known.insert(*input));
        let inputs = self.in_call_order(mentioned.collect());
        let numerics = first.numerics;
        let results = entries.into_iter().flat_map(|entry| entry.outputs).collect();
        let entry = Entry { name: name.text.clone(), inputs, outputs: results, numerics };
        // What is wrong has been reported, and nothing depends on a block.
        let _: Result<Entry, Reported> = self.add_entry(name, entry, &outputs[0].numerics);
    }

    /// The results that an output's value is.
    fn results(&mut self, name: &Name, operand: &Operand) -> Result<Vec<Output>, Reported> {
        match operand.value {
            Value::Pair(values, indices) => {
                let second = format!("{}_indices", name.text);
                Ok(vec![self.result(&name.text, values), self.result(&second, indices)])
            }
            Value::Formula(node) if self.program.graph.node(node).is_index => Ok(vec![self.result(&name.text, node)]),
            Value::Complex(node) => {
                self.check_output_role(name, operand, node)?;
                Ok(vec![Output { is_complex: true, ..self.result(&name.text, node) }])
            }
            _ => {
                let node = values::to_formula(&mut self.program.graph, &operand.value);
                let node = node.or_else(|problem| self.problem(operand.span, &problem, "", &[operand]))?;
                self.check_output_role(name, operand, node)?;
                Ok(vec![self.result(&name.text, node)])
            }
        }
    }

    fn result(&self, name: &str, id: NodeId) -> Output {
        let node = self.program.graph.node(id);
        let shape = match &node.kind {
            NodeKind::Reduction { reduction, parameters, arguments, outcome, .. } => {
                let shapes = reductions::infer(*reduction, &self.program.graph.dims(arguments), parameters);
                shapes.ok().and_then(|mut shapes| shapes.drain(..).nth(*outcome as usize)).map(|(_, shape)| shape)
            }
            _ => None,
        };
        let shape = shape.unwrap_or_else(|| vec![node.dim]);
        let gradient_of = match node.kind {
            NodeKind::Gradient { of, variable, .. } if self.program.graph.contains_reduction(of) => {
                self.input_of(variable)
            }
            _ => None,
        };
        Output { name: name.to_owned(), node: id, rows: node.role, shape, is_complex: false, gradient_of }
    }

    fn check_output_role(&mut self, name: &Name, operand: &Operand, node: NodeId) -> Result<(), Reported> {
        if self.program.graph.node(node).role != Role::Pair {
            return Ok(());
        }
        let message = format!("`{}` would be a whole matrix: it depends on both i and j", name.text);
        let diagnostic = self.with_operands(Diagnostic::error(Code::WrongRole, operand.span, message), &[operand]);
        let help =
            "an output has one row per i, one per j, or is a parameter: reduce over the other index, as in `Sum[j](…)`";
        self.report(diagnostic.with_help(help))
    }

    /// Declared inputs by position, then cotangents and tangents as they came about.
    fn in_call_order(&self, mut inputs: Vec<InputId>) -> Vec<InputId> {
        inputs.sort_by_key(|id| match self.program.input(*id).origin {
            Origin::Declared => self.declarations[id.0 as usize].position,
            Origin::Cotangent | Origin::Tangent => i64::MAX,
        });
        inputs
    }

    /// The names that a statement gives, except those that are known from the beginning.
    fn defined_names(&self, kind: &StatementKind) -> Vec<(String, Span)> {
        let named = |name: &Name| (name.text.clone(), name.span);
        match kind {
            StatementKind::Binding { name, .. } | StatementKind::Definition { name, .. } => vec![named(name)],
            StatementKind::Output(output) => vec![named(&output.name)],
            StatementKind::Fused { name, outputs } => {
                std::iter::once(named(name)).chain(outputs.iter().map(|output| named(&output.name))).collect()
            }
            StatementKind::Use { library, file } => self.used_names(library, *file),
            StatementKind::Dim { .. } | StatementKind::Dtype(_) | StatementKind::Numerics(_) => Vec::new(),
        }
    }
}

/// Does a binding declare an input?
pub(crate) fn is_input(value: &Expr) -> bool {
    matches!(&value.kind, ExprKind::Call { function, .. } if maker(&function.text).is_some())
}
