//! Which fields a sink is given: texts that were checked, all that were redacted, or those about persons too.

use lastword::privacy::{PiiStr, SafeStr};
use lastword::sink::{FieldPolicy, Policy};
use lastword::testing::MemorySink;
use lastword::{Reporter, Severity, event};
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::LONG;

#[derive(Serialize)]
struct Call<'a> {
    tool: SafeStr<'a>,
    who: PiiStr<'a>,
    note: &'a str,
    parts: Vec<SafeStr<'a>>,
    people: Vec<PiiStr<'a>>,
}

const POLICIES: [FieldPolicy; 3] = [FieldPolicy::SafeOnly, FieldPolicy::Redacted, FieldPolicy::Personal];

/// What sinks with each policy were given of what `act` reported to all three.
pub(crate) fn given(act: impl FnOnce(&Reporter)) -> [Vec<Value>; 3] {
    let sinks = POLICIES.map(|fields| {
        let mut policy = Policy::default();
        policy.fields = Some(fields);
        MemorySink::new().name(&format!("{fields:?}")).policy(policy)
    });
    let mut builder = Reporter::builder("s").enabled(true);
    for sink in &sinks {
        builder = builder.sink(sink.clone());
    }
    let reporter = builder.start().unwrap();
    act(&reporter);
    assert!(reporter.blocking_stop(LONG).is_drained());
    sinks.map(|sink| sink.events()[1..sink.events().len() - 1].to_vec())
}

#[test]
fn each_sink_is_given_the_fields_that_its_policy_says() {
    let long = "x".repeat(300);
    let [safe, redacted, personal] = given(|reporter| {
        let call = Call {
            tool: SafeStr::new("read_file").unwrap(),
            who: PiiStr::new("Ada Lovelace"),
            note: "as it is",
            parts: vec![SafeStr::new("a").unwrap(), SafeStr::new("").unwrap()],
            people: vec![PiiStr::new("Ada")],
        };
        let _ = event!(reporter, "e", call = call, code = 13, hit = true, none = (), long = PiiStr::new(&long));
        reporter.log("json", json!({"text": "t", "n": {"deep": [1.5, "t", {"x": null}]}, "a key/with": 1}));
    });
    assert_eq!(
        safe[0]["event_data"],
        json!({"call": {"tool": "read_file", "parts": ["a", ""], "people": [null]}, "code": 13, "hit": true, "none": null})
    );
    assert_eq!(safe[1]["event_data"], json!({"n": {"deep": [1.5, null, {"x": null}]}}));
    let call = json!({"tool": "read_file", "note": "as it is", "parts": ["a", ""], "people": [null]});
    assert_eq!(redacted[0]["event_data"], json!({"call": call, "code": 13, "hit": true, "none": null}));
    assert_eq!(redacted[1]["event_data"]["text"], "t");
    let all = &personal[0]["event_data"];
    assert_eq!((&all["call"]["who"], &all["call"]["people"]), (&json!("Ada Lovelace"), &json!(["Ada"])));
    assert_eq!((&all["long"], &all["call"]["tool"]), (&json!(long), &json!("read_file")));
}

#[test]
fn ids_of_traces_are_for_every_sink_and_what_only_has_their_name_is_not() {
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let [safe, ..] = given(|reporter| {
        let _ =
            event!(reporter, "e", trace_id = trace, span_id = "b7ad6b7169203331", parent_span_id = "ada", id = trace);
        let _ = event!(reporter, "e", trace_id = format!("{trace}0"), span_id = PiiStr::new("ada"));
    });
    assert_eq!(safe[0]["event_data"], json!({"trace_id": trace, "span_id": "b7ad6b7169203331"}));
    assert_eq!(safe[1]["event_data"], json!({}));
}

#[test]
fn of_an_error_a_sink_for_safe_fields_is_given_the_type() {
    let [safe, redacted, _] = given(|reporter| {
        reporter.log_error_with(Severity::Error, &std::io::Error::other("what a user typed"));
    });
    assert_eq!((&safe[0]["error_type"], &safe[0]["error_message"]), (&redacted[0]["error_type"], &json!("")));
    assert_eq!(redacted[0]["error_message"], "what a user typed");
    assert!(!safe[0].to_string().contains("typed"), "{}", safe[0]);
}

#[test]
fn a_text_about_a_person_keeps_its_address_and_loses_its_token() {
    let token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let [.., personal] = given(|reporter| {
        let _ = event!(
            reporter,
            "e",
            mail = PiiStr::new("ada@example.com"),
            both = PiiStr::new(token),
            plain = "ada@example.com"
        );
    });
    let data = &personal[0]["event_data"];
    assert_eq!(data["mail"], "ada@example.com");
    assert_eq!(data["both"], "[redacted:github]");
    assert_eq!(data["plain"], "[redacted:email]");
}

#[test]
fn checked_and_personal_texts_are_keys_of_maps_too() {
    let map = std::collections::BTreeMap::from([(PiiStr::new("Ada"), 1)]);
    let safe_map = std::collections::BTreeMap::from([(SafeStr::new("tool").unwrap(), 2)]);
    let [safe, redacted, personal] = given(|reporter| {
        let _ = event!(reporter, "e", by = map, of = safe_map);
    });
    for given in [&safe, &redacted] {
        assert_eq!(given[0]["event_data"], json!({"by": {}, "of": {"tool": 2}}));
    }
    assert_eq!(personal[0]["event_data"], json!({"by": {"Ada": 1}, "of": {"tool": 2}}));
}
