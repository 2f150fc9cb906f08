//! Whatever a text stands in: one about a person reaches no sink that didn't ask, one that nobody checked no sink for safe
//! fields, and what is named as a secret nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lastword::privacy::{PiiStr, Privacy, SafeStr, Scrubbed, ToolInput};
use lastword::{Reporter, UserError, event};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::fields::given;
use crate::secrets::{SHAPES, SURROUNDED};
use crate::support::{assert_none_leaves, reported, reported_with, sent};

const PERSON: &str = "Ada Lovelace";
const UNCHECKED: &str = "what somebody typed";
const TOKEN: &str = concat!("gh", "p_16C7e42F292c6912E7710c838347Ae178B4a");

#[derive(Serialize)]
enum Tagged<'a> {
    One(PiiStr<'a>),
    Two(PiiStr<'a>, &'a str),
    Named { who: PiiStr<'a>, note: &'a str },
}

#[derive(Serialize)]
#[serde(tag = "kind")]
enum Inside<'a> {
    Named { who: PiiStr<'a>, note: &'a str },
}

#[derive(Serialize)]
#[serde(tag = "kind", content = "of")]
enum Beside<'a> {
    One(PiiStr<'a>),
    Two(PiiStr<'a>, &'a str),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Untagged<'a> {
    One(Option<PiiStr<'a>>),
}

#[derive(Serialize)]
struct Wrapped<'a>(PiiStr<'a>);

#[derive(Serialize)]
struct Inner<'a> {
    inner_who: PiiStr<'a>,
    inner_note: &'a str,
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    inner: Inner<'a>,
    #[serde(flatten)]
    tagged: Tagged<'a>,
    #[serde(flatten)]
    more: BTreeMap<&'a str, PiiStr<'a>>,
    option: Option<Box<PiiStr<'a>>>,
    tuple: (u8, PiiStr<'a>, &'a str),
    tagged_all: [Tagged<'a>; 3],
    inside: Inside<'a>,
    beside: (Beside<'a>, Beside<'a>),
    untagged: Untagged<'a>,
    wrapped: Wrapped<'a>,
    keys: BTreeMap<PiiStr<'a>, &'a str>,
    #[serde(serialize_with = "as_it_is")]
    with: PiiStr<'a>,
}

fn as_it_is<S: Serializer>(person: &PiiStr<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_some(&Some(person))
}

fn whole() -> Whole<'static> {
    let (who, note) = (PiiStr::new(PERSON), UNCHECKED);
    let named = || Tagged::Named { who, note };
    Whole {
        inner: Inner { inner_who: who, inner_note: note },
        tagged: Tagged::Two(who, note),
        more: BTreeMap::from([("more", who)]),
        option: Some(Box::new(who)),
        tuple: (1, who, note),
        tagged_all: [Tagged::One(who), Tagged::Two(who, note), named()],
        inside: Inside::Named { who, note },
        beside: (Beside::One(who), Beside::Two(who, note)),
        untagged: Untagged::One(Some(who)),
        wrapped: Wrapped(who),
        keys: BTreeMap::from([(who, note)]),
        with: who,
    }
}

#[test]
fn a_text_about_a_person_is_known_as_one_whatever_it_stands_in() {
    let [safe, redacted, personal] = given(|reporter| {
        sent(reporter.log("struct", whole()));
        sent(event!(reporter, "field", field = whole(), list = [Some(whole())]));
    });
    for (event, times) in personal.iter().zip([15, 30]) {
        assert_eq!(event.to_string().matches(PERSON).count(), times, "{event}");
    }
    for event in safe.iter().chain(&redacted) {
        assert!(!event.to_string().contains("Ada"), "{event}");
    }
    for event in &safe {
        assert!(!event.to_string().contains(UNCHECKED), "{event}");
    }
    for event in &redacted {
        assert!(event.to_string().contains(UNCHECKED), "{event}");
    }
}

#[test]
fn of_what_a_user_did_wrong_a_sink_for_safe_fields_is_given_no_text() {
    let [safe, redacted, _] = given(|reporter| {
        sent(reporter.log_error(&UserError::new(UNCHECKED).status(422).body(json!({"detail": [UNCHECKED, 7]}))));
        sent(reporter.log(&format!("e {TOKEN}"), json!({UNCHECKED: 1, "name": UNCHECKED})));
    });
    assert!(!Value::from(safe.clone()).to_string().contains("somebody"), "{safe:?}");
    assert_eq!(safe[0]["event_data"], json!({"status_code": 422, "body": {"detail": [null, 7]}}));
    assert_eq!(safe[1]["event_name"], "e [redacted:github]");
    assert!(Value::from(redacted).to_string().contains(UNCHECKED));
}

#[test]
fn what_a_tool_was_given_shows_nobody_to_anyone() {
    #[derive(Serialize)]
    struct Input<'a> {
        who: PiiStr<'a>,
        by: BTreeMap<PiiStr<'a>, u8>,
    }
    let input = Input { who: PiiStr::new(PERSON), by: BTreeMap::from([(PiiStr::new(PERSON), 1)]) };
    let events = reported_with(Privacy::new().tool_input(), |reporter| {
        sent(event!(reporter, "e", input = ToolInput(&input)));
    });
    assert_eq!(events[0]["event_data"]["input"], json!({"who": "***", "by": {"***": 1}}));
    assert_eq!(serde_json::to_string(&PiiStr::new(PERSON)).unwrap(), format!("{PERSON:?}"));
}

