//! The macros: [`capture!`](crate::capture!), [`async_capture!`](crate::async_capture!), [`timed!`](crate::timed!),
//! [`async_timed!`](crate::async_timed!), [`traced!`](crate::traced!), [`async_traced!`](crate::async_traced!),
//! [`event!`](crate::event!).
//!
//! They name everything by its whole path, so they work wherever they are called, `#![no_implicit_prelude]` included.

/// Runs an expression, and reports what goes wrong in it: an `Err` that it comes to, or a panic.
///
/// Value, `Err` and panic (with its very payload) go on to the caller unchanged. An error becomes an
/// `UNHANDLED_EXCEPTION` with its type, message and chain of causes, or, if it is the user's, the event `user_error`:
/// see [`UserFault`](crate::UserFault). Of values that are no `Result`, panics alone are reported.
///
/// ```
/// use lastword::testing::MemorySink;
/// use lastword::{Reporter, Severity, capture};
/// # let reporter = Reporter::disabled();
///
/// fn read(path: &str) -> std::io::Result<String> {
///     std::fs::read_to_string(path)
/// }
///
/// let text = capture!(reporter, read("no such file")).unwrap_or_default();
/// let text = capture!(reporter, severity: Severity::Warning, read("no such file")).unwrap_or_default();
/// // Ends the session, and waits until the report is delivered or `flush_timeout` has passed.
/// let text = capture!(reporter, fatal, read("no such file")).unwrap_or_default();
/// let text = capture!(reporter, fatal, severity: Severity::Error, read("no such file")).unwrap_or_default();
/// assert_eq!(text, "");
/// ```
///
/// - The first argument is a [`Reporter`](crate::Reporter) or any [`TelemetryProvider`](crate::TelemetryProvider): a
///   reference, an `Option`, an `Arc`, a client that implements it. It is evaluated once, before the expression.
/// - Without `severity:`, an error is an [`Error`](crate::Severity::Error), a fatal one
///   [`Critical`](crate::Severity::Critical).
/// - The error may be anything: a `std::error::Error` that is `'static`, `Box<dyn Error>`, `anyhow::Error`, something
///   with a `Display` or a `Debug`, or with neither.
/// - The expression is the body of a closure: `return` and `?` in it end the expression, not the function around it.
/// - Its type must be known where the macro stands. A block with `?` in it has the type that the macro's value is given
///   to; where that is not known either, as in `capture!(..)?`, it needs a hint, as any closure does.
/// - It may be used inside `async` code around what is not awaited; around a future, see
///   [`async_capture!`](crate::async_capture!).
#[macro_export]
macro_rules! capture {
    ($reporter:expr, fatal, severity: $severity:expr, $body:expr $(,)?) => {
        $crate::__capture!(run, $reporter, $crate::capture::How::fatal().severity($severity), $body)
    };
    ($reporter:expr, severity: $severity:expr, fatal, $body:expr $(,)?) => {
        $crate::__capture!(run, $reporter, $crate::capture::How::fatal().severity($severity), $body)
    };
    ($reporter:expr, severity: $severity:expr, $body:expr $(,)?) => {
        $crate::__capture!(run, $reporter, $crate::capture::How::error().severity($severity), $body)
    };
    ($reporter:expr, fatal, $body:expr $(,)?) => {
        $crate::__capture!(run, $reporter, $crate::capture::How::fatal(), $body)
    };
    ($reporter:expr, $body:expr $(,)?) => {
        $crate::__capture!(run, $reporter, $crate::capture::How::error(), $body)
    };
}

