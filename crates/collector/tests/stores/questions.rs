//! All that can be asked of a collector: each list in each order, each thing that has an id, each page, each parameter.

use crate::dice::Dice;
use crate::fixture::Fixture;
use crate::known::{Known, escaped};
use crate::send::{at, range};

/// How much is asked.
struct Depth {
    /// So many of each kind are asked for one by one.
    each: usize,
    /// So many links of a page are followed.
    links: usize,
    /// Lists are asked for in each order and in short pages, and what can't be found is asked for too.
    all: bool,
}

const DEEP: Depth = Depth { each: 3, links: 3, all: true };
const BRIEF: Depth = Depth { each: 2, links: 1, all: false };
/// Rows of a page, where there are few of them; where there are many, that is how many pages there are.
const FEW: usize = 7;

/// Lists of the API, and the field of their rows.
const LISTS: [(&str, &str); 8] = [
    ("/api/events?order=asc", "events"),
    ("/api/sessions", "sessions"),
    ("/api/exceptions?order=worst", "exceptions"),
    ("/api/traces", "traces"),
    ("/api/runs", "runs"),
    ("/api/series", "series"),
    ("/api/users", "users"),
    ("/api/audit", "entries"),
];

/// The same in other orders, and in part.
const MORE_LISTS: [(&str, &str); 6] = [
    ("/api/events?order=desc", "events"),
    ("/api/events?order=asc&severity=error", "events"),
    ("/api/sessions?lost=true", "sessions"),
    ("/api/exceptions?order=new", "exceptions"),
    ("/api/exceptions?order=last", "exceptions"),
    ("/api/exceptions?order=count", "exceptions"),
];

/// Asks everything of what is stored, or less where little time is: each question of ours is many of a server of ClickHouse.
pub fn every(fixture: &mut Fixture) {
    ask(fixture, if is_brief() { &BRIEF } else { &DEEP });
}

/// Whether `LASTWORD_CASES` says `brief`.
pub fn is_brief() -> bool {
    std::env::var("LASTWORD_CASES").is_ok_and(|said| said == "brief")
}

/// Asks of what is stored what no case may leave out.
pub fn brief(fixture: &mut Fixture) {
    ask(fixture, &BRIEF);
}

fn ask(fixture: &mut Fixture, depth: &Depth) {
    let known = Known::of(fixture);
    for (path, rows) in LISTS {
        fixture.all(path, rows);
    }
    let range = range();
    fixture.ask(&format!("/api/calls?by=name&{range}"));
    fixture.ask(&format!("/api/stats?by=minute&{range}"));
    fixture.ask("/events.jsonl?order=asc");
    if depth.all {
        let few = FEW.max(known.events.len() / FEW);
        for (path, rows) in LISTS.into_iter().chain(MORE_LISTS) {
            fixture.pages(path, rows, few);
        }
        for by in ["version", "provider", "hour", "kind"] {
            fixture.ask(&format!("/api/calls?by={by}&{range}"));
        }
        fixture.ask(&format!("/api/stats?by=hour&{range}"));
        fixture.ask("/events.csv?columns=time,session,index,event,severity,name,data.n");
        for folder in ["sessions", "exceptions", "traces", "runs"] {
            fixture.ask(&format!("/api/{folder}/none"));
            fixture.ask(&format!("/{folder}/none"));
        }
        let some = |ids: &[String]| ids.iter().take(depth.each).map(|id| escaped(id)).collect::<Vec<_>>();
        let ids = [&known.sessions, &known.traces, &known.runs, &known.exceptions, &known.events];
        for id in ids.into_iter().flat_map(|ids| some(ids)) {
            fixture.ask(&format!("/find?q={id}"));
        }
    }
    one_by_one(fixture, &known, depth);
    pages(fixture, depth);
}

/// Asks for each thing that has an id.
fn one_by_one(fixture: &mut Fixture, known: &Known, depth: &Depth) {
    let each = depth.each;
    for (folder, ids) in [
        ("sessions", &known.sessions),
        ("exceptions", &known.exceptions),
        ("traces", &known.traces),
        ("runs", &known.runs),
    ] {
        // How often an exception happened is told up to now, unless it is told up to when.
        let range = if folder == "exceptions" { format!("?{}", range()) } else { String::new() };
        for id in ids.iter().take(each) {
            fixture.ask(&format!("/api/{folder}/{}{range}", escaped(id)));
            linked(fixture, &format!("/{folder}/{}{range}", escaped(id)), depth);
        }
    }
    for (place, id) in known.series.iter().enumerate().take(each) {
        fixture.ask_as(format!("points of the {place}. series"), &format!("/api/series/{id}"));
        fixture
            .ask_as(format!("late points of the {place}. series"), &format!("/api/series/{id}?since={}", at(120_000)));
    }
    for id in known.events.iter().take(each) {
        linked(fixture, &format!("/events/{}", escaped(id)), depth);
    }
    for (trace, span) in known.spans.iter().take(each) {
        fixture.ask(&format!("/traces/{trace}/spans/{span}"));
    }
    for (kind, name) in known.calls.iter().take(each) {
        fixture.ask(&format!("/calls/{kind}/{}?{}", escaped(name), range()));
    }
    for (run, artifact) in known.artifacts.iter().take(each) {
        fixture.ask(&format!("/runs/{}/artifacts/{}", escaped(run), escaped(artifact)));
    }
    for (what, ids) in [("traces", &known.traces), ("runs", &known.runs)] {
        let ids: Vec<String> = ids.iter().take(2).map(|id| escaped(id)).collect();
        if let [one, other] = &*ids {
            let path = if what == "traces" {
                format!("/traces/{one}/compare?other={other}")
            } else {
                format!("/runs/{one}/diff/{other}")
            };
            fixture.ask(&path);
        }
    }
}

