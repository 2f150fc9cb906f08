//! The explorer: filters, the chart, columns, files, and the page of one event.
use lastword_collector::query::Moment;

use crate::common::{Dir, Server, body, event, exception, named};

/// Returns the body of an answer that comes in parts.
fn download(server: &Server, path: &str) -> (String, String) {
    let mut client = server.client();
    let answer = client.send("GET", path, &[("connection", "close")], b"").is(200);
    (answer.header("content-type").unwrap().to_owned() + answer.header("content-disposition").unwrap(), client.parts())
}

/// Returns the titles of the chart's bars that are not empty.
fn bars(page: &str) -> Vec<&str> {
    let titles = page.split("<title>").skip(2).filter_map(|part| part.split("</title>").next());
    titles.filter(|title| !title.contains(": nothing")).collect()
}

fn link<'p>(page: &'p str, before: &str) -> String {
    let link: &'p str = page.split(before).next().unwrap().rsplit("href=\"").next().unwrap();
    link.split('"').next().unwrap().replace("&amp;", "&")
}

#[test]
fn columns_stand_in_the_address_and_show_any_field_of_the_event_or_of_its_data() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let data = r#"{"gen_ai.request.model":"m-<1>","usage":{"tokens":[1,2]},"big":12345678901234567890}"#;
    let batch = [named(0, "e-0", "call", "INFO", data), exception(1, "ERROR", "Timeout", "no answer")];
    server.telemetry(body("s", &batch)).is(200);
    let columns = "columns=name,data.gen_ai.request.model,data.usage.tokens.1,error_type,data.big";
    let page = server.get(&format!("/events?order=asc&{columns}")).is(200).body;
    for cell in ["<bdi>m-&lt;1&gt;</bdi></td>", "\"data.usage.tokens.1\"><bdi>2</bdi></td>", "<bdi>Timeout</bdi></td>"]
    {
        assert!(page.contains(cell), "{cell}: {page}");
    }
    assert!(page.contains("12345678901234567890") && page.contains("<code><bdi>data.usage.tokens.1</bdi></code>"));
    assert!(!page.contains("<details><summary>"), "the event is no column now: {page}");
    let narrowed = page.split("<bdi>call</bdi>").next().unwrap().rsplit("href=\"").next().unwrap();
    assert!(narrowed.contains("&amp;name=call\""), "a name leads to its events: {narrowed}");
    // What is asked for next keeps them.
    assert!(page.contains("columns=name%2Cdata.gen_ai.request.model"), "{page}");
    let wrong = server.get(&format!("/events?columns={}", "a,".repeat(20))).is(400).body;
    assert!(wrong.contains("at most 12 names"), "{wrong}");
}

#[test]
fn the_chart_of_events_counts_what_the_filter_says_and_a_bar_narrows_the_range() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let now = Moment::now();
    let at = |index: usize, name: &str, minutes: i64| {
        let time = Moment::from_micros(now.as_micros() - minutes * 60_000_000);
        named(index, &format!("c-{index}"), name, "INFO", "{}").replace("2026-11-20T09:20:34", &time.to_string()[..19])
    };
    let events: Vec<String> = (0..20)
        .map(|index| at(index, if index % 4 == 0 { "rare" } else { "often" }, if index < 8 { 30 } else { 1 }))
        .collect();
    server.telemetry(body("a", &events)).is(200);
    let of = |filter: &str| server.get(&format!("/events?since=1h{filter}")).is(200).body;
    let all = of("");
    assert!(
        bars(&all).iter().any(|bar| bar.ends_with(": 8 info"))
            && bars(&all).iter().any(|bar| bar.ends_with(": 12 info"))
    );
    let rare = of("&name=rare");
    assert!(bars(&rare).iter().any(|bar| bar.ends_with(": 2 info")), "{:?}", bars(&rare));
    // What is not counted as it comes is counted from the events themselves.
    let found = of("&session=a&name=rare");
    assert!(bars(&found).iter().any(|bar| bar.ends_with(": 2 info")), "{:?}", bars(&found));
    assert!(!found.contains("there are more"), "{found}");
    let narrowed = server.get(&link(&found, ": 2 info</title>")).is(200).body;
    assert!(narrowed.contains("/events?session=a&amp;name=rare"), "the filter stays: {narrowed}");
    assert_eq!(narrowed.matches("<b class=\"name\"").count(), 2, "{narrowed}");
    assert!(of("&session=none").contains("No event matches"));
}

