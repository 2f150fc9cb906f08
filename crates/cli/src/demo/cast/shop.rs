//! A shop that speaks OpenTelemetry: its orders of the day before as traces, with calls of a model and a tool, lines of logs and metrics, each
//! with its own time. It has two versions: what was wrong in the first and was said to be dealt with comes back in the second.

use lastword::clock::random_id;
use lastword_collector::query::Moment;
use serde_json::{Value, json};

use super::failed;
use crate::error::Error;
use crate::flags::demo::DemoClientArgs;
use crate::limits::DEMO_CALL_TIMEOUT;

/// What is wrong in both versions.
pub(in crate::demo) const COMES_BACK: &str = "TimeoutError";
/// What it says.
const SAID: &str = "the bank did not answer within 5 s";
/// How long that is, in microseconds.
const WAITED: i64 = 5_000_000;
/// The number of the first order of the second version: the first has fewer.
const FIRST_AFTER: usize = 1_000;
/// The versions.
pub(in crate::demo) const VERSIONS: [&str; 2] = ["1.4.0", "1.5.0"];

/// A minute, in microseconds.
const MINUTE: i64 = 60_000_000;
/// How many minutes ago the first version began, and the second one took its place.
const BEGAN: i64 = 22 * 60;
const CHANGED: i64 = 6 * 60;
/// How many minutes ago most was ordered, and how many orders there were then in so many minutes.
const BUSY: i64 = 9 * 60;
const MOST: i64 = 6;
const EVERY: i64 = 12;

/// Returns how many microseconds ago orders came, of some minutes: more of them in the busy hours.
fn times(from: i64, to: i64) -> impl Iterator<Item = i64> {
    let parts = (to / EVERY..from / EVERY).rev();
    parts.flat_map(|part| {
        let count = (MOST - (part * EVERY - BUSY).abs() / 150).max(1);
        (0..count).map(move |one| (part + 1) * EVERY * MINUTE - one * EVERY * MINUTE / count)
    })
}

/// Sends what the first version did.
pub(super) async fn before(args: &DemoClientArgs) -> Result<(), Error> {
    let mut day = Day::of(args, VERSIONS[0]);
    for (number, ago) in times(BEGAN, CHANGED).enumerate() {
        let wrong = (number % 23 == 4).then_some((COMES_BACK, SAID));
        day.order(number, ago, wrong);
    }
    day.send(args).await
}

/// Sends what the second version did, up to now.
pub(super) async fn after(args: &DemoClientArgs) -> Result<(), Error> {
    let mut day = Day::of(args, VERSIONS[1]);
    for (number, ago) in times(CHANGED, EVERY).enumerate() {
        let wrong = (number % 13 == 3).then_some(("KeyError", "no coupon is called spring"));
        day.order(FIRST_AFTER + number, ago, wrong);
    }
    // After somebody had said that it was dealt with.
    day.order(0, 0, Some((COMES_BACK, SAID)));
    day.send(args).await
}

/// What is sent of a version.
struct Day {
    now: i64,
    resource: Value,
    spans: Vec<Value>,
    logs: Vec<Value>,
    paid: Vec<Value>,
}

impl Day {
    fn of(args: &DemoClientArgs, version: &str) -> Self {
        let resource = json!({"attributes": attributes(&[
            ("service.name", json!("shop")), ("service.version", json!(version)), ("service.instance.id", json!(args.session)),
            ("os.type", json!(std::env::consts::OS)),
        ])});
        Self { now: Moment::now().as_micros(), resource, spans: Vec::new(), logs: Vec::new(), paid: Vec::new() }
    }

