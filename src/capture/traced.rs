//! Running something within a span: what [`traced!`](crate::traced!) and
//! [`async_traced!`](crate::async_traced!) become.

use std::borrow::{Borrow, BorrowMut, Cow};
use std::future::Future;
use std::marker::PhantomData;

use super::watch::{Watch, watch, watch_future};
use crate::TelemetryProvider;
use crate::event::Cause;
use crate::trace::{Agent, Decision, MemoryOperation, ModelCall, Retrieval, Span, ToolCall};

/// The type of the error of a span whose future was dropped.
const CANCELLED: &str = "cancelled";

/// What [`traced!`](crate::traced!) runs something in: a span, which ends with it; one that is lent, which does not; a reporter
/// and a name, of which a span is made.
#[doc(hidden)]
pub trait Within {
    /// The span, or the loan of it.
    type Held: BorrowMut<Span>;

    /// Begins it, if it has not begun.
    fn held(self) -> Self::Held;
}

/// A reporter and a name.
#[doc(hidden)]
#[derive(Debug)]
pub struct Named<'p, P: ?Sized, N>(pub &'p P, pub N);

impl<P: TelemetryProvider + ?Sized, N: Into<Cow<'static, str>>> Within for Named<'_, P, N> {
    type Held = Span;

    fn held(self) -> Span {
        self.0.telemetry().map_or_else(Span::off, |reporter| reporter.span(self.1))
    }
}

macro_rules! spans {
    ($($span:ty),*) => {$(
        impl Within for $span {
            type Held = Span;

            fn held(self) -> Span {
                self.into()
            }
        }

        impl<'s> Within for &'s mut $span {
            type Held = &'s mut Span;

            fn held(self) -> &'s mut Span {
                self
            }
        }
    )*};
}

spans!(Span, Agent, Decision, MemoryOperation, ModelCall, Retrieval, ToolCall);

/// A span that is told how what runs in it ends.
struct Watched<S: BorrowMut<Span>> {
    span: S,
    has_ended: bool,
}

impl<S: BorrowMut<Span>> Watched<S> {
    const fn of(span: S) -> Self {
        Self { span, has_ended: false }
    }
}

impl<S: BorrowMut<Span>> Watch for Watched<S> {
    fn ended(mut self, cause: Option<&Cause<'_>>) {
        self.has_ended = true;
        if let Some(cause) = cause {
            self.span.borrow_mut().fail_of(cause);
        }
    }
}

impl<S: BorrowMut<Span>> Drop for Watched<S> {
    fn drop(&mut self) {
        if !self.has_ended && !std::thread::panicking() {
            self.span.borrow_mut().fail_with(CANCELLED, "its future was dropped before it was ready");
        }
    }
}

/// What [`traced!`](crate::traced!) becomes.
#[doc(hidden)]
pub fn traced<T, B, C>(span: impl Within, (): (), _: PhantomData<T>, body: B, cause: C) -> T
where
    B: FnOnce() -> T,
    C: for<'v> FnOnce(&'v T) -> Option<Cause<'v>>,
{
    let span = span.held();
    let entered = span.borrow().enter();
    watch(
        Watched::of(span),
        move || {
            let _entered = entered;
            body()
        },
        cause,
    )
}

/// What [`async_traced!`](crate::async_traced!) becomes.
#[doc(hidden)]
pub async fn traced_future<M, F, C>(span: impl Within, (): (), make: M, cause: C) -> F::Output
where
    M: FnOnce() -> F,
    F: Future,
    C: for<'v> FnOnce(&'v F::Output) -> Option<Cause<'v>>,
{
    let span = span.held();
    let context = span.borrow().as_context();
    watch_future(Watched::of(span), context.wrap(async move { make().await }), cause).await
}
