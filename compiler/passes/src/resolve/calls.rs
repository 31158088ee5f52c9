//! Calls: inputs written in place, macros, derivatives, KeOps' `…_Reduction(…)`, constants and operations.

use keopsc_diagnostics::{Code, Diagnostic, suggest};
use keopsc_grammar::syntax::{Expr, Keyword, Name, Span};
use keopsc_ops::{OperationId, catalogue, reductions};

use super::declarations::maker;
use super::scope::{Expansion, Macro, Meaning, Operand, Reported, Resolver};
use super::used::definition_in;
use crate::complex;
use crate::load::library_that_defines;
use crate::values::{self, Value};

impl<'a> Resolver<'a> {
    /// What a call stands for.
    pub fn call(
        &mut self,
        span: Span,
        function: &'a Name,
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<Operand, Reported> {
        let name = function.text.as_str();
        if maker(name).is_some() {
            if self.home.is_some() {
                let message = "a definition of a file that is used cannot make an input";
                let diagnostic = Diagnostic::error(Code::NoDefinition, span, message);
                return self.report(diagnostic.with_help("make it one of the definition's parameters"));
            }
            return self.inline_input(span, function, arguments, keywords);
        }
        let definition = self.lookup(name).map(|definition| (definition.meaning.clone(), definition.span));
        if definition.is_some() {
            self.note_use(name);
        }
        let value = match definition {
            Some((Meaning::Macro(definition), defined)) => {
                return self.expand_macro(span, function, (definition, defined), arguments, keywords);
            }
            Some((Meaning::Broken, _)) => return Err(Reported),
            _ => self.call_known(span, function, arguments, keywords)?,
        };
        Ok(Operand { value, span, name: None })
    }

    fn call_known(
        &mut self,
        span: Span,
        function: &'a Name,
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<Value, Reported> {
        let name = function.text.as_str();
        if super::derivatives::is_derivative(name) {
            return self.derivative(span, function, arguments, keywords);
        }
        if let Some(operation) = catalogue::find_operation(name) {
            return self.operation(span, function, operation, arguments, keywords);
        }
        match name.strip_suffix("_Reduction") {
            Some(base) => match reductions::find_reduction(base) {
                Some(reduction) => self.reduction_string(span, function, reduction, arguments, keywords),
                None => self.unknown_reduction(function, base, "_Reduction"),
            },
            None => self.unknown_function(function),
        }
    }

    fn unknown_function<T>(&mut self, function: &Name) -> Result<T, Reported> {
        let name = function.text.as_str();
        let diagnostic =
            Diagnostic::error(Code::UnknownFunction, function.span, format!("there is no operation `{name}`"));
        if let Some(later) = self.defined_later(name) {
            let label = format!("`{name}` is defined here, further down");
            return self.report(
                diagnostic.with_label(later, label).with_help("a name is defined above the lines that use it"),
            );
        }
        if reductions::takes_index(name) {
            let help = format!(
                "`{name}` is a reduction: write `{name}[j](…)` to reduce over j, `{name}[i](…)` to reduce over i"
            );
            return self.report(diagnostic.with_help(help));
        }
        if let Some(library) = library_that_defines(name) {
            let help = format!("it is in a library of the compiler: write `use {library}` above");
            return self.report(diagnostic.with_help(help));
        }
        if let Some(elsewhere) = definition_in(self.files, name) {
            let label = format!("`{name}` is defined here, in another file");
            let help = "a file has the definitions of those files that it uses itself, by a `use` of its own";
            return self.report(diagnostic.with_label(elsewhere.span, label).with_help(help));
        }
        if let Some(definition) = self.lookup(name) {
            let label = format!("`{name}` is defined here as a value");
            let help = format!("write `{name} * (…)` for a product");
            let diagnostic = diagnostic.with_label(definition.span, label).with_help(help);
            return self.report(diagnostic);
        }
        let operations =
            catalogue::operations().flat_map(|(_, row)| std::iter::once(row.name).chain(row.aliases.iter().copied()));
        let reductions = reductions::reductions().map(|(_, row)| row.name);
        let macros =
            self.known_names().iter().filter(|(_, definition)| matches!(definition.meaning, Meaning::Macro(..)));
        let mut macros: Vec<&str> = macros.map(|(name, _)| name.as_str()).collect();
        macros.sort_unstable();
        let help = match suggest(name, macros.into_iter().chain(operations).chain(reductions)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`keopsc ops` lists all operations and reductions".to_owned(),
        };
        self.report(diagnostic.with_help(help))
    }

    fn operation(
        &mut self,
        span: Span,
        function: &Name,
        operation: OperationId,
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<Value, Reported> {
        let signature = catalogue::signature(operation);
        let names = signature.names_in_calls();
        let ordered = self.order_arguments(span, function, signature.text, &names, arguments, keywords)?;
        let operands = self.operands(ordered.iter().copied().flatten())?;
        let references: Vec<&Operand> = operands.iter().collect();
        if !(signature.required_in_calls()..=names.len()).contains(&operands.len()) {
            return self.wrong_count(span, &function.text, signature.text, operands.len());
        }
        let (formulas, integers) = signature.sort_call(references.clone());
        let mut numbers = Vec::with_capacity(integers.len());
        for (operand, spec) in integers.into_iter().zip(&signature.parameters) {
            let values = values::to_parameter(&operand.value, spec);
            numbers.push(values.or_else(|problem| self.problem(operand.span, &problem, &function.text, &[operand])));
        }
        let numbers = numbers.into_iter().collect::<Result<Vec<Vec<i64>>, Reported>>()?.concat();
        if self.has_complex {
            let values: Vec<&Value> = formulas.iter().map(|operand| &operand.value).collect();
            let value = complex::apply(&mut self.program.graph, operation, &numbers, &values);
            return value.or_else(|problem| self.problem(span, &problem, &function.text, &references));
        }
        let nodes: Vec<_> = formulas.into_iter().map(|operand| self.operand_formula(operand)).collect();
        let nodes = nodes.into_iter().collect::<Result<Vec<_>, Reported>>()?;
        let node = values::apply(&mut self.program.graph, operation, &numbers, &nodes);
        let node = node.or_else(|problem| self.problem(span, &problem, &function.text, &references))?;
        Ok(Value::Formula(node))
    }

    /// Positional arguments, then named ones put in the places of their names.
    pub fn order_arguments(
        &mut self,
        span: Span,
        function: &Name,
        signature: &str,
        names: &[&str],
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<Vec<Option<&'a Expr>>, Reported> {
        if arguments.len() > names.len() {
            return self.wrong_count(span, &function.text, signature, arguments.len() + keywords.len());
        }
        let mut ordered: Vec<Option<&Expr>> = arguments.iter().map(Some).collect();
        ordered.resize(names.len(), None);
        for Keyword { name, value } in keywords {
            let Some(place) = names.iter().position(|known| *known == name.text) else {
                return self.unknown_keyword(function, name, names);
            };
            if ordered[place].replace(value).is_some() {
                let message = format!("the argument `{}` of `{}` is given twice", name.text, function.text);
                return self.report(Diagnostic::error(Code::ArgumentCount, name.span, message));
            }
        }
        Ok(ordered)
    }

    /// Reads arguments, all of them even if one has an error.
    pub fn operands(&mut self, arguments: impl Iterator<Item = &'a Expr>) -> Result<Vec<Operand>, Reported> {
        let operands: Vec<Result<Operand, Reported>> = arguments.map(|argument| self.expression(argument)).collect();
        operands.into_iter().collect()
    }

    /// Reports a wrong number of arguments.
    pub fn wrong_count<T>(&mut self, span: Span, function: &str, signature: &str, given: usize) -> Result<T, Reported> {
        let plural = if given == 1 { "" } else { "s" };
        let message = format!("`{function}` cannot take {given} argument{plural}");
        self.report(
            Diagnostic::error(Code::ArgumentCount, span, message).with_help(format!("its form is `{signature}`")),
        )
    }

    fn unknown_keyword<T>(&mut self, function: &Name, name: &Name, names: &[&str]) -> Result<T, Reported> {
        let message = format!("`{}` has no argument `{}`", function.text, name.text);
        let help = match suggest(&name.text, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if names.is_empty() => "it takes no named arguments".to_owned(),
            None => format!("its arguments are `{}`", names.join("`, `")),
        };
        self.report(Diagnostic::error(Code::UnknownArgument, name.span, message).with_help(help))
    }

    /// A macro's body with its parameters bound to the arguments' values. Everything else in the body means what it means in its file.
    fn expand_macro(
        &mut self,
        span: Span,
        function: &Name,
        (definition, defined): (Macro<'a>, Span),
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<Operand, Reported> {
        let Macro { parameters, body, home } = definition;
        let names: Vec<&str> = parameters.iter().map(|parameter| parameter.text.as_str()).collect();
        let form = format!("{}({})", function.text, names.join(", "));
        let ordered = self.order_arguments(span, function, &form, &names, arguments, keywords)?;
        let given = ordered.iter().flatten().count();
        if given != names.len() {
            return self.wrong_count(span, &function.text, &form, given);
        }
        if self.expanding.iter().any(|expansion| expansion.defined == defined) {
            let message = format!("the macro `{}` uses itself", function.text);
            return self.report(
                Diagnostic::error(Code::RecursiveMacro, span, message)
                    .with_label(defined, "it is defined here")
                    .with_help("macros are replaced by their bodies, so they cannot be recursive"),
            );
        }
        let operands = self.operands(ordered.into_iter().flatten())?;
        let bound = names.iter().map(|name| (*name).to_owned()).zip(operands).collect();
        let outer = self.locals.replace(bound);
        let caller = std::mem::replace(&mut self.home, home);
        self.expanding.push(Expansion { name: function.text.clone(), defined, called: span, home: caller });
        let result = self.expression(body);
        self.expanding.pop();
        self.home = caller;
        self.locals = outer;
        Ok(Operand { span, ..result? })
    }
}
