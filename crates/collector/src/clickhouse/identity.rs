//! Who a process is to the store, across its restarts: a random id in a file of its data directory.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::Error;

/// The file.
const FILE: &str = "writer";
/// How an id is written, and a line end.
const FILE_BYTES_MAX: u64 = 64;

/// The file of a directory.
pub(super) fn file(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Returns the identity that a directory has; one that has none gets one.
///
/// # Errors
///
/// The file can't be read or made, or is something else.
pub(crate) fn of(dir: &Path) -> Result<Uuid, Error> {
    let path = file(dir);
    let failed = |why: String| Error::Refused { code: 0, message: format!("{}: {why}", path.display()) };
    let mut text = String::new();
    match File::open(&path) {
        Ok(opened) => {
            let read = opened.take(FILE_BYTES_MAX).read_to_string(&mut text);
            read.map_err(|error| failed(error.to_string()))?;
            let of = || "it has to have the id of a writer, as this program wrote it: remove it, and another is made";
            Uuid::parse_str(text.trim()).map_err(|_| failed(of().to_owned()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let identity = Uuid::new_v4();
            make(dir, &path, identity).map_err(|error| failed(error.to_string()))?;
            Ok(identity)
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Whole or not at all: a process that ends here leaves no file that is half of one.
fn make(dir: &Path, path: &Path, identity: Uuid) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&beside)?;
    file.write_all(format!("{identity}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
