//! Is a file a whole shared library? The system's loader maps a truncated one and then dies of a bus error; this looks first.

use super::LoadError;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

const HEADER_BYTES: u64 = 64;
const SHARED_OBJECT: u16 = 3;
const PROGRAM_HEADER_BYTES: u16 = 56;
const SECTION_HEADER_BYTES: u16 = 64;
const SECTION_WITHOUT_BYTES: u32 = 8;

/// This machine's number in ELF headers.
const MACHINE: u16 = if cfg!(target_arch = "x86_64") { 62 } else { 183 };

/// Whether a file is a whole shared library for this machine: checks the header, and that all segments and sections lie inside the file. Nothing
/// of it is run.
pub fn check(path: &Path) -> Result<(), LoadError> {
    let read = |error| LoadError::Read { path: path.to_owned(), error };
    let file = File::open(path).map_err(read)?;
    let metadata = file.metadata().map_err(read)?;
    let refuse = |reason: String| LoadError::NotALibrary { path: path.to_owned(), reason };
    if !metadata.is_file() {
        return Err(refuse("it is not a file".into()));
    }
    match defect(&Image { file, size: metadata.len() }) {
        Ok(None) => Ok(()),
        Ok(Some(reason)) => Err(refuse(reason)),
        Err(error) => Err(read(error)),
    }
}

struct Image {
    file: File,
    size: u64,
}

impl Image {
    fn contains(&self, offset: u64, size: u64) -> bool {
        offset.checked_add(size).is_some_and(|end| end <= self.size)
    }
}

/// A part of the file in memory, with numbers at offsets inside it.
struct Part(Vec<u8>);

impl Part {
    fn read(image: &Image, offset: u64, size: u64) -> io::Result<Part> {
        let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        image.file.read_exact_at(&mut bytes, offset)?;
        Ok(Part(bytes))
    }

    fn number<const BYTES: usize>(&self, at: usize) -> [u8; BYTES] {
        self.0.get(at..at + BYTES).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; BYTES])
    }

    fn half(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.number(at))
    }

    fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.number(at))
    }

    fn long(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.number(at))
    }
}

/// What is wrong with the file, in words.
fn defect(image: &Image) -> io::Result<Option<String>> {
    if image.size < HEADER_BYTES {
        return Ok(Some(format!("it has {} bytes only", image.size)));
    }
    let header = Part::read(image, 0, HEADER_BYTES)?;
    if !header.0.starts_with(b"\x7fELF") {
        return Ok(Some("it is not an ELF file".into()));
    }
    if header.number::<2>(4) != [2, 1] {
        return Ok(Some("it is not 64-bit little-endian".into()));
    }
    if header.half(16) != SHARED_OBJECT {
        return Ok(Some("it is an ELF file of another kind".into()));
    }
    if header.half(18) != MACHINE {
        return Ok(Some(format!("it is for machine {}, this is machine {MACHINE}", header.half(18))));
    }
    let segments =
        Table { offset: header.long(32), entry: header.half(54), count: header.half(56), wanted: PROGRAM_HEADER_BYTES };
    let sections =
        Table { offset: header.long(40), entry: header.half(58), count: header.half(60), wanted: SECTION_HEADER_BYTES };
    let segment = |part: &Part, at: usize| Some((part.long(at + 8), part.long(at + 32)));
    let section = |part: &Part, at: usize| {
        let has_bytes = part.word(at + 4) != SECTION_WITHOUT_BYTES;
        has_bytes.then(|| (part.long(at + 24), part.long(at + 32)))
    };
    if segments.count == 0 {
        return Ok(Some("it has no segments".into()));
    }
    let whole = segments.lies_inside(image, segment)? && sections.lies_inside(image, section)?;
    Ok((!whole).then(|| format!("it is cut off: {} bytes are too few for its contents", image.size)))
}

/// A table of headers.
struct Table {
    offset: u64,
    entry: u16,
    count: u16,
    wanted: u16,
}

impl Table {
    /// Whether the table and everything that it points to lie inside the file.
    fn lies_inside(&self, image: &Image, extent: impl Fn(&Part, usize) -> Option<(u64, u64)>) -> io::Result<bool> {
        if self.count == 0 {
            return Ok(true);
        }
        let size = u64::from(self.entry) * u64::from(self.count);
        if self.entry < self.wanted || !image.contains(self.offset, size) {
            return Ok(false);
        }
        let part = Part::read(image, self.offset, size)?;
        let mut extents =
            (0..usize::from(self.count)).filter_map(|number| extent(&part, number * usize::from(self.entry)));
        Ok(extents.all(|(offset, size)| image.contains(offset, size)))
    }
}
