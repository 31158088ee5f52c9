//! Signatures: `Extract(f: n, start: int(0, n - 1), d: int(1, n - start)) -> d`.
//!
//! * `f: PATTERN` is a formula argument. A pattern is an integer expression in letters; `n|1` takes a scalar, too, which broadcasts,
//!   and `2*n|2` a single complex number, which stands for all `n`.
//! * `f: PATTERN = 1` may be left out, and is then that constant, of dimension 1.
//! * `d: int`, `d: int(low)`, `d: int(low, high)`, `d: nonzero` is an integer parameter with its range.
//! * `d: list` is a list of integers, `d: list = []` one that may be left out. Among the parameters of a call it is its length, followed
//!   by its items, so that parameters are plain integers everywhere else.
//! * `nu: half(1, 15)` is a parameter that counts halves and is odd: 1/2, 3/2, … 15/2. Its value is the integer 1, 3, … 15.
//! * A call has arguments and parameters in the order of the signature; everywhere else the arguments come first.
//! * After the arrow stand the results, one or several, each a dimension or the extents of a row: `[K, n]`.
//!
//! [`Signature::bind`] finds the letters' values for given dimensions: a bare letter, or a product or sum with one unknown.

use keopsc_grammar::parse_expression;
use keopsc_grammar::syntax::{Expr, ExprKind};

use crate::integers::{Integers, evaluate_integer};
use crate::shape_error::{ShapeError, halves};

/// How many components a value may have.
pub const MAXIMUM_DIM: u32 = 1 << 24;

/// The form of a row's arguments and results.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The row's name.
    pub name: &'static str,
    /// The signature as written.
    pub text: &'static str,
    /// The formula arguments.
    pub arguments: Vec<Argument>,
    /// The integer parameters.
    pub parameters: Vec<ParameterSpec>,
    /// Both, in the order in which a call has them.
    pub places: Vec<Place>,
    /// The extents of a row of each result.
    pub results: Vec<Vec<Expr>>,
}

/// What stands in one place of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The formula argument of that number.
    Argument(usize),
    /// The parameter of that number.
    Parameter(usize),
}

/// A formula argument.
#[derive(Clone, Debug)]
pub struct Argument {
    /// Its name in the row.
    pub name: String,
    /// Its dimension.
    pub pattern: Pattern,
    /// The constant that it is where it is left out.
    pub default: Option<f64>,
}

/// What the dimension of an argument has to be.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// As written.
    pub text: String,
    /// The dimension, an expression in letters.
    pub dim: Expr,
    /// How many components may stand for all `dim`, repeated: 1 for a scalar that broadcasts, 2 for a complex number, 0 where none may.
    pub repeats: u32,
}

impl Pattern {
    /// Whether an argument of that dimension is repeated where the pattern asks for more.
    pub fn is_repeated(&self, dim: u32) -> bool {
        self.repeats > 0 && dim == self.repeats
    }
}

/// An integer parameter.
#[derive(Clone, Debug)]
pub struct ParameterSpec {
    /// Its name in the row.
    pub name: String,
    /// Its smallest value.
    pub low: Option<Expr>,
    /// Its largest value.
    pub high: Option<Expr>,
    /// Which integers between them.
    pub numbers: Numbers,
    /// Whether it may be left out: a list that is then empty.
    pub is_optional: bool,
}

/// Which integers a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// All.
    Integers,
    /// All but 0.
    Nonzero,
    /// The odd ones, as numbers of halves: 5 stands for 5/2.
    Halves,
    /// Any number of them: a list.
    List,
}

impl ParameterSpec {
    /// Whether it is a list of integers.
    pub fn is_list(&self) -> bool {
        self.numbers == Numbers::List
    }

    /// The values that a parameter which counts halves may have, in words.
    pub fn halves_in_words(&self) -> String {
        let bound = |expr: &Option<Expr>| expr.as_ref().and_then(|expr| evaluate_integer(expr, &Integers::default()));
        halves(bound(&self.low), bound(&self.high))
    }
}

