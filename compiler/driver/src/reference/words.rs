//! Numbers, vectors and headings as the pages show them.

/// Six digits of a number, as few as say the same.
pub(super) fn number(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    match rounded.abs() {
        size if size == 0.0 || !size.is_finite() || (1e-4..1e7).contains(&size) => rounded.to_string(),
        _ => format!("{rounded:e}"),
    }
    .replace("NaN", "nan")
}

/// A scalar as a number, a vector in brackets.
pub(super) fn vector(components: &[f64]) -> String {
    match components {
        [one] => number(*one),
        several => format!("({})", several.iter().map(|value| number(*value)).collect::<Vec<_>>().join(", ")),
    }
}

/// `a`, `b` and `c`
pub(super) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The anchor that Markdown gives a heading.
pub(super) fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.map(|character| if character == ' ' { '-' } else { character.to_ascii_lowercase() }).collect()
}

/// A table of contents: a line a family, with a link to each of its rows.
pub(super) fn contents<'a>(families: impl Iterator<Item = (&'a str, Vec<&'a str>)>) -> String {
    let line = |(heading, names): (&str, Vec<&str>)| {
        let links: Vec<String> = names.iter().map(|name| format!("[{name}](#{})", anchor(name))).collect();
        format!("- [{heading}](#{}): {}\n", anchor(heading), links.join(", "))
    };
    families.map(line).collect()
}

/// A table: each row is a line of cells, the first one the head.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let line = |cells: &Vec<String>| format!("| {} |\n", cells.join(" | "));
    let Some((head, body)) = rows.split_first() else { return String::new() };
    let rule = format!("|{}\n", " --- |".repeat(head.len()));
    format!("{}{rule}{}", line(head), body.iter().map(line).collect::<String>())
}
