//! A kill while what is too much is being removed: what was acknowledged and not removed is there, and the parts agree.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::Value;

use crate::common::{PATIENCE, Server, generic, get, stdout_of};
use crate::support::{Connection, stored};

/// Events of a session before the bound is in force: far more than it leaves, so that removing takes many steps.
const OLD: usize = 16_000;
/// What the bound leaves of events.
const BYTES_MAX: &str = "4MiB";
const ROUNDS: usize = 3;
const BATCH: usize = 50;

fn post(connection: &mut Connection, session: &str, first: usize) -> bool {
    let data = format!(r#"{{"user_id":null,"trace_id":"{first:032x}","a":"{}"}}"#, "x".repeat(700));
    let events: Vec<String> = (first..first + BATCH).map(|index| generic(index, "INFO", "n", &data)).collect();
    let body = format!(r#"{{"events":[{}],"session_id":"{session}"}}"#, events.join(","));
    matches!(connection.post("/api/v1/telemetry", "", body.as_bytes()), Ok((200, _)))
}

/// The number of the oldest event of a session that is left.
fn oldest(server: &Server, session: &str) -> Option<u64> {
    let (status, answer) = get(&server.address, &format!("/api/events?session={session}&order=asc&limit=1"));
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str::<Value>(&answer).unwrap()["events"][0]["event_session_index"].as_u64()
}

/// Reports until the collector is killed in the middle of removing; returns what each of two sessions was acknowledged.
fn kill_while_it_removes(mut server: Server, round: usize) -> Vec<(String, BTreeSet<u64>)> {
    let (address, gone) = (server.address.clone(), AtomicBool::new(false));
    let acknowledged = AtomicUsize::new(0);
    let before = oldest(&server, "old");
    std::thread::scope(|scope| {
        let client = |number: usize| {
            let session = format!("s-{round}-{number}");
            let (mut connection, mut mine) = (Connection::open(&address), BTreeSet::new());
            let mut first = 0;
            while !gone.load(Ordering::Relaxed) && post(&mut connection, &session, first) {
                mine.extend(first as u64..(first + BATCH) as u64);
                acknowledged.fetch_add(BATCH, Ordering::Relaxed);
                first += BATCH;
            }
            (session, mine)
        };
        let clients: Vec<_> = (0..2).map(|number| scope.spawn(move || client(number))).collect();
        let begun = Instant::now();
        // A round before may have come to the end of what there was to remove.
        while acknowledged.load(Ordering::Relaxed) < 500 || (before.is_some() && oldest(&server, "old") == before) {
            assert!(begun.elapsed() < PATIENCE, "nothing is removed, or nothing is acknowledged");
        }
        server.signal("KILL");
        assert_eq!(server.wait().0.code(), None, "it was killed");
        gone.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn a_kill_while_old_events_are_removed_under_load_loses_nothing_that_is_to_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let server = Server::start(dir.path());
    let mut connection = Connection::open(&server.address);
    assert!((0..OLD).step_by(BATCH).all(|first| post(&mut connection, "old", first)));
    server.stop();

    for round in 0..ROUNDS {
        let bounded = ["--listen", "127.0.0.1:0", "--retention-bytes-max", BYTES_MAX];
        let reported = kill_while_it_removes(Server::start_with(&bounded, dir.path()), round);
        // Brought up again by the next one that opens it, which removes nothing.
        Server::start(dir.path()).stop();
        assert_eq!(stdout_of(&["store", "verify", "--data", data]), "the store is whole\n", "round {round}");
        for (session, acknowledged) in reported {
            let (left, last) = (stored(data, &session), acknowledged.last().copied());
            // The oldest go first, so what is left is the end of it.
            let kept = acknowledged.range(left.first().copied().unwrap_or(0)..).copied().collect::<BTreeSet<u64>>();
            assert!(left.is_superset(&kept), "round {round}: {} of {session} are gone", kept.difference(&left).count());
            assert!(last.is_none_or(|last| left.contains(&last)), "round {round}: the newest of {session} is gone");
        }
    }
    let left = stored(data, "old");
    assert!(left.len() < OLD, "something was removed");
    let first = left.first().copied().unwrap_or(OLD as u64);
    assert_eq!(left, (first..OLD as u64).collect(), "from the oldest on, without a hole");
}
