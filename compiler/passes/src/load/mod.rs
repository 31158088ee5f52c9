//! Formula file → its tree and those of the files that it uses, whose texts are added to the source.
//!
//! ```text
//! gauss.kf: use "my/defs.kf"; …      gauss.kf: use "my/defs.kf" (file 0); …
//! my/defs.kf: def K(u) = …       =>  used:  0  my/defs.kf: use kernels (file 1); def K(u) = …
//!             use kernels                   1  <kernels>: def GaussKernel(…) = …
//! ```
//!
//! Invariants: each file is read once, none uses itself through others, and what is used has definitions and nothing else.

mod libraries;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use keopsc_diagnostics::{Code, Diagnostic, Source, suggest, system_words};
use keopsc_grammar::syntax::{File, Library, Name, Span, Statement, StatementKind};
use keopsc_grammar::{MAXIMUM_BYTES, MAXIMUM_NESTING, parse_part};

use crate::resolve::is_input;
pub use libraries::LIBRARIES;
pub(crate) use libraries::library_that_defines;

/// How the names of files that can be used end: nothing else is read, so that messages about a formula cannot show what is in other files.
const EXTENSION: &str = "kf";

/// A formula file and what it uses.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The tree, with those of all used files.
    pub file: File,
    /// The paths of the used files, in the order of the trees; libraries of the compiler have none.
    pub paths: Vec<PathBuf>,
}

/// Parses the only text of a source and all files that it uses. `path` is where the text was read; without one, paths in it begin at the
/// folder that the process works in.
pub fn load(source: &mut Source, path: Option<&Path>) -> Result<Loaded, Vec<Diagnostic>> {
    let name = source.files().next().map_or(String::new(), |(name, _)| name.to_owned());
    let place = path.map_or(Place::Text, |path| Place::File(path.canonicalize().unwrap_or_else(|_| path.to_owned())));
    let mut loader = Loader {
        source,
        places: Vec::new(),
        used: Vec::new(),
        paths: Vec::new(),
        open: Vec::new(),
        diagnostics: Vec::new(),
    };
    loader.open.push(Open {
        name,
        place,
        folder: path.and_then(Path::parent).unwrap_or(Path::new("")).to_owned(),
        used_at: Span::default(),
    });
    let file = loader.parse(0);
    let Loader { used, paths, mut diagnostics, .. } = loader;
    if diagnostics.is_empty() {
        return Ok(Loaded { file: File { used, ..file }, paths });
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.primary_span().map(|span| span.start));
    Err(diagnostics)
}

/// What a file is, whatever path leads there.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// Text from the command line or stdin.
    Text,
    /// A library of the compiler.
    Library(&'static str),
    /// A file, by its path without links.
    File(PathBuf),
}

/// A file that is being read.
struct Open {
    name: String,
    place: Place,
    /// Where paths in it begin.
    folder: PathBuf,
    /// What the `use` that led here names.
    used_at: Span,
}

struct Loader<'a> {
    source: &'a mut Source,
    /// What each used file is.
    places: Vec<Place>,
    used: Vec<File>,
    paths: Vec<PathBuf>,
    /// The formula file, a file that it uses, one that this uses … down to the one that is being read.
    open: Vec<Open>,
    diagnostics: Vec<Diagnostic>,
}

/// A file that is to be read, and its text.
struct Found {
    name: String,
    place: Place,
    path: Option<PathBuf>,
    text: String,
}

