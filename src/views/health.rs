//! What the figures of the last minutes say, beside those of the time before.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::{Dashboard, Totals};
use crate::clock::Timestamp;

/// Calls of models in the last minutes, and before them, that a comparison takes.
const CALLS_MIN: u64 = 20;
/// The last minutes.
const RECENT: Duration = Duration::from_secs(300);
/// A rate that has changed by less is as it was.
const RATE_CHANGE_MIN: f64 = 0.05;
/// A duration that has grown by less, as a factor, is as it was.
const LATENCY_GROWTH_MIN: f64 = 1.5;

/// What is getting worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sign {
    /// Fewer calls of models go well.
    SuccessFalls,
    /// Calls of models take longer.
    LatencyRises,
    /// More calls of models are retries.
    RetriesRise,
}

impl Sign {
    /// Returns what to look at first.
    #[must_use]
    pub const fn look_at(self) -> &'static str {
        match self {
            Self::SuccessFalls => "prompts",
            Self::LatencyRises => "model or hardware",
            Self::RetriesRise => "parsing of what models answer",
        }
    }
}

/// A figure of the last five minutes that is worse than before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Concern {
    /// What is getting worse.
    pub sign: Sign,
    /// The figure before the last five minutes: a rate, or milliseconds.
    pub before: f64,
    /// The figure of the last five minutes.
    pub recent: f64,
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sign, before, recent } = self;
        let look_at = sign.look_at();
        let rates = |f: &mut fmt::Formatter<'_>, what| {
            write!(f, "{what} from {:.0}% to {:.0}%: look at {look_at}", before * 100.0, recent * 100.0)
        };
        match sign {
            Sign::SuccessFalls => rates(f, "success of model calls fell"),
            Sign::RetriesRise => rates(f, "retries of model calls rose"),
            Sign::LatencyRises => write!(f, "model calls take {recent:.0}ms, not {before:.0}ms: look at {look_at}"),
        }
    }
}

impl Dashboard {
    /// Compares the last five minutes with the time before: success, duration and retries of calls of models. Where there were fewer than twenty
    /// calls in either, nothing is said.
    #[must_use]
    pub fn health(&self, now: Timestamp) -> Vec<Concern> {
        health(&self.totals, now)
    }
}

fn health(totals: &Totals, now: Timestamp) -> Vec<Concern> {
    let recent = totals.window(now, RECENT);
    let before = without(totals.counts(), &recent);
    if recent.requests < CALLS_MIN || before.requests < CALLS_MIN {
        return Vec::new();
    }
    let concern = |sign, figure: fn(&Counts) -> Option<f64>, is_worse: fn(f64, f64) -> bool| {
        let (before, recent) = (figure(&before)?, figure(&recent)?);
        is_worse(before, recent).then_some(Concern { sign, before, recent })
    };
    let concerns = [
        concern(Sign::SuccessFalls, Counts::success_rate, |before, recent| recent + RATE_CHANGE_MIN < before),
        concern(Sign::LatencyRises, Counts::mean_response_ms, |before, recent| recent > before * LATENCY_GROWTH_MIN),
        concern(Sign::RetriesRise, Counts::retry_rate, |before, recent| recent > before + RATE_CHANGE_MIN),
    ];
    concerns.into_iter().flatten().collect()
}

/// What of calls of models happened before the last minutes.
fn without(all: &Counts, recent: &Counts) -> Counts {
    Counts {
        requests: all.requests.saturating_sub(recent.requests),
        request_errors: all.request_errors.saturating_sub(recent.request_errors),
        retries: all.retries.saturating_sub(recent.retries),
        timed_requests: all.timed_requests.saturating_sub(recent.timed_requests),
        request_nanos: all.request_nanos.saturating_sub(recent.request_nanos),
        ..Counts::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::views::{Event, View};

    /// Folds so many calls at so many minutes past the epoch.
    fn calls(dashboard: &mut Dashboard, minute: u64, count: u64, data: &serde_json::Value) {
        let mut json = json!({"event": "GENERIC_EVENT", "event_name": "operation", "session_id": "s",
            "timestamp": format!("1970-01-01T00:{minute:02}:00Z"), "event_data": {"gen_ai.operation.name": "chat"}});
        json["event_data"].as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
        for _ in 0..count {
            dashboard.apply(&Event::from_json(&json).unwrap());
        }
    }

    fn at(minute: u64) -> Timestamp {
        Timestamp::from_unix_nanos(minute * 60_000_000_000)
    }

    #[test]
    fn what_got_worse_is_told_with_where_to_look() {
        let mut dashboard = Dashboard::default();
        calls(&mut dashboard, 10, 100, &json!({"status": "ok", "duration_ms": 100, "attempt": 1}));
        assert_eq!(dashboard.health(at(11)), [], "there is no time before");
        calls(&mut dashboard, 30, 15, &json!({"status": "ok", "duration_ms": 400, "attempt": 1}));
        calls(&mut dashboard, 30, 5, &json!({"status": "error", "duration_ms": 400, "attempt": 2}));
        let told: Vec<String> = dashboard.health(at(31)).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "success of model calls fell from 100% to 75%: look at prompts",
                "model calls take 400ms, not 100ms: look at model or hardware",
                "retries of model calls rose from 0% to 25%: look at parsing of what models answer",
            ]
        );
        assert_eq!(dashboard.health(at(40)), [], "nothing happened lately");
    }
}
