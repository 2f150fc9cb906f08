use super::*;
use crate::ingest::{Envelope, Key, NO_INDEX};
use lastword::{EventKind, Severity};

const NOW_US: i64 = 1_795_672_661_000_000;

fn request(session: &str, ids: &[&str]) -> Vec<Indexed> {
    let event = |id: &&str| Event {
        range: 0..2,
        key: Key::new(id, NOW_US),
        kind: EventKind::Generic,
        severity: Severity::Info,
        index: NO_INDEX,
        time_us: NOW_US,
        name: None,
        detail: None,
        has_arrived: false,
    };
    let envelope = Envelope {
        session_id: session.to_owned(),
        body: "{}".to_owned(),
        events: ids.iter().map(event).collect(),
        ..Envelope::default()
    };
    vec![Indexed::of(envelope)]
}

#[test]
fn an_event_that_is_there_or_comes_twice_in_a_block_is_stored_once() {
    let requests = [request("s", &["a", "b", "a"]), request("t", &["a"]), request("s", &["b", "c", "d"]), Vec::new()];
    let requests: Vec<&[Indexed]> = requests.iter().map(Vec::as_slice).collect();
    let mut known = Known::default();
    known.add("s", &Key::new("d", 0));
    let (items, stored) = items(&requests, &mut known, NOW_US);
    let counts: Vec<(usize, usize)> = stored.iter().map(|stored| (stored.accepted, stored.duplicates)).collect();
    assert_eq!(counts, [(2, 1), (1, 0), (1, 2), (0, 0)]);
    let heard = items.iter().filter(|item| matches!(item, Item::Heard { .. })).count();
    assert_eq!((heard, items.len()), (3, 7));
    // Sessions are numbered as they are heard of, each before its events.
    assert!(matches!(items.first(), Some(Item::Heard { .. })));
}

#[test]
fn a_row_that_the_server_can_t_read_is_the_request_s_own_fault_and_nothing_else_is() {
    let refused = |code| unfit(Error::Refused { code, message: "x".to_owned() });
    assert_eq!(refused(117), WriteError::Unfit("x".to_owned()));
    assert!(matches!(refused(252), WriteError::Failed(_)), "too many parts");
    assert!(matches!(unfit(Error::Away("x".to_owned())), WriteError::Failed(_)));
}
