//! What is known while a file is read: names, inputs, the graph so far, and what the formula at hand has mentioned.

use std::collections::{HashMap, HashSet};

use keopsc_diagnostics::{Code, Diagnostic};
use keopsc_grammar::syntax::{Expr, File, Name, Setting, Span};
use keopsc_ir::formula::{InputId, NodeId, NodeKind, Program};
use keopsc_ir::types::{Numerics, ScalarType};

use super::Options;
use crate::values::Value;

/// How many expressions are read in all, macros expanded: what bounds the time for any file.
const EXPRESSION_LIMIT: usize = 400_000;

/// How many errors are found before nothing more is read.
const ERROR_LIMIT: usize = 200;

/// How many expressions may be open within each other, macros expanded: what bounds the stack.
const DEPTH_LIMIT: usize = 600;

/// An error that has been reported already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Meaning<'a> {
    /// A dimension, an input, or the value of a binding or output.
    Value(Value),
    /// A `def`.
    Macro(Macro<'a>),
    /// A `fused` block.
    Block,
    /// Something whose definition had an error.
    Broken,
}

/// A `def`, and in which used file it stands; in none, if that is the file that is compiled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Macro<'a> {
    pub parameters: &'a [Name],
    pub body: &'a Expr,
    pub home: Option<usize>,
}

/// A macro that is being replaced by its body.
#[derive(Clone, Debug)]
pub(super) struct Expansion {
    pub name: String,
    /// Where it is defined.
    pub defined: Span,
    /// Where it is called.
    pub called: Span,
    /// In which used file that is.
    pub home: Option<usize>,
}

/// A name's meaning and where it got it.
#[derive(Clone, Debug)]
pub(super) struct Definition<'a> {
    pub meaning: Meaning<'a>,
    pub span: Span,
    /// The inputs that the definition mentions.
    pub mentions: Vec<InputId>,
}

/// A value with its place and, if it was written as a name, that name.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub value: Value,
    pub span: Span,
    pub name: Option<String>,
}

/// Where an input was declared and which position it has among all.
#[derive(Clone, Debug)]
pub(super) struct Declaration {
    pub position: i64,
    pub span: Span,
    pub node: NodeId,
}

/// The inputs that a formula has mentioned, in order.
#[derive(Default)]
pub(super) struct Mentioned {
    pub inputs: Vec<InputId>,
    known: HashSet<InputId>,
    /// The names whose inputs are among them: macros bring the same name very often.
    names: HashSet<String>,
}

/// The state of `resolve`.
pub(super) struct Resolver<'a> {
    pub options: &'a Options,
    pub program: Program,
    pub diagnostics: Vec<Diagnostic>,
    told: HashSet<(Code, Option<Span>, Option<Span>, String)>,
    /// The storage type of real numbers where nothing else is said.
    pub scalar: ScalarType,
    /// Whether inputs are complex where nothing else is said.
    pub is_complex: bool,
    /// Whether there are complex inputs: operations then take complex numbers where they say so, and real ones elsewhere.
    pub has_complex: bool,
    pub numerics: Numerics,
    /// The `numerics` settings of the file, in order.
    pub file_numerics: Vec<&'a Setting>,
    pub names: HashMap<String, Definition<'a>>,
    /// The files that are used.
    pub files: &'a [File],
    /// The names that are known in each of them.
    pub names_of_used: Vec<HashMap<String, Definition<'a>>>,
    /// The used file that the expression at hand stands in, if one.
    pub home: Option<usize>,
    /// Names in the order of their definition, for suggestions that do not depend on hashing.
    pub order: Vec<String>,
    /// Names that some formula uses.
    pub used: HashSet<String>,
    /// Names whose definitions come further down.
    pub later: Vec<(String, Span)>,
    /// Of each input.
    pub declarations: Vec<Declaration>,
    pub inputs_by_name: HashMap<String, InputId>,
    pub inputs_by_position: HashMap<i64, InputId>,
    /// Of the formula at hand.
    pub mentioned: Mentioned,
    /// Arguments of the macro that is being expanded, if one is.
    pub locals: Option<Vec<(String, Operand)>>,
    /// The macros that are being expanded.
    pub expanding: Vec<Expansion>,
    /// Name of the output or binding that is being read.
    pub defining: Option<String>,
    /// What each cotangent that was asked for belongs to, by the cotangent's name.
    pub cotangents: HashMap<String, NodeId>,
    /// Of each node whether there is a reduction inside. What then does not depend on an index was reduced over it.
    reduced: Vec<bool>,
    expressions: usize,
    errors: usize,
    depth: usize,
}

