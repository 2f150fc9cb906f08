//! No two screens disagree: what a list says of a thing is what its page says, and a tile counts what the list that it leads to has.

use serde_json::{Value, json};

use crate::common::{Dir, Server, body, end, event, exception, named};

/// Moves an event of the day to another time of it.
fn at(time: &str, event: &str) -> String {
    event.replace("T09:20:34", &format!("T{time}")).replace("T09:20:35", &format!("T{time}"))
}

/// Returns what stands behind a text of a page, up to another.
fn between<'p>(page: &'p str, before: &str, after: &str) -> &'p str {
    assert!(page.contains(before), "{before}: {page}");
    let rest = page.split_once(before).unwrap().1;
    assert!(rest.contains(after), "{after}: {rest}");
    rest.split_once(after).unwrap().0
}

/// Returns the text of a page without its marks, each run of spaces as one.
fn text(html: &str) -> String {
    let mut shown = String::new();
    for (place, part) in html.split('<').enumerate() {
        shown.push_str(if place == 0 { part } else { part.split_once('>').map_or("", |(_, text)| text) });
        shown.push(' ');
    }
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A day with sessions that ended in all ways, of which some lie before or behind the middle of it, and one reaches into it from either side.
fn day(server: &Server) {
    let recovered = |index| named(index, "r", "session.recovered", "WARNING", r#"{"events":1,"signal":"SIGSEGV"}"#);
    let dropped = named(1, "d", "telemetry.dropped", "WARNING", r#"{"queue_full":3}"#);
    let fatal = [exception(0, "CRITICAL", "Panic", "boom"), end(1)];
    let sessions: [(&str, &str, Vec<String>); 8] = [
        ("before", "08:00:00", vec![event(0), end(5)]),
        ("behind", "12:00:00", fatal.to_vec()),
        ("fatal-1", "09:30:00", fatal.to_vec()),
        ("fatal-2", "10:30:00", fatal.to_vec()),
        ("crashed", "10:00:00", vec![event(0), recovered(1), end(2)]),
        ("gap", "10:00:00", vec![event(0), event(4), end(5)]),
        ("drops", "10:00:00", vec![event(0), dropped]),
        ("good", "10:00:00", vec![event(0), end(1)]),
    ];
    for (id, time, events) in sessions {
        let events: Vec<String> = events.iter().map(|event| at(time, event)).collect();
        server.telemetry(body(id, &events)).is(200);
    }
    server.telemetry(body("across", &[at("08:30:00", &event(0)), at("11:30:00", &end(1))])).is(200);
}

const MIDDLE: &str = "since=2026-11-20T09:00:00Z&until=2026-11-20T11:00:00Z";

#[test]
fn a_tile_counts_the_sessions_of_the_list_that_it_leads_to_in_any_range_of_time() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    day(&server);
    for (range, all) in [(MIDDLE, 7), ("since=2026-11-20", 9), ("since=2026-11-20T11:00:00Z", 2)] {
        let page = server.get(&format!("/?{range}")).is(200).body;
        let tiles = between(&page, "class=\"tiles\"", "<h2>Events</h2>");
        let mut seen = Vec::new();
        for part in tiles.split("href=\"/sessions?").skip(1) {
            let (link, rest) = part.split_once("\">").unwrap();
            let link = link.replace("&amp;", "&");
            // The number is in the link, or is the figure below the heading that is one.
            let words = text(rest.split("</a>").next().unwrap());
            let told = words.split(' ').next().unwrap().parse::<usize>();
            let told = match (told, &*words) {
                (Ok(told), _) => told,
                (_, "Sessions") => text(between(rest, "<p class=\"figure\">", "</p>")).parse().unwrap(),
                _ => continue,
            };
            let list = server.get(&format!("/sessions?{link}")).is(200).body;
            let listed = list.matches("<td><a class=\"id\"").count();
            assert_eq!(listed, told, "{range} {words}: {link}");
            assert_eq!(server.all(&format!("/api/sessions?{link}"), "sessions").len(), told, "{range} {words}: {link}");
            seen.push(words);
        }
        assert!(seen.len() >= 6 + usize::from(range == MIDDLE), "{seen:?}");
        assert!(text(tiles).contains(&format!("Sessions {all} ")), "{}", text(tiles));
        // The sessions below the tiles are the same.
        assert_eq!(page.matches("<td><a class=\"id\"").count(), all, "{range}");
    }
}

#[test]
fn sessions_are_narrowed_by_the_time_of_their_events_by_how_they_ended_and_by_what_was_lost() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    day(&server);
    let ids = |query: &str| -> Vec<String> {
        let sessions = server.all(&format!("/api/sessions?{query}"), "sessions");
        let mut ids: Vec<String> = sessions.iter().map(|s| s["session_id"].as_str().unwrap().to_owned()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids("until=2026-11-20T08:30:00Z"), ["before"]);
    assert_eq!(ids("until=2026-11-20T08:30:00.000001Z"), ["across", "before"]);
    assert_eq!(ids("since=2026-11-20T11:00:00Z"), ["across", "behind"]);
    assert_eq!(ids("state=fatal"), ["behind", "fatal-1", "fatal-2"]);
    assert_eq!(ids(&format!("state=fatal&{MIDDLE}")), ["fatal-1", "fatal-2"]);
    assert_eq!(ids("state=crashed"), ["crashed"]);
    assert_eq!((ids("state=live"), ids("state=open")), (vec!["drops".to_owned()], vec!["drops".to_owned()]));
    assert_eq!(ids("lost=true"), ["before", "drops", "gap"]);
    assert_eq!(ids(&format!("lost=true&{MIDDLE}")), ["drops", "gap"]);
    assert_eq!(ids("lost=false&state=ended"), ["across", "behind", "fatal-1", "fatal-2", "good"]);
    let wrong = server.get("/api/sessions?state=dead").is(400).error();
    assert!(wrong.contains("open, live, silent, ended, fatal, crashed"), "{wrong}");
}

const TRACES: [&str; 4] = [
    "4bf92f3577b34da6a3ce929d0e0e4701",
    "4bf92f3577b34da6a3ce929d0e0e4702",
    "5bf92f3577b34da6a3ce929d0e0e4703",
    "6bf92f3577b34da6a3ce929d0e0e4704",
];

/// What is told of a span: its start, or its end after 200 ms.
fn span(index: usize, what: &str, trace: &str, id: u64, parent: u64, more: &Value) -> String {
    let mut data = json!({"trace_id": trace, "span_id": format!("{id:016x}"), "span_name": format!("span {id}")});
    if parent != 0 {
        data["parent_span_id"] = format!("{parent:016x}").into();
    }
    if what == "span.end" {
        data["duration_ms"] = 200.into();
        data["status"] = "ok".into();
    }
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    named(index, &format!("{what}-{trace}-{id}-{}", &trace[31..]), what, "INFO", &data.to_string())
}

/// Returns what the list of traces says of one: took, spans.
fn listed(server: &Server, trace: &str) -> (String, String) {
    let list = server.get("/traces").is(200).body;
    let row = between(&list, &format!("href=\"/traces/{trace}\""), "</tr>");
    let cells: Vec<String> = row.split("<td class=\"number\">").skip(1).map(|cell| text(&format!("{cell}>"))).collect();
    (cells[0].trim_end_matches('>').trim().to_owned(), cells[1].trim_end_matches('>').trim().to_owned())
}

/// Returns what the page of a trace says of the same.
fn paged(server: &Server, trace: &str) -> (String, String) {
    let page = server.get(&format!("/traces/{trace}")).is(200).body;
    (text(between(&page, "<dt>Took</dt><dd>", "</dd>")), text(between(&page, "<dt>Spans</dt><dd>", "</dd>")))
}

#[test]
fn a_list_of_traces_counts_spans_and_time_as_the_page_of_each_does_be_they_whole_or_not() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let none = json!({});
    let [whole, crashed, orphans, runs] = TRACES;
    let start = |index, trace, id, parent| span(index, "span.start", trace, id, parent, &none);
    let end_of = |index, trace, id, parent| span(index, "span.end", trace, id, parent, &none);
    let recovered = named(9, "r", "session.recovered", "WARNING", r#"{"events":1,"signal":"SIGSEGV"}"#);
    server.telemetry(body("good", &[start(0, whole, 1, 0), end_of(1, whole, 1, 0), end_of(2, whole, 2, 1)])).is(200);
    // Of one span the start alone arrived, of two others the end.
    let half = [start(0, crashed, 1, 0), end_of(1, crashed, 2, 1), end_of(2, crashed, 3, 1), recovered, end(10)];
    server.telemetry(body("bad", &half)).is(200);
    let far = at("09:20:36", &end_of(1, orphans, 3, 99));
    server.telemetry(body("orphans", &[end_of(0, orphans, 2, 98), far])).is(200);
    server.telemetry(body("open", &[start(0, runs, 1, 0), start(1, runs, 2, 1), end_of(2, runs, 2, 1)])).is(200);
    for (trace, spans) in [(whole, "2"), (crashed, "3"), (orphans, "2"), (runs, "2")] {
        let (on_list, on_page) = (listed(&server, trace), paged(&server, trace));
        assert_eq!(on_list.1, spans, "{trace}");
        if trace == runs {
            assert!(on_list.0.starts_with("running for ") && on_page.0.starts_with("running for "), "{on_list:?}");
            assert_eq!(on_list.1, on_page.1);
        } else {
            assert_eq!(on_list, on_page, "{trace}");
        }
    }
    assert_eq!(listed(&server, whole).0, "200 ms");
    assert_eq!(listed(&server, orphans).0, "2.20 s");
    assert_eq!(listed(&server, crashed).0, "did not end its session crashed by SIGSEGV");
    let page = server.get(&format!("/traces/{crashed}")).is(200).body;
    assert!(text(&page).contains("1 span did not end: its session crashed by SIGSEGV . bad"), "{}", text(&page));
    let span = server.get(&format!("/traces/{crashed}/spans/0000000000000001")).is(200).body;
    assert!(text(&span).contains("never ended: its session crashed by SIGSEGV"), "{}", text(&span));
}

#[test]
fn what_did_not_end_says_by_what_its_session_did() {
    let dir = Dir::new();
    let server = Server::start(dir.config().silent_after(std::time::Duration::ZERO));
    let [fatal, silent, ended, _] = TRACES;
    let run = |index, id: &str| {
        named(index, id, "run.run_start", "INFO", &json!({"run_id": id, "objective": id}).to_string())
    };
    for (session, trace, last) in [
        ("fatal", fatal, vec![exception(2, "CRITICAL", "Panic", "boom"), end(3)]),
        ("silent", silent, vec![]),
        ("ended", ended, vec![end(2)]),
    ] {
        let first = [span(0, "span.start", trace, 1, 0, &json!({})), run(1, session)];
        server.telemetry(body(session, &[&first[..], &last].concat())).is(200);
    }
    for (id, trace, why) in [
        ("fatal", fatal, "did not end its session ended by a fatal error"),
        ("silent", silent, "did not end its session is silent"),
        ("ended", ended, "did not end its session ended"),
    ] {
        assert_eq!((&*listed(&server, trace).0, &*paged(&server, trace).0), (why, why));
        let page = server.get(&format!("/runs/{id}")).is(200).body;
        assert!(text(between(&page, "<h1>", "</h1>")).ends_with(why), "{page}");
        let list = server.get("/runs").is(200).body;
        let row = between(&list, &format!("href=\"/runs/{id}\""), "</tr>");
        assert!(text(&format!("<{row}>")).contains(why), "{row}");
    }
}

#[test]
fn a_run_has_the_figures_on_its_page_that_it_has_in_the_list_and_leads_to_its_traces_and_they_to_it() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let of = |operation: &str, more: Value| {
        let mut data = json!({"run_id": "run_1", "gen_ai.operation.name": operation});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let tokens = json!({"gen_ai.usage.input_tokens": 700, "gen_ai.usage.output_tokens": 33, "gen_ai.usage.cost": 0.5});
    let told = |index: usize, kind: &str, data: Value| {
        named(index, &format!("told-{index}"), &format!("run.{kind}"), "INFO", &data.to_string())
    };
    let events = [
        told(0, "run_start", json!({"run_id": "run_1", "objective": "Fix it"})),
        span(1, "span.end", TRACES[0], 1, 0, &of("chat", tokens)),
        span(2, "span.end", TRACES[1], 2, 0, &of("execute_tool", json!({"gen_ai.tool.name": "bash"}))),
        // Calls that the run itself tells of, as those do that have no spans.
        told(3, "tool_call", json!({"run_id": "run_1", "toolName": "read"})),
        told(4, "tool_result", json!({"run_id": "run_1", "toolName": "read", "success": true})),
        told(5, "tool_call", json!({"run_id": "run_1", "toolName": "write"})),
        told(6, "run_end", json!({"run_id": "run_1", "status": "completed"})),
    ];
    server.telemetry(body("s", &events)).is(200);
    let list = server.get("/runs").is(200).body;
    let row = between(&list, "href=\"/runs/run_1\"", "</tr>");
    let cells: Vec<String> =
        row.split("<td class=\"number\">").skip(1).map(|cell| text(cell.split("</td>").next().unwrap())).collect();
    // Model calls, tools, tokens, cost.
    let numbers = cells.iter().map(|cell| &**cell).collect::<Vec<_>>();
    assert!(numbers.windows(4).any(|four| four == ["1", "3", "733", "$0.50"]), "{numbers:?}");
    let page = server.get("/runs/run_1").is(200).body;
    for (name, value) in [("Model calls", "1"), ("Tool calls", "3"), ("Tokens in, out", "700, 33"), ("Cost", "$0.50")] {
        assert_eq!(text(between(&page, &format!("<dt>{name}</dt><dd>"), "</dd>")), value, "{name}");
    }
    for trace in &TRACES[..2] {
        assert!(between(&page, "class=\"leads\"", "</p>").contains(&format!("href=\"/traces/{trace}\"")), "{page}");
        let of_trace = server.get(&format!("/traces/{trace}")).is(200).body;
        assert!(between(&of_trace, "<dt>Run</dt>", "</dd>").contains("href=\"/runs/run_1\""), "{of_trace}");
    }
    assert!(server.get("/runs/run_1/diff/run_1").is(200).body.contains("no difference"));
}

#[test]
fn a_list_of_traces_says_what_was_asked_first_where_that_was_captured() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let asked = |text: &str| {
        json!({"gen_ai.operation.name": "chat", "gen_ai.input.messages": [
            {"role": "system", "content": "be careful"}, {"role": "user", "content": text}]})
    };
    // As large as it is stored apart from its event, and far longer than is shown.
    let long = format!("Why is <b>the login</b> broken? {}", "long ".repeat(4_000));
    let events = [
        span(0, "span.end", TRACES[0], 2, 1, &asked(&long)),
        span(1, "span.end", TRACES[0], 3, 1, &asked("asked later")),
        span(2, "span.end", TRACES[0], 1, 0, &json!({})),
        span(3, "span.end", TRACES[2], 1, 0, &json!({})),
    ];
    server.telemetry(body("s", &events)).is(200);
    let list = server.get("/traces").is(200).body;
    assert!(list.contains("Why is &lt;b&gt;the login&lt;/b&gt; broken? long"), "{list}");
    assert!(!list.contains("asked later") && !list.contains("be careful") && list.len() < 20_000, "{list}");
}

#[test]
fn two_that_are_compared_say_what_is_the_same_how_much_dearer_one_was_and_which_spans_failed() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let cost = |dollars: f64| json!({"gen_ai.operation.name": "chat", "gen_ai.usage.cost": dollars, "status": "error", "error.message": "gone"});
    for (session, trace, dollars) in [("a", TRACES[0], 0.000_42), ("b", TRACES[1], 0.000_55)] {
        let events = [span(0, "span.end", trace, 1, 0, &json!({})), span(1, "span.end", trace, 2, 1, &cost(dollars))];
        server.telemetry(body(session, &events)).is(200);
    }
    let page = server.get(&format!("/traces/{}/compare?other={}", TRACES[0], TRACES[1])).is(200).body;
    let shown = text(&page);
    for part in ["$0.00042 $0.00055 +$0.00013", "Took 200 ms 200 ms no difference", "Errors 1 1 no difference"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // It failed in both, which is no difference and is no less told.
    assert_eq!(between(&page, "<bdi>span 2</bdi>", "</tr>").matches(">failed<").count(), 2, "{page}");
    assert!(text(between(&page, "<bdi>span 2</bdi>", "</tr>")).contains("no difference"), "{page}");
}
