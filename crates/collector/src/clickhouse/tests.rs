//! What is sent to a server and comes back.

use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::live::Live;
use super::{Client, Error, Lease, Location, RowBinary, Spans, Sql, identity, schema, watermark};
use crate::limits::{CLICKHOUSE_TWIN_WAIT, CLICKHOUSE_TWIN_WATCH, QUERY_TIMEOUT};

const HOSTILE: [&str; 9] = [
    "",
    "plain",
    "'); DROP TABLE names; --",
    r#"\ \\ \' " ` \x41 \n"#,
    "a\0b\nc\td\r\u{1}\x1b[31m\x7f",
    "\u{1f600} é \u{202e} \u{feff}",
    "{name:String} %s % _ $1",
    "SETTINGS max_threads = 1 FORMAT Null",
    "INSERT INTO names FORMAT RowBinary",
];

#[test]
fn a_text_comes_back_byte_for_byte_whatever_is_in_it() {
    let Some(live) = Live::start() else { return };
    let client = live.client("texts");
    schema::make(&client).unwrap();
    let mut rows = RowBinary::new();
    for (at, text) in HOSTILE.into_iter().enumerate() {
        rows.text(text).u64(at as u64).end_row();
        let mut sql = Sql::new("SELECT ");
        let echoed: Option<(String,)> = client.row(sql.text(text)).unwrap();
        assert_eq!(echoed, Some((text.to_owned(),)));
    }
    client.insert("names", &["name", "row"], &rows, None).unwrap();
    for (at, text) in HOSTILE.into_iter().enumerate() {
        let mut sql = Sql::new("SELECT name, row FROM names WHERE name = ");
        let found: Vec<(String, u64)> = client.rows(sql.text(text)).unwrap();
        assert_eq!(found, [(text.to_owned(), at as u64)]);
        let mut sql = Sql::new("SELECT count() FROM names WHERE lower(name) LIKE ");
        let (count,): (usize,) = client.row(sql.containing(text)).unwrap().unwrap();
        assert_eq!(count, HOSTILE.iter().filter(|other| other.contains(text)).count(), "{text:?}");
    }
    let mut sql = Sql::new("SELECT count() FROM names WHERE name IN ");
    assert_eq!(client.row(sql.texts(HOSTILE)).unwrap(), Some((HOSTILE.len(),)));
    let mut sql = Sql::new("SELECT count() FROM names WHERE name IN ");
    assert_eq!(client.row(sql.texts([""; 0])).unwrap(), Some((0,)));
}

#[test]
fn values_of_every_kind_come_back_as_they_were() {
    let Some(live) = Live::start() else { return };
    let client = live.client("values");
    schema::make(&client).unwrap();
    client
        .run(&Sql::new(
            "CREATE TABLE kinds (a UInt8, c UInt32, d UInt64, e Int64, f Float64, g Bool, h FixedString(16), i Array(Int64), \
             j Map(LowCardinality(String), Int64), l DateTime('UTC')) ENGINE = MergeTree ORDER BY a",
        ))
        .unwrap();
    let mut rows = RowBinary::new();
    for (at, (d, e)) in [(u64::MAX, i64::MIN), (0, i64::MAX)].into_iter().enumerate() {
        rows.u8(u8::try_from(at).unwrap()).u32(u32::MAX).u64(d).i64(e).f64(0.1).bool(at == 0);
        rows.bytes16([0, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]).array(300);
        (0..300).for_each(|element| _ = rows.i64(element));
        rows.map(1).text("k'").i64(-1).u32(3600).end_row();
    }
    client.insert("kinds", &["a", "c", "d", "e", "f", "g", "h", "i", "j", "l"], &rows, None).unwrap();
    let mut sql = Sql::new("SELECT a, c, d, e, f, g, length(i), i[300], j, NULL FROM kinds WHERE h = ");
    sql.bytes(&[0, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]).add(" AND l = ").hour(3_600_000_000);
    sql.add(" AND e IN ").numbers([i64::MIN, i64::MAX]).add(" ORDER BY a");
    type Row = (u8, u32, u64, i64, f64, bool, u64, i64, std::collections::BTreeMap<String, i64>, Option<i64>);
    let found: Vec<Row> = client.rows(&sql).unwrap();
    let map = || std::iter::once(("k'".to_owned(), -1)).collect();
    let row = |a, d, e, g| (a, u32::MAX, d, e, 0.1, g, 300, 299, map(), None);
    assert_eq!(found, [row(0, u64::MAX, i64::MIN, true), row(1, 0, i64::MAX, false)]);
    let odd = Sql::new("SELECT nan, inf, tuple(1, 'a'), toUInt64(18446744073709551615)");
    let odd: Vec<Value> = client.rows(&odd).unwrap();
    assert_eq!(odd, [serde_json::json!([null, null, [1, "a"], u64::MAX])]);
}

