//! Reductions: `ArgKMin[j, K=10](F)`, and KeOps' strings such as `KMin_ArgKMin_Reduction(F, 10, 0)`.

use keopsc_diagnostics::{Code, Diagnostic, suggest};
use keopsc_grammar::syntax::{Expr, Keyword, Name, Span};
use keopsc_ir::formula::NodeId;
use keopsc_ir::types::{Axis, Role};
use keopsc_ops::reductions::SCATTER;
use keopsc_ops::{ReductionId, catalogue, reductions};

use super::scope::{Operand, Reported, Resolver};
use crate::complex;
use crate::values::{self, Problem, Value};

impl<'a> Resolver<'a> {
    /// `NAME[index, options](arguments)`
    pub fn reduce(
        &mut self,
        span: Span,
        function: &Name,
        index: &Name,
        options: &'a [Keyword],
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<Value, Reported> {
        let reduction = match reductions::find_reduction(&function.text) {
            Some(reduction) => Ok(Some(reduction)),
            None if function.text == SCATTER.name => Ok(None),
            None => self.unknown_reduction(function, &function.text, ""),
        };
        let over = match index.text.as_str() {
            "i" => Ok(Axis::I),
            "j" => Ok(Axis::J),
            _ => self.report(
                Diagnostic::error(
                    Code::BadIndex,
                    index.span,
                    format!("`{}` is not an index that can be reduced", index.text),
                )
                .with_help(format!("write `{0}[j]` to reduce over j, `{0}[i]` to reduce over i", function.text)),
            ),
        };
        let (reduction, over) = (reduction?, over?);
        let Some(reduction) = reduction else {
            return self.scatter(span, function, over, options, arguments, keywords);
        };
        let signature = reductions::signature(reduction);
        let formulas: Vec<&str> = signature.arguments.iter().map(|argument| argument.name.as_str()).collect();
        let parameters: Vec<&str> = signature.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let ordered = self.order_arguments(span, function, signature.text, &formulas, arguments, keywords)?;
        let integers = self.order_arguments(span, function, signature.text, &parameters, &[], options)?;
        let operands = self.operands(ordered.into_iter().flatten())?;
        let numbers: Vec<Result<i64, Reported>> =
            integers.into_iter().flatten().map(|number| self.integer(number)).collect();
        let numbers = numbers.into_iter().collect::<Result<Vec<i64>, Reported>>()?;
        if numbers.len() < parameters.len() {
            let missing = parameters[numbers.len()];
            let message = format!("`{}` needs `{missing}`", function.text);
            let help = format!("write `{}[{}, {missing}=…](…)`", function.text, index.text);
            return self.report(Diagnostic::error(Code::ArgumentCount, span, message).with_help(help));
        }
        self.reduction(span, function, reduction, over, &numbers, &operands)
    }

    /// `NAME_Reduction(F, parameters, tag, other formulas)`; the tag is the category of the output: 0 for i, 1 for j.
    pub fn reduction_string(
        &mut self,
        span: Span,
        function: &Name,
        reduction: ReductionId,
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<Value, Reported> {
        let signature = reductions::signature(reduction);
        let parameters = signature.parameters.len();
        let form = format!(
            "{}(F{}, tag{})",
            function.text,
            ", K".repeat(parameters),
            ", G".repeat(signature.arguments.len() - 1)
        );
        let operands = self.operands(arguments.iter())?;
        let least = parameters + 2;
        if !(least..=least + signature.arguments.len() - 1).contains(&operands.len()) || !keywords.is_empty() {
            return self.wrong_count(span, &function.text, &form, operands.len() + keywords.len());
        }
        let mut numbers = Vec::with_capacity(parameters + 1);
        for operand in &operands[1..=parameters + 1] {
            let number = values::to_integer(&operand.value);
            numbers.push(number.or_else(|problem| self.problem(operand.span, &problem, &function.text, &[operand]))?);
        }
        let tag = numbers.pop();
        let over = match tag {
            Some(0) => Axis::J,
            Some(1) => Axis::I,
            _ => {
                let message = "the tag of a reduction is 0 (one result per i) or 1 (one result per j)";
                return self.report(Diagnostic::error(Code::BadIndex, operands[parameters + 1].span, message));
            }
        };
        let formulas: Vec<Operand> = operands.iter().take(1).chain(&operands[least..]).cloned().collect();
        self.reduction(span, function, reduction, over, &numbers, &formulas)
    }

    fn reduction(
        &mut self,
        span: Span,
        function: &Name,
        reduction: ReductionId,
        over: Axis,
        parameters: &[i64],
        operands: &[Operand],
    ) -> Result<Value, Reported> {
        let signature = reductions::signature(reduction);
        if operands.len() < signature.required_arguments() {
            return self.wrong_count(span, &function.text, signature.text, operands.len());
        }
        let values: Vec<&Value> = operands.iter().map(|operand| &operand.value).collect();
        let Some(is_complex) = complex::reduction(reduction, &values) else {
            let references: Vec<&Operand> = operands.iter().collect();
            return self.problem(span, &Problem::ComplexAsFormula, &function.text, &references);
        };
        let nodes: Vec<Result<NodeId, Reported>> = operands
            .iter()
            .map(|operand| match operand.value {
                Value::Complex(node) => Ok(node),
                _ => self.operand_formula(operand),
            })
            .collect();
        let nodes = nodes.into_iter().collect::<Result<Vec<NodeId>, Reported>>()?;
        let nodes = values::with_defaults(&mut self.program.graph, signature, &nodes);
        let rows = self.rows(over, &nodes);
        let outcomes = self.program.graph.reduction(reduction, over, rows, parameters, &nodes);
        match outcomes.as_deref() {
            Ok([values, indices]) => Ok(Value::Pair(*values, *indices)),
            Ok([result, ..]) if is_complex => Ok(Value::Complex(*result)),
            Ok([result, ..]) => Ok(Value::Formula(*result)),
            Ok([]) => self.unknown_reduction(function, &function.text, ""),
            Err(error) => {
                let references: Vec<&Operand> = operands.iter().collect();
                self.problem(span, &Problem::Shape(error.clone()), &function.text, &references)
            }
        }
    }

    /// The other index; none where that one has been reduced inside already: then both are.
    fn rows(&mut self, over: Axis, arguments: &[NodeId]) -> Role {
        let other = over.other();
        let depends = self.program.graph.role(arguments).has(other);
        let reduced = arguments.iter().any(|&argument| self.contains_reduction(argument));
        if !depends && reduced { Role::Parameter } else { other.role() }
    }

    /// Reports that `function`, which is `base` and `end`, is no reduction.
    pub fn unknown_reduction<T>(&mut self, function: &Name, base: &str, end: &str) -> Result<T, Reported> {
        let message = format!("there is no reduction `{}`", function.text);
        let diagnostic = Diagnostic::error(Code::UnknownFunction, function.span, message);
        let names =
            reductions::reductions().flat_map(|(_, row)| std::iter::once(row.name).chain(row.aliases.iter().copied()));
        let names = names.chain([SCATTER.name]);
        let help = if catalogue::find_operation(base).is_some() {
            format!("`{base}` is an operation on single pairs: write `{base}(…)`")
        } else {
            match suggest(base, names) {
                Some(meant) => format!("did you mean `{meant}{end}`?"),
                None => "`keopsc ops` lists all operations and reductions".to_owned(),
            }
        };
        self.report(diagnostic.with_help(help))
    }
}
