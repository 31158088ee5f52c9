//! What the text forms of both representations have in common: a reader of lines, numbers that round-trip, names of types.

use std::fmt;
use std::str::FromStr;

use crate::types::{Algebra, Axis, Numerics, Products, Role, ScalarType, SumScheme};

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What was expected or is wrong.
    pub message: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ReadError {}

/// Whether a name can be printed and read back.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_') && bytes.all(is_word_byte)
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The shortest decimal that reads back to the same bits.
pub(crate) fn print_float(value: f64) -> String {
    if value.is_nan() && value.to_bits() != f64::NAN.to_bits() {
        return format!("nan#{:x}", value.to_bits());
    }
    let text = format!("{value:?}").to_lowercase();
    text.strip_suffix(".0").map_or(text.clone(), str::to_string)
}

/// ` x, y, z` joined by commas.
pub(crate) fn print_list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// `; sum = kahan, accumulate = f64, algebra = fast, products = tf32`, or nothing for the default.
pub(crate) fn print_numerics(numerics: &Numerics) -> String {
    let scheme = Some(numerics.sum).filter(|scheme| *scheme != SumScheme::Auto);
    let mut settings: Vec<String> = scheme.iter().map(|scheme| format!("sum = {}", scheme.name())).collect();
    settings.extend(numerics.accumulate.map(|scalar| format!("accumulate = {}", scalar.name())));
    let algebra = Some(numerics.algebra).filter(|algebra| *algebra != Algebra::Exact);
    settings.extend(algebra.map(|algebra| format!("algebra = {}", algebra.name())));
    let products = Some(numerics.products).filter(|products| *products != Products::Auto);
    settings.extend(products.map(|products| format!("products = {}", products.name())));
    if settings.is_empty() { String::new() } else { format!("; {}", settings.join(", ")) }
}

const SUM_SCHEMES: [SumScheme; 4] = [SumScheme::Auto, SumScheme::Direct, SumScheme::Block, SumScheme::Kahan];
const ALGEBRAS: [Algebra; 2] = [Algebra::Exact, Algebra::Fast];
const PRODUCTS: [Products; 3] = [Products::Auto, Products::Tf32, Products::Bf16];
const SCALAR_TYPES: [ScalarType; 7] = [
    ScalarType::F16,
    ScalarType::BF16,
    ScalarType::F32,
    ScalarType::F64,
    ScalarType::I64,
    ScalarType::C64,
    ScalarType::C128,
];
const ROLES: [Role; 4] = [Role::Parameter, Role::I, Role::J, Role::Pair];
const AXES: [Axis; 2] = [Axis::I, Axis::J];

/// Reads one line from left to right, blanks skipped.
#[derive(Clone)]
pub(crate) struct Reader<'t> {
    line: usize,
    text: &'t str,
    rest: &'t str,
}

/// Readers for the lines that are not empty and no comments, which begin with `#`.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Reader<'_>> {
    let readers =
        text.lines().enumerate().map(|(number, text)| Reader { line: number + 1, text, rest: text.trim_start() });
    readers.filter(|reader| !reader.rest.is_empty() && !reader.rest.starts_with('#'))
}

impl<'t> Reader<'t> {
    /// An error at this place.
    pub(crate) fn error<T>(&self, message: impl Into<String>) -> Result<T, ReadError> {
        let column = self.text.len() - self.rest.len() + 1;
        Err(ReadError { line: self.line, column, message: message.into() })
    }

    /// Whether this punctuation comes next; it is read if so.
    pub(crate) fn try_symbol(&mut self, symbol: &str) -> bool {
        self.rest.strip_prefix(symbol).inspect(|rest| self.rest = rest.trim_start()).is_some()
    }

    /// This punctuation.
    pub(crate) fn symbol(&mut self, symbol: &str) -> Result<(), ReadError> {
        if self.try_symbol(symbol) { Ok(()) } else { self.error(format!("expected `{symbol}`")) }
    }

