//! Folds in a server that is there: see [`Live`].

mod turns;

use std::time::Duration;

use lastword::event::names;
use lastword::{EventKind, Severity};

use super::super::engine::Blocks;
use super::*;
use crate::clickhouse::{Live, Spans as Beats, schema};
use crate::clock;
use crate::ingest::{Draft, Drafts, Source};
use crate::limits::FOLD_HOURS_MAX;
use crate::query::{CallBy, CallQuery, CallRange, Grid, HistogramQuery, Moment, Reader, StatsQuery, Width};
use crate::store::Consents;
use crate::store::engine::Engine;
use crate::store::erase::Target;
use crate::store::index::Indexed;

const MINUTE: i64 = WIDTHS_US[0];
const HOUR: i64 = WIDTHS_US[1];
/// Hours that have events.
const HOURS: i64 = 10;
/// What is quiet is so at once, and what does not count is old at once.
const AT_ONCE: Spans = Spans { ahead: 0, quiet: 0, stale: 0, events_max: u64::MAX };

/// A lease that says at each chance that it is there.
fn lease(live: &Live, client: &Client, dir: &str) -> Lease {
    let beats = Beats { interval: Duration::ZERO, watch: Duration::ZERO, ..Beats::default() };
    Lease::take_with(client, &live.dir(dir), true, beats).unwrap()
}

fn store(live: &Live, name: &str) -> (Client, Box<dyn Engine>) {
    store_of(live, live.client(name), name)
}

fn store_of(live: &Live, client: Client, name: &str) -> (Client, Box<dyn Engine>) {
    schema::make(&client).unwrap();
    begin(&client).unwrap();
    let blocks = Blocks::new(client.clone(), lease(live, &client, name), Consents::of(HashSet::new())).unwrap();
    (client, Box::new(blocks.folding(AT_ONCE)))
}

/// When the hour began that is two hours ago: no clock goes into it while a test runs.
fn last_hour_us() -> i64 {
    clock::now_us() / HOUR * HOUR - 2 * HOUR
}

/// Events of a session: one with this name and two calls in each of the hours that end with the last one.
fn request(session: &str, name: &str, last_us: i64, hours: i64) -> Vec<Indexed> {
    let mut drafts = Drafts::new(last_us - 1);
    let to = drafts.session(&Source { session_id: session, ..Source::default() });
    for hour in 0..hours {
        for (place, (called, severity)) in
            [(name, Severity::Warning), (names::SPAN_END, Severity::Info), (names::SPAN_END, Severity::Info)]
                .into_iter()
                .enumerate()
        {
            let minute = i64::try_from(place).unwrap() * 20 + hour;
            let id = format!("{session}-{hour}-{place}");
            let draft = Draft::generic(called, &id, severity, last_us - hour * HOUR + minute * MINUTE + 5);
            drafts
                .add(to, place, &draft, |data| match place {
                    1 => {
                        data.text("gen_ai.operation.name", "chat");
                        data.text("gen_ai.request.model", &format!("model-{name}-{}", hour % 2));
                        data.float("duration_ms", 12.5);
                    }
                    2 => {
                        data.text("gen_ai.operation.name", "execute_tool");
                        data.text("gen_ai.tool.name", name);
                    }
                    _ => {}
                })
                .unwrap();
        }
    }
    drafts.finish().envelopes.into_iter().map(Indexed::of).collect()
}

/// Folds all that is quiet.
fn fold(engine: &mut Box<dyn Engine>) {
    engine.tick().unwrap();
    assert!(!engine.give_back().unwrap(), "whoever asks for it again finds no more to do");
    end_of_turn(engine);
}

