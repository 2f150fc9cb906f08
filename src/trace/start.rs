//! How spans begin.

use std::borrow::Cow;

use super::context::Context;
use super::open::SpanKind;
use super::span::{Beginning, Span};
use super::w3c::SpanContext;
use crate::Reporter;

impl Reporter {
    /// Begins a trace: a span without a parent, wherever it is called.
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink).start()?;
    /// let question = reporter.trace("answer the user");
    /// let lookup = question.child("look it up");
    /// let trace_of = |span: &lastword::trace::Span| span.context().map(|context| context.trace_id());
    /// assert_eq!(trace_of(&lookup), trace_of(&question));
    /// assert_ne!(trace_of(&question), trace_of(&reporter.trace("another")));
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    #[inline]
    pub fn trace(&self, name: impl Into<Cow<'static, str>>) -> Span {
        let parent = Context { span: None, ..Context::current() };
        Span::begin_in(self, parent, SpanKind::Internal, || (name.into(), None))
    }

    /// Begins a span within one of another process, as the header `traceparent` of a request says it. Whether the trace is
    /// reported was decided there.
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink).start()?;
    /// fn handle(reporter: &lastword::Reporter, traceparent: &str) -> lastword::trace::Span {
    ///     match traceparent.parse() {
    ///         Ok(context) => reporter.trace_in(context, "handle"),
    ///         Err(_) => reporter.trace("handle"),
    ///     }
    /// }
    /// let span = handle(&reporter, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    /// assert_eq!(span.context().unwrap().trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    pub fn trace_in(&self, parent: SpanContext, name: impl Into<Cow<'static, str>>) -> Span {
        let parent = Context { span: Some(parent), ..Context::current() };
        Span::begin_in(self, parent, SpanKind::Internal, || (name.into(), None))
    }

    /// Begins a span within that of the current [`Context`]; a trace, where there is none.
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink).start()?;
    /// let question = reporter.trace("answer the user");
    /// let lookup = question.in_scope(|| reporter.span("look it up"));
    /// assert_eq!(lookup.context().unwrap().trace_id(), question.context().unwrap().trace_id());
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    #[inline]
    pub fn span(&self, name: impl Into<Cow<'static, str>>) -> Span {
        self.begin(SpanKind::Internal, || (name.into(), None))
    }

    #[inline]
    pub(super) fn begin(&self, kind: SpanKind, make: impl FnOnce() -> Beginning) -> Span {
        Span::begin_in(self, Context::current(), kind, make)
    }
}