    /// The identifier or digits that come next, not read; empty if neither.
    pub(crate) fn peek_word(&self) -> &'t str {
        let end = self.rest.bytes().position(|byte| !is_word_byte(byte)).unwrap_or(self.rest.len());
        &self.rest[..end]
    }

    /// Whether this word comes next; it is read if so.
    pub(crate) fn try_keyword(&mut self, keyword: &str) -> bool {
        self.peek_word() == keyword && self.try_symbol(keyword)
    }

    /// This word.
    pub(crate) fn keyword(&mut self, keyword: &str) -> Result<(), ReadError> {
        if self.try_keyword(keyword) { Ok(()) } else { self.error(format!("expected `{keyword}`")) }
    }

    /// An identifier.
    pub(crate) fn identifier(&mut self) -> Result<&'t str, ReadError> {
        let word = self.peek_word();
        if !is_identifier(word) {
            return self.error("expected a name");
        }
        self.try_symbol(word);
        Ok(word)
    }

    /// A letter with a number: `n12` for `numbered("n")`.
    pub(crate) fn numbered(&mut self, letter: &str) -> Result<u32, ReadError> {
        let word = self.peek_word();
        let number = word.strip_prefix(letter).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        match number.and_then(|digits| digits.parse().ok()) {
            Some(number) => {
                self.try_symbol(word);
                Ok(number)
            }
            None => self.error(format!("expected `{letter}` and a number")),
        }
    }

    /// Whether a number comes next, its sign included.
    pub(crate) fn at_number(&self) -> bool {
        let unsigned = self.rest.strip_prefix('-').unwrap_or(self.rest);
        unsigned.starts_with(|first: char| first.is_ascii_digit())
            || ["inf", "nan"].contains(&Reader { rest: unsigned, ..self.clone() }.peek_word())
    }

    /// An integer.
    pub(crate) fn integer<T: FromStr>(&mut self) -> Result<T, ReadError> {
        let sign = usize::from(self.rest.starts_with('-'));
        let digits = self.rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let (text, rest) = self.rest.split_at(sign + digits);
        match text.parse() {
            Ok(value) => {
                self.rest = rest.trim_start();
                Ok(value)
            }
            Err(_) => self.error("expected an integer that fits"),
        }
    }

    /// A number as [`print_float`] writes it.
    pub(crate) fn float(&mut self) -> Result<f64, ReadError> {
        let bytes = self.rest.as_bytes();
        let exponent_sign = |at: usize| b"+-".contains(&bytes[at]) && (at == 0 || b"eE".contains(&bytes[at - 1]));
        let is_part = |at: &usize| is_word_byte(bytes[*at]) || b".#".contains(&bytes[*at]) || exponent_sign(*at);
        let (text, rest) = self.rest.split_at((0..bytes.len()).take_while(is_part).count());
        let value = match text.strip_prefix("nan#") {
            Some(bits) => u64::from_str_radix(bits, 16).ok().map(f64::from_bits),
            None => text.parse().ok(),
        };
        match value {
            Some(value) => {
                self.rest = rest.trim_start();
                Ok(value)
            }
            None => self.error("expected a number"),
        }
    }

    /// One of these, by name.
    fn choice<T: Copy>(&mut self, what: &str, choices: &[T], name: impl Fn(T) -> String) -> Result<T, ReadError> {
        let word = self.peek_word();
        match choices.iter().find(|&&choice| name(choice) == word) {
            Some(&choice) => {
                self.try_symbol(word);
                Ok(choice)
            }
            None => self.error(format!("expected {what}: {}", print_list(choices.iter().map(|&choice| name(choice))))),
        }
    }

    /// `p`, `i`, `j` or `ij`.
    pub(crate) fn role(&mut self) -> Result<Role, ReadError> {
        self.choice("a role", &ROLES, |role| role.to_string())
    }

    /// `i` or `j`.
    pub(crate) fn axis(&mut self) -> Result<Axis, ReadError> {
        self.choice("an index", &AXES, |axis| axis.to_string())
    }

    /// `f32` and so on.
    pub(crate) fn scalar_type(&mut self) -> Result<ScalarType, ReadError> {
        self.choice("a type", &SCALAR_TYPES, |scalar| scalar.name().to_string())
    }

    /// What [`print_numerics`] writes.
    pub(crate) fn numerics(&mut self) -> Result<Numerics, ReadError> {
        let mut numerics = Numerics::default();
        let mut more = self.try_symbol(";");
        while more {
            if self.try_keyword("sum") {
                self.symbol("=")?;
                numerics.sum = self.choice("a scheme", &SUM_SCHEMES, |scheme| scheme.name().to_string())?;
            } else if self.try_keyword("algebra") {
                self.symbol("=")?;
                numerics.algebra = self.choice("a choice", &ALGEBRAS, |algebra| algebra.name().to_string())?;
            } else if self.try_keyword("products") {
                self.symbol("=")?;
                numerics.products = self.choice("a choice", &PRODUCTS, |products| products.name().to_string())?;
            } else {
                self.keyword("accumulate")?;
                self.symbol("=")?;
                numerics.accumulate = Some(self.scalar_type()?);
            }
            more = self.try_symbol(",");
        }
        Ok(numerics)
    }

    /// Items between commas up to `close`, which is read too.
    pub(crate) fn list<T>(
        &mut self,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let mut items = Vec::new();
        if self.try_symbol(close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.try_symbol(close) {
                return Ok(items);
            }
            self.symbol(",")?;
        }
    }

    /// The end of the line.
    pub(crate) fn end(&self) -> Result<(), ReadError> {
        if self.rest.is_empty() { Ok(()) } else { self.error("expected the end of the line") }
    }
}
