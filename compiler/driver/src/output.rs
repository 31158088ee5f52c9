//! Writing a result to where the user wants it: whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use keopsc_diagnostics::Code;

use crate::failure::Problem;

/// Puts bytes into a file. The file appears, or is replaced, in one step: no reader ever sees half of it, and a failure
/// leaves what was there before. A path to something that is no regular file (`/dev/null`, a pipe) is written into.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let place = final_place(path);
    let result = match std::fs::metadata(&place) {
        Ok(existing) if existing.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(existing) if !existing.is_file() => std::fs::write(&place, bytes),
        _ => replace(&place, bytes),
    };
    result.map_err(|error| problem(path, &error))
}

/// Where links lead, so that a link stays a link.
fn final_place(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The same for a path that no link stands at.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = temporary_beside(path)?;
    file.write_all(bytes)?;
    file.flush()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn temporary_beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".keopsc-").permissions(permissions(path));
    builder.tempfile_in(folder)
}

/// Those of any compiler's output, before the user's umask; a shared library is executable by custom.
fn permissions(path: &Path) -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    let is_library = path.extension().is_some_and(|extension| extension == "so");
    std::fs::Permissions::from_mode(if is_library { 0o777 } else { 0o666 })
}

fn problem(path: &Path, error: &io::Error) -> Problem {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.exists() => no_folder(path, folder),
        _ => Problem::file(Code::CannotWrite, "write", path, error),
    }
}

/// The folder that a file is to be written to is not there.
pub fn no_folder(path: &Path, folder: &Path) -> Problem {
    Problem::file(Code::CannotWrite, "write", path, &io::Error::from_raw_os_error(ENOENT))
        .with_help(format!("there is no folder `{}`", folder.display()))
}

/// "No such file or directory" on every Unix.
const ENOENT: i32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.so");
        write_file(&path, b"first").unwrap();
        write_file(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no/k.so");
        let problem = write_file(&path, b"").unwrap_err();
        let (path, folder) = (path.display(), folder.path().display());
        assert_eq!(
            problem.to_string(),
            format!(
                "error[E0302]: cannot write `{path}`: No such file or directory\n  \
                 = help: there is no folder `{folder}/no`"
            )
        );
    }

    #[test]
    fn a_folder_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let problem = write_file(folder.path(), b"").unwrap_err();
        assert!(problem.message.ends_with("is a directory"), "{problem}");
    }

    #[test]
    fn a_device_is_written_into_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt;
        write_file(Path::new("/dev/null"), b"bytes").unwrap();
        assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, b"old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write_file(&link, b"new").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
    }
}
