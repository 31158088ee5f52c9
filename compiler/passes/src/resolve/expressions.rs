//! Expressions → values: names, numbers, operators, indexing.

use keopsc_diagnostics::{Code, Diagnostic, suggest};
use keopsc_grammar::syntax::{BinaryOperator, Expr, ExprKind, Span, UnaryOperator};
use keopsc_ir::formula::{InputId, NodeId};
use keopsc_ops::{catalogue, reductions};

use super::declarations::maker;
use super::derivatives::is_derivative;
use super::scope::{Meaning, Operand, Reported, Resolver};
use crate::values::{self, Value};

impl<'a> Resolver<'a> {
    /// What an expression stands for.
    pub fn expression(&mut self, expr: &'a Expr) -> Result<Operand, Reported> {
        self.enter(expr.span)?;
        let operand = self.expression_kind(expr);
        self.leave();
        operand
    }

    /// The formula that an operand is.
    pub fn operand_formula(&mut self, operand: &Operand) -> Result<NodeId, Reported> {
        let node = values::to_formula(&mut self.program.graph, &operand.value);
        node.or_else(|problem| self.problem(operand.span, &problem, "", &[operand]))
    }

    /// The integer that an expression stands for.
    pub fn integer(&mut self, expr: &'a Expr) -> Result<i64, Reported> {
        let operand = self.expression(expr)?;
        let number = values::to_integer(&operand.value);
        number.or_else(|problem| self.problem(expr.span, &problem, "", &[&operand]))
    }

    fn expression_kind(&mut self, expr: &'a Expr) -> Result<Operand, Reported> {
        let span = expr.span;
        let value = match &expr.kind {
            ExprKind::Integer(number) => Ok(Value::Integer(*number)),
            ExprKind::Float(number) => Ok(Value::Real(*number)),
            ExprKind::Name(name) => return self.name(name, span),
            ExprKind::Unary(operator, operand) => self.unary(span, *operator, operand),
            ExprKind::Binary(operator, left, right) => self.binary(span, *operator, left, right),
            ExprKind::Index(base, index) => self.element(base, index),
            ExprKind::Slice(base, from, to) => self.slice(span, base, from.as_deref(), to.as_deref()),
            ExprKind::List(items) => {
                let numbers: Vec<Result<i64, Reported>> = items.iter().map(|item| self.integer(item)).collect();
                numbers.into_iter().collect::<Result<Vec<i64>, Reported>>().map(Value::List)
            }
            ExprKind::Call { function, arguments, keywords } => return self.call(span, function, arguments, keywords),
            ExprKind::Reduce { function, index, options, arguments, keywords } => {
                self.reduce(span, function, index, options, arguments, keywords)
            }
        };
        Ok(Operand { value: value?, span, name: None })
    }

    fn name(&mut self, name: &str, span: Span) -> Result<Operand, Reported> {
        let local = self.locals.as_ref().and_then(|locals| locals.iter().find(|(known, _)| known == name));
        if let Some((_, operand)) = local {
            return Ok(Operand { span, ..operand.clone() });
        }
        let Some(definition) = self.lookup(name) else { return self.unknown_name(name, span) };
        let meaning = definition.meaning.clone();
        self.note_use(name);
        match meaning {
            Meaning::Value(value) => {
                self.mention_name(name);
                Ok(Operand { value, span, name: Some(name.to_owned()) })
            }
            Meaning::Macro(definition) => {
                let parameters: Vec<&str> =
                    definition.parameters.iter().map(|parameter| parameter.text.as_str()).collect();
                let message = format!("`{name}` is a macro and needs its arguments");
                let help = format!("write `{name}({})`", parameters.join(", "));
                self.report(Diagnostic::error(Code::NotAValue, span, message).with_help(help))
            }
            Meaning::Block => {
                let message = format!("`{name}` is a fused block and no value");
                self.report(Diagnostic::error(Code::NotAValue, span, message).with_help("use the names of its outputs"))
            }
            Meaning::Broken => Err(Reported),
        }
    }

