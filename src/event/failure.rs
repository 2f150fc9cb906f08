//! What is reported of an error or a panic: its type, its message, how it came to it, and whether it is the user's.
//!
//! Everything in here that runs code of the user's (`Display`, `Debug`, `source`, the classifier) runs it guarded: if
//! that code panics or fails, the report says so, and the error that is being reported goes on to its caller.

use std::any::{Any, type_name};
use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::iter::successors;
use std::panic::Location;
use std::sync::Arc;

use super::cause::{Cause, What};
use super::guard::{Clipped, Head, guarded};
use super::user::{Classifier, UserError, UserFault, fault_of};
use super::{Encoder, EventKind, Severity, Tag, names};
use crate::limits::{ERROR_CHAIN_MAX, ERROR_MESSAGE_BYTES_MAX, TRACEBACK_BYTES_MAX};
use crate::sync::panic_message;

/// What is reported of an error or a panic.
///
/// It becomes an `UNHANDLED_EXCEPTION`, or, if the error or one of its sources is the user's, the event `user_error`.
#[derive(Clone, PartialEq)]
pub struct Failure {
    error_type: Cow<'static, str>,
    message: String,
    traceback: String,
    user: Option<UserFault>,
}

impl Failure {
    /// Makes the report of a cause. `classify` is asked which errors are the user's, beside what is known of them.
    #[must_use]
    pub fn of(cause: &Cause<'_>, classify: Option<&Classifier>) -> Self {
        let user = chain(cause.as_error()).find_map(|error| fault_of(error, classify));
        Self {
            error_type: type_of(cause),
            message: message_of(cause),
            traceback: traceback_of(cause),
            user: user.map(UserFault::bounded),
        }
    }

    /// Makes the report of a panic of which everything is known.
    pub(super) const fn panicked(message: String, traceback: String) -> Self {
        Self { error_type: Cow::Borrowed("panic"), message, traceback, user: None }
    }

    /// Returns the type of the outermost error, as far as it is known; `panic` for a panic.
    #[must_use]
    pub fn error_type(&self) -> &str {
        &self.error_type
    }

    /// Returns what the outermost error says.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns where it was noticed, its causes, and its backtrace where there is one.
    #[must_use]
    pub fn traceback(&self) -> &str {
        &self.traceback
    }

    /// Returns what is known of the user's part in it, if it is the user's.
    #[must_use]
    pub const fn user_fault(&self) -> Option<&UserFault> {
        self.user.as_ref()
    }

    /// Returns the tag of its event: an error of the user's is a warning, whatever severity it is reported with.
    #[must_use]
    pub const fn tag(&self, severity: Severity) -> Tag {
        match self.user {
            Some(_) => Tag::new(EventKind::Generic, Severity::Warning),
            None => Tag::new(EventKind::UnhandledException, severity),
        }
    }

    /// Writes its event behind the time.
    pub fn encode(&self, encoder: &mut Encoder<'_>) {
        let Some(fault) = &self.user else {
            return encoder.exception(&self.error_type, &self.message, Some(&self.traceback));
        };
        let message = Some(&*self.message).filter(|message| !message.is_empty());
        let (status, body) = (fault.known_status(), fault.known_body());
        encoder.name(names::USER_ERROR);
        encoder.fields(1 + u32::from(message.is_some()) + u32::from(status.is_some()) + u32::from(body.is_some()));
        encoder.field("error_type", &*self.error_type);
        if let Some(message) = message {
            encoder.field("message", message);
        }
        if let Some(status) = status {
            encoder.field("status_code", &status);
        }
        if let Some(body) = body {
            encoder.field("body", body);
        }
    }
}

/// Without what the error says: that may hold what must not leave, and a `Debug` goes anywhere.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("error_type", &self.error_type)
            .field("is_user", &self.user.is_some())
            .finish_non_exhaustive()
    }
}

impl<'a> Cause<'a> {
    fn as_error(&self) -> Option<&'a (dyn Error + 'static)> {
        match self.what {
            What::Error(error) | What::Dynamic(error, _) => Some(error),
            What::Text(_) | What::Display(_) | What::Debug(_) | What::Panic(_) | What::Opaque => None,
        }
    }
}

/// Goes through an error and its sources, as many as are looked at: a chain may be a cycle.
fn chain<'a>(first: Option<&'a (dyn Error + 'static)>) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(first.map(behind_pointers), |&error| guarded(|| error.source()).flatten().map(behind_pointers))
        .take(1 + ERROR_CHAIN_MAX)
}

/// Looks behind the shared pointers that are errors themselves and hide the type of what they point to.
fn behind_pointers<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    if let Some(inner) = error.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        &**inner
    } else if let Some(inner) = error.downcast_ref::<Arc<dyn Error>>() {
        &**inner
    } else {
        error
    }
}