impl Signature {
    /// Reads a signature. Rows are the compiler's own text, so this is exercised by the tests, not by users' input.
    pub(crate) fn parse(name: &'static str, text: &'static str) -> Result<Signature, String> {
        let (call, results) = text.split_once("->").ok_or("`->` is missing")?;
        let inside = call.trim().strip_prefix(name).and_then(|rest| rest.trim().strip_prefix('('));
        let inside = inside.and_then(|rest| rest.strip_suffix(')')).ok_or("`Name(…)` is expected before `->`")?;
        let (arguments, parameters, places) = (Vec::new(), Vec::new(), Vec::new());
        let mut signature = Signature { name, text, arguments, parameters, places, results: Vec::new() };
        for item in split_at_commas(inside) {
            signature.add_item(item)?;
        }
        for result in split_at_commas(results) {
            let extents = match parse_text(result)? {
                Expr { kind: ExprKind::List(extents), .. } => extents,
                dim => vec![dim],
            };
            signature.results.push(extents);
        }
        Ok(signature)
    }

    fn add_item(&mut self, item: &str) -> Result<(), String> {
        let (name, form) = item.split_once(':').ok_or_else(|| format!("`{item}` has no `:`"))?;
        let name = name.trim().to_owned();
        if let "list" | "list = []" = form.trim() {
            let is_optional = form.trim() != "list";
            let (low, high, numbers) = (None, None, Numbers::List);
            self.places.push(Place::Parameter(self.parameters.len()));
            self.parameters.push(ParameterSpec { name, low, high, numbers, is_optional });
            return Ok(());
        }
        let (form, default) = match form.split_once('=') {
            Some((form, default)) => (form.trim(), Some(default.trim().parse::<f64>().map_err(|e| e.to_string())?)),
            None => (form.trim(), None),
        };
        let written = parse_text(form)?;
        if let Some((bounds, numbers)) = parameter_form(&written) {
            let mut bounds = bounds.iter().cloned();
            let (low, high, is_optional) = (bounds.next(), bounds.next(), false);
            self.places.push(Place::Parameter(self.parameters.len()));
            self.parameters.push(ParameterSpec { name, low, high, numbers, is_optional });
            return Ok(());
        }
        let (dim, repeats) = match form.split_once('|') {
            Some((dim, repeats)) => (parse_text(dim)?, repeats.parse::<u32>().map_err(|error| error.to_string())?),
            None => (written, 0),
        };
        self.places.push(Place::Argument(self.arguments.len()));
        self.arguments.push(Argument { name, pattern: Pattern { text: form.to_owned(), dim, repeats }, default });
        Ok(())
    }

    /// The names of arguments and parameters, in the order in which a call has them.
    pub fn names_in_calls(&self) -> Vec<&str> {
        let name = |place: &Place| match *place {
            Place::Argument(number) => self.arguments[number].name.as_str(),
            Place::Parameter(number) => self.parameters[number].name.as_str(),
        };
        self.places.iter().map(name).collect()
    }

    /// What a call has, as formula arguments and parameters. Where it has fewer than it has places, lists that may be left out are missing,
    /// or else the last arguments.
    pub fn sort_call<T>(&self, given: Vec<T>) -> (Vec<T>, Vec<T>) {
        let optional = self.parameters.iter().filter(|spec| spec.is_optional).count();
        let left_out = self.places.len().saturating_sub(given.len() + optional);
        let kept = self.arguments.len().saturating_sub(left_out);
        let mut sorted = (Vec::with_capacity(kept), Vec::with_capacity(self.parameters.len()));
        let mut places =
            self.places.iter().filter(|place| !matches!(place, Place::Argument(number) if *number >= kept));
        for item in given {
            match places.next() {
                Some(Place::Argument(_)) => sorted.0.push(item),
                Some(Place::Parameter(_)) | None => sorted.1.push(item),
            }
        }
        sorted
    }

    /// How many arguments and parameters a call has at least.
    pub fn required_in_calls(&self) -> usize {
        self.required_arguments() + self.parameters.iter().filter(|spec| !spec.is_optional).count()
    }

