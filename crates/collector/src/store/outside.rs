//! Large values that are kept outside of the store: where, and how they are read, deleted and cleared up.

mod source;

use std::collections::HashSet;

pub(crate) use source::{Source, Trouble, trouble};
#[cfg(feature = "clickhouse")]
pub(crate) use source::{Wrong, not_now};

use rusqlite::{Connection, OptionalExtension, params};

use super::index::{Facts, Indexed, Outside, filter_of};
use super::{Queue, WIDTHS_US, WriteError, floor};
use crate::blobs::{self, Address, Away, Blobs, OpenBlobsError, Pins, Value};
use crate::clock;
use crate::config::Settings;
use crate::limits::{BLOB_COPY_PAUSE, BLOB_COPY_RETRIES, BLOB_ORPHAN_AGE, BLOBS_AT_ONCE};

/// Where large values are.
#[derive(Debug, Clone)]
pub(crate) struct Keeping {
    pub(crate) blobs: Blobs,
    /// Whether those that come are put there too, or only those of before are.
    takes: bool,
    /// Whether others write too: names begin with the hour then.
    is_shared: bool,
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
    /// A place of a store of this name.
    pub(crate) fn new(url: String, endpoint: Option<String>, store: String) -> Self {
        Self { url, endpoint, store }
    }

    /// Which server that speaks S3 is asked there, if it is not Amazon's.
    #[cfg(feature = "clickhouse")]
    pub(super) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Returns the one that settings name, for a store of this name.
    ///
    /// # Errors
    ///
    /// It is none.
    pub(super) fn of(url: &str, settings: &Settings, store: String) -> Result<Self, OpenBlobsError> {
        let address: Address = url.parse()?;
        Ok(Self::new(address.to_string(), settings.s3.endpoint.clone(), store))
    }

    /// Tells whether it is another than the one that is known; of values that are elsewhere it is said that they must be moved.
    pub(super) fn is_new(&self, known: Option<&Self>) -> bool {
        if known == Some(self) {
            return false;
        }
        if let Some(known) = known {
            tracing::warn!(before = %known.url, now = %self.url, "large values are kept elsewhere now: those of before must be moved there");
        }
        true
    }

    /// Looks whether values may go where the settings say, of a store that has them here.
    pub(super) fn is_same(&self, settings: &Settings) -> Result<(), OpenBlobsError> {
        let Some(url) = &settings.blobs else { return Ok(()) };
        if url.parse::<Address>()?.to_string() == self.url {
            return Ok(());
        }
        let value = url.chars().take(128).collect();
        let right = "this store has large values elsewhere already: leave it out, and they go there";
        Err(OpenBlobsError::Setting { key: "blobs", value, right })
    }

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
        let Some(url) = &settings.blobs else { return Ok(Self::known(known, false)) };
        let wanted = Place::of(url, settings, super::open::name(connection)?)?;
        let keeping = Self::wanted(&wanted, false)?;
        if wanted.is_new(known.as_ref()) {
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM outside", [])?;
            transaction
                .execute("INSERT INTO outside (url, endpoint) VALUES (?, ?)", params![wanted.url, wanted.endpoint])?;
            transaction.commit()?;
        }
        Ok(Some(keeping))
    }

    /// Opens the place that a store remembers, where values may be still. One that can't be opened is told of.
    pub(super) fn known(known: Option<Place>, is_shared: bool) -> Option<Self> {
        match known?.open() {
            Ok(blobs) => Some(Self { blobs, takes: false, is_shared }),
            Err(error) => {
                tracing::warn!(%error, "large values of before can't be read");
                None
            }
        }
    }

    /// Opens the place that settings name.
    ///
    /// # Errors
    ///
    /// It can't be opened.
    pub(super) fn wanted(wanted: &Place, is_shared: bool) -> Result<Self, OpenBlobsError> {
        Ok(Self { blobs: wanted.open()?, takes: true, is_shared })
    }

    /// Returns what puts values there, of settings that may name this place or none.
    pub(super) fn into_putting(self) -> Putting {
        Putting { blobs: self.blobs, is_shared: self.is_shared }
    }

    /// Likewise, for whoever goes on with what was begun: values go where others of the store are already, and nowhere else.
    ///
    /// # Errors
    ///
    /// The settings name another place, or one that can't be opened, or SQLite fails.
    pub(super) fn open_same(connection: &mut Connection, settings: &Settings) -> Result<Option<Putting>, KeepingError> {
        if let Some(known) = place(connection)? {
            known.is_same(settings)?;
        }
        Ok(Self::open(connection, settings)?.map(Self::into_putting))
    }

    /// Returns where those values go that come.
    pub(super) fn takes(&self) -> Option<&Blobs> {
        self.takes.then_some(&self.blobs)
    }

    /// Returns how those are named that come now.
    pub(super) fn naming(&self) -> Naming {
        Naming::now(self.is_shared)
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

/// How values are named that are put now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// By their hash, where one process writes.
    Hash,
    /// By an hour and their hash, where others write too.
    Hour(i64),
}

impl Naming {
    fn now(is_shared: bool) -> Self {
        if is_shared { Self::Hour(floor(clock::now_us(), WIDTHS_US[1]) / WIDTHS_US[1]) } else { Self::Hash }
    }

    /// Returns which texts a value may have. A store of one process has that of all events of a batch together.
    fn filter(self, text: &str) -> Vec<u8> {
        match self {
            Self::Hash => Vec::new(),
            Self::Hour(_) => filter_of(std::iter::once(text)),
        }
    }

    fn name(self, text: &str) -> Box<str> {
        let hash = blobs::hash_of(text);
        match self {
            Self::Hash => hash,
            Self::Hour(hour) => blobs::named_in(hour, &hash),
        }
    }
}

/// Takes those of the values that were taken out of events which are to be kept outside of the store. Values that something is known by stay in it:
/// what is known of an event must be known without asking anybody when the event is removed.
pub(crate) fn take(Indexed { envelope, facts, parts, .. }: &mut Indexed, naming: Naming) -> Vec<Value> {
    let mut taken = Vec::new();
    for (place, parts) in parts {
        let Some(event) = envelope.events.get(*place) else { continue };
        let (name, version) = (event.name.as_deref(), envelope.sdk_version.as_deref());
        let left = envelope.body.get(event.range.clone()).and_then(|text| Facts::of(text, name, version));
        if facts.get(*place) != Some(&left) {
            continue;
        }
        for part in parts {
            let hash = naming.name(&part.text);
            part.outside =
                Some(Outside { hash: hash.clone(), bytes: part.text.len(), filter: naming.filter(&part.text) });
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
        .query_row(sql, [], |row| Ok(Place::new(row.get(0)?, row.get(1)?, super::open::shown_name(row.get(2)?))))
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

/// What puts values there for who copies a store.
#[derive(Debug)]
pub(crate) struct Putting {
    blobs: Blobs,
    is_shared: bool,
}

impl Putting {
    /// Puts values of requests outside that are to be stored, which stay there as long as what this returns does. It blocks.
    ///
    /// # Errors
    ///
    /// The object store does not take them, however often it is asked.
    pub(crate) fn put_now(&self, requests: &mut [Indexed]) -> Result<Pins, Away> {
        let naming = Naming::now(self.is_shared);
        let values: Vec<Value> = requests.iter_mut().flat_map(|request| take(request, naming)).collect();
        patiently(|| self.blobs.put_now(values.clone()))
    }
}
