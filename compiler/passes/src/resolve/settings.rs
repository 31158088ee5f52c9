//! `dtype` and `numerics` statements, wherever they stand at top level, and what prevails over them.

use keopsc_diagnostics::{Code, Diagnostic, suggest};
use keopsc_grammar::syntax::{File, Name, Setting, StatementKind};
use keopsc_ir::formula::Entry;
use keopsc_ir::types::{Algebra, Numerics, Products, ScalarType, SumScheme};

use super::scope::{Reported, Resolver};

/// Types of accumulators.
const ACCUMULATORS: &[&str] = &["auto", "f32", "f64"];

impl<'a> Resolver<'a> {
    /// Reads what holds for the whole file.
    pub fn read_settings(&mut self, file: &'a File) {
        let mut given = None;
        let mut numerics = Numerics::default();
        for statement in &file.statements {
            match &statement.kind {
                StatementKind::Dtype(name) => {
                    if let Ok(scalar) = self.scalar_type(name) {
                        self.scalar = scalar;
                    }
                    if let Some(first) = given.replace(name.span) {
                        let diagnostic = Diagnostic::error(Code::DuplicateSetting, name.span, "`dtype` is given twice")
                            .with_label(first, "it was given here first");
                        self.diagnostics.push(diagnostic);
                    }
                }
                StatementKind::Numerics(settings) => {
                    numerics = self.numerics(settings, numerics);
                    self.file_numerics.extend(settings);
                }
                _ => {}
            }
        }
        self.numerics = numerics;
        let settings = self.file_numerics.clone();
        self.check_given_once(&settings);
        if let (Some(asked), Some(span)) = (self.options.dtype, given)
            && asked.is_complex() != self.scalar.is_complex()
        {
            let kinds = if asked.is_complex() { ["real", "complex"] } else { ["complex", "real"] };
            let message =
                format!("this file is {}, and the type asked for, `{}`, is {}", kinds[0], asked.name(), kinds[1]);
            let types = if asked.is_complex() { "`f16`, `bf16`, `f32` or `f64`" } else { "`c64` or `c128`" };
            let help = format!("ask for {types}: formulas mean something else for numbers of the other kind");
            self.diagnostics.push(Diagnostic::error(Code::WrongNumbers, span, message).with_help(help));
        }
        self.scalar = self.options.dtype.unwrap_or(self.scalar);
        self.is_complex = self.scalar.is_complex();
        self.has_complex = self.is_complex;
        self.scalar = self.scalar.real();
        self.program.scalar = Some(self.scalar);
    }