fn end_of_turn(engine: &mut Box<dyn Engine>) {
    while !engine.settle().unwrap() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Numbers of folds, as many as a turn has.
fn numbers(lease: &mut Lease) -> IntoIter<i64> {
    (0..FOLD_HOURS_MAX).map(|_| lease.row().unwrap()).collect::<Vec<_>>().into_iter()
}

/// What another process chooses to fold just now.
fn choose(client: &Client, lease: &mut Lease) -> Fold {
    Fold::choose(client, &mut numbers(lease), (AT_ONCE, &mut Large::default())).unwrap().unwrap()
}

/// Folds some hours, and returns whether there may be more.
fn folds_more(client: &Client, numbers: &mut IntoIter<i64>, spans: Spans) -> bool {
    step(client, numbers, (spans, &mut Large::default()), &go_on()).unwrap()
}

/// It is not over.
fn go_on() -> AtomicBool {
    AtomicBool::new(false)
}

/// Hours and their folds, as far as they were counted.
const COUNTED: &str = "(SELECT DISTINCT hour, fold FROM fold_hours)";

/// Asserts that no fold has the name.
fn assert_unnamed(client: &Client, name: &str) {
    for column in ["fold_minutes WHERE name", "fold_hours WHERE name", "fold_calls WHERE callee"] {
        assert_eq!(count(client, &format!("{column} LIKE '%{name}%'")), 0, "{column}");
    }
}

fn count(client: &Client, question: &str) -> u64 {
    client.row::<(u64,)>(&Sql::new(&format!("SELECT count() FROM {question}"))).unwrap().unwrap().0
}

fn reader(client: &Client) -> Reader {
    Reader::of_folds(client.clone(), Duration::from_secs(60))
}

/// Counts the events of the last so many hours, up to the end of the last one.
fn events(client: &Client, last_us: i64, hours: i64) -> i64 {
    counted(&reader(client), last_us, hours)
}

fn counted(reader: &Reader, last_us: i64, hours: i64) -> i64 {
    let (since, until) = (Moment::from_micros(last_us - (hours - 1) * HOUR), Moment::from_micros(last_us + HOUR));
    let query = StatsQuery { by: Width::Hour, since: Some(since), until: Some(until), ..StatsQuery::default() };
    reader.stats(&query).unwrap().counts.iter().map(|count| count.count).sum()
}

/// All answers that are counted, of ranges that begin and end within hours and with them.
fn answers(client: &Client, last_us: i64) -> Vec<String> {
    let (reader, mut all) = (reader(client), Vec::new());
    let moment = |hours: i64, minutes: i64| Moment::from_micros(last_us - hours * HOUR + minutes * MINUTE);
    let ranges = [(moment(12, 0), moment(-2, 0)), (moment(8, 17), moment(0, 21)), (moment(7, 0), moment(0, 0))];
    let narrowed = [(None, None), (Some("deploy"), None), (Some("none"), None), (None, Some(Severity::Warning))];
    for (since, until) in ranges {
        for (name, severity) in narrowed {
            let name = name.map(str::to_owned);
            for by in [Width::Minute, Width::Hour] {
                let (since, until) = (Some(since), Some(until));
                let query = StatsQuery { by, name: name.clone(), severity, since, until };
                all.push(format!("{:?}", reader.stats(&query).unwrap()));
            }
            for grid in [Grid::new(since, until), Grid::of_hours(since, until)] {
                let query = HistogramQuery { grid, name: name.clone(), kind: Some(EventKind::Generic), severity };
                all.push(format!("{:?}", reader.histogram(&query).unwrap()));
            }
        }
        let range = CallRange { since: Some(since), until: Some(until) };
        for by in [CallBy::Name, CallBy::Hour] {
            all.push(format!("{:?}", reader.calls(&CallQuery { by, range, ..CallQuery::default() }).unwrap()));
        }
        let tool = CallQuery { name: Some("deploy".to_owned()), range, ..CallQuery::default() };
        all.push(format!("{:?}", reader.calls(&tool).unwrap()));
        let grid = Grid::of_hours(since, until);
        all.push(format!("{:?}", reader.calls_over_time(&CallQuery::default(), &grid).unwrap()));
        all.push(format!("{:?}", reader.call_totals(range, 5).unwrap()));
    }
    all
}

#[test]
fn answers_are_the_same_of_hours_that_are_folded_of_those_that_are_not_and_of_both() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_same");
    let last_us = last_hour_us();
    engine.commit(&[&request("a", "deploy", last_us, HOURS), &request("b", "click", last_us, HOURS)]).unwrap();
    let before = answers(&client, last_us);
    assert!(before[0].contains("deploy") && before.iter().any(|answer| answer.contains("model-click-1")), "{before:?}");
    fold(&mut engine);
    assert_eq!(count(&client, "folded FINAL"), HOURS.unsigned_abs());
    assert_eq!(answers(&client, last_us), before);
    // Some hours are open again.
    let some: Vec<u32> = [1, 2, 5].map(|hour| u32::try_from((last_us - hour * HOUR) / 1_000_000).unwrap()).into();
    open(&client, &some).unwrap();
    assert_eq!(answers(&client, last_us), before);
    engine.close();
}

