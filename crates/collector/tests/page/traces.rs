//! The page of a trace, of a span, and of two traces beside each other.

use serde_json::{Value, json};

use crate::common::{Dir, Server, body, named};

const ONE: &str = "4bf92f3577b34da6a3ce929d0e0e4701";
const OTHER: &str = "4bf92f3577b34da6a3ce929d0e0e4702";

/// The end of a span that took so many milliseconds.
fn span(index: usize, trace: &str, id: u64, parent: u64, name: &str, ms: u64, more: &Value) -> String {
    let mut data = json!({"trace_id": trace, "span_id": format!("{id:016x}"), "span_name": name, "duration_ms": ms, "status": "ok"});
    if parent != 0 {
        data["parent_span_id"] = format!("{parent:016x}").into();
    }
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    named(index, &format!("{trace}-{id}-{index}"), "span.end", "INFO", &data.to_string())
}

fn call() -> Value {
    json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4",
        "gen_ai.usage.input_tokens": 1200, "gen_ai.usage.cache_read.input_tokens": 800, "gen_ai.usage.output_tokens": 90,
        "gen_ai.usage.cost": 0.0049, "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.response.time_to_first_chunk": 0.31,
        "gen_ai.input.messages": [
            {"role": "system", "content": "be careful"},
            {"role": "user", "parts": [
                {"type": "text", "content": format!("<script>alert(1)</script> \u{202e}{}", "long ".repeat(400))},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAABBBB"}}]}],
        "gen_ai.output.messages": [{"role": "assistant", "finish_reason": "tool_call", "parts": [
            {"type": "tool_call", "id": "c1", "name": "bash", "arguments": {"command": "cargo <b>test"}}]}],
    })
}

#[test]
fn a_call_of_a_model_is_shown_as_a_conversation_with_its_figures_and_the_whole_of_it_on_its_own_page() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let events =
        [span(0, ONE, 1, 0, "agent", 900, &json!({})), span(1, ONE, 2, 1, "chat claude-sonnet-4", 500, &call())];
    server.telemetry(body("s", &events)).is(200);
    let trace = server.get(&format!("/traces/{ONE}")).is(200).body;
    let whole = server.get(&format!("/traces/{ONE}/spans/0000000000000002")).is(200).body;
    for (place, page) in [("trace", &trace), ("span", &whole)] {
        for part in [
            "be careful",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "image/png · 6 bytes",
            ">bash<",
            "cargo &lt;b&gt;test",
            "answer",
            "anthropic",
            "1,200",
            "800",
            "$0.0049",
            "310 ms",
            "tool_calls",
        ] {
            assert!(page.contains(part), "{place} lacks {part}: {page}");
        }
        assert!(
            !page.contains("<script>") && !page.contains("AAAABBBB") && !page.contains("style=\""),
            "{place}: {page}"
        );
    }
    let link = format!("href=\"/traces/{ONE}/spans/0000000000000002\"");
    assert!(trace.contains(&format!("{link}>1427 characters more</a>")), "{trace}");
    assert!(!whole.contains("characters more") && whole.contains(&"long ".repeat(400)), "{whole}");
    assert!(server.get(&format!("/traces/{ONE}/spans/00000000000000ff")).is(404).body.contains("No such span"));
    server.get(&format!("/traces/{ONE}/spans/x")).is(404);
}

#[test]
fn of_instructions_parts_attributes_and_data_without_end_the_beginning_is_shown_with_a_link_to_the_whole() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let system: Vec<Value> = (0..40).map(|n| json!({"role": "system", "content": format!("rule {n}.")})).collect();
    let said: Vec<Value> = (0..400).map(|n| json!({"type": "text", "content": format!("part {n}.")})).collect();
    let mut input = system;
    input.push(json!({"role": "user", "content": said}));
    // Each of the numbers would stand on a line of its own, behind 200 spaces.
    let deep = (0..100).fold(json!(vec![7; 50_000]), |inner, _| json!([inner]));
    let mut asked = json!({"gen_ai.operation.name": "chat", "gen_ai.input.messages": input});
    asked.as_object_mut().unwrap().extend((0..2_000).map(|n| (format!("more.{n}"), json!(n))));
    let tool = json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": deep,
        "gen_ai.tool.call.result": format!("[{}", "1,".repeat(200_000))});
    let events = [span(0, ONE, 1, 0, "chat", 20, &asked), span(1, ONE, 2, 1, "tool", 10, &tool)];
    server.telemetry(body("s", &events)).is(200);
    let chat = server.get(&format!("/traces/{ONE}/spans/0000000000000001")).is(200).body;
    for (shown, left_out, link) in [
        ("rule 9.<", "rule 10.<", ">30 more instructions</a>"),
        ("part 49.<", "part 50.<", ">350 more parts</a>"),
        (">more.0<", ">more.999<", ">1701 more attributes</a>"),
    ] {
        assert!(chat.contains(shown) && !chat.contains(left_out) && chat.contains(link), "{shown} {link}: {chat}");
    }
    let tool = server.get(&format!("/traces/{ONE}/spans/0000000000000002")).is(200).body;
    assert!(tool.contains(">all of it</a>") && tool.contains(" characters more</a>"), "{tool}");
    assert!(chat.len() < 200_000 && tool.len() < 200_000, "{} and {} bytes", chat.len(), tool.len());
    // It leads to what is whole.
    let whole = tool.split("href=\"").filter_map(|part| part.split('"').next()).find(|link| link.starts_with("/api/"));
    let whole = server.get(&whole.unwrap().replace("&amp;", "&")).is(200).json();
    assert_eq!(whole["events"].to_string().matches("7,").count(), 49_999);
    server.get(&format!("/traces/{ONE}")).is(200);
}

