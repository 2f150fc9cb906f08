//! What stands for the object store in a program that is built without it: it can't be opened.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Address, Away, Doomed, OpenBlobsError, Pins, Unread, Value};
use crate::stats::Blobbing;

/// An object store that there is none of.
#[derive(Clone, Debug)]
pub(crate) struct Blobs(Infallible);

impl Blobs {
    pub(crate) fn open(_: &Address, _: Option<&str>, _: &str) -> Result<Self, OpenBlobsError> {
        Err(OpenBlobsError::NotBuilt)
    }

    pub(crate) fn shown(&self) -> &str {
        match self.0 {}
    }

    pub(crate) fn counted(&self) -> &Blobbing {
        match self.0 {}
    }

    pub(crate) async fn put(&self, _: Vec<Value>) -> Result<Pins, Away> {
        match self.0 {}
    }

    pub(crate) fn put_now(&self, _: Vec<Value>) -> Result<Pins, Away> {
        match self.0 {}
    }

    pub(crate) fn get(&self, _: &str, _: usize) -> Result<Arc<str>, Unread> {
        match self.0 {}
    }

    pub(crate) fn get_all(&self, _: Vec<(Box<str>, usize)>) -> Vec<Result<Arc<str>, Unread>> {
        match self.0 {}
    }

    pub(crate) fn doom(&self, _: &str) -> Option<Doomed> {
        match self.0 {}
    }

    pub(crate) async fn delete(&self, _: Vec<Doomed>) -> Result<Vec<Box<str>>, Away> {
        match self.0 {}
    }

    pub(crate) fn delete_now(&self, _: Vec<Doomed>) -> Result<Vec<Box<str>>, Away> {
        match self.0 {}
    }

    pub(crate) fn list(&self, _: i64) -> mpsc::Receiver<Result<Vec<Box<str>>, Away>> {
        match self.0 {}
    }

    pub(crate) async fn ping(&self) -> Result<(), Away> {
        match self.0 {}
    }
}
