use super::*;
use crate::ingest::Key;
use crate::store::index::Indexed;
use lastword::event::names;

const TIME_US: i64 = 1_795_672_661_000_000;
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn event(kind: EventKind, name: Option<&str>, index: i64, range: std::ops::Range<usize>) -> Event {
    Event {
        range,
        key: Key::new("a", TIME_US),
        kind,
        severity: Severity::Critical,
        index,
        time_us: TIME_US + index,
        name: name.map(Into::into),
        detail: None,
        has_arrived: false,
    }
}

/// Adds the events as rows from 10 on.
fn groups(indexed: &Indexed) -> Groups<'_> {
    let mut groups = Groups::default();
    for ((place, event), row) in indexed.envelope.events.iter().enumerate().zip(10..) {
        groups.hear(&indexed.envelope, (3600, row), 5);
        groups.add(&New { indexed, place, event, hour: 3600, row, received_us: 5 });
    }
    groups
}

#[test]
fn what_is_said_of_a_session_is_what_its_events_say_in_whatever_order() {
    let events = vec![
        event(EventKind::SessionEnd, None, 7, 0..2),
        event(EventKind::UnhandledException, None, 3, 0..2),
        event(EventKind::SessionStart, None, NO_INDEX, 0..2),
    ];
    let mut envelope = Envelope { session_id: "s".to_owned(), body: "{}".to_owned(), events, ..Envelope::default() };
    envelope.sdk_version = Some("1.2".to_owned());
    let indexed = Indexed::of(envelope);
    let Some((_, session)) = groups(&indexed).sessions.into_iter().next() else { panic!() };
    let rows = session.rows(3600, "s");
    let expected = json!([
        3600,
        "s",
        10,
        "",
        0,
        "1.2",
        12,
        "",
        0,
        5,
        5,
        TIME_US - 1,
        TIME_US + 7,
        [3, 7],
        7,
        NO_INDEX,
        0,
        "",
        u64::MAX,
        0
    ]);
    assert_eq!(rows, [expected]);
}

#[test]
fn a_session_of_very_many_numbers_is_several_rows() {
    let mut session_of = Groups::default();
    let session = session_of.session("s", 0, 1, 5);
    session.indexes = (0..5000).collect();
    let session = session_of.sessions.remove(&(0, "s")).unwrap();
    let rows = session.rows(0, "s");
    let numbers: Vec<usize> = rows.iter().map(|row| row[13].as_array().unwrap().len()).collect();
    assert_eq!(numbers, [GROUP_INDEXES_MAX, GROUP_INDEXES_MAX, 1000]);
}

#[test]
fn a_trace_is_named_by_the_end_of_its_outermost_span_before_its_begin() {
    let data = |name: &str, more: &str| {
        format!(r#"{{"event_data":{{"trace_id":"{TRACE}","span_name":"{name}","span_id":"1"{more}}}}}"#)
    };
    let texts = [data("ended", r#","duration_ms":2"#), data("begun", ""), data("within", r#","parent_span_id":"2""#)];
    let (mut body, mut events) = (String::new(), Vec::new());
    for (text, name) in texts.iter().zip([names::SPAN_END, names::SPAN_START, names::SPAN_START]) {
        let begin = body.len();
        body.push_str(text);
        events.push(event(EventKind::Generic, Some(name), 0, begin..body.len()));
    }
    let indexed = Indexed::of(Envelope { session_id: "s".to_owned(), body, events, ..Envelope::default() });
    let groups = groups(&indexed);
    let ((hour, id), trace) = groups.traces.iter().next().unwrap();
    let row = trace.row(*hour, *id);
    let expected = json!([3600, TRACE, 10, "s", 10, TIME_US - 2000, TIME_US, "s", "ended", 2000, 10 | END_WEIGHT, 0]);
    assert_eq!(row, expected);
    let mut names: Vec<(&str, u64)> = groups.names.into_iter().collect();
    names.sort_unstable();
    assert_eq!(names, [(names::SPAN_END, 10), (names::SPAN_START, 11)]);
}

#[test]
fn a_series_has_one_number_that_a_signed_integer_has_room_for() {
    let number = series_of("tokens", Kind::Counter, "{}");
    assert_eq!(number, series_of("tokens", Kind::Counter, "{}"));
    assert_ne!(number, series_of("tokens", Kind::Gauge, "{}"));
    assert!(i64::try_from(number).is_ok());
}

#[test]
fn groups_of_a_block_are_numbered_as_they_began() {
    let times = |row, first_us| Times { row, first_us, last_us: 9 };
    let mut users =
        HashMap::from([((0, "late"), times(1, 5)), ((0, "early"), times(2, 4)), ((0, "first"), times(3, 3))]);
    // One of them has two hours.
    users.insert((3600, "first"), times(4, 8));
    renumber(&mut users, |times| times);
    let mut rows: Vec<(u64, u32, &str)> = users.into_iter().map(|((hour, id), times)| (times.row, hour, id)).collect();
    rows.sort_unstable();
    assert_eq!(rows, [(1, 0, "first"), (1, 3600, "first"), (2, 0, "early"), (3, 0, "late")]);
}