#[test]
fn a_refusal_says_what_was_wrong_and_a_server_that_is_away_is_named() {
    let Some(live) = Live::start() else { return };
    let client = live.client("refusals");
    schema::make(&client).unwrap();
    client.ping().unwrap();
    let error = client.rows::<(i64,)>(&Sql::new("SELECT 1 FROM nowhere")).unwrap_err();
    assert!(matches!(&error, Error::Refused { code: 60, message } if message.contains("nowhere")), "{error:?}");
    let error = client.rows::<(String,)>(&Sql::new("SELECT 1")).unwrap_err();
    assert!(matches!(error, Error::Garbled(_)), "{error:?}");
    // Nobody listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = Location::parse(&format!("clickhouse://u:sekret@127.0.0.1:{port}")).unwrap();
    let error = Client::new(away, QUERY_TIMEOUT).unwrap().ping().unwrap_err();
    let said = format!("{error} {error:?}");
    assert!(matches!(error, Error::Away(_)) && said.contains(&port.to_string()) && !said.contains("sekret"), "{said}");
}

#[test]
fn what_is_changed_is_changed_when_that_is_answered() {
    let Some(live) = Live::start() else { return };
    let client = live.client("changes");
    schema::make(&client).unwrap();
    client.run(&Sql::new("INSERT INTO kept VALUES ('a', 1, 'x'), ('b', 1, 'y')")).unwrap();
    client.run(&Sql::new(&format!("DELETE FROM {} WHERE key = 'a'", client.changed("kept")))).unwrap();
    client
        .run(&Sql::new(&format!("ALTER TABLE {} UPDATE value = 'z' WHERE key = 'b'", client.changed("kept"))))
        .unwrap();
    let kept: Vec<(String, String)> = client.rows(&Sql::new("SELECT key, value FROM kept WHERE key < 'c'")).unwrap();
    assert_eq!(kept, [("b".to_owned(), "z".to_owned())]);
}

#[test]
fn a_block_that_is_sent_again_with_its_token_is_there_once() {
    let Some(live) = Live::start() else { return };
    let client = live.client("tokens");
    schema::make(&client).unwrap();
    let mut rows = RowBinary::new();
    rows.text("a").end_row();
    for _ in 0..2 {
        client.insert("events", &["session"], &rows, Some("one")).unwrap();
    }
    let (count,): (i64,) = client.row(&Sql::new("SELECT count() FROM events FINAL")).unwrap().unwrap();
    assert_eq!(count, 1);
}

#[test]
fn a_process_that_starts_again_has_its_number_and_another_has_the_next() {
    let Some(live) = Live::start() else { return };
    let client = live.client("numbers");
    schema::make(&client).unwrap();
    let (here, there) = (live.dir("numbers-a"), live.dir("numbers-b"));
    let mut first = Lease::take(&client, &here, true).unwrap();
    let mut second = Lease::take(&client, &there, true).unwrap();
    assert_eq!((first.writer(), second.writer()), (0, 1));
    assert!(first.leads().unwrap() && !second.leads().unwrap());
    let before = first.begin(3).unwrap();
    assert!(before.is_sorted() && before[0] < before[2]);
    first.done().unwrap();
    drop(first);
    let mut again = Lease::take(&client, &here, true).unwrap();
    assert_eq!(again.writer(), 0);
    assert!(again.row().unwrap() > before[2]);
    // A number that was given back is free for whoever comes.
    again.close();
    assert!(second.leads().unwrap());
    assert!(second.row().unwrap() > before[2]);
}

