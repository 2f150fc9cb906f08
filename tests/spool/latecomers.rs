//! Events that are still on their way into the queue as their reporter stops: `log` runs code of the program's, which may
//! take its time.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use lastword::{Admission, DropReason};
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::peers::Peer;
use crate::support::{DEADLINE, Spool, kinds, log, recover, spooled, stored};

/// Data that says that it is being encoded, and waits until it may go on.
struct Slow {
    begun: Sender<()>,
    goes_on: Mutex<Receiver<()>>,
}

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.begun.send(()).unwrap();
        self.goes_on.lock().unwrap().recv().unwrap();
        json!({"i": 3}).serialize(serializer)
    }
}

#[test]
fn an_event_that_is_being_encoded_as_its_reporter_stops_is_refused_and_holds_up_nobody_who_wants_the_rest() {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.down();
    let reporter = spooled("late", spool.path(), &peer.url()).start().unwrap();
    log(&reporter, 3);
    let ((begun, has_begun), (go_on, goes_on)) = (channel(), channel());
    let logging = {
        let reporter = reporter.clone();
        thread::spawn(move || reporter.log("n", Slow { begun, goes_on: Mutex::new(goes_on) }))
    };
    has_begun.recv().unwrap();
    assert_eq!(reporter.blocking_stop(Duration::from_millis(50)).spooled, 5);
    peer.up();
    let recovered = recover(&spool, &peer);
    assert_eq!((recovered.sessions, recovered.events), (1, 5));
    go_on.send(()).unwrap();
    assert_eq!(logging.join().unwrap(), Admission::Dropped(DropReason::Stopped));
    assert_eq!(kinds(&stored(&peer, "late")), ["SESSION_START", "n", "n", "n", "SESSION_END"]);
    assert!(spool.files().is_empty(), "{:?}", spool.files());
    let stats = reporter.stats();
    assert_eq!((stats.accepted, stats.spooled, stats.refused.get(DropReason::Stopped)), (5, 5, 1));
    let began = Instant::now();
    assert_eq!(reporter.blocking_stop(DEADLINE).spooled, 5);
    assert!(!reporter.blocking_flush(DEADLINE).is_drained());
    assert!(began.elapsed() < DEADLINE / 2, "nobody here delivers any more, so there is nothing to wait for");
}
