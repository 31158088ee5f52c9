//! Text into syntax tree, with every mistake reported in the user's words.

use std::convert::Infallible;
use std::sync::LazyLock;

use lalrpop_util::{ParseError, lalrpop_mod};

use crate::MAXIMUM_BYTES;
use crate::build_tree::{Line, Tree, TreeBuilder};
use crate::error::{SyntaxError, SyntaxErrorCode};
use crate::layout::{Content, arrange};
use crate::syntax::{Expr, File, Name, Output, Span, Statement, StatementKind};
use crate::tokens::{Spanned, Token, tokenize};
use crate::unexpected::explain_unexpected;

lalrpop_mod!(
    #[allow(clippy::all, missing_docs, unused, reason = "generated code")]
    kf
);

static LINE_PARSER: LazyLock<kf::LineParser> = LazyLock::new(kf::LineParser::new);
static EXPRESSION_PARSER: LazyLock<kf::ExpressionParser> = LazyLock::new(kf::ExpressionParser::new);

/// Parses a formula file, or the one-liner of `-e`, where statements may also stand between commas.
///
/// All mistakes are reported, in the order of the text. Statements without one are in the tree.
pub fn parse_file(text: &str) -> (File, Vec<SyntaxError>) {
    parse_part(text, 0)
}

/// Parses the file that begins at byte `start` of a text in which files stand one after the other. Places are those in the whole text.
pub fn parse_part(text: &str, start: usize) -> (File, Vec<SyntaxError>) {
    let (tokens, mut errors) = match read_tokens(text, start, Content::File) {
        Ok(read) => read,
        Err(error) => return (File::default(), vec![error]),
    };
    let mut assembly = Assembly::default();
    for line in tokens.split_inclusive(|token| token.1 == Token::Separator) {
        if line[0].1 == Token::Separator {
            continue;
        }
        if let Some(error) = path_without_quotes(text, line) {
            errors.retain(|other| !(error.span.start..=error.span.end).contains(&other.span.start));
            errors.push(error);
            continue;
        }
        match parse_line(text, line) {
            Ok(parsed) => assembly.push(parsed),
            Err(wrong) => errors.extend(wrong),
        }
    }
    errors.extend(assembly.errors);
    errors.sort_by_key(|error| error.span.start);
    (File { statements: assembly.statements, used: Vec::new() }, errors)
}

/// Parses one expression, which may go over several lines. Reports the first mistake.
pub fn parse_expression(text: &str) -> Result<Expr, SyntaxError> {
    let (tokens, mut errors) = read_tokens(text, 0, Content::Expression)?;
    let mut builder = TreeBuilder::default();
    let parsed = EXPRESSION_PARSER.parse(&mut builder, tokens.iter().copied());
    let tree = finish(text, &tokens, builder, parsed);
    errors.extend(tree.as_ref().err().into_iter().flatten().cloned());
    match (errors.into_iter().min_by_key(|error| error.span.start), tree) {
        (None, Ok(Tree { expr, .. })) => Ok(expr),
        (Some(error), _) => Err(error),
        (None, Err(_)) => Err(SyntaxError::new(
            SyntaxErrorCode::UnexpectedToken,
            Span { start: 0, end: text.len() as u32 },
            "expected an expression",
        )),
    }
}

fn read_tokens(
    text: &str,
    start: usize,
    content: Content,
) -> Result<(Vec<Spanned<'_>>, Vec<SyntaxError>), SyntaxError> {
    let length = text.len() - start;
    if length > MAXIMUM_BYTES {
        let message = format!("the text has {length} bytes; at most {MAXIMUM_BYTES} are read");
        return Err(SyntaxError::new(SyntaxErrorCode::TooLong, Span::default(), message));
    }
    let (raw, mut errors) = tokenize(text, start);
    let (tokens, bracket_errors) = arrange(&raw, content);
    errors.extend(bracket_errors);
    Ok((tokens, errors))
}

