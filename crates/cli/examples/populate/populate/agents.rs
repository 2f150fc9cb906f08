//! Agents: traces with calls of models and tools, runs with what they left behind, conversations.

use serde_json::{Value, json};

use super::session::Session;
use super::{Dice, HOUR, MINUTE, SECOND};

/// Providers, their models, dollars a million tokens in and out, and how long an answer takes at least.
const MODELS: [(&str, &str, f64, f64, i64); 3] = [
    ("anthropic", "claude-sonnet-4-5", 3.0, 15.0, 1_900),
    ("openai", "gpt-4o", 2.5, 10.0, 1_100),
    ("openai", "gpt-4o-mini", 0.15, 0.6, 480),
];
/// Tools, how long they take at least, and of how many calls one fails.
const TOOLS: [(&str, i64, u64); 5] = [
    ("search", 320, 40),
    ("read_file", 12, 25),
    ("run_tests", 8_400, 3),
    ("write_file", 18, 60),
    ("send_mail", 640, 6),
];

/// The questions that are asked, and the objectives of runs.
const TASKS: [&str; 6] = [
    "fix the login timeout",
    "summarize the incident of last night",
    "which orders are late?",
    "update the dependencies",
    "draft the release notes of 2.4.0",
    "why is the nightly job slow?",
];

/// Sends a day of agents.
pub(super) fn send(address: &str, now: i64) {
    let mut dice = Dice(0xd1b5_4a32_d192_ed03);
    for number in 0..26_u64 {
        let ago = i64::try_from(25 - number).unwrap() * 52 * MINUTE + 4 * MINUTE;
        let mut session = Session::begin(&format!("agent-{:04x}", 0xa000 + number * 331), "agents 1.9.2", now - ago);
        let mut spans = Spans { session: &mut session, trace: 0x4bf9_2f35 + number * 0x0101_0101, next: 1, run: None };
        spans.question(TASKS[usize::try_from(number % 6).unwrap()], &mut dice);
        session.wait(SECOND).end().send(address);
    }
    unfinished(address, now);
    runs(address, now, &mut dice);
    conversation(address, now);
}

/// Spans of one trace.
struct Spans<'s> {
    session: &'s mut Session,
    trace: u64,
    next: u64,
    run: Option<&'s str>,
}

