//! Where a flush delivers to, and with which key; the key itself is seen by nobody.

use crate::common::{Server, lastword};
use crate::relay::Relay;
use crate::support::{KEY, Spool, both, nobody, said};

#[test]
fn a_queue_for_another_key_is_left_and_it_is_said_what_would_help() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    let relay = Relay::start(&server.address);
    spool.leave("locked-away", &relay.url, 30);
    for (key, why) in [(None, "they are meant for a key:"), (Some("tml-another"), "they are meant for another key:")] {
        let mut command = lastword();
        command.args(["spool", "flush"]).arg(spool.path());
        key.map(|key| command.env("LASTWORD_API_KEY", key));
        let output = command.output().unwrap();
        let (out, error) = both(&output);
        assert_eq!(output.status.code(), Some(1), "{out}{error}");
        assert!(out.contains("delivered 0 events, 0 sessions to the end; dropped 0, torn 0, left 30"), "{out}");
        for part in [why, "LASTWORD_API_KEY", "--to URL", &relay.url, "(session locked-away)"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
    assert_eq!((relay.requests(), spool.list()[0]["state"].as_str()), (0, Some("crashed")), "it was not touched");
    let output =
        lastword().args(["spool", "flush", "--api-key", KEY]).arg(spool.path()).env("LASTWORD_API_KEY", "x").output();
    assert!(said(&output.unwrap()).0.starts_with("delivered 32 events"), "the flag wins");
}

#[test]
fn everything_goes_to_the_server_that_is_named_whatever_it_was_meant_for() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    spool.leave("one", &nobody(), 10);
    spool.leave("another", &nobody(), 10);
    let (out, _) = said(&spool.run("flush", &["--to", &server.url]));
    assert!(out.starts_with("delivered 24 events, 2 sessions to the end"), "{out}");
    assert!(spool.files().is_empty());
}

#[test]
fn a_server_that_does_not_know_the_key_is_not_waited_for() {
    let spool = Spool::new();
    let relay = Relay::answering(401, &format!(r#"{{"error":"who is {KEY}?"}}"#));
    spool.leave("held", &relay.url, 30);
    // Far longer than the test may take.
    let output = spool.run_with_key("flush", &["--timeout", "1h"]);
    let (out, error) = both(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(out.contains("left 32"), "{out}");
    assert!(error.contains("not authorised") && error.contains("401") && !error.contains("trying"), "{error}");
    assert!(!error.contains(KEY), "a server that says it back: {error}");
    assert_eq!(spool.list()[0]["waiting"], 32);
}

#[test]
fn a_server_that_is_away_is_tried_until_the_time_is_over_and_named() {
    let (spool, url) = (Spool::new(), nobody());
    spool.leave("s", &url, 30);
    let output = spool.run_with_key("flush", &["--timeout", "1500ms"]);
    let (out, error) = both(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(out.contains("left 32"), "{out}");
    assert!(
        error.contains(&format!("{url}/api/v1/telemetry can't be reached")) && error.contains("trying again"),
        "{error}"
    );
    assert_eq!(spool.list()[0]["state"], "crashed", "though it is said in the queue now that it ended");
}

#[test]
fn no_output_and_no_error_ever_shows_the_key_or_a_password() {
    let (spool, secret) = (Spool::new(), "tml-s3cr3t");
    spool.leave("s", &nobody(), 3);
    let named = format!("http://somebody:{secret}@127.0.0.1:9");
    let wrong = format!("http://somebody:{secret}@127.0.0.1:99999");
    let spaced = format!("{secret} ");
    let cases: &[&[&str]] = &[
        &["--api-key", secret],
        &["--api-key", &spaced],
        &["--api-key", secret, "--timeout", "never"],
        &["--api-key", secret, "--unknown"],
        &["--to", &named, "--timeout", "200ms"],
        &["--to", &wrong],
        &["--api-key", secret, "--to", &nobody(), "--timeout", "200ms", "--json"],
        &["--help"],
    ];
    for args in cases {
        let mut command = lastword();
        command.args(["spool", "flush"]).arg(spool.path()).args(*args).env("LASTWORD_API_KEY", secret);
        let output = command.output().unwrap();
        let (out, error) = both(&output);
        assert!(!(out.clone() + &error).contains("s3cr3t"), "{args:?}: {out}{error}");
        assert!(output.status.success() == args.contains(&"--help"), "{args:?}: {out}{error}");
    }
    for command in ["list", "verify"] {
        let mut command =
            lastword().args(["spool", command]).arg(spool.path()).env("LASTWORD_API_KEY", secret).output();
        let (out, error) = both(command.as_mut().unwrap());
        assert!(!(out + &error).contains(secret));
    }
}

#[test]
fn a_key_or_a_url_that_cannot_be_is_wrong_usage() {
    let spool = Spool::new();
    for (args, why) in [
        (["--to", "127.0.0.1:4318"], "it should look like http://127.0.0.1:4318"),
        (["--to", "http://h/?x=1"], "a query or a fragment"),
        (["--api-key", "two words"], "`api_key` is wrong"),
        (["--timeout", "10"], "a whole number and a unit"),
    ] {
        let output = spool.run("flush", &args);
        assert_eq!(output.status.code(), Some(2));
        assert!(both(&output).1.contains(why), "{}", both(&output).1);
    }
}
