//! Every request: its id, its host, the headers of its answer.

use super::common::{Dir, Server};
use super::keys::with_keys;

fn id(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    server.client().send(method, path, headers, b"").header("x-request-id").expect("every answer has an id").to_owned()
}

#[test]
fn every_answer_has_the_id_of_its_request_errors_too() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for (method, path) in [
        ("GET", "/api/events"),
        ("GET", "/nothing"),
        ("POST", "/api/events"),
        ("POST", "/api/v1/telemetry"),
        ("GET", "/"),
    ] {
        assert_eq!(id(&server, method, path, &[("x-request-id", "r-1")]), "r-1", "{method} {path}");
        let (one, other) = (id(&server, method, path, &[]), id(&server, method, path, &[]));
        assert!(one.len() == 36 && one != other, "{one} {other}");
    }
    assert_eq!(id(&server, "GET", "/", &[("origin", "http://evil.example"), ("x-request-id", "r-2")]), "r-2");
    let asks = Dir::new();
    let server = Server::start(with_keys(asks.config()));
    assert_eq!(id(&server, "GET", "/", &[("x-request-id", "r-3")]), "r-3", "on 401");
}

#[test]
fn an_id_that_could_harm_a_log_is_replaced() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for bad in ["a b", "a\"b", "a\tb", &"x".repeat(129)] {
        let own = id(&server, "GET", "/api/health", &[("x-request-id", bad)]);
        assert!(own.len() == 36 && own != bad, "{bad}: {own}");
    }
}

#[test]
fn a_name_that_is_made_to_resolve_to_this_machine_is_not_answered() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let ask = |host: &str| {
        use std::io::Write;
        let mut client = server.client();
        write!(client.0, "GET /api/events HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
        client.answer()
    };
    let refused = ask("rebound.example:4318").is(403);
    assert!(
        refused.error().contains("`rebound.example:4318`") && refused.error().contains("`hosts`"),
        "{}",
        refused.body
    );
    for host in ["localhost", "127.0.0.1:4318", "[::1]:4318", "collector:4318"] {
        ask(host).is(200);
    }
}

#[test]
fn security_headers_are_on_every_answer_and_no_other_site_may_read_any() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for (method, path) in [("GET", "/"), ("GET", "/api/health"), ("GET", "/nothing"), ("POST", "/api/v1/telemetry")] {
        let answer = server.client().send(method, path, &[], b"");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {path}");
        }
        assert!(answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}
