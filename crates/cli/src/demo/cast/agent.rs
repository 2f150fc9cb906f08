//! An agent: runs with what they left, nested traces with what was said to models, a tool that fails, metrics.

use std::time::Duration;

use lastword::metrics::{MessageRole, Metrics};
use lastword::privacy::Privacy;
use lastword::runs::{Run, RunMetadata, RunStore, Status};
use lastword::{Reporter, event};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::failed;
use crate::error::Error;
use crate::flags::demo::DemoClientArgs;
use crate::limits::DEMO_STOP_TIMEOUT;

/// What it is asked for, and whether it can do it.
const TASKS: [(&str, bool); 3] = [
    ("summarize the incident of last night", true),
    ("fix the login timeout", false),
    ("draft the release notes", true),
];
/// A model as its provider calls it.
const MODEL: (&str, &str) = ("openai", "gpt-4o");
/// How long a tool takes in the demo; a model takes some times as long.
const MOMENT: Duration = Duration::from_millis(12);

/// What the parts of an agent use.
struct Desk<'d> {
    reporter: &'d Reporter,
    metrics: &'d Metrics,
}

/// Does what it is asked for.
pub(super) async fn play(args: &DemoClientArgs) -> Result<(), Error> {
    let privacy = Privacy::new().model_content().tool_input();
    let reporter = super::reporter(&args.session, &args.url).privacy(privacy).start().map_err(failed)?;
    let metrics = Metrics::new(&reporter);
    let runs = RunStore::builder(args.directory.join("runs")).reporter(&reporter).open().map_err(failed)?;
    let desk = Desk { reporter: &reporter, metrics: &metrics };
    metrics.start_session(&args.session);
    for (place, (objective, can)) in TASKS.into_iter().enumerate() {
        let about = RunMetadata::new().channel("demo").tag("demo").session_id(reporter.session_id());
        let run = runs.start(objective, about).map_err(failed)?;
        let ended = run.wrap(desk.work(&run, objective, can)).await?;
        run.end(ended).map_err(failed)?;
        metrics.gauge("tasks.waiting").set(f64::from(u32::try_from(TASKS.len() - 1 - place).unwrap_or(0)), &[]);
    }
    metrics.end_session();
    metrics.flush();
    reporter.stop(DEMO_STOP_TIMEOUT).await;
    Ok(())
}

impl Desk<'_> {
    /// Works on one task, all of it in one trace.
    async fn work(&self, run: &Run, objective: &str, can: bool) -> Result<Status, Error> {
        let agent = self.reporter.agent("helper");
        agent.wrap(self.steps(run, objective, can)).await
    }

    async fn steps(&self, run: &Run, objective: &str, can: bool) -> Result<Status, Error> {
        self.metrics.record_message(MessageRole::User);
        event!(self.reporter, "agent.asked", objective = objective);
        let wish = json!([
            {"role": "system", "parts": [{"type": "text", "content": "You look after a small shop. Use the tools."}]},
            {"role": "user", "parts": [{"type": "text", "content": objective}]},
        ]);
        let call = json!({"type": "tool_call", "id": "call_1", "name": "search", "arguments": {"query": objective}});
        self.ask(&wish, &json!([{"role": "assistant", "parts": [call], "finish_reason": "tool_call"}]), "tool_calls")
            .await;
        let look = self.reporter.span("look around");
        look.wrap(async {
            self.tool("search", &json!({"query": objective}), Ok(json!({"found": 3}))).await;
            self.tool("read_file", &json!({"path": "notes/incident.md"}), Ok(json!({"lines": 41}))).await;
        })
        .await;
        look.end();
        let tests =
            if can { Ok(json!({"passed": 41})) } else { Err("2 of 41 tests failed: login::times_out, login::retries") };
        self.tool("run_tests", &json!({"only": "login"}), tests).await;
        let mut decision = self.reporter.decision(["answer", "ask a person"]);
        decision.selected(if can { "answer" } else { "ask a person" });
        decision.end();
        let answer = if can {
            "Done. The cause was a pool of one connection; it has eight now."
        } else {
            "I could not: two tests of the login fail still. Somebody has to look at the clock that they use."
        };
        let said =
            json!([{"role": "assistant", "parts": [{"type": "text", "content": answer}], "finish_reason": "stop"}]);
        self.ask(&wish, &said, "stop").await;
        self.metrics.record_message(MessageRole::Assistant);
        run.save_artifact("answer.md", format!("# {objective}\n\n{answer}\n")).map_err(failed)?;
        Ok(if can { Status::Completed } else { Status::Failed })
    }

    /// Asks the model.
    async fn ask(&self, input: &Value, output: &Value, ends_by: &str) {
        let mut call = self.reporter.model_call(MODEL.0, MODEL.1);
        call.input(input);
        sleep(MOMENT * 3).await;
        call.first_chunk();
        sleep(MOMENT * 4).await;
        call.output(output).usage(1_260, 74).cost(0.003_89).finish_reason(ends_by);
        self.metrics.counter("model.tokens").add(1_334.0, &[("model", MODEL.1)]);
        self.metrics.histogram("answer.chars").record(64.0, &[]);
        call.end();
    }

    /// Uses a tool, which comes to something or fails.
    async fn tool(&self, name: &str, arguments: &Value, result: Result<Value, &str>) {
        let mut tool = self.reporter.tool_call(name);
        tool.arguments(arguments);
        sleep(MOMENT).await;
        match result {
            Ok(result) => tool.result(&result),
            Err(why) => {
                tool.fail_with("exit_status", why);
                &mut tool
            }
        };
        tool.end();
    }
}
