//! Checks of a collector that runs: whether it answers and is well, which version it is, whether an event arrives.

use lastword_collector::query::Moment;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::Check;
use crate::flags::key::ApiKey;
use crate::flags::source::BaseUrl;
use crate::limits::{CLOCK_SKEW_MAX, CONNECT_TIMEOUT, DOCTOR_TIMEOUT};
use crate::source::http::{innermost, read};

/// Checks it, and sends an event if that is wanted.
pub(super) async fn check(url: &BaseUrl, send: bool) -> Vec<Check> {
    let mut builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(DOCTOR_TIMEOUT);
    if url.is_loopback() {
        builder = builder.no_proxy();
    }
    let http = match builder.build() {
        Ok(http) => http,
        Err(error) => return vec![Check::wrong("collector", error.to_string(), "see to the system's certificates")],
    };
    let doctor = Doctor { http, url, key: ApiKey::of_environment() };
    let mut checks = doctor.health().await;
    if checks.len() > 1 {
        checks.extend(doctor.status().await);
    }
    if send && checks.iter().all(|check| check.state != super::State::Wrong) {
        checks.push(doctor.round_trip().await);
    }
    checks
}

struct Doctor<'d> {
    http: reqwest::Client,
    url: &'d BaseUrl,
    key: Option<ApiKey>,
}

impl Doctor<'_> {
    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<Response, String> {
        let request = match &self.key {
            Some(key) => request.bearer_auth(key.secret()),
            None => request,
        };
        request.send().await.map_err(|error| innermost(&error))
    }

    /// Whether it answers, is well, has our version, and our time.
    async fn health(&self) -> Vec<Check> {
        const NAME: &str = "collector";
        let answer = match self.ask(self.http.get(self.url.below("/api/health"))).await {
            Ok(answer) => answer,
            Err(reason) => {
                let found = format!("nobody answers at {}: {reason}", self.url);
                return vec![Check::wrong(
                    NAME,
                    found,
                    "start it with `lastword serve`, or name the URL that it printed",
                )];
            }
        };
        let status = answer.status();
        let its_time = answer.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_owned);
        let told = told(answer).await;
        let mut checks = Vec::new();
        match (status, told.get("ok").and_then(Value::as_bool)) {
            (StatusCode::OK, Some(true)) => checks.push(Check::ok(NAME, format!("{} is well", self.url))),
            (_, Some(_)) => {
                let found = format!("{} says {}", self.url, told.get("error").unwrap_or(&told));
                checks.push(Check::wrong(
                    NAME,
                    found,
                    "its log says more; `lastword doctor` on its machine looks for the cause",
                ));
            }
            _ => {
                let found = format!("what answers at {} is no collector (status {})", self.url, status.as_u16());
                return vec![Check::wrong(NAME, found, "stop what is there, or name another address with `--listen`")];
            }
        }
        checks.extend(told.get("version").and_then(Value::as_str).map(version));
        checks.extend(its_time.and_then(|date| time(&date)));
        checks
    }

    /// Whether it sends on what it is to, and can evaluate its alerts.
    async fn status(&self) -> Vec<Check> {
        let told = match self.ask(self.http.get(self.url.below("/api/status"))).await {
            Ok(answer) => told(answer).await,
            Err(_) => return Vec::new(),
        };
        let list = |list: &Value| list.as_array().cloned().unwrap_or_default();
        let mut checks: Vec<Check> = list(&told["forward"]).iter().map(forwarding).collect();
        checks.extend(list(&told["alerts"]["failed"]).iter().map(not_evaluated));
        checks
    }

    /// Sends an event and asks for it.
    async fn round_trip(&self) -> Check {
        const NAME: &str = "round trip";
        let wrong = |status: StatusCode, advice: &str| {
            Check::wrong(NAME, format!("{} answered {}", self.url, status.as_u16()), advice)
        };
        let key = "set LASTWORD_API_KEY to a key with the scopes ingest and read: `lastword keys new`";
        let now = Moment::now();
        let session = format!("doctor-{:x}-{:x}", now.as_micros(), std::process::id());
        let event = json!({
            "event": "GENERIC_EVENT", "event_id": format!("{session}-0"), "event_session_index": 0, "severity": "DEBUG",
            "timestamp": now.to_string(), "event_name": "doctor.round_trip", "event_data": {},
        });
        let end = json!({
            "event": "SESSION_END", "event_id": format!("{session}-1"), "event_session_index": 1, "severity": "DEBUG",
            "timestamp": now.to_string(), "duration": "0:00:00",
        });
        let body = json!({
            "events": [event, end], "platform": std::env::consts::OS, "sdk_version": env!("CARGO_PKG_VERSION"),
            "session_id": session,
        });
        let post = self.http.post(self.url.below("/api/v1/telemetry")).header("content-type", "application/json");
        match self.ask(post.body(body.to_string())).await {
            Err(reason) => return Check::wrong(NAME, reason, "try again; its log says more"),
            Ok(answer) => match answer.status() {
                StatusCode::OK => {}
                status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => return wrong(status, key),
                status => return wrong(status, "its log says more"),
            },
        }
        let mut url = self.url.below("/api/events");
        url.query_pairs_mut().append_pair("session", &session);
        match self.ask(self.http.get(url)).await {
            Err(reason) => Check::wrong(NAME, reason, "try again; its log says more"),
            Ok(answer) => match answer.status() {
                StatusCode::OK => {
                    let told = told(answer).await;
                    let events = told["events"].as_array().map_or(0, Vec::len);
                    if events == 2 {
                        Check::ok(NAME, format!("an event of session {session} was sent, stored and found"))
                    } else {
                        Check::wrong(
                            NAME,
                            format!("2 events were acknowledged and {events} found"),
                            "report it: this must not be",
                        )
                    }
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    Check::warning(NAME, "an event was sent and stored; the key may not look whether it is there", key)
                }
                status => wrong(status, "its log says more"),
            },
        }
    }
}

