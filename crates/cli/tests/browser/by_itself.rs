//! What pages do by themselves where scripts run, and how they stand where there is little room.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{PATIENCE, http};
use crate::driver::Driver;
use crate::hostile::turned;
use crate::populate;
use crate::stage::Stage;

/// Sends events of a session with these numbers.
fn send(address: &str, session: &str, numbers: &[usize]) {
    let event = |number: &usize| {
        json!({"event": "GENERIC_EVENT", "event_id": format!("{session}-{number}"), "event_session_index": number, "severity": "INFO",
            "timestamp": "2026-11-20T09:20:34Z", "event_name": "tick", "event_data": {}})
    };
    let events: Vec<_> = numbers.iter().map(event).collect();
    let body = json!({"session_id": session, "platform": "Linux", "sdk_version": "1", "events": events});
    assert_eq!(http::post(address, "/api/v1/telemetry", &body.to_string()).0, 200);
}

/// Waits until a script returns true.
fn until(browser: &Driver, what: &str, script: &str) {
    let begun = Instant::now();
    while browser.script(script) != true {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_live_page_of_a_session_tells_what_is_missing_as_it_comes() {
    let Some(stage) = Stage::start(|address| send(address, "s", &[0, 1])) else { return };
    let browser = stage.browser(true);
    browser.open(&format!("{}/live?session=s", stage.server.url));
    until(&browser, "it listens", "return document.querySelector('[role=status]').textContent === 'Live'");
    send(&stage.server.address, "s", &[2, 5, 6]);
    until(&browser, "the events come", "return document.querySelectorAll('tbody td.number').length === 5");
    let rows = browser.script(
        "return [...document.querySelectorAll('tbody tr')].map(r => r.querySelector('td.number')?.textContent ?? r.textContent)",
    );
    assert_eq!(rows, json!(["6", "5", "2 events are missing: #3 to #4", "2", "1", "0"]));
    send(&stage.server.address, "s", &[7]);
    until(&browser, "and go on", "return document.querySelectorAll('tbody tr').length === 7");
    assert_eq!(browser.complaints(), [] as [&str; 0]);
}

#[test]
fn an_id_that_turns_text_is_seen_as_it_comes_and_its_link_leads_to_it() {
    let Some(stage) = Stage::start(|address| send(address, "s", &[0])) else { return };
    let browser = stage.browser(true);
    browser.open(&format!("{}/live", stage.server.url));
    until(&browser, "it listens", "return document.querySelector('[role=status]').textContent === 'Live'");
    send(&stage.server.address, populate::TURNED, &[0]);
    until(&browser, "the event comes", "return document.querySelectorAll('tbody td.number').length === 2");
    let id = browser.script("const id = document.querySelector('tbody a.id'); return [id.textContent, id.pathname]");
    assert_eq!(id[0], turned());
    let (status, page) = http::get(&stage.server.address, id[1].as_str().unwrap());
    assert_eq!((status, page.contains(&turned())), (200, true), "{page}");
}

#[test]
fn the_overview_is_loaded_again_by_itself_but_not_under_the_hands_of_who_writes() {
    let Some(stage) = Stage::start(|address| send(address, "s", &[0])) else { return };
    let browser = stage.browser(true);
    browser.open(&format!("{}/?refresh=5", stage.server.url));
    let mark = "window.stays = true; return true";
    browser.script(mark);
    until(&browser, "it is loaded again", "return !window.stays && document.readyState === 'complete'");
    browser.script(mark);
    browser.script("document.querySelector('main input[name=since]').focus()");
    sleep(Duration::from_secs(7));
    assert_eq!(browser.script("return window.stays ?? false"), true, "somebody writes");
    assert_eq!(browser.complaints(), [] as [&str; 0]);
}

#[test]
fn a_timeline_shows_what_events_say_where_there_is_little_room() {
    let Some(stage) = Stage::start(populate::day) else { return };
    let browser = stage.browser(true);
    browser.resize(360, 900);
    for path in ["/sessions/edge-berlin-12", "/live", "/events"] {
        browser.open(&format!("{}{path}", stage.server.url));
        let cut = browser.script(
            "const wide = document.documentElement.clientWidth;
             const cells = [...document.querySelectorAll('table.events td')];
             return [cells.length > 20, cells.filter(e => e.getBoundingClientRect().right > wide).map(e => e.textContent.slice(0, 80))]",
        );
        assert_eq!(cut, json!([true, []]), "{path}");
    }
}
