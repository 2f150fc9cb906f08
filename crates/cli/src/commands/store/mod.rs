//! `lastword store`: what an operator does with a store.

mod copy;
mod export;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use lastword_collector::admin::{self, Info, Offline, Outside, Report};
use serde_json::json;

use super::listing;
use crate::error::Error;
use crate::flags::list::EventFilter;
use crate::flags::source::Place;
use crate::flags::store::{
    BackupArgs, DeleteArgs, DirectoryArgs, InfoArgs, RestoreArgs, StoreArgs, StoreCommand, UserArgs, VerifyArgs,
};
use crate::limits::{COUNTED_EVENTS_MAX, PAGE_ROWS};
use crate::output::progress::{Progress, Status};
use crate::output::{Output, amount};
use crate::source::{Change, Listing, Order, Source, Stored, aside};

/// Does what the command line says.
///
/// # Errors
///
/// The store can't be used, something is wrong with it, or the output can't be written.
pub(crate) async fn run(args: StoreArgs) -> Result<(), Error> {
    match args.command {
        StoreCommand::Info(args) => info(&args),
        StoreCommand::Verify(args) => verify(&args),
        StoreCommand::Vacuum(args) => vacuum(&args),
        StoreCommand::Backup(args) => backup(&args),
        StoreCommand::Restore(args) => restore(&args),
        StoreCommand::Copy(args) => copy::run(args).await,
        StoreCommand::Delete(args) => delete(args).await,
        StoreCommand::Forget(args) => forget(args).await,
        StoreCommand::OptIn(args) => opt_in(args).await,
        StoreCommand::Audit(args) => listing::audit(args).await,
        StoreCommand::Export(args) => export::run(args).await,
    }
}

/// Writes one answer: an object, or lines.
fn answer(json: bool, object: &impl serde::Serialize, lines: &[String]) -> Result<(), Error> {
    let mut output = Output::stdout();
    if json {
        output.object(object)?;
    } else {
        for line in lines {
            output.line(line)?;
        }
    }
    output.flush()
}

fn info(args: &InfoArgs) -> Result<(), Error> {
    let info = match (&args.store, &args.data) {
        (Some(store), _) => Stored::connect(store)?.info()?,
        (None, data) => admin::info(data.clone().unwrap_or_default(), args.sizes)?,
    };
    answer(args.json, &info, &lines(&info))
}

fn lines(info: &Info) -> Vec<String> {
    let whole = |number: i64| u64::try_from(number).unwrap_or(0);
    let count = |number: i64, one: &str, many: &str| amount::count_of(whole(number), one, many);
    let moment =
        |moment: Option<lastword_collector::query::Moment>| moment.map_or("none".to_owned(), |m| m.to_string());
    let mut lines = vec![
        format!("database   {} (format {})", info.path.display(), info.format),
        format!(
            "size       {}; in use with what is still in the log {}; log {}",
            amount::bytes(info.bytes),
            amount::bytes(info.used_bytes),
            amount::bytes(info.log_bytes)
        ),
        format!("events     {} in {}", count(info.events, "event", "events"), count(info.batches, "batch", "batches")),
        format!(
            "of         {}, {}, {}, {}, {}, {}",
            count(info.sessions, "session", "sessions"),
            count(info.exceptions, "group of exceptions", "groups of exceptions"),
            count(info.traces, "trace", "traces"),
            count(info.runs, "run", "runs"),
            count(info.series, "series", "series"),
            count(info.users, "user", "users"),
        ),
        format!("received   {} to {}", moment(info.oldest), moment(info.newest)),
    ];
    lines.extend(info.outside.as_ref().map(|outside| format!("outside    {}", told(outside))));
    if !info.gives_back {
        lines.push(
            "free space is given back only by `lastword store vacuum`: the store is of an older version".to_owned(),
        );
    }
    lines.extend(info.tables.iter().map(|table| format!("{:>12}  {}", amount::bytes(whole(table.bytes)), table.name)));
    lines
}

/// Says of large values that are kept elsewhere where, and how many.
fn told(outside: &Outside) -> String {
    let whole = |number: i64| u64::try_from(number).unwrap_or(0);
    let values = amount::count_of(whole(outside.values), "large value", "large values");
    format!("{values} in {} ({})", outside.url, amount::bytes(whole(outside.bytes)))
}

