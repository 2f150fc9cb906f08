//! An earlier version of the binary and this one, on one stream. `scripts/upgrade REVISION` builds the earlier one and names it.

use std::path::Path;
use std::time::Duration;

use crate::cluster::{Cluster, skipped};
use crate::common::{Server, undisturbed};
use crate::support::{json, report, start, stored, until};

/// Names the earlier binary.
const VARIABLE: &str = "LASTWORD_EARLIER_BINARY";
/// What each client logs.
const EVENTS: u64 = 30_000;

#[test]
fn two_versions_on_one_stream_lose_nothing_while_one_takes_the_place_of_the_other() {
    let Some(program) = std::env::var_os(VARIABLE) else {
        return skipped(&format!("{VARIABLE} names no binary; scripts/upgrade builds one"));
    };
    let Some(cluster) = Cluster::start(1) else { return };
    let earlier = |roles: &str, data: &Path| {
        let mut command = undisturbed(&program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--grpc-listen", "off", "--role", roles, "--stream"]);
        command.arg(cluster.url()).arg("--data").arg(data);
        Server::start_as(command, data)
    };
    let dir = tempfile::tempdir().unwrap();
    let (ingest_data, write_data) = (dir.path().join("ingest"), dir.path().join("write"));
    let old_ingest = earlier("ingest", &ingest_data);
    let old_write = earlier("write,query", &write_data);
    // What this version publishes the earlier one stores.
    let new_ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest-new"));
    report("by-the-new-one", &new_ingest.address, 1_000);
    until("the earlier one has stored it", || stored(&old_write, "by-the-new-one") == 1_002);

    // Writers first, then those that take in, while clients report to both.
    let (old_address, write_address) = (old_ingest.address.clone(), old_write.address.clone());
    let clients = [("to-the-old-one", old_address.clone()), ("to-the-new-one", new_ingest.address.clone())]
        .map(|(session, address)| std::thread::spawn(move || report(session, &address, EVENTS)));
    let pause = || std::thread::sleep(Duration::from_secs(1));
    pause();
    old_write.stop();
    pause();
    let write = start(&cluster, "write,query", &write_address, &write_data);
    pause();
    old_ingest.stop();
    pause();
    let ingest = start(&cluster, "ingest", &old_address, &ingest_data);
    for client in clients {
        client.join().unwrap();
    }
    for session in ["to-the-old-one", "to-the-new-one"] {
        until("all of it is stored", || stored(&write, session) >= EVENTS + 2);
        assert_eq!(stored(&write, session), EVENTS + 2, "{session}");
        assert_eq!(json(&write, &format!("/api/sessions/{session}"))["missing"], 0, "{session}");
    }
    assert_eq!(json(&write, "/api/status")["stream"]["dead"], 0);
    drop(ingest);
}
