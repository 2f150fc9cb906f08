//! What is known of a text outlives the process that knew it.

use lastword::privacy::{PiiStr, SafeStr};
use lastword::sink::{FieldPolicy, Policy, Tinker};
use lastword::{Reporter, event};
use serde_json::{Value, json};

use crate::peers::Peer;
use crate::support::{DEADLINE, KEY, Spool, leave, stored, unreachable};

/// What a peer is given of the event that an earlier process has left, by a sink with this policy.
fn recovered_with(fields: FieldPolicy) -> Value {
    let (spool, peer) = (Spool::new(), Peer::start());
    leave(spool.path(), Reporter::builder("life").sink(unreachable(&peer.url(), KEY)), |reporter| {
        let (who, tool) = (PiiStr::new("Ada Lovelace"), SafeStr::new("bash").unwrap());
        let taken = event!(reporter, "e", who = who, deep = [(1, Some(who))], tool = tool, note = "as it is", n = 7);
        assert!(taken.is_accepted());
    });
    let mut policy = Policy::default();
    policy.fields = Some(fields);
    let sink = Tinker::new(peer.url()).api_key(KEY).http_timeout(DEADLINE).policy(policy);
    let finder = Reporter::builder("finder").enabled(true).spool(spool.path()).sink(sink).start().unwrap();
    assert!(finder.blocking_stop(DEADLINE).is_drained());
    let events = stored(&peer, "life");
    let event = events.iter().find(|event| event["event_name"] == "e").unwrap();
    event["event_data"].clone()
}

#[test]
fn what_an_earlier_process_has_left_of_persons_reaches_no_sink_that_is_not_given_it() {
    assert_eq!(recovered_with(FieldPolicy::SafeOnly), json!({"deep": [[1, null]], "tool": "bash", "n": 7}));
    let redacted = json!({"deep": [[1, null]], "tool": "bash", "note": "as it is", "n": 7});
    assert_eq!(recovered_with(FieldPolicy::Redacted), redacted);
    let all = recovered_with(FieldPolicy::Personal);
    assert_eq!((&all["who"], &all["deep"]), (&json!("Ada Lovelace"), &json!([[1, "Ada Lovelace"]])));
}