fn verify(args: &VerifyArgs) -> Result<(), Error> {
    let (report, lines) = match (&args.store, &args.data) {
        (Some(store), _) => {
            let report = aside(|| {
                let mut status = Status::new();
                admin::verify_blobs_in(store, |done, of| status.say(&read(done, of)))
            })?;
            (report, vec!["the large values are whole".to_owned()])
        }
        (None, data) => verify_directory(data.as_deref().unwrap_or(Path::new("")), args.blobs)?,
    };
    let lines = if report.ok {
        lines
    } else {
        report.problems.iter().cloned().chain(lines.into_iter().skip(1)).collect::<Vec<_>>()
    };
    answer(args.json, &report, &lines)?;
    if report.ok { Ok(()) } else { Err(Error::StoreIll(report.problems.len())) }
}

/// Returns what is wrong with a store in a directory, and what is said if it is nothing; behind the first line, what is said in any case.
fn verify_directory(data: &Path, blobs: bool) -> Result<(Report, Vec<String>), Error> {
    let mut status = Status::new();
    let mut report = admin::verify(data, |what| status.say(&format!("looking whether {what}")))?;
    let mut lines = vec!["the store is whole".to_owned()];
    if blobs {
        let of_blobs = admin::verify_blobs(data, |done, of| status.say(&read(done, of)))?;
        report.ok &= of_blobs.ok;
        report.problems.extend(of_blobs.problems);
    } else if let Some(outside) = admin::info(data, false)?.outside {
        let (were, them) = if outside.values == 1 { ("was", "it") } else { ("were", "them") };
        lines.push(format!("{} {were} not looked at: `--blobs` reads {them}", told(&outside)));
    }
    Ok((report, lines))
}

fn read(done: u64, of: u64) -> String {
    format!("{done} of {of} large values")
}

fn vacuum(args: &DirectoryArgs) -> Result<(), Error> {
    let mut status = Status::new();
    status.say("writing the database anew");
    let (before, after) = offline(&args.data)?.vacuum()?;
    drop(status);
    let line = format!("{} became {}", amount::bytes(before), amount::bytes(after));
    answer(args.json, &json!({ "before": before, "after": after }), &[line])
}

fn backup(args: &BackupArgs) -> Result<(), Error> {
    let mut status = Status::new();
    let bytes = admin::backup(&args.store.data, &args.file, |bytes, of| {
        status.say(&format!("{} of about {}", amount::bytes(bytes), amount::bytes(of)));
    })?;
    let outside = admin::info(&args.store.data, false)?.outside;
    let mut lines = vec![format!("{} in {}", amount::bytes(bytes), args.file.display())];
    lines.extend(outside.as_ref().map(|outside| {
        let are = if outside.values == 1 { "is" } else { "are" };
        format!("{} {are} not in it: copy that place too", told(outside))
    }));
    let mut object = json!({ "bytes": bytes, "file": args.file });
    if let Some(outside) = outside {
        object["outside"] = json!(outside);
    }
    answer(args.store.json, &object, &lines)
}

fn restore(args: &RestoreArgs) -> Result<(), Error> {
    admin::restore(&args.file, &args.store.data, args.replace)?;
    offline(&args.store.data)?.note("store.restore", &format!("the store is that of {}", args.file.display()))?;
    let line = format!("{} is in {}", args.file.display(), args.store.data.display());
    answer(args.store.json, &json!({ "file": args.file, "data": args.store.data }), &[line])
}

/// Takes a directory that no collector has. What is done to it is on record with the user of the system.
fn offline(directory: &Path) -> Result<Offline, Error> {
    Ok(Offline::open(directory)?.acting_as(&actor()))
}

/// Returns who this is, for the audit trail.
fn actor() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let mut actor = format!("cli:{}", name.unwrap_or_else(|| "unknown".to_owned()));
    #[cfg(unix)]
    actor.push_str(&format!(" (uid {})", rustix::process::getuid().as_raw()));
    actor
}

