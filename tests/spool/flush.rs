//! A spool that is delivered by hand, without a session.

use std::time::Duration;

use lastword::Reporter;
use lastword::reporter::{Flush, SinkState};
use lastword::sink::Tinker;
use lastword::spool::Directory;

use crate::peers::{Answer, PATIENCE, Peer};
use crate::support::{DEADLINE, KEY, Spool, childs, is_child, kinds, log, read_until, spooled, start, stored};

/// Long enough for what works, short enough for what does not.
const SHORT: Duration = Duration::from_millis(50);

/// Leaves a session in the spool whose server is down.
fn leave(session: &str, spool: &Spool, peer: &Peer) {
    let reporter = spooled(session, spool.path(), &peer.url()).start().unwrap();
    log(&reporter, 30);
    assert_eq!(reporter.blocking_stop(SHORT).spooled, 32);
    wait_until_free(spool);
}

/// Waits until nobody has anything in the spool: what a stop could not deliver is let go of behind it.
fn wait_until_free(spool: &Spool) {
    let began = std::time::Instant::now();
    let entries = Directory::existing(spool.path()).unwrap().entries().unwrap();
    while entries.iter().any(|entry| entry.read().unwrap().is_in_use()) {
        assert!(began.elapsed() < PATIENCE, "somebody has it for ever");
    }
}

fn to(peer: &Peer) -> Tinker {
    Tinker::new(peer.url()).api_key(KEY)
}

#[test]
fn what_some_sink_has_not_got_goes_anywhere_once() {
    let (spool, [fast, slow, other]) = (Spool::new(), [(); 3].map(|()| Peer::start()));
    slow.down();
    let slow_sink = Tinker::new(slow.url()).name("slow");
    let reporter: Reporter = spooled("two-sinks", spool.path(), &fast.url()).sink(slow_sink).start().unwrap();
    log(&reporter, 30);
    reporter.blocking_flush(SHORT);
    fast.wait_for(1);
    fast.down();
    log(&reporter, 20);
    assert_eq!(reporter.blocking_stop(SHORT).spooled, 52);
    assert_eq!(fast.stored_of("two-sinks").len(), 31);
    wait_until_free(&spool);
    let flushing = Flush::new(spool.path()).sink(to(&other)).anywhere().start().unwrap();
    assert!(flushing.blocking_wait(DEADLINE));
    let recovered = flushing.recovered();
    assert_eq!((recovered.sessions, recovered.finished, recovered.events, recovered.delivered), (1, 1, 52, 52));
    assert_eq!((other.stored_of("two-sinks").len(), other.duplicates()), (52, 0));
    assert!(spool.files().is_empty(), "nobody needs it any more: {:?}", spool.files());
}

#[test]
fn of_some_files_the_others_are_left() {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.down();
    leave("wanted", &spool, &peer);
    leave("unwanted", &spool, &peer);
    peer.up();
    let entries = Directory::existing(spool.path()).unwrap().entries().unwrap();
    let wanted = entries.iter().filter(|entry| entry.read().unwrap().session_id() == "wanted").map(|entry| &entry.path);
    let flushing = Flush::new(spool.path()).sink(to(&peer)).files(wanted).start().unwrap();
    assert!(flushing.blocking_wait(DEADLINE));
    let wanted = stored(&peer, "wanted");
    assert_eq!((wanted.len(), *kinds(&wanted).last().unwrap()), (32, "SESSION_END"));
    assert_eq!((stored(&peer, "unwanted").len(), spool.files().len()), (0, 1));
}

#[test]
fn a_server_that_does_not_know_us_is_said_to_hold_it_and_what_it_holds_stays() {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.down();
    leave("held", &spool, &peer);
    peer.up();
    peer.always(Answer::Status(401));
    let flushing = Flush::new(spool.path()).sink(to(&peer)).start().unwrap();
    let began = std::time::Instant::now();
    let trouble = loop {
        match flushing.trouble() {
            Some(trouble) => break trouble,
            None => assert!(began.elapsed() < PATIENCE, "it never says so"),
        }
        std::thread::yield_now();
    };
    assert_eq!((&*trouble.name, trouble.state), ("tinker", SinkState::Held));
    assert!(trouble.last_error.unwrap().contains("401"));
    assert!(!flushing.is_done());
    flushing.stop();
    assert!(flushing.blocking_wait(DEADLINE));
    let recovered = flushing.recovered();
    assert_eq!((recovered.sessions, recovered.finished, recovered.delivered, spool.files().len()), (1, 0, 0, 1));
}

#[test]
fn a_session_that_crashed_is_known_to_have_after_somebody_ended_it_in_its_place() {
    if is_child() {
        let reporter = childs("killed").start().unwrap();
        log(&reporter, 30);
        println!("logged");
        loop {
            std::thread::park();
        }
    }
    let (spool, peer) = (Spool::new(), Peer::start());
    let test = "flush::a_session_that_crashed_is_known_to_have_after_somebody_ended_it_in_its_place";
    let mut child = start(test, &spool, &peer.url());
    read_until(&mut child, "logged");
    child.kill().unwrap();
    child.wait().unwrap();
    peer.always(Answer::Status(503));
    let ends = || {
        let queue = Directory::existing(spool.path()).unwrap().entries().unwrap()[0].read().unwrap();
        (queue.is_ended(), queue.is_crashed(), queue.waiting())
    };
    assert_eq!(ends(), (false, true, 31));
    let flushing = Flush::new(spool.path()).sink(to(&peer)).start().unwrap();
    peer.wait_for(1);
    flushing.stop();
    assert!(flushing.blocking_wait(DEADLINE));
    assert_eq!(ends(), (true, true, 33));
    // A session that ended by itself has not crashed.
    let ended = Spool::new();
    leave("ended", &ended, &peer);
    let queue = Directory::existing(ended.path()).unwrap().entries().unwrap()[0].read().unwrap();
    assert_eq!((queue.is_ended(), queue.is_crashed()), (true, false));
}
