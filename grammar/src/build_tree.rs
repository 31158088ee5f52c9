//! What the grammar's actions call: makes tree nodes, counts their levels, and reports what no grammar rule can.
//!
//! A node that would be the [`MAXIMUM_LEVELS`]-th level is reported and becomes a leaf, so that no deep tree ever exists.

use crate::MAXIMUM_LEVELS;
use crate::error::{SyntaxError, SyntaxErrorCode};
use crate::syntax::{BinaryOperator, Expr, ExprKind, Keyword, Name, Span, Statement, UnaryOperator};

/// An expression and the number of levels of its tree.
#[derive(Debug)]
pub struct Tree {
    /// The expression.
    pub expr: Expr,
    levels: usize,
}

/// An argument as written: positional or `name = value`.
#[derive(Debug)]
pub struct Argument {
    keyword: Option<Name>,
    value: Tree,
}

/// The arguments of a call, sorted.
pub struct Arguments {
    positional: Vec<Expr>,
    keywords: Vec<Keyword>,
    levels: usize,
}

/// What stands between two statement ends.
pub enum Line {
    /// A whole statement.
    Statement(Statement),
    /// `fused vg {`
    FusedOpens(Name, Span),
    /// `}`, and its end.
    FusedCloses(u32),
}

/// Makes nodes and collects what is wrong with them.
#[derive(Default)]
pub struct TreeBuilder {
    /// What was wrong so far, in the order of the text.
    pub errors: Vec<SyntaxError>,
}

impl TreeBuilder {
    /// A node without children.
    pub fn leaf(&mut self, span: Span, kind: ExprKind) -> Tree {
        Tree { expr: Expr { kind, span }, levels: 1 }
    }

    /// `-a`
    pub fn unary(&mut self, span: Span, operator: UnaryOperator, operand: Tree) -> Tree {
        let levels = operand.levels + 1;
        self.node(span, levels, ExprKind::Unary(operator, Box::new(operand.expr)))
    }

    /// `a + b`
    pub fn binary(&mut self, span: Span, left: Tree, operator: BinaryOperator, right: Tree) -> Tree {
        let levels = left.levels.max(right.levels) + 1;
        self.node(span, levels, ExprKind::Binary(operator, Box::new(left.expr), Box::new(right.expr)))
    }

    /// `a < b`; anything in `rest` is one comparison too many.
    pub fn comparison(
        &mut self,
        span: Span,
        left: Tree,
        operator: BinaryOperator,
        right: Tree,
        rest: Vec<(u32, BinaryOperator, u32, Tree)>,
    ) -> Tree {
        if let Some(&(start, _, end, _)) = rest.first() {
            let error = SyntaxError::new(
                SyntaxErrorCode::ChainedComparison,
                Span { start, end },
                "comparisons cannot be chained",
            );
            let between = Span { start: left.expr.span.start, end: right.expr.span.end };
            self.errors.push(
                error
                    .with_label(between, "this is already a comparison")
                    .with_help("compare twice and multiply: `(a < b) * (b < c)`"),
            );
        }
        self.binary(span, left, operator, right)
    }

    /// `v[2]`
    pub fn index(&mut self, span: Span, base: Tree, index: Tree) -> Tree {
        let levels = base.levels.max(index.levels) + 1;
        self.node(span, levels, ExprKind::Index(Box::new(base.expr), Box::new(index.expr)))
    }

    /// `v[1:3]`
    pub fn slice(&mut self, span: Span, base: Tree, from: Option<Tree>, to: Option<Tree>) -> Tree {
        let bound_levels = from.iter().chain(&to).map(|bound| bound.levels).max().unwrap_or(0);
        let levels = base.levels.max(bound_levels) + 1;
        let (from, to) = (from.map(|bound| Box::new(bound.expr)), to.map(|bound| Box::new(bound.expr)));
        self.node(span, levels, ExprKind::Slice(Box::new(base.expr), from, to))
    }

    /// `[2, 3]`
    pub fn list(&mut self, span: Span, items: Vec<Tree>) -> Tree {
        let levels = items.iter().map(|item| item.levels).max().unwrap_or(0) + 1;
        self.node(span, levels, ExprKind::List(items.into_iter().map(|item| item.expr).collect()))
    }

    /// `value` or `name = value` in an argument list.
    pub fn argument(&mut self, keyword: Option<Name>, value: Tree) -> Argument {
        Argument { keyword, value }
    }

    /// The arguments of a call: positional ones first, then keywords.
    pub fn arguments(&mut self, written: Vec<Argument>) -> Arguments {
        let mut sorted = Arguments { positional: Vec::new(), keywords: Vec::new(), levels: 0 };
        for Argument { keyword, value } in written {
            sorted.levels = sorted.levels.max(value.levels);
            match (keyword, sorted.keywords.last()) {
                (Some(name), _) => sorted.keywords.push(Keyword { name, value: value.expr }),
                (None, None) => sorted.positional.push(value.expr),
                (None, Some(before)) => {
                    let error = SyntaxError::new(
                        SyntaxErrorCode::PositionalAfterKeyword,
                        value.expr.span,
                        "an argument without a name cannot follow one with a name",
                    );
                    self.errors.push(error.with_label(before.name.span, "this one has a name"));
                }
            }
        }
        sorted
    }

    /// `Exp(x)`
    pub fn call(&mut self, span: Span, function: Name, arguments: Arguments) -> Tree {
        let Arguments { positional, keywords, levels } = arguments;
        self.node(span, levels + 1, ExprKind::Call { function, arguments: positional, keywords })
    }

    /// `ArgKMin[j, K=10](x)`
    pub fn reduce(
        &mut self,
        span: Span,
        function: Name,
        index: Name,
        options: Vec<(Name, Tree)>,
        arguments: Arguments,
    ) -> Tree {
        let option_levels = options.iter().map(|(_, value)| value.levels).max().unwrap_or(0);
        let options = options.into_iter().map(|(name, value)| Keyword { name, value: value.expr }).collect();
        let Arguments { positional, keywords, levels } = arguments;
        let kind = ExprKind::Reduce { function, index, options, arguments: positional, keywords };
        self.node(span, levels.max(option_levels) + 1, kind)
    }

    fn node(&mut self, span: Span, levels: usize, kind: ExprKind) -> Tree {
        if levels <= MAXIMUM_LEVELS {
            return Tree { expr: Expr { kind, span }, levels };
        }
        let message = format!("this formula has more than {MAXIMUM_LEVELS} operations within each other");
        let error = SyntaxError::new(SyntaxErrorCode::TooDeep, span, message);
        self.errors.push(error.with_help("give parts of it a name, or use brackets in a long sum"));
        self.leaf(span, ExprKind::Integer(0))
    }
}
