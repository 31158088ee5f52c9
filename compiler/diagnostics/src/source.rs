//! The texts that diagnostics point into. Files stand one after the other, so that a place is one number whichever file it is in.
//!
//! ```text
//! gauss.kf  0 … 57    x = Vi(3) …
//! stats.kf  58 … 99   def Density(x, y) = …       a place 60 is the third byte of stats.kf
//! ```

/// The text of a formula file and, after it, those of the files that it uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    text: String,
    files: Vec<File>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    name: String,
    start: usize,
}

impl Source {
    /// One file. `name` is what the user calls it: a path, or `-e` for the command line.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source { text: text.into(), files: vec![File { name: name.into(), start: 0 }] }
    }

    /// Puts one more file behind the others, and says at which byte it begins.
    pub fn add(&mut self, name: impl Into<String>, text: &str) -> usize {
        // The end of a file is not the beginning of the next.
        self.text.push('\n');
        let start = self.text.len();
        self.text.push_str(text);
        self.files.push(File { name: name.into(), start });
        start
    }

    /// All texts, with a line end between one and the next.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names and texts of all files, that of the formula first.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        (0..self.files.len()).map(|number| (self.files[number].name.as_str(), self.file_text(number)))
    }

    /// The number of the file that a byte is in, and the byte's place there, on the boundary of a character at or before it.
    pub(crate) fn locate(&self, offset: u32) -> (usize, usize) {
        let offset = self.text.floor_char_boundary(offset as usize);
        let number = self.files.partition_point(|file| file.start <= offset).saturating_sub(1);
        let start = self.files.get(number).map_or(0, |file| file.start);
        (number, (offset - start).min(self.file_text(number).len()))
    }

    pub(crate) fn file_name(&self, number: usize) -> &str {
        self.files.get(number).map_or("", |file| &file.name)
    }

    pub(crate) fn file_text(&self, number: usize) -> &str {
        let start = self.files.get(number).map_or(0, |file| file.start);
        let end = self.files.get(number + 1).map_or(self.text.len(), |next| next.start - 1);
        &self.text[start..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_several_files() {
        let mut source = Source::new("a", "é");
        assert_eq!(source.add("b", ""), 3);
        assert_eq!(source.add("c", "xy"), 4);
        assert_eq!(source.files().collect::<Vec<_>>(), [("a", "é"), ("b", ""), ("c", "xy")]);
        let places = [(0, 0), (0, 0), (0, 2), (1, 0), (2, 0), (2, 1), (2, 2), (2, 2)];
        assert_eq!((0..8).map(|offset| source.locate(offset)).collect::<Vec<_>>(), places);
    }
}