    /// How many formula arguments cannot be left out.
    pub fn required_arguments(&self) -> usize {
        self.arguments.iter().filter(|argument| argument.default.is_none()).count()
    }

    /// Whether a parameter is a list.
    pub fn takes_lists(&self) -> bool {
        self.parameters.iter().any(|spec| spec.is_list())
    }

    /// The values of each parameter among those of a call: one, or the items of a list; `None` if there are too few or too many.
    pub fn split_parameters<'p>(&self, mut parameters: &'p [i64]) -> Option<Vec<&'p [i64]>> {
        let mut split = Vec::with_capacity(self.parameters.len());
        for spec in &self.parameters {
            let values = if !spec.is_list() {
                parameters.split_off(..1)?
            } else if parameters.is_empty() && spec.is_optional {
                parameters
            } else {
                let length = parameters.split_off_first()?;
                parameters.split_off(..usize::try_from(*length).ok()?)?
            };
            split.push(values);
        }
        parameters.is_empty().then_some(split)
    }

    /// The values of letters and parameters for arguments of these dimensions; left-out arguments count as scalars.
    pub fn bind(&self, dims: &[u32], parameters: &[i64]) -> Result<Integers, ShapeError> {
        let parameters = self.check_counts(dims, parameters)?;
        let mut integers = Integers::default();
        for (spec, value) in self.numbers(&parameters) {
            integers.set(&spec.name, value);
        }
        let dims: Vec<u32> = (0..self.arguments.len()).map(|p| dims.get(p).copied().unwrap_or(1)).collect();
        self.find_letters(&dims, &mut integers)?;
        let fits = |(argument, dim): (&Argument, &u32)| {
            let expected = evaluate_integer(&argument.pattern.dim, &integers);
            *dim > 0 && (expected == Some(i64::from(*dim)) || argument.pattern.is_repeated(*dim))
        };
        if !self.arguments.iter().zip(&dims).all(fits) {
            return Err(self.conflict(&dims));
        }
        self.check_parameters(&parameters, &integers)?;
        Ok(integers)
    }

    /// The parameters that are no lists, with their values.
    fn numbers<'s>(&'s self, parameters: &'s [&[i64]]) -> impl Iterator<Item = (&'s ParameterSpec, i64)> {
        let pairs = self.parameters.iter().zip(parameters).filter(|(spec, _)| !spec.is_list());
        pairs.filter_map(|(spec, values)| values.first().map(|value| (spec, *value)))
    }

    /// The extents of a row of each result.
    pub fn shapes(&self, integers: &Integers) -> Result<Vec<Vec<u32>>, ShapeError> {
        self.results.iter().map(|extents| self.shape(extents, integers)).collect()
    }

    fn shape(&self, extents: &[Expr], integers: &Integers) -> Result<Vec<u32>, ShapeError> {
        let too_large = || ShapeError::TooLarge { function: self.name, limit: MAXIMUM_DIM };
        let mut dim = 1u64;
        let mut shape = Vec::with_capacity(extents.len());
        for extent in extents {
            let extent = evaluate_integer(extent, integers).and_then(|extent| u32::try_from(extent).ok());
            let extent = extent.filter(|extent| (1..=MAXIMUM_DIM).contains(extent)).ok_or_else(too_large)?;
            dim *= u64::from(extent);
            if dim > u64::from(MAXIMUM_DIM) {
                return Err(too_large());
            }
            shape.push(extent);
        }
        Ok(shape)
    }

    fn check_counts<'p>(&self, dims: &[u32], parameters: &'p [i64]) -> Result<Vec<&'p [i64]>, ShapeError> {
        if (self.required_arguments()..=self.arguments.len()).contains(&dims.len())
            && let Some(split) = self.split_parameters(parameters)
        {
            return Ok(split);
        }
        Err(ShapeError::ArgumentCount {
            function: self.name,
            signature: self.text,
            arguments: dims.len(),
            parameters: parameters.len(),
        })
    }

    /// Patterns with one unknown letter give it its value; what may be repeated counts only where nothing else is left.
    fn find_letters(&self, dims: &[u32], integers: &mut Integers) -> Result<(), ShapeError> {
        let mut open: Vec<usize> = (0..self.arguments.len()).collect();
        let mut scalars_count = false;
        while !open.is_empty() {
            let before = open.len();
            open.retain(|&position| {
                let pattern = &self.arguments[position].pattern;
                let waits = pattern.is_repeated(dims[position]) && !scalars_count;
                let known = evaluate_integer(&pattern.dim, integers).is_some();
                !known && (waits || !solve(&pattern.dim, dims[position].into(), integers))
            });
            if open.len() == before {
                if scalars_count {
                    return Err(self.conflict(dims));
                }
                scalars_count = true;
            }
        }
        Ok(())
    }

    fn check_parameters(&self, parameters: &[&[i64]], integers: &Integers) -> Result<(), ShapeError> {
        for (spec, value) in self.numbers(parameters) {
            let bound = |expr: &Option<Expr>| expr.as_ref().and_then(|expr| evaluate_integer(expr, integers));
            let (low, high) = (bound(&spec.low), bound(&spec.high));
            let inside = low.is_none_or(|low| low <= value) && high.is_none_or(|high| value <= high);
            let fits = match spec.numbers {
                Numbers::Integers | Numbers::List => true,
                Numbers::Nonzero => value != 0,
                Numbers::Halves => value % 2 != 0,
            };
            if !inside || !fits {
                let (parameter, numbers) = (spec.name.clone(), spec.numbers);
                return Err(ShapeError::Parameter { function: self.name, parameter, value, low, high, numbers });
            }
        }
        Ok(())
    }

    pub(crate) fn conflict(&self, dims: &[u32]) -> ShapeError {
        let given = self.arguments.iter().zip(dims);
        ShapeError::DimensionConflict {
            function: self.name,
            signature: self.text,
            given: given.map(|(argument, dim)| (argument.name.clone(), argument.pattern.text.clone(), *dim)).collect(),
        }
    }
}