/// Wraps a future, so that what goes wrong in it is reported: an `Err` that it comes to, or a panic.
///
/// It is to a future what [`capture!`](crate::capture!) is to an expression, with the same forms. The result is a future
/// that borrows the reporter; `spawn` gives it to [`tokio::spawn`] instead, with a reporter of its own. The type that the
/// future comes to must be known: for a block with `?` or with an endless loop in it, write an `async fn`.
///
/// ```
/// use lastword::{Reporter, async_capture};
///
/// async fn fetch(number: &str) -> Result<u32, std::num::ParseIntError> {
///     number.parse()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let reporter = Reporter::disabled();
/// let seven = async_capture!(reporter, fetch("7")).await?;
/// let eight = async_capture!(reporter, fatal, fetch("8")).await?;
/// let task = async_capture!(reporter, spawn, fetch("9"));
/// assert_eq!((seven, eight, task.await??), (7, 8, 9));
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// With `spawn`, outside of a tokio runtime, as [`tokio::spawn`] does.
///
/// # Cancel safety
///
/// Dropping the future drops the wrapped one; nothing is reported.
#[macro_export]
macro_rules! async_capture {
    ($reporter:expr, spawn, fatal, severity: $severity:expr, $future:expr $(,)?) => {
        $crate::__capture!(spawn, $reporter, $crate::capture::How::fatal().severity($severity), $future)
    };
    ($reporter:expr, spawn, severity: $severity:expr, $future:expr $(,)?) => {
        $crate::__capture!(spawn, $reporter, $crate::capture::How::error().severity($severity), $future)
    };
    ($reporter:expr, spawn, fatal, $future:expr $(,)?) => {
        $crate::__capture!(spawn, $reporter, $crate::capture::How::fatal(), $future)
    };
    ($reporter:expr, spawn, $future:expr $(,)?) => {
        $crate::__capture!(spawn, $reporter, $crate::capture::How::error(), $future)
    };
    ($reporter:expr, fatal, severity: $severity:expr, $future:expr $(,)?) => {
        $crate::__capture!(future, $reporter, $crate::capture::How::fatal().severity($severity), $future)
    };
    ($reporter:expr, severity: $severity:expr, fatal, $future:expr $(,)?) => {
        $crate::__capture!(future, $reporter, $crate::capture::How::fatal().severity($severity), $future)
    };
    ($reporter:expr, severity: $severity:expr, $future:expr $(,)?) => {
        $crate::__capture!(future, $reporter, $crate::capture::How::error().severity($severity), $future)
    };
    ($reporter:expr, fatal, $future:expr $(,)?) => {
        $crate::__capture!(future, $reporter, $crate::capture::How::fatal(), $future)
    };
    ($reporter:expr, $future:expr $(,)?) => {
        $crate::__capture!(future, $reporter, $crate::capture::How::error(), $future)
    };
}

/// Runs an expression and logs how long it took: `<name>_started`, and then `<name>_completed` with `duration_ms`, or, where
/// it comes to an `Err` or a panic, `<name>_failed` with `duration_ms`, `error_type` and `message`.
///
/// Value, `Err` and panic (with its very payload) go on to the caller unchanged. Milliseconds are of the monotonic clock,
/// with a fraction. Where telemetry is off, the expression is run and nothing else. The first argument is what
/// [`capture!`](crate::capture!) takes, and what that says of the expression holds here too; an error is not reported as one:
/// for that, the two are nested. The name is a literal.
///
/// ```
/// use lastword::testing::MemorySink;
/// use lastword::{Reporter, capture, timed};
///
/// let sink = MemorySink::new();
/// let reporter = Reporter::builder("session-123").enabled(true).sink(sink.clone()).start()?;
/// assert_eq!(timed!(reporter, "rank", "7".parse::<u32>()), Ok(7));
/// assert!(capture!(reporter, timed!(reporter, "rank", "seven".parse::<u32>())).is_err());
/// reporter.blocking_stop(std::time::Duration::from_secs(5));
/// assert_eq!(sink.names(), ["rank_started", "rank_completed", "rank_started", "rank_failed"]);
/// assert!(sink.events()[2]["event_data"]["duration_ms"].is_number());
/// # Ok::<(), lastword::StartError>(())
/// ```
#[macro_export]
macro_rules! timed {
    ($reporter:expr, $name:literal, $body:expr $(,)?) => {
        $crate::__capture!(
            @call timed, &$reporter, $crate::__timing_names!($name), $body, ::core::marker::PhantomData
        )
    };
}