    fn unknown_name<T>(&mut self, name: &str, span: Span) -> Result<T, Reported> {
        if let Some((what, form)) = function_form(name) {
            let message = format!("`{name}` is {what} and needs its arguments");
            return self.report(Diagnostic::error(Code::NotAValue, span, message).with_help(format!("write `{form}`")));
        }
        let diagnostic = Diagnostic::error(Code::UnknownName, span, format!("`{name}` has not been given a meaning"));
        if let Some(later) = self.defined_later(name) {
            let label = format!("`{name}` is defined here, further down");
            return self.report(
                diagnostic.with_label(later, label).with_help("a name is defined above the lines that use it"),
            );
        }
        let locals = self.locals.iter().flatten().map(|(known, _)| known.as_str());
        let others = self.order.iter().map(String::as_str).filter(|_| self.home.is_none());
        let help = if name == "i" || name == "j" {
            format!("`{name}` stands only in the bracket of a reduction: `Sum[{name}](…)`")
        } else if let Some(meant) = suggest(name, locals.chain(others)) {
            format!("did you mean `{meant}`?")
        } else if self.home.is_some() {
            "a definition of a file that is used knows its parameters and nothing of the files that use it: make this one of its parameters".to_owned()
        } else {
            format!(
                "declare an input `{name} = Vi(dim)` (one row per i), `Vj(dim)` (per j) or `Pm(dim)` (a parameter), or a dimension `dim {name} = …`"
            )
        };
        self.report(diagnostic.with_help(help))
    }

    fn unary(&mut self, span: Span, operator: UnaryOperator, operand: &'a Expr) -> Result<Value, Reported> {
        let operand = self.expression(operand)?;
        let value = values::unary(&mut self.program.graph, operator, &operand.value);
        value.or_else(|problem| self.problem(span, &problem, "-", &[&operand]))
    }

    fn binary(
        &mut self,
        span: Span,
        operator: BinaryOperator,
        left: &'a Expr,
        right: &'a Expr,
    ) -> Result<Value, Reported> {
        let (left, right) = (self.expression(left), self.expression(right));
        let (left, right) = (left?, right?);
        let value = values::binary(&mut self.program.graph, operator, &left.value, &right.value);
        value.or_else(|problem| self.problem(span, &problem, symbol(operator), &[&left, &right]))
    }

    fn element(&mut self, base: &'a Expr, index: &'a Expr) -> Result<Value, Reported> {
        let (base, number) = (self.expression(base), self.integer(index));
        let (base, number) = (base?, number?);
        let value = values::element(&mut self.program.graph, &base.value, number);
        value.or_else(|problem| self.problem(index.span, &problem, "[ ]", &[&base]))
    }

    fn slice(
        &mut self,
        span: Span,
        base: &'a Expr,
        from: Option<&'a Expr>,
        to: Option<&'a Expr>,
    ) -> Result<Value, Reported> {
        let base = self.expression(base);
        let mut bound = |bound: Option<&'a Expr>| bound.map(|bound| self.integer(bound)).transpose();
        let (from, to) = (bound(from), bound(to));
        let (base, from, to) = (base?, from?, to?);
        let value = values::slice(&mut self.program.graph, &base.value, from, to);
        value.or_else(|problem| self.problem(span, &problem, "[ ]", &[&base]))
    }

    /// The inputs that a meaning consists of, where it is an input itself.
    pub fn meaning_inputs(&self, meaning: &Meaning<'_>) -> Vec<InputId> {
        match meaning {
            Meaning::Value(Value::Formula(node) | Value::Complex(node)) => self.input_of(*node).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// What a function is and how it is used; `None` where the name is no function's.
fn function_form(name: &str) -> Option<(&'static str, String)> {
    if catalogue::find_operation(name).is_some() {
        Some(("an operation", format!("{name}(…)")))
    } else if reductions::takes_index(name) {
        Some(("a reduction", format!("{name}[j](…)")))
    } else if maker(name).is_some() {
        Some(("a declaration of an input", format!("{name}(dim)")))
    } else if is_derivative(name) {
        Some(("a derivative", format!("{name}(F, x)")))
    } else {
        None
    }
}

/// An operator as it is written.
fn symbol(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Less => "<",
        BinaryOperator::LessEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterEqual => ">=",
        BinaryOperator::Equal => "==",
        BinaryOperator::NotEqual => "!=",
        BinaryOperator::Bar => "|",
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Remainder => "%",
        BinaryOperator::Power => "**",
    }
}