#[test]
fn readers_stop_in_front_of_a_block_that_is_being_written() {
    let Some(live) = Live::start() else { return };
    let client = live.client("marks");
    schema::make(&client).unwrap();
    let begin = watermark(&client).unwrap();
    let mut slow = Lease::take(&client, &live.dir("marks-a"), true).unwrap();
    let mut quick = Lease::take(&client, &live.dir("marks-b"), true).unwrap();
    let open = slow.begin(2).unwrap();
    assert!(open[0] >= begin, "{} {begin}", open[0]);
    let done = quick.begin(2).unwrap();
    quick.done().unwrap();
    let mark = watermark(&client).unwrap();
    assert!(mark >= begin && mark <= open[0] && mark <= done[1], "{mark} {open:?} {done:?}");
    slow.done().unwrap();
    quick.done().unwrap();
    let mark = watermark(&client).unwrap();
    assert!(mark > open[1] && mark > done[1], "{mark} {open:?} {done:?}");
    // Whether that one is in is not known: it may come yet.
    let lost = slow.begin(1).unwrap();
    slow.failed();
    slow.done().unwrap();
    quick.done().unwrap();
    assert!(watermark(&client).unwrap() <= lost[0]);
    // Nobody waits for one that is gone, and whoever comes begins above.
    slow.close();
    quick.done().unwrap();
    let mark = watermark(&client).unwrap();
    assert!(mark > lost[0]);
    let mut third = Lease::take(&client, &live.dir("marks-c"), false).unwrap();
    assert!(third.row().unwrap() >= mark);
    assert!(watermark(&client).unwrap() >= mark);
}

/// Spans of a writer that says at each chance that it is there, and watches nobody.
fn eager() -> Spans {
    Spans { interval: Duration::ZERO, watch: Duration::ZERO, settle: Duration::ZERO, ..Spans::default() }
}

/// A directory, and a copy of it.
fn copied(live: &Live, name: &str) -> [PathBuf; 2] {
    let [one, two] = ["one", "two"].map(|which| live.dir(&format!("{name}-{which}")));
    identity::of(&one).unwrap();
    std::fs::copy(one.join("writer"), two.join("writer")).unwrap();
    [one, two]
}

fn take(client: &Client, dir: &Path, spans: Spans) -> Result<Lease, Error> {
    Lease::take_with(client, dir, true, spans)
}

/// What is said of a number: how often is told by the version, which becomes larger each time.
fn said(client: &Client, writer: u16) -> (i64, i64) {
    let mut sql = Sql::new("SELECT beat, open_row FROM writers FINAL WHERE writer = ");
    client.row(sql.number(writer)).unwrap().unwrap()
}

#[test]
fn a_process_whose_directory_is_a_copy_does_not_start_beside_the_first_and_has_its_number_once_that_is_dead() {
    let Some(live) = Live::start() else { return };
    let client = live.client("copies");
    schema::make(&client).unwrap();
    let [one, two] = copied(&live, "copies");
    let mut first = take(&client, &one, eager()).unwrap();
    let (number, has_ended) = (first.writer(), AtomicBool::new(false));
    let refused = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !has_ended.load(Ordering::Relaxed) {
                first.tick().unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let refused = take(&client, &two, Spans { watch: CLICKHOUSE_TWIN_WATCH, ..eager() });
        has_ended.store(true, Ordering::Relaxed);
        refused.map(|lease| lease.writer())
    });
    assert_eq!(refused, Err(Error::Twin { file: two.join("writer").display().to_string() }));
    // As one that was killed: it gave nothing back.
    let lost = first.begin(1).unwrap();
    drop(first);
    let mut second = take(&client, &two, eager()).unwrap();
    assert_eq!(second.writer(), number);
    // What was sent last by the one that died may still come.
    second.begin(1).unwrap();
    second.done().unwrap();
    assert!(watermark(&client).unwrap() <= lost[0]);
}

