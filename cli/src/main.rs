//! keopsc
fn main() {}
