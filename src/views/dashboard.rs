//! All views at once, and the state of the program that they come to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::counts::{Counts, mean_ms};
use super::{Conversations, Errors, Event, Llm, Metrics, Providers, Runs, Sessions, Tools, Totals, Traces, View};
use crate::clock::Timestamp;

/// All views at once: everything that is known of the events that it was given.
///
/// It can be kept and read back, with serde, and goes on from there.
///
/// ```
/// use lastword::clock::Timestamp;
/// use lastword::views::{Dashboard, Event, View};
/// use serde_json::json;
///
/// let mut dashboard = Dashboard::default();
/// dashboard.apply(&Event::from_json(&json!({
///     "event": "GENERIC_EVENT", "event_name": "operation", "timestamp": "2026-11-25T10:00:00Z", "session_id": "s-1",
///     "event_data": {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
///         "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.cost": 0.001,
///         "duration_ms": 500, "status": "ok"},
/// }))?);
/// let state = dashboard.state(dashboard.totals.last().unwrap());
/// assert_eq!((state.total_tokens, state.total_cost, state.error_rate), (150, 0.001, Some(0.0)));
/// # Ok::<(), lastword::views::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dashboard {
    /// What happened in all, and lately.
    pub totals: Totals,
    /// Calls of models, by provider and model.
    pub providers: Providers,
    /// Calls of tools, by tool.
    pub tools: Tools,
    /// Sessions.
    pub sessions: Sessions,
    /// Conversations.
    pub conversations: Conversations,
    /// Errors.
    pub errors: Errors,
    /// Traces.
    pub traces: Traces,
    /// Runs.
    pub runs: Runs,
    /// The program's own metrics.
    pub metrics: Metrics,
    /// Since when it counts, in nanoseconds since 1970, where that was said.
    since_nanos: Option<u64>,
}

/// The state of a program, in a few figures. Rates are from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DashboardState {
    /// Milliseconds since counting began: since it was said to, else since the first event.
    pub uptime_ms: u64,
    /// Whether a session runs.
    pub active_session: bool,
    /// How many sessions run.
    pub active_sessions: usize,
    /// How many sessions there were.
    pub total_sessions: u64,
    /// Tokens of both directions.
    pub total_tokens: u64,
    /// What calls of models cost, in dollars.
    pub total_cost: f64,
    /// Calls of tools.
    pub total_tool_calls: u64,
    /// Errors of any kind.
    pub total_errors: u64,
    /// How long a call of a model took in the mean of all, in milliseconds; `None` where there was none.
    pub avg_response_ms: Option<f64>,
    /// Which part of the calls of models failed; `None` where there was none.
    pub error_rate: Option<f64>,
    /// Tokens a minute since counting began; 0 at the moment that it did.
    pub tokens_per_minute: f64,
    /// Dollars an hour since counting began; 0 at the moment that it did.
    pub cost_per_hour: f64,
    /// The last minute.
    pub last_1m: WindowState,
    /// The last five minutes.
    pub last_5m: WindowState,
    /// How many users there are about, by the buckets that they are in.
    pub users: f64,
    /// There are more users than can be told: at least that many.
    pub users_at_least: bool,
}

/// The same figures of a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WindowState {
    /// How long the window is, in seconds.
    pub window_seconds: u64,
    /// What happened in it.
    pub counts: Counts,
    /// How long a call of a model took in the mean, in milliseconds; `None` where there was none.
    pub avg_response_ms: Option<f64>,
    /// Which part of the calls of models failed; `None` where there was none.
    pub error_rate: Option<f64>,
    /// Tokens a minute.
    pub tokens_per_minute: f64,
    /// Dollars an hour.
    pub cost_per_hour: f64,
}

impl Dashboard {
    /// Makes one that counts from this moment on, whenever the first event comes.
    #[must_use]
    pub fn since(start: Timestamp) -> Self {
        Self { since_nanos: Some(start.unix_nanos()), ..Self::default() }
    }

    /// Begins anew: nothing has happened, and counting begins now. The program's own metrics are still known by name.
    pub fn reset(&mut self, now: Timestamp) {
        let metrics = std::mem::take(&mut self.metrics).cleared();
        *self = Self { metrics, ..Self::since(now) };
    }

    /// Returns since when it counts: since it was said to, else since its first event.
    #[must_use]
    pub fn start(&self) -> Option<Timestamp> {
        self.since_nanos.map(Timestamp::from_unix_nanos).or_else(|| self.totals.first())
    }

    /// Returns how calls of models and tools went.
    #[must_use]
    pub fn llm(&self) -> Llm {
        Llm::of(self.totals.counts())
    }

    /// Returns the state at this moment. Windows are by the time of the events.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> DashboardState {
        let counts = self.totals.counts();
        let uptime = self.start().map_or(Duration::ZERO, |start| now.since(start));
        let active_sessions = self.sessions.running();
        let (users, users_at_least) = match self.totals.users() {
            crate::privacy::Estimate::About(users) => (users, false),
            crate::privacy::Estimate::AtLeast(users) => (f64::from(users), true),
        };
        DashboardState {
            uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX),
            active_session: active_sessions > 0,
            active_sessions,
            total_sessions: self.sessions.seen(),
            total_tokens: counts.tokens(),
            total_cost: counts.cost(),
            total_tool_calls: counts.tool_calls,
            total_errors: counts.errors,
            avg_response_ms: counts.mean_response_ms(),
            error_rate: counts.error_rate(),
            tokens_per_minute: per(counts.tokens(), uptime, 60.0),
            cost_per_hour: per(counts.cost_nanos, uptime, 3_600.0) / 1e9,
            last_1m: self.window(now, Duration::from_secs(60)),
            last_5m: self.window(now, Duration::from_secs(300)),
            users,
            users_at_least,
        }
    }

    fn window(&self, now: Timestamp, window: Duration) -> WindowState {
        let counts = self.totals.window(now, window);
        WindowState {
            window_seconds: window.as_secs(),
            counts,
            avg_response_ms: mean_ms(counts.request_nanos, counts.timed_requests),
            error_rate: counts.error_rate(),
            tokens_per_minute: per(counts.tokens(), window, 60.0),
            cost_per_hour: per(counts.cost_nanos, window, 3_600.0) / 1e9,
        }
    }
}

/// Returns an amount in so many seconds, at the rate that it had; 0 for no time at all.
#[allow(clippy::cast_precision_loss)]
fn per(amount: u64, time: Duration, seconds: f64) -> f64 {
    if time.is_zero() { 0.0 } else { amount as f64 / time.as_secs_f64() * seconds }
}

impl View for Dashboard {
    fn apply(&mut self, event: &Event<'_>) {
        self.totals.apply(event);
        self.providers.apply(event);
        self.tools.apply(event);
        self.sessions.apply(event);
        self.conversations.apply(event);
        self.errors.apply(event);
        self.traces.apply(event);
        self.runs.apply(event);
        self.metrics.apply(event);
    }

    fn merge(&mut self, other: Self) {
        self.totals.merge(other.totals);
        self.providers.merge(other.providers);
        self.tools.merge(other.tools);
        self.sessions.merge(other.sessions);
        self.conversations.merge(other.conversations);
        self.errors.merge(other.errors);
        self.traces.merge(other.traces);
        self.runs.merge(other.runs);
        self.metrics.merge(other.metrics);
        self.since_nanos = match (self.since_nanos, other.since_nanos) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
    }
}
