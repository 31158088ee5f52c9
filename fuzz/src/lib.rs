//! What the fuzz targets share.

pub mod bytes;
pub mod front_end;
pub mod guarded;
pub mod mutate;
