//! Dimensions and inputs: `dim D = 3`, `x = Vi(D)`, `x = Vi(0, 3)`, `Var(0, 3, 1)`. They may be used above the line that declares them.

use keopsc_diagnostics::{Code, Diagnostic, suggest};
use keopsc_grammar::syntax::{Expr, ExprKind, File, Keyword, Name, Span, StatementKind};
use keopsc_ir::formula::{Input, InputId, NodeId, Origin};
use keopsc_ir::types::{Role, ScalarType};
use keopsc_ops::signature::MAXIMUM_DIM;

use super::describe::role_words;
use super::scope::{Declaration, Meaning, Operand, Reported, Resolver};
use crate::values::Value;

/// The functions that make an input, with the role of its rows; that of `Var` is its third argument.
const MAKERS: &[(&str, Option<Role>)] = &[
    ("Vi", Some(Role::I)),
    ("Vj", Some(Role::J)),
    ("Pm", Some(Role::Parameter)),
    ("Var", None),
    ("Vx", Some(Role::I)),
    ("Vy", Some(Role::J)),
];

/// The role that a maker of inputs gives; `None` where the function is none.
pub(super) fn maker(function: &str) -> Option<Option<Role>> {
    MAKERS.iter().find(|(name, _)| *name == function).map(|(_, role)| *role)
}

/// An input as written.
struct Written {
    role: Role,
    dim: u32,
    position: Option<i64>,
    scalar: ScalarType,
}

impl<'a> Resolver<'a> {
    /// Reads all `dim` statements, in order.
    pub fn declare_dims(&mut self, file: &'a File) {
        for statement in &file.statements {
            let StatementKind::Dim { name, value } = &statement.kind else { continue };
            let given = self.options.dims.iter().rev().find(|(known, _)| *known == name.text);
            let written = self.integer(value);
            let meaning = match given.map(|(_, given)| *given).map_or(written, Ok) {
                Ok(number) => Meaning::Value(Value::Integer(number)),
                Err(Reported) => Meaning::Broken,
            };
            self.define(name, meaning, Vec::new());
        }
        for (name, value) in &self.options.dims {
            if !self.names.contains_key(name) {
                let message = format!("`{name}={value}` was given, but the file declares no `dim {name}`");
                let known = suggest(name, self.order.iter().map(String::as_str));
                let help = known.map_or(format!("write `dim {name} = {value}` in the file"), |known| {
                    format!("did you mean `{known}`?")
                });
                self.diagnostics.push(Diagnostic::error(Code::UnknownDim, Span::default(), message).with_help(help));
            }
        }
    }

    /// Declares every `name = Vi(…)` of the file, in order.
    pub fn declare_inputs(&mut self, file: &'a File) {
        for statement in &file.statements {
            let StatementKind::Binding { name, value } = &statement.kind else { continue };
            let ExprKind::Call { function, arguments, keywords } = &value.kind else { continue };
            if maker(&function.text).is_none() {
                continue;
            }
            let declared = self
                .check_argument_name(name)
                .and_then(|()| self.written_input(value.span, function, arguments, keywords));
            let declared = declared.and_then(|written| self.add_input(Some(name), value.span, &written));
            let meaning = declared.map_or(Meaning::Broken, |node| Meaning::Value(self.input_value(node)));
            let mentions = self.meaning_inputs(&meaning);
            self.define(name, meaning, mentions);
        }
    }

