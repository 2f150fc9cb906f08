//! What the user says from now on.

use std::io::{self, Read};

use lastword::limits::USER_ID_BYTES_MAX;
use lastword::privacy::consent::{Consent, Program, SettingsError, SettingsFile, UserSettings};
use lastword::privacy::{Level, user_bucket};

use super::status::{because, meaning};
use crate::error::Error;
use crate::output::{Output, text};

/// Lets programs report so much at the most.
///
/// # Errors
///
/// The settings file can't be read or written: it is as it was.
pub(super) fn level(level: Level) -> Result<(), Error> {
    let path = change(|settings| settings.set_consent(level))?;
    let consent = Consent::of_process(&Program::default());
    let mut output = Output::stdout();
    output.line(&format!("{level}: {}, of programs that start from now on. It stands in {path}", meaning(level)))?;
    if consent.level() < level {
        output.line(&format!("But {}, so from here {}", because(&consent), meaning(consent.level())))?;
    }
    if level < Level::Full {
        output.line("What earlier programs have left in a spool is as it was: `lastword spool list DIR` shows it")?;
    }
    output.flush()
}

/// Says whether the id of a user may leave.
///
/// # Errors
///
/// The id is none, or the settings file can't be read or written: it is as it was.
pub(super) fn user(allowed: bool, id: String) -> Result<(), Error> {
    let id = if id == "-" { read_id()? } else { id };
    if id.is_empty() || id.len() > USER_ID_BYTES_MAX {
        return Err(Error::NoUser(id.len()));
    }
    let path = change(|settings| settings.set_user(&id, allowed))?;
    let may = if allowed { "may leave, where consent is full" } else { "does not leave" };
    let mut output = Output::stdout();
    output
        .line(&format!("the id of this user (bucket {}) {may}. It stands in {path}, as a SHA-256", user_bucket(&id)))?;
    output.flush()
}

/// Changes the file; returns where it is.
fn change(change: impl FnOnce(&mut UserSettings)) -> Result<String, SettingsError> {
    let file = SettingsFile::of_user().ok_or(SettingsError::NoPlace)?;
    file.change(change)?;
    Ok(text::neutral(&file.path().to_string_lossy()).into_owned())
}

/// Reads one line that is an id.
fn read_id() -> Result<String, Error> {
    let mut id = String::new();
    // One more than an id may have, and the end of its line.
    let read = io::stdin().lock().take(USER_ID_BYTES_MAX as u64 + 3).read_to_string(&mut id);
    read.map_err(|source| Error::Input { what: "standard input".to_owned(), source })?;
    Ok(id.trim_end_matches(['\r', '\n']).to_owned())
}