/// Asks for the pages that list something.
fn pages(fixture: &mut Fixture, depth: &Depth) {
    let range = range();
    for path in ["/", "/calls"] {
        linked(fixture, &format!("{path}?{range}"), depth);
    }
    for path in ["/sessions", "/exceptions", "/events"] {
        linked(fixture, path, depth);
    }
    if !depth.all {
        return;
    }
    for path in ["/events.csv", "/traces", "/runs", "/live"] {
        linked(fixture, path, depth);
    }
    fixture.ask(&format!("/events?{range}"));
    fixture.ask(&format!("/events?severity=error&{range}"));
    // What these say is another thing each time.
    for path in [
        "/settings",
        "/metrics?views=true",
        "/api/health",
        "/api/status",
        "/api/health/db",
        "/api/health/storage",
        "/alerts",
        "/api/alerts",
    ] {
        fixture.server().get(path).is(200);
    }
}

/// Asks for a page, and for those that its links lead to by the number of a row or by a cursor.
fn linked(fixture: &mut Fixture, path: &str, depth: &Depth) {
    let page = fixture.ask(path);
    let by_row = ["after=", "before=", "from=", "event="];
    let links = page
        .body
        .split("href=\"")
        .skip(1)
        .filter_map(|part| part.split('"').next())
        .map(|link| link.replace("&amp;", "&"));
    let links: Vec<String> = links
        .map(|link| link.split('#').next().unwrap_or_default().to_owned())
        .filter(|link| link.starts_with("/events/") || by_row.iter().any(|name| link.contains(name)))
        .filter(|link| !link.starts_with("/exceptions/") || link.contains("until="))
        .collect();
    for (place, link) in links.iter().enumerate().take(depth.links) {
        fixture.ask_as(format!("the {place}. link of {path}"), link);
    }
}

