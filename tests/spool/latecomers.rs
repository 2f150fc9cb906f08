//! Events that are still on their way into the queue as their reporter stops: `log` runs code of the program's, which may
//! take its time.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use lastword::Admission;
use lastword::spool::Directory;
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::peers::Peer;
use crate::support::{Spool, kinds, log, recover, spooled, stored};

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
fn an_event_that_is_being_encoded_as_its_reporter_stops_is_delivered_if_it_is_accepted() {
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
    assert_eq!(recover(&spool, &peer).sessions, 0, "somebody still writes to it");
    go_on.send(()).unwrap();
    assert_eq!(logging.join().unwrap(), Admission::Accepted { seq: 5 });
    drop(reporter);
    let directory = Directory::existing(spool.path()).unwrap();
    while directory.entries().unwrap()[0].read().unwrap().is_in_use() {
        thread::yield_now();
    }
    assert_eq!(recover(&spool, &peer).events, 6);
    assert_eq!(kinds(&stored(&peer, "late")), ["SESSION_START", "n", "n", "n", "SESSION_END", "n"]);
    assert!(spool.files().is_empty(), "{:?}", spool.files());
}
