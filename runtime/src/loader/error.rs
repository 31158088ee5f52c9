//! Why a library could not be opened.

use crate::abi::{ABI_VERSION, MODULE_SYMBOL};
use std::fmt;
use std::path::PathBuf;

/// Why a library could not be opened.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The file is not a whole shared library for this machine.
    NotALibrary {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system's loader refuses it.
    Open {
        /// The file.
        path: PathBuf,
        /// What the loader says.
        reason: String,
    },
    /// A shared library, but not from `keopsc`.
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Made for another version of the ABI.
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// What it says about itself does not fit together.
    Malformed {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Read { path, error } => write!(f, "cannot read {}: {error}", path.display()),
            LoadError::NotALibrary { path, reason } => {
                write!(f, "{} is not a shared library for this machine: {reason}; compile it again", path.display())
            }
            LoadError::Open { path, reason } => write!(f, "cannot load {}: {reason}", path.display()),
            LoadError::Foreign { path } => {
                write!(f, "{} was not made by keopsc: it has no symbol {MODULE_SYMBOL}", path.display())
            }
            LoadError::Version { path, found } => write!(
                f,
                "{} has version {found} of the binary interface, this program knows version {ABI_VERSION}; compile it again",
                path.display()
            ),
            LoadError::Malformed { path, reason } => {
                write!(f, "{} is damaged: {reason}; compile it again", path.display())
            }
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LoadError::Read { error, .. } => Some(error),
            _ => None,
        }
    }
}