/// The bounds of `int(low, high)`, and which integers it means; `None` for the pattern of a formula argument.
fn parameter_form(written: &Expr) -> Option<(&[Expr], Numbers)> {
    match &written.kind {
        ExprKind::Name(name) if name == "int" => Some((&[], Numbers::Integers)),
        ExprKind::Name(name) if name == "nonzero" => Some((&[], Numbers::Nonzero)),
        ExprKind::Call { function, arguments, .. } if function.text == "int" => Some((arguments, Numbers::Integers)),
        ExprKind::Call { function, arguments, .. } if function.text == "half" => Some((arguments, Numbers::Halves)),
        _ => None,
    }
}

/// Gives the one unknown letter of `pattern` the value with which the pattern is `value`; false where there is none.
fn solve(pattern: &Expr, value: i64, integers: &mut Integers) -> bool {
    use keopsc_grammar::syntax::BinaryOperator::{Add, Multiply};
    match &pattern.kind {
        ExprKind::Name(name) => {
            integers.set(name, value);
            true
        }
        ExprKind::Binary(operator @ (Add | Multiply), left, right) => {
            let (unknown, known) = match (evaluate_integer(left, integers), evaluate_integer(right, integers)) {
                (None, Some(known)) => (left, known),
                (Some(known), None) => (right, known),
                _ => return false,
            };
            let rest = match operator {
                Add => value.checked_sub(known),
                _ if value.checked_rem(known) == Some(0) => value.checked_div(known),
                _ => None,
            };
            rest.is_some_and(|rest| rest >= 1 && solve(unknown, rest, integers))
        }
        _ => false,
    }
}

fn parse_text(text: &str) -> Result<Expr, String> {
    parse_expression(text).map_err(|error| format!("`{text}`: {}", error.message))
}

/// The items of a list, which may contain commas inside brackets.
fn split_at_commas(text: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (position, character) in text.char_indices() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                items.push(text[start..position].trim());
                start = position + 1;
            }
            _ => {}
        }
    }
    items.push(text[start..].trim());
    items.retain(|item| !item.is_empty());
    items
}
