//! `lastword runs show`: all that is known of a run.

use lastword::runs::{Export, ExportedRun, RunError, RunEvent, RunRecord};
use serde::Serialize;

use crate::error::Error;
use crate::flags::runs::ShowArgs;
use crate::output::Output;
use crate::output::runs::page;

/// A run as one object.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    record: &'a RunRecord,
    events: &'a [RunEvent],
}

/// Shows it.
///
/// # Errors
///
/// There is no such run, it can't be read, or the output can't be written.
pub(super) fn run(args: &ShowArgs) -> Result<(), Error> {
    let mut output = Output::stdout();
    if let Some(path) = &args.file {
        let export = Export::read(path)?;
        let run = one_of(&export, args.id.as_deref(), &path.to_string_lossy())?;
        return exported(&mut output, run, args.store.json);
    }
    let store = super::open(&args.store)?;
    let id = store.resolve(args.id.as_deref().unwrap_or_default())?;
    let record = store.get(&id)?;
    let mut events = store.events(&id)?;
    if args.store.json {
        let events: Vec<_> = events.collect::<Result<_, _>>()?;
        output.object(&Shown { record: &record, events: &events })?;
        return output.flush();
    }
    page::head(&mut output, &record)?;
    page::events(&mut output, events.by_ref())?;
    if events.skipped() > 0 {
        output.line(&format!("  ({} lines that are no events are left out)", events.skipped()))?;
    }
    output.flush()
}

fn exported(output: &mut Output, run: &ExportedRun, json: bool) -> Result<(), Error> {
    let record = run.record();
    if json {
        output.object(&Shown { record: &record, events: &run.events })?;
        return output.flush();
    }
    page::head(output, &record)?;
    page::events(output, run.events.iter().cloned().map(Ok::<_, RunError>))?;
    output.flush()
}

/// Finds the run that was asked for, or the only one.
fn one_of<'e>(export: &'e Export, asked: Option<&str>, file: &str) -> Result<&'e ExportedRun, Error> {
    let ids = || export.runs.iter().map(|run| run.summary.run_id.as_str());
    let fits = |run: &&ExportedRun| {
        let id = &run.summary.run_id;
        asked.is_none_or(|asked| {
            id.starts_with(asked) || id.strip_prefix("run_").is_some_and(|id| id.starts_with(asked))
        })
    };
    let mut fitting = export.runs.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(run), None) => Ok(run),
        _ => Err(Error::WhichRun { file: file.to_owned(), ids: ids().collect::<Vec<_>>().join(", ") }),
    }
}
