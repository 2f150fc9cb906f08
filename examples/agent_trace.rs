//! A loop of an agent, told by the helpers: it asks a model, calls a tool, which fails once, and asks the model again.
//!
//! ```text
//! cargo run --example agent_trace -- http://127.0.0.1:4318
//! lastword traces list
//! ```
//!
//! `tests/suites/otlp_in.py` does the same work by OpenTelemetry's SDK for Python: the views of both are alike.

use std::time::Duration;

use lastword::Reporter;
use lastword::sink::Tinker;

/// How long the end of the session may take.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("name the URL of a collector")?;
    let reporter = Reporter::builder("agent-trace").enabled(true).sink(Tinker::new(url)).start()?;
    let work = async {
        for (tool, fails) in [("search", false), ("read_file", true)] {
            let mut call = reporter.model_call("openai", "gpt-4o");
            call.usage(1_000, 50).cost(0.003).finish_reason("tool_calls");
            call.end();
            let mut tool = reporter.tool_call(tool);
            if fails {
                tool.fail_with("FileNotFoundError", "no such file");
            }
            tool.end();
        }
        let mut answer = reporter.model_call("openai", "gpt-4o");
        answer.usage(1_200, 200).cost(0.005).finish_reason("stop");
        answer.end();
    };
    reporter.agent("helper").wrap(work).await;
    assert!(reporter.stop(PATIENCE).await.is_drained());
    Ok(())
}
