//! Keys: where clients put them, what they are good for, how they change.

use std::time::{Duration, Instant};

use lastword_collector::Config;
use lastword_collector::auth::{Key, KeyFile};

use super::common::{Answer, Dir, Server, body, event};

pub const INGEST: &str = "lw_ingest_0123456789abcdef";
pub const READ: &str = "lw_read_0123456789abcdef";
pub const ADMIN: &str = "lw_admin_0123456789abcdef";

/// A collector that asks for keys, of which there is one for each scope.
pub fn with_keys(config: Config) -> Config {
    [("ingest", INGEST), ("read", READ), ("admin", ADMIN)].into_iter().fold(config, |config, (scope, secret)| {
        config.key(Key::of_secret(scope, scope.parse().unwrap(), secret).unwrap())
    })
}

fn telemetry(server: &Server, headers: &[(&str, &str)]) -> Answer {
    server.client().send("POST", "/api/v1/telemetry", headers, body("s", &[event(0)]).as_bytes())
}

#[test]
fn nothing_gets_in_or_out_without_a_key_and_no_key_is_ever_repeated() {
    let dir = Dir::new();
    let server = Server::start(with_keys(dir.config()));
    let without = telemetry(&server, &[]).is(401);
    assert_eq!(without.header("www-authenticate"), Some("Bearer realm=\"lastword\""));
    assert!(without.error().contains("Authorization: Bearer"), "{}", without.body);
    let wrong = "lw_wrong_0123456789abcdef";
    let answer = telemetry(&server, &[("x-api-key", wrong)]).is(401);
    assert!(!answer.body.contains(wrong) && answer.error().contains("not known"), "{}", answer.body);
    for path in ["/", "/api/events", "/api/sessions", "/metrics", "/nothing"] {
        server.get(path).is(401);
    }
    server.get("/api/health").is(200);
    telemetry(&server, &[("x-api-key", INGEST)]).is(200);
}

#[test]
fn a_key_does_what_its_scope_says_and_no_more() {
    let dir = Dir::new();
    let server = Server::start(with_keys(dir.config()));
    let ask = |key: &str| server.client().send("GET", "/api/events", &[("x-api-key", key)], b"");
    let answer = ask(INGEST).is(403);
    assert_eq!(answer.error(), "the key `ingest` is for ingest, and this needs read");
    ask(READ).is(200);
    ask(ADMIN).is(200);
    telemetry(&server, &[("x-api-key", READ)]).is(403);
    telemetry(&server, &[("x-api-key", ADMIN)]).is(200);
    server.client().send("DELETE", "/api/sessions/s", &[("x-api-key", READ)], b"").is(403);
}

#[test]
fn whoever_scrapes_shows_a_token_that_may_read() {
    let dir = Dir::new();
    let server = Server::start(with_keys(dir.config()));
    let scrape = |path: &str, key: &str| {
        let bearer = format!("Bearer {key}");
        server.client().send("GET", path, &[("authorization", bearer.as_str())], b"").status
    };
    for path in ["/metrics", "/api/metrics", "/metrics?views=1"] {
        server.get(path).is(401);
        assert_eq!((scrape(path, INGEST), scrape(path, READ)), (403, 200), "{path}");
    }
}

#[test]
fn every_client_puts_its_key_where_it_is_used_to() {
    let dir = Dir::new();
    let server = Server::start(with_keys(dir.config()));
    let bearer = format!("Bearer {INGEST}");
    let sentry = format!("Sentry sentry_version=7, sentry_key={INGEST}, sentry_client=x/1");
    // `pk-lf-1:lw_ingest_0123456789abcdef`
    let langfuse = "Basic cGstbGYtMTpsd19pbmdlc3RfMDEyMzQ1Njc4OWFiY2RlZg==";
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("x-api-key", INGEST),
        ("dd-api-key", INGEST),
        ("x-sentry-auth", &sentry),
        ("authorization", langfuse),
    ] {
        telemetry(&server, &[(name, value)]).is(200);
    }
    server.post(&format!("/api/v1/telemetry?sentry_key={INGEST}"), body("s", &[event(0)])).is(200);
    telemetry(&server, &[("authorization", "Basic ????"), ("x-api-key", INGEST)]).is(200);
}