#[test]
fn a_long_range_is_read_from_folds_and_a_short_one_asks_for_none() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_read");
    let last_us = last_hour_us();
    engine.commit(&[&request("a", "deploy", last_us, HOURS)]).unwrap();
    fold(&mut engine);
    client.run(&Sql::new("INSERT INTO fold_hours SELECT * FROM fold_hours")).unwrap();
    assert_eq!(events(&client, last_us, HOURS), 2 * 3 * HOURS, "it is the folds that are read");
    assert_eq!(events(&client, last_us, 5), 15);
    engine.close();
}

#[test]
fn it_is_not_asked_again_what_is_folded_and_a_few_events_are_counted_themselves() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_few");
    let last_us = last_hour_us();
    engine.commit(&[&request("a", "deploy", last_us, HOURS)]).unwrap();
    fold(&mut engine);
    let taken = |reader: &Reader| {
        let before = reader.statements().unwrap();
        assert_eq!(counted(reader, last_us, HOURS), 3 * HOURS);
        reader.statements().unwrap() - before
    };
    let of_folds = reader(&client);
    assert_eq!([taken(&of_folds), taken(&of_folds)], [3, 2], "that nothing has changed is asked each time");
    let of_any = Reader::of_remote(client.clone(), String::new(), Duration::from_secs(60));
    // It would show if folds were read.
    client.run(&Sql::new("INSERT INTO fold_hours SELECT * FROM fold_hours")).unwrap();
    assert_eq!([taken(&of_any), taken(&of_any)], [2, 1]);
    engine.close();
}

#[test]
fn a_reader_that_knows_what_was_folded_misses_nothing_that_has_come_or_gone_since() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_known");
    let last_us = last_hour_us();
    engine.commit(&[&request("early", "deploy", last_us, HOURS)]).unwrap();
    fold(&mut engine);
    let knows = reader(&client);
    let all = |late: i64| assert_eq!(counted(&knows, last_us, HOURS), 3 * HOURS + late);
    all(0);
    engine.commit(&[&request("late", "secret", last_us, 3)]).unwrap();
    all(9);
    fold(&mut engine);
    all(9);
    // Now it knows the new folds, of which the rows go.
    all(9);
    engine.remove(&Target::Session("late".to_owned()), 0).unwrap().wait().unwrap();
    all(0);
    fold(&mut engine);
    all(0);
    engine.close();
}

#[test]
fn what_comes_late_counts_at_once_and_once_and_what_is_removed_leaves_no_name_in_a_fold() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_late");
    let last_us = last_hour_us();
    let early = request("early", "deploy", last_us, HOURS);
    engine.commit(&[&early]).unwrap();
    fold(&mut engine);
    let before = answers(&client, last_us);
    let late = request("late", "secret", last_us, 3);
    for _ in 0..2 {
        engine.commit(&[&late, &early]).unwrap();
        assert_eq!(events(&client, last_us, HOURS), 3 * HOURS + 9);
        fold(&mut engine);
        assert_eq!(events(&client, last_us, HOURS), 3 * HOURS + 9);
    }
    // Another process has written the same at the same time.
    let again = "INSERT INTO events SELECT * REPLACE (row + 1 AS row) FROM events WHERE session = 'late'";
    client.run(&Sql::new(again)).unwrap();
    let of_late = hours(&client, "session = 'late'").unwrap();
    assert_eq!(of_late.len(), 3);
    open(&client, &of_late).unwrap();
    assert_eq!(events(&client, last_us, HOURS), 3 * HOURS + 9);
    fold(&mut engine);
    assert_eq!(events(&client, last_us, HOURS), 3 * HOURS + 9);
    assert!(count(&client, "fold_calls WHERE callee = 'secret'") > 0);
    engine.remove(&Target::Session("late".to_owned()), 0).unwrap().wait().unwrap();
    for folded_again in [false, true] {
        if folded_again {
            fold(&mut engine);
        }
        assert_unnamed(&client, "secret");
        assert_eq!(answers(&client, last_us), before, "{folded_again}");
    }
    engine.close();
}

