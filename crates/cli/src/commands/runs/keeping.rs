//! `lastword runs prune` and `doctor`: what is kept, and whether it is well.

use lastword::runs::RunStore;
use serde::Serialize;

use crate::error::Error;
use crate::flags::runs::{DoctorArgs, PruneArgs};
use crate::output::cells::{DIM, Line, PLAIN};
use crate::output::runs::ID_COLUMNS;
use crate::output::{Output, amount, note, text};

/// What was removed, or would be.
#[derive(Serialize)]
struct Removed {
    removed: Vec<String>,
    failed: Vec<NotRemoved>,
    /// Nothing was removed: `--yes` was not given.
    dry_run: bool,
}

#[derive(Serialize)]
struct NotRemoved {
    id: String,
    error: String,
}

/// Removes the oldest runs.
///
/// # Errors
///
/// The store can't be locked or read, a run can't be removed, or the output can't be written.
pub(super) fn prune(args: &PruneArgs) -> Result<(), Error> {
    let store = RunStore::builder(args.store.directory()?).keep(args.keep).open()?;
    let removed = if args.yes {
        let pruned = store.prune()?;
        let failed =
            pruned.failed.iter().map(|failure| NotRemoved { id: failure.id.clone(), error: failure.error.to_string() });
        Removed { failed: failed.collect(), removed: pruned.removed, dry_run: false }
    } else {
        Removed { removed: store.prunable()?, failed: Vec::new(), dry_run: true }
    };
    let mut output = Output::stdout();
    if args.store.json {
        output.object(&removed)?;
    } else {
        for id in &removed.removed {
            output.line(id)?;
        }
        let count = amount::count(removed.removed.len() as u64, "run", "runs");
        output.line(&if args.yes {
            format!("removed: {count}")
        } else if removed.removed.is_empty() {
            "nothing to remove".to_owned()
        } else {
            format!("would be removed: {count}; --yes removes them")
        })?;
        for failure in &removed.failed {
            note(&failure.error);
        }
    }
    output.flush()?;
    if removed.failed.is_empty() { Ok(()) } else { Err(Error::RunsNotRemoved(removed.failed.len())) }
}

/// Looks after the store.
///
/// # Errors
///
/// The store can't be read, something is wrong and not mended, or the output can't be written.
pub(super) fn doctor(args: &DoctorArgs) -> Result<(), Error> {
    let store = RunStore::builder(args.store.directory()?).without_recovery().open()?;
    let checkup = store.check(args.repair)?;
    let mut output = Output::stdout();
    if args.store.json {
        output.object(&checkup)?;
    } else {
        for finding in &checkup.findings {
            let mut line = Line::new(output.look());
            line.copied(finding.run_id.as_deref().unwrap_or("-"), ID_COLUMNS, PLAIN);
            line.cell(if finding.repaired { "mended" } else { "wrong" }, 6, DIM);
            output.line(&line.whole(&finding.message, PLAIN))?;
        }
        let runs = amount::count(checkup.runs as u64, "run", "runs");
        let wrong = match checkup.findings.len() {
            0 => "all is well".to_owned(),
            count => {
                format!("{}, {} mended", amount::count(count as u64, "thing wrong", "things wrong"), mended(&checkup))
            }
        };
        let place = text::neutral(&store.directory().to_string_lossy()).into_owned();
        output.line(&format!("{runs} in {place}, {} of them running: {wrong}", checkup.running))?;
    }
    output.flush()?;
    let ill = checkup.findings.len() - mended(&checkup);
    if ill == 0 { Ok(()) } else { Err(Error::Ill(ill)) }
}

fn mended(checkup: &lastword::runs::Checkup) -> usize {
    checkup.findings.iter().filter(|finding| finding.repaired).count()
}
