//! Random syntax trees for property tests and fuzzing: any tree that the parser can make, from a seed.

use crate::syntax::{
    BinaryOperator, Expr, ExprKind, File, Keyword, Library, Name, Output, Setting, Span, Statement, StatementKind,
    UnaryOperator,
};

/// Names to draw from; the words that start statements are names as well.
const NAMES: &[&str] = &[
    "x", "y", "b_1", "_", "K", "Exp", "SqDist", "Sum", "i", "j", "out", "dim", "def", "fused", "use", "dtype",
    "numerics",
];

/// Paths to draw from.
const PATHS: &[&str] = &["a.kf", "", "../my defs/σ.kf", "it's.kf", "a\"b.kf", "#;("];

/// A random file of up to eight statements.
pub fn random_file(seed: u64) -> File {
    let mut random = Random(seed);
    let count = random.below(9);
    File { statements: random.many(count, Random::statement), used: Vec::new() }
}

/// A random expression of at most `levels` levels.
pub fn random_expression(seed: u64, levels: u32) -> Expr {
    Random(seed).expression(levels)
}

/// The splitmix64 generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn many<T>(&mut self, count: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..count).map(|_| make(self)).collect()
    }

    fn up_to_three<T>(&mut self, make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.below(4);
        self.many(count, make)
    }

    fn name(&mut self) -> Name {
        Name { text: self.choose(NAMES).to_owned(), span: Span::default() }
    }

    fn statement(&mut self) -> Statement {
        let kind = match self.below(8) {
            0 => StatementKind::Dim { name: self.name(), value: self.expression(2) },
            1 => StatementKind::Definition {
                name: self.name(),
                parameters: self.up_to_three(Self::name),
                body: self.expression(4),
            },
            2 => StatementKind::Binding { name: self.name(), value: self.expression(5) },
            3 => StatementKind::Output(self.output()),
            4 => StatementKind::Fused { name: self.name(), outputs: self.up_to_three(Self::output) },
            5 => StatementKind::Dtype(self.name()),
            6 => StatementKind::Use { library: self.library(), file: None },
            _ => {
                let count = 1 + self.below(3);
                StatementKind::Numerics(self.many(count, Self::setting))
            }
        };
        Statement { kind, span: Span::default() }
    }

    fn library(&mut self) -> Library {
        match self.below(2) {
            0 => Library::Known(self.name()),
            _ => Library::Path { text: self.choose(PATHS).to_owned(), span: Span::default() },
        }
    }

    fn output(&mut self) -> Output {
        Output { name: self.name(), value: self.expression(4), numerics: self.up_to_three(Self::setting) }
    }

    fn setting(&mut self) -> Setting {
        Setting { key: self.name(), value: self.name() }
    }

    fn keyword(&mut self, levels: u32) -> Keyword {
        Keyword { name: self.name(), value: self.expression(levels) }
    }

    fn expression(&mut self, levels: u32) -> Expr {
        let kind = if levels <= 1 { self.leaf() } else { self.node(levels - 1) };
        Expr { kind, span: Span::default() }
    }

    fn leaf(&mut self) -> ExprKind {
        match self.below(4) {
            0 => ExprKind::Integer((self.next() >> (1 + self.below(63))) as i64),
            1 => ExprKind::Float(self.float()),
            _ => ExprKind::Name(self.name().text),
        }
    }

    /// Any finite number that is not negative, of any magnitude.
    fn float(&mut self) -> f64 {
        let float = f64::from_bits(self.next() >> 1);
        if float.is_finite() { float } else { 0.5 }
    }

    fn node(&mut self, levels: u32) -> ExprKind {
        match self.below(12) {
            0 => self.leaf(),
            1 | 2 => {
                let operator = self.choose(&[UnaryOperator::Minus, UnaryOperator::Plus]);
                ExprKind::Unary(operator, self.boxed(levels))
            }
            3..=6 => ExprKind::Binary(self.choose(BinaryOperator::ALL), self.boxed(levels), self.boxed(levels)),
            7 => ExprKind::Call {
                function: self.name(),
                arguments: self.up_to_three(|random| random.expression(levels)),
                keywords: self.up_to_three(|random| random.keyword(levels)),
            },
            8 => ExprKind::Reduce {
                function: self.name(),
                index: self.name(),
                options: self.up_to_three(|random| random.keyword(levels)),
                arguments: self.up_to_three(|random| random.expression(levels)),
                keywords: self.up_to_three(|random| random.keyword(levels)),
            },
            9 => ExprKind::Index(self.boxed(levels), self.boxed(levels)),
            10 => ExprKind::Slice(self.boxed(levels), self.maybe_boxed(levels), self.maybe_boxed(levels)),
            _ => ExprKind::List(self.up_to_three(|random| random.expression(levels))),
        }
    }

    fn boxed(&mut self, levels: u32) -> Box<Expr> {
        Box::new(self.expression(levels))
    }

    fn maybe_boxed(&mut self, levels: u32) -> Option<Box<Expr>> {
        (self.below(2) == 0).then(|| self.boxed(levels))
    }
}
