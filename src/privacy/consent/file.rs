//! Where the settings file is, and how it is read.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::UserSettings;
use super::trouble::{SettingsError, failed};
use crate::limits::SETTINGS_BYTES_MAX;

/// The environment variable that names the settings file.
pub const SETTINGS_VARIABLE: &str = "LASTWORD_SETTINGS";

/// The file in which a user says, for all programs that use this library, how much they may report.
///
/// JSON, one object: `consent` is `full`, `essential` or `none`; `users` has, by the SHA-256 of their ids, users whose id may
/// leave (`allow`) or may not (`deny`). Other fields are kept.
///
/// ```
/// use lastword::privacy::Level;
/// use lastword::privacy::consent::SettingsFile;
///
/// let directory = std::env::temp_dir().join(format!("lastword-settings-{}", std::process::id()));
/// let file = SettingsFile::at(directory.join("settings.json"));
/// assert!(file.read()?.is_none(), "nobody has said anything");
/// file.change(|settings| settings.set_consent(Level::None))?;
/// assert_eq!(file.read()?.and_then(|settings| settings.consent()), Some(Level::None));
/// # std::fs::remove_dir_all(directory).unwrap();
/// # Ok::<(), lastword::privacy::consent::SettingsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFile {
    path: PathBuf,
    /// Nobody has named it: it is where a user's home has such files.
    in_home: bool,
}

impl SettingsFile {
    /// Returns the file of this process's user: `LASTWORD_SETTINGS`, else `lastword/settings.json` in `XDG_CONFIG_HOME`, else
    /// in `.config` in the home directory. `None` where there is none of these.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        if let Some(path) = path_in_environment(SETTINGS_VARIABLE) {
            return Some(Self::at(path));
        }
        let path = directory_of_user("XDG_CONFIG_HOME", ".config")?.join("settings.json");
        Some(Self { path, in_home: true })
    }

    /// Names a file. Nothing is opened yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), in_home: false }
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; `None` where there is no such file. Never waits for anything but a disk.
    ///
    /// # Errors
    ///
    /// It can't be read, is not the user's alone to write to, or does not say what such a file says.
    pub fn read(&self) -> Result<Option<UserSettings>, SettingsError> {
        let bytes = match read_plain(&self.path, SETTINGS_BYTES_MAX) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(_) if self.in_home && is_behind_anothers_door(&self.path) => return Ok(None),
            Err(error) => return Err(error),
        };
        match serde_json::from_slice(&bytes) {
            Ok(settings) => Ok(Some(settings)),
            Err(error) => Err(SettingsError::Invalid { path: self.path.clone(), reason: error.to_string() }),
        }
    }
}

/// Returns the path that a variable names, if it names one.
pub(crate) fn path_in_environment(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Returns where this process's user has files of ours: in the directory that the variable names, else in that one in the home.
pub(crate) fn directory_of_user(variable: &str, in_home: &str) -> Option<PathBuf> {
    // A relative path is none, by the specification of these variables.
    let named = path_in_environment(variable).filter(|path| path.is_absolute());
    let home = || std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    Some(named.or_else(|| home().map(|home| home.join(in_home)))?.join("lastword"))
}

/// Returns whether a path leads through a directory of another user's that this one may not look into. A process that has
/// given up its rights may have the home of the user that it was.
#[cfg(unix)]
fn is_behind_anothers_door(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let denied =
        |place: &Path| std::fs::metadata(place).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    let door = path.ancestors().skip(1).find_map(|place| std::fs::metadata(place).ok());
    denied(path) && door.is_some_and(|door| door.uid() != rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn is_behind_anothers_door(_: &Path) -> bool {
    false
}

/// Reads a plain file of this user's, or of the system's; `None` where there is none.
pub(super) fn read_plain(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, SettingsError> {
    let file = match open(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(SettingsError::Io { source, .. })
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    let read = (&file).take(bytes_max + 1).read_to_end(&mut bytes);
    read.map_err(|source| failed("read", path, source))?;
    if bytes.len() as u64 > bytes_max {
        return Err(SettingsError::TooLarge(path.to_owned()));
    }
    Ok(Some(bytes))
}

/// Opens a file as itself, never what a link leads to, and without waiting for the other end of a pipe.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> Result<File, SettingsError> {
    let file = options_of(options).open(path).map_err(|source| refused(path, source))?;
    let found = file.metadata().map_err(|source| failed("look at", path, source))?;
    if !found.is_file() {
        return Err(SettingsError::NotPlain(path.to_owned()));
    }
    check_owner(path, &found)?;
    Ok(file)
}

fn refused(path: &Path, source: io::Error) -> SettingsError {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => SettingsError::Link(path.to_owned()),
        // What can't even be opened: a directory to write to, a socket.
        Ok(found) if !found.is_file() => SettingsError::NotPlain(path.to_owned()),
        _ => failed("open", path, source),
    }
}

#[cfg(unix)]
fn options_of(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;

    options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
}

#[cfg(not(unix))]
fn options_of(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The system's own user may have set it up for everybody.
#[cfg(unix)]
fn check_owner(path: &Path, found: &Metadata) -> Result<(), SettingsError> {
    use std::os::unix::fs::MetadataExt;

    const OTHERS_MAY_WRITE: u32 = 0o022;
    if ![0, rustix::process::geteuid().as_raw()].contains(&found.uid()) {
        return Err(SettingsError::OtherUser { path: path.to_owned(), owner: found.uid() });
    }
    if found.mode() & OTHERS_MAY_WRITE != 0 {
        return Err(SettingsError::OpenToOthers { path: path.to_owned(), mode: found.mode() & 0o777 });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner(_: &Path, _: &Metadata) -> Result<(), SettingsError> {
    Ok(())
}
