//! Sinks that the environment asks for, and what they send.

use lastword::sink::{Datadog, FieldPolicy};
use lastword::testing::MemorySink;
use lastword::{Telemetry, event};

use crate::peers::{Answer, PATIENCE, Peer, Recorded};
use crate::support::{has, said, with};

const KEY: &str = "a-key-that-nobody-may-see";

fn sinks(telemetry: &Telemetry) -> Vec<String> {
    telemetry.health().sinks.into_iter().map(|sink| sink.name).collect()
}

fn has_text(request: &Recorded, text: &str) -> bool {
    request.body.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The one request to a place, of those that have something in them.
fn request(peer: &Peer, path: &str, text: &str) -> Recorded {
    let requests = peer.requests();
    let mut found = requests.iter().filter(|request| request.line.contains(path) && has_text(request, text));
    let request = found.next().unwrap_or_else(|| panic!("no {text} at {path}: {requests:?}")).clone();
    assert!(found.next().is_none(), "{text} came twice");
    request
}

#[test]
fn one_event_reaches_every_sink_that_the_environment_asks_for() {
    let [tinker, datadog, otlp, sentry] = [(); 4].map(|()| Peer::start());
    datadog.always(Answer::Status(202));
    // No bytes are a message of protobuf that says that all was taken.
    otlp.always(Answer::with_body(200, ""));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events.jsonl");
    let dsn = sentry.url().replace("http://", &format!("http://{KEY}@")) + "/42";
    let headers = format!("x-otlp-key={KEY}");
    let variables = [
        ("LASTWORD_URL", &*tinker.url()),
        ("LASTWORD_API_KEY", KEY),
        ("DD_API_KEY", KEY),
        ("DD_SITE", &datadog.url()),
        ("DD_ENV", "staging"),
        ("DD_VERSION", "7.1"),
        ("DD_HOSTNAME", "host-1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &otlp.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", &headers),
        ("SENTRY_DSN", &dsn),
        ("SENTRY_ENVIRONMENT", "staging"),
        ("LASTWORD_JSONL", file.to_str().unwrap()),
    ];
    let init = with(variables).session_id("session-1").service("shop", "2.0");
    let shown = format!("{init:?}");
    let (telemetry, mut lines) = said(|| init.try_init().unwrap());
    assert_eq!(sinks(&telemetry), ["tinker", "datadog", "otlp", "sentry", "jsonl"]);
    event!(telemetry, "checked.out", items = 3);
    assert!(telemetry.blocking_stop(PATIENCE).is_drained());

    let at_tinker = request(&tinker, "/api/v1/telemetry", "checked.out");
    assert_eq!(at_tinker.header("x-api-key"), Some(KEY));
    assert_eq!(at_tinker.json()["session_id"], "session-1");
    let at_datadog = request(&datadog, "/api/v2/logs", "checked.out");
    assert_eq!(at_datadog.header("dd-api-key"), Some(KEY));
    let entries = at_datadog.events();
    let entry = entries.iter().find(|entry| entry["message"] == "checked.out").unwrap();
    assert_eq!((&entry["service"], &entry["hostname"], &entry["items"]), (&"shop".into(), &"host-1".into(), &3.into()));
    assert_eq!(entry["ddtags"], "event:checked.out,env:staging,version:7.1");
    let at_otlp = request(&otlp, "/v1/logs", "checked.out");
    assert_eq!(at_otlp.header("x-otlp-key"), Some(KEY));
    assert!(has_text(&at_otlp, "service.name") && has_text(&at_otlp, "shop"));
    let at_sentry = request(&sentry, "/api/42/envelope/", "checked.out");
    assert!(at_sentry.header("x-sentry-auth").is_some_and(|value| value.contains(KEY)));
    assert!(at_sentry.text().contains("shop@2.0") && at_sentry.text().contains("staging"), "{}", at_sentry.text());
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written.lines().filter(|line| line.contains("checked.out")).count(), 1, "{written}");

    for (sink, because, to) in [
        ("tinker", "LASTWORD_URL", &*tinker.url()),
        ("datadog", "DD_API_KEY", &datadog.url()),
        ("otlp", "OTEL_EXPORTER_OTLP_ENDPOINT", &otlp.url()),
        ("sentry", "SENTRY_DSN", &sentry.url()),
        ("jsonl", "LASTWORD_JSONL", file.to_str().unwrap()),
    ] {
        let line =
            lines.iter().find(|line| line.starts_with(&format!("DEBUG sink {sink}: because {because} is set; to ")));
        assert!(line.is_some_and(|line| line.contains(to)), "{sink}: {lines:?}");
    }
    assert!(has(&lines, "session \"session-1\": reports to tinker, datadog, otlp, sentry, jsonl"), "{lines:?}");
    lines.extend([shown, format!("{telemetry:?}")]);
    assert!(!has(&lines, KEY), "{lines:?}");
}