#[test]
fn two_that_fold_the_same_hour_count_it_once_and_one_that_died_is_not_read_and_is_swept() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_twice");
    let last_us = last_hour_us();
    engine.commit(&[&request("a", "deploy", last_us, HOURS)]).unwrap();
    engine.tick().unwrap();
    let before = answers(&client, last_us);
    let mut leases = ["folds_twice_a", "folds_twice_b", "folds_twice_c"].map(|dir| lease(&live, &client, dir));
    // Their rows begin above all that was seen, so they are not waited for.
    let folds: Vec<Fold> = leases.iter_mut().map(|lease| choose(&client, lease)).collect();
    for fold in &folds {
        assert_eq!(fold.hours.len(), usize::try_from(HOURS).unwrap());
        assert!(fold.count(&client, &go_on()).unwrap());
    }
    assert_eq!(count(&client, COUNTED), 3 * HOURS.unsigned_abs());
    assert_eq!(answers(&client, last_us), before, "none is named");
    // The third one died.
    for fold in &folds[..2] {
        fold.name(&client).unwrap();
        assert_eq!(answers(&client, last_us), before);
    }
    sweep(&client, Spans::default()).unwrap();
    assert_eq!(count(&client, COUNTED), 3 * HOURS.unsigned_abs(), "they may be named yet");
    sweep(&client, AT_ONCE).unwrap();
    assert_eq!(count(&client, COUNTED), HOURS.unsigned_abs());
    assert_eq!(answers(&client, last_us), before);
    engine.close();
}

#[test]
fn a_fold_that_took_too_long_is_not_named() {
    let Some(live) = Live::start() else { return };
    let (client, engine) = store(&live, "folds_slow");
    for (begun_us, named) in [(clock::now_us() - FOLD_TIME_MAX_US - MINUTE, 0), (clock::now_us(), 1)] {
        let fold = Fold { version: 1, hours: vec![(3600, row_at(begun_us))] };
        fold.name(&client).unwrap();
        assert_eq!(count(&client, "folded"), named);
    }
    engine.close();
}

#[test]
fn an_hour_is_folded_once_nobody_has_written_to_it_for_a_while_and_only_if_it_is_known_when_that_was() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_quiet");
    engine.commit(&[&request("a", "deploy", last_hour_us(), 2)]).unwrap();
    engine.tick().unwrap();
    let mut lease = lease(&live, &client, "folds_quiet_too");
    let mut numbers = numbers(&mut lease);
    assert!(!folds_more(&client, &mut numbers, Spans::default()));
    // As a store that was made before hours were touched.
    client.run(&Sql::new(&format!("TRUNCATE TABLE {}", client.changed("touched")))).unwrap();
    assert!(!folds_more(&client, &mut numbers, AT_ONCE));
    begin(&client).unwrap();
    assert_eq!(count(&client, "touched"), 0, "that is done once");
    client.run(&Sql::new(&format!("DELETE FROM {} WHERE key = 'touched'", client.changed("kept")))).unwrap();
    begin(&client).unwrap();
    assert_eq!(count(&client, "touched FINAL"), 2);
    engine.close();
}

#[test]
fn a_writer_says_that_it_writes_to_an_hour_before_its_rows_are_beyond_what_it_said() {
    let Some(live) = Live::start() else { return };
    let (client, engine) = store(&live, "folds_ahead");
    let mut lease = lease(&live, &client, "folds_ahead_too");
    let (mut touched, said) = (Touched::default(), "SELECT toInt64(max(row)), uniqExact(hour) FROM touched");
    let mut touch = |hours: [u32; 3], last: i64| {
        touched.touch(&client, &mut lease, hours.into_iter(), (last, MINUTE)).unwrap();
        client.row::<(i64, u64)>(&Sql::new(said)).unwrap().unwrap()
    };
    let ahead = row_at(MINUTE);
    assert_eq!(touch([3600, 0, 3600], 7), (7 + ahead, 1), "no event of hour 0 is folded");
    assert_eq!(touch([3600, 3600, 3600], 7 + ahead), (7 + ahead, 1));
    assert_eq!(touch([3600, 3600, 7200], 8 + ahead), (8 + 2 * ahead, 2));
    engine.close();
}
