//! `lastword doctor` over a store in ClickHouse.

use std::path::Path;

use crate::common::{Server, generic, run};
use crate::house::House;
use crate::support::{assert_said, doctor, until};

/// What the doctor finds of a store.
fn found(data: &Path, url: &str) -> Vec<(String, String)> {
    doctor("store", data, &["--store", url])
}

/// Has a writer said something so many seconds ago that has not said that it ends.
fn heard_of(house: &House, writer: u16, seconds: u64) {
    house.tell(&format!(
        "INSERT INTO writers (writer, beat, open_row, identity, boot, writes, at_us) SELECT {writer}, 1, \
         bitShiftLeft(toUInt64(toUnixTimestamp64Milli(now64(3)) - {seconds} * 1000), 21), generateUUIDv4(), generateUUIDv4(), 1, \
         toUnixTimestamp64Micro(now64(6)) - {seconds} * 1000000"
    ));
}

#[test]
fn the_doctor_says_how_a_store_in_clickhouse_is_and_what_is_wrong_with_it() {
    let Some(house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (data, url) = (dir.path().join("doctor"), house.url());
    for _ in 0..2 {
        assert_said(&found(&data, &url), "ok", "there is no database `fleet` yet");
    }

    let server = house.serve("ingest,write,query", "127.0.0.1:0", &dir.path().join("all"), &[]);
    server.post("s-1", &[generic(0, "INFO", "a", "{}")]);
    let known = "SELECT (SELECT count() FROM claims), (SELECT count() FROM writers FINAL), \
                 (SELECT count() FROM system.tables WHERE database = 'fleet')";
    let before = house.row(known);
    let told = found(&data, &url);
    for part in [
        "is ClickHouse ",
        "its clock and that of this machine agree",
        "may make tables, store, ask and remove",
        " rows of events, in this version's format",
        "what is acknowledged is on disk",
        "numbers of writers: 0 (",
        ", leads, heard of ",
        "removals come to an end",
        "has the most parts in one partition",
    ] {
        assert_said(&told, "ok", part);
    }
    assert!(told.iter().any(|(_, said)| said.contains("MiB free")), "{told:#?}");
    assert!(!told.iter().any(|(_, said)| said.contains("not known")), "{told:#?}");
    assert_eq!(house.row(known), before, "it takes no number, and makes nothing");
    assert!(!data.exists(), "nor an identity");

    // What can't be done, and keeps all that comes after it waiting.
    let names = House::changed("names");
    house.tell(&format!("ALTER TABLE {names} DELETE WHERE throwIf(name != '') SETTINGS mutations_sync = 0"));
    let fails =
        || found(&data, &url).iter().any(|(state, said)| state == "wrong" && said.contains("all later ones wait"));
    until("the change has failed", fails);
    let text = run(&["doctor", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0", "--store", &url]);
    assert_eq!(text.status.code(), Some(1));
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("WRONG  store") && text.contains("KILL MUTATION"), "{text}");
    assert!(!text.contains("throwIf("), "no statement is told: {text}");
    house.tell("KILL MUTATION WHERE database = 'fleet'");
    assert_said(&found(&data, &url), "ok", "removals come to an end");

    house.tell(&format!("ALTER TABLE {} MODIFY SETTING fsync_after_insert = 0", House::changed("users")));
    assert_said(&found(&data, &url), "warning", "`fsync_part_directory = 1` is set for users");
    heard_of(&house, 7, 31);
    heard_of(&house, 8, 600);
    let told = found(&data, &url);
    assert_said(&told, "warning", "readers wait for writer 7");
    assert_said(&told, "warning", "writers ended without a word: 8 (");
    // What a process whose clock is a minute ahead has stored.
    house.tell(
        "INSERT INTO events (hour, session, time_us, id, row, received_us, body) SELECT toStartOfHour(now()), 's-9', \
         toUnixTimestamp64Micro(now64(6)), 'e-9', bitShiftLeft(toUInt64(toUnixTimestamp64Milli(now64(3))), 21), \
         toUnixTimestamp64Micro(now64(6)) + 60000000, '{}'",
    );
    assert_said(&found(&data, &url), "warning", "the clock of a process that takes in is ahead");
    // Nobody folds any more.
    drop(server);
    house.tell("INSERT INTO touched (hour, row) SELECT toDateTime(3600, 'UTC'), 1");
    assert_said(&found(&data, &url), "warning", "nobody has written to for a day: 1, the first 1970-01-01 01:00:00");
    house.tell("INSERT INTO kept (key, changed_us, value) SELECT 'format', 9000000000000000000, '2'");
    let told = found(&data, &url);
    assert_said(&told, "wrong", "the store has format 2");
    assert_said(&told, "wrong", "use the `lastword` that made it, or a newer one");
}

#[test]
fn the_doctor_says_of_a_wrong_password_who_has_it_and_not_that_the_server_is_to_be_started() {
    let Some(house) = House::start_with("--password right") else { return };
    let dir = tempfile::tempdir().unwrap();
    let told = found(dir.path(), &house.url().replace("//", "//ada:sekret@"));
    assert_said(&told, "wrong", "code 516");
    assert_said(&told, "wrong", "give the password of `ada`");
    assert!(told.len() == 1 && !told[0].1.contains("start it") && !told[0].1.contains("sekret"), "{told:#?}");
}

/// A table as what changes it calls it: in a cluster that by which all of it is asked, then what is stored.
fn all_of(table: &str) -> Vec<String> {
    let stored = House::changed(table);
    let asked = stored.replace(&format!("{table}_local"), table);
    if asked == stored { vec![stored] } else { vec![asked, stored] }
}

#[test]
fn who_reads_a_store_of_an_older_version_is_told_to_start_this_one_and_changes_nothing() {
    let Some(house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (data, url) = (dir.path().join("all"), house.url());
    let serve = || house.serve("ingest,write,query", "127.0.0.1:0", &data, &[]);
    let server = serve();
    server.post("s-1", &[generic(0, "INFO", "a", "{}")]);
    server.stop();
    for table in all_of("events") {
        for column in ["parts.bytes", "parts.filter"] {
            house.tell(&format!("ALTER TABLE {table} DROP COLUMN `{column}`"));
        }
    }
    let columns = "SELECT count() FROM system.columns WHERE database = 'fleet'";
    let before = house.row(columns);
    for args in [vec!["events", "--json"], vec!["store", "info"]] {
        let read = run(&[&args[..], &["--store", &url]].concat());
        let said = String::from_utf8(read.stderr).unwrap();
        assert_eq!(read.status.code(), Some(1), "{said}");
        assert!(said.contains("has no `parts.bytes`, as an older version left it") && said.contains("serve"), "{said}");
    }
    assert_said(&found(&dir.path().join("doctor"), &url), "wrong", "start `lastword serve` of this version once");
    assert_eq!(house.row(columns), before);
    serve().stop();
    let read = run(&["events", "--json", "--store", &url]);
    assert!(read.status.success() && String::from_utf8(read.stdout).unwrap().contains("\"s-1\""));
}

#[test]
fn the_doctor_says_that_tables_are_to_be_made_which_are_not_there() {
    let Some(house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    house.serve("ingest,write,query", "127.0.0.1:0", &dir.path().join("all"), &[]).stop();
    for table in all_of("events") {
        house.tell(&format!("DROP TABLE {table} SYNC"));
    }
    let told = found(&dir.path().join("doctor"), &house.url());
    assert_said(&told, "wrong", "start `lastword serve` of this version once: it makes what is not there");
    assert_said(&told, "warning", "tables are not there: events");
}

#[test]
fn the_doctor_says_of_what_is_no_clickhouse_where_to_look() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("other"));
    let told = found(dir.path(), &format!("clickhouse://{}/fleet", server.address));
    assert_said(&told, "wrong", "is no ClickHouse");
    assert_said(&told, "wrong", "see to host and port in `store`");
    server.stop();
}

#[test]
fn the_doctor_says_that_the_server_of_a_store_is_away() {
    let Some(mut house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let url = house.url().replace("//", "//somebody:sekret@");
    house.kill();
    let told = found(dir.path(), &url);
    assert_said(&told, "wrong", "ClickHouse is away");
    assert_said(&told, "wrong", "start it, or see to the address in `store`");
    assert!(told.len() == 1 && !told.iter().any(|(_, said)| said.contains("sekret")), "{told:#?}");
}

#[test]
fn the_doctor_says_which_servers_a_cluster_has_and_that_one_is_not_known() {
    let Some(house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let url = house.url();
    let plain = url.split('?').next().unwrap();
    assert_said(&found(dir.path(), &format!("{plain}?cluster=other")), "wrong", "knows no cluster `other`");
    if plain == url {
        return;
    }
    assert_said(&found(dir.path(), &url), "ok", " shards");
    let _server = house.serve("ingest,write,query", "127.0.0.1:0", &dir.path().join("all"), &[]);
    let told = found(&dir.path().join("doctor"), &url);
    assert_said(&told, "ok", "no rows wait for their shard");
    // The engine of the tests makes tables without `Replicated`.
    assert_said(&told, "warning", "no table of `fleet` is replicated");
    assert_said(&told, "ok", "on most copies of their shard");
}
