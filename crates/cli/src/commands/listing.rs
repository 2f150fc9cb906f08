//! `lastword sessions`, `lastword exceptions`, `lastword calls` and `lastword store audit`: all rows of a summary, under a heading.

use serde_json::value::RawValue;

use crate::error::Error;
use crate::flags::calls::CallsArgs;
use crate::flags::list::{ExceptionFilter, ExceptionShowArgs, ExceptionsArgs, ExceptionsCommand, SessionsArgs};
use crate::flags::store::AuditArgs;
use crate::limits::PAGE_ROWS;
use crate::output::progress::Progress;
use crate::output::{self, Look, Output, amount, audit, call, exception, session};
use crate::source::{Listing, Source};

/// How one kind of rows is written as text.
struct Form {
    noun: &'static str,
    heading: fn(Look) -> String,
    line: fn(Look, &RawValue) -> String,
}

/// Lists sessions.
///
/// # Errors
///
/// The source can't be read or the output can't be written.
pub(crate) async fn sessions(args: SessionsArgs) -> Result<(), Error> {
    let form = Form { noun: "sessions", heading: session::heading, line: session::line };
    list(&Source::open(args.source.place()?)?, &Listing::Sessions(args.filter), (!args.json).then_some(form)).await
}

/// Lists exceptions by fingerprint.
///
/// # Errors
///
/// As [`sessions`].
pub(crate) async fn exceptions(args: ExceptionsArgs) -> Result<(), Error> {
    if let Some(ExceptionsCommand::Show(args)) = args.command {
        return show(args).await;
    }
    let form = Form { noun: "exceptions", heading: exception::heading, line: exception::line };
    list(&Source::open(args.source.place()?)?, &Listing::Exceptions(args.filter), (!args.json).then_some(form)).await
}

/// Lists how calls of models and tools fared.
///
/// # Errors
///
/// As [`sessions`].
pub(crate) async fn calls(args: CallsArgs) -> Result<(), Error> {
    let form = Form { noun: "rows", heading: call::heading, line: call::line };
    list(&Source::open(args.source.place()?)?, &Listing::Calls(args.filter), (!args.json).then_some(form)).await
}

/// Shows one kind of exceptions.
async fn show(args: ExceptionShowArgs) -> Result<(), Error> {
    let source = Source::open(args.source.place()?)?;
    let filter = ExceptionFilter { fingerprint: Some(args.fingerprint.clone()), ..ExceptionFilter::default() };
    let page = source.page(&Listing::Exceptions(filter), None, 1).await?;
    let group = page.rows.first().ok_or(Error::UnknownException(args.fingerprint))?;
    let mut output = Output::stdout();
    if args.json {
        output.json(group)?;
    } else {
        for line in exception::detail(output.look(), group) {
            output.line(&line)?;
        }
    }
    output.flush()
}

/// Lists the audit trail.
///
/// # Errors
///
/// As [`sessions`].
pub(crate) async fn audit(args: AuditArgs) -> Result<(), Error> {
    let form = Form { noun: "entries", heading: audit::heading, line: audit::line };
    list(&Source::open(args.place.place()?)?, &Listing::Audit(args.filter), (!args.json).then_some(form)).await
}

/// Prints all rows: as text in a form, else as the JSON they are.
async fn list(source: &Source, listing: &Listing, form: Option<Form>) -> Result<(), Error> {
    let mut output = Output::stdout();
    let look = output.look();
    let mut progress = Progress::new(form.as_ref().map_or("rows", |form| form.noun));
    let mut cursor: Option<String> = None;
    let mut first = true;
    loop {
        let page = source.page(listing, cursor.as_deref(), PAGE_ROWS).await?;
        if let Some(form) = form.as_ref().filter(|_| first && !page.rows.is_empty()) {
            output.line(&(form.heading)(look))?;
        }
        first = false;
        for row in &page.rows {
            match &form {
                Some(form) => output.line(&(form.line)(look, row))?,
                None => output.json(row)?,
            }
        }
        output.flush()?;
        progress.add(page.rows.len());
        cursor = page.next;
        if page.left_out > 0 {
            let more = amount::count_of(u64::try_from(page.left_out).unwrap_or(u64::MAX), "row is", "rows are");
            output::note(&format!("{more} not shown: `--limit` shows more"));
        }
        if cursor.is_none() {
            return Ok(());
        }
    }
}
