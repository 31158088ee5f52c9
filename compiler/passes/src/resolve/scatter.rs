//! `ScatterSum[i](v, a)`: for each column the sum of the values of those rows whose row numbers name it.
//!
//! ```text
//! label = ArgMin[j](SqDist(x, c))               n4: i[1] index = ArgMin[j](n3)
//! total = ScatterSum[i](x, label)       =>      n5: j[3] = scatter[i](n4, n0)
//! ```
//!
//! What is summed up has rows along the index in the bracket, and the row numbers are those of the other index.

use keopsc_diagnostics::{Code, Diagnostic};
use keopsc_grammar::syntax::{Expr, Keyword, Name, Span};
use keopsc_ir::formula::{NodeId, NodeKind};
use keopsc_ir::types::Axis;
use keopsc_ops::reductions::SCATTER;

use super::describe::role_words;
use super::scope::{Operand, Reported, Resolver};
use crate::values::{Problem, Value};

/// The names of the arguments.
const ARGUMENTS: [&str; 2] = ["v", "a"];

impl<'a> Resolver<'a> {
    /// What a scatter over an index stands for.
    pub fn scatter(
        &mut self,
        span: Span,
        function: &Name,
        over: Axis,
        options: &'a [Keyword],
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<Value, Reported> {
        self.order_arguments(span, function, SCATTER.form, &[], &[], options)?;
        let ordered = self.order_arguments(span, function, SCATTER.form, &ARGUMENTS, arguments, keywords)?;
        let operands = self.operands(ordered.into_iter().flatten())?;
        let [value, numbers] = operands.as_slice() else {
            return self.wrong_count(span, &function.text, SCATTER.form, operands.len());
        };
        if let Value::Complex(_) = value.value {
            return self.problem(span, &Problem::ComplexAsFormula, &function.text, &[value]);
        }
        let node = self.operand_formula(value)?;
        let by = self.row_numbers(function, over, numbers)?;
        if !over.role().contains(self.program.graph.node(node).role) {
            let message = format!("`{}[{over}]` sums up values with {}", function.text, role_words(over.role()));
            let diagnostic = Diagnostic::error(Code::WrongRole, value.span, message);
            let help = format!("reduce over {} first, or write `{}[{}]`", over.other(), function.text, over.other());
            return self.report(self.with_operands(diagnostic, &[value]).with_help(help));
        }
        Ok(Value::Formula(self.program.graph.scatter(by, over, node)))
    }

    /// The row numbers that an operand is: those of the other index, for each value of `over`.
    fn row_numbers(&mut self, function: &Name, over: Axis, operand: &Operand) -> Result<NodeId, Reported> {
        let (graph, columns) = (&self.program.graph, over.other());
        let found = match operand.value {
            Value::Pair(_, numbers) => Some(numbers),
            Value::Formula(node) if graph.node(node).is_index => Some(node),
            _ => None,
        };
        let is_over = |id: &NodeId| {
            let node = graph.node(*id);
            matches!(node.kind, NodeKind::Reduction { over, .. } if over == columns) && node.role == over.role()
        };
        if let Some(node) = found.filter(is_over) {
            return Ok(node);
        }
        let message =
            format!("`{}[{over}]` needs row numbers of {columns}, {}", function.text, role_words(over.role()));
        let diagnostic = Diagnostic::error(Code::WrongRole, operand.span, message);
        let help = format!("`ArgMin[{columns}](…)`, `ArgKMin[{columns}, K=…](…)` and their like find some");
        self.report(self.with_operands(diagnostic, &[operand]).with_help(help))
    }
}