/// Wraps a future so that how long it takes is logged, from when it is first polled: what [`timed!`](crate::timed!) is to an
/// expression. The result is a future that borrows the reporter.
///
/// ```
/// use lastword::{Reporter, async_timed};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let reporter = Reporter::disabled();
/// assert_eq!(async_timed!(reporter, "add", async { 3 + 4 }).await, 7);
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping the future drops the wrapped one, and logs `<name>_failed` with `cancelled`, if it was polled before.
#[macro_export]
macro_rules! async_timed {
    ($reporter:expr, $name:literal, $future:expr $(,)?) => {
        $crate::__capture!(@call timed_future, &$reporter, $crate::__timing_names!($name), $future)
    };
}

/// Runs an expression within a span that ends with it. An `Err` that it comes to, or a panic, is what the span failed with.
///
/// Value, `Err` and panic (with its very payload) go on to the caller unchanged. What [`capture!`](crate::capture!) says of the
/// expression holds here too; an error is not reported as one: for that, the two are nested. The span is named by its reporter
/// (what [`capture!`](crate::capture!) takes) and a name, and is then within the current one; or it is one that has begun, a helper
/// included. One that is lent, as `&mut`, does not end, and can be told more.
///
/// ```
/// use lastword::testing::MemorySink;
/// use lastword::{Reporter, traced};
///
/// let sink = MemorySink::new();
/// let reporter = Reporter::builder("session-123").enabled(true).sink(sink.clone()).start()?;
/// let question = reporter.trace("answer the user");
/// assert_eq!(traced!(question.child("parse"), "7".parse::<u32>()), Ok(7));
/// assert!(traced!(reporter, "parse", "seven".parse::<u32>()).is_err());
/// let files = traced!(question.tool_call("ls"), std::fs::read_dir("no such directory"));
/// assert!(files.is_err());
/// let mut call = question.model_call("openai", "gpt-4o");
/// let answer: Result<(u64, u64), std::io::Error> = traced!(&mut call, Ok((1_200, 80)));
/// if let Ok((input, output)) = answer {
///     call.usage(input, output);
/// }
/// # drop((call, question));
/// # reporter.blocking_stop(std::time::Duration::from_secs(5));
/// let failed = &sink.events()[7]["event_data"];
/// assert_eq!(failed["error.type"], "std::io::error::Error");
/// assert_eq!((&failed["span_name"], &failed["status"]), (&"execute_tool ls".into(), &"error".into()));
/// # Ok::<(), lastword::StartError>(())
/// ```
#[macro_export]
macro_rules! traced {
    ($reporter:expr, $name:expr, $body:expr $(,)?) => {
        $crate::__capture!(
            @call traced, $crate::capture::Named(&$reporter, $name), (), $body, ::core::marker::PhantomData
        )
    };
    ($span:expr, $body:expr $(,)?) => {
        $crate::__capture!(@call traced, $span, (), $body, ::core::marker::PhantomData)
    };
}

