//! Where what is asked for is stored, and how a question is put to it.

use super::directory::Directory;

/// Where a reader reads.
#[derive(Debug)]
pub(super) enum Source {
    /// A database in a directory of this machine.
    Directory(Directory),
}

/// Puts a question to a reader's source: each kind of source has a function of this name, in a module of this name, that answers it.
macro_rules! ask {
    ($reader:expr, $module:ident::$question:ident($($given:expr),* $(,)?)) => {
        match &$reader.source {
            Source::Directory(directory) => {
                directory.with(|connection| Ok($module::$question(connection, $($given),*)?))
            }
        }
    };
}
pub(super) use ask;
