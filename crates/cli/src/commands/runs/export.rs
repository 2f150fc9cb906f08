//! `lastword runs export`: runs as one file.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use lastword::runs::{Export, ExportLimits};

use crate::error::Error;
use crate::flags::runs::ExportArgs;
use crate::output::{Output, amount, note};

/// Exports.
///
/// # Errors
///
/// There is no such run, it can't be read, or the file or the output can't be written.
pub(super) fn run(args: &ExportArgs) -> Result<(), Error> {
    let store = super::open(&args.store)?;
    let ids =
        if args.all { store.ids()? } else { args.ids.iter().map(|id| store.resolve(id)).collect::<Result<_, _>>()? };
    let limits = ExportLimits::default().artifact_bytes(args.artifact_bytes).value_bytes(args.value_bytes);
    let export = store.export(&ids, limits)?;
    let json = serde_json::to_string_pretty(&export).map_err(|error| Error::Output(error.into()))?;
    match &args.output {
        Some(path) => {
            write(path, &json)?;
            note(&told(&export, path));
            Ok(())
        }
        None => {
            let mut output = Output::stdout();
            output.line(&json)?;
            output.flush()
        }
    }
}

fn told(export: &Export, path: &Path) -> String {
    let runs = amount::count(export.runs.len() as u64, "run", "runs");
    let places = amount::count(export.redactions as u64, "place", "places");
    format!("{runs} in {}, redacted in {places}", path.display())
}

/// Writes a file for its owner only.
fn write(path: &Path, json: &str) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(json.as_bytes())?;
        file.write_all(b"\n")
    });
    written.map_err(|source| Error::Write { path: path.to_owned(), source })
}
