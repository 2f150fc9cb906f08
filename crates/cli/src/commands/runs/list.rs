//! `lastword runs list`: a line for each run.

use lastword::runs::RunStore;

use crate::error::Error;
use crate::flags::runs::ListArgs;
use crate::flags::source::usual_url;
use crate::output::{Output, amount, note, runs, text};

/// Lists.
///
/// # Errors
///
/// The store can't be read, or the output can't be written.
pub(super) fn run(args: &ListArgs) -> Result<(), Error> {
    let store = super::open(&args.store)?;
    let listed = store.list(args.limit.get())?;
    if let (true, Some(url)) = (listed.is_empty(), usual_url()) {
        // Who has a collector looks for its runs here, and finds none in files.
        note(&format!(
            "these are files of this machine; runs that a collector has are at {url}/runs, and `lastword events --run RUN` lists what one did"
        ));
    }
    let mut output = Output::stdout();
    if args.store.json {
        for run in &listed {
            output.object(run)?;
        }
        return output.flush();
    }
    output.line(&count(&store, listed.len())?)?;
    for run in &listed {
        output.line(&runs::line(output.look(), run))?;
    }
    output.flush()
}

/// Says how many there are.
fn count(store: &RunStore, listed: usize) -> Result<String, Error> {
    let all = store.ids()?.len();
    let runs = |number: usize| amount::count(number as u64, "run", "runs");
    let place = text::neutral(&store.directory().to_string_lossy()).into_owned();
    Ok(match (listed, all) {
        (0, 0) => format!("no runs in {place}"),
        (listed, all) if listed == all => format!("{} in {place}", runs(all)),
        (listed, all) => format!("{listed} of {} in {place}, the newest first", runs(all)),
    })
}