    /// An input that is written inside a formula: the one of that position, or a new one.
    pub fn inline_input(
        &mut self,
        span: Span,
        function: &Name,
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<Operand, Reported> {
        let written = self.written_input(span, function, arguments, keywords)?;
        if written.scalar.is_complex() && !self.has_complex {
            let message = "a complex input inside a formula comes too late: what stands above it was read as real";
            let help = "give it a name in a line of its own, `z = Vi(1, dtype=c64)`, or write `dtype c64` for the file";
            return self.report(Diagnostic::error(Code::BadDeclaration, span, message).with_help(help));
        }
        let node = match written.position.and_then(|position| self.inputs_by_position.get(&position)) {
            Some(&id) => self.same_input(span, id, &written)?,
            None => self.add_input(None, span, &written)?,
        };
        let input = self.input_of(node);
        self.mention(input.as_slice());
        Ok(Operand { value: self.input_value(node), span, name: None })
    }

    /// What an input's node stands for.
    fn input_value(&self, node: NodeId) -> Value {
        let complex = self.input_of(node).is_some_and(|id| self.program.input(id).scalar.is_complex());
        if complex { Value::Complex(node) } else { Value::Formula(node) }
    }

    /// Adds a cotangent or tangent, unless there is one of that name.
    pub fn request_input(
        &mut self,
        name: String,
        (role, dim): (Role, u32),
        is_complex: bool,
        origin: Origin,
        span: Span,
    ) -> Result<NodeId, Reported> {
        let scalar = if is_complex { self.scalar.complex() } else { self.scalar };
        if let Some(&id) = self.inputs_by_name.get(&name) {
            let input = self.program.input(id);
            if (input.role, input.dim, input.scalar, input.origin) == (role, dim, scalar, origin) {
                self.mention(&[id]);
                return Ok(self.declarations[id.0 as usize].node);
            }
            let message = format!("this derivative needs an input `{name}`, but that name is taken");
            let declared = self.declarations[id.0 as usize].span;
            return self.report(
                Diagnostic::error(Code::DuplicateName, span, message)
                    .with_label(declared, format!("`{name}` is declared here"))
                    .with_help("give the cotangent or tangent as the third argument"),
            );
        }
        let node = self.push_input(Input { name, role, dim, scalar, origin }, i64::MAX, span);
        self.mention(&[InputId(self.program.inputs.len() as u32 - 1)]);
        Ok(node)
    }

    fn written_input(
        &mut self,
        span: Span,
        function: &Name,
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<Written, Reported> {
        let numbers: Vec<Result<i64, Reported>> = arguments.iter().map(|argument| self.integer(argument)).collect();
        let numbers = numbers.into_iter().collect::<Result<Vec<i64>, Reported>>();
        let default = if self.is_complex { self.scalar.complex() } else { self.scalar };
        let scalar = self.input_options(keywords)?.unwrap_or(default);
        let role = maker(&function.text).flatten();
        let (position, dim, role) = match (numbers?.as_slice(), role) {
            (&[dim], Some(role)) => (None, dim, role),
            (&[position, dim], Some(role)) => (Some(position), dim, role),
            (&[position, dim, category @ 0..=2], None) => {
                (Some(position), dim, [Role::I, Role::J, Role::Parameter][category as usize])
            }
            (_, role) => return self.malformed_input(span, function, role),
        };
        let dim = self.check_dim(arguments, dim.saturating_mul(i64::from(scalar.components())), role, function)?;
        match position {
            Some(position) if position < 0 => self.report(
                Diagnostic::error(Code::BadDeclaration, span, format!("the position of an input cannot be {position}"))
                    .with_help("positions count from 0"),
            ),
            _ => Ok(Written { role, dim, position, scalar }),
        }
    }

    fn check_dim(&mut self, arguments: &[Expr], dim: i64, role: Role, function: &Name) -> Result<u32, Reported> {
        let place = if maker(&function.text) == Some(None) || arguments.len() > 1 { 1 } else { 0 };
        let span = arguments.get(place).map_or(function.span, |argument| argument.span);
        match u32::try_from(dim).ok().filter(|dim| (1..=MAXIMUM_DIM).contains(dim)) {
            Some(dim) => Ok(dim),
            None => {
                let message = format!("an input ({}) cannot have {dim} components", role_words(role));
                let help = format!("dimensions are whole numbers from 1 to {MAXIMUM_DIM}");
                let code = if dim > 0 { Code::TooLarge } else { Code::OutOfRange };
                self.report(Diagnostic::error(code, span, message).with_help(help))
            }
        }
    }

    fn malformed_input<T>(&mut self, span: Span, function: &Name, role: Option<Role>) -> Result<T, Reported> {
        let name = &function.text;
        let help = match role {
            Some(_) => format!("write `{name}(dim)` or `{name}(position, dim)`"),
            None => {
                "write `Var(position, dim, category)`; the category is 0 for i, 1 for j, 2 for parameters".to_owned()
            }
        };
        let message = format!("`{name}` does not say what input is meant");
        self.report(Diagnostic::error(Code::BadDeclaration, span, message).with_help(help))
    }

    fn input_options(&mut self, keywords: &[Keyword]) -> Result<Option<ScalarType>, Reported> {
        let mut scalar = None;
        for Keyword { name, value } in keywords {
            match (&*name.text, &value.kind) {
                ("dtype", ExprKind::Name(text)) => {
                    scalar = Some(self.scalar_type(&Name { text: text.clone(), span: value.span })?);
                }
                _ => {
                    let message = format!("an input has no option `{}` of this form", name.text);
                    let help = "the one option is the storage type: `x = Vi(3, dtype=f16)`";
                    return self.report(Diagnostic::error(Code::BadDeclaration, name.span, message).with_help(help));
                }
            }
        }
        Ok(scalar)
    }

    fn same_input(&mut self, span: Span, id: InputId, written: &Written) -> Result<NodeId, Reported> {
        let declaration = self.declarations[id.0 as usize].clone();
        let input = self.program.input(id);
        if (input.role, input.dim, input.scalar.is_complex())
            == (written.role, written.dim, written.scalar.is_complex())
        {
            return Ok(declaration.node);
        }
        let label = format!("`{}`: {} components, {}", input.name, input.dim, role_words(input.role));
        let message = format!(
            "position {} is that of another input: {} components, {} here",
            declaration.position,
            written.dim,
            role_words(written.role)
        );
        let diagnostic = Diagnostic::error(Code::BadDeclaration, span, message)
            .with_label(declaration.span, label)
            .with_help("inputs of one position are the same input; without a position they are numbered in the order written, from 0");
        self.report(diagnostic)
    }

    fn add_input(&mut self, name: Option<&Name>, span: Span, written: &Written) -> Result<NodeId, Reported> {
        let position = written.position.unwrap_or(self.declarations.len() as i64);
        if let Some(&id) = self.inputs_by_position.get(&position) {
            let known = self.program.input(id).name.clone();
            let declared = self.declarations[id.0 as usize].span;
            let message = format!("position {position} belongs to `{known}` already");
            return self.report(
                Diagnostic::error(Code::BadDeclaration, span, message)
                    .with_label(declared, format!("`{known}` is declared here"))
                    .with_help("give every input another position, counted from 0"),
            );
        }
        let name = name.map_or_else(|| self.free_name(position), |name| name.text.clone());
        let Written { role, dim, scalar, .. } = *written;
        self.has_complex |= scalar.is_complex();
        let input = Input { name, role, dim, scalar, origin: Origin::Declared };
        Ok(self.push_input(input, position, span))
    }

    fn push_input(&mut self, input: Input, position: i64, span: Span) -> NodeId {
        let id = InputId(self.program.inputs.len() as u32);
        let node = self.program.graph.input(id, &input);
        self.inputs_by_name.entry(input.name.clone()).or_insert(id);
        if input.origin == Origin::Declared {
            self.inputs_by_position.insert(position, id);
        }
        self.program.inputs.push(input);
        self.declarations.push(Declaration { position, span, node });
        node
    }

    /// A name for an input that has none: `v0`, unless that is taken.
    fn free_name(&self, position: i64) -> String {
        let mut name = format!("v{position}");
        while self.names.contains_key(&name) || self.inputs_by_name.contains_key(&name) {
            name.push('_');
        }
        name
    }
}
