//! The table of codes is complete, and its examples are true.

use keopsc_diagnostics::{Code, Diagnostic, Severity};

/// Codes whose example would be too long to show, or is no text.
const WITHOUT_EXAMPLE: &[Code] =
    &[Code::TooDeep, Code::TooLong, Code::UnknownDim, Code::NoDefinition, Code::CircularUse];

#[test]
fn every_code_is_explained() {
    for &code in Code::ALL {
        assert!(code.title().len() > 10 && !code.title().contains('\n'), "{code}");
        let explanation = code.explanation();
        assert!(explanation.starts_with(&format!("{code}: {}\n\n", code.title())));
        assert!(explanation.len() > code.title().len() + 60, "{explanation}");
        assert!(explanation.lines().all(|line| line.chars().count() <= 120), "{explanation}");
        assert_eq!(code.wrong_example().is_empty(), WITHOUT_EXAMPLE.contains(&code), "{code}");
        assert_eq!(code.right_example().is_empty(), WITHOUT_EXAMPLE.contains(&code), "{code}");
    }
}

#[test]
fn codes_are_distinct_and_of_one_form() {
    for &code in Code::ALL {
        let (kind, number) = code.as_str().split_at(1);
        assert!(matches!(kind, "E" | "W") && number.len() == 4 && number.parse::<u32>().is_ok(), "{code}");
        assert_eq!(code.severity() == Severity::Warning, kind == "W");
        assert_eq!(Code::ALL.iter().filter(|other| other.as_str() == code.as_str()).count(), 1, "{code}");
        assert_eq!(Code::parse(&code.as_str().to_lowercase()), Some(code));
    }
    assert_eq!(Code::parse("E9999"), None);
}

#[test]
fn examples_of_syntax_errors_are_such_and_no_others() {
    for &code in Code::ALL.iter().filter(|code| !code.as_str().starts_with("E03")) {
        let errors = |text| keopsc_grammar::parse_file(text).1.into_iter().map(Diagnostic::from);
        let expected: &[Code] = match code.as_str().starts_with("E01") && !code.wrong_example().is_empty() {
            true => &[code],
            false => &[],
        };
        assert_eq!(errors(code.wrong_example()).map(|error| error.code).collect::<Vec<_>>(), expected);
        assert_eq!(errors(code.right_example()).next(), None, "{code}");
    }
}

#[test]
fn an_explanation() {
    assert_eq!(
        Code::ChainedComparison.explanation(),
        "E0104: Comparisons cannot be chained\n\n\
         A comparison gives 1 or 0. `a < b < c` would compare that 1 or 0 with `c`, which is hardly what is\n\
         meant. Compare twice and multiply; or use brackets to compare the result of a comparison.\n\n\
         Wrong:\n\n    inside = 0 < r < 1\n\n\
         Right:\n\n    inside = (0 < r) * (r < 1)\n"
    );
}
