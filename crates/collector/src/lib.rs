//! The collector of `lastword`.
