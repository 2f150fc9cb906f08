//! Running something within a span that ends with it: what [`traced!`](crate::traced!) and
//! [`async_traced!`](crate::async_traced!) become.

use std::borrow::Cow;
use std::future::Future;
use std::marker::PhantomData;

use super::watch::{Watch, watch, watch_future};
use crate::TelemetryProvider;
use crate::event::Cause;
use crate::trace::Span;

/// The type of the error of a span whose future was dropped.
const CANCELLED: &str = "cancelled";

/// A reporter and a name.
#[doc(hidden)]
#[derive(Debug)]
pub struct Named<'p, P: ?Sized, N>(pub &'p P, pub N);

impl<P: TelemetryProvider + ?Sized, N: Into<Cow<'static, str>>> From<Named<'_, P, N>> for Span {
    fn from(named: Named<'_, P, N>) -> Self {
        named.0.telemetry().map_or_else(Self::off, |reporter| reporter.span(named.1))
    }
}

/// A span that what is run in it ends.
struct Within {
    span: Span,
    has_ended: bool,
}

impl Within {
    const fn of(span: Span) -> Self {
        Self { span, has_ended: false }
    }
}

impl Watch for Within {
    fn ended(mut self, cause: Option<&Cause<'_>>) {
        self.has_ended = true;
        if let Some(cause) = cause {
            self.span.fail_of(cause);
        }
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        if !self.has_ended && !std::thread::panicking() {
            self.span.fail_with(CANCELLED, "its future was dropped before it was ready");
        }
    }
}

/// What [`traced!`](crate::traced!) becomes.
#[doc(hidden)]
pub fn traced<T, B, C>(span: impl Into<Span>, (): (), _: PhantomData<T>, body: B, cause: C) -> T
where
    B: FnOnce() -> T,
    C: for<'v> FnOnce(&'v T) -> Option<Cause<'v>>,
{
    let span: Span = span.into();
    let entered = span.enter();
    watch(
        Within::of(span),
        move || {
            let _entered = entered;
            body()
        },
        cause,
    )
}

/// What [`async_traced!`](crate::async_traced!) becomes.
#[doc(hidden)]
pub async fn traced_future<M, F, C>(span: impl Into<Span>, (): (), make: M, cause: C) -> F::Output
where
    M: FnOnce() -> F,
    F: Future,
    C: for<'v> FnOnce(&'v F::Output) -> Option<Cause<'v>>,
{
    let span: Span = span.into();
    let context = span.as_context();
    watch_future(Within::of(span), context.wrap(async move { make().await }), cause).await
}
