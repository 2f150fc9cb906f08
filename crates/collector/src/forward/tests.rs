use lastword::{EventKind, Severity};
use serde_json::{Value, json};

use super::request::{self, Fate, Verdict, verdict};
use super::{Format, Framing, Target, To, check, format, syslog};
use crate::clock;
use crate::config::Settings;
use crate::post::Answer;
use crate::query::{Event, Moment};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn event(name: &str, data: &Value) -> Event {
    let json = json!({ "event": "GENERIC_EVENT", "event_id": "e-1", "event_name": name, "event_data": data });
    let time = Moment(clock::parse("2026-11-20T09:20:34.502124Z").unwrap());
    Event {
        row: 1,
        session_id: "s-1".to_owned(),
        received: time,
        time,
        kind: EventKind::Generic,
        severity: Severity::Warning,
        index: 0,
        name: Some(name.to_owned()),
        json: json.to_string(),
    }
}

fn target(to: To, format: Format) -> Target {
    Target { format, index: Some("logs".to_owned()), ..Target::new("t", to, "http://h") }
}

/// The JSON in a field, as its format escapes it.
const JSON: &str = r#"{"event":"GENERIC_EVENT","event_data":{"message":"a=b|c\\d\ne"},"event_id":"e-1","event_name":"pay|x","session_id":"s-1"}"#;

#[test]
fn an_event_in_cef_has_its_header_and_its_values_escaped_each_in_its_way() {
    let event = event("pay|x", &json!({ "message": "a=b|c\\d\ne" }));
    let json = JSON.replace('\\', "\\\\").replace('=', "\\=");
    assert_eq!(
        format::line(&event, Format::Cef),
        format!(
            r"CEF:0|lastword|collector|{VERSION}|pay\|x|a=b\|c\\d e|6|rt=1795166434502 externalId=e-1 cs1Label=session_id cs1=s-1 msg=a\=b|c\\d\ne cs2Label=event cs2={json}"
        )
    );
}

#[test]
fn an_event_in_leef_has_no_tab_and_no_line_break_in_a_value() {
    let event = event("pay|x", &json!({ "message": "a=b|c\\d\ne\tf=g" }));
    let line = format::line(&event, Format::Leef);
    let json = JSON.replace("ne\"}", "ne\\tf=g\"}");
    assert_eq!(
        line,
        format!(
            "LEEF:2.0|lastword|collector|{VERSION}|pay_x|x09|devTime=1795166434502\tsev=6\tcat=GENERIC_EVENT\teventId=e-1\tsessionId=s-1\tmsg=a=b|c\\d e f=g\tevent={json}"
        )
    );
}

#[test]
fn an_exception_is_told_by_its_type_and_message() {
    let mut event = event("", &Value::Null);
    (event.kind, event.severity, event.name) = (EventKind::UnhandledException, Severity::Critical, None);
    event.json = r#"{"event_id":"x","error_type":"KeyError","error_message":"'a'"}"#.to_owned();
    let line = format::line(&event, Format::Cef);
    assert!(line.contains("|UNHANDLED_EXCEPTION|KeyError: 'a'|10|"), "{line}");
}

#[test]
fn a_message_of_syslog_is_rfc_5424_and_nothing_in_an_event_begins_another() {
    let hostile = "x\n<0>1 - - - - - forged\r\n\u{2028}\u{85}\0 end";
    let mut event = event(hostile, &json!({ "message": hostile }));
    event.session_id = hostile.to_owned();
    // What stands between the parts of an object may be a line break as well.
    event.json = event.json.replacen(',', ",\n", 1);
    for format in [Format::Json, Format::Cef, Format::Leef] {
        let target = target(To::Syslog, format);
        let message = syslog::message(&event, &target);
        let head = "<132>1 2026-11-20T09:20:34.502124Z - lastword - x_<0>1_-_-_-_-_-_forged______end - ";
        assert!(message.starts_with(head), "{message}");
        let ends = |c: char| c.is_control() && c != '\t';
        assert!(!message.contains(ends), "{message:?}");
        assert!(format != Format::Json || !message.contains('\t'));
        let stream = syslog::framed([message.clone(), message].into_iter(), Framing::Lines);
        assert_eq!(stream.iter().filter(|byte| **byte == b'\n').count(), 2);
    }
}

#[test]
fn in_a_stream_each_message_has_its_length_before_it() {
    let stream = syslog::framed(["<1>é".to_owned(), "<2>b".to_owned()].into_iter(), Framing::Octets);
    assert_eq!(stream, "5 <1>é4 <2>b".as_bytes());
}

