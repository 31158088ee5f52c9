//! The smaller commands, colours, pipes and what a shell needs.

mod support;

use std::io::Read;
use std::process::Stdio;

use support::{Place, said};

#[test]
fn the_tables_are_listed_and_described() {
    let place = Place::new();
    let listing = place.does(&["ops"]);
    for name in ["SqDist(", "Exp(", "LogSumExp(", "ArgKMin("] {
        assert!(listing.contains(name), "{name}");
    }
    let json: serde_json::Value = serde_json::from_str(&place.does(&["ops", "--json"])).unwrap();
    let names = |table: &str| -> Vec<String> {
        json[table].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names("operations").iter().chain(&names("reductions")).all(|name| listing.contains(name)));
    let one = place.does(&["ops", "SqDist"]);
    assert!(one.starts_with("SqDist(") && one.contains("gradient "), "{one}");
    for (page, heading) in [("operations", "### SqDist"), ("reductions", "### LogSumExp"), ("diagnostics", "### E0205")]
    {
        assert!(place.does(&["ops", "--markdown", page]).contains(heading), "{page}");
    }
    place.refuses(
        &["ops", "SqDits"],
        2,
        "error: there is no operation or reduction `SqDits`\n  = help: did you mean `SqDist`?\n",
    );
}

/// `BLESS=1 cargo test -p keopsc --test other` writes the page anew.
#[test]
fn the_page_of_the_command_line_is_up_to_date() {
    let page = Place::new().does(&["ops", "--markdown", "command-line"]);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = committed.lines().zip(page.lines()).find(|(committed, printed)| committed != printed);
    assert!(committed == page, "docs/cli.md is out of date, first here (committed, printed): {differing:?}");
}

#[test]
fn codes_are_explained() {
    let place = Place::new();
    assert!(place.does(&["explain", "e0101"]).starts_with("E0101: "));
    place.refuses(
        &["explain", "nonsense"],
        2,
        "error: there is no code and no file `nonsense`\n  = help: codes look like E0101 and stand in brackets after the word `error`\n",
    );
}

#[test]
fn formulas_are_explained() {
    let place = Place::new();
    let text = place.does(&["explain", "gauss.kf"]);
    assert!(text.starts_with("conv = Sum[j](Exp(-SqDist(x, y)) * b)\n  takes x (M x 2)"), "{text}");
    assert_eq!(place.does(&["explain", "-e", support::GAUSS]), text);
    place.refuses(&["explain", "no.kf"], 2, "error[E0301]: cannot read `no.kf`: No such file or directory\n");
}

#[test]
fn costs_are_told_in_words_and_as_json() {
    let place = Place::new();
    place.write("both.kf", format!("{}out conv_x = Grad(conv, x)\n", support::GAUSS));
    let text = place.does(&["explain", "--cost", "both.kf"]);
    assert!(text.starts_with("conv = Sum[j](Exp(-SqDist(x, y)) * b)\n  for each pair  as written  "), "{text}");
    let told: f64 = text
        .split("altogether ")
        .nth(2)
        .and_then(|rest| rest.split(" times `conv`").next())
        .and_then(|rest| rest.rsplit(' ').next())
        .expect("a multiple of the value")
        .parse()
        .expect("a number");
    let json: serde_json::Value =
        serde_json::from_str(&place.does(&["explain", "--cost", "--json", "both.kf"])).unwrap();
    let gradient = &json["entries"][1];
    assert_eq!(
        (gradient["name"].as_str(), gradient["derivative_of"]["value"].as_str()),
        (Some("conv_x"), Some("conv"))
    );
    let exact = gradient["derivative_of"]["times"].as_f64().unwrap();
    assert!((exact - told).abs() <= 0.005 && exact < 3.0, "{exact} is not {told}");
    let pair = |which: &str| gradient[which]["per_pair"]["arithmetic"].as_u64().unwrap();
    assert!(pair("as_planned") < pair("as_written"));
}

#[test]
fn targets_are_listed() {
    let text = Place::new().does(&["targets"]);
    let names: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["portable", "native", "x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64-neon", "cuda"]);
}

#[test]
fn shells_get_completions_and_a_man_page() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.does(&["completions", shell]).contains("compile"), "{shell}");
    }
    let page = place.does(&["man"]);
    assert!(page.contains(".TH keopsc 1") && page.contains("KEOPSC_CACHE_DIR"), "{page}");
}

#[test]
fn every_command_has_help() {
    let place = Place::new();
    for command in ["compile", "check", "run", "inspect", "ops", "explain", "targets", "cache", "completions", "man"] {
        let text = place.does(&[command, "--help"]);
        assert!(text.contains(&format!("Usage: keopsc {command}")), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 140), "{text}");
    }
    assert!(place.does(&["--version"]).starts_with("keopsc 0."));
}

#[test]
fn colours_are_off_unless_asked_for() {
    let place = Place::new();
    place.write("bad.kf", "out c = Sum[j](\n");
    let escape = |arguments: &[&str], no_color: &str| {
        let output = place.command(arguments).env("NO_COLOR", no_color).output().unwrap();
        said(output).err.contains('\x1b')
    };
    assert!(!escape(&["check", "bad.kf"], ""));
    assert!(escape(&["check", "bad.kf", "--color", "always"], ""));
    assert!(!escape(&["check", "bad.kf"], "1"));
    assert!(escape(&["check", "missing.kf", "--color", "always"], "1"));
}

#[test]
fn problems_are_json_on_request() {
    let said = Place::new().keopsc(&["compile", "missing.kf", "--message-format", "json"]);
    let message: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!(message["severity"], "error");
    assert_eq!(message["code"], "E0301");
    assert_eq!(message["message"], "cannot read `missing.kf`: No such file or directory");
}

#[test]
fn a_reader_that_goes_away_is_no_problem() {
    let place = Place::new();
    let mut running = place.command(&["ops"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 1];
    running.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!((said(output).err.as_str()), "");
}
