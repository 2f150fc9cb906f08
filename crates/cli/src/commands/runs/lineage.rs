//! `lastword runs lineage` and `fork`: where runs come from, and how a new one comes from them.

use lastword::runs::{Descendant, Lineage, RunMetadata, RunSummary};
use serde::Serialize;

use crate::error::Error;
use crate::flags::runs::{ForkArgs, OneArgs};
use crate::output::cells::{DIM, HEAD, Line, PLAIN};
use crate::output::runs::{label, style_of, utc};
use crate::output::{Look, Output, amount, note};

/// Shows a family.
///
/// # Errors
///
/// There is no such run, or the output can't be written.
pub(super) fn run(args: &OneArgs) -> Result<(), Error> {
    let store = super::open(&args.store)?;
    let lineage = store.lineage(&store.resolve(&args.id)?)?;
    let mut output = Output::stdout();
    if args.store.json {
        output.object(&lineage)?;
        return output.flush();
    }
    for line in lines(output.look(), &lineage) {
        output.line(&line)?;
    }
    output.flush()
}

fn lines(look: Look, lineage: &Lineage) -> Vec<String> {
    let mut lines = vec![format!("family of {}", amount::count(lineage.family_size as u64, "run", "runs"))];
    let mut indent = String::new();
    for ancestor in &lineage.ancestors {
        lines.push(match &ancestor.summary {
            Some(summary) => line(look, &indent, summary, false),
            None => Line::new(look).cell(&format!("{indent}{}", ancestor.run_id), 0, DIM).rest("(pruned)", DIM),
        });
        indent = below(&indent, true);
    }
    lines.push(line(look, &indent, &lineage.run, true));
    tree(look, &indent, &lineage.descendants, &mut lines);
    lines
}

/// The indent of a line below another.
fn below(indent: &str, is_last: bool) -> String {
    let stem = indent.replace("├─ ", "│  ").replace("└─ ", "   ");
    format!("{stem}{}", if is_last { "└─ " } else { "├─ " })
}

/// No family is deeper than a hundred.
fn tree(look: Look, indent: &str, children: &[Descendant], lines: &mut Vec<String>) {
    for (at, child) in children.iter().enumerate() {
        let indent = below(indent, at + 1 == children.len());
        lines.push(line(look, &indent, &child.summary, false));
        tree(look, &indent, &child.children, lines);
    }
}

fn line(look: Look, indent: &str, run: &RunSummary, is_asked: bool) -> String {
    let reason = run.metadata.as_ref().and_then(|known| known.fork_reason.as_deref());
    let mut line = Line::new(look);
    line.copied(&format!("{indent}{}", run.run_id), 0, if is_asked { HEAD } else { PLAIN });
    line.cell(label(run.status), label(run.status).len(), style_of(run.status)).cell(&utc(run.started_at), 19, DIM);
    let own = run.objective.as_str();
    line.rest(
        &reason
            .map_or_else(|| own.to_owned(), |reason| format!("{reason}{}", if is_asked { " <- this run" } else { "" })),
        PLAIN,
    )
}

/// What was begun.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Forked<'a> {
    run_id: &'a str,
    parent_rollout_id: &'a str,
    fork_reason: &'a str,
}

/// Begins a run that another process takes over.
///
/// # Errors
///
/// There is no such run, the store can't be written, or the output can't be.
pub(super) fn fork(args: ForkArgs) -> Result<(), Error> {
    let store = super::open(&args.store)?;
    let parent = store.resolve(&args.id)?;
    // The directory of this command is none of the run's: its parent has one.
    let metadata = args.tags.into_iter().fold(RunMetadata::new(), RunMetadata::tag);
    let run = store.fork(&parent, &args.reason, metadata)?;
    let id = run.hand_over()?;
    let mut output = Output::stdout();
    if args.store.json {
        output.object(&Forked { run_id: &id, parent_rollout_id: &parent, fork_reason: &args.reason })?;
    } else {
        output.line(&id)?;
        note("the run waits an hour for the process that takes it over");
    }
    output.flush()
}