impl<'a> Resolver<'a> {
    pub fn new(options: &'a Options) -> Resolver<'a> {
        Resolver {
            options,
            program: Program::default(),
            diagnostics: Vec::new(),
            told: HashSet::new(),
            scalar: ScalarType::F32,
            is_complex: false,
            has_complex: false,
            numerics: Numerics::default(),
            file_numerics: Vec::new(),
            names: HashMap::new(),
            files: &[],
            names_of_used: Vec::new(),
            home: None,
            order: Vec::new(),
            used: HashSet::new(),
            later: Vec::new(),
            declarations: Vec::new(),
            inputs_by_name: HashMap::new(),
            inputs_by_position: HashMap::new(),
            mentioned: Mentioned::default(),
            locals: None,
            expanding: Vec::new(),
            defining: None,
            cotangents: HashMap::new(),
            reduced: Vec::new(),
            expressions: 0,
            errors: 0,
            depth: 0,
        }
    }

    /// Reports an error, once where a macro of this file brings it several times; for one of another file, once a call.
    pub fn report<T>(&mut self, mut diagnostic: Diagnostic) -> Result<T, Reported> {
        self.errors += 1;
        let calls = || self.expanding.iter().filter(|expansion| expansion.home.is_none());
        let (first, last) = (calls().next(), calls().next_back());
        let call = last.filter(|_| self.home.is_some()).map(|expansion| expansion.called);
        for (number, expansion) in [first, last].into_iter().flatten().enumerate() {
            if number == 0 || first.map(|first| first.called) != Some(expansion.called) {
                diagnostic = diagnostic.with_label(expansion.called, format!("`{}` is called here", expansion.name));
            }
        }
        if self.told.insert((diagnostic.code, diagnostic.primary_span(), call, diagnostic.message.clone())) {
            self.diagnostics.push(diagnostic);
        }
        Err(Reported)
    }

    /// What a name means in the file that the expression at hand stands in.
    pub fn lookup(&self, name: &str) -> Option<&Definition<'a>> {
        self.known_names().get(name)
    }

    /// All names that have a meaning there.
    pub fn known_names(&self) -> &HashMap<String, Definition<'a>> {
        match self.home {
            Some(number) => &self.names_of_used[number],
            None => &self.names,
        }
    }

    /// Gives a name that has no meaning yet one.
    pub fn insert(&mut self, name: &str, definition: Definition<'a>) {
        match self.home {
            Some(number) => {
                self.names_of_used[number].insert(name.to_owned(), definition);
            }
            None => {
                self.order.push(name.to_owned());
                self.names.insert(name.to_owned(), definition);
            }
        }
    }

    /// Notes that some formula of the file that is compiled uses a name.
    pub fn note_use(&mut self, name: &str) {
        if self.home.is_none() {
            self.used.insert(name.to_owned());
        }
    }

    /// Where a name gets a meaning further down.
    pub fn defined_later(&self, name: &str) -> Option<Span> {
        let later = self.later.iter().filter(|_| self.home.is_none());
        later.into_iter().find(|(known, _)| known == name).map(|(_, span)| *span)
    }

    /// Gives a name a meaning, unless it has one.
    pub fn define(&mut self, name: &Name, meaning: Meaning<'a>, mentions: Vec<InputId>) {
        if let Some(known) = self.lookup(&name.text) {
            let message = format!("the name `{}` is given twice", name.text);
            let diagnostic = Diagnostic::error(Code::DuplicateName, name.span, message)
                .with_label(known.span, "it was given here first")
                .with_help("choose another name: a name means the same everywhere in a file");
            self.diagnostics.push(diagnostic);
            return;
        }
        self.insert(&name.text, Definition { meaning, span: name.span, mentions });
    }

    /// Notes that the formula at hand uses these inputs.
    pub fn mention(&mut self, inputs: &[InputId]) {
        let Mentioned { inputs: all, known, .. } = &mut self.mentioned;
        all.extend(inputs.iter().filter(|input| known.insert(**input)));
    }

    /// Notes that the formula at hand uses what a name's definition does.
    pub fn mention_name(&mut self, name: &str) {
        if self.mentioned.names.contains(name) {
            return;
        }
        self.mentioned.names.insert(name.to_owned());
        let inputs = self.lookup(name).map_or_else(Vec::new, |definition| definition.mentions.clone());
        self.mention(&inputs);
    }

    /// The input that a node is, if it is one.
    pub fn input_of(&self, node: NodeId) -> Option<InputId> {
        match self.program.graph.node(node).kind {
            NodeKind::Input(id) => Some(id),
            _ => None,
        }
    }

    /// Whether there is a reduction inside a node.
    pub fn contains_reduction(&mut self, node: NodeId) -> bool {
        let graph = &self.program.graph;
        for number in self.reduced.len()..graph.len() {
            let kind = &graph.node(NodeId(number as u32)).kind;
            let is_reduction = matches!(kind, NodeKind::Reduction { .. } | NodeKind::Scatter { .. });
            let is_inside = kind.arguments().iter().any(|argument| self.reduced[argument.0 as usize]);
            self.reduced.push(is_reduction || is_inside);
        }
        self.reduced[node.0 as usize]
    }

    /// Counts an expression that is about to be read; refuses what is too deep or too much in all.
    pub fn enter(&mut self, span: Span) -> Result<(), Reported> {
        if self.expressions == EXPRESSION_LIMIT || self.errors >= ERROR_LIMIT {
            return Err(Reported);
        }
        self.expressions += 1;
        if self.expressions == EXPRESSION_LIMIT {
            let message =
                format!("this file has more than {EXPRESSION_LIMIT} expressions once its macros are expanded");
            return self.report(
                Diagnostic::error(Code::TooLarge, span, message)
                    .with_help("use a `def` less often, or give its result a name"),
            );
        }
        if self.depth == DEPTH_LIMIT {
            let message = format!(
                "with its macros expanded this formula has more than {DEPTH_LIMIT} operations within each other"
            );
            return self.report(Diagnostic::error(Code::TooLarge, span, message).with_help("give parts of it a name"));
        }
        self.depth += 1;
        Ok(())
    }

    /// The counterpart of `enter`.
    pub fn leave(&mut self) {
        self.depth -= 1;
    }
}
