//! Large values that are kept outside of the store: where, and how they are read, deleted and cleared up.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, OptionalExtension, params};

use super::index::{Facts, Indexed, Outside};
use super::{Queue, WriteError};
use crate::blobs::{self, Address, Away, Blobs, OpenBlobsError, Pins, Unread, Value};
use crate::clock;
use crate::config::Settings;
use crate::limits::{BLOB_COPY_PAUSE, BLOB_COPY_RETRIES, BLOB_ORPHAN_AGE, BLOBS_AT_ONCE};

/// The function of SQL that reads a value by its hash and its length.
const READ: &str = "outside";

/// How an error begins of a value that could not be read now. It is known by that again behind SQLite, which hands on a text and no more.
const AWAY: &str = "a large value can't be read: ";
/// How one begins of a value that is not there any more, or not as it was.
const LOST: &str = "a large value is lost: ";

/// Why the text of an event is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble<'e> {
    /// The object store does not answer.
    Away(&'e str),
    /// It has no such object, or another one. Only those are told so who want each event as it was: see [`Source::of_whole`].
    Lost(&'e str),
}

/// Returns whether SQLite failed because a value outside of it could not be read, and why that was.
pub(crate) fn trouble(error: &rusqlite::Error) -> Option<Trouble<'_>> {
    let rusqlite::Error::SqliteFailure(_, Some(said)) = error else { return None };
    let away = said.strip_prefix(AWAY).map(Trouble::Away);
    away.or_else(|| said.strip_prefix(LOST).map(Trouble::Lost))
}

/// Where large values are.
#[derive(Debug, Clone)]
pub(crate) struct Keeping {
    pub(crate) blobs: Blobs,
    /// Whether those that come are put there too, or only those of before are.
    takes: bool,
}

/// A place as the store remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) url: String,
    endpoint: Option<String>,
    /// The name of the store.
    store: String,
}

impl Place {
    pub(crate) fn open(&self) -> Result<Blobs, OpenBlobsError> {
        Blobs::open(&self.url.parse::<Address>()?, self.endpoint.as_deref(), &self.store)
    }
}

impl Keeping {
    /// Opens the place that the settings name, and has the store remember it; or else the one that it remembers, because values may be there still.
    ///
    /// # Errors
    ///
    /// The one that the settings name can't be opened, or SQLite fails.
    pub(super) fn open(connection: &mut Connection, settings: &Settings) -> Result<Option<Self>, KeepingError> {
        let known = place(connection)?;
        let Some(url) = &settings.blobs else {
            let opened = known.map(|place| place.open()).transpose();
            return Ok(opened.map_or_else(
                |error| {
                    tracing::warn!(%error, "large values of before can't be read");
                    None
                },
                |blobs| blobs.map(|blobs| Self { blobs, takes: false }),
            ));
        };
        let address: Address = url.parse()?;
        let wanted = Place {
            url: address.to_string(),
            endpoint: settings.s3.endpoint.clone(),
            store: super::open::name(connection)?,
        };
        let blobs = wanted.open()?;
        if known.as_ref() != Some(&wanted) {
            if let Some(known) = known {
                tracing::warn!(before = %known.url, now = %wanted.url, "large values are kept elsewhere now: those of before must be moved there");
            }
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM outside", [])?;
            transaction
                .execute("INSERT INTO outside (url, endpoint) VALUES (?, ?)", params![wanted.url, wanted.endpoint])?;
            transaction.commit()?;
        }
        Ok(Some(Self { blobs, takes: true }))
    }

    /// Likewise, for whoever goes on with what was begun: values go where others of the store are already, and nowhere else.
    ///
    /// # Errors
    ///
    /// The settings name another place, or one that can't be opened, or SQLite fails.
    pub(super) fn open_same(connection: &mut Connection, settings: &Settings) -> Result<Option<Blobs>, KeepingError> {
        if let (Some(known), Some(url)) = (place(connection)?, &settings.blobs)
            && url.parse::<Address>()?.to_string() != known.url
        {
            let value = url.chars().take(128).collect();
            let right = "this store has large values elsewhere already: leave it out, and they go there";
            return Err(OpenBlobsError::Setting { key: "blobs", value, right }.into());
        }
        Ok(Self::open(connection, settings)?.map(|keeping| keeping.blobs))
    }

    /// Returns where those values go that come.
    pub(super) fn takes(&self) -> Option<&Blobs> {
        self.takes.then_some(&self.blobs)
    }

