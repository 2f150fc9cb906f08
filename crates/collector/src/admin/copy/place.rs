//! Where is copied from, and into what.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rusqlite::Connection;

use super::super::{AdminError, read_only};
#[cfg(feature = "clickhouse")]
use super::remote;
use crate::blobs;
use crate::config::{Config, Settings};
use crate::error::OpenError;
use crate::query::copy::{self, Large, Piece, Unread};
use crate::store::beside::Beside;
use crate::store::engine::Engine;
use crate::store::{Alone, Indexed, WriteError, open_engine, outside};

/// A store: the data directory of a collector, or a database of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A data directory.
    Directory(PathBuf),
    /// A store in ClickHouse, `clickhouse://USER@HOST:8123/DATABASE`.
    Store(String),
}

impl FromStr for Place {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_url = text.contains("://");
        Ok(if is_url { Self::Store(text.to_owned()) } else { Self::Directory(PathBuf::from(text)) })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(directory) => directory.display().fmt(f),
            Self::Store(url) => f.write_str(&crate::without_login(url)),
        }
    }
}

/// What there is beside events.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Sessions,
    Users,
    Marks,
    Series,
    Trail,
}

/// A store that is read as it is at one moment.
pub(super) enum Source {
    /// Within a transaction that only reads: nobody waits for it, and what comes meanwhile is not seen.
    Directory { name: String, dir: PathBuf, connection: Connection, newest: i64 },
    /// Up to a row.
    #[cfg(feature = "clickhouse")]
    ClickHouse(remote::Remote),
}

impl Source {
    /// Opens what is copied.
    pub(super) fn open(place: &Place) -> Result<Self, AdminError> {
        match place {
            Place::Directory(directory) => {
                let connection = read_only(directory)?;
                outside::Source::of_whole().define(&connection)?;
                let path = directory.canonicalize().unwrap_or_else(|_| directory.clone());
                connection.execute_batch("BEGIN")?;
                let newest = copy::newest(&connection)?;
                Ok(Self::Directory { name: path.display().to_string(), dir: directory.clone(), connection, newest })
            }
            #[cfg(feature = "clickhouse")]
            Place::Store(url) => Ok(Self::ClickHouse(remote::Remote::open(url, false)?)),
            #[cfg(not(feature = "clickhouse"))]
            Place::Store(_) => Err(AdminError::NoClickHouse),
        }
    }

    /// Opens what was copied into, which nobody else writes: all that is there is seen.
    pub(super) fn open_copy(place: &Place) -> Result<Self, AdminError> {
        match place {
            #[cfg(feature = "clickhouse")]
            Place::Store(url) => Ok(Self::ClickHouse(remote::Remote::open(url, true)?)),
            place => Self::open(place),
        }
    }

    /// By what a target knows it again.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Directory { name, .. } => name,
            #[cfg(feature = "clickhouse")]
            Self::ClickHouse(remote) => remote.name(),
        }
    }

    /// The row of its newest event, 0 where there is none.
    pub(super) const fn newest(&self) -> i64 {
        match self {
            Self::Directory { newest, .. } => *newest,
            #[cfg(feature = "clickhouse")]
            Self::ClickHouse(remote) => remote.newest(),
        }
    }

    /// Returns how many events there are.
    pub(super) fn count(&self) -> Result<u64, AdminError> {
        match self {
            Self::Directory { connection, .. } => Ok(copy::count(connection)?),
            #[cfg(feature = "clickhouse")]
            Self::ClickHouse(remote) => Ok(remote.count()?),
        }
    }

    /// Returns some of the events behind a row, in their order.
    pub(super) fn events(&self, after: i64) -> Result<Vec<Piece>, AdminError> {
        match self {
            Self::Directory { dir, connection, .. } => {
                copy::events(connection, after).map_err(|error| unread(dir, error))
            }
            #[cfg(feature = "clickhouse")]
            Self::ClickHouse(remote) => remote.events(after).map_err(|error| unread(Path::new(remote.name()), error)),
        }
    }

    /// Returns some of what is beside the events, from behind a number on, and the number of the last; `None` if there is no more.
    pub(super) fn beside(&self, kind: Kind, key: &str, after: i64) -> Result<Option<(i64, Beside)>, AdminError> {
        let connection = match self {
            Self::Directory { connection, .. } => connection,
            #[cfg(feature = "clickhouse")]
            Self::ClickHouse(remote) => return Ok(remote.beside(kind, key, after)?),
        };
        Ok(match kind {
            Kind::Sessions => some(copy::sessions(connection, after)?, |_, all| Beside::Sessions(all)),
            Kind::Users => some(copy::users(connection, after)?, |_, all| Beside::Users(all)),
            Kind::Marks => some(copy::marks(connection, after)?, |_, all| Beside::Marks(all)),
            Kind::Series => some(copy::series(connection, after)?, |_, all| Beside::Series(all)),
            Kind::Trail => some(copy::trail(connection, after)?, |last, entries| Beside::Trail {
                key: key.to_owned(),
                last,
                entries,
            }),
        })
    }

    /// Returns how many points of metrics it has of which a store in ClickHouse has nothing: points are read from events there.
    pub(super) fn points_without_events(&self) -> Result<u64, AdminError> {
        match self {
            Self::Directory { connection, .. } => Ok(copy::points_without_events(connection)?),
            #[cfg(feature = "clickhouse")]
            Self::ClickHouse(_) => Ok(0),
        }
    }

    /// Returns whether there is more by now than when it was opened.
    pub(super) fn has_more(self) -> Result<bool, AdminError> {
        match self {
            Self::Directory { connection, newest, .. } => {
                connection.execute_batch("COMMIT")?;
                Ok(copy::newest(&connection)? > newest)
            }
            #[cfg(feature = "clickhouse")]
            Self::ClickHouse(remote) => Ok(remote.has_more()?),
        }
    }
}

