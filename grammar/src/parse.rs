//! Text into syntax tree, with every mistake reported in the user's words.

use std::sync::LazyLock;

use lalrpop_util::lalrpop_mod;

use crate::build_tree::TreeBuilder;
use crate::error::{SyntaxError, SyntaxErrorCode};
use crate::layout::{Content, arrange};
use crate::syntax::{Expr, File, Span};
use crate::tokens::{Spanned, tokenize};
use crate::unexpected::explain_unexpected;
use crate::MAXIMUM_BYTES;

lalrpop_mod!(
    #[allow(clippy::all, missing_docs, unused, reason = "generated code")]
    kf
);

static FILE_PARSER: LazyLock<kf::FileParser> = LazyLock::new(kf::FileParser::new);
static EXPRESSION_PARSER: LazyLock<kf::ExpressionParser> = LazyLock::new(kf::ExpressionParser::new);

/// Parses a formula file, or the one-liner of `-e`, where statements may also stand between commas.
///
/// All mistakes are reported, in the order of the text. Statements without one are in the tree.
pub fn parse_file(text: &str) -> (File, Vec<SyntaxError>) {
    let (tokens, mut errors) = match read_tokens(text, Content::File) {
        Ok(read) => read,
        Err(error) => return (File::default(), vec![error]),
    };
    let mut builder = TreeBuilder::default();
    let file = match FILE_PARSER.parse(&mut builder, tokens.iter().copied()) {
        Ok(file) => file,
        Err(error) => {
            builder.keep_unexpected(error);
            File::default()
        }
    };
    errors.extend(all_errors(text, &tokens, builder));
    errors.sort_by_key(|error| error.span.start);
    (file, errors)
}

/// Parses one expression, which may go over several lines. Reports the first mistake.
pub fn parse_expression(text: &str) -> Result<Expr, SyntaxError> {
    let (tokens, mut errors) = read_tokens(text, Content::Expression)?;
    let mut builder = TreeBuilder::default();
    let parsed = EXPRESSION_PARSER.parse(&mut builder, tokens.iter().copied());
    let expr = parsed.map(|tree| tree.expr).map_err(|error| builder.keep_unexpected(error));
    errors.extend(all_errors(text, &tokens, builder));
    match (errors.into_iter().min_by_key(|error| error.span.start), expr) {
        (None, Ok(expr)) => Ok(expr),
        (Some(error), _) => Err(error),
        (None, Err(())) => Err(SyntaxError::new(
            SyntaxErrorCode::UnexpectedToken,
            Span { start: 0, end: text.len() as u32 },
            "expected an expression",
        )),
    }
}

fn read_tokens(text: &str, content: Content) -> Result<(Vec<Spanned<'_>>, Vec<SyntaxError>), SyntaxError> {
    if text.len() > MAXIMUM_BYTES {
        let message = format!("the text has {} bytes; at most {MAXIMUM_BYTES} are read", text.len());
        return Err(SyntaxError::new(SyntaxErrorCode::TooLong, Span::default(), message));
    }
    let (raw, mut errors) = tokenize(text);
    let (tokens, bracket_errors) = arrange(&raw, content);
    errors.extend(bracket_errors);
    Ok((tokens, errors))
}

fn all_errors(text: &str, tokens: &[Spanned<'_>], builder: TreeBuilder) -> Vec<SyntaxError> {
    let explained = builder.unexpected.iter().filter_map(|unexpected| explain_unexpected(text, tokens, unexpected));
    explained.chain(builder.errors).collect()
}