#[test]
fn of_two_copies_that_start_in_the_same_moment_one_does() {
    let Some(live) = Live::start() else { return };
    let client = live.client("moment");
    schema::make(&client).unwrap();
    let dirs = copied(&live, "moment");
    // It had a number, long ago.
    take(&client, &dirs[0], eager()).unwrap().close();
    let begin = Barrier::new(dirs.len());
    let started = std::thread::scope(|scope| {
        let start = |dir: &PathBuf| {
            let (client, begin, dir) = (&client, &begin, dir.clone());
            scope.spawn(move || {
                begin.wait();
                take(client, &dir, Spans { settle: CLICKHOUSE_TWIN_WAIT, ..eager() })
            })
        };
        dirs.each_ref().map(start).map(|started| started.join().unwrap())
    });
    let refused: Vec<&Error> = started.iter().filter_map(|lease| lease.as_ref().err()).collect();
    assert!(matches!(refused.as_slice(), [Error::Twin { .. }]), "{started:?}");
}

#[test]
fn a_process_that_finds_another_under_its_number_gives_its_block_up_and_takes_another_number() {
    let Some(live) = Live::start() else { return };
    let client = live.client("twins");
    schema::make(&client).unwrap();
    let [one, two] = copied(&live, "twins");
    let mut first = take(&client, &one, eager()).unwrap();
    let open = first.begin(1).unwrap();
    // It was silent for as long as it was watched, and is not dead.
    let mut second = take(&client, &two, eager()).unwrap();
    assert_eq!(second.writer(), first.writer());
    second.begin(1).unwrap();
    assert!(watermark(&client).unwrap() <= open[0], "what it has sent may come");
    assert!(matches!(first.keep(), Err(Error::Away(_))));
    first.failed();
    assert_ne!(second.writer(), first.writer());
    let numbers = [first.writer(), second.writer()];
    for _ in 0..2 {
        let (open, other) = (first.begin(1).unwrap(), second.begin(1).unwrap());
        first.keep().unwrap();
        second.keep().unwrap();
        let mark = watermark(&client).unwrap();
        assert!(mark <= open[0] && mark <= other[0], "{mark} {open:?} {other:?}");
        first.done().unwrap();
        second.done().unwrap();
        assert_eq!([first.writer(), second.writer()], numbers, "each keeps its own");
    }
}

#[test]
fn a_writer_says_again_and_again_where_the_block_begins_that_it_is_writing() {
    let Some(live) = Live::start() else { return };
    let client = live.client("beats");
    schema::make(&client).unwrap();
    let mut slow = take(&client, &live.dir("beats-a"), eager()).unwrap();
    let mut quick = take(&client, &live.dir("beats-b"), eager()).unwrap();
    let open = slow.begin(2).unwrap();
    let mut before = said(&client, slow.writer());
    for _ in 0..3 {
        quick.begin(1).unwrap();
        quick.done().unwrap();
        slow.keep().unwrap();
        let now = said(&client, slow.writer());
        assert!(now.0 > before.0 && now.1 == open[0], "{now:?} {before:?} {open:?}");
        assert_eq!(watermark(&client).unwrap(), open[0]);
        before = now;
    }
    slow.done().unwrap();
    quick.done().unwrap();
    assert!(watermark(&client).unwrap() > open[1]);
}

#[test]
fn a_block_is_given_up_when_readers_may_have_gone_past_it() {
    let Some(live) = Live::start() else { return };
    let client = live.client("silences");
    schema::make(&client).unwrap();
    // Either too long from one beat to the next, or one that took too long itself.
    let late = [Spans { silence_max: Duration::ZERO, ..eager() }, Spans { age_max: Duration::ZERO, ..eager() }];
    for (at, spans) in late.into_iter().enumerate() {
        let mut lease = take(&client, &live.dir(&format!("silences-{at}")), spans).unwrap();
        let given_up = lease.begin(1).unwrap();
        assert!(matches!(lease.keep(), Err(Error::Away(_))), "{at}");
        // Nothing of it is on its way: nobody waits for it.
        lease.failed();
        lease.done().unwrap();
        let next = lease.begin(1).unwrap();
        assert!(next[0] > given_up[0]);
        assert!(watermark(&client).unwrap() > given_up[0], "{at}");
        lease.close();
    }
}
