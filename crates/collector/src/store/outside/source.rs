//! How large values that are kept outside of the store are read.

use std::sync::{Arc, OnceLock};

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};

use super::{Keeping, Place, patiently, place};
use crate::blobs::{Blobs, Unread};

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
        connection.create_scalar_function(READ, 2, flags, move |context| source.read(place.clone(), context))
    }

    /// Returns whether it is known where they are.
    #[cfg(feature = "clickhouse")]
    pub(crate) fn is_opened(&self) -> bool {
        self.opened.get().is_some()
    }

    /// Returns a value to SQLite.
    fn read(&self, place: Option<Place>, context: &Context<'_>) -> rusqlite::Result<String> {
        let (hash, bytes): (Box<str>, i64) = (context.get::<String>(0)?.into(), context.get(1)?);
        let wanted = vec![(hash, usize::try_from(bytes).unwrap_or(0))];
        let read = self.texts(|| Ok(place), wanted);
        let read = read.and_then(|texts| texts.into_iter().next().ok_or_else(|| Wrong::Away(String::new())));
        read.map_err(|wrong| {
            let said = match wrong {
                Wrong::Away(why) => format!("{AWAY}{why}"),
                Wrong::Lost(why) => format!("{LOST}{why}"),
            };
            rusqlite::Error::UserFunctionError(said.into())
        })
    }

    /// Returns values, each by its name and its length, or a text that says in its place why it is not there. While the object store does not answer
    /// there is no answer either: whoever asks is told so, and nothing else is taken for the value. `place` says where the store has them, if that
    /// is not known. It blocks.
    ///
    /// # Errors
    ///
    /// The object store does not answer, or one is lost where that is an error.
    pub(crate) fn texts(
        &self,
        place: impl FnOnce() -> Result<Option<Place>, String>,
        wanted: Vec<(Box<str>, usize)>,
    ) -> Result<Vec<String>, Wrong> {
        let blobs = self.opened(place).map_err(Wrong::Away)?;
        let found = self.get(blobs, &wanted)?;
        let texts = found.into_iter().zip(wanted).map(|(found, (hash, bytes))| match found {
            Ok(text) => Ok(text.as_ref().to_owned()),
            Err(Unread::Away(away)) => Err(Wrong::Away(away.to_string())),
            Err(why) if self.wants_whole => {
                let at = blobs.shown();
                Err(Wrong::Lost(format!("a value of {bytes} bytes {why} ({at}, sha256 {hash})")))
            }
            Err(why) => {
                tracing::warn!(%hash, at = blobs.shown(), "a large value {why}");
                Ok(serde_json::Value::from(format!("[a value of {bytes} bytes {why}: sha256 {hash}]")).to_string())
            }
        });
        texts.collect()
    }

    /// Returns the place. One that can't be opened now is tried again when the next value is wanted.
    fn opened(&self, place: impl FnOnce() -> Result<Option<Place>, String>) -> Result<&Blobs, String> {
        if let Some(blobs) = self.opened.get() {
            return Ok(blobs);
        }
        let place = place()?.ok_or("the store does not say where it is")?;
        let blobs = place.open().map_err(|error| error.to_string())?;
        Ok(self.opened.get_or_init(|| blobs))
    }

    /// Asks for values, patiently where they are waited for.
    fn get(&self, blobs: &Blobs, wanted: &[(Box<str>, usize)]) -> Result<Vec<Found>, Wrong> {
        if !self.wants_whole {
            return Ok(blobs.get_all(wanted.to_vec()));
        }
        let all = patiently(|| {
            let found = blobs.get_all(wanted.to_vec());
            let away = found.iter().find_map(|found| match found {
                Err(Unread::Away(away)) => Some(away.clone()),
                _ => None,
            });
            away.map_or(Ok(found), Err)
        });
        all.map_err(|away| Wrong::Away(away.to_string()))
    }
}

/// A value, or why it is not told.
type Found = Result<Arc<str>, Unread>;

/// Why values are not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The object store does not answer.
    Away(String),
    /// It does not have one as it was.
    Lost(String),
}

/// Returns what stands in place of a value for somebody to look at while the object store does not answer.
#[cfg(feature = "clickhouse")]
pub(crate) fn not_now(bytes: usize) -> String {
    format!("\"[a value of {bytes} bytes can't be read now: the object store does not answer]\"")
}
