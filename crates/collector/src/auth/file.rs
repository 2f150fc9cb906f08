//! The file of the keys: a line each, `NAME SCOPES sha256:HEX SINCE`, and comments.
//!
//! A key can't be read back from it. It is written as a whole into a file beside it that takes its place, so that who reads
//! it finds the old or the new one.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{Key, KeyError, Scopes};
use crate::clock;
use crate::limits::{KEY_NAME_CHARS_MAX, KEYS_FILE_BYTES_MAX, KEYS_MAX};

const HEAD: &str = "\
# Keys of lastword: NAME SCOPES HASH SINCE, as `lastword keys new` adds them. A key itself is not in here and can't be
# found by what is. Lines may be removed by hand; a collector that runs takes the change over.
";

/// What begins every key that is made here, so that those who search for leaked secrets find it.
const PREFIX: &str = "lw_";

/// The file of the keys can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It can't be read or written.
    #[error("the file of the keys {} can't be used: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is wrong.
    #[error("the file of the keys {}, line {line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and what would be right.
        reason: &'static str,
    },
    /// A key of this name is there.
    #[error("there is a key `{0}` already: revoke it, or take another name")]
    Taken(String),
    /// No key of this name is there.
    #[error("there is no key `{0}`: `lastword keys list` shows those that there are")]
    Unknown(String),
    /// The name can't stand in a line.
    #[error("`{0}` can't be the name of a key: use up to {KEY_NAME_CHARS_MAX} letters, digits and .-_@")]
    Name(String),
    /// There are as many as there may be.
    #[error("there are {KEYS_MAX} keys already, which is the most")]
    TooMany,
    /// The key that was given can't be one.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A key in the file.
#[derive(Debug, Clone)]
struct Entry {
    key: Key,
    since: String,
}

/// A key that was made. It is shown once.
#[derive(Clone)]
pub struct NewKey(String);

impl NewKey {
    /// Returns the key itself, for its holder.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewKey(***)")
    }
}

/// The file of the keys.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    entries: Vec<Entry>,
}

impl KeyFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It can't be read, or a line is wrong.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(failed)?.len() > KEYS_FILE_BYTES_MAX {
            return Err(failed(io::Error::other(format!("it has more than {KEYS_FILE_BYTES_MAX} bytes"))));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |reason| KeyFileError::Line { path: path.to_owned(), line: index + 1, reason };
            entries.push(entry(line).map_err(wrong)?);
        }
        if entries.len() > KEYS_MAX {
            return Err(KeyFileError::TooMany);
        }
        Ok(Self { path: path.to_owned(), entries })
    }

    /// Reads a file, or begins one.
    ///
    /// # Errors
    ///
    /// As [`KeyFile::read`].
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        match Self::read(path) {
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(Self { path: path.to_owned(), entries: Vec::new() })
            }
            read => read,
        }
    }

    /// Makes a key and adds it.
    ///
    /// # Errors
    ///
    /// The name can't be had, or the file not be written.
    pub fn create(&mut self, name: &str, scopes: Scopes) -> Result<NewKey, KeyFileError> {
        // Two of them, for 244 random bits.
        let secret = format!("{PREFIX}{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        self.add(name, scopes, &secret)?;
        Ok(NewKey(secret))
    }

    /// Adds a key that its holders have already.
    ///
    /// # Errors
    ///
    /// As [`KeyFile::create`], or it is so short that it can be guessed.
    pub fn add(&mut self, name: &str, scopes: Scopes, secret: &str) -> Result<(), KeyFileError> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
        if name.is_empty() || name.len() > KEY_NAME_CHARS_MAX || !name.chars().all(good) {
            return Err(KeyFileError::Name(name.chars().take(KEY_NAME_CHARS_MAX).collect()));
        }
        if self.keys().any(|(key, _)| key.name() == name) {
            return Err(KeyFileError::Taken(name.to_owned()));
        }
        if self.entries.len() >= KEYS_MAX {
            return Err(KeyFileError::TooMany);
        }
        let key = Key::of_secret(name, scopes, secret)?;
        self.entries.push(Entry { key, since: clock::format(clock::now_us()) });
        self.write()
    }

    /// Removes a key. Who holds it is refused from then on.
    ///
    /// # Errors
    ///
    /// There is none of this name, or the file can't be written.
    pub fn revoke(&mut self, name: &str) -> Result<(), KeyFileError> {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.key.name() != name);
        if self.entries.len() == before {
            return Err(KeyFileError::Unknown(name.to_owned()));
        }
        self.write()
    }

    /// Returns the keys, each with the moment since when it is there.
    pub fn keys(&self) -> impl Iterator<Item = (&Key, &str)> {
        self.entries.iter().map(|entry| (&entry.key, entry.since.as_str()))
    }

    pub(super) fn into_keys(self) -> impl Iterator<Item = Key> {
        self.entries.into_iter().map(|entry| entry.key)
    }

    /// Gives a file to the owner of the one before it, or of the directory: root makes keys for the user that serves.
    #[cfg(unix)]
    fn give(&self, file: &std::fs::File) {
        use std::os::unix::fs::{MetadataExt, fchown};
        let directory = self.path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let owner = std::fs::metadata(&self.path).or_else(|_| std::fs::metadata(directory));
        if let Ok(owner) = owner {
            // Only root may, and nobody else needs it.
            let _ = fchown(file, Some(owner.uid()), Some(owner.gid()));
        }
    }

    fn write(&self) -> Result<(), KeyFileError> {
        let failed = |source| KeyFileError::Io { path: self.path.clone(), source };
        let mut text = HEAD.to_owned();
        for Entry { key, since } in &self.entries {
            let hash = key.digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
                // Writing to a String can't fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            let _ = writeln!(text, "{} {} sha256:{hash} {since}", key.name, key.scopes);
        }
        let beside = self.path.with_added_extension("new");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside).map_err(failed)?;
        // A file that stands keeps its readers: a collector of another user reads it by its group.
        if let Ok(metadata) = std::fs::metadata(&self.path) {
            file.set_permissions(metadata.permissions()).map_err(failed)?;
        }
        #[cfg(unix)]
        self.give(&file);
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        std::fs::rename(&beside, &self.path).map_err(failed)
    }
}

