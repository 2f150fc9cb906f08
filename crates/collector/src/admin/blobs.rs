//! Large values that are kept outside of the store.

use std::path::Path;

use super::{AdminError, Finding, Report, read_only};
use crate::blobs::{self, Address, Away, Blobs, Unread, Value};
use crate::config::Settings;
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
    let (mut done, mut missing, mut changed) = (0, 0, 0);
    if let Some(place) = outside::place(&connection)?.filter(|_| of > 0) {
        let blobs = place.open().map_err(|error| AdminError::Blobs(error.to_string()))?;
        let mut find = connection.prepare("SELECT hash, outside FROM blobs WHERE outside > 0")?;
        let mut rows = find.query([])?;
        while let Some(row) = rows.next()? {
            let (hash, bytes): (String, i64) = (row.get(0)?, row.get(1)?);
            match blobs.get(&hash, usize::try_from(bytes).unwrap_or(0)) {
                Ok(_) => {}
                Err(Unread::Missing) => missing += 1,
                Err(Unread::Changed) => changed += 1,
                Err(Unread::Away(away)) => return Err(AdminError::Blobs(away.to_string())),
            }
            done += 1;
            progress(done, u64::try_from(of).unwrap_or(0));
        }
    }
    let told = [
        ("large values are missing in the object store", missing),
        ("large values were changed in the object store", changed),
    ];
    let problems: Vec<_> =
        told.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{what}: {count}")).collect();
    Ok(Report { ok: problems.is_empty(), problems })
}
