//! What to do while there is nothing: commands that send something here, as they can be copied.

use maud::{Markup, html};

use crate::page::{Tab, layout};
use crate::query::Moment;

/// Where this collector is reached, by whoever looks at its page.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// Its address, without a path.
    pub(crate) url: String,
    /// Whether it asks for keys.
    pub(crate) asks_for_keys: bool,
}

/// The variable that a key stands in, where a command needs one.
const KEY: &str = "LASTWORD_API_KEY";

/// Returns the page of them.
pub(crate) fn page(origin: &Origin) -> Markup {
    let content = html! { section { h1 { "Send something here" } h2 { "By any of these" } (commands(origin)) } };
    layout("Send something here", Tab::None, &content)
}

/// Writes them where there is nothing yet.
pub(super) fn begin(origin: &Origin) -> Markup {
    html! { section { h2 { "Nothing was received yet" } (commands(origin)) } }
}

fn commands(origin: &Origin) -> Markup {
    html! {
            @if origin.asks_for_keys {
                p { "This collector asks for keys: put one with the scope " code { "ingest" } " into " code { (KEY) } ". "
                    code { "lastword keys new --scope ingest --name NAME" } " makes one." }
            }
            h3 { "One event, from a shell" }
            (command("curl", &curl(origin, Moment::now())))
            h3 { "A program that has OpenTelemetry's SDK: in its environment" }
            (command("otlp", &otlp(origin)))
            h3 { "A program in Rust, by lastword's own library: what it reports arrives even if it dies of it" }
            (command("rust", &rust(origin)))
            h3 { "Something to look at, of which nothing stays" }
            (command("demo", "lastword demo"))
            p.quiet.small { "It fills a collector of its own and says where the pages of that one are: nothing of it is seen here." }
            p.more { a href="/api/openapi.json" { "All that this collector answers" } ", and " a href="/live" { "events as they come" } "." }
    }
}

/// Writes a command, with a button that copies it where scripts run.
fn command(id: &str, text: &str) -> Markup {
    html! {
        div.command {
            pre tabindex="0" id={ "command-" (id) } { (text) }
            button.plain type="button" data-copy={ "#command-" (id) } hidden { "Copy" }
        }
    }
}

/// Sends an event by the protocol that our reporter and `tinker` speak.
fn curl(origin: &Origin, now: Moment) -> String {
    let key = if origin.asks_for_keys { format!(" \\\n  -H \"x-api-key: ${KEY}\"") } else { String::new() };
    let event = format!(
        r#"{{"event":"GENERIC_EVENT","event_id":"hello-{id}","event_session_index":0,"severity":"INFO","timestamp":"{now}","event_name":"hello","event_data":{{"from":"curl"}}}}"#,
        id = now.as_micros()
    );
    format!(
        "curl {}/api/v1/telemetry \\\n  -H 'content-type: application/json'{key} \\\n  -d '{{\"session_id\":\"hello\",\"platform\":\"shell\",\"sdk_version\":\"1\",\"events\":[{event}]}}'",
        origin.url
    )
}

/// Reports by our library: an event, and what fails.
fn rust(origin: &Origin) -> String {
    let key = if origin.asks_for_keys { format!(".api_key(std::env::var(\"{KEY}\")?)") } else { String::new() };
    format!(
        r#"let sink = lastword::sink::Tinker::new("{}"){key};
let reporter = lastword::Reporter::builder("my-session").sink(sink).start()?;
let _guard = reporter.guard(std::time::Duration::from_secs(5)); // ends the session and delivers
lastword::event!(reporter, "hello", by = "the library");
let text = lastword::capture!(reporter, std::fs::read_to_string("state.json"))?; // an `Err` or a panic is reported"#,
        origin.url
    )
}

/// Says where OpenTelemetry's SDKs are to send to.
fn otlp(origin: &Origin) -> String {
    let key = if origin.asks_for_keys {
        format!("\nexport OTEL_EXPORTER_OTLP_HEADERS=\"x-api-key=${KEY}\"")
    } else {
        String::new()
    };
    format!("export OTEL_EXPORTER_OTLP_ENDPOINT={}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf{key}", origin.url)
}