/// Says of which event a large value could not be read, and where.
fn unread(dir: &Path, error: Unread) -> AdminError {
    let large = match error {
        Unread::Store(error) => return error.into(),
        #[cfg(feature = "clickhouse")]
        Unread::Remote(error) => return error.into(),
        Unread::Large(large) => *large,
    };
    let (dir, Large { session, event, is_lost, why }) = (dir.to_owned(), large);
    if is_lost {
        AdminError::LargeLost { dir, session, event, why }
    } else {
        AdminError::LargeAway { dir, session, event, why }
    }
}

/// Puts some of one kind together, with the number of the last.
pub(super) fn some<T>(numbered: Vec<(i64, T)>, wrap: impl FnOnce(i64, Vec<T>) -> Beside) -> Option<(i64, Beside)> {
    let last = numbered.last()?.0;
    Some((last, wrap(last, numbered.into_iter().map(|(_, one)| one).collect())))
}

/// A store that is written.
pub(super) struct Target {
    pub(super) engine: Box<dyn Engine>,
    /// Where its large values go, if they are not in it.
    blobs: Option<outside::Putting>,
    _lock: Taken,
}

/// What is taken while a target is written.
enum Taken {
    Directory {
        _lock: File,
    },
    #[cfg(feature = "clickhouse")]
    Identity {
        _dir: remote::Identity,
    },
}

impl Target {
    /// Opens it. Of the settings those count that say where large values go.
    pub(super) fn open(place: &Place, settings: &Settings) -> Result<Self, AdminError> {
        blobs::check(settings).map_err(OpenError::Blobs)?;
        match place {
            Place::Directory(directory) => {
                let Alone { engine, blobs, lock } = open_engine(&Config::with_settings(directory, settings.clone()))?;
                Ok(Self { engine, blobs, _lock: Taken::Directory { _lock: lock } })
            }
            #[cfg(feature = "clickhouse")]
            Place::Store(url) => {
                let identity = remote::Identity::new()?;
                let (engine, blobs) = remote::engine(url, &identity, settings)?;
                Ok(Self { engine, blobs, _lock: Taken::Identity { _dir: identity } })
            }
            #[cfg(not(feature = "clickhouse"))]
            Place::Store(_) => Err(AdminError::NoClickHouse),
        }
    }

    /// Stores events, of which those that are there already count for nothing, and returns how many are new.
    pub(super) fn store(&mut self, mut group: Vec<Indexed>) -> Result<u64, AdminError> {
        // Before anything names them, and until something does.
        let pins = self.blobs.as_ref().map(|blobs| blobs.put_now(&mut group)).transpose();
        let _pins = pins.map_err(WriteError::from)?;
        let stored = self.engine.commit(&[&group])?;
        Ok(stored.iter().map(|stored| stored.accepted as u64).sum())
    }

    /// Leaves it as tidy as can be.
    pub(super) fn close(self) {
        self.engine.close();
    }
}
