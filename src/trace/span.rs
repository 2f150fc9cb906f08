//! A span, as the program holds it.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;

use serde::Serialize;

use super::attributes::Attributes;
use super::context::{Context, Entered, InContext};
use super::open::{Open, SpanKind};
use super::w3c::SpanContext;
use crate::Reporter;
use crate::event::{Cause, IntoFailure};
use crate::privacy::SafeStr;

/// Something that the program does: it begins when it is made, and ends when it is dropped.
///
/// It has failed if [`fail`](Self::fail) says so, or if it is dropped by a panic. Where telemetry is off, nothing is done.
///
/// ```
/// # let sink = lastword::testing::MemorySink::new();
/// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink.clone()).start()?;
/// let mut span = reporter.span("load the index");
/// span.set("documents", 0).set("cold", false);
/// if let Err(error) = std::fs::read("no such file") {
///     span.fail(&error);
/// }
/// span.end();
/// # reporter.blocking_stop(std::time::Duration::from_secs(5));
/// let ended = &sink.events()[2]["event_data"];
/// assert_eq!((&ended["documents"], &ended["status"]), (&0.into(), &"error".into()));
/// # Ok::<(), lastword::StartError>(())
/// ```
#[must_use = "a span ends when it is dropped: keep it for as long as what it is about lasts"]
pub struct Span {
    reporter: Reporter,
    state: State,
}

enum State {
    Open(Open),
    /// Nobody is told of it, or it has ended: the span around it, in the first case.
    Off(Option<SpanContext>),
}

/// What is not longer than this is moved by a few instructions; beyond it, each move is a call. The name of a span is in it, and so are
/// its ids: nothing is allocated.
const _: () = assert!(size_of::<Span>() <= 128);

/// What a span begins with: its name, and what is known of it.
pub(super) type Beginning = (Cow<'static, str>, Option<Box<Attributes>>);

impl Span {
    #[inline]
    pub(super) fn begin_in(
        reporter: &Reporter,
        parent: Context,
        kind: SpanKind,
        make: impl FnOnce() -> Beginning,
    ) -> Self {
        if !Open::is_told(reporter, &parent) {
            return Self { reporter: Reporter::disabled(), state: State::Off(parent.span) };
        }
        Self { reporter: reporter.clone(), state: State::Open(Open::new(reporter, parent, kind, make)) }
    }

    /// A span that nobody is told of.
    pub(crate) const fn off() -> Self {
        Self { reporter: Reporter::disabled(), state: State::Off(None) }
    }

    /// Returns which span it is, of which trace; where nobody is told of it, that of the span around it, if there is one.
    #[must_use]
    pub fn context(&self) -> Option<SpanContext> {
        match &self.state {
            State::Open(open) => Some(open.context),
            State::Off(around) => *around,
        }
    }

    /// Returns the context of what is within it.
    #[inline]
    pub(crate) fn as_context(&self) -> Context {
        match &self.state {
            State::Open(open) => open.as_context(),
            State::Off(around) => {
                let current = Context::current();
                Context { span: around.or(current.span), ..current }
            }
        }
    }

    /// Begins a span within it.
    #[inline]
    pub fn child(&self, name: impl Into<Cow<'static, str>>) -> Self {
        self.begin(SpanKind::Internal, || (name.into(), None))
    }

    #[inline]
    pub(super) fn begin(&self, kind: SpanKind, make: impl FnOnce() -> Beginning) -> Self {
        Self::begin_in(&self.reporter, self.as_context(), kind, make)
    }

    /// Makes it the current span of this thread until the guard is dropped. Not across an `.await`: see [`Span::wrap`].
    #[must_use = "the span is left as soon as the guard is dropped"]
    pub fn enter(&self) -> Entered {
        self.as_context().enter()
    }

    /// Runs something within it.
    pub fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
        self.as_context().in_scope(run)
    }

    /// Has a future run within it, on whichever threads. The span does not end with the future: see
    /// [`async_traced!`](crate::async_traced!) for that.
    pub fn wrap<F: Future>(&self, future: F) -> InContext<F> {
        self.as_context().wrap(future)
    }

    /// Says how it stands to other processes. [`SpanKind::Internal`] unless set.
    pub fn kind(&mut self, kind: SpanKind) -> &mut Self {
        if let Some(open) = self.open() {
            open.kind = kind;
        }
        self
    }

    /// Sets an attribute to anything that serialises, in the place of what it was. It is redacted and cut like a field of any
    /// event; a name that is said of every span (`status`, `duration_ms`) becomes `data.status`.
    ///
    /// A value whose `Serialize` fails or panics is replaced by a text that says so. Texts about persons
    /// ([`PiiStr`](crate::privacy::PiiStr)) are a mask.
    pub fn set<T: Serialize>(&mut self, key: &'static str, value: T) -> &mut Self {
        if let Some(open) = self.open() {
            open.set(key, &value);
        }
        self
    }

    /// Sets an attribute to a text that was checked, so that every sink is given it.
    pub fn set_safe(&mut self, key: &'static str, text: SafeStr<'_>) -> &mut Self {
        if let Some(open) = self.open() {
            open.attributes_mut().set_safe(key, text.as_str());
        }
        self
    }

    /// Says that it failed, with what [`Reporter::log_error`] takes. The first error is the one that is told. The error is not
    /// reported as one beside that.
    #[track_caller]
    pub fn fail<E: IntoFailure<M> + ?Sized, M>(&mut self, error: &E) -> &mut Self {
        if self.open().is_some() {
            self.fail_of(&error.cause());
        }
        self
    }

    /// Says that it failed, by the type of the error and what it says.
    pub fn fail_with(&mut self, error_type: impl Into<Cow<'static, str>>, message: &str) -> &mut Self {
        if let Some(open) = self.open() {
            open.fail(error_type, message);
        }
        self
    }

    pub(crate) fn fail_of(&mut self, cause: &Cause<'_>) {
        if let Some(open) = self.open() {
            open.fail_of(cause);
        }
    }

    /// Ends it, as dropping it does.
    pub fn end(self) {}

    pub(super) const fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    /// Returns what is known of it, where anybody is told.
    #[inline]
    pub(super) fn open(&mut self) -> Option<&mut Open> {
        match &mut self.state {
            State::Open(open) => Some(open),
            State::Off(_) => None,
        }
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if let State::Open(open) = &mut self.state {
            open.end(&self.reporter);
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.state {
            // Whoever shows it shows it anywhere.
            State::Open(open) => Some(if open.has_safe_name { &*open.name } else { "[a name that was not checked]" }),
            State::Off(_) => None,
        };
        f.debug_struct("Span").field("name", &name).field("context", &self.context()).finish_non_exhaustive()
    }
}