/// `use my/defs.kf`, or with one quote only: instead of what is wrong with its characters as a formula.
fn path_without_quotes(text: &str, line: &[Spanned<'_>]) -> Option<SyntaxError> {
    let [(_, Token::Word("use"), _), path @ ..] = line else { return None };
    let path = path.split(|token| token.1 == Token::Separator).next()?;
    path.iter().find(|token| token.1 == Token::Bad)?;
    let span = Span { start: path.first()?.0, end: path.last()?.2 };
    let written = text.get(span.start as usize..span.end as usize)?;
    let message = format!("`{written}` is neither a library's name nor a path in quotes");
    let help = format!("a path stands between quotes: `use \"{}\"`", written.trim_matches(['"', '\'']));
    Some(SyntaxError::new(SyntaxErrorCode::UnexpectedToken, span, message).with_help(help))
}

/// Parses the tokens of one statement, which may end with a separator.
fn parse_line(text: &str, line: &[Spanned<'_>]) -> Result<Line, Vec<SyntaxError>> {
    let statement = match line {
        [statement @ .., (_, Token::Separator, _)] => statement,
        statement => statement,
    };
    let mut builder = TreeBuilder::default();
    let parsed = LINE_PARSER.parse(&mut builder, statement.iter().copied());
    finish(text, line, builder, parsed)
}

/// What was parsed, or what was wrong; the list is empty if that has been reported already.
fn finish<T>(
    text: &str,
    tokens: &[Spanned<'_>],
    builder: TreeBuilder,
    parsed: Result<T, ParseError<u32, Token<'_>, Infallible>>,
) -> Result<T, Vec<SyntaxError>> {
    let mut errors = builder.errors;
    match parsed {
        Ok(parsed) if errors.is_empty() => return Ok(parsed),
        Ok(_) => {}
        Err(error) => errors.extend(explain(text, tokens, error)),
    }
    Err(errors)
}

fn explain(text: &str, tokens: &[Spanned<'_>], error: ParseError<u32, Token<'_>, Infallible>) -> Option<SyntaxError> {
    let (place, expected) = match error {
        ParseError::UnrecognizedToken { token, expected } => (Some(token), expected),
        ParseError::ExtraToken { token } => (Some(token), Vec::new()),
        ParseError::UnrecognizedEof { expected, .. } => (None, expected),
        ParseError::InvalidToken { .. } => (None, Vec::new()),
        ParseError::User { error } => match error {},
    };
    let end = tokens.iter().position(|token| token.1 == Token::Separator).unwrap_or(tokens.len());
    let position = place.and_then(|found| tokens.iter().position(|token| *token == found)).unwrap_or(end);
    explain_unexpected(text, tokens, position, &expected)
}

/// Puts lines together to statements.
#[derive(Default)]
struct Assembly {
    statements: Vec<Statement>,
    errors: Vec<SyntaxError>,
    /// The `fused` whose end has not come yet.
    fused: Option<(Name, Span, Vec<Output>)>,
}

impl Assembly {
    fn push(&mut self, line: Line) {
        match (line, &mut self.fused) {
            (Line::Statement(statement), None) => self.statements.push(statement),
            (Line::Statement(Statement { kind: StatementKind::Output(output), .. }), Some((.., outputs))) => {
                outputs.push(output);
            }
            (Line::Statement(Statement { span, .. }), Some((name, ..))) => {
                let error = SyntaxError::new(
                    SyntaxErrorCode::UnexpectedToken,
                    span,
                    format!("only outputs can stand in `fused {}`", name.text),
                );
                self.errors.push(error.with_help("put this statement before `fused`"));
            }
            (Line::FusedOpens(name, span), None) => self.fused = Some((name, span, Vec::new())),
            (Line::FusedOpens(_, span), Some((_, outer, _))) => {
                let message = "`fused` cannot stand in `fused`";
                let error = SyntaxError::new(SyntaxErrorCode::UnexpectedToken, span, message);
                self.errors.push(error.with_label(*outer, "this one has not ended"));
            }
            (Line::FusedCloses(end), fused) => {
                if let Some((name, Span { start, .. }, outputs)) = fused.take() {
                    let kind = StatementKind::Fused { name, outputs };
                    self.statements.push(Statement { kind, span: Span { start, end } });
                }
            }
        }
    }
}
