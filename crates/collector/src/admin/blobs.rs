//! Large values that are kept outside of the store.

use std::path::Path;

use super::{AdminError, Finding, Report, read_only};
use crate::blobs::{self, Address, Away, Blobs, Unread, Value};
#[cfg(feature = "clickhouse")]
use crate::clickhouse;
use crate::config::Settings;
use crate::limits::BLOB_GETS_AT_ONCE;
#[cfg(feature = "clickhouse")]
use crate::limits::QUERY_TIMEOUT;
#[cfg(feature = "clickhouse")]
use crate::query::QueryError;
#[cfg(feature = "clickhouse")]
use crate::store;
use crate::store::{outside, outside_values};

/// The name of a store that is none, for what is put somewhere to see whether it can be.
const NO_STORE: &str = "doctor";

/// Puts a value where the settings say that large ones are kept, reads it and deletes it, and returns whether that could be done; nothing if that
/// place is the store.
pub async fn check_blobs(settings: &Settings) -> Option<Finding> {
    let url = settings.blobs.as_deref()?;
    Some(match try_out(url, settings).await {
        Ok(place) => Finding::ok(format!("{} keeps what is put there", place.shown())),
        Err(wrong) => wrong,
    })
}

/// Returns the place, or what is wrong with it.
async fn try_out(url: &str, settings: &Settings) -> Result<Blobs, Finding> {
    let opened = || -> Result<Blobs, crate::OpenBlobsError> {
        blobs::check(settings)?;
        Blobs::open(&url.parse::<Address>()?, settings.s3.endpoint.as_deref(), NO_STORE)
    };
    let mend = "mend `blobs` and `s3.endpoint` in the configuration";
    let place = opened().map_err(|error| Finding::wrong(error.to_string(), mend.to_owned()))?;
    let text = format!("\"{}\"", uuid::Uuid::new_v4());
    let (hash, bytes) = (blobs::hash_of(&text), text.len());
    let failed = |Away { found, advice }: Away| Finding::wrong(found, advice.to_owned());
    let pins = place.put(vec![Value { hash: hash.clone(), text: text.into() }]).await.map_err(failed)?;
    let (reader, name) = (place.clone(), hash.clone());
    let read = tokio::task::spawn_blocking(move || reader.get(&name, bytes)).await;
    drop(pins);
    place.delete(place.doom(&hash).into_iter().collect()).await.map_err(failed)?;
    match read {
        Ok(Ok(_)) => Ok(place),
        Ok(Err(Unread::Away(away))) => Err(failed(away)),
        Ok(Err(error)) => Err(Finding::wrong(
            format!("a value that was put to {} {error}", place.shown()),
            "see whether somebody else changes or deletes what is there".to_owned(),
        )),
        Err(error) => Err(Finding::wrong(error.to_string(), "ask again".to_owned())),
    }
}

/// Reads every large value that is kept outside of the store of a directory, and looks whether it is what its events name. `progress` is told how
/// many were read, of how many.
///
/// # Errors
///
/// There is no store, or the place of the values does not answer. What is wrong with values is in the report.
pub fn verify_blobs(dir: impl AsRef<Path>, mut progress: impl FnMut(u64, u64)) -> Result<Report, AdminError> {
    let connection = read_only(dir.as_ref())?;
    let (of, _) = outside_values(&connection)?;
    let mut found = Found::default();
    if let Some(place) = outside::place(&connection)?.filter(|_| of > 0) {
        let blobs = opened(&place)?;
        let mut find = connection.prepare("SELECT hash, outside FROM blobs WHERE outside > 0")?;
        let (mut rows, mut wanted) = (find.query([])?, Vec::new());
        loop {
            let row = rows.next()?;
            let is_last = row.is_none();
            if let Some(row) = row {
                let (hash, bytes): (String, i64) = (row.get(0)?, row.get(1)?);
                wanted.push((hash.into_boxed_str(), usize::try_from(bytes).unwrap_or(0)));
            }
            if is_last || wanted.len() >= BLOB_GETS_AT_ONCE {
                let missing = found.read(&blobs, std::mem::take(&mut wanted))?;
                found.missing += missing.len();
                progress(found.done, u64::try_from(of).unwrap_or(0));
            }
            if is_last {
                break;
            }
        }
    }
    Ok(found.report())
}

/// Likewise of a store in ClickHouse, that of this URL. Processes may write it: a value that goes with its last event meanwhile is not missing.
///
/// # Errors
///
/// As [`verify_blobs`], or the server does not answer.
#[cfg(feature = "clickhouse")]
pub fn verify_blobs_in(url: &str, mut progress: impl FnMut(u64, u64)) -> Result<Report, AdminError> {
    let client = clickhouse::open(url, None, QUERY_TIMEOUT).map_err(|why| QueryError::Refused(why.to_string()))?;
    clickhouse::check(&client).map_err(QueryError::from)?;
    let mut found = Found::default();
    let Some(place) = store::outside_place(&client).map_err(QueryError::from)? else { return Ok(found.report()) };
    let blobs = opened(&place)?;
    let hours = store::outside_hours(&client).map_err(QueryError::from)?;
    let of: u64 = hours.iter().map(|(_, values)| *values).sum();
    for (hour, _) in hours {
        let values = store::outside_values_of(&client, &hour).map_err(QueryError::from)?;
        for some in values.chunks(BLOB_GETS_AT_ONCE) {
            let missing = found.read(&blobs, some.to_vec())?;
            if !missing.is_empty() {
                let named = store::outside_named(&client, missing.iter().map(|hash| &**hash));
                found.missing += named.map_err(QueryError::from)?.len();
            }
            progress(found.done, of);
        }
    }
    Ok(found.report())
}

/// This program can't.
///
/// # Errors
///
/// Always.
#[cfg(not(feature = "clickhouse"))]
pub fn verify_blobs_in(_: &str, _: impl FnMut(u64, u64)) -> Result<Report, AdminError> {
    Err(AdminError::NoClickHouse)
}

fn opened(place: &outside::Place) -> Result<Blobs, AdminError> {
    place.open().map_err(|error| AdminError::Blobs(error.to_string()))
}

/// What was found of values.
#[derive(Debug, Default)]
struct Found {
    done: u64,
    missing: usize,
    changed: usize,
}

impl Found {
    /// Reads values, each by its name and its length, and returns those that are missing.
    fn read(&mut self, blobs: &Blobs, wanted: Vec<(Box<str>, usize)>) -> Result<Vec<Box<str>>, AdminError> {
        let mut missing = Vec::new();
        for ((hash, _), read) in wanted.clone().into_iter().zip(blobs.get_all(wanted)) {
            match read {
                Ok(_) => {}
                Err(Unread::Missing) => missing.push(hash),
                Err(Unread::Changed) => self.changed += 1,
                Err(Unread::Away(away)) => return Err(AdminError::Blobs(away.to_string())),
            }
            self.done += 1;
        }
        Ok(missing)
    }

    fn report(self) -> Report {
        let told = [
            ("large values are missing in the object store", self.missing),
            ("large values were changed in the object store", self.changed),
        ];
        let problems: Vec<_> =
            told.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{what}: {count}")).collect();
        Report { ok: problems.is_empty(), problems }
    }
}
