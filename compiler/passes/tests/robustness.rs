//! No text makes the passes panic or run away: random files of the grammar, and cases whose words are exchanged.

use std::path::Path;

use keopsc_diagnostics::{Code, Source};
use keopsc_ir::random::Random;
use keopsc_passes::load::load;
use keopsc_passes::pipeline;
use keopsc_passes::resolve::Options;

fn run(text: &str) -> bool {
    // Where the files lie that cases use; what cannot be read so is parsed as far as it goes.
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/diagnostics/no-such-file.kf");
    let loaded = load(&mut Source::new("", text), Some(&place));
    let file = loaded.map_or_else(|_| keopsc_grammar::parse_file(text).0, |loaded| loaded.file);
    let printed = &mut |_: &'static str, printed: &dyn std::fmt::Display| drop(printed.to_string());
    pipeline::run(&file, &Options::default(), printed).is_ok()
}

/// Every formula file under `tests/cases` and `samples`.
fn corpus() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![root.join("tests/cases"), root.join("samples")];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "kf") {
                // One of them is no text on purpose.
                texts.extend(std::fs::read_to_string(&path));
            }
        }
    }
    texts.sort();
    texts.retain(|text| text.len() < 600);
    assert!(texts.len() > 20);
    texts
}

/// Words, numbers and signs.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        tokens.push(&rest[..length]);
        rest = &rest[length..];
    }
    tokens
}

#[test]
fn exchanged_words() {
    let corpus = corpus();
    let words: Vec<&str> = corpus.iter().flat_map(|text| tokens(text)).filter(|token| *token != "#").collect();
    let mut random = Random::new(1);
    let mut sound = 0;
    for _ in 0..4000 {
        let text = &corpus[random.below(corpus.len())];
        let mut tokens = tokens(text);
        for _ in 0..=random.below(3) {
            let place = random.below(tokens.len());
            tokens[place] = words[random.below(words.len())];
        }
        sound += u32::from(run(&tokens.concat()));
    }
    assert!(sound > 100, "only {sound} files were sound, so that later passes saw little");
}

#[test]
fn long_chains() {
    let chain: String = (0..3000).map(|number| format!("x{} = x{number} * x{number} + 1\n", number + 1)).collect();
    assert!(run(&format!("x0 = Vi(2)\n{chain}out s = Sum[j](x3000)\n")));
}

/// A macro brings a new input with each of its calls, or uses a formula of many inputs each time.
#[test]
fn macros_bring_many_inputs() {
    let doubled = |levels: usize| -> String {
        (0..levels).map(|level| format!("def m{}(u) = m{level}(u) + m{level}(u)\n", level + 1)).collect()
    };
    assert!(!run(&format!("def m0(u) = Vi(1) + u\n{}out s = Sum[j](m18(Vj(1)))\n", doubled(18))));
    let inputs: String = (0..1000).map(|number| format!("x{number} = Vi(1); ")).collect();
    let all: Vec<String> = (0..1000).map(|number| format!("x{number}")).collect();
    let parts: String = all.chunks(100).map(|part| format!(" + ({})", part.join(" + "))).collect();
    let formula = format!("{inputs}\na = Vi(1){parts}\ndef m0(u) = a * u\n{}", doubled(18));
    assert!(!run(&format!("{formula}out s = Sum[j](m18(Vj(1)))\n")));
}

#[test]
fn no_position_is_that_of_a_cotangent() {
    let gradient = "x = Vi(1)\nout g = Grad(Sum[j](x * Vj(1)), x)\n";
    assert!(run(&format!("{gradient}out s = Sum[j](x * Vj({}, 3))\n", i64::MAX)));
}

#[test]
fn derivatives_of_derivatives_end() {
    let chain: String = (0..40).map(|number| format!("g{} = Grad(g{number} * g{number}, x)\n", number + 1)).collect();
    assert!(!run(&format!("x = Vi(1)\ny = Vj(1)\ng0 = Exp(x * y)\n{chain}out s = Sum[j](g40)\n")));
}

/// Indices of indices are not written into each other without end, and a long chain is differentiated once.
#[test]
fn nested_indices_and_chains_stay_small() {
    let twos = ["2"; 12].join(", ");
    assert!(run(&format!("x = Vi(4096)\ny = Vj(4096)\nout s = Sum[j](Sum(Kron(x, y, [{twos}], [{twos}])))\n")));
    let chain: String = (0..300).map(|number| format!("a{} = Sin(a{number})\n", number + 1)).collect();
    assert!(run(&format!("x = Vi(3)\ny = Vj(3)\na0 = SqDist(x, y)\n{chain}out s = Sum[j](Laplacian(a300, x))\n")));
}

/// Each of these may be written out, all of them may not.
#[test]
fn what_is_written_out_is_limited_in_all() {
    let codes = |count: usize| -> Vec<Code> {
        let sums: String =
            (1..=count).map(|gamma| format!("out s{gamma} = Sum[j](SoftDTW_SqDist(x, y, {gamma}))\n")).collect();
        let (file, _) = keopsc_grammar::parse_file(&format!("x = Vi(32)\ny = Vj(32)\n{sums}"));
        let (_, diagnostics) = keopsc_passes::resolve::resolve(&file, &Options::default());
        diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
    };
    assert_eq!([codes(1), codes(4)], [vec![], vec![Code::TooLarge]]);
}

#[test]
fn each_nested_gradient_has_its_own_cotangent() {
    let text = "x = Vi(1)\ny = Vj(1)\nout s = Grad(Grad(Sum[j](x * x * y), x), x)\n";
    let (file, _) = keopsc_grammar::parse_file(text);
    let (program, _) = keopsc_passes::resolve::resolve(&file, &Options::default());
    let program = program.expect("it is sound");
    let names: Vec<&str> = program.entries[0].inputs.iter().map(|id| program.input(*id).name.as_str()).collect();
    assert_eq!(names, ["x", "y", "d_s", "d_s_2"]);
}