    /// An order that ended so many microseconds ago: it is looked at by a model, paid and written down, or goes wrong.
    fn order(&mut self, number: usize, ago: i64, wrong: Option<(&str, &str)>) {
        let chance = i64::try_from(number % 5).unwrap_or(0);
        let waits = if wrong.is_some_and(|(kind, _)| kind == COMES_BACK) { WAITED } else { 0 };
        let (asks, pays) = (90_000 + chance * 41_000, waits + 60_000 + chance * 17_000);
        let took = asks + pays + 40_000;
        let begun = self.now - ago - took;
        let trace = random_id().simple().to_string();
        let mut within = |name: &str,
                          place: u8,
                          (from, took): (i64, i64),
                          more: &[(&str, Value)],
                          error: Option<&str>| {
            self.spans.push(json!({
                "traceId": trace, "spanId": format!("{:08x}{number:06x}{place:02x}", begun & 0xffff_ffff), "name": name,
                "parentSpanId": if place == 0 { String::new() } else { format!("{:08x}{number:06x}00", begun & 0xffff_ffff) },
                "kind": if place == 0 { 2 } else { 3 },
                "startTimeUnixNano": nanos(begun + from), "endTimeUnixNano": nanos(begun + from + took),
                "attributes": attributes(more),
                "status": if error.is_some() { json!({"code": 2, "message": error}) } else { json!({}) },
                "events": if place == 0 { thrown(wrong, begun + from + took) } else { json!([]) },
            }));
        };
        let tokens = 420 + chance * 60;
        let model = [
            ("gen_ai.operation.name", json!("chat")),
            ("gen_ai.provider.name", json!("openai")),
            ("gen_ai.request.model", json!("gpt-4o-mini")),
            ("gen_ai.usage.input_tokens", json!(tokens)),
            ("gen_ai.usage.output_tokens", json!(18)),
        ];
        let tool = [("gen_ai.operation.name", json!("execute_tool")), ("gen_ai.tool.name", json!("charge_card"))];
        let (_, why) = wrong.unzip();
        within("POST /orders", 0, (0, took), &[("http.request.method", json!("POST"))], why);
        within("chat gpt-4o-mini", 1, (6_000, asks), &model, None);
        within("execute_tool charge_card", 2, (asks + 9_000, pays), &tool, why);
        if wrong.is_none() {
            within(
                "INSERT orders",
                3,
                (asks + pays + 14_000, 21_000),
                &[("db.system.name", json!("postgresql"))],
                None,
            );
        }
        let (level, text) = match why {
            Some(why) => (17, format!("order {number} was not paid: {why}")),
            None if number % 8 == 5 => (13, format!("order {number} was paid; two of its item are left")),
            None => (9, format!("order {number} was paid")),
        };
        let at = nanos(begun + took);
        self.logs.push(
            json!({"timeUnixNano": at, "severityNumber": level, "body": {"stringValue": text}, "traceId": trace}),
        );
        if wrong.is_none() {
            self.paid
                .push(json!({"timeUnixNano": at, "startTimeUnixNano": nanos(begun), "asInt": "1", "attributes": []}));
        }
    }

    async fn send(self, args: &DemoClientArgs) -> Result<(), Error> {
        let Self { resource, spans, logs, paid, .. } = self;
        let scope = json!({"name": "shop"});
        // What is told is what was added since the point before.
        let sum = json!({"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": paid});
        let bodies = [
            (
                "/v1/traces",
                json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]}),
            ),
            (
                "/v1/logs",
                json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": logs}]}]}),
            ),
            (
                "/v1/metrics",
                json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": scope,
                "metrics": [{"name": "orders.paid", "unit": "1", "sum": sum}]}]}]}),
            ),
        ];
        let http = reqwest::Client::builder().no_proxy().timeout(DEMO_CALL_TIMEOUT).build().map_err(failed)?;
        for (path, body) in bodies {
            let request =
                http.post(args.url.below(path)).header("content-type", "application/json").body(body.to_string());
            request.send().await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
        }
        Ok(())
    }
}

/// The exception that an order ended with, as OpenTelemetry records it on a span.
fn thrown(wrong: Option<(&str, &str)>, at: i64) -> Value {
    let Some((kind, message)) = wrong else { return json!([]) };
    let stack = format!(
        "Traceback (most recent call last):\n  File \"/app/shop/orders.py\", line 41, in place\n    pay(order)\n  File \"/app/shop/pay.py\", line 17, in pay\n    bank.charge(order.total)\n{kind}: {message}"
    );
    json!([{"name": "exception", "timeUnixNano": nanos(at), "attributes": attributes(&[
        ("exception.type", json!(kind)), ("exception.message", json!(message)), ("exception.stacktrace", json!(stack)),
    ])}])
}

/// Writes a time as OTLP's JSON has it.
fn nanos(micros: i64) -> String {
    format!("{micros}000")
}

/// Writes attributes as OTLP's JSON has them.
fn attributes(pairs: &[(&str, Value)]) -> Value {
    let value = |value: &Value| match value {
        Value::Number(number) => json!({"intValue": number.to_string()}),
        text => json!({"stringValue": text}),
    };
    pairs.iter().map(|(key, of)| json!({"key": key, "value": value(of)})).collect()
}