impl Spans<'_> {
    fn id(&mut self) -> u64 {
        self.next += 1;
        self.trace << 8 | self.next
    }

    /// Says a span's start or end.
    fn span(&mut self, event: &str, (id, parent): (u64, Option<u64>), name: &str, more: Value) {
        let failed = more["status"] == "error";
        let mut data = json!({"trace_id": format!("{:08x}4f1c8a27d6e35b90c2d1e8f7", self.trace), "span_id": format!("{id:016x}"), "span_name": name});
        if let Some(parent) = parent {
            data["parent_span_id"] = format!("{parent:016x}").into();
        }
        if let Some(run) = self.run {
            data["run_id"] = run.into();
        }
        if let (Some(fields), Value::Object(more)) = (data.as_object_mut(), more) {
            fields.extend(more);
        }
        self.session.say(event, if failed { "ERROR" } else { "INFO" }, &data);
    }

    /// An agent that answers a question with some rounds of a model and a tool.
    fn question(&mut self, task: &str, dice: &mut Dice) {
        let (root, begun) = (self.id(), self.session.at);
        self.span(
            "span.start",
            (root, None),
            "invoke_agent helper",
            json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}),
        );
        let mut failed = false;
        for round in 0..1 + dice.roll(4) {
            self.model(root, task, round, dice);
            failed |= self.tool(root, dice);
        }
        self.model(root, task, 9, dice);
        let took = (self.session.at - begun) / 1000;
        let end = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper", "duration_ms": took, "status": "ok", "tools_failed": failed});
        self.span("span.end", (root, None), "invoke_agent helper", end);
    }

    fn model(&mut self, parent: u64, task: &str, round: u64, dice: &mut Dice) {
        let (provider, model, per_in, per_out, least) = *dice.pick(&MODELS);
        let took = least + dice.time(least * 2);
        let (tokens_in, tokens_out) = (900 + dice.roll(2400), 40 + dice.roll(420));
        let cost = (f64::from(u32::try_from(tokens_in).unwrap()) * per_in
            + f64::from(u32::try_from(tokens_out).unwrap()) * per_out)
            / 1e6;
        let is_last = round == 9;
        let answer = if is_last {
            json!([{"role": "assistant", "parts": [{"type": "text", "content": format!("Done: {task}.\n\nThe cause was a connection pool of one; it has eight now.")}], "finish_reason": "stop"}])
        } else {
            json!([{"role": "assistant", "parts": [{"type": "tool_call", "id": format!("c{round}"), "name": "search", "arguments": {"query": task}}], "finish_reason": "tool_call"}])
        };
        let mut data = json!({
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": provider, "gen_ai.request.model": model,
            "gen_ai.response.model": model, "gen_ai.usage.input_tokens": tokens_in, "gen_ai.usage.output_tokens": tokens_out,
            "gen_ai.usage.cost": cost, "gen_ai.response.finish_reasons": [if is_last { "stop" } else { "tool_calls" }],
            "gen_ai.response.time_to_first_chunk": 0.18, "duration_ms": took, "status": "ok",
            "gen_ai.input.messages": [
                {"role": "system", "parts": [{"type": "text", "content": "You help the people who operate Atlas. Be brief, and say what you don't know."}]},
                {"role": "user", "parts": [{"type": "text", "content": task}]},
            ],
            "gen_ai.output.messages": answer,
        });
        if dice.roll(14) == 0 {
            data["status"] = "error".into();
            data["error.type"] = "RateLimited".into();
            data["error.message"] = "429: too many tokens a minute; try again in 11 s".into();
        }
        self.session.wait(took * 1000);
        let id = self.id();
        self.span("span.end", (id, Some(parent)), &format!("chat {model}"), data);
    }

    /// Returns whether it failed.
    fn tool(&mut self, parent: u64, dice: &mut Dice) -> bool {
        let (tool, least, of) = *dice.pick(&TOOLS);
        let took = least + dice.time(least * 2);
        let mut data = json!({
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "duration_ms": took, "status": "ok",
            "gen_ai.tool.call.arguments": {"path": "src/http/pool.rs"}, "gen_ai.tool.call.result": "214 lines",
        });
        let failed = dice.roll(of) == 0;
        if failed {
            data["status"] = "error".into();
            data["error.type"] = "ToolFailed".into();
            data["error.message"] = format!("{tool}: exit status 1: 2 of 118 failed").into();
        }
        self.session.wait(took * 1000);
        let id = self.id();
        self.span("span.end", (id, Some(parent)), &format!("execute_tool {tool}"), data);
        failed
    }
}

/// A trace that still runs, one whose session died, and a span whose parent never arrived.
fn unfinished(address: &str, now: i64) {
    for (name, ends) in [("agent-running", false), ("agent-killed", true)] {
        let mut session = Session::begin(name, "agents 1.9.2", now - 3 * MINUTE);
        let trace = if ends { 0xdead_0001 } else { 0x1111_0001 };
        let mut spans = Spans { session: &mut session, trace, next: 1, run: None };
        let root = spans.id();
        spans.span("span.start", (root, None), "invoke_agent helper", json!({"gen_ai.operation.name": "invoke_agent"}));
        spans.model(root, TASKS[2], 0, &mut Dice(77));
        let tool = spans.id();
        spans.span(
            "span.start",
            (tool, Some(root)),
            "execute_tool run_tests",
            json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "run_tests"}),
        );
        let orphan = spans.id();
        spans.span(
            "span.end",
            (orphan, Some(0xffff)),
            "retrieval handbook",
            json!({"gen_ai.operation.name": "retrieval", "documents": 4, "duration_ms": 85, "status": "ok"}),
        );
        if ends {
            session.wait(SECOND).fail("CRITICAL", "MemoryError", "can't allocate 8 GiB", "").end();
        }
        session.send(address);
    }
}

