//! Syntax tree → formula graph: names, dimensions and roles are known afterwards, macros and expansions are gone.
//!
//! ```text
//! x = Vi(3); y = Vj(3)                         n0: i[3] = x    n1: j[3] = y
//! out d = Sum[j](SqDist(x, y))          =>     n2: ij[1] = SqDist(n0, n1)    n3: i[1] = Sum[j](n2)
//! ```
//!
//! Invariant: every mistake of a file is reported, once, at its place. Nothing in a formula is executed.

mod calls;
mod declarations;
mod derivatives;
mod describe;
mod entries;
mod expressions;
mod problems;
mod reductions;
mod reserved;
mod scatter;
mod scope;
mod settings;
mod used;

use keopsc_diagnostics::Diagnostic;
use keopsc_grammar::syntax::File;
use keopsc_ir::formula::Program;
use keopsc_ir::types::{Algebra, Products, ScalarType, SumScheme};

pub(crate) use entries::is_input;
use scope::Resolver;

/// What a caller sets from outside; it prevails over the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Values of dimensions that the file declares with `dim`.
    pub dims: Vec<(String, i64)>,
    /// The storage type.
    pub dtype: Option<ScalarType>,
    /// How sums are accumulated.
    pub sum: Option<SumScheme>,
    /// The accumulators' type, or that it is the computing type.
    pub accumulate: Option<Option<ScalarType>>,
    /// Which laws simplification may apply.
    pub algebra: Option<Algebra>,
    /// How exact the numbers are that are multiplied in sums of many products.
    pub products: Option<Products>,
    /// The functions that are wanted, all of them if none is named.
    pub only: Vec<String>,
}

/// Resolves a file. There is no program if there is an error among the diagnostics; else they are warnings.
pub fn resolve(file: &File, options: &Options) -> (Option<Program>, Vec<Diagnostic>) {
    let mut resolver = Resolver::new(options);
    resolver.read_used_files(&file.used);
    resolver.read_settings(file);
    resolver.declare_dims(file);
    resolver.declare_inputs(file);
    resolver.read_statements(file);
    resolver.keep_wanted_entries();
    resolver.finish(file)
}
