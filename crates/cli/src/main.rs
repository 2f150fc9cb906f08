//! The binary of `lastword`.
fn main() {}
