//! Servers that want TLS.

use std::process::Command;

use lastword::sink::{Nats, Sink};
use lastword::testing::batch;
use serde_json::json;

use crate::outcome;
use crate::server::{PROGRAM_VARIABLE, Server};

/// Set for the process in which the test is run again, as one that trusts the certificate.
const URL_VARIABLE: &str = "LASTWORD_TEST_NATS_URL";

fn deliver(url: &str) -> (&'static str, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let one = batch("s", 0, &[("over.tls", json!({}))]).unwrap();
    outcome(runtime.block_on(Nats::new(url).stream("T").deliver(&one)))
}

#[test]
fn a_certificate_that_the_system_trusts_is_enough_and_nothing_less() {
    if let Ok(url) = std::env::var(URL_VARIABLE) {
        assert_eq!(deliver(&url), ("delivered", String::new()));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let Some(server) = Server::with(&format!("tls {{ cert_file: {certificate:?}, key_file: {key:?} }}")) else {
        return;
    };

    let plain = server.url().replace("127.0.0.1", "localhost");
    let (outcome, reason) = deliver(&plain);
    assert_eq!(outcome, "transient");
    assert!(reason.contains("name it as tls://"), "{reason}");
    let secure = plain.replace("nats://", "tls://");
    let (outcome, reason) = deliver(&secure);
    assert_eq!(outcome, "transient");
    assert!(reason.contains("certificate") && !reason.contains("name it as"), "{reason}");

    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tls::a_certificate_that_the_system_trusts_is_enough_and_nothing_less"])
        .env(URL_VARIABLE, secure)
        .env("SSL_CERT_FILE", &certificate)
        .env_remove(PROGRAM_VARIABLE)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