#[test]
fn a_text_that_nobody_checked_goes_to_who_makes_the_program_and_not_to_who_operates_it() {
    const NOTE: &str = "what a customer typed";
    let [tinker, datadog, otlp] = [(); 3].map(|()| Peer::start());
    otlp.always(Answer::with_body(200, ""));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events.jsonl");
    let variables = [
        ("LASTWORD_URL", &*tinker.url()),
        ("DD_API_KEY", KEY),
        ("DD_SITE", &datadog.url()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &otlp.url()),
        ("LASTWORD_JSONL", file.to_str().unwrap()),
    ];
    let telemetry = with(variables).init();
    event!(telemetry, "checked.out", items = 3, note = NOTE);
    assert!(telemetry.blocking_stop(PATIENCE).is_drained());
    for (peer, path, is_given) in
        [(&tinker, "/api/v1/telemetry", true), (&datadog, "/api/v2/logs", false), (&otlp, "/v1/logs", false)]
    {
        assert_eq!(has_text(&request(peer, path, "checked.out"), NOTE), is_given, "{path}");
    }
    assert!(std::fs::read_to_string(&file).unwrap().contains(NOTE));
}

#[test]
fn a_key_goes_to_the_server_that_it_is_named_with_and_to_no_other_one() {
    let (ours, theirs) = (Peer::start(), Peer::start());
    let (our_url, their_url) = (ours.url(), theirs.url());
    let both = [("LASTWORD_URL", &*our_url), ("TINKER_BASE_URL", &*their_url), ("TINKER_API_KEY", KEY)];
    drop(with(both).init());
    assert_eq!(ours.requests()[0].header("x-api-key"), None);
    assert!(theirs.requests().is_empty(), "the first of the two is enough");

    drop(with([("TINKER_BASE_URL", &*their_url), ("TINKER_API_KEY", KEY), ("LASTWORD_API_KEY", "another")]).init());
    assert_eq!(theirs.requests()[0].header("x-api-key"), Some(KEY));

    let (telemetry, lines) = said(|| with([("LASTWORD_API_KEY", KEY)]).init());
    assert!(!telemetry.is_enabled() && !has(&lines, KEY));
    assert!(has(&lines, "LASTWORD_API_KEY is set and goes nowhere: LASTWORD_URL is not set"), "{lines:?}");
}

#[test]
fn what_the_variables_of_a_service_say_counts_before_what_the_program_says() {
    let [datadog, otlp, sentry] = [(); 3].map(|()| Peer::start());
    otlp.always(Answer::with_body(200, ""));
    let dsn = sentry.url().replace("http://", "http://k@") + "/42";
    let variables = [
        ("DD_API_KEY", KEY),
        ("DD_SITE", &*datadog.url()),
        ("DD_SERVICE", "from-dd"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &otlp.url()),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=from-otel,service.namespace=x"),
        ("SENTRY_DSN", &dsn),
        ("SENTRY_RELEASE", "from-sentry@1"),
    ];
    let telemetry = with(variables).service("shop", "2.0").init();
    event!(telemetry, "checked.out");
    assert!(telemetry.blocking_stop(PATIENCE).is_drained());
    assert_eq!(datadog.stored()[0]["service"], "from-dd");
    assert!(has_text(&request(&otlp, "/v1/logs", "checked.out"), "from-otel"));
    assert!(has_text(&request(&sentry, "/envelope/", "checked.out"), "from-sentry@1"));
    for (peer, path) in [(&otlp, "/v1/logs"), (&sentry, "/envelope/")] {
        assert!(!has_text(&request(peer, path, "checked.out"), "shop"));
    }
}

