//! Texts that try to break out of where they are shown: markup, marks that turn the direction of writing, NUL, half a surrogate pair, a
//! million bytes, words without end.

use serde_json::{Value, json};

use super::session::Session;
use super::{MINUTE, SECOND};

/// Runs if a page takes it for markup. The test asks for what it would have left behind.
pub(crate) const SCRIPT: &str = "<script>window.broken=1;alert(1)</script>";
/// The same as attributes, at the end of which a text might be.
pub(crate) const ATTRIBUTE: &str =
    "\"'><img src=x onerror=\"window.broken=2\"><a href=\"javascript:window.broken=3\">x</a>";
/// Turns the direction of writing, and does not turn it back.
pub(crate) const TURNED: &str = "\u{202e}gnp.exe\u{2066}\u{5d0}\u{5d1}\u{5d2}";
/// The bytes of the largest value.
const LARGE: usize = 1_000_000;
/// The characters of a word that can't be broken.
const LONG: usize = 3_000;

/// Sends them in every place that a client has.
pub(super) fn send(address: &str, now: i64) {
    for (number, text) in [SCRIPT, ATTRIBUTE, TURNED, &"W".repeat(120)].into_iter().enumerate() {
        let at = now - 40 * MINUTE + i64::try_from(number).unwrap() * MINUTE;
        let mut session = Session::begin(&format!("hostile {text}"), text, at);
        session.say(text, "WARNING", &json!({text: text}));
        session.say("telemetry.dropped", "WARNING", &json!({text: 3}));
        session.say("session.recovered", "WARNING", &json!({"signal": text}));
        session.say("session.user", "INFO", &json!({"user_bucket": 7, "user_id": text}));
        session.wait(SECOND).fail("CRITICAL", text, text, text);
        session.fail("ERROR", &format!("Long{number}"), &"x".repeat(LONG), &text.repeat(200));
        trace(&mut session, number, text);
        run(&mut session, number, text);
        session.say("metrics", "INFO", &json!({"interval_ms": 1000, "series": [
            {"name": text, "type": "counter", "unit": text, "description": text, "labels": {text: text}, "value": 3},
        ]}));
        session.lose(2);
        // What no serializer of ours would write.
        let name = r#""event":"GENERIC_EVENT","severity":"INFO","event_name""#;
        session.raw(&format!(r#"{name}:"nul\u0000in a name","event_data":{{"nul":"a\u0000b\u0007"}}"#));
        session.raw(&format!(r#"{name}:"half","event_data":{{"half":"\ud83d alone"}}"#));
        session.say("long.word", "INFO", &json!({"word": "y".repeat(LONG)}));
        session.say("large", "INFO", &json!({"value": "z".repeat(LARGE)}));
        session.end().send(address);
    }
}

/// A trace whose every text is hostile.
fn trace(session: &mut Session, number: usize, text: &str) {
    let (trace, root) = (format!("{:032x}", 0xbad0_0000_u32 + u32::try_from(number).unwrap()), "00000000000000b0");
    let messages = |role: &str| json!([{"role": role, "parts": [{"type": "text", "content": text}, {"type": text, "name": text}]}]);
    let span = |id: &str, more: Value| {
        let mut data = json!({"trace_id": trace, "span_id": id, "span_name": text, "duration_ms": 250, "status": "error",
            "error.type": text, "error.message": text, text: text});
        if let (Some(fields), Value::Object(more)) = (data.as_object_mut(), more) {
            fields.extend(more);
        }
        data
    };
    let call = json!({"parent_span_id": root, "gen_ai.operation.name": "chat", "gen_ai.provider.name": text,
        "gen_ai.request.model": text, "gen_ai.response.model": text, "gen_ai.response.finish_reasons": [text],
        "gen_ai.input.messages": messages("user"), "gen_ai.output.messages": messages("assistant")});
    let tool = json!({"parent_span_id": root, "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": text,
        "gen_ai.tool.call.arguments": text, "gen_ai.tool.call.result": text});
    session.say("span.end", "ERROR", &span("00000000000000b1", call));
    session.say("span.end", "ERROR", &span("00000000000000b2", tool));
    session.say("span.end", "ERROR", &span(root, json!({})));
}

/// A run whose every text is hostile, and which left behind a page.
fn run(session: &mut Session, number: usize, text: &str) {
    let id = format!("run_mwx1bad{number}_bad00{number}");
    let mut say = |kind: &str, mut data: Value| {
        data["run_id"] = id.as_str().into();
        session.say(&format!("run.{kind}"), "INFO", &data);
    };
    say("run_start", json!({"objective": text, "metadata": {"channel": text, "tags": [text]}}));
    say("step_start", json!({"description": text}));
    say("tool_result", json!({"toolName": text, "success": false, "durationMs": 5, "error": text}));
    say(
        "artifact_saved",
        json!({"artifact": "page.html", "path": "artifacts/page.html", "bytes": SCRIPT.len(), "content": SCRIPT}),
    );
    say(
        "artifact_saved",
        json!({"artifact": "../../etc/passwd", "path": "../../etc/passwd", "bytes": 9, "content": text}),
    );
    say("run_end", json!({"status": text}));
}