    /// Refuses settings that are given twice.
    fn check_given_once(&mut self, settings: &[&Setting]) {
        for (number, setting) in settings.iter().enumerate() {
            let key = &setting.key;
            if let Some(first) = settings.iter().take(number).find(|other| other.key.text == key.text) {
                let message = format!("`{}` is given twice", key.text);
                let diagnostic = Diagnostic::error(Code::DuplicateSetting, key.span, message)
                    .with_label(first.key.span, "it was given here first");
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// The storage type of that name.
    pub fn scalar_type(&mut self, name: &Name) -> Result<ScalarType, Reported> {
        if let Some(scalar) = ScalarType::from_name(&name.text) {
            return Ok(scalar);
        }
        let help = "the types are `f16`, `bf16`, `f32`, `f64`, `c64` and `c128`";
        let message = format!("`{}` is no type that inputs and results can have", name.text);
        self.report(Diagnostic::error(Code::UnknownType, name.span, message).with_help(help))
    }

    /// `settings` on top of `numerics`.
    pub fn numerics(&mut self, settings: &[Setting], mut numerics: Numerics) -> Numerics {
        for Setting { key, value } in settings {
            match key.text.as_str() {
                "sum" => {
                    let names: Vec<&str> = SumScheme::NAMES.iter().map(|(name, _)| *name).collect();
                    numerics.sum = self.choice(key, value, SumScheme::from_name, &names).unwrap_or(numerics.sum);
                }
                "accumulate" => {
                    let chosen = self.choice(key, value, accumulator, ACCUMULATORS);
                    numerics.accumulate = chosen.unwrap_or(numerics.accumulate);
                }
                "algebra" => {
                    let names: Vec<&str> = Algebra::NAMES.iter().map(|(name, _)| *name).collect();
                    let chosen = self.choice(key, value, Algebra::from_name, &names);
                    numerics.algebra = chosen.unwrap_or(numerics.algebra);
                }
                "products" => {
                    let names: Vec<&str> = Products::NAMES.iter().map(|(name, _)| *name).collect();
                    let chosen = self.choice(key, value, Products::from_name, &names);
                    numerics.products = chosen.unwrap_or(numerics.products);
                }
                _ => {
                    let message = format!("`numerics` has no setting `{}`", key.text);
                    let known = ["sum", "accumulate", "algebra", "products"];
                    let help = match suggest(&key.text, known) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => "the settings are `sum`, `accumulate`, `algebra` and `products`".to_owned(),
                    };
                    self.diagnostics.push(Diagnostic::error(Code::UnknownSetting, key.span, message).with_help(help));
                }
            }
        }
        numerics
    }

    /// The numerics of an output: its own, on top of the file's, below the caller's.
    pub fn output_numerics(&mut self, settings: &[Setting]) -> Numerics {
        self.check_given_once(&settings.iter().collect::<Vec<_>>());
        let numerics = self.numerics(settings, self.numerics);
        Numerics {
            sum: self.options.sum.unwrap_or(numerics.sum),
            accumulate: self.options.accumulate.unwrap_or(numerics.accumulate),
            algebra: self.options.algebra.unwrap_or(numerics.algebra),
            products: self.options.products.unwrap_or(numerics.products),
        }
    }

    /// Refuses accumulators that an entry cannot have; `own` are the settings that stand beside its output.
    pub fn check_numerics(&mut self, name: &Name, entry: &Entry, own: &[Setting]) -> Result<(), Reported> {
        let computing = self.program.computing_type(entry);
        let asked = entry.numerics.accumulators(computing);
        if asked == computing || asked == ScalarType::F64 {
            return Ok(());
        }
        let (asked, computing) = (asked.name(), computing.name());
        let message = format!("what is computed in {computing} is not accumulated in {asked}, which has fewer digits");
        let help = format!(
            "leave `accumulate` away, or store the inputs and results of the output `{}` in {asked}, so that it is computed in {asked}",
            name.text
        );
        self.report(self.about_setting(message, name, own, "accumulate").with_help(help))
    }

    /// An error at an output that points to the setting which asks for too much, if that stands in the file.
    fn about_setting(&self, message: String, name: &Name, own: &[Setting], key: &str) -> Diagnostic {
        let diagnostic = Diagnostic::error(Code::UnsupportedNumerics, name.span, message);
        let mut settings = own.iter().rev().chain(self.file_numerics.iter().rev().copied());
        match settings.find(|setting| setting.key.text == key) {
            Some(setting) => diagnostic.with_label(setting.value.span, "asked for here"),
            None => diagnostic,
        }
    }

    /// What a setting is set to; `names` are what it can be set to.
    fn choice<T>(&mut self, key: &Name, value: &Name, find: impl Fn(&str) -> Option<T>, names: &[&str]) -> Option<T> {
        let found = find(&value.text);
        if found.is_none() {
            let message = format!("`{}` cannot be `{}`", key.text, value.text);
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let help = format!("choose one of {}", names.join(", "));
            self.diagnostics.push(Diagnostic::error(Code::UnknownSetting, value.span, message).with_help(help));
        }
        found
    }
}

/// What `accumulate` is set to: the computing type itself (`auto`) or a type that can be computed in.
#[allow(
    clippy::option_option,
    reason = "the outer option says that there is no such choice, the inner one that the choice is left to the compiler"
)]
fn accumulator(text: &str) -> Option<Option<ScalarType>> {
    if text == "auto" {
        return Some(None);
    }
    ScalarType::from_name(text).filter(|scalar| scalar.computing() == *scalar).map(Some)
}
