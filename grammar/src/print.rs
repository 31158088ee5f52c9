//! Syntax tree into text, with the brackets that it needs and no others: `parse(print(x)) == x`.
//!
//! Literals are printed as the tokens they come from; a negative literal, which no parser makes, prints as `-3`.

use std::fmt::{self, Display, Formatter, Write};

use crate::syntax::{
    BinaryOperator, Expr, ExprKind, File, Keyword, Library, Name, Output, Setting, Statement, StatementKind,
    UnaryOperator,
};

/// A file's text in canonical spelling, one statement a line.
pub fn print_file(file: &File) -> String {
    file.statements.iter().fold(String::new(), |mut text, statement| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{statement}");
        text
    })
}

/// An expression's text in canonical spelling, on one line.
pub fn print_expression(expr: &Expr) -> String {
    expr.to_string()
}

/// How tightly an expression holds together, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Comparison,
    Bar,
    Sum,
    Product,
    Unary,
    Power,
    Postfix,
}

/// An operator's spelling, how tightly it binds, and how tightly its operands must.
fn spelling(operator: BinaryOperator) -> (&'static str, Binding, Binding, Binding) {
    use Binding::*;
    match operator {
        BinaryOperator::Less => (" < ", Comparison, Bar, Bar),
        BinaryOperator::LessEqual => (" <= ", Comparison, Bar, Bar),
        BinaryOperator::Greater => (" > ", Comparison, Bar, Bar),
        BinaryOperator::GreaterEqual => (" >= ", Comparison, Bar, Bar),
        BinaryOperator::Equal => (" == ", Comparison, Bar, Bar),
        BinaryOperator::NotEqual => (" != ", Comparison, Bar, Bar),
        BinaryOperator::Bar => (" | ", Bar, Bar, Sum),
        BinaryOperator::Add => (" + ", Sum, Sum, Product),
        BinaryOperator::Subtract => (" - ", Sum, Sum, Product),
        BinaryOperator::Multiply => (" * ", Product, Product, Unary),
        BinaryOperator::Divide => (" / ", Product, Product, Unary),
        BinaryOperator::Remainder => (" % ", Product, Product, Unary),
        BinaryOperator::Power => ("**", Power, Postfix, Unary),
    }
}

fn binding(expr: &Expr) -> Binding {
    match &expr.kind {
        ExprKind::Binary(operator, ..) => spelling(*operator).1,
        ExprKind::Unary(..) => Binding::Unary,
        ExprKind::Integer(value) if *value < 0 => Binding::Unary,
        ExprKind::Float(value) if value.is_sign_negative() => Binding::Unary,
        _ => Binding::Postfix,
    }
}

/// An operand: in brackets if it holds together less tightly than its place asks for.
struct Operand<'a>(&'a Expr, Binding);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match binding(self.0) >= self.1 {
            true => write!(f, "{}", self.0),
            false => write!(f, "({})", self.0),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Integer(value) => write!(f, "{value}"),
            ExprKind::Float(value) => write!(f, "{value:?}"),
            ExprKind::Name(name) => f.write_str(name),
            ExprKind::Unary(UnaryOperator::Minus, operand) => {
                write!(f, "-{}", Operand(operand, Binding::Unary))
            }
            ExprKind::Unary(UnaryOperator::Plus, operand) => {
                write!(f, "+{}", Operand(operand, Binding::Unary))
            }
            ExprKind::Binary(operator, left, right) => {
                let (symbol, _, left_binding, right_binding) = spelling(*operator);
                write!(f, "{}{symbol}{}", Operand(left, left_binding), Operand(right, right_binding))
            }
            ExprKind::Call { function, arguments, keywords } => {
                write!(f, "{function}({})", Arguments(arguments, keywords))
            }
            ExprKind::Reduce { function, index, options, arguments, keywords } => {
                write!(f, "{function}[{index}")?;
                options.iter().try_for_each(|option| write!(f, ", {option}"))?;
                write!(f, "]({})", Arguments(arguments, keywords))
            }
            ExprKind::Index(base, index) => {
                write!(f, "{}[{index}]", Operand(base, Binding::Postfix))
            }
            ExprKind::Slice(base, from, to) => {
                let [from, to] =
                    [from, to].map(|bound| bound.as_ref().map_or(String::new(), |bound| bound.to_string()));
                write!(f, "{}[{from}:{to}]", Operand(base, Binding::Postfix))
            }
            ExprKind::List(items) => write!(f, "[{}]", Arguments(items, &[])),
        }
    }
}

/// Arguments with commas between them, without the brackets.
struct Arguments<'a>(&'a [Expr], &'a [Keyword]);

impl Display for Arguments<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let positional = self.0.iter().map(|argument| argument as &dyn Display);
        write_list(f, positional.chain(self.1.iter().map(|keyword| keyword as &dyn Display)))
    }
}

impl Display for Keyword {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StatementKind::Dim { name, value } => write!(f, "dim {name} = {value}"),
            StatementKind::Definition { name, parameters, body } => {
                write!(f, "def {name}(")?;
                write_list(f, parameters.iter().map(|parameter| parameter as &dyn Display))?;
                write!(f, ") = {body}")
            }
            StatementKind::Binding { name, value } => write!(f, "{name} = {value}"),
            StatementKind::Output(output) => write!(f, "{output}"),
            StatementKind::Fused { name, outputs } => {
                writeln!(f, "fused {name} {{")?;
                outputs.iter().try_for_each(|output| writeln!(f, "  {output}"))?;
                f.write_str("}")
            }
            StatementKind::Use { library, .. } => write!(f, "use {library}"),
            StatementKind::Dtype(name) => write!(f, "dtype {name}"),
            StatementKind::Numerics(settings) => write!(f, "{}", Numerics(settings)),
        }
    }
}

impl Display for Library {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Library::Known(name) => write!(f, "{name}"),
            Library::Path { text, .. } if text.contains('"') => write!(f, "'{text}'"),
            Library::Path { text, .. } => write!(f, "\"{text}\""),
        }
    }
}

impl Display for Output {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "out {} = {}", self.name, self.value)?;
        match self.numerics.is_empty() {
            true => Ok(()),
            false => write!(f, " {}", Numerics(&self.numerics)),
        }
    }
}

/// `numerics sum = kahan, …`
struct Numerics<'a>(&'a [Setting]);

impl Display for Numerics<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("numerics ")?;
        write_list(f, self.0.iter().map(|setting| setting as &dyn Display))
    }
}

impl Display for Setting {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, self.value)
    }
}

fn write_list<'a>(f: &mut Formatter<'_>, items: impl Iterator<Item = &'a dyn Display>) -> fmt::Result {
    for (position, item) in items.enumerate() {
        let comma = if position == 0 { "" } else { ", " };
        write!(f, "{comma}{item}")?;
    }
    Ok(())
}