impl Loader<'_> {
    /// The tree of the file that begins there.
    fn parse(&mut self, start: usize) -> File {
        let (mut file, errors) = parse_part(self.source.text(), start);
        self.diagnostics.extend(errors.into_iter().map(Diagnostic::from));
        if self.open.len() > 1 {
            self.refuse_others_than_definitions(&file);
        }
        for statement in &mut file.statements {
            if let StatementKind::Use { library, file } = &mut statement.kind {
                match self.find(library) {
                    Ok(number) => *file = Some(number),
                    Err(diagnostic) => self.diagnostics.push(*diagnostic),
                }
            }
        }
        file
    }

    /// The number of the file that a `use` means, read now if that has not been done.
    fn find(&mut self, library: &Library) -> Result<usize, Box<Diagnostic>> {
        let (place, path) = match library {
            Library::Known(name) => (Place::Library(known(name)?.0), None),
            Library::Path { text, span } => self.place_of(text, *span)?,
        };
        self.refuse_circle(&place, library.span())?;
        if let Some(number) = self.places.iter().position(|known| *known == place) {
            return Ok(number);
        }
        let found = match library {
            Library::Known(name) => {
                Found { name: format!("<{}>", name.text), place, path, text: known(name)?.1.to_owned() }
            }
            Library::Path { .. } => self.read(place, path.unwrap_or_default(), library.span())?,
        };
        Ok(self.add(found, library.span()))
    }

    /// Which file a path means, and how it is reached from where the compiler works.
    fn place_of(&self, written: &str, span: Span) -> Result<(Place, Option<PathBuf>), Box<Diagnostic>> {
        let folder = self.open.last().map_or(Path::new(""), |open| &open.folder);
        let path = folder.join(written);
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            let message = format!("`{written}` is not the name of a formula file");
            let error = Diagnostic::error(Code::CannotRead, span, message);
            return Err(Box::new(error.with_help("files that are used have names that end in `.kf`")));
        }
        match path.canonicalize() {
            Ok(real) => Ok((Place::File(real), Some(path))),
            Err(error) => Err(cannot_read(&path, &error, span)),
        }
    }

    fn read(&self, place: Place, path: PathBuf, span: Span) -> Result<Found, Box<Diagnostic>> {
        let text = read_text(&path).map_err(|error| cannot_read(&path, &error, span))?;
        if self.source.text().len() + text.len() > MAXIMUM_BYTES {
            let message = format!("with `{}` there are more than {MAXIMUM_BYTES} bytes to read", path.display());
            return Err(Box::new(Diagnostic::error(Code::TooLong, span, message)));
        }
        Ok(Found { name: path.display().to_string(), place, path: Some(path), text })
    }

    /// Reads a file and all that it uses.
    fn add(&mut self, found: Found, used_at: Span) -> usize {
        let Found { name, place, path, text } = found;
        let folder = path.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let start = self.source.add(name.clone(), &text);
        let number = self.used.len();
        self.used.push(File::default());
        self.places.push(place.clone());
        self.paths.extend(path);
        self.open.push(Open { name, place, folder, used_at });
        self.used[number] = self.parse(start);
        self.open.pop();
        number
    }

    /// No file is used while it is read, and not too many use each other.
    fn refuse_circle(&self, place: &Place, span: Span) -> Result<(), Box<Diagnostic>> {
        if self.open.len() > MAXIMUM_NESTING {
            let message = format!("more than {MAXIMUM_NESTING} files use each other, one the next");
            return Err(Box::new(Diagnostic::error(Code::TooDeep, span, message)));
        }
        let Some(first) = self.open.iter().position(|open| open.place == *place) else { return Ok(()) };
        let circle = &self.open[first..];
        let names: Vec<&str> = circle.iter().chain(circle.first()).map(|open| open.name.as_str()).collect();
        let message = format!("files use each other in a circle: `{}`", names.join("` uses `"));
        let error = Diagnostic::error(Code::CircularUse, span, message);
        let error = circle
            .iter()
            .skip(1)
            .fold(error, |error, open| error.with_label(open.used_at, format!("`{}` is used here", open.name)));
        Err(Box::new(error.with_help("move the definitions that both need into a file of their own")))
    }

    fn refuse_others_than_definitions(&mut self, file: &File) {
        let Some(Open { name, used_at, .. }) = self.open.last() else { return };
        for Statement { kind, span } in &file.statements {
            let Some((what, help)) = no_definition(kind) else { continue };
            let message = format!("`{name}` is used by another file and can only have definitions, and this is {what}");
            let diagnostic = Diagnostic::error(Code::NoDefinition, *span, message);
            self.diagnostics.push(diagnostic.with_label(*used_at, "it is used here").with_help(help));
        }
    }
}

/// What a statement is that is no definition, and where it belongs.
fn no_definition(kind: &StatementKind) -> Option<(&'static str, &'static str)> {
    const PARAMETER: &str = "make it a parameter of the definitions that need it";
    const ELSEWHERE: &str = "write it in the file that is compiled";
    match kind {
        StatementKind::Definition { .. } | StatementKind::Use { .. } => None,
        StatementKind::Dim { .. } => Some(("a dimension", PARAMETER)),
        StatementKind::Binding { value, .. } if is_input(value) => Some(("an input", PARAMETER)),
        StatementKind::Binding { .. } => {
            Some(("a name for a value", "write `def NAME() = …`, and `NAME()` where it is needed"))
        }
        StatementKind::Output(_) => Some(("an output", ELSEWHERE)),
        StatementKind::Fused { .. } => Some(("a block of outputs", ELSEWHERE)),
        StatementKind::Dtype(_) => Some(("a storage type", ELSEWHERE)),
        StatementKind::Numerics(_) => Some(("a setting", ELSEWHERE)),
    }
}

/// A library's name and text.
fn known(name: &Name) -> Result<(&'static str, &'static str), Box<Diagnostic>> {
    if let Some(row) = LIBRARIES.iter().find(|(known, _)| *known == name.text) {
        return Ok(*row);
    }
    let names: Vec<&str> = LIBRARIES.iter().map(|(known, _)| *known).collect();
    let help = match suggest(&name.text, names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!(
            "there is `{}`; a file of your own is used by its path, `use \"{}.kf\"`",
            names.join("`, `"),
            name.text
        ),
    };
    let message = format!("there is no library `{}`", name.text);
    Err(Box::new(Diagnostic::error(Code::UnknownLibrary, name.span, message).with_help(help)))
}

/// The text of a file, which has to be one: a device or a pipe might never end.
fn read_text(path: &Path) -> io::Result<String> {
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut text = String::new();
    // With the text that uses it, which is not empty, that is too much already.
    file.take(MAXIMUM_BYTES as u64).read_to_string(&mut text)?;
    Ok(text)
}

fn cannot_read(path: &Path, error: &io::Error, span: Span) -> Box<Diagnostic> {
    let why = match error.kind() {
        io::ErrorKind::InvalidData => "it is not text in UTF-8".to_owned(),
        _ => system_words(error),
    };
    let diagnostic = Diagnostic::error(Code::CannotRead, span, format!("cannot read `{}`: {why}", path.display()));
    let near = near_name(path).filter(|_| error.kind() == io::ErrorKind::NotFound);
    Box::new(match near {
        Some(near) => diagnostic.with_help(format!("there is a file `{near}`")),
        None if error.kind() == io::ErrorKind::NotFound => {
            diagnostic.with_help("a path begins at the folder of the file that says it")
        }
        None => diagnostic,
    })
}

/// The formula file in the same folder that may have been meant.
fn near_name(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names = std::fs::read_dir(folder).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> =
        names.filter(|name| Path::new(name).extension().is_some_and(|end| end == EXTENSION)).collect();
    names.sort_unstable();
    let wanted = path.file_name()?.to_str()?;
    let near = suggest(wanted, names.iter().map(String::as_str))?;
    (near != wanted).then(|| near.to_owned())
}
