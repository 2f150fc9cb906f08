//! Questions: filters, pages, cursors, and what is said to a parameter that can't be read.
#![allow(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod common;

use std::collections::BTreeSet;

use common::{Dir, Server, body, end, event, exception, named};
use lastword_collector::query::{EventQuery, Moment, Order, Reader};
use serde_json::Value;

fn ids(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_id"].as_str().unwrap()).collect()
}

fn server_with_events(dir: &Dir) -> Server {
    let server = Server::start(dir.config());
    let first = [
        named(0, "a", "cache.miss", "DEBUG", r#"{"key":"50%_done"}"#),
        named(1, "b", "cache.hit", "INFO", r#"{"key":"Größe"}"#),
        exception(2, "ERROR", "KeyError", "boom"),
        named(1_500_003, "d", "cache.miss", "WARNING", "{}").replace("09:20:34", "10:20:34"),
    ];
    server.telemetry(body("one", &first)).is(200);
    let second = [named(0, "e", "cache.miss", "CRITICAL", "{}"), end(1)];
    server.telemetry(body("two", &second)).is(200);
    server
}

#[test]
fn each_filter_narrows_down_and_they_combine() {
    let dir = Dir::new();
    let server = server_with_events(&dir);
    let cases: [(&str, &[&str]); 19] = [
        ("", &["a", "b", "x-2", "d", "e", "end-1"]),
        ("session=two", &["e", "end-1"]),
        ("session=none", &[]),
        ("name=cache.miss", &["a", "d", "e"]),
        ("name=cache.miss&session=one", &["a", "d"]),
        ("name=cache", &[]),
        ("kind=UNHANDLED_EXCEPTION", &["x-2"]),
        ("kind=session_end", &["end-1"]),
        ("severity=warning", &["x-2", "d", "e"]),
        ("severity=CRITICAL&kind=GENERIC_EVENT", &["e"]),
        ("since=2026-11-20T09:20:35Z", &["d", "end-1"]),
        ("since=2026-11-20T09:20:35.000001Z", &["d"]),
        ("until=2026-11-20T09:20:34.000001Z", &["a", "x-2", "e"]),
        ("since=2026-11-20T11:20:34.000001%2B02:00&until=2026-11-20T10:00:00Z", &["b", "end-1"]),
        ("text=50%25_", &["a"]),
        ("text=gr%C3%B6ssE", &[]),
        ("text=KEYERROR", &["x-2"]),
        ("text=%00", &[]),
        ("since=1w&text=&name=", &["a", "b", "x-2", "d", "e", "end-1"]),
    ];
    for (filter, expected) in cases {
        if filter.starts_with("since=1w") && Moment::parse("2026-11-20T09:00:00Z") < Moment::parse("1w") {
            continue;
        }
        assert_eq!(ids(&server.events(filter)), expected, "{filter}");
        let newest = server.all(&format!("/api/events?limit=2&{filter}"), "events");
        assert_eq!(ids(&newest).into_iter().rev().collect::<Vec<_>>(), expected, "newest first: {filter}");
    }
}

#[test]
fn a_parameter_that_cannot_be_read_is_named_with_what_would_be_right() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let cases = [
        ("events?limit=0", "`limit` is `0`: it must be a number from 1 to 1000"),
        ("events?limit=1001", "`limit` is `1001`: it must be a number from 1 to 1000"),
        ("events?severity=loud", "`severity` is `loud`: it must be one of debug, info, warning, error, critical"),
        ("events?kind=X", "`kind` is `X`: it must be one of SESSION_START, SESSION_END"),
        (
            "sessions?since=2026-11-21&until=2026-11-20",
            "`until` is `2026-11-20`: it must be no earlier than `since`, which is `2026-11-21`",
        ),
        ("events?since=yesterday", "`since` is `yesterday`: it must be a time like 2026-"),
        ("events?order=up", "`order` is `up`: it must be asc (oldest first) or desc (newest first)"),
        ("events?cursor=abc", "`cursor` is `abc`: it must be the `next` or `resume`"),
        ("events?cursor=99999999999999999999", "`cursor` is `99999999999999999999`"),
        ("events?sesion=s", "there is no parameter `sesion`: there are session, trace, run"),
        ("events?name=a&name=b", "`name` is given twice"),
        ("sessions?state=dead", "`state` is `dead`: it must be one of open, live, silent, ended, fatal, crashed"),
        ("exceptions?limit=x", "`limit` is `x`"),
    ];
    for (query, reason) in cases {
        let error = server.get(&format!("/api/{query}")).is(400).error();
        assert!(error.starts_with(reason), "{query}: {error}");
    }
    let long = "x".repeat(2000);
    assert!(server.get(&format!("/api/events?text={long}")).is(400).error().contains("at most 1024 bytes"));
}

#[test]
fn an_id_in_a_path_that_is_no_text_is_refused_in_the_form_of_the_others() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    assert!(server.get("/api/sessions/%ff").is(400).error().contains("no UTF-8"));
    let page = server.get("/sessions/%ff").is(400);
    assert!(page.body.starts_with("<!DOCTYPE html>") && page.body.contains("no UTF-8"), "{}", page.body);
}