#[test]
fn what_is_named_as_a_secret_is_hidden_whatever_kind_of_name_it_is() {
    #[derive(Serialize)]
    enum Credentials {
        Password(&'static str),
        ApiKey(&'static str, u8),
        Token { value: &'static str },
    }
    let hidden = "[redacted]";
    let events = reported(|reporter| {
        let all =
            [Credentials::Password("plain"), Credentials::ApiKey("plain", 1), Credentials::Token { value: "plain" }];
        sent(event!(reporter, "e", all = all));
        let key = SafeStr::new("password").unwrap();
        sent(event!(reporter, "e", map = BTreeMap::from([(key, "plain")])));
        sent(event!(reporter, "e", map = BTreeMap::from([(PiiStr::new("api_key"), "plain")])));
    });
    assert_eq!(events[0]["event_data"]["all"], json!([{"Password": hidden}, {"ApiKey": hidden}, {"Token": hidden}]));
    assert_eq!(events[1]["event_data"]["map"], json!({"password": hidden}));
    assert!(!events[2].to_string().contains("plain"), "{}", events[2]);
}

#[test]
fn bytes_hold_no_secret_either() {
    struct Bytes(Vec<u8>);
    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }
    let whole = format!("a {TOKEN} b").into_bytes();
    let broken = [b"\xff\xfe", &whole[..], b"\xff"].concat();
    let [safe, redacted, _] = given(|reporter| {
        sent(event!(reporter, "e", whole = Bytes(whole), broken = Bytes(broken), plain = Bytes(vec![0, 255, 7])));
    });
    let data = &redacted[0]["event_data"];
    let bytes = |value: &Value| -> Vec<u8> { serde_json::from_value(value.clone()).unwrap() };
    assert_eq!(bytes(&data["whole"]), b"a [redacted:github] b");
    assert_eq!(bytes(&data["broken"]), b"\xff\xfea [redacted:github] b\xff");
    assert_eq!(data["plain"], json!([0, 255, 7]));
    assert_eq!(safe[0]["event_data"], json!({}));
}

#[test]
fn a_scrubber_is_asked_about_every_text_whatever_its_name_is() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (by, safe) = (BTreeMap::from([(7, "number")]), BTreeMap::from([(SafeStr::new("tool").unwrap(), "checked")]));
    let noted = Arc::clone(&asked);
    let privacy = Privacy::new().scrub(move |name, text| {
        noted.lock().unwrap().push(format!("{name}={text}"));
        Scrubbed::Remove
    });
    let events = reported_with(privacy, |reporter| sent(event!(reporter, "e", by = by, safe = safe)));
    assert_eq!(*asked.lock().unwrap(), ["=number", "tool=checked"]);
    assert_eq!(events[0]["event_data"], json!({"by": {"7": null}, "safe": {"tool": null}}));
}

#[test]
fn no_type_of_an_error_is_a_secret() {
    struct Said(String);
    impl std::fmt::Debug for Said {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.0)
        }
    }
    impl std::fmt::Display for Said {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("no")
        }
    }
    impl std::error::Error for Said {}
    let key = concat!("AKI", "AIOSFODNN7EXAMPLE");
    for events in given(|reporter: &Reporter| {
        let error: Box<dyn std::error::Error> = Box::new(Said(key.to_owned()));
        sent(reporter.log_error(&error));
    }) {
        assert_eq!(events[0]["error_type"], "[redacted:aws]");
    }
}

#[test]
fn a_text_that_gets_shorter_by_what_is_taken_out_is_cut_before_what_was_not_looked_at_whole() {
    let token = format!("{}.{}.{}", concat!("eyJ", "hbGciOiJIUzI1NiJ9"), "b".repeat(300), "c".repeat(100));
    for before in (0..420).step_by(7) {
        let text = format!("{}{}", "x".repeat(before), format!(" {token}").repeat(20));
        let redactor = Privacy::new().max_string_bytes(512).redactor().unwrap();
        let redacted = redactor.redact(&text);
        assert!(!redacted.contains("bbbbbbbbbbbb") && !redacted.contains("cccccccccccc"), "{before}: {redacted}");
        assert!(redacted.ends_with(&format!("… (of {} bytes)", text.len())), "{redacted}");
        assert!(redacted.len() <= 512);
    }
}

#[test]
fn no_secret_is_cut_in_two_where_an_error_is_cut() {
    for (at, sample) in SHAPES.iter().chain(SURROUNDED).enumerate() {
        let events = reported(|reporter| {
            for before in (16_250 + at % 9..16_390).step_by(9) {
                let long = format!(
                    "{}{} {} {}",
                    "x ".repeat(before / 2),
                    &"xx"[..before % 2],
                    sample.text,
                    "y ".repeat(2_000)
                );
                sent(reporter.log_error(long.as_str()));
                sent(reporter.log_error(&UserError::new("long").status(422).body(json!({"detail": long}))));
            }
        });
        assert_none_leaves(&events, sample.secret, "cut");
    }
}
