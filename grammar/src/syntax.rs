//! The syntax tree of a formula file: what was written, where it stood, and nothing about what it means.
//!
//! `K = Exp(-SqDist(x, y)) ; out f = Sum[j](K * b)` becomes two [`Statement`]s, a [`StatementKind::Binding`] and a
//! [`StatementKind::Output`]. No operation, reduction or variable category is known here by name: `Vi(3)`,
//! `Exp(x)` and `Grad(f, x)` are all [`ExprKind::Call`]s.

/// A half-open range of bytes in the source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// An identifier and its place.
#[derive(Clone, Debug)]
pub struct Name {
    /// The text, `[A-Za-z_][A-Za-z_0-9]*`.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A whole formula file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Statements in the order written.
    pub statements: Vec<Statement>,
    /// The files that it uses, directly or through others, once they have been read; the parser leaves that to others.
    pub used: Vec<File>,
}

/// One statement and its place.
#[derive(Clone, Debug)]
pub struct Statement {
    /// What it says.
    pub kind: StatementKind,
    /// Where it stands, from its first to its last token.
    pub span: Span,
}

/// The kinds of statement.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `dim D = 3`
    Dim {
        /// The dimension's name.
        name: Name,
        /// Its default value, an integer expression over earlier dimensions.
        value: Expr,
    },
    /// `def f(u, v) = u * v`
    Definition {
        /// The macro's name.
        name: Name,
        /// Its parameters.
        parameters: Vec<Name>,
        /// The formula that replaces a use.
        body: Expr,
    },
    /// `x = Vi(3)` or `K = Exp(-SqDist(x, y))`
    Binding {
        /// The name that is given.
        name: Name,
        /// What it stands for.
        value: Expr,
    },
    /// `out conv = Sum[j](K * b)`
    Output(Output),
    /// `fused vg { out value = … ; out score = … }`
    Fused {
        /// The name of the joint entry.
        name: Name,
        /// Its outputs, in order.
        outputs: Vec<Output>,
    },
    /// `use kernels`, `use "my/defs.kf"`
    Use {
        /// Whose definitions.
        library: Library,
        /// Which of [`File::used`] it is, once they have been read.
        file: Option<usize>,
    },
    /// `dtype f64`
    Dtype(Name),
    /// `numerics sum = kahan, accumulate = f64`
    Numerics(Vec<Setting>),
}

/// What a `use` statement names.
#[derive(Clone, Debug)]
pub enum Library {
    /// `kernels`, which the compiler has.
    Known(Name),
    /// `"my/defs.kf"`, a file.
    Path {
        /// The path, without the quotes.
        text: String,
        /// Where it stands, quotes included.
        span: Span,
    },
}

impl Library {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Library::Known(name) => name.span,
            Library::Path { span, .. } => *span,
        }
    }
}

/// `out name = value`, with its own `numerics` where written after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The output's name.
    pub name: Name,
    /// What is computed.
    pub value: Expr,
    /// `numerics …` written after the value; empty if none.
    pub numerics: Vec<Setting>,
}

/// `key = value` in a `numerics` statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// What is set.
    pub key: Name,
    /// To what.
    pub value: Name,
}

/// An expression and its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands, from its first to its last token, without enclosing parentheses.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `3`: a literal without point or exponent.
    Integer(i64),
    /// `0.5`, `1e-3`
    Float(f64),
    /// `x`
    Name(String),
    /// `-a`
    Unary(UnaryOperator, Box<Expr>),
    /// `a + b`
    Binary(BinaryOperator, Box<Expr>, Box<Expr>),
    /// `SqDist(x, y)`, `Vi(3, dtype=f16)`
    Call {
        /// The function's name.
        function: Name,
        /// Positional arguments.
        arguments: Vec<Expr>,
        /// `name = value` arguments, after the positional ones.
        keywords: Vec<Keyword>,
    },
    /// `ArgKMin[j, K=10](SqDist(x, y))`: a call with a bracket between name and arguments.
    Reduce {
        /// The reduction's name.
        function: Name,
        /// The reduced index as written: `i` or `j` (anything else is for the resolver to refuse).
        index: Name,
        /// Options in the bracket after the index.
        options: Vec<Keyword>,
        /// Positional arguments.
        arguments: Vec<Expr>,
        /// `name = value` arguments.
        keywords: Vec<Keyword>,
    },
    /// `v[2]`
    Index(Box<Expr>, Box<Expr>),
    /// `v[1:3]`, `v[:3]`, `v[1:]`
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    /// `[2, 3]` or `(2, 3)` or `()`
    List(Vec<Expr>),
}

/// `name = value` in an argument list.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyword {
    /// The keyword.
    pub name: Name,
    /// Its value.
    pub value: Expr,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOperator {
    /// `-a`
    Minus,
    /// `+a`
    Plus,
}

/// Infix operators, loosest first: comparisons, `|`, `+ -`, `* / %`, unary, `** ^`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterEqual,
    /// `a == b`
    Equal,
    /// `a != b`
    NotEqual,
    /// `a | b`, the scalar product
    Bar,
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`
    Divide,
    /// `a % b`
    Remainder,
    /// `a ** b` or `a ^ b`
    Power,
}

impl BinaryOperator {
    /// All of them.
    pub const ALL: &[BinaryOperator] = &[
        BinaryOperator::Less,
        BinaryOperator::LessEqual,
        BinaryOperator::Greater,
        BinaryOperator::GreaterEqual,
        BinaryOperator::Equal,
        BinaryOperator::NotEqual,
        BinaryOperator::Bar,
        BinaryOperator::Add,
        BinaryOperator::Subtract,
        BinaryOperator::Multiply,
        BinaryOperator::Divide,
        BinaryOperator::Remainder,
        BinaryOperator::Power,
    ];
}

// Equality of trees is equality of what was written; places do not count, so that `parse(print(x)) == x` can be asked.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl PartialEq for Library {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Library::Known(one), Library::Known(other)) => one == other,
            (Library::Path { text: one, .. }, Library::Path { text: other, .. }) => one == other,
            _ => false,
        }
    }
}
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}
impl PartialEq for Statement {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}