/// Wraps a future so that it runs within a span that ends with it: what [`traced!`](crate::traced!) is to an expression. A
/// span that is named begins as the future is first polled.
///
/// ```
/// use lastword::{Reporter, async_traced};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let reporter = Reporter::disabled();
/// assert_eq!(async_traced!(reporter, "add", async { 3 + 4 }).await, 7);
/// assert_eq!(async_traced!(reporter.tool_call("add"), async { 3 + 4 }).await, 7);
/// let mut call = reporter.model_call("openai", "gpt-4o");
/// let answer = async_traced!(&mut call, async { Ok::<_, std::io::Error>("4") }).await;
/// call.response_length(answer.map_or(0, str::len));
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping the future drops the wrapped one; a span that has begun has then failed, with the type `cancelled`.
#[macro_export]
macro_rules! async_traced {
    ($reporter:expr, $name:expr, $future:expr $(,)?) => {
        $crate::__capture!(@call traced_future, $crate::capture::Named(&$reporter, $name), (), $future)
    };
    ($span:expr, $future:expr $(,)?) => {
        $crate::__capture!(@call traced_future, $span, (), $future)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __timing_names {
    ($name:literal) => {
        $crate::capture::Names {
            started: ::core::concat!($name, "_started"),
            completed: ::core::concat!($name, "_completed"),
            failed: ::core::concat!($name, "_failed"),
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __capture {
    // The type that the caller expects is known to the third argument first, so that the body and the probe have it.
    (run, $reporter:expr, $how:expr, $body:expr) => {
        $crate::__capture!(@call run, &$reporter, $how, $body, ::core::marker::PhantomData)
    };
    ($run:ident, $reporter:expr, $how:expr, $body:expr) => {
        $crate::__capture!(@call $run, &$reporter, $how, $body)
    };
    (@call $run:ident, $reporter:expr, $how:expr, $body:expr $(, $expected:expr)?) => {
        $crate::capture::$run(
            $reporter,
            $how,
            $($expected,)?
            || $body,
            |value| {
                #[allow(unused_imports)]
                use $crate::capture::{
                    ViaDebug as _, ViaDisplay as _, ViaError as _, ViaHolder as _, ViaNothing as _, ViaOpaque as _,
                    ViaUnit as _,
                };
                (&&&&&&&$crate::capture::Probe(value)).cause()
            },
        )
    };
}

/// Logs an event, its fields straight into the reporter's queue: no value tree, no allocation.
///
/// A severity may stand before the name; without one it is [`Info`](crate::Severity::Info). The name is a literal.
/// Fields are written as users of `tracing` expect:
///
/// ```
/// use lastword::testing::MemorySink;
/// use lastword::{Reporter, Severity, event};
/// # let reporter = Reporter::disabled();
///
/// let (user, path) = ("ada", std::path::Path::new("/tmp"));
/// event!(reporter, "cache.miss");
/// event!(reporter, "cache.miss", key = 1, hit = false, tags = ["a", "b"]); // anything that serialises
/// event!(reporter, "cache.miss", user = %user, path = ?path);              // `%` for Display, `?` for Debug
/// event!(reporter, "cache.miss", user, %user, ?path);                      // of variables: their name is the key
/// event!(reporter, "http.done", http.status = 200, "content-type" = "text/html");
/// event!(reporter, Severity::Warning, "cache.miss", key = 1);
/// ```
///
/// It comes to an [`Admission`](crate::Admission). The first argument is a [`Reporter`](crate::Reporter) or any
/// [`TelemetryProvider`](crate::TelemetryProvider).
///
/// Values are evaluated once, in a closure (so `return` and `?` can't leave the function around them), and not at all
/// where telemetry is off or the queue is full. One that panics or fails to serialise costs this event, which is dropped
/// with a reason, and nothing else.
///
/// A key that is a keyword is written as text: `"type" = 1`. One event takes up to about a hundred fields: beyond that,
/// `log` with a struct.
#[macro_export]
macro_rules! event {
    ($reporter:expr, $name:literal $(, $($fields:tt)*)?) => {
        $crate::__event!({ $reporter } { $crate::Severity::Info } $name [] $($($fields)*)?)
    };
    ($reporter:expr, $severity:expr, $name:literal $(, $($fields:tt)*)?) => {
        $crate::__event!({ $reporter } { $severity } $name [] $($($fields)*)?)
    };
}

/// Takes one field after the other, and at the end writes the call.
#[doc(hidden)]
#[macro_export]
macro_rules! __event {
    ($reporter:tt $severity:tt $name:literal [$($done:tt)*] $key:literal = % $value:expr $(, $($rest:tt)*)?) => {
        $crate::__event!($reporter $severity $name [$($done)* (field_display, $key, &$value)] $($($rest)*)?)
    };
    ($reporter:tt $severity:tt $name:literal [$($done:tt)*] $key:literal = ? $value:expr $(, $($rest:tt)*)?) => {
        $crate::__event!($reporter $severity $name [$($done)* (field_debug, $key, &$value)] $($($rest)*)?)
    };
    ($reporter:tt $severity:tt $name:literal [$($done:tt)*] $key:literal = $value:expr $(, $($rest:tt)*)?) => {
        $crate::__event!($reporter $severity $name [$($done)* (field, $key, $value)] $($($rest)*)?)
    };
    ($reporter:tt $severity:tt $name:literal [$($done:tt)*] % $key:ident $(. $part:ident)* $(, $($rest:tt)*)?) => {
        $crate::__event!($reporter $severity $name
            [$($done)* (field_display, $crate::__key!($key $($part)*), &$key $(.$part)*)] $($($rest)*)?)
    };
    ($reporter:tt $severity:tt $name:literal [$($done:tt)*] ? $key:ident $(. $part:ident)* $(, $($rest:tt)*)?) => {
        $crate::__event!($reporter $severity $name
            [$($done)* (field_debug, $crate::__key!($key $($part)*), &$key $(.$part)*)] $($($rest)*)?)
    };
    ($reporter:tt $severity:tt $name:literal [$($done:tt)*]
        $key:ident $(. $part:ident)* = % $value:expr $(, $($rest:tt)*)?) => {
        $crate::__event!($reporter $severity $name
            [$($done)* (field_display, $crate::__key!($key $($part)*), &$value)] $($($rest)*)?)
    };
    ($reporter:tt $severity:tt $name:literal [$($done:tt)*]
        $key:ident $(. $part:ident)* = ? $value:expr $(, $($rest:tt)*)?) => {
        $crate::__event!($reporter $severity $name
            [$($done)* (field_debug, $crate::__key!($key $($part)*), &$value)] $($($rest)*)?)
    };
    ($reporter:tt $severity:tt $name:literal [$($done:tt)*]
        $key:ident $(. $part:ident)* = $value:expr $(, $($rest:tt)*)?) => {
        $crate::__event!($reporter $severity $name
            [$($done)* (field, $crate::__key!($key $($part)*), $value)] $($($rest)*)?)
    };
    ($reporter:tt $severity:tt $name:literal [$($done:tt)*] $key:ident $(. $part:ident)* $(, $($rest:tt)*)?) => {
        $crate::__event!($reporter $severity $name
            [$($done)* (field, $crate::__key!($key $($part)*), $key $(.$part)*)] $($($rest)*)?)
    };
    ({ $reporter:expr } { $severity:expr } $name:literal [$(($write:ident, $key:expr, $value:expr))*]) => {
        match $crate::TelemetryProvider::telemetry(&$reporter) {
            ::core::option::Option::Some(reporter) => $crate::Reporter::record(
                reporter,
                $severity,
                $name,
                // One for each field: how many there are is known before one of them is written.
                const { <[&str]>::len(&[$($key),*]) as u32 },
                |encoder| {
                    let _ = &encoder;
                    $($crate::event::Encoder::$write(encoder, const { $crate::privacy::key($key) }, &$value);)*
                },
            ),
            ::core::option::Option::None => {
                $crate::Admission::Dropped($crate::DropReason::Disabled)
            }
        }
    };
}

/// The key of a field, from the parts of its name.
#[doc(hidden)]
#[macro_export]
macro_rules! __key {
    ($key:ident $($part:ident)*) => {
        ::core::concat!(::core::stringify!($key) $(, ".", ::core::stringify!($part))*)
    };
}
