//! Indented text, line by line.

/// Text under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    text: String,
    depth: usize,
}

impl Lines {
    /// No lines yet, indented as deep as what comes next in `self`.
    pub(crate) fn nested(&self) -> Lines {
        Lines { text: String::new(), depth: self.depth + 1 }
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) {
        for _ in 0..self.depth {
            self.text.push_str("    ");
        }
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    /// Adds an empty line.
    pub(crate) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Adds a line that begins a block.
    pub(crate) fn open(&mut self, line: impl AsRef<str>) {
        self.line(line);
        self.depth += 1;
    }

    /// Adds a line that ends a block.
    pub(crate) fn close(&mut self, line: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.line(line);
    }

    /// Adds lines that were made by [`Lines::nested`].
    pub(crate) fn append(&mut self, lines: &Lines) {
        self.text.push_str(&lines.text);
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}
