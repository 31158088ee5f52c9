//! The name that was meant.

/// The candidate nearest to an unknown name, if it is near enough to be meant; the first of several equally near.
///
/// Letters are inserted, dropped, replaced or swapped; their case does not count.
pub fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let length = name.chars().count();
    let tolerated = (length / 3).max(1);
    let distances = candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= tolerated)
        .map(|candidate| (strsim::osa_distance(&name, &candidate.to_lowercase()), candidate));
    // A name of one letter is near to every other one: only its other case is meant.
    let near = distances.filter(|&(distance, _)| distance <= tolerated && distance < length.max(1));
    near.min_by_key(|&(distance, _)| distance).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::suggest;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        let known = ["SqDist", "SqNorm2", "Exp", "Sum", "LogSumExp", "sigma", "D"];
        assert_eq!(suggest(name, known), expected);
    }

    #[test]
    fn names_that_are_near() {
        check("SqDits", Some("SqDist"));
        check("sqdist", Some("SqDist"));
        check("SqNorm", Some("SqNorm2"));
        check("exp", Some("Exp"));
        check("sigm", Some("sigma"));
        check("logsumexpp", Some("LogSumExp"));
        check("d", Some("D"));
    }

    #[test]
    fn names_that_are_not() {
        check("Laplace", None);
        check("x", None);
        check("", None);
        check(&"x".repeat(100_000), None);
    }
}