#[test]
fn a_key_in_the_body_counts_where_a_protocol_has_it_there() {
    let dir = Dir::new();
    let server = Server::start(with_keys(dir.config()));
    let posthog = |key: &str| {
        let batch =
            r#"[{"event":"e","distinct_id":"d","uuid":"0192f0c1-0000-7000-8000-000000000001","properties":{}}]"#;
        server.post("/batch/", format!(r#"{{"api_key":"{key}","batch":{batch}}}"#))
    };
    posthog(INGEST).is(200);
    for wrong in [READ, "lw_wrong_0123456789abcdef", ""] {
        let answer = posthog(wrong);
        assert_eq!(answer.status, if wrong == READ { 403 } else { 401 }, "{wrong}: {}", answer.body);
    }
    let sentry = |key: &str| {
        let event = r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","message":"hello","timestamp":1795166434.5}"#;
        let head =
            format!(r#"{{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","dsn":"https://{key}@collector.example/1"}}"#);
        server.post("/api/1/envelope/", format!("{head}\n{{\"type\":\"event\"}}\n{event}\n"))
    };
    sentry(INGEST).is(200);
    sentry("lw_wrong_0123456789abcdef").is(401);
    server.post(&format!("/v1/input/{INGEST}"), r#"[{"message":"m"}]"#);
    let asked = server.client().send("GET", "/api/events", &[("x-api-key", READ)], b"").is(200);
    assert_eq!(asked.json()["events"].as_array().unwrap().len(), 3, "{}", asked.body);
    // Where a protocol has it elsewhere, the body is no way in.
    server
        .post("/api/v1/telemetry", body("s", &[event(0)]).replacen('{', &format!(r#"{{"api_key":"{INGEST}","#), 1))
        .is(401);
}

#[test]
fn a_browser_is_asked_for_the_key_as_a_password() {
    let dir = Dir::new();
    let server = Server::start(with_keys(dir.config()));
    let asked = server.client().send("GET", "/", &[("accept", "text/html,*/*")], b"").is(401);
    assert!(asked.header("www-authenticate").unwrap().starts_with("Basic realm="), "{:?}", asked.headers);
    // `ann:lw_read_0123456789abcdef`
    let known = [("authorization", "Basic YW5uOmx3X3JlYWRfMDEyMzQ1Njc4OWFiY2RlZg==")];
    let page = server.client().send("GET", "/", &known, b"").is(200);
    assert!(page.body.contains("<html") && page.header("set-cookie").is_none());
}

#[test]
fn a_key_that_is_added_or_revoked_is_so_without_a_restart() {
    let dir = Dir::new();
    std::fs::create_dir_all(dir.path()).unwrap();
    let path = dir.path().join("keys");
    let mut file = KeyFile::open(&path).unwrap();
    let first = file.create("first", "ingest".parse().unwrap()).unwrap();
    let settings = lastword_collector::config::Loaded::load(
        None,
        &[lastword_collector::config::Said {
            path: "keys",
            text: path.to_str().unwrap().to_owned(),
            origin: lastword_collector::config::Origin::Default,
        }],
    );
    let server = Server::start(Config::with_settings(dir.path(), settings.unwrap().settings));
    telemetry(&server, &[("x-api-key", first.secret())]).is(200);
    let second = file.create("second", "ingest".parse().unwrap()).unwrap();
    file.revoke("first").unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while telemetry(&server, &[("x-api-key", second.secret())]).status != 200 {
        assert!(Instant::now() < until, "the change is taken over");
    }
    telemetry(&server, &[("x-api-key", first.secret())]).is(401);
    // A file that is wrong changes nothing.
    std::fs::write(&path, "no keys at all\n").unwrap();
    let until = Instant::now() + Duration::from_millis(2500);
    while Instant::now() < until {
        telemetry(&server, &[("x-api-key", second.secret())]).is(200);
    }
}

#[test]
fn a_large_body_without_a_key_gets_its_answer_and_takes_no_room() {
    let dir = Dir::new();
    let server = Server::start(with_keys(dir.config()));
    let large = vec![b' '; 3 << 20];
    server.client().send("POST", "/api/v1/telemetry", &[], &large).is(401);
}
