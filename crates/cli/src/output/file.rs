//! A file that has its name when it is whole.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// A file that is written beside its name, `.part` behind it, and gets the name when all of it is on disk. If that does not come to
/// pass it is removed, and under the name is what was there before; a process that is killed leaves the `.part`.
///
/// What is there and is no file (a pipe, a device) is written as it is.
#[derive(Debug)]
pub(crate) struct WholeFile {
    file: File,
    path: PathBuf,
    part: Option<PathBuf>,
}

impl WholeFile {
    /// Begins a file, which its owner alone may read.
    ///
    /// # Errors
    ///
    /// It can't be written there.
    pub(crate) fn create(path: PathBuf) -> Result<Self, Error> {
        let is_other = fs::metadata(&path).is_ok_and(|there| !there.is_file());
        let part = (!is_other).then(|| beside(&path));
        let place = part.as_deref().unwrap_or(&path);
        let mut options = OpenOptions::new();
        options.write(true).create(!is_other).truncate(!is_other);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(place) {
            Ok(file) => Ok(Self { file, path, part }),
            Err(source) => Err(Error::Write { path: place.to_owned(), source }),
        }
    }

    /// Returns what writes it.
    ///
    /// # Errors
    ///
    /// The process has too many files open.
    pub(crate) fn writer(&self) -> Result<File, Error> {
        self.file.try_clone().map_err(|source| self.failed(source))
    }

    /// Sees to it that all that was written is on disk, and gives it its name.
    ///
    /// # Errors
    ///
    /// The disk is full, or the name can't be given.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        let Some(part) = self.part.take() else { return Ok(()) };
        let named = self.file.sync_all().and_then(|()| fs::rename(&part, &self.path));
        if named.is_err() {
            let _ = fs::remove_file(&part);
        }
        named.and_then(|()| sync_directory(&self.path)).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::Write { path: self.path.clone(), source }
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            let _ = fs::remove_file(part);
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Sees to it that a new name is on disk too, where directories can be asked for that.
#[cfg_attr(not(unix), allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail"))]
fn sync_directory(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_has_its_name_when_it_is_whole_and_not_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events");
        fs::write(&path, "before").unwrap();
        let write = || {
            let file = WholeFile::create(path.clone()).unwrap();
            file.writer().unwrap().write_all(b"after").unwrap();
            file
        };
        drop(write());
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        write().finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_no_file_is_written_and_stays_what_it_is() {
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            let file = WholeFile::create("/dev/null".into()).unwrap();
            file.writer().unwrap().write_all(b"gone").unwrap();
            file.finish().unwrap();
            assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        }
    }
}