#[test]
fn batches_are_as_the_environment_says_for_sinks_with_figures_of_their_own_too() {
    let datadog = Peer::start();
    let url = datadog.url();
    let variables =
        [("DD_API_KEY", KEY), ("DD_SITE", &*url), ("LASTWORD_BATCH_SIZE", "2"), ("LASTWORD_FLUSH_THRESHOLD", "2")];
    let telemetry = with(variables).init();
    for number in 0..5 {
        event!(telemetry, "n", number);
    }
    datadog.wait_for(3);
    assert!(telemetry.blocking_stop(PATIENCE).is_drained());
    assert!(datadog.requests().iter().all(|request| request.events().len() <= 2));
}

#[test]
fn a_sink_of_the_programs_own_stays_beside_those_of_the_environment() {
    let (own, asked) = (Peer::start(), Peer::start());
    let url = asked.url();
    let memory = MemorySink::new();
    let mine = Datadog::new(own.url()).api_key("mine").fields(FieldPolicy::Redacted);
    let init = with([("DD_API_KEY", KEY), ("DD_SITE", &*url)]).sink(mine).sink(memory.clone());
    let (telemetry, lines) = said(|| init.init());
    assert_eq!(sinks(&telemetry), ["datadog", "memory"]);
    assert!(has(&lines, "no sink datadog because of DD_API_KEY: the program has one of that name"), "{lines:?}");
    event!(telemetry, "n");
    assert!(telemetry.blocking_stop(PATIENCE).is_drained());
    assert_eq!((own.stored().len(), memory.events().len()), (3, 3));
    assert!(asked.requests().is_empty());
}

#[test]
fn a_sink_that_another_variable_forbids_is_not_there() {
    let no = [
        ("LASTWORD_CONSOLE", "0"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_SDK_DISABLED", "true"),
    ];
    let (telemetry, lines) = said(|| with(no).try_init().unwrap());
    assert!(!telemetry.is_enabled());
    assert!(has(&lines, "no sink console: LASTWORD_CONSOLE is set, but it says no"), "{lines:?}");
    assert!(
        has(&lines, "no sink otlp: OTEL_EXPORTER_OTLP_ENDPOINT is set, but OTEL_SDK_DISABLED says no"),
        "{lines:?}"
    );
}

#[test]
fn a_password_in_an_address_is_in_no_line_and_in_no_error() {
    for (name, address) in [
        ("LASTWORD_URL", "http://user:sekret@127.0.0.1:1"),
        ("LASTWORD_URL", "user:sekret@127.0.0.1:1"),
        ("LASTWORD_URL", "ftp://user:sekret@127.0.0.1:1"),
        ("TINKER_BASE_URL", "http://user:sekret@127.0.0.1:1/?key=sekret"),
        ("DD_SITE", "http://user:sekret@127.0.0.1:1"),
        ("DD_SITE", "sekret@datadoghq.com"),
        ("SENTRY_DSN", "http://sekret@127.0.0.1:1/42"),
        ("SENTRY_DSN", "http://sekret@127.0.0.1:1/"),
        ("SENTRY_DSN", "sekret"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:sekret@127.0.0.1:1"),
    ] {
        // Nothing may leave for the place that Datadog has by itself.
        let key = if name == "DD_SITE" { "DD_API_KEY" } else { "LASTWORD_API_KEY" };
        let init = || with([(name, address), (key, "sekret")]).deadline(std::time::Duration::ZERO);
        let (telemetry, mut lines) = said(|| init().init());
        lines.push(format!("{telemetry:?} {:?}", telemetry.health()));
        lines.push(init().try_init().map_or_else(|error| format!("{error} {error:?}"), |_| String::new()));
        assert!(!has(&lines, "sekret"), "{name}={address}: {lines:?}");
    }
}