async fn delete(args: DeleteArgs) -> Result<(), Error> {
    let (change, what) = match (args.session, args.user) {
        (Some(session), _) => (Change::DeleteSession(session.clone()), format!("session {session}")),
        (None, user) => {
            let user = user.unwrap_or_default();
            (Change::DeleteUser(user.clone()), format!("user {user}"))
        }
    };
    if !args.yes {
        let events = count(args.place.place()?, &change).await?;
        confirm(&format!("remove {events} of {what} for ever"))?;
    }
    let events = change_store(args.place.place()?, &change).await?;
    let line = format!("{} of {what} removed", amount::count_of(events, "event", "events"));
    answer(args.json, &json!({ "events": events }), &[line])
}

/// Takes the id of a user out of all events.
///
/// # Errors
///
/// As [`run`].
pub(super) async fn forget(args: UserArgs) -> Result<(), Error> {
    let change = Change::ForgetUser(args.user.clone());
    if !args.yes {
        let events = count(args.place.place()?, &change).await?;
        confirm(&format!("take the id of user {} out of {events} for ever", args.user))?;
    }
    let events = change_store(args.place.place()?, &change).await?;
    let line = format!("the id was taken out of {}", amount::count_of(events, "event", "events"));
    answer(args.json, &json!({ "events": events }), &[line])
}

/// Notes that a user has agreed to be told of.
///
/// # Errors
///
/// As [`run`].
pub(super) async fn opt_in(args: UserArgs) -> Result<(), Error> {
    change_store(args.place.place()?, &Change::OptIn(args.user.clone())).await?;
    answer(args.json, &json!({ "user_id": args.user, "telemetry_opt_in": true }), &["noted".to_owned()])
}

/// Says how many events a change will reach: as many as there are by now, counted up to a bound.
async fn count(place: Place, change: &Change) -> Result<String, Error> {
    let source = Source::open(place)?;
    let listing = match change {
        Change::DeleteSession(session) => {
            let filter = EventFilter { session: Some(session.clone()), ..EventFilter::default() };
            Listing::Events { filter, order: Order::Ascending }
        }
        Change::DeleteUser(user) | Change::ForgetUser(user) | Change::OptIn(user) => Listing::EventsOf(user.clone()),
    };
    let (mut events, mut cursor, mut progress) = (0, None, Progress::new("events"));
    loop {
        let page = source.page(&listing, cursor.as_deref(), PAGE_ROWS).await?;
        events += page.rows.len();
        progress.add(page.rows.len());
        cursor = page.next;
        if cursor.is_none() {
            return Ok(amount::count_of(u64::try_from(events).unwrap_or(u64::MAX), "event", "events"));
        }
        if events >= COUNTED_EVENTS_MAX {
            return Ok(format!("more than {events} events"));
        }
    }
}

/// Asks the person at the terminal. Where nobody is, nothing is done.
fn confirm(what: &str) -> Result<(), Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::NotConfirmed(what.to_owned()));
    }
    let _ = write!(io::stderr().lock(), "{what}? [y/N] ");
    let mut said = String::new();
    let read = io::stdin().lock().read_line(&mut said);
    let yes = read.is_ok() && matches!(said.trim(), "y" | "Y" | "yes");
    if yes { Ok(()) } else { Err(Error::NotConfirmed(what.to_owned())) }
}

/// Changes a store where it is, and returns how many events were changed.
async fn change_store(place: Place, change: &Change) -> Result<u64, Error> {
    let directory = match place {
        Place::Url(url) => return crate::source::change(url, change).await,
        Place::Directory(directory) => directory,
        Place::Store(_) => return Err(Error::ChangedByCollector),
    };
    let mut store = offline(&directory)?;
    let mut status = Status::new();
    let progress = |events: usize| status.say(&format!("{events} events"));
    let events = match change {
        Change::DeleteSession(session) => store.delete_session(session, progress)?,
        Change::DeleteUser(user) => store.delete_user(user, progress)?,
        Change::ForgetUser(user) => store.forget_user(user, progress)?,
        Change::OptIn(user) => store.opt_in(user).map(|()| 0)?,
    };
    Ok(u64::try_from(events).unwrap_or(u64::MAX))
}
