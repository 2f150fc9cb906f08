//! `TINKER_TELEMETRY`, read by real processes; and what the builder says, which wins.

use std::process::Command;

use lastword::Reporter;
use lastword::testing::MemorySink;

use crate::processes::{again, is_child};

const NAME: &str = "switch::the_environment_turns_telemetry_on_and_off";

/// Says how telemetry is in this process: by itself, and where the builder says on and off.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn say() {
    let start = |enabled: Option<bool>| {
        let builder = Reporter::builder("s").sink(MemorySink::new());
        let builder = match enabled {
            Some(enabled) => builder.enabled(enabled),
            None => builder,
        };
        builder.start().unwrap().is_enabled()
    };
    println!("switch: {} {} {}", start(None), start(Some(true)), start(Some(false)));
}

fn switched(set: impl FnOnce(&mut Command) -> &mut Command) -> bool {
    let mut command = again(NAME);
    set(&mut command);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.split("switch: ").nth(1).unwrap_or_else(|| panic!("{text}")).lines().next().unwrap().to_owned();
    assert!(line.ends_with("true false"), "the builder wins: {line}");
    line.starts_with("true")
}

#[test]
fn the_environment_turns_telemetry_on_and_off() {
    if is_child() {
        return say();
    }
    let with = |value: &str| switched(|command| command.env("TINKER_TELEMETRY", value));
    let on = ["1", "true", "True", "TRUE", "yes", "Yes", "on", "ON", " 1 "];
    let off = ["0", "false", "no", "off", "", "random", "maybe", "2"];
    let found: Vec<_> = on.into_iter().chain(off).map(|value| (value, with(value))).collect();
    let expected: Vec<_> = on.map(|value| (value, true)).into_iter().chain(off.map(|value| (value, false))).collect();
    assert_eq!(found, expected);
    assert!(switched(|command| command.env_remove("TINKER_TELEMETRY")), "unset is on");
}
