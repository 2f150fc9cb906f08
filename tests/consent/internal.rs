//! Diagnostics for those who make the program: two keys, of two people.

use lastword::testing::MemorySink;
use lastword::{Reporter, event};

use crate::children::is_child;
use crate::{again, place, said};

/// Says what such diagnostics reach, where the program has them and where it has not.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn diagnose() {
    let reached = |internal: bool| {
        let sink = MemorySink::new();
        let reporter = Reporter::builder("s").internal(internal).sink(sink.clone()).start().unwrap();
        let mut evaluated = false;
        let taken = event!(
            reporter.internal(),
            "cache.layout",
            slots = {
                evaluated = true;
                8
            }
        );
        reporter.blocking_stop(crate::LONG);
        assert_eq!(evaluated, taken.is_accepted(), "no work for anybody else");
        sink.events().iter().filter(|event| event["event_name"] == "cache.layout").count()
    };
    println!("child: {} {}", reached(true), reached(false));
}

#[test]
fn internal_diagnostics_take_the_programs_word_and_the_environments() {
    if is_child() {
        return diagnose();
    }
    let name = "internal::internal_diagnostics_take_the_programs_word_and_the_environments";
    let (_directory, path) = place();
    let with = |variables: &[(&str, &str)]| {
        let mut command = again(name, &path);
        command.env_remove("TINKER_TELEMETRY_INTERNAL").env_remove("USER_TYPE").envs(variables.iter().copied());
        said(&mut command)
    };
    assert_eq!(with(&[("TINKER_TELEMETRY_INTERNAL", "1")]), "1 0");
    assert_eq!(with(&[("USER_TYPE", "ant")]), "1 0");
    for silent in [
        &[][..],
        &[("TINKER_TELEMETRY_INTERNAL", "0")],
        &[("TINKER_TELEMETRY_INTERNAL", "x")],
        &[("USER_TYPE", "ants")],
    ] {
        assert_eq!(with(silent), "0 0", "{silent:?}");
    }
    assert_eq!(with(&[("TINKER_TELEMETRY_INTERNAL", "1"), ("DO_NOT_TRACK", "1")]), "0 0", "consent comes first");
}