    /// Deletes values that no event names any more, and returns how many. A trouble of the object store is told, and left for the next time.
    ///
    /// # Errors
    ///
    /// The writer can't be asked.
    pub(super) async fn delete_unnamed(&self, queue: &Queue) -> Result<usize, WriteError> {
        let mut deleted = 0;
        loop {
            let unnamed = queue.edit(|engine| engine.unnamed(BLOBS_AT_ONCE)).await?;
            let gone = self.delete(queue, unnamed).await?;
            // Those that are left are brought again just now, or can't be deleted.
            if gone.is_empty() {
                return Ok(deleted);
            }
            deleted += gone.len();
            queue.edit(move |engine| engine.forget_unnamed(&gone)).await?;
        }
    }

    /// Lists all values, and deletes those that no event names and that are old enough not to be on their way; returns how many.
    ///
    /// # Errors
    ///
    /// See [`delete_unnamed`](Self::delete_unnamed).
    pub(super) async fn delete_orphans(&self, queue: &Queue) -> Result<usize, WriteError> {
        let mut found = self.blobs.list(clock::before(clock::now_us(), BLOB_ORPHAN_AGE));
        let mut deleted = 0;
        while let Some(hashes) = found.recv().await {
            deleted += self.delete(queue, hashes?).await?.len();
        }
        Ok(deleted)
    }

    /// Deletes those of some values that are not named.
    async fn delete(&self, queue: &Queue, hashes: Vec<Box<str>>) -> Result<Vec<Box<str>>, WriteError> {
        // First nobody else may have one, then it is asked: whoever brought it before has stored by then what names it.
        let mut doomed: Vec<_> = hashes.iter().filter_map(|hash| self.blobs.doom(hash)).collect();
        if doomed.is_empty() {
            return Ok(Vec::new());
        }
        let asked: Vec<Box<str>> = doomed.iter().map(|doomed| doomed.hash().into()).collect();
        let named: HashSet<Box<str>> = queue.edit(move |engine| engine.named(asked)).await?;
        doomed.retain(|doomed| !named.contains(doomed.hash()));
        Ok(self.blobs.delete(doomed).await?)
    }
}

/// Takes those of the values that were taken out of events which are to be kept outside of the store. Values that something is known by stay in it:
/// what is known of an event must be known without asking anybody when the event is removed.
pub(crate) fn take(Indexed { envelope, facts, parts, .. }: &mut Indexed) -> Vec<Value> {
    let mut taken = Vec::new();
    for (place, parts) in parts {
        let Some(event) = envelope.events.get(*place) else { continue };
        let (name, version) = (event.name.as_deref(), envelope.sdk_version.as_deref());
        let left = envelope.body.get(event.range.clone()).and_then(|text| Facts::of(text, name, version));
        if facts.get(*place) != Some(&left) {
            continue;
        }
        for part in parts {
            let hash = blobs::hash_of(&part.text);
            part.outside = Some(Outside { hash: hash.clone(), bytes: part.text.len() });
            taken.push(Value { hash, text: std::mem::take(&mut part.text) });
        }
    }
    taken
}

/// Why the place of large values could not be opened.
#[derive(Debug)]
pub(super) enum KeepingError {
    Blobs(OpenBlobsError),
    Database(rusqlite::Error),
}

impl From<OpenBlobsError> for KeepingError {
    fn from(error: OpenBlobsError) -> Self {
        Self::Blobs(error)
    }
}

impl From<rusqlite::Error> for KeepingError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// Returns the place that a store remembers.
pub(crate) fn place(connection: &Connection) -> rusqlite::Result<Option<Place>> {
    let sql = "SELECT url, endpoint, (SELECT value FROM meta WHERE key = 'store') FROM outside";
    connection
        .query_row(sql, [], |row| {
            Ok(Place { url: row.get(0)?, endpoint: row.get(1)?, store: super::open::shown_name(row.get(2)?) })
        })
        .optional()
}

/// Deletes values that no event names any more, of a store that no collector runs on.
///
/// # Errors
///
/// SQLite fails, or the object store does not answer.
pub(crate) fn delete_unnamed_now(connection: &mut Connection) -> Result<(), WriteError> {
    let Some(place) = place(connection)? else { return Ok(()) };
    loop {
        let unnamed = super::blobs::unnamed(connection, BLOBS_AT_ONCE)?;
        if unnamed.is_empty() {
            return Ok(());
        }
        let blobs = place.open().map_err(|error| WriteError::Failed(error.to_string()))?;
        let gone = blobs.delete_now(unnamed.iter().filter_map(|hash| blobs.doom(hash)).collect())?;
        super::blobs::forget_unnamed(connection, &gone)?;
    }
}

