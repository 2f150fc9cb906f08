//! Models and tools.

use serde_json::{Value, json};

use super::common::{Dir, Server, body, named};

/// The time that all of it happens in, as `named` has it.
const RANGE: &str = "since=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z";

/// A call that ended, of a version of a program.
fn call(index: usize, took_ms: f64, failed: bool, what: &str) -> String {
    let (status, severity) = if failed { ("error", "ERROR") } else { ("ok", "INFO") };
    let data = format!(
        r#"{{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"{:016x}","span_name":"x","duration_ms":{took_ms},"status":"{status}",{what}}}"#,
        index + 1
    );
    named(index, &format!("call-{index}"), "span.end", severity, &data)
}

fn model(index: usize, took_ms: f64, cost: f64) -> String {
    let what = format!(
        r#""gen_ai.operation.name":"chat","gen_ai.provider.name":"openai","gen_ai.request.model":"meta/llama <3>","gen_ai.usage.cost":{cost},"gen_ai.usage.input_tokens":12345"#
    );
    call(index, took_ms, false, &what)
}

fn tool(index: usize, name: &str, failed: bool) -> String {
    let error = if failed { r#","error.type":"Timeout","error.message":"no <i>answer</i>""# } else { "" };
    call(index, 20.0, failed, &format!(r#""gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"{name}"{error}"#))
}

fn send(server: &Server, session: &str, version: &str, events: &[String]) {
    let mut body: Value = serde_json::from_str(&body(session, events)).unwrap();
    body["sdk_version"] = json!(version);
    server.telemetry(body.to_string()).is(200);
}

fn filled(dir: &Dir) -> Server {
    let server = Server::start(dir.config());
    send(&server, "old", "1.0", &[model(0, 100.0, 0.01), model(1, 100.0, 0.01), tool(2, "bash", true)]);
    send(&server, "new", "2.0", &[model(0, 900.0, 0.05), tool(1, "read", false)]);
    server
}

#[test]
fn models_and_tools_are_listed_the_ones_that_fail_most_first() {
    let dir = Dir::new();
    let server = filled(&dir);
    let page = server.get(&format!("/calls?{RANGE}")).is(200).body;
    for part in [
        "<h2>Models</h2>",
        "<h2>Tools</h2>",
        "<bdi>meta/llama &lt;3&gt;</bdi>",
        "href=\"/calls/model/~~meta~2Fllama~20~3C3~3E?since=2026-11-20T00%3A00%3A00Z",
        "provider=openai",
        "3 calls, 0 failed",
        "$0.07",
        "37,035",
        "100 %",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let place = |name: &str| page.find(&format!("<bdi>{name}</bdi>")).unwrap();
    assert!(place("bash") < place("read"));
    assert!(!page.contains("style=") && !page.contains("<i>"), "{page}");
    let tools = server.get(&format!("/calls?{RANGE}&kind=tool&sort=calls")).is(200).body;
    assert!(tools.contains("<bdi>bash</bdi>") && !tools.contains("llama"), "{tools}");
    let versions = server.get(&format!("/calls?{RANGE}&by=version&name=bash")).is(200).body;
    assert!(versions.contains("<bdi>1.0</bdi>") && !versions.contains("<bdi>2.0</bdi>"), "{versions}");
    assert!(server.get("/calls").is(200).body.contains("No call of a model or a tool ended in the last 24 h"));
    assert!(server.get("/calls?sort=moon").is(400).body.contains("`sort` is `moon`"));
}

#[test]
fn a_models_page_says_which_version_made_it_slower_and_dearer() {
    let dir = Dir::new();
    let server = filled(&dir);
    let page = server.get(&format!("/calls/model/meta%2Fllama%20%3C3%3E?{RANGE}")).is(200).body;
    for part in
        ["slower (p95)", "+400 % dearer", "half took at most", ": 3 calls, 0 failed", "None failed in this time"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Its name as it stands in an event, so that the link finds its calls and no others.
    let link = page.split("href=\"").find(|part| part.starts_with("/events?")).unwrap().split('"').next().unwrap();
    let events = server.get(&link.replace("&amp;", "&")).is(200).body;
    assert_eq!(events.matches("<b class=\"name\"").count(), 3, "{link}: {events}");
    let old = server.get(&format!("/calls/model/meta%2Fllama%20%3C3%3E?{RANGE}&version=1.0")).is(200).body;
    assert!(old.contains(": 2 calls, 0 failed") && !old.contains(": 3 calls"), "{old}");
    assert!(!page.contains("style="), "{page}");
}

#[test]
fn a_tools_page_shows_its_latest_failures_with_their_traces() {
    let dir = Dir::new();
    let server = filled(&dir);
    let page = server.get(&format!("/calls/tool/bash?{RANGE}")).is(200).body;
    for part in [
        "Timeout · no &lt;i&gt;answer&lt;/i&gt;",
        "href=\"/traces/4bf92f3577b34da6a3ce929d0e0e4736\"",
        "href=\"/sessions/old\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("Earlier failed calls"), "{page}");
    assert!(server.get(&format!("/calls/tool/none?{RANGE}")).is(200).body.contains("It was not called in this time"));
    assert!(server.get("/calls/moon/bash").is(400).body.contains("`kind` is `moon`"));
    assert!(server.get("/calls/tool/bash?by=hour").is(400).body.contains("there is no parameter `by`"));
}

#[test]
fn a_tools_page_leads_through_all_its_failures_of_the_range_and_through_no_others() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    // A failure an hour, and after each one of another tool that names this one, and a call that went well.
    let said = |index: usize, name: &str, failed: bool, more: &str| {
        let what = format!(r#""gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"{name}","said":"{more}""#);
        call(index, 20.0, failed, &what).replace("T09:", &format!("T{:02}:", index / 10)).replace("ERROR", "WARNING")
    };
    let events: Vec<String> = (0..23)
        .flat_map(|hour| {
            let first = hour * 10;
            [
                said(first, "bash", true, &format!("failure {hour} of them")),
                said(first + 1, "read", true, "bash"),
                said(first + 2, "bash", false, "well"),
            ]
        })
        .collect();
    send(&server, "s", "1.0", &events);
    let mut path = format!("/calls/tool/bash?{RANGE}");
    let (mut seen, mut pages) = (0, 0);
    loop {
        let page = server.get(&path).is(200).body;
        assert!(page.contains("<dt>Failed</dt><dd class=\"bad\">23,"), "{page}");
        let failed = page.split("id=\"failed\"").nth(1).unwrap();
        let rows = failed.matches("<tr class=\"error\">").count();
        // The latest first.
        let first = format!("2026-11-20 {:02}:20", 22 - seen);
        assert!(failed.split("<time").nth(1).unwrap().contains(&first[11..]), "{first}: {failed}");
        (seen, pages) = (seen + rows, pages + 1);
        let Some(next) = failed.split("href=\"").find(|part| part.contains("Earlier failed calls")) else { break };
        path = next.split(['"', '#']).next().unwrap().replace("&amp;", "&");
    }
    assert_eq!((seen, pages), (23, 3));
    server.get(&format!("/calls/tool/bash?{RANGE}&after=x")).is(400);
}

#[test]
fn the_calls_of_a_tool_are_those_of_its_name_and_not_what_names_it() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let other =
        call(1, 20.0, false, r#""gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"read","said":"bash""#);
    send(&server, "s", "1.0", &[tool(0, "bash", false), other, tool(2, "bash", true)]);
    let page = server.get(&format!("/calls/tool/bash?{RANGE}")).is(200).body;
    for (text, count) in [("Its calls", 2), ("Those that failed", 1)] {
        let before = page.split(&format!("\">{text}</a>")).next().unwrap();
        let link = before.rsplit("href=\"").next().unwrap().replace("&amp;", "&");
        let list = server.get(&link).is(200).body;
        assert_eq!(list.matches("<b class=\"name\"").count(), count, "{link}: {list}");
    }
}
