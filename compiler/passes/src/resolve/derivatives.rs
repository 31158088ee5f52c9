//! Requests for derivatives: `Grad(F, v, e)`, `Diff(F, v, t)` and what is made of them. They become nodes that `differentiate` replaces.
//!
//! Of a formula without reductions the gradient is taken pair by pair: nothing is summed. Of anything that contains a reduction it is the
//! adjoint of the whole map from the variable's rows to the results': its rows are the variable's.

use keopsc_diagnostics::{Code, Diagnostic};
use keopsc_grammar::syntax::{Expr, ExprKind, Keyword, Name, Span};
use keopsc_ir::formula::{NodeId, NodeKind, Origin};
use keopsc_ir::types::Role;
use keopsc_ops::catalogue;
use keopsc_ops::reductions::SCATTER;

use super::describe::{components, describe_node, role_words};
use super::scope::{Operand, Reported, Resolver};
use crate::complex;
use crate::differentiate::{self, Failure};
use crate::laplacian;
use crate::values::{self, Value};

/// What is made of a derivative.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Request {
    Gradient,
    Tangent,
    /// One gradient for each component, one after the other.
    Rows,
    /// The sum of the diagonal of the derivative.
    Divergence,
    /// The same with weights, of a scalar formula the sum of its derivatives.
    Trace,
    /// The sum of all entries of the derivative, with weights on both sides.
    Entries,
    /// The divergence of the gradient.
    Laplacian,
    /// The formula itself: what asks for sharing is not needed here, as equal formulas are shared anyway.
    Same,
}

/// The functions that ask for derivatives: name, form, numbers of arguments, meaning.
const REQUESTS: &[(&str, &str, [usize; 2], Request)] = &[
    ("Grad", "Grad(F, v)` or `Grad(F, v, e)", [2, 3], Request::Gradient),
    ("Grad_WithSavedForward", "Grad_WithSavedForward(F, v, e, f)", [3, 4], Request::Gradient),
    ("AdjointOperator", "AdjointOperator(F, v, e)", [3, 3], Request::Gradient),
    ("Diff", "Diff(F, v)` or `Diff(F, v, t)", [2, 3], Request::Tangent),
    ("Diff_WithSavedForward", "Diff_WithSavedForward(F, v, t, f)", [3, 4], Request::Tangent),
    ("GradMatrix", "GradMatrix(F, v)", [2, 2], Request::Rows),
    ("Divergence", "Divergence(F, v)", [2, 2], Request::Divergence),
    ("TraceOperator", "TraceOperator(F, v)` or `TraceOperator(F, v, w)", [2, 3], Request::Trace),
    (
        "SumLinOperator",
        "SumLinOperator(F, v)`, `SumLinOperator(F, v, wl)` or `SumLinOperator(F, v, wl, wr)",
        [2, 4],
        Request::Entries,
    ),
    ("Laplacian", "Laplacian(F, v)", [2, 2], Request::Laplacian),
    ("Factorize", "Factorize(F, g)", [2, 2], Request::Same),
    ("AutoFactorize", "AutoFactorize(F)", [1, 1], Request::Same),
];

/// How many gradients one request may stand for.
const GRADIENT_LIMIT: u32 = 1024;

/// Whether a function asks for a derivative.
pub(super) fn is_derivative(name: &str) -> bool {
    REQUESTS.iter().any(|(known, ..)| *known == name)
}