#[test]
fn more_than_ten_thousand_events_are_paged_in_both_orders_while_others_are_stored() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let mut client = server.client();
    let mut send = |from: usize, to: usize| {
        let events: Vec<String> = (from..to).map(event).collect();
        client.send("POST", "/api/v1/telemetry", &[], body("s", &events).as_bytes()).is(200);
    };
    for batch in 0..45 {
        send(batch * 250, (batch + 1) * 250);
    }
    for (order, added) in [("asc", 20_000), ("desc", 30_000)] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = server.get(&format!("/api/events?order={order}&limit=997&cursor={cursor}")).is(200).json();
            seen.extend(ids(page["events"].as_array().unwrap()).into_iter().map(str::to_owned));
            pages += 1;
            if pages <= 3 {
                send(added + pages * 10, added + pages * 10 + 10);
            }
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        let different: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(different.len(), seen.len(), "{order}: nothing is shown twice");
        for index in 0..11_250 {
            assert!(different.contains(&format!("id-{index}")), "{order}: id-{index} is skipped");
        }
        let new = seen.iter().filter(|id| id[3..].parse::<usize>().unwrap() >= added).count();
        assert_eq!(new, if order == "asc" { 30 } else { 0 }, "{order}: what came meanwhile lies ahead or behind");
    }
}

#[test]
fn following_by_the_resume_cursor_misses_nothing_and_repeats_nothing() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[event(0), event(1)])).is(200);
    // The newest one, and from there on what comes.
    let page = server.get("/api/events?limit=1").json();
    assert_eq!(ids(page["events"].as_array().unwrap()), ["id-1"]);
    let mut cursor = page["resume"].as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    for round in 0..5 {
        let first = 10 * (round + 1);
        // Others in between, which the filter leaves out.
        server.telemetry(body("other", &[event(round)])).is(200);
        server.telemetry(body("s", &(first..first + round).map(event).collect::<Vec<_>>())).is(200);
        loop {
            let page = server.get(&format!("/api/events?order=asc&session=s&limit=2&after={cursor}")).json();
            page["resume"].as_str().unwrap().clone_into(&mut cursor);
            seen.extend(ids(page["events"].as_array().unwrap()).into_iter().map(str::to_owned));
            if page["next"].is_null() {
                break;
            }
        }
    }
    let expected: Vec<String> =
        (0..5).flat_map(|round| (0..round).map(move |n| format!("id-{}", 10 * (round + 1) + n))).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_page_of_large_events_ends_early_and_the_rest_follows() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let data = format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_000));
    for index in 0..20 {
        server.telemetry(body("s", &[named(index, &format!("id-{index}"), "n", "INFO", &data)])).is(200);
    }
    let page = server.get("/api/events?order=asc&limit=1000").is(200);
    assert!(page.body.len() < 17 * 1024 * 1024, "{}", page.body.len());
    assert!(page.json()["next"].is_string());
    assert_eq!(server.events("").len(), 20);
}

#[test]
fn a_query_that_takes_too_long_is_interrupted_and_the_next_one_is_answered() {
    let dir = Dir::new();
    let server = Server::start(dir.config().query_timeout(std::time::Duration::from_millis(50)));
    // A text that nearly matches at each of very many places: seconds of work if nobody stops it.
    let data = format!("{{\"a\":\"{} xxy\"}}", "x".repeat(100_000));
    let events: Vec<String> = (0..100).map(|index| named(index, &format!("id-{index}"), "n", "INFO", &data)).collect();
    server.telemetry(body("s", &events)).is(200);
    let answer = server.get(&format!("/api/events?text={}y", "x".repeat(500))).is(503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.error().contains("narrow it down"), "{}", answer.error());
    let page = server.get(&format!("/events?text={}y", "x".repeat(500))).is(503);
    assert_eq!(page.header("retry-after"), Some("1"));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.body.contains("narrow it down") && page.body.contains(">Ask again</a>"), "{}", page.body);
    server.get("/api/events?session=none").is(200);
}

#[test]
fn a_reader_answers_as_the_api_does() {
    let dir = Dir::new();
    let server = server_with_events(&dir);
    let reader = Reader::open(dir.path()).unwrap();
    let query = EventQuery { name: Some("cache.miss".into()), order: Order::OldestFirst, ..EventQuery::default() };
    let page = reader.events(&query).unwrap();
    let by_reader: Vec<Value> = page.items.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(by_reader, server.events("name=cache.miss"));
    assert_eq!(page.items[0].name.as_deref(), Some("cache.miss"));
    assert_eq!(page.items[0].time.to_string(), "2026-11-20T09:20:34.000000Z");
    assert!(page.items[0].received <= Moment::now());
}

#[test]
fn a_session_id_within_an_event_is_not_repeated_beside_that_of_its_session() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let with = |index, id: &str, field: &str| {
        named(index, id, "cache.miss", "INFO", r#"{"session_id":"in its data","n":1.50}"#).replacen('{', field, 1)
    };
    let events = [
        with(0, "a", r#"{"session_id": "another",  "#),
        with(1, "b", r#"{"session\u005fid":{"x":[1, 2]},"#),
        with(2, "c", r#"{"note":"\u005f","#),
    ];
    server.telemetry(body("one", &events)).is(200);
    let query = EventQuery { order: Order::OldestFirst, ..EventQuery::default() };
    let page = Reader::open(dir.path()).unwrap().events(&query).unwrap();
    assert_eq!(page.items.len(), 3);
    for event in &page.items {
        let json = event.to_json();
        assert!(json.ends_with(r#","session_id":"one"}"#), "{json}");
        assert!(json.contains(r#"{"session_id":"in its data","n":1.50}"#), "what is deeper stays: {json}");
        assert_eq!(json.matches("\"session").count(), 2, "{json}");
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["session_id"], "one");
    }
    assert!(page.items[2].to_json().contains(r#"{"note":"\u005f","#), "what was not touched is as it came");
}