/// Names of parameters with values of each.
type Values = Vec<(&'static str, Vec<String>)>;

fn strings<const N: usize>(all: [&str; N]) -> Vec<String> {
    all.map(str::to_owned).to_vec()
}

/// The first of what is known and one that is not, to ask for.
fn some(ids: &[String]) -> Vec<String> {
    ids.iter().take(3).map(|id| escaped(id)).chain(["none".to_owned()]).collect()
}

fn times() -> Vec<String> {
    vec![at(0), at(5_000), at(60_000), at(600_000), at(3_600_000)]
}

fn flags() -> Vec<String> {
    strings(["true", "false"])
}

fn limits() -> Vec<String> {
    strings(["1", "3", "1000"])
}

const SEVERITIES: [&str; 5] = ["debug", "info", "warning", "error", "critical"];

fn of_events(known: &Known) -> Values {
    vec![
        ("session", some(&known.sessions)),
        ("trace", some(&known.traces)),
        ("run", some(&known.runs)),
        ("user", some(&known.users)),
        ("version", some(&known.versions)),
        ("name", some(&known.names)),
        ("kind", strings(["SESSION_START", "session_end", "UNHANDLED_EXCEPTION", "GENERIC_EVENT"])),
        ("severity", strings(SEVERITIES)),
        ("since", times()),
        ("until", times()),
        ("text", strings(["TIMEOUT", "%25", "_", "%5C", "%22", "a", "%C3%A4"])),
        ("order", strings(["asc", "desc"])),
        ("limit", limits()),
    ]
}

fn of_sessions(known: &Known) -> Values {
    vec![
        ("state", strings(["open", "live", "silent", "ended", "fatal", "crashed"])),
        ("lost", flags()),
        ("since", times()),
        ("until", times()),
        ("received", strings(["1h", "0s"])),
        ("version", some(&known.versions)),
        ("id", strings(["s", "S", "%25", "s-1"])),
        ("exception", some(&known.exceptions)),
        ("user", some(&known.users)),
        ("failed", flags()),
        ("missing", flags()),
        ("limit", limits()),
    ]
}

fn of_exceptions(known: &Known) -> Values {
    vec![
        ("fingerprint", some(&known.exceptions)),
        ("session", some(&known.sessions)),
        ("state", strings(["open", "resolved", "regressed"])),
        ("version", some(&known.versions)),
        ("since", times()),
        ("until", times()),
        ("appeared", strings(["1h", "0s"])),
        ("regressed", strings(["1h", "0s"])),
        ("text", strings(["TIMEOUT", "%25", "_", "error"])),
        ("order", strings(["new", "last", "count", "worst"])),
        ("limit", limits()),
    ]
}

fn of_calls(known: &Known) -> Values {
    vec![
        ("kind", strings(["model", "tool"])),
        ("name", some(&known.calls.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>())),
        ("provider", some(&known.providers)),
        ("version", some(&known.versions)),
        ("by", strings(["name", "version", "provider", "hour", "kind"])),
        ("sort", strings(["errors", "cost", "calls", "latency", "tokens", "reliability"])),
        ("limit", limits()),
    ]
}

fn of_traces(known: &Known) -> Values {
    vec![
        ("session", some(&known.sessions)),
        ("name", some(&strings(["GET /buy", "chat"]))),
        ("failed", flags()),
        ("min_ms", strings(["0", "50", "500", "100000"])),
        ("since", times()),
        ("limit", limits()),
    ]
}

fn of_runs(known: &Known) -> Values {
    vec![
        ("session", some(&known.sessions)),
        ("status", strings(["completed", "failed", "running"])),
        ("objective", strings(["FIX", "%25", "login"])),
        ("since", times()),
        ("limit", limits()),
    ]
}

/// All that is asked with parameters: where, the parameters that it always has, and those that it may have.
fn asked(known: &Known) -> Vec<(&'static str, String, Values)> {
    vec![
        ("/api/events", String::new(), of_events(known)),
        ("/events", String::new(), of_events(known)),
        ("/api/sessions", String::new(), of_sessions(known)),
        ("/sessions", String::new(), of_sessions(known)),
        ("/api/exceptions", String::new(), of_exceptions(known)),
        ("/exceptions", String::new(), of_exceptions(known)),
        ("/api/calls", range(), of_calls(known)),
        ("/calls", range(), of_calls(known)),
        (
            "/api/stats",
            range(),
            vec![("by", strings(["minute", "hour"])), ("name", some(&known.names)), ("severity", strings(SEVERITIES))],
        ),
        ("/api/traces", String::new(), of_traces(known)),
        ("/traces", String::new(), of_traces(known)),
        ("/api/runs", String::new(), of_runs(known)),
        ("/runs", String::new(), of_runs(known)),
        ("/api/series", String::new(), vec![("name", some(&known.metrics)), ("since", times()), ("limit", limits())]),
        ("/api/users", String::new(), vec![("user", some(&known.users)), ("opted_in", flags()), ("limit", limits())]),
        (
            "/api/audit",
            String::new(),
            vec![
                ("action", strings(["exception.resolve", "user.opt_in", "session.delete", "config.change"])),
                ("actor", strings(["anyone", "collector", "none"])),
                ("since", strings(["1h", "0s"])),
                ("limit", limits()),
            ],
        ),
    ]
}

/// Asks with each value of each parameter alone, and with pairs of them by lot, what has this in its path. A page is asked with one value
/// of each parameter: it says what the API does.
pub fn parameters(fixture: &mut Fixture, of: &str, pairs: usize) {
    let known = Known::of(fixture);
    let mut dice = Dice::new(7);
    let (values_max, pairs) = if is_brief() { (1, pairs.min(2)) } else { (usize::MAX, pairs) };
    for (path, always, values) in asked(&known).into_iter().filter(|(path, ..)| path.contains(of)) {
        let is_page = !path.starts_with("/api/");
        // What is drawn ends now, unless it is told where.
        let end = if is_page { format!("&until={}", at(7_200_000)) } else { String::new() };
        for (name, values) in &values {
            for value in values.iter().take(if is_page { 1 } else { values_max }) {
                let end = if *name == "since" { &*end } else { "" };
                fixture.ask(&format!("{path}?{always}&{name}={value}{end}"));
            }
        }
        for _ in 0..if is_page { 0 } else { pairs } {
            let ((one, ones), (other, others)) = (dice.of(&values), dice.of(&values));
            if one != other {
                let (one_value, other_value) = (dice.of(ones), dice.of(others));
                let has = |name| *one == name || *other == name;
                let end = if has("since") && !has("until") { &*end } else { "" };
                fixture.ask(&format!("{path}?{always}&{one}={one_value}&{other}={other_value}{end}"));
            }
        }
    }
}