/// Reads an answer; what is no JSON says nothing.
async fn told(answer: Response) -> Value {
    let body = read(answer).await.unwrap_or_default();
    serde_json::from_slice(&body).unwrap_or_default()
}

/// How it goes with a target that events are forwarded to.
fn forwarding(target: &Value) -> Check {
    const NAME: &str = "forward";
    let count = |name: &str| target[name].as_u64().unwrap_or(0);
    let [sent, lag, failed, dropped] = ["sent", "lag", "failed", "dropped"].map(count);
    let name = target["name"].as_str().unwrap_or_default();
    let mut found = format!("{name}: {sent} sent, {lag} to go");
    if failed + dropped > 0 {
        found.push_str(&format!(", {failed} attempts failed, {dropped} refused for ever"));
    }
    if target["ok"] == false {
        let advice = "its log says why; `lastword doctor` on its machine asks the target";
        return Check::wrong(NAME, format!("{found}; it takes nothing now"), advice);
    }
    if dropped > 0 {
        return Check::warning(NAME, found, "its log says why some were refused");
    }
    Check::ok(NAME, found)
}

/// An alert that can't be evaluated.
fn not_evaluated(alert: &Value) -> Check {
    let text = |name: &str| alert[name].as_str().unwrap_or_default();
    let found = format!("`{}` can't be evaluated since {}", text("name"), text("since"));
    Check::wrong("alerts", found, "`lastword alerts list` says why; until then it stands as it stood")
}

fn version(theirs: &str) -> Check {
    let ours = env!("CARGO_PKG_VERSION");
    if theirs == ours {
        return Check::ok("version", theirs);
    }
    let found = format!("the collector is {theirs} and this is {ours}");
    Check::warning("version", found, "restart the collector with the binary that is installed, or install the same one")
}

/// Compares the clocks of both machines.
fn time(date: &str) -> Option<Check> {
    let theirs = httpdate::parse_http_date(date).ok()?;
    let skew = theirs.elapsed().unwrap_or_else(|error| error.duration());
    if skew <= CLOCK_SKEW_MAX {
        return Some(Check::ok("clocks", "this machine and the collector's agree"));
    }
    let found = format!("the collector's clock differs from this one by {} s", skew.as_secs());
    Some(Check::warning("clocks", found, "set both by NTP: sessions and events are put in order by time"))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn an_alert_that_can_not_be_evaluated_is_wrong_with_its_name_and_since_when() {
        let check = not_evaluated(&json!({ "name": "Bad", "since": "2026-11-20T09:20:34Z" }));
        assert_eq!(check.state, State::Wrong);
        assert_eq!(check.found, "`Bad` can't be evaluated since 2026-11-20T09:20:34Z");
    }

    #[test]
    fn a_target_is_as_well_as_it_says() {
        let told = |ok: bool, dropped: u64| {
            let target = json!({ "name": "siem", "ok": ok, "sent": 5, "lag": 7, "failed": 2, "dropped": dropped });
            forwarding(&target)
        };
        assert_eq!(
            [told(true, 0), told(true, 1), told(false, 0)].map(|check| check.state),
            [State::Ok, State::Warning, State::Wrong]
        );
        assert!(told(false, 0).found.starts_with("siem: 5 sent, 7 to go, 2 attempts failed"));
    }
}