fn entry(line: &str) -> Result<Entry, &'static str> {
    let mut words = line.split_whitespace();
    let mut word = |missing| words.next().ok_or(missing);
    let name = word("no name")?.to_owned();
    let scopes = word("no scopes: write NAME SCOPES sha256:HEX SINCE")?.parse()?;
    let hash = word("no hash: `lastword keys new` adds a line that has one")?;
    let hex = hash.strip_prefix("sha256:").ok_or("the hash is to begin with `sha256:`")?;
    let since = words.next().unwrap_or("-").to_owned();
    Ok(Entry {
        key: Key { name: name.into(), scopes, digest: bytes(hex).ok_or("the hash is to have 64 hex digits")? },
        since,
    })
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    let mut digest = [0; 32];
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(digest)
}

/// Returns what is kept of a key: 64 hex digits. For those who write the file with other tools.
#[cfg(test)]
fn hex_of(secret: &str) -> String {
    super::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("lastword-keys-{}-{name}", std::process::id())))
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn a_key_is_shown_once_and_its_file_has_only_a_hash() {
        let place = Place::new("once");
        let key = KeyFile::open(&place.0).unwrap().create("ci", "ingest".parse().unwrap()).unwrap();
        let text = std::fs::read_to_string(&place.0).unwrap();
        assert!(!text.contains(&key.secret()[3..]), "{text}");
        assert!(text.contains(&format!("ci ingest sha256:{} ", hex_of(key.secret()))), "{text}");
        assert!(key.secret().len() == 67 && format!("{key:?}") == "NewKey(***)");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&place.0).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_name_is_taken_once_and_free_again_when_its_key_is_revoked() {
        let place = Place::new("names");
        let mut file = KeyFile::open(&place.0).unwrap();
        let scopes: Scopes = "read".parse().unwrap();
        file.create("ann", scopes).unwrap();
        assert!(matches!(file.create("ann", scopes), Err(KeyFileError::Taken(_))));
        assert!(matches!(file.revoke("bob"), Err(KeyFileError::Unknown(_))));
        file.revoke("ann").unwrap();
        file.create("ann", scopes).unwrap();
        assert_eq!(KeyFile::read(&place.0).unwrap().keys().count(), 1);
        for name in ["", "two words", "a\nb", &"x".repeat(65)] {
            assert!(matches!(file.create(name, scopes), Err(KeyFileError::Name(_))), "{name}");
        }
    }

    #[test]
    fn a_wrong_line_is_named() {
        let place = Place::new("wrong");
        for (line, reason) in [
            ("ci", "no scopes"),
            ("ci write x", "use ingest"),
            ("ci read md5:00", "sha256:"),
            ("ci read sha256:zz", "64 hex"),
        ] {
            std::fs::write(&place.0, format!("# keys\n\n{line}\n")).unwrap();
            let error = KeyFile::read(&place.0).unwrap_err().to_string();
            assert!(error.contains("line 3") && error.contains(reason), "{error}");
        }
    }
}