#[test]
fn what_is_shown_can_be_had_as_a_file() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let mut events: Vec<String> =
        (0..2500).map(|index| named(index, &format!("f-{index}"), "tick", "INFO", "{}")).collect();
    events.push(named(2500, "evil", "=cmd|' /C calc'!A0", "ERROR", r#"{"a":"-2+3","b":-5,"c":"x,\"y\"\nz"}"#));
    for some in events.chunks(1000) {
        server.telemetry(body("s", some)).is(200);
    }
    let (head, lines) = download(&server, "/events.jsonl?name=tick&order=asc");
    assert!(head.contains("application/x-ndjson") && head.contains("attachment"), "{head}");
    assert_eq!(lines.lines().count(), 2500);
    for (index, line) in lines.lines().enumerate() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&event["event_id"], &event["session_id"]), (&format!("f-{index}").into(), &"s".into()));
    }
    let (head, csv) = download(&server, "/events.csv?severity=error&columns=session,name,data.a,data.b,data.c");
    assert!(head.contains("text/csv") && head.contains("events.csv"), "{head}");
    assert_eq!(csv, "session,name,data.a,data.b,data.c\r\ns,'=cmd|' /C calc'!A0,'-2+3,-5,\"x,\"\"y\"\"\nz\"\r\n");
    let (_, one) = download(&server, "/events.jsonl?limit=1");
    assert!(one.lines().count() == 1 && one.contains("evil"), "{one}");
    assert!(server.get("/events.csv?severity=loud").is(400).error().contains("`severity` is `loud`"));
    let page = server.get("/events?name=tick&columns=name").is(200).body;
    assert!(
        page.contains("href=\"/events.jsonl?name=tick\"")
            && page.contains("href=\"/events.csv?name=tick&amp;columns=name\"")
    );
    assert!(page.contains("<option value=\"tick\">"), "names are offered: {page}");
}

#[test]
fn an_event_has_a_page_with_all_that_it_says_and_its_neighbours() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let data = r#"{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","run_id":"run/1","price":1.50,"html":"<script>alert(1)</script>"}"#;
    let batch = [event(0), named(1, "mid/dle", "step", "INFO", data), exception(2, "ERROR", "Timeout", "x"), event(3)];
    server.telemetry(body("s/1", &batch)).is(200);
    server.telemetry(body("other", &[event(0)])).is(200);
    let page = server.get("/events/2").is(200).body;
    for part in [
        "<h1><bdi>step</bdi>",
        "href=\"/traces/4bf92f3577b34da6a3ce929d0e0e4736\"",
        "href=\"/runs/~~run~2F1\"",
        "href=\"/sessions/~~s~2F1\"",
        "href=\"/live?session=s%2F1\"",
        "href=\"/events/1\" rel=\"prev\"",
        "href=\"/events/3\" rel=\"next\"",
        "href=\"/events/4\"",
        // As it was written, over several lines.
        "    &quot;price&quot;: 1.50,\n",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script>alert") && !page.contains("href=\"/events/5\""), "{page}");
    let by_id = server.get("/events/mid%2Fdle").is(200).body;
    assert!(by_id.contains("<dd>2</dd>"), "{by_id}");
    let failed = server.get("/events/3").is(200).body;
    assert!(failed.contains("href=\"/exceptions/"), "{failed}");
    for none in ["/events/99", "/events/no-such", "/events/99999999999999999999999"] {
        assert!(server.get(none).is(404).body.contains("No such event"), "{none}");
    }
    let whole = link(&page, "\">As JSON");
    assert!(download(&server, &whole).1.contains("mid/dle"), "{whole}");
}

#[test]
fn a_list_of_large_hostile_events_stays_a_small_page() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let long = "<&\u{202e}>".repeat(15_000);
    let name = "n".repeat(10_000);
    let data = serde_json::json!({ "text": long, "nul": "\0", "quotes": "\"".repeat(1000) }).to_string();
    let events: Vec<String> = (0..50).map(|index| named(index, &format!("l-{index}"), &name, "INFO", &data)).collect();
    server.telemetry(body("s", &events)).is(200);
    let page = server.get("/events").is(200).body;
    assert!(page.matches("<td class=\"what\">").count() >= 20, "{}", page.len());
    assert!(page.len() < 200_000, "the page has {} bytes", page.len());
    let one = server.get("/events/1").is(200).body;
    assert!(one.contains("The beginning is shown") && one.len() < 400_000, "the page has {} bytes", one.len());
}

#[test]
fn the_chart_counts_the_events_that_the_list_has_and_none_beyond_the_ends_of_the_range() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let times = ["09:20:10", "09:20:50", "09:22:19", "09:22:20", "10:59:59"];
    let events: Vec<String> = (0..)
        .zip(times)
        .map(|(index, time)| named(index, &format!("e-{index}"), "tick", "ERROR", "{}").replace("09:20:34", time))
        .collect();
    server.telemetry(body("s", &events)).is(200);
    // Parts of a minute, of half an hour, of two hours.
    for (until, count) in [("20T09:22:20", 2), ("21T09:00:00", 4), ("24T09:00:00", 4)] {
        let range = format!("since=2026-11-20T09:20:30Z&until=2026-11-{until}Z");
        for page in ["", "events"] {
            let shown = server.get(&format!("/{page}?{range}")).is(200).body;
            assert!(shown.contains(&format!("{count} error</li>")), "/{page}?{range}: {shown}");
        }
        let list = server.get(&format!("/events?{range}&severity=error&name=tick")).is(200).body;
        assert!(list.contains(&format!("{count} error</li>")), "{list}");
        assert_eq!(list.matches("<b class=\"name\"").count(), count, "{list}");
    }
    let minutes = server.get("/events?since=2026-11-20T09:20:30Z&until=2026-11-20T09:22:20Z").is(200).body;
    let first = "2026-11-20 09:20:30 to 2026-11-20 09:21:00: 1 error";
    assert!(bars(&minutes).contains(&first), "a bar tells of no time beyond the range: {:?}", bars(&minutes));
    let none = server.get("/events?since=2026-11-20T09:20:51Z&until=2026-11-20T09:21:00Z").is(200).body;
    assert!(none.contains("No event matches") && !none.contains("error</li>"), "{none}");
}
