//! Signatures in words: `SqDist(f: n|1, g: n|1) -> 1` is "`f` and `g` have `n` components or 1, which stands for all; the value has 1".
//!
//! Words are made of the signature's text, so that a new form of parameters shows as it is written until it has words here.

use super::words::listed;

/// What stands between commas of a signature's brackets: the name, and its form.
pub(super) fn items(text: &str) -> Vec<(&str, &str)> {
    let (call, _) = text.rsplit_once("->").unwrap_or((text, ""));
    let inside = call.trim().split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or("");
    let parts = split_at_commas(inside).into_iter().filter_map(|item| item.split_once(':'));
    parts.map(|(name, form)| (name.trim(), form.trim())).collect()
}

/// The results after the arrow.
pub(super) fn results(text: &str) -> Vec<&str> {
    text.rsplit_once("->").map(|(_, results)| split_at_commas(results)).unwrap_or_default()
}

/// Dimensions and parameters in one sentence.
pub(super) fn dimensions(text: &str) -> String {
    let mut alike: Vec<(&str, Vec<String>)> = Vec::new();
    for (name, form) in items(text) {
        let name = format!("`{name}`");
        match alike.iter_mut().find(|(known, _)| *known == form) {
            Some((_, names)) => names.push(name),
            None => alike.push((form, vec![name])),
        }
    }
    let mut clauses: Vec<String> = alike.iter().map(|(form, names)| clause(names, form)).collect();
    let results: Vec<String> = results(text).iter().map(|result| result_words(result)).collect();
    clauses.push(match results.as_slice() {
        [one] => format!("the value has {one}"),
        several => format!("the values have {}", listed(several)),
    });
    format!("{}.", clauses.join("; "))
}

fn clause(names: &[String], form: &str) -> String {
    let (have, are) = if names.len() == 1 { ("has", "is") } else { ("have", "are") };
    let names = listed(names);
    let (form, default) = match form.split_once(" = ") {
        Some((form, default)) => (form, format!(", {default} where left out")),
        None => (form, String::new()),
    };
    match parameter(form, are == "is") {
        Some(words) => format!("{names} {are} {words}{default}"),
        None => format!("{names} {have} {}{default}", pattern(form)),
    }
}

/// An integer or a list; `None` for the dimension of a formula.
fn parameter(form: &str, is_one: bool) -> Option<String> {
    let (word, bounds) = match form.split_once('(') {
        Some((word, bounds)) => (word, split_at_commas(bounds.strip_suffix(')')?)),
        None => (form, Vec::new()),
    };
    let kind = match (word, is_one) {
        ("int" | "nonzero", true) => "an integer".to_owned(),
        ("int" | "nonzero", false) => "integers".to_owned(),
        ("list", true) => "a list of integers".to_owned(),
        ("list", false) => "lists of integers".to_owned(),
        _ if !bounds.is_empty() && word.chars().all(char::is_alphabetic) && !word.is_empty() => {
            return Some(format!("of the form `{form}`"));
        }
        _ => return None,
    };
    Some(match (word, bounds.as_slice()) {
        ("nonzero", _) => format!("{kind} other than 0"),
        (_, [low, high]) => format!("{kind} from `{low}` to `{high}`"),
        (_, [low]) => format!("{kind} not below `{low}`"),
        _ => kind,
    })
}

fn pattern(form: &str) -> String {
    match form.split_once('|') {
        Some((dim, "1")) => format!("{} or 1, which stands for all", components(dim)),
        Some((dim, repeated)) => format!("{} or {repeated}, which are repeated", components(dim)),
        None => components(form),
    }
}

fn components(dim: &str) -> String {
    if dim == "1" { "1 component".to_owned() } else { format!("`{dim}` components") }
}

fn result_words(result: &str) -> String {
    match result.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(extents) => {
            let extents: Vec<String> = split_at_commas(extents).iter().map(|extent| format!("`{extent}`")).collect();
            format!("{} components", extents.join(" × "))
        }
        None => components(result),
    }
}

/// The items of a list, which may contain commas inside brackets.
fn split_at_commas(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = text.split(|character| {
        depth += i32::from("([".contains(character)) - i32::from(")]".contains(character));
        character == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_have_words() {
        assert_eq!(
            dimensions("SqDist(f: n|1, g: n|1) -> 1"),
            "`f` and `g` have `n` components or 1, which stands for all; the value has 1 component."
        );
        assert_eq!(
            dimensions("Extract(f: n, start: int(0, n - 1), d: int(1, n - start)) -> d"),
            "`f` has `n` components; `start` is an integer from `0` to `n - 1`; `d` is an integer from `1` to `n - start`; \
             the value has `d` components."
        );
        assert_eq!(
            dimensions("T(f: 2*n|2, p: list, q: list = [], r: odd(1, 15)) -> [K, n], [K, n]"),
            "`f` has `2*n` components or 2, which are repeated; `p` is a list of integers; `q` is a list of integers, [] where left out; \
             `r` is of the form `odd(1, 15)`; the values have `K` × `n` components and `K` × `n` components."
        );
        assert_eq!(items("IntCst(n: int) -> 1"), [("n", "int")]);
        assert_eq!(results("ComplexRealScal(f: m, g: n) -> max(2, m, n)"), ["max(2, m, n)"]);
    }
}
