//! Where in a trace, and in which run, the code is that runs now.
//!
//! A [`Context`] is of a thread while it is entered, and of a future while that is polled: it goes where the future goes,
//! from thread to thread and across every `.await`, on any runtime. What is spawned has it only if it is given it
//! ([`Context::wrap`]), as every value that a task needs.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task;

use pin_project_lite::pin_project;

use super::SpanContext;
use crate::limits::ENTERED_SPANS_MAX;

thread_local! {
    static CURRENT: RefCell<Context> = const { RefCell::new(Context::none()) };
}

/// Whether a context that says something was ever entered, on any thread. A program whose telemetry is off has none to look for. A
/// thread that has entered one has set this itself.
static IS_USED: AtomicBool = AtomicBool::new(false);

/// Where in a trace, and in which run, code runs.
#[derive(Clone, Default)]
pub struct Context {
    pub(crate) span: Option<SpanContext>,
    pub(crate) run: Option<Arc<dyn Scribe>>,
}

/// Who writes down the spans that begin and end in its context: a run, into its file.
///
/// It is called on the thread of whoever begins or ends the span, must not block for long, and never fails.
pub(crate) trait Scribe: Any + Send + Sync {
    /// Returns the id of the run, which the events of its spans carry.
    fn run_id(&self) -> &str;
    /// A span began, with these attributes.
    fn started(&self, span: &Started<'_>);
    /// A span ended, with these attributes, those of its start among them.
    fn ended(&self, span: &Ended<'_>);
}

/// A span that began.
#[allow(dead_code)] // For the file of a run.
pub(crate) struct Started<'a> {
    pub(crate) context: SpanContext,
    pub(crate) parent_span_id: Option<u64>,
    pub(crate) name: &'a str,
    pub(crate) attributes: &'a [Attribute],
}

/// A span that ended.
#[allow(dead_code)] // For the file of a run.
pub(crate) struct Ended<'a> {
    pub(crate) started: Started<'a>,
    pub(crate) duration_ms: f64,
    /// Type and message of the error that it ended with.
    pub(crate) error: Option<(&'a str, &'a str)>,
}

/// A name and a value of a span: names as OpenTelemetry has them.
pub(crate) type Attribute = (std::borrow::Cow<'static, str>, serde_json::Value);

impl Context {
    /// The context of code that is in no trace and no run.
    #[must_use]
    pub const fn none() -> Self {
        Self { span: None, run: None }
    }

    /// Returns the context that this code runs in.
    #[inline]
    #[must_use]
    pub fn current() -> Self {
        if IS_USED.load(Ordering::Relaxed) { Self::of_thread() } else { Self::none() }
    }

    fn of_thread() -> Self {
        // A thread that is ending has none.
        CURRENT.try_with(|current| current.borrow().clone()).unwrap_or_default()
    }

    /// Returns the span that this code runs in.
    #[must_use]
    pub fn span(&self) -> Option<SpanContext> {
        self.span
    }

    /// Says that there is a context, before it is one of a thread.
    #[inline]
    fn announce(&self) {
        let says_something = self.span.is_some() || self.run.is_some();
        // It is written once: all threads read it.
        if says_something && !IS_USED.load(Ordering::Relaxed) {
            IS_USED.store(true, Ordering::Relaxed);
        }
    }

    /// Makes it the context of this thread until the guard is dropped. Not across an `.await`: see [`Context::wrap`].
    #[must_use = "the context is left as soon as the guard is dropped"]
    pub fn enter(self) -> Entered {
        self.announce();
        let before = CURRENT.try_with(|current| current.replace(self)).unwrap_or_default();
        Entered { before, stays: PhantomData }
    }

    /// Runs something in this context.
    pub fn in_scope<T>(self, run: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        run()
    }

    /// Gives it to a future: whatever that does, it does in this context.
    pub fn wrap<F: Future>(self, future: F) -> InContext<F> {
        InContext { context: self, future }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = self.run.as_ref().map(|run| run.run_id().to_owned());
        f.debug_struct("Context").field("span", &self.span).field("run", &run).finish()
    }
}

/// The context of a thread is another one until this is dropped.
#[derive(Debug)]
pub struct Entered {
    before: Context,
    /// It is the thread's, and stays with it.
    stays: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = std::mem::take(&mut self.before);
        // What was entered is dropped outside of the cell: a run that ends with it may look at the context.
        let left = CURRENT.try_with(|current| current.replace(before));
        drop(left);
    }
}

thread_local! {
    /// Spans of `tracing` that are entered on this thread, each with the context that was there before.
    static ENTERED: RefCell<Vec<(u64, Context)>> = const { RefCell::new(Vec::new()) };
}

/// Makes a context the current one for as long as a span of `tracing` is entered, for which nobody holds a guard of ours.
pub(crate) fn enter_span(id: u64, context: Context) {
    let _ = ENTERED.try_with(|entered| {
        let entered = &mut *entered.borrow_mut();
        if entered.len() < ENTERED_SPANS_MAX {
            context.announce();
            let before = CURRENT.try_with(|current| current.replace(context)).unwrap_or_default();
            entered.push((id, before));
        }
    });
}

/// Ends what [`enter_span`] began.
pub(crate) fn leave_span(id: u64) {
    let left = ENTERED.try_with(|entered| {
        let entered = &mut *entered.borrow_mut();
        let place = entered.iter().rposition(|(known, _)| *known == id)?;
        let (_, before) = entered.remove(place);
        match entered.get_mut(place) {
            // It is left before what was entered in it: that leads to what was before both.
            Some((_, inner)) => Some(std::mem::replace(inner, before)),
            None => CURRENT.try_with(|current| current.replace(before)).ok(),
        }
    });
    // Outside of the cells: a run that ends with it may look at the context.
    drop(left);
}

pin_project! {
    /// A future that runs in a context.
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is polled"]
    pub struct InContext<F> {
        context: Context,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<F::Output> {
        let this = self.project();
        let _entered = this.context.clone().enter();
        this.future.poll(cx)
    }
}
