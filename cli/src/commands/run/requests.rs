//! `-o conv=conv.npy`: which results are wanted, where they go, and which functions give them.

use std::path::PathBuf;

use keopsc_diagnostics::suggest;
use keopsc_driver::failure::Problem;
use keopsc_runtime::loader::{Entry, Library};
use keopsc_runtime::manifest::Tensor;

/// A wanted result.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its name in the formula.
    pub name: String,
    /// Where it goes; `-` is stdout.
    pub path: PathBuf,
}

/// Reads the `-o` arguments; without any, the only result goes to stdout.
pub fn parse(outputs: &[String], library: &Library) -> Result<Vec<Request>, Problem> {
    let names = tensor_names(library, Tensor::is_output);
    let only_stdout = ["-".to_owned()];
    let outputs = if outputs.is_empty() { &only_stdout[..] } else { outputs };
    let requests: Vec<Request> = outputs.iter().map(|text| request(text, &names)).collect::<Result<_, _>>()?;
    for (number, request) in requests.iter().enumerate() {
        if requests[..number].iter().any(|earlier| earlier.path == request.path) {
            return Err(Problem::new(format!("two results cannot both go to `{}`", request.path.display())));
        }
    }
    Ok(requests)
}

fn request(text: &str, names: &[String]) -> Result<Request, Problem> {
    if let Some((name, path)) = text.split_once('=').filter(|(name, _)| is_identifier(name)) {
        return match names.iter().any(|known| known == name) {
            true => Ok(Request { name: name.to_owned(), path: path.into() }),
            false => Err(unknown("result", name, names)),
        };
    }
    match names {
        [only] => Ok(Request { name: only.clone(), path: text.into() }),
        _ => Err(Problem::new(format!("the formula has several results: {}", names.join(", "))).with_help(format!(
            "say which one goes where: `-o {}=PATH`",
            names.first().map_or("NAME", String::as_str)
        ))),
    }
}

/// A problem with a name that is none of the known ones.
pub fn unknown(what: &str, name: &str, names: &[String]) -> Problem {
    let problem = Problem::new(format!("the formula has no {what} `{name}`"));
    match suggest(name, names.iter().map(String::as_str)) {
        Some(near) => problem.with_help(format!("did you mean `{near}`?")),
        None => problem.with_help(format!("it has {}", names.join(", "))),
    }
}

/// Whether a word can be a name of a formula.
pub fn is_identifier(word: &str) -> bool {
    let is_letter = |letter: char| letter == '_' || letter.is_ascii_alphabetic();
    word.starts_with(is_letter) && word.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit())
}

/// The names of the tensors that are wanted, each once, in the order of the manifest.
pub fn tensor_names(library: &Library, is_wanted: impl Fn(&Tensor) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    let tensors = library.manifest().entries.iter().flat_map(|entry| &entry.tensors);
    for tensor in tensors.filter(|tensor| is_wanted(tensor)) {
        if !names.contains(&tensor.name) {
            names.push(tensor.name.clone());
        }
    }
    names
}

/// The functions to run for the requests: those first that give several of them at once.
pub fn entries<'a, 'b>(library: &'a Library, requests: &'b [Request]) -> Vec<(Entry<'a>, Vec<&'b Request>)> {
    let mut open: Vec<&Request> = requests.iter().collect();
    let mut chosen = Vec::new();
    while !open.is_empty() {
        let given = |entry: &Entry<'_>| open.iter().filter(|request| gives(entry, request)).count();
        // The first of those with the greatest count: an output's own function rather than a fused one.
        let Some(best) = library.entries().rev_max_by(given) else { break };
        let (now, later): (Vec<&Request>, Vec<&Request>) = open.iter().partition(|request| gives(&best, request));
        if now.is_empty() {
            break;
        }
        open = later;
        chosen.push((best, now));
    }
    chosen
}

fn gives(entry: &Entry<'_>, request: &Request) -> bool {
    entry.description().tensors.iter().any(|tensor| tensor.is_output() && tensor.name == request.name)
}

/// `max_by_key` that prefers the first of equals.
trait FirstMaximum: Iterator + Sized {
    fn rev_max_by(self, key: impl Fn(&Self::Item) -> usize) -> Option<Self::Item> {
        self.fold(None, |best: Option<(usize, Self::Item)>, item| {
            let value = key(&item);
            match best {
                Some((most, best)) if most >= value => Some((most, best)),
                _ => Some((value, item)),
            }
        })
        .map(|(_, item)| item)
    }
}

impl<I: Iterator> FirstMaximum for I {}
