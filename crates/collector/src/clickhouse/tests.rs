//! What is sent to a server and comes back.

use serde_json::Value;

use super::live::Live;
use super::{Client, Error, Lease, Location, RowBinary, Sql, schema, watermark};
use crate::limits::QUERY_TIMEOUT;

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
