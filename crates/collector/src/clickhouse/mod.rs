//! ClickHouse, as a store has to do with it: where it is, how it is asked, what its tables are, and whose turn is which row.
//!
//! Over its own HTTP: rows go in as `RowBinary` and come back as JSON. Nothing here knows events.

use std::path::Path;
use std::time::Duration;

mod claims;
mod client;
mod error;
#[cfg(test)]
mod gate;
pub(crate) mod identity;
mod inspect;
#[cfg(test)]
mod live;
mod location;
mod numbers;
mod row_binary;
pub(crate) mod schema;
mod sql;
mod tables;
#[cfg(test)]
mod tests;
mod writers;

pub(crate) use client::Client;
pub(crate) use error::Error;
#[cfg(test)]
pub(crate) use gate::Gate;
pub(crate) use inspect::{inspect, unopened};
#[cfg(test)]
pub(crate) use live::Live;
pub(crate) use location::{Location, LocationError};
pub(crate) use numbers::{ROW_BITS, row_at, us_of};
pub(crate) use row_binary::RowBinary;
pub(crate) use schema::check;
pub(crate) use sql::Sql;
#[cfg(test)]
pub(crate) use writers::Spans;
pub(crate) use writers::{Lease, NOW, watermark};

/// Makes a client of the server of a URL, with the password of the file if one is named. Nothing is asked yet.
///
/// # Errors
///
/// The URL is none, or the file can't be read.
pub(crate) fn open(url: &str, password_file: Option<&Path>, patience: Duration) -> Result<Client, Unopened> {
    Ok(Client::new(Location::parse(url)?.with_password_of(password_file)?, patience)?)
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unopened {
    /// It is not known where to ask.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The client can't be made.
    #[error(transparent)]
    Client(#[from] Error),
}
