//! ClickHouse, as a store has to do with it: where it is, how it is asked, what its tables are, and whose turn is which row.
//!
//! Over its own HTTP: rows go in as `RowBinary` and come back as JSON. Nothing here knows events.

mod client;
mod error;
mod location;
mod row_binary;
mod sql;

pub(crate) use client::Client;
pub(crate) use error::Error;
pub(crate) use location::{Location, LocationError};
pub(crate) use row_binary::RowBinary;
pub(crate) use sql::Sql;