impl<'a> Resolver<'a> {
    /// What a request for a derivative stands for.
    pub fn derivative(
        &mut self,
        span: Span,
        function: &Name,
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<Value, Reported> {
        let found = REQUESTS.iter().find(|(known, ..)| *known == function.text);
        let Some(&(_, form, [least, most], request)) = found else { return Err(Reported) };
        if let (Request::Tangent, Some(Expr { kind: ExprKind::List(variables), .. })) = (request, arguments.get(1)) {
            if !(least..=most).contains(&arguments.len()) || !keywords.is_empty() {
                return self.wrong_count(span, &function.text, form, arguments.len() + keywords.len());
            }
            return self.tangents(span, function, arguments, variables);
        }
        if let Some(Expr { kind: ExprKind::List(_), span, .. }) = arguments.get(1) {
            let message = format!("`{}` differentiates with respect to one input", function.text);
            let help = "write one for each input; `Diff(F, (v, w), (s, t))` adds up derivatives in several";
            return self.report(Diagnostic::error(Code::NotDifferentiable, *span, message).with_help(help));
        }
        let operands = self.operands(arguments.iter().chain(keywords.iter().map(|keyword| &keyword.value)))?;
        if !(least..=most).contains(&operands.len()) || !keywords.is_empty() {
            return self.wrong_count(span, &function.text, form, operands.len());
        }
        let of = self.differentiated(function, &operands[0])?;
        if request == Request::Same {
            return Ok(operands[0].value.clone());
        }
        let variable = self.variable(function, &operands[1])?;
        let given = operands.get(2);
        let [complex_of, complex_variable] = [0, 1].map(|number| complex::is_complex(&operands[number].value));
        if (complex_of || complex_variable) && !matches!(request, Request::Gradient | Request::Tangent) {
            let references: Vec<&Operand> = operands.iter().collect();
            return self.problem(span, &values::Problem::ComplexAsFormula, &function.text, &references);
        }
        let node = match request {
            Request::Gradient => self.gradient_request(span, &operands[0], of, variable, given),
            Request::Tangent => self.tangent_request(span, of, (variable, complex_variable), given),
            Request::Rows => self.gradient_rows(span, of, variable),
            Request::Divergence => {
                self.check_divergence(span, of, variable)?;
                let divergence = laplacian::divergence(&mut self.program.graph, of, variable);
                self.derived(span, divergence)
            }
            Request::Trace => self.trace(span, of, variable, given),
            Request::Entries => {
                let gradient = match given {
                    Some(given) => self.gradient_request(span, &operands[0], of, variable, Some(given))?,
                    None => {
                        let ones = self.ones(span, self.program.graph.node(of).dim)?;
                        self.gradient(of, variable, ones)
                    }
                };
                self.weighted_sum(span, gradient, operands.get(3))
            }
            Request::Laplacian => {
                self.check_scalar(span, &operands[0], of)?;
                let laplacian = laplacian::laplacian(&mut self.program.graph, of, variable);
                self.derived(span, laplacian)
            }
            Request::Same => Ok(of),
        };
        // A gradient is of the variable's kind, a derivative in a direction of the formula's.
        let is_complex = if request == Request::Gradient { complex_variable } else { complex_of };
        node.map(|node| if is_complex { Value::Complex(node) } else { Value::Formula(node) })
    }

    /// What is differentiated: the row numbers of a pair have no derivative.
    fn differentiated(&mut self, function: &Name, operand: &Operand) -> Result<NodeId, Reported> {
        self.check_real(function, operand)?;
        let node = match operand.value {
            Value::Pair(values, _) => Ok(values),
            Value::Complex(node) => Ok(node),
            _ => self.operand_formula(operand),
        }?;
        self.check_scatters(function, operand, node)?;
        Ok(node)
    }

    /// Refuses what scatters are in.
    fn check_scatters(&mut self, function: &Name, operand: &Operand, node: NodeId) -> Result<(), Reported> {
        let graph = &self.program.graph;
        let is_scatter = |id: NodeId| matches!(graph.node(id).kind, NodeKind::Scatter { .. });
        if !graph.reached_from(&[node]).into_iter().any(is_scatter) {
            return Ok(());
        }
        let message = format!("`{}` cannot differentiate `{}`", function.text, SCATTER.name);
        let diagnostic =
            self.with_operands(Diagnostic::error(Code::NotDifferentiable, operand.span, message), &[operand]);
        let help = format!(
            "the gradient of `{}[i](v, a)` in the rows of v gathers rows of the cotangent, e[a]: do that outside",
            SCATTER.name
        );
        self.report(diagnostic.with_help(help))
    }

    /// Refuses row numbers.
    fn check_real(&mut self, function: &Name, operand: &Operand) -> Result<(), Reported> {
        match operand.value {
            Value::Formula(node) if self.program.graph.node(node).is_index => {
                let message = format!("`{}` cannot differentiate row numbers", function.text);
                let diagnostic =
                    self.with_operands(Diagnostic::error(Code::NotDifferentiable, operand.span, message), &[operand]);
                self.report(diagnostic.with_help("row numbers jump, so that they have no derivative"))
            }
            _ => Ok(()),
        }
    }

    /// The input with respect to which is differentiated.
    fn variable(&mut self, function: &Name, operand: &Operand) -> Result<NodeId, Reported> {
        match operand.value {
            Value::Formula(node) | Value::Complex(node) if self.input_of(node).is_some() => Ok(node),
            _ => {
                let message = format!("`{}` differentiates with respect to an input", function.text);
                let diagnostic = Diagnostic::error(Code::NotDifferentiable, operand.span, message);
                let diagnostic = self.with_operands(diagnostic, &[operand]);
                self.report(diagnostic.with_help("the second argument is a name that `Vi`, `Vj` or `Pm` declares"))
            }
        }
    }

    fn gradient_request(
        &mut self,
        span: Span,
        operand: &Operand,
        of: NodeId,
        variable: NodeId,
        given: Option<&Operand>,
    ) -> Result<NodeId, Reported> {
        let whole = self.contains_reduction(of);
        let cotangent = match given {
            Some(given) => {
                let is_complex = complex::is_complex(&operand.value);
                self.direction(given, (of, is_complex), "cotangent", whole)?
            }
            None if whole => self.new_cotangent(span, operand, of)?,
            None => {
                self.check_scalar(span, operand, of)?;
                self.program.graph.constant(1.0)
            }
        };
        Ok(self.gradient(of, variable, cotangent))
    }

    fn tangent_request(
        &mut self,
        span: Span,
        of: NodeId,
        (variable, is_complex): (NodeId, bool),
        given: Option<&Operand>,
    ) -> Result<NodeId, Reported> {
        let tangent = match given {
            Some(given) => {
                let whole = self.contains_reduction(of);
                self.direction(given, (variable, is_complex), "tangent", whole)?
            }
            None => {
                let name = self.input_of(variable).map_or("", |id| &self.program.input(id).name).to_owned();
                let shape = self.role_and_dim(variable);
                self.request_input(format!("t_{name}"), shape, is_complex, Origin::Tangent, span)?
            }
        };
        let role = if self.contains_reduction(of) {
            self.program.graph.node(of).role
        } else {
            self.program.graph.role(&[of, variable, tangent])
        };
        Ok(self.program.graph.tangent(of, variable, tangent, role))
    }

    fn gradient(&mut self, of: NodeId, variable: NodeId, cotangent: NodeId) -> NodeId {
        let role = if self.contains_reduction(of) {
            self.program.graph.node(variable).role
        } else {
            self.program.graph.role(&[of, variable, cotangent])
        };
        self.program.graph.gradient(of, variable, cotangent, role)
    }

    /// A cotangent or tangent that is given: it has the dimension of what it belongs to, and where `bound` no index that that lacks.
    fn direction(
        &mut self,
        given: &Operand,
        (of, is_complex): (NodeId, bool),
        word: &str,
        bound: bool,
    ) -> Result<NodeId, Reported> {
        let (expected_role, expected) = self.role_and_dim(of);
        let node = match &given.value {
            value @ (Value::Complex(_) | Value::Integer(_) | Value::Real(_)) if is_complex => {
                let spread = complex::spread(&mut self.program.graph, value, expected);
                spread.or_else(|problem| self.problem(given.span, &problem, word, &[given]))?
            }
            _ if is_complex => {
                let message = format!("the {word} is real, but belongs to something complex");
                let diagnostic = Diagnostic::error(Code::WrongNumbers, given.span, message);
                let diagnostic = self.with_operands(diagnostic, &[given]);
                return self.report(diagnostic.with_help("`Real2Complex(r)` makes real numbers complex"));
            }
            _ => self.operand_formula(given)?,
        };
        let (role, dim) = self.role_and_dim(node);
        if bound && !expected_role.contains(role) {
            let message = format!(
                "the {word} is {}, but belongs to something that is {}",
                role_words(role),
                role_words(expected_role)
            );
            let diagnostic = self.with_operands(Diagnostic::error(Code::WrongRole, given.span, message), &[given]);
            return self.report(diagnostic.with_help(format!("a {word} has the rows of what it belongs to")));
        }
        if dim == expected {
            return Ok(node);
        }
        if dim == 1 {
            let spread = self.program.graph.named("SumT", &[i64::from(expected)], &[node]);
            return spread.or_else(|error| self.problem(given.span, &values::Problem::Shape(error), word, &[given]));
        }
        let message =
            format!("the {word} has {}, but belongs to something with {}", components(dim), components(expected));
        let diagnostic = self.with_operands(Diagnostic::error(Code::DimensionMismatch, given.span, message), &[given]);
        self.report(diagnostic)
    }

    /// The input `d_<name>`, in which callers pass the cotangent of a result; `d_<name>_2` for a second one of that name, as in `Grad(Grad(F, x), x)`.
    fn new_cotangent(&mut self, span: Span, operand: &Operand, of: NodeId) -> Result<NodeId, Reported> {
        let (role, dim) = self.role_and_dim(of);
        if role == Role::Pair {
            let message = "this depends on both i and j, so that its gradient needs a cotangent";
            let diagnostic = self.with_operands(Diagnostic::error(Code::WrongRole, span, message), &[operand]);
            return self
                .report(diagnostic.with_help("give the cotangent as the third argument, or reduce over i or j first"));
        }
        let name = operand.name.clone().or_else(|| self.defining.clone()).unwrap_or_else(|| "result".to_owned());
        let names = std::iter::once(format!("d_{name}")).chain((2u32..).map(|number| format!("d_{name}_{number}")));
        let free = |name: &String| self.cotangents.get(name).is_none_or(|known| *known == of);
        let Some(name) = names.into_iter().find(free) else { unreachable!("there are enough names") };
        self.cotangents.insert(name.clone(), of);
        self.request_input(name, (role, dim), complex::is_complex(&operand.value), Origin::Cotangent, span)
    }

    fn check_scalar(&mut self, span: Span, operand: &Operand, of: NodeId) -> Result<(), Reported> {
        let dim = self.program.graph.node(of).dim;
        if dim == 1 {
            return Ok(());
        }
        let what = match complex::is_complex(&operand.value) {
            true => "complex numbers".to_owned(),
            false => format!("a formula with {}", components(dim)),
        };
        let message = format!("the gradient of {what} needs a cotangent");
        let diagnostic = self.with_operands(Diagnostic::error(Code::NotScalar, span, message), &[operand]);
        self.report(diagnostic.with_help("give it as the third argument: `Grad(F, v, e)` with as many components as F"))
    }

    /// The gradients of all components of `of`, one after the other.
    fn gradient_rows(&mut self, span: Span, of: NodeId, variable: NodeId) -> Result<NodeId, Reported> {
        let dim = self.program.graph.node(of).dim;
        self.check_gradients(span, dim)?;
        let mut rows: Option<NodeId> = None;
        for component in 0..dim {
            let unit = self.unit(span, dim, component)?;
            let row = self.gradient(of, variable, unit);
            rows = Some(match rows {
                Some(rows) => self.apply(span, "Concat", &[], &[rows, row])?,
                None => row,
            });
        }
        Ok(rows.unwrap_or(of))
    }

    /// The derivatives in the directions of several inputs at once, added up: `Diff(F, (x, y), (t, u))`.
    fn tangents(
        &mut self,
        span: Span,
        function: &Name,
        arguments: &'a [Expr],
        variables: &'a [Expr],
    ) -> Result<Value, Reported> {
        let of = self.expression(&arguments[0])?;
        let is_complex = complex::is_complex(&of.value);
        let node = self.differentiated(function, &of)?;
        let directions = match arguments.get(2).map(|argument| &argument.kind) {
            Some(ExprKind::List(directions)) if directions.len() == variables.len() => Some(directions),
            None => None,
            Some(_) => {
                let message = format!("`{}` needs a direction for each of {} inputs", function.text, variables.len());
                let diagnostic = Diagnostic::error(Code::ArgumentCount, arguments[2].span, message);
                return self.report(diagnostic.with_help("write as many in brackets, in the order of the inputs"));
            }
        };
        let mut total = None;
        for (number, variable) in variables.iter().enumerate() {
            let variable = self.expression(variable)?;
            let kind = complex::is_complex(&variable.value);
            let variable = (self.variable(function, &variable)?, kind);
            let given = directions.map(|directions| self.expression(&directions[number])).transpose()?;
            let tangent = self.tangent_request(span, node, variable, given.as_ref())?;
            total = Some(match total {
                Some(total) => self.apply(span, "Add", &[], &[total, tangent])?,
                None => tangent,
            });
        }
        match total {
            Some(total) if is_complex => Ok(Value::Complex(total)),
            Some(total) => Ok(Value::Formula(total)),
            None => {
                let message = format!("`{}` needs an input to differentiate by", function.text);
                let diagnostic = Diagnostic::error(Code::ArgumentCount, arguments[1].span, message);
                self.report(diagnostic.with_help("name inputs in the brackets: `Diff(F, (v, w))`"))
            }
        }
    }

    /// The sum of the diagonal, or of the derivatives of a scalar, times the weights `w`.
    fn trace(
        &mut self,
        span: Span,
        of: NodeId,
        variable: NodeId,
        weights: Option<&Operand>,
    ) -> Result<NodeId, Reported> {
        let diagonal = if self.program.graph.node(of).dim == 1 {
            let one = self.program.graph.constant(1.0);
            self.gradient(of, variable, one)
        } else {
            self.check_divergence(span, of, variable)?;
            let diagonal = laplacian::diagonal(&mut self.program.graph, of, variable);
            self.derived(span, diagonal)?
        };
        self.weighted_sum(span, diagonal, weights)
    }

    /// The sum of the components of `vector`, times weights where there are some.
    fn weighted_sum(&mut self, span: Span, vector: NodeId, weights: Option<&Operand>) -> Result<NodeId, Reported> {
        let Some(weights) = weights else { return self.apply(span, "Sum", &[], &[vector]) };
        let weights = self.operand_formula(weights)?;
        let product = self.apply(span, "Mult", &[], &[weights, vector])?;
        self.apply(span, "Sum", &[], &[product])
    }

    fn ones(&mut self, span: Span, dim: u32) -> Result<NodeId, Reported> {
        let one = self.program.graph.constant(1.0);
        if dim == 1 { Ok(one) } else { self.apply(span, "SumT", &[i64::from(dim)], &[one]) }
    }

    fn check_divergence(&mut self, span: Span, of: NodeId, variable: NodeId) -> Result<(), Reported> {
        let (dim, expected) = (self.program.graph.node(of).dim, self.program.graph.node(variable).dim);
        if dim == expected {
            return Ok(());
        }
        let message = format!(
            "a divergence is that of a formula with as many components as the input: {dim} and {expected} here"
        );
        let label = describe_node(&self.program.graph, of);
        self.report(Diagnostic::error(Code::DimensionMismatch, span, message).with_label(span, label))
    }

    /// A derivative that has been made already, or why it cannot be had.
    fn derived(&mut self, span: Span, result: Result<NodeId, Failure>) -> Result<NodeId, Reported> {
        result.or_else(|failure| self.report(differentiate::diagnostic(&failure, span)))
    }

    fn check_gradients(&mut self, span: Span, dim: u32) -> Result<(), Reported> {
        if dim <= GRADIENT_LIMIT {
            return Ok(());
        }
        let message = format!("this would be {dim} gradients, one for each component");
        let help = format!("at most {GRADIENT_LIMIT} components can be differentiated one by one");
        self.report(Diagnostic::error(Code::TooLarge, span, message).with_help(help))
    }

    /// The vector with 1 in one place and 0 elsewhere.
    fn unit(&mut self, span: Span, dim: u32, component: u32) -> Result<NodeId, Reported> {
        let one = self.program.graph.constant(1.0);
        if dim == 1 { Ok(one) } else { self.apply(span, "ElemT", &[i64::from(dim), i64::from(component)], &[one]) }
    }

    fn apply(&mut self, span: Span, name: &str, parameters: &[i64], arguments: &[NodeId]) -> Result<NodeId, Reported> {
        let Some(operation) = catalogue::find_operation(name) else { return Err(Reported) };
        let node = values::apply(&mut self.program.graph, operation, parameters, arguments);
        node.or_else(|problem| self.problem(span, &problem, name, &[]))
    }

    fn role_and_dim(&self, node: NodeId) -> (Role, u32) {
        let node = self.program.graph.node(node);
        (node.role, node.dim)
    }
}