#[test]
fn a_trace_says_what_it_took_long_for_and_leads_to_what_failed() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let failed = json!({"status": "error", "error.message": "gone"});
    let mut events = vec![span(0, ONE, 1, 0, "agent", 900, &failed), span(1, ONE, 2, 1, "slow one", 800, &failed)];
    events.extend((0..120).map(|n| span(n + 2, ONE, n as u64 + 10, 1, &format!("small {n}"), 1, &json!({}))));
    server.telemetry(body("s", &events)).is(200);
    let page = server.get(&format!("/traces/{ONE}")).is(200).body;
    let leads = page.split("class=\"leads\"").nth(1).unwrap().split("</p>").next().unwrap();
    assert!(leads.contains("#span-0000000000000002\"") && !leads.contains("#span-0000000000000001\""), "{leads}");
    let longest = page.split("class=\"leads\"").nth(2).unwrap();
    assert!(longest.contains("slow one"), "{longest}");
    assert!(page.contains("class=\"waited\"") && page.contains("aria-label=\"Hide the "), "{page}");
    assert!(page.len() < 100_000, "{} bytes", page.len());
    // There are more than a page has.
    assert!(page.contains("1 to 100 of 122"), "{page}");
    let next = server.get(&format!("/traces/{ONE}?from=100")).is(200).body;
    assert!(next.contains("101 to 122 of 122") && next.contains("rel=\"prev\""), "{next}");
    server.get(&format!("/traces/{ONE}?from=x")).is(400);
}

#[test]
fn two_traces_stand_beside_each_other_with_what_is_in_one_alone_slower_or_failed() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let failed = json!({"status": "error", "error.message": "gone"});
    let none = json!({});
    let one = [
        span(0, ONE, 1, 0, "agent", 900, &none),
        span(1, ONE, 2, 1, "read", 100, &none),
        span(2, ONE, 3, 1, "write", 100, &none),
        span(3, ONE, 4, 1, "only before", 50, &none),
    ];
    let other = [
        span(0, OTHER, 1, 0, "agent", 1_000, &none),
        span(1, OTHER, 2, 1, "write", 100, &failed),
        span(2, OTHER, 3, 1, "read", 400, &none),
        span(3, OTHER, 4, 1, "only after", 50, &none),
    ];
    server.telemetry(body("s1", &one)).is(200);
    server.telemetry(body("s2", &other)).is(200);
    // The latest of the same name is offered.
    let trace = server.get(&format!("/traces/{ONE}")).is(200).body;
    assert!(trace.contains(&format!("value=\"{OTHER}\"")), "{trace}");
    let page = server.get(&format!("/traces/{ONE}/compare?other={OTHER}")).is(200).body;
    let row = |name: &str| {
        let rest = page.split(&format!("<bdi>{name}</bdi></span>")).nth(1).unwrap();
        rest.split("</tr>").next().unwrap().to_owned()
    };
    assert!(row("read").contains("+300 ms (×4.00)") && row("read").contains(">slower<"), "{}", row("read"));
    assert!(row("write").contains("failed only in the second"), "{}", row("write"));
    assert!(
        row("only before").contains("only in the first") && row("only after").contains("only in the second"),
        "{page}"
    );
    server.get(&format!("/traces/{ONE}/compare?other=1")).is(404);
}

#[test]
fn the_list_of_traces_is_narrowed_by_how_long_they_took() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server
        .telemetry(body(
            "s",
            &[span(0, ONE, 1, 0, "long", 900, &json!({})), span(1, OTHER, 1, 0, "short", 20, &json!({}))],
        ))
        .is(200);
    let page = server.get("/traces?min_ms=500").is(200).body;
    assert!(page.contains(">long<") && !page.contains(">short<"), "{page}");
    assert!(server.get("/traces?min_ms=much").is(400).body.contains("a whole number"));
}

#[test]
fn a_span_that_failed_is_told_apart_from_an_error_that_was_logged_within_the_trace() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let log = json!({"trace_id": ONE, "message": "no answer"}).to_string();
    let events = [
        span(0, OTHER, 3, 0, "well", 100, &json!({})),
        span(1, ONE, 1, 0, "agent", 900, &json!({})),
        span(2, ONE, 2, 1, "fetch", 500, &json!({"status": "error"})),
        named(3, "l", "log", "ERROR", &log),
    ];
    server.telemetry(body("s", &events)).is(200);
    let page = server.get(&format!("/traces/{ONE}")).is(200).body;
    for part in ["<dt>Failed spans</dt><dd class=\"bad\">1</dd>", "<dt>Errors logged</dt><dd class=\"bad\">1</dd>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let list = server.get("/traces").is(200).body;
    assert!(list.contains(">1<div class=\"small quiet\">and 1 error logged</div></td>"), "{list}");
    assert!(!server.get(&format!("/traces/{OTHER}")).is(200).body.contains("Errors logged"));
    // A session names its traces with their times, those that failed first.
    let session = server.get("/sessions/s").is(200).body;
    let of = |id: &str| session.find(&format!("href=\"/traces/{id}\"")).unwrap_or_else(|| panic!("{id}: {session}"));
    assert!(of(ONE) < of(OTHER) && session.contains("took 900 ms<") && session.contains("took 100 ms<"), "{session}");
}
