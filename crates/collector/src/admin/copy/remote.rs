//! A store in ClickHouse that is copied, or copied into.

use std::fs::{self, DirBuilder};
use std::path::PathBuf;

use uuid::Uuid;

use super::super::AdminError;
use super::place::{Kind, some};
use crate::clickhouse::{self, Client};
use crate::config::Settings;
use crate::error::OpenError;
use crate::limits::QUERY_TIMEOUT;
use crate::query::QueryError;
use crate::query::clickhouse::copy::{self, Window};
use crate::query::copy::{Piece, Unread};
use crate::store::beside::Beside;
use crate::store::engine::Engine;
use crate::store::outside::{Putting, Source};
use crate::store::remote_engine;

/// A store that is read up to a row.
pub(super) struct Remote {
    name: String,
    remote: crate::query::clickhouse::Remote,
    window: Window,
    until: i64,
    newest: i64,
}

impl Remote {
    /// Opens it. Of one that is all ours it is not asked how far others are.
    pub(super) fn open(url: &str, is_ours: bool) -> Result<Self, AdminError> {
        let client = client(url)?;
        clickhouse::check(&client).map_err(QueryError::from)?;
        let name = client.location().to_string();
        let remote = crate::query::clickhouse::Remote::new(client, String::new(), Source::of_whole());
        let until = if is_ours { i64::MAX } else { remote.mark()?.saturating_sub(1) };
        let newest = copy::newest(&remote, until)?;
        Ok(Self { name, remote, window: Window::default(), until: newest, newest })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn newest(&self) -> i64 {
        self.newest
    }

    pub(super) fn count(&self) -> Result<u64, QueryError> {
        copy::count(&self.remote, self.until)
    }

    pub(super) fn events(&self, after: i64) -> Result<Vec<Piece>, Unread> {
        copy::events(&self.remote, &self.window, after, self.until)
    }

    /// Sessions come in pages, all else at once.
    pub(super) fn beside(&self, kind: Kind, key: &str, after: i64) -> Result<Option<(i64, Beside)>, QueryError> {
        let remote = &self.remote;
        let beside = match kind {
            Kind::Sessions => return Ok(some(copy::sessions(remote, after)?, |_, all| Beside::Sessions(all))),
            _ if after > 0 => return Ok(None),
            Kind::Users => Beside::Users(copy::users(remote)?),
            Kind::Marks => Beside::Marks(copy::marks(remote)?),
            // What they say their events say again.
            Kind::Series => return Ok(None),
            Kind::Trail => {
                let entries = copy::trail(remote)?;
                let last = entries.last().map_or(0, |entry| entry.number);
                Beside::Trail { key: key.to_owned(), last, entries }
            }
        };
        Ok((beside.len() > 0).then_some((i64::MAX, beside)))
    }

    pub(super) fn has_more(&self) -> Result<bool, QueryError> {
        Ok(copy::newest(&self.remote, i64::MAX)? > self.newest)
    }
}

/// A directory of this process alone, in which stands who it is to the server; removed with it.
pub(super) struct Identity(PathBuf);

impl Identity {
    pub(super) fn new() -> Result<Self, AdminError> {
        let path = std::env::temp_dir().join(format!("lastword-copy-{}", Uuid::new_v4().simple()));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|source| AdminError::File { path: path.clone(), source })?;
        Ok(Self(path))
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        // What is left of it says nothing to anybody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Opens a store to write it.
pub(super) fn engine(
    url: &str,
    identity: &Identity,
    settings: &Settings,
) -> Result<(Box<dyn Engine>, Option<Putting>), AdminError> {
    Ok(remote_engine(&client(url)?, &identity.0, settings)?)
}

fn client(url: &str) -> Result<Client, AdminError> {
    let opened = clickhouse::open(url, None, QUERY_TIMEOUT);
    Ok(opened.map_err(|error| OpenError::Store { at: crate::without_login(url), why: error.to_string() })?)
}
