//! Who uses the program, and what of that may leave.

use std::fmt;

use uuid::Uuid;

use super::file::read_plain;
use super::{Consent, Level, SettingsError, SettingsFile};
use crate::clock;
use crate::limits::INSTALLATION_ID_BYTES_MAX;
use crate::privacy::user_bucket;

/// What the file of the id is called, beside the settings file.
const INSTALLATION: &str = "installation-id";

/// Who uses the program. Without that user's consent nothing leaves but which of 30 buckets the id is in.
///
/// Its `Debug` does not show the id.
///
/// ```
/// use lastword::privacy::User;
/// assert_eq!(format!("{:?}", User::new("ada")), "User { bucket: Some(1), .. }");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct User(pub(crate) Who);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// The program knows. The bucket is computed once.
    Known { id: Box<str>, bucket: u32 },
    /// Whoever has the settings file.
    Installation,
}

impl User {
    /// Names a user by the id that the program knows them by.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        let id: String = id.into();
        Self(Who::Known { bucket: user_bucket(&id), id: id.into() })
    }

    /// Stands for the user of this machine, by a random id that is made and kept the first time: see [`installation_id`]. It
    /// is not looked for before a reporter starts, and not where nothing may be reported.
    #[must_use]
    pub const fn installation() -> Self {
        Self(Who::Installation)
    }
}

impl<T: Into<String>> From<T> for User {
    fn from(id: T) -> Self {
        Self::new(id)
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bucket = match self.0 {
            Who::Known { bucket, .. } => Some(bucket),
            Who::Installation => None,
        };
        f.debug_struct("User").field("bucket", &bucket).finish_non_exhaustive()
    }
}

/// What of a user leaves.
pub(crate) struct Attribution {
    pub(crate) bucket: u32,
    /// With that user's consent.
    pub(crate) id: Option<Box<str>>,
}

impl User {
    /// Decides what of the user may leave: the id only where everything may be reported, and the user has said so, to the
    /// program (`opted_in`) or in the settings file, whose word is the last.
    ///
    /// # Errors
    ///
    /// There is no id of the installation, and none can be made.
    pub(crate) fn attribution(self, consent: &Consent, opted_in: bool) -> Result<Attribution, SettingsError> {
        let (id, bucket) = match self.0 {
            Who::Known { id, bucket } => (id, bucket),
            Who::Installation => {
                let id = installation_id()?;
                let bucket = user_bucket(&id);
                (id.into(), bucket)
            }
        };
        let allowed = consent.level() == Level::Full && consent.user(&id).unwrap_or(opted_in);
        Ok(Attribution { bucket, id: allowed.then_some(id) })
    }
}

/// Returns the random id of this user's installation: it is made the first time, and kept beside the settings file, for the
/// user only. Two processes that ask at once get the same.
///
/// # Errors
///
/// There is no place for it, or what stands there can't be read, or nothing can be written there.
///
/// ```no_run
/// let id = lastword::privacy::installation_id()?;
/// assert_eq!(lastword::privacy::installation_id()?, id);
/// # Ok::<(), lastword::privacy::consent::SettingsError>(())
/// ```
pub fn installation_id() -> Result<String, SettingsError> {
    SettingsFile::of_user().ok_or(SettingsError::NoPlace)?.installation_id()
}

impl SettingsFile {
    /// Returns the random id that is kept beside this file; makes one where there is none, or none that is whole.
    ///
    /// # Errors
    ///
    /// As [`installation_id`].
    pub fn installation_id(&self) -> Result<String, SettingsError> {
        if let Some(id) = self.kept_id()? {
            return Ok(id);
        }
        let locked = self.lock()?;
        // Another process may have made it meanwhile.
        if let Some(id) = self.kept_id()? {
            return Ok(id);
        }
        let id = clock::random_id().hyphenated().to_string();
        locked.write(&self.path().with_file_name(INSTALLATION), format!("{id}\n").as_bytes())?;
        Ok(id)
    }

    fn kept_id(&self) -> Result<Option<String>, SettingsError> {
        let bytes = match read_plain(&self.path().with_file_name(INSTALLATION), INSTALLATION_ID_BYTES_MAX) {
            // Whatever it is, it is no id: another is made.
            Err(SettingsError::TooLarge(_)) => None,
            read => read?,
        };
        let id = bytes.as_deref().and_then(|bytes| Uuid::try_parse_ascii(bytes.trim_ascii()).ok());
        Ok(id.map(|id| id.hyphenated().to_string()))
    }
}
