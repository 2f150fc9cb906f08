//! No spool: where the system has no files as it needs them, and in models.

use std::path::Path;
use std::time::Duration;

use super::Trimmed;
use super::error::SpoolError;
use super::label::Label;
use crate::clock::Timestamp;
use crate::queue::{Bounds, Durability, Ring};

/// A spool: there is none.
#[derive(Debug, Clone)]
pub(crate) enum Spool {}

impl Spool {
    pub(crate) const fn open(_: &Path, _: u64, _: Duration) -> Result<Self, SpoolError> {
        Err(SpoolError::Unsupported)
    }

    pub(crate) const fn existing(_: &Path, _: u64, _: Duration) -> Result<Self, SpoolError> {
        Err(SpoolError::Unsupported)
    }

    pub(crate) const fn trim(&self, _: u64, _: Timestamp) -> Result<Trimmed, SpoolError> {
        match *self {}
    }

    pub(crate) const fn sync(&self, _: &Ring) -> Result<(), SpoolError> {
        match *self {}
    }

    pub(crate) const fn create(&self, _: &Label, _: &Bounds, _: u64, _: Durability) -> Result<Ring, SpoolError> {
        match *self {}
    }
}
