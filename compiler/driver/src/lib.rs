//! From formula text to a finished library on disk: what surrounds the compiler proper.
//!
//! ```text
//! formula     texts ─▶ trees: a file with those that it uses
//! session     trees ─▶ plans ─▶ objects ─▶ library: the stages in order
//! options     what a user sets from outside        targets   what code can be made for
//! emit        what `--emit` prints                 explain   plans in words
//! names     of libraries and of C parameters         cost      operations saved, in numbers
//! manifest    plans ─▶ manifest                    header    manifest ─▶ C header
//! device      text of kernels ─▶ code for GPUs, by NVIDIA's compilers
//! link        objects ─▶ shared library            cache     key ─▶ path of a library
//! tune        plans ─▶ the tiles that are fastest on this machine
//! reference   the tables of operations, reductions and codes ─▶ the reference pages, with computed examples
//! depfile     what a library was made of, for make and CMake
//! output      bytes ─▶ file, whole or not at all   failure   why not, and whose turn it is
//! ```
//!
//! Invariants: the bytes of a library depend on the texts of the formula and the files that it uses, the options and this compiler alone, not on time,
//! folder, environment or the order of threads. What is written is written in one step.

#![forbid(unsafe_code)]

pub mod cache;
mod cost;
pub mod depfile;
pub mod device;
pub mod emit;
mod explain;
pub mod failure;
pub mod formula;
pub mod header;
mod layout;
pub mod link;
mod manifest;
pub mod names;
pub mod options;
pub mod output;
pub mod reference;
pub mod session;
pub mod targets;
pub mod tune;