/// Runs: one that failed, the one that was forked off it and went well, one that runs, one that was cancelled.
fn runs(address: &str, now: i64, dice: &mut Dice) {
    let told = [
        ("run_mwx1c0a1_fa11ed", "fix the login timeout", Some("failed"), None),
        ("run_mwx1d7b2_f00d01", "[fork:retry] fix the login timeout", Some("completed"), Some("run_mwx1c0a1_fa11ed")),
        ("run_mwx1e9c3_ca9ce1", "update the dependencies", Some("cancelled"), None),
        ("run_mwx1f2d4_0ddba1", "draft the release notes of 2.4.0", None, None),
    ];
    for (number, (run, objective, status, parent)) in told.into_iter().enumerate() {
        let begun = now - 2 * HOUR + i64::try_from(number).unwrap() * 28 * MINUTE;
        let mut session = Session::begin(&format!("runner-{number}"), "agents 1.9.2", begun);
        let say = |session: &mut Session, kind: &str, mut data: Value| {
            data["run_id"] = run.into();
            let severity = if kind == "error" { "ERROR" } else { "INFO" };
            session.wait(900_000).say(&format!("run.{kind}"), severity, &data);
        };
        let metadata = json!({"channel": "terminal", "tags": ["bugfix"], "parentRolloutId": parent});
        say(&mut session, "run_start", json!({"objective": objective, "metadata": metadata, "user_bucket": 4}));
        if let Some(parent) = parent {
            say(&mut session, "decision", json!({"kind": "fork", "parentRunId": parent, "reason": "retry"}));
        }
        say(&mut session, "step_start", json!({"description": "Find where the time goes"}));
        let trace = 0x7a00_0001 + number as u64;
        Spans { session: &mut session, trace, next: 1, run: Some(run) }.question(objective, dice);
        say(&mut session, "tool_call", json!({"toolName": "bash", "args": {"command": "cargo test"}}));
        let fails = status == Some("failed");
        let mut result = json!({"toolName": "bash", "success": !fails, "durationMs": 8214});
        if fails {
            result["error"] = "test login::slow_network failed: 30 s".into();
        }
        say(&mut session, "tool_result", result);
        let patch = "--- a/src/login.rs\n+++ b/src/login.rs\n@@ -41 +41 @@\n-let pool = Pool::new(1);\n+let pool = Pool::new(8);\n";
        say(
            &mut session,
            "patch_created",
            json!({"artifact": "patch.diff", "path": "artifacts/patch.diff", "bytes": patch.len(), "content": patch}),
        );
        say(
            &mut session,
            "artifact_saved",
            json!({"artifact": "plan.md", "path": "artifacts/plan.md", "bytes": 412, "content": "# Plan\n\n1. Measure.\n2. Mend.\n"}),
        );
        if fails {
            say(
                &mut session,
                "error",
                json!({"error.type": "TestsFailed", "error.message": "2 of 118 tests failed", "message": "2 of 118 tests failed"}),
            );
        }
        if let Some(status) = status {
            say(&mut session, "step_end", json!({"description": "Find where the time goes"}));
            say(&mut session, "run_end", json!({"status": status}));
            session.end();
        }
        session.send(address);
    }
}

/// A person and an assistant.
fn conversation(address: &str, now: i64) {
    let mut session = Session::begin("chat-3d2f", "agents 1.9.2", now - 14 * MINUTE);
    let id = json!({"gen_ai.conversation.id": "conv-81"});
    session.say("conversation.start", "INFO", &id);
    for (role, content) in [
        ("user", "Is the login slow for everybody?"),
        ("assistant", "For those who sign in from mobile networks."),
        ("user", "Thanks."),
    ] {
        let message = json!({"gen_ai.conversation.id": "conv-81", "role": role, "content": content});
        session.wait(20 * SECOND).say("conversation.message", "INFO", &message);
    }
    session.wait(SECOND).say("conversation.end", "INFO", &id).end().send(address);
}
