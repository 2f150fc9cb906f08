//! `lastword traces summary`: how calls fare over all.

use lastword::views::{Dashboard, View};
use serde_json::{Value, json};

use crate::commands::fold::{fold, over};
use crate::error::Error;
use crate::flags::traces::TracesSummaryArgs;
use crate::output::{Output, fares};

/// Sums up.
///
/// # Errors
///
/// The source can't be read or the output can't be written.
pub(super) async fn run(args: TracesSummaryArgs) -> Result<(), Error> {
    let mut dashboard = Dashboard::default();
    fold(args.source.origin()?, args.range.into(), |_, event| dashboard.apply(event)).await?;
    let mut output = Output::stdout();
    if args.json {
        output.object(&object(&dashboard))?;
        return output.flush();
    }
    output.bytes(dashboard.llm().summary().as_bytes())?;
    let lines = fares::lines(output.look(), &fares::all(&dashboard));
    if !lines.is_empty() {
        output.line("")?;
    }
    for mut line in lines {
        output.line(&line.finish())?;
    }
    for concern in dashboard.health(over(&dashboard)) {
        output.line(&format!("\n{concern}"))?;
    }
    output.flush()
}

/// Returns the figures of the text, and beside them the exact ones.
fn object(dashboard: &Dashboard) -> Value {
    let llm = dashboard.llm();
    let mut object = llm.export();
    if let Value::Object(fields) = &mut object {
        fields.insert("exact".to_owned(), json!(llm));
        fields.insert("operations".to_owned(), json!(fares::all(dashboard)));
        fields.insert("health".to_owned(), json!(dashboard.health(over(dashboard))));
        fields.insert("traces".to_owned(), json!(dashboard.traces.seen()));
        fields.insert("spans".to_owned(), json!(dashboard.traces.ended_spans()));
    }
    object
}
