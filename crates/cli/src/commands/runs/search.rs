//! `lastword runs search`: where something was said or done.

use lastword::runs::{Hit, Place, Search};

use crate::error::Error;
use crate::flags::runs::SearchArgs;
use crate::output::cells::{DIM, Line, PLAIN};
use crate::output::runs::{ID_COLUMNS, LABEL_COLUMNS, label, style_of, utc};
use crate::output::{Look, Output, amount};

/// Searches.
///
/// # Errors
///
/// The store can't be read, or the output can't be written.
pub(super) fn run(args: &SearchArgs) -> Result<(), Error> {
    let store = super::open(&args.store)?;
    let search = Search::new(&args.words.join(" ")).limit(args.limit);
    let search = args.sources.iter().fold(search, |search, source| search.source(source));
    let hits = store.search(&search)?;
    let mut output = Output::stdout();
    if args.store.json {
        for hit in &hits {
            output.object(hit)?;
        }
        return output.flush();
    }
    output.line(&match hits.len() {
        0 => "found nowhere".to_owned(),
        count => amount::count(count as u64, "place, the best first", "places, the best first"),
    })?;
    for hit in &hits {
        for line in lines(output.look(), hit) {
            output.line(&line)?;
        }
    }
    output.flush()
}

/// The run, and below it what was found.
fn lines(look: Look, hit: &Hit) -> [String; 2] {
    let mut first = Line::new(look);
    first.cell(label(hit.status), LABEL_COLUMNS, style_of(hit.status)).copied(&hit.run_id, ID_COLUMNS, PLAIN);
    let first = first.cell(&utc(hit.started_at), 19, DIM).rest(&hit.objective, PLAIN);
    let place = match (hit.place, hit.name.as_deref()) {
        (Place::Summary, _) => "summary".to_owned(),
        (_, Some(name)) => name.to_owned(),
        (Place::Event, None) => "event".to_owned(),
        (Place::Artifact, None) => "artifact".to_owned(),
    };
    let second = Line::new(look).cell(&format!("  {:3.0} {place}", hit.score), 24, DIM).rest(&hit.snippet, PLAIN);
    [first, second]
}
