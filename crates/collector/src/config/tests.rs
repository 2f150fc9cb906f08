use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::*;

/// A file of a test, removed at its end.
struct File(PathBuf);

impl File {
    fn of(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lastword-config-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn load(&self, said: &[Said]) -> Result<Loaded, ConfigError> {
        Loaded::load(Some(&self.0), said)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn said(path: &'static str, text: &str) -> Said {
    Said { path, text: text.to_owned(), origin: Origin::Flag(format!("--{path}")) }
}

/// The places of all keys that the settings themselves have.
fn places(table: &Table, above: &str, known: &BTreeSet<&str>) -> Vec<String> {
    let mut places = Vec::new();
    for (name, value) in table {
        let place = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match value {
            Value::Table(inner) if !known.contains(place.as_str()) => places.extend(self::places(inner, &place, known)),
            _ => places.push(place),
        }
    }
    places
}

#[test]
fn every_setting_is_a_key_and_every_key_a_setting() {
    let known: BTreeSet<&str> = KEYS.iter().map(|key| key.path).collect();
    assert_eq!(known.len(), KEYS.len(), "no key stands twice");
    let defaults = Table::try_from(Settings::default()).unwrap();
    for place in places(&defaults, "", &known) {
        assert!(known.contains(place.as_str()), "`{place}` is a setting and no key: add it to KEYS");
    }
    // The other way round the example says all keys, and is read.
    let every = example().replace("\n#", "\n").replace("\n ", "\n# ");
    let every = every.strip_prefix("# ").map(|rest| format!("# {rest}")).unwrap();
    let file = File::of("every", &every);
    let loaded = file.load(&[]).unwrap_or_else(|error| panic!("{error}\n{every}"));
    for key in KEYS {
        assert!(matches!(loaded.origin(key.path), Origin::File { .. }), "{} is not in the example", key.path);
    }
}

#[test]
fn the_example_as_it_stands_changes_nothing() {
    let file = File::of("example", &example());
    assert_eq!(file.load(&[]).unwrap().settings, Settings::default());
}

#[test]
fn a_flag_beats_the_file_and_each_value_knows_who_said_it() {
    let file = File::of("beats", "silent_after = \"1m\"\n\n[limits]\nconnections_max = 7\nbody_bytes_max = \"2MiB\"\n");
    let loaded = file.load(&[said("limits.connections_max", "9")]).unwrap();
    assert_eq!(loaded.settings.limits.connections_max, 9);
    assert_eq!(loaded.settings.limits.body_bytes_max.0, 2 << 20);
    assert_eq!(loaded.origin("limits.connections_max").to_string(), "--limits.connections_max");
    assert_eq!(loaded.origin("limits.body_bytes_max").to_string(), format!("{}:5", file.0.display()));
    assert_eq!(loaded.origin("limits.head_timeout"), Origin::Default);
    let shown = loaded.in_force();
    let (_, value, _) = shown.iter().find(|(key, ..)| key.path == "silent_after").unwrap();
    assert_eq!(value.as_deref(), Some("\"1m\""));
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_known_one() {
    let text =
        "listen = \"127.0.0.1:0\"\nsilent_affter = \"1m\"\n[limits]\nconections_max = 7\n[lgo]\nlevel = \"info\"\n";
    let error = File::of("unknown", text).load(&[]).unwrap_err().to_string();
    for part in [
        "line 2: `silent_affter`, do you mean `silent_after`?",
        "line 4: `limits.conections_max`, do you mean `limits.connections_max`?",
        "line 5: `lgo`",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let error = File::of("section", "connections_max = 7\n").load(&[]).unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("`limits.connections_max`"), "{error}");
}

#[test]
fn how_large_the_store_may_become_is_said_as_any_size_is() {
    let file = File::of("bytes", "[retention]\nbytes_max = \"1MiB\"\n").load(&[]).unwrap();
    assert_eq!(file.settings.retention.bytes_max, 1 << 20);
    for (text, bytes) in [("50GiB", 50 << 30), ("7000", 7000)] {
        let flag = Loaded::load(None, &[said("retention.bytes_max", text)]).unwrap();
        assert_eq!(flag.settings.retention.bytes_max, bytes);
    }
}

#[test]
fn a_wrong_value_is_named_with_its_place() {
    for (text, parts) in [
        ("[limits]\nhead_timeout = \"soon\"\n", ["line 2", "whole number and a unit"]),
        ("listen = 7\n", ["line 1", "listen"]),
        ("listen = \"localhost\"\n", ["line 1", "like 127.0.0.1:4318"]),
        ("listen = \n", ["line 1", "listen"]),
        ("trusted_proxies = [\"10.0.0.0/40\"]\n", ["line 1", "10.0.0.0/8"]),
    ] {
        let error = File::of("wrong", text).load(&[]).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
        assert!(!error.contains('\n'), "it is a line of a log: {error}");
    }
    let error = Loaded::load(None, &[said("limits.head_timeout", "soon")]).unwrap_err().to_string();
    assert!(error.contains("--limits.head_timeout") && error.contains("`soon`"), "{error}");
    let error = Loaded::load(None, &[said("insecure_public", "perhaps")]).unwrap_err().to_string();
    assert!(error.contains("true or false"), "{error}");
    assert!(matches!(Loaded::load(Some(Path::new("/nowhere/at/all")), &[]), Err(ConfigError::Read { .. })));
}

#[test]
fn what_is_wrong_with_a_target_is_told_on_its_own_line() {
    let first = "silent_after = \"1m\"\n[[forward]]\nname = 'a'\nto = 'http'\nurl = 'http://h'\n";
    let then = |rest: &str| format!("{first}[[forward]]\nname = 'b'\n{rest}");
    for (text, parts) in [
        (
            then("to = 'http'\nurl = 'http://h'\nindex = 'i'\n"),
            ["line 10", "`index` is of Splunk and Elasticsearch alone"],
        ),
        (then("to = 'http'\nurl = 'http://h'\nframing = 'octets'\n"), ["line 10", "`framing` is of syslog over TCP"]),
        (
            then("to = 'syslog'\nurl = 'udp://h:514'\nframing = 'lines'\n"),
            ["line 10", "`framing` is of syslog over TCP"],
        ),
        (then("to = 'syslog'\nurl = 'udp://h:514'\ntoken_env = 'T'\n"), ["line 10", "syslog has no token"]),
        (then("to = 'http'\nurl = 'http://h'\nnames = ['a', 'pay.*.x']\n"), ["line 10", "`pay.*`"]),
        (then("to = 'http'\nurl = 'ftp://h'\n"), ["line 9", "`url` must begin with"]),
        (then("to = 'http'\nurl = 'http://h'\nbatch = 'many'\n"), ["line 10", "use a whole number, 0 or more"]),
        (then("to = 'http'\nurl = 'http://h'\nbatch = 0\n"), ["line 10", "`batch` must be 1 to 1000"]),
        (then("to = 'http'\nurl = 'http://h'\nbacth = 5\n"), ["line 10", "bacth"]),
        (then("to = 'http'\nurl = 'http://h'\npause = 'soon'\n"), ["line 10", "whole number and a unit"]),
        (first.to_owned() + &first[first.find('[').unwrap()..], ["line 7", "another one of this name"]),
        ("[retention]\n[forward]\nname = 'a'\n".to_owned(), ["line 2", "write `[[forward]]`"]),
    ] {
        let error = File::of("targets", &text).load(&[]).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
    }
    let good = then("to = 'syslog'\nurl = 'tcp://h:514'\nframing = 'octets'\nnames = ['*', 'pay.*']\n");
    assert_eq!(File::of("targets", &good).load(&[]).unwrap().settings.forward.len(), 2);
}

#[test]
fn a_section_that_does_not_exist_names_the_nearest_one() {
    let error = File::of("nearest", "[retenton]\nevents_days = 3\n").load(&[]).unwrap_err().to_string();
    assert!(error.contains("line 1: `retenton`, do you mean `[retention]`?"), "{error}");
}

#[test]
fn a_wrong_kind_of_value_is_told_in_words_of_those_who_write_files() {
    for (text, right) in [
        ("[limits]\nconnections_max = 'many'\n", "use a whole number, 0 or more"),
        ("[limits]\nconnections_max = -1\n", "use a whole number, 0 or more"),
        ("telemetry = 'yes'\n", "use true or false"),
        ("hosts = 'a'\n", "use a list in brackets"),
        ("role = ['cook']\n", "`cook` is not known here: use one of `ingest`, `write`, `query`"),
    ] {
        let error = File::of("words", text).load(&[]).unwrap_err().to_string();
        assert!(error.contains(right) && !error.contains("usize") && !error.contains("expected"), "{error}");
    }
    let error = Loaded::load(None, &[said("role", "query,cook")]).unwrap_err().to_string();
    assert!(error.contains("`cook` is not known here: use one of `ingest`, `write`, `query`"), "{error}");
}

#[test]
fn lists_and_switches_are_said_as_shells_can() {
    let loaded = Loaded::load(None, &[said("trusted_proxies", "10.0.0.0/8, ::1"), said("log.stdout", "1")]).unwrap();
    assert_eq!(loaded.settings.trusted_proxies.len(), 2);
    assert!(loaded.settings.log.stdout);
}

#[test]
fn the_audit_trail_knows_every_setting_and_no_password() {
    let file = File::of("audit", "alerts = \"https://ada:geheim17@elk.example/rules\"\n");
    let in_force = file.load(&[]).unwrap().settings.in_force(false);
    assert_eq!(in_force.len(), super::keys::KEYS.len());
    let value = |name: &str| in_force.iter().find(|one| one.name == name).unwrap().value.clone();
    assert!(value("alerts").contains("elk.example") && !value("alerts").contains("geheim17"), "{}", value("alerts"));
    assert_eq!(value("prices"), "unset");
}