fn type_of(cause: &Cause<'_>) -> Cow<'static, str> {
    let name = behind_pointer_types(cause.type_name);
    match cause.what {
        What::Error(error) if name.starts_with("dyn ") => dynamic_type(behind_pointers(error)).unwrap_or(DYN_ERROR),
        What::Dynamic(error, _) => {
            let held = dynamic_type(behind_pointers(error));
            held.unwrap_or(if name.starts_with("dyn ") { DYN_ERROR } else { Cow::Borrowed(name) })
        }
        _ => Cow::Borrowed(name),
    }
}

const DYN_ERROR: Cow<'static, str> = Cow::Borrowed("dyn Error");

fn behind_pointer_types(mut name: &'static str) -> &'static str {
    const POINTERS: [&str; 3] = ["alloc::boxed::Box<", "alloc::sync::Arc<", "alloc::rc::Rc<"];
    loop {
        let inner = POINTERS.iter().find_map(|pointer| name.strip_prefix(pointer)?.strip_suffix('>'));
        match inner.or_else(|| name.strip_prefix('&')) {
            Some(inner) => name = inner,
            None => return name,
        }
    }
}

/// Finds the type of an error that is known by its trait alone: one of the usual, or the name that a derived `Debug`
/// begins with.
fn dynamic_type(error: &(dyn Error + 'static)) -> Option<Cow<'static, str>> {
    macro_rules! usual {
        ($($(#[$on:meta])* $usual:ty),*) => {$(
            $(#[$on])*
            if error.is::<$usual>() {
                return Some(Cow::Borrowed(type_name::<$usual>()));
            }
        )*};
    }
    usual!(
        std::io::Error,
        std::fmt::Error,
        std::num::ParseIntError,
        std::num::ParseFloatError,
        std::str::Utf8Error,
        std::string::FromUtf8Error,
        std::env::VarError,
        serde_json::Error,
        tokio::task::JoinError,
        tokio::time::error::Elapsed,
        UserError,
        #[cfg(feature = "http")]
        reqwest::Error
    );
    let mut head = Head::<NAME_BYTES_MAX>(String::new());
    let _ = guarded(|| write!(head, "{error:?}"));
    derived_name(&head.0).map(|name| name.to_owned().into())
}

/// How much of a `Debug` is looked at for a type's name.
const NAME_BYTES_MAX: usize = 128;

/// Reads the name that a derived `Debug` begins with.
fn derived_name(debug: &str) -> Option<&str> {
    let (name, rest) =
        debug.split_at(debug.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(debug.len()));
    let derived = rest.is_empty() || rest.starts_with('(') || rest.starts_with(" {");
    // `Error` is what many call theirs: it says less than the name of what holds it.
    (derived && name.starts_with(|c: char| c.is_ascii_uppercase()) && name != "Error").then_some(name)
}

fn message_of(cause: &Cause<'_>) -> String {
    match cause.what {
        What::Error(error) | What::Dynamic(error, _) => shown(format_args!("{error}"), "Display"),
        What::Display(value) => shown(format_args!("{value}"), "Display"),
        What::Debug(value) => shown(format_args!("{value:?}"), "Debug"),
        What::Text(text) => shown(format_args!("{text}"), "Display"),
        What::Panic(payload) => panic_says(payload),
        What::Opaque => "<a value without Display or Debug>".to_owned(),
    }
}

/// Returns what a panic says, where it was raised with a text.
pub(super) fn panic_says(payload: &(dyn Any + Send)) -> String {
    match panic_message(payload) {
        Some(text) => shown(format_args!("{text}"), "Display"),
        None => "<panic payload of unknown type>".to_owned(),
    }
}

/// Where it was noticed, what caused it, and the backtrace that the error itself holds.
fn traceback_of(cause: &Cause<'_>) -> String {
    let mut out = Clipped::new(TRACEBACK_BYTES_MAX);
    let place = cause.place;
    let _ = write!(out, "at {}:{}:{}", short_path(place), place.line(), place.column());
    for error in chain(cause.as_error()).skip(1) {
        out.push("\ncaused by: ");
        if let Some(name) = dynamic_type(error) {
            out.push(&name);
            out.push(": ");
        }
        out.push(&shown(format_args!("{error}"), "Display"));
    }
    if let What::Dynamic(_, Some(holder)) = cause.what
        && !cause.type_name.starts_with("alloc::")
    {
        // `anyhow::Error` and its like show the backtrace they hold in their `Debug` and nowhere else.
        let mut whole = Clipped::new(2 * TRACEBACK_BYTES_MAX);
        let _ = guarded(|| write!(whole, "{holder:?}"));
        if let Some((_, backtrace)) = whole.finish().split_once("Stack backtrace:\n") {
            out.push("\n\nbacktrace:\n");
            out.push(backtrace);
        }
    }
    out.finish()
}

/// The path of a source file, without the directory (and so the name) of the user whose machine built it.
pub(super) fn short_path<'a>(place: &'a Location<'a>) -> &'a str {
    let path = place.file();
    let registry = path.split_once("/registry/src/").or_else(|| path.split_once("/git/checkouts/"));
    registry.and_then(|(_, below)| below.split_once('/')).map_or(path, |(_, file)| file)
}

/// Formats a value whose code is the user's.
fn shown(value: fmt::Arguments<'_>, by: &str) -> String {
    let mut out = Clipped::new(ERROR_MESSAGE_BYTES_MAX);
    match guarded(|| out.write_fmt(value)) {
        Some(Ok(())) => out.finish(),
        Some(Err(_)) => format!("<its {by} failed>"),
        None => format!("<its {by} panicked>"),
    }
}
