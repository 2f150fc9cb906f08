//! Where is copied from, and into what.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::str::FromStr;

use rusqlite::Connection;

use super::super::{AdminError, read_only};
#[cfg(feature = "clickhouse")]
use super::remote;
use crate::config::Config;
use crate::query::copy::{self, Piece};
use crate::store::beside::Beside;
use crate::store::engine::Engine;
use crate::store::open_engine;

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
    Directory { name: String, connection: Connection, newest: i64 },
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
                if crate::store::outside::place(&connection)?.is_some() {
                    return Err(AdminError::LargeOutside(directory.clone()));
                }
                crate::store::outside::Source::default().define(&connection)?;
                let path = directory.canonicalize().unwrap_or_else(|_| directory.clone());
                connection.execute_batch("BEGIN")?;
                let newest = copy::newest(&connection)?;
                Ok(Self::Directory { name: path.display().to_string(), connection, newest })
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
            Self::Directory { connection, .. } => Ok(copy::events(connection, after)?),
            #[cfg(feature = "clickhouse")]
            Self::ClickHouse(remote) => Ok(remote.events(after)?),
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

/// Puts some of one kind together, with the number of the last.
pub(super) fn some<T>(numbered: Vec<(i64, T)>, wrap: impl FnOnce(i64, Vec<T>) -> Beside) -> Option<(i64, Beside)> {
    let last = numbered.last()?.0;
    Some((last, wrap(last, numbered.into_iter().map(|(_, one)| one).collect())))
}

/// A store that is written.
pub(super) struct Target {
    pub(super) engine: Box<dyn Engine>,
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
    pub(super) fn open(place: &Place) -> Result<Self, AdminError> {
        match place {
            Place::Directory(directory) => {
                let (engine, lock) = open_engine(&Config::new(directory))?;
                Ok(Self { engine, _lock: Taken::Directory { _lock: lock } })
            }
            #[cfg(feature = "clickhouse")]
            Place::Store(url) => {
                let identity = remote::Identity::new()?;
                let engine = remote::engine(url, &identity)?;
                Ok(Self { engine, _lock: Taken::Identity { _dir: identity } })
            }
            #[cfg(not(feature = "clickhouse"))]
            Place::Store(_) => Err(AdminError::NoClickHouse),
        }
    }

    /// Leaves it as tidy as can be.
    pub(super) fn close(self) {
        self.engine.close();
    }
}