/// What reads values for readers of a store: the place is opened when the first is wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    opened: Arc<OnceLock<Blobs>>,
    /// Whether a value that is lost is an error. It is told in its place otherwise.
    wants_whole: bool,
}

impl Source {
    /// Reads them from where this collector has them.
    pub(crate) fn of(keeping: Option<&Keeping>) -> Self {
        let opened = keeping.map(|keeping| OnceLock::from(keeping.blobs.clone()));
        Self { opened: Arc::new(opened.unwrap_or_default()), wants_whole: false }
    }

    /// Reads them for one who takes nothing else for an event than what came, and who waits for it.
    pub(crate) fn of_whole() -> Self {
        Self { wants_whole: true, ..Self::default() }
    }

    /// Lets statements on this connection read values.
    ///
    /// # Errors
    ///
    /// SQLite fails.
    pub(crate) fn define(&self, connection: &Connection) -> rusqlite::Result<()> {
        let (place, source) = (place(connection)?, self.clone());
        let flags = FunctionFlags::SQLITE_UTF8;
        connection.create_scalar_function(READ, 2, flags, move |context| source.read(place.as_ref(), context))
    }

    /// Returns a value, or a text that says in its place why it is not there. While the object store does not answer there is no answer either:
    /// whoever asks is told so, and nothing else is taken for the value.
    fn read(&self, place: Option<&Place>, context: &Context<'_>) -> rusqlite::Result<String> {
        let failed = |what: String| rusqlite::Error::UserFunctionError(what.into());
        let (hash, bytes): (String, i64) = (context.get(0)?, context.get(1)?);
        let blobs = self.opened(place).map_err(|error| failed(format!("{AWAY}{error}")))?;
        match self.get(blobs, &hash, usize::try_from(bytes).unwrap_or(0)) {
            Ok(text) => Ok(text.as_ref().to_owned()),
            Err(Unread::Away(away)) => Err(failed(format!("{AWAY}{away}"))),
            Err(why) if self.wants_whole => {
                let at = blobs.shown();
                Err(failed(format!("{LOST}a value of {bytes} bytes {why} ({at}, sha256 {hash})")))
            }
            Err(why) => {
                tracing::warn!(%hash, at = blobs.shown(), "a large value {why}");
                Ok(serde_json::Value::from(format!("[a value of {bytes} bytes {why}: sha256 {hash}]")).to_string())
            }
        }
    }

    /// Returns the place. One that can't be opened now is tried again when the next value is wanted.
    fn opened(&self, place: Option<&Place>) -> Result<&Blobs, String> {
        if let Some(blobs) = self.opened.get() {
            return Ok(blobs);
        }
        let place = place.ok_or("the store does not say where it is")?;
        let blobs = place.open().map_err(|error| error.to_string())?;
        Ok(self.opened.get_or_init(|| blobs))
    }

    /// Asks for a value, patiently where it is waited for.
    fn get(&self, blobs: &Blobs, hash: &str, bytes: usize) -> Result<Arc<str>, Unread> {
        if !self.wants_whole {
            return blobs.get(hash, bytes);
        }
        patiently(|| match blobs.get(hash, bytes) {
            Err(Unread::Away(away)) => Err(away),
            found => Ok(found),
        })?
    }
}

/// Asks an object store that does not answer again, and after a while no more.
fn patiently<T>(ask: impl Fn() -> Result<T, Away>) -> Result<T, Away> {
    for _ in 0..BLOB_COPY_RETRIES {
        match ask() {
            Err(away) => tracing::warn!(%away, "it is asked again"),
            answer => return answer,
        }
        std::thread::sleep(BLOB_COPY_PAUSE);
    }
    ask()
}

/// Puts values of requests outside that are to be stored, which stay there as long as what this returns does. It blocks.
///
/// # Errors
///
/// The object store does not take them, however often it is asked.
pub(crate) fn put_now(blobs: &Blobs, requests: &mut [Indexed]) -> Result<Pins, Away> {
    let values: Vec<Value> = requests.iter_mut().flat_map(take).collect();
    patiently(|| blobs.put_now(values.clone()))
}
