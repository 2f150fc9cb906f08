//! Spans that were under way as their process was killed.

use serde_json::json;

use crate::peers::Peer;
use crate::support::{Spool, childs, is_child, read_until, recover, start, stored};

#[test]
fn a_span_that_was_under_way_as_its_process_was_killed_has_a_start_and_no_end() {
    if is_child() {
        let reporter = childs("first-life").start().unwrap();
        let root = reporter.trace("root");
        let _entered = root.enter();
        reporter.tool_call("done").end();
        let _call = reporter.model_call("openai", "gpt-4o");
        println!("under way");
        std::thread::park();
    }
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.down();
    let mut child = start(
        "traces::a_span_that_was_under_way_as_its_process_was_killed_has_a_start_and_no_end",
        &spool,
        &peer.url(),
    );
    read_until(&mut child, "under way");
    child.kill().unwrap();
    child.wait().unwrap();
    peer.up();
    recover(&spool, &peer);
    let events = stored(&peer, "first-life");
    let spans: Vec<_> = events
        .iter()
        .filter(|event| event["event_name"].as_str().is_some_and(|name| name.starts_with("span.")))
        .map(|event| (event["event_name"].clone(), event["event_data"]["span_name"].clone()))
        .collect();
    let expected = [
        ("span.start", "root"),
        ("span.start", "execute_tool done"),
        ("span.end", "execute_tool done"),
        ("span.start", "chat gpt-4o"),
    ];
    assert_eq!(spans, expected.map(|(event, name)| (json!(event), json!(name))));
}