#[test]
fn each_system_is_posted_what_it_reads() {
    let (one, two) = (event("a", &json!({})), event("b", &json!({})));
    let events = [&one, &two];

    let post = request::post(&target(To::Http, Format::Json), Some("k"), &events);
    assert_eq!((post.url.as_str(), post.authorization.as_deref()), ("http://h", Some("Bearer k")));
    let body: Value = serde_json::from_str(&post.body).unwrap();
    assert_eq!((&body[0]["event_name"], &body[1]["session_id"]), (&"a".into(), &"s-1".into()));

    let post = request::post(&target(To::Splunk, Format::Json), Some("k"), &events);
    assert_eq!(post.url, "http://h/services/collector/event");
    assert_eq!(post.authorization.as_deref(), Some("Splunk k"));
    let read: Vec<Value> = serde_json::Deserializer::from_str(&post.body).into_iter().map(Result::unwrap).collect();
    assert_eq!((read.len(), &read[1]["event"]["event_name"], &read[0]["index"]), (2, &"b".into(), &"logs".into()));
    assert_eq!(read[0]["time"], json!(1_795_166_434.502_124));

    let post = request::post(&target(To::Elasticsearch, Format::Json), Some("k"), &events);
    assert_eq!(post.authorization.as_deref(), Some("ApiKey k"));
    let lines: Vec<Value> = post.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["create"]["_index"]), (4, &"logs".into()));
    assert_eq!(lines[0]["create"]["_id"], lines[2]["create"]["_id"], "the same event is the same document");
    let mut later = event("a", &json!({}));
    later.time = Moment(later.time.0 + 1);
    let post = request::post(&target(To::Elasticsearch, Format::Json), None, &[&later]);
    let action: Value = serde_json::from_str(post.body.lines().next().unwrap()).unwrap();
    assert_ne!(action["create"]["_id"], lines[0]["create"]["_id"], "an id of another time is another event");
    assert_eq!(lines[3]["@timestamp"], "2026-11-20T09:20:34.502124Z");

    let post = request::post(&target(To::Http, Format::Cef), None, &events);
    assert_eq!((post.body.lines().count(), post.authorization), (2, None));
}

#[test]
fn a_document_gets_its_time_unless_it_has_one_itself() {
    let nested = event("a", &json!({ "@timestamp": "x", "text": "\"@timestamp\":" }));
    let mut own = event("a", &json!({}));
    own.json = r#"{"event_id":"e-1","\u0040timestamp":"2026-01-01T00:00:00Z"}"#.to_owned();
    let post = request::post(&target(To::Elasticsearch, Format::Json), None, &[&nested, &own]);
    let times: Vec<usize> = post.body.lines().map(|line| line.matches("timestamp\":\"2026").count()).collect();
    assert_eq!(times, [0, 1, 0, 1], "{}", post.body);
}

#[test]
fn an_answer_says_what_was_taken_what_never_will_be_and_what_may_be_later() {
    let said = |to, status, body: &str| verdict(to, &Answer { status, body: body.into() }, 3);
    assert_eq!(said(To::Http, 204, ""), Verdict::Taken);
    for status in [401, 402, 403, 404, 408, 409, 415, 429, 500, 503, 302] {
        assert!(matches!(said(To::Http, status, ""), Verdict::Later(_)), "{status}");
    }
    assert_eq!(said(To::Http, 503, "full\n"), Verdict::Later("it answered 503: full ".to_owned()));
    assert_eq!(said(To::Http, 503, ""), Verdict::Later("it answered 503".to_owned()));
    for status in [400, 413, 422] {
        assert!(matches!(said(To::Http, status, "no\nway"), Verdict::Refused(why) if why.ends_with("no way")));
    }
    assert!(matches!(said(To::Splunk, 400, r#"{"text":"Incorrect index","code":7}"#), Verdict::Later(_)));
    assert!(matches!(said(To::Splunk, 400, r#"{"text":"Invalid data format","code":6}"#), Verdict::Refused(_)));
    assert_eq!(said(To::Elasticsearch, 200, r#"{"errors":false,"items":[]}"#), Verdict::Taken);
    let body = r#"{"errors":true,"items":[{"create":{"status":409}},{"create":{"status":429,"error":{"type":"busy"}}},
        {"create":{"status":400,"error":{"type":"mapper_parsing_exception"}}}]}"#;
    let Verdict::Each(fates) = said(To::Elasticsearch, 200, body) else { panic!() };
    assert!(matches!(&fates[..], [Fate::Taken, Fate::Later(_), Fate::Refused(why)] if why.contains("mapper")));
    assert!(matches!(said(To::Elasticsearch, 200, "<html>"), Verdict::Later(_)));
}

#[test]
fn the_audit_trail_shows_where_a_target_is_and_that_its_path_changed_but_not_the_path() {
    let shown = |url: &str| {
        let settings = Settings { forward: vec![Target::new("t", To::Http, url)], ..Settings::default() };
        settings.in_force(false).into_iter().find(|one| one.name == "forward").unwrap().value
    };
    let (one, two) = (shown("https://hooks.test:8443/in/t0ken1"), shown("https://hooks.test:8443/in/t0ken2"));
    assert!(one.contains("\"https://hooks.test:8443/...") && !one.contains("t0ken"), "{one}");
    assert_ne!(one, two);
    assert_eq!(one, shown("https://hooks.test:8443/in/t0ken1"));
    let query = shown("https://hooks.test?key=t0ken");
    assert!(query.contains("\"https://hooks.test/...") && !query.contains("t0ken"), "{query}");
    assert!(shown("https://hooks.test").contains("\"https://hooks.test\""));
}

#[test]
fn what_is_wrong_with_a_target_is_said() {
    let wrong = |target: Target| check(&[target]).unwrap_err().problem;
    for (to, url, says) in [
        (To::Http, "ftp://h", "http://"),
        (To::Http, "https://u:p@h/x", "token_file"),
        (To::Http, "http:///x", "a host"),
        (To::Syslog, "http://h:1", "tcp://"),
        (To::Syslog, "udp://h", "tcp://"),
        (To::Syslog, "tcp://h:0", "tcp://"),
        (To::Elasticsearch, "http://h", "index"),
        (To::Http, "http://h/ x", "spaces"),
    ] {
        let said = wrong(Target::new("t", to, url));
        assert!(said.contains(says), "{url}: {said}");
    }
    let good = Target::new("t", To::Syslog, "tcp://[::1]:514");
    assert_eq!(check(std::slice::from_ref(&good)), Ok(()));
    assert!(check(&[good.clone(), good]).unwrap_err().problem.contains("another"));
}
