//! `lastword keys`: makes, lists and revokes keys in their file.

use std::io::Read;

use lastword_collector::auth::{KeyFile, KeyFileError};
use serde_json::json;

use crate::error::Error;
use crate::flags::keys::{KeysArgs, KeysCommand, ListArgs, NewArgs, RevokeArgs};
use crate::limits::KEY_BYTES_MAX;
use crate::output::{Output, note};

/// Does what is asked.
///
/// # Errors
///
/// The file can't be read or written, or the name is taken or unknown.
pub(crate) fn run(args: KeysArgs) -> Result<(), Error> {
    match args.command {
        KeysCommand::New(args) => create(&args),
        KeysCommand::List(args) => list(&args),
        KeysCommand::Revoke(args) => revoke(&args),
    }
}

fn create(args: &NewArgs) -> Result<(), Error> {
    let path = args.place.setup().load()?.keys();
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        let failed = |source| KeyFileError::Io { path: above.to_owned(), source };
        make_directory(above).map_err(failed)?;
    }
    let mut file = KeyFile::open(&path)?;
    let is_first = file.keys().next().is_none();
    if args.stdin {
        let mut secret = String::new();
        let failed = |source| Error::Input { what: "standard input".to_owned(), source };
        std::io::stdin().lock().take(KEY_BYTES_MAX).read_to_string(&mut secret).map_err(failed)?;
        file.add(&args.name, args.scope, secret.trim())?;
        note(&format!("the key `{}` ({}) is in {}", args.name, args.scope, path.display()));
    } else {
        let key = file.create(&args.name, args.scope)?;
        let mut output = Output::stdout();
        output.line(key.secret())?;
        output.flush()?;
        note(&format!(
            "this is the key `{}` ({}), shown only now; its hash is in {}",
            args.name,
            args.scope,
            path.display()
        ));
    }
    if is_first {
        note("from the next start of a collector with this file on, every client needs a key");
    }
    Ok(())
}

/// Makes a directory for its owner only, as the collector does.
fn make_directory(path: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn list(args: &ListArgs) -> Result<(), Error> {
    let path = args.place.setup().load()?.keys();
    let file = KeyFile::open(&path)?;
    let mut output = Output::stdout();
    let width = file.keys().map(|(key, _)| key.name().len()).max().unwrap_or(0).max(4);
    if !args.json && file.keys().next().is_some() {
        output.line(&format!("{:width$}  {:17}  SINCE", "NAME", "SCOPES"))?;
    }
    for (key, since) in file.keys() {
        let (name, scopes) = (key.name(), key.scopes().to_string());
        if args.json {
            output.object(&json!({ "name": name, "scopes": scopes, "since": since }))?;
        } else {
            output.line(&format!("{name:width$}  {scopes:17}  {since}"))?;
        }
    }
    output.flush()?;
    if file.keys().next().is_none() {
        note(&format!("there are no keys in {}", path.display()));
    }
    Ok(())
}

fn revoke(args: &RevokeArgs) -> Result<(), Error> {
    let path = args.place.setup().load()?.keys();
    KeyFile::open(&path)?.revoke(&args.name)?;
    note(&format!("the key `{}` is no longer in {}", args.name, path.display()));
    Ok(())
}
