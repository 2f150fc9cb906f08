//! What is found in one pass is what serde finds, which reads an event's data and then the fields of them.

use super::*;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    event_data: Option<&'a RawValue>,
}

/// Fields as serde reads them: one that is there twice is an error, and so is a name that no `str` holds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    trace_id: Option<&'a RawValue>,
    #[serde(borrow)]
    parent_span_id: Option<&'a RawValue>,
    #[serde(borrow)]
    span_name: Option<&'a RawValue>,
    #[serde(borrow)]
    run_id: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    user_bucket: Option<&'a RawValue>,
    #[serde(borrow)]
    duration_ms: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    objective: Option<&'a RawValue>,
    #[serde(borrow)]
    series: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.operation.name")]
    operation: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.usage.input_tokens")]
    tokens_in: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.usage.output_tokens")]
    tokens_out: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.usage.cache_read.input_tokens")]
    tokens_cached: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.usage.cost")]
    cost: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.provider.name")]
    provider: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.request.model")]
    model: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.response.model")]
    answered_by: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.tool.name")]
    tool: Option<&'a RawValue>,
}

/// Returns the fields, in the order in which they are declared; `null` is none.
fn by_serde(event: &str) -> Option<[Option<&str>; 19]> {
    let event: Event<'_> = serde_json::from_str(event).ok()?;
    let data = event.event_data?.get();
    // A list is no object, though serde would take its elements for the fields in their order.
    let Fields {
        trace_id,
        parent_span_id,
        span_name,
        run_id,
        user_id,
        user_bucket,
        duration_ms,
        status,
        objective,
        series,
        operation,
        tokens_in,
        tokens_out,
        tokens_cached,
        cost,
        provider,
        model,
        answered_by,
        tool,
    } = serde_json::from_str(data).ok().filter(|_| !data.starts_with('['))?;
    let all = [
        trace_id,
        parent_span_id,
        span_name,
        run_id,
        user_id,
        user_bucket,
        duration_ms,
        status,
        objective,
        series,
        operation,
        tokens_in,
        tokens_out,
        tokens_cached,
        cost,
        provider,
        model,
        answered_by,
        tool,
    ];
    Some(all.map(|field| field.map(RawValue::get)))
}

fn in_one_pass(event: &str) -> Option<[Option<&str>; 19]> {
    let data = Data::of(event)?;
    let all = [
        data.trace_id,
        data.parent_span_id,
        data.span_name,
        data.run_id,
        data.user_id,
        data.user_bucket,
        data.duration_ms,
        data.status,
        data.objective,
        data.series,
        data.operation,
        data.tokens_in,
        data.tokens_out,
        data.tokens_cached,
        data.cost,
        data.provider,
        data.model,
        data.answered_by,
        data.tool,
    ];
    Some(all.map(|field| field.filter(|field| is_there(Some(field)))))
}

const NAMES: [&str; 25] = [
    "trace_id",
    "parent_span_id",
    "span_name",
    "run_id",
    "user_id",
    "user_bucket",
    "duration_ms",
    "status",
    "objective",
    "series",
    "gen_ai.operation.name",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cost",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.tool.name",
    "event_data",
    "trace\\u005fid",
    "st\\u0061tus",
    "\\ud800",
    "a\\\"b",
    "other",
];

const VALUES: [&str; 22] = [
    "null",
    "true",
    "-0.5e+3",
    "12",
    "1e999",
    "\"4bf92f3577b34da6a3ce929d0e0e4736\"",
    "\"4bf92f35\\u00377b34da6a3ce929d0e0e4736\"",
    "\"\"",
    "\"\\ud800\"",
    "\"\\\\\"",
    "\"}],{[\\\"\"",
    "\"error\"",
    "\"\u{e9}\u{1f600} a text of more than thirty-two bytes, with what looks like a \\\"trace_id\\\":1\"",
    "{}",
    "[]",
    "{\"trace_id\":\"x\",\"run_id\":{\"user_id\":[1]}}",
    "[{\"trace_id\":\"x\"},[\"run_id\"],\"status\"]",
    "{\"event_data\":{\"trace_id\":1}}",
    "[[[[{\"a\\\\\":\"]\"}]]]]",
    "\"trace_id\"",
    "{ \"user_id\" : [ 1 , 2 ] }",
    "0",
];

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.roll(of.len())]
    }

    fn object(&mut self, fields: usize, also: Option<String>) -> String {
        let blank = |dice: &mut Self| dice.one(&["", "", "", " ", "\n\t ", "\r\n"]).to_owned();
        let mut all: Vec<String> = (0..fields)
            .map(|_| {
                let [a, b, c] = std::array::from_fn(|_| blank(self));
                format!("{a}\"{}\"{b}:{c}{}", self.one(&NAMES), self.one(&VALUES))
            })
            .collect();
        if let Some(also) = also {
            let place = self.roll(all.len() + 1);
            all.insert(place, format!("\"event_data\"{}:{}{also}", blank(self), blank(self)));
        }
        format!("{{{}{}}}", all.join(&format!("{},", blank(self))), blank(self))
    }
}

#[test]
fn one_pass_finds_what_serde_finds() {
    let mut dice = Dice(7);
    let (mut found, mut refused) = (0, 0);
    for round in 0..60_000 {
        let (outside, within) = (dice.roll(3), dice.roll(8));
        let data = match round % 10 {
            0 => dice.one(&VALUES).to_owned(),
            _ => dice.object(within, None),
        };
        let event = dice.object(outside, Some(data));
        let expected = by_serde(&event);
        assert_eq!(in_one_pass(&event), expected, "{event}");
        *(if expected.is_some() { &mut found } else { &mut refused }) += 1;
    }
    assert!(found > 10_000 && refused > 10_000, "{found} {refused}");
}

#[test]
fn a_field_that_is_there_twice_is_read_by_nobody() {
    for twice in [r#""run_id":"a","run_id":"a""#, r#""run_id":null,"run_id":"a""#, r#""run_id":"a","run\u005fid":1"#] {
        let event = format!(r#"{{"event_name":"run.started","event_data":{{{twice}}}}}"#);
        assert_eq!(Facts::of(&event, Some("run.started"), None), None, "{event}");
    }
    let other = r#"{"event_name":"run.started","event_data":{"a":1,"a":2,"run_id":"r"}}"#;
    assert_eq!(Facts::of(other, Some("run.started"), None).and_then(|facts| facts.run), Some("r".into()));
}

#[test]
fn words_are_what_serde_reads_of_a_value() {
    for value in VALUES {
        assert_eq!(words(value).map(Cow::into_owned), serde_json::from_str::<String>(value).ok(), "{value}");
    }
}

#[test]
fn what_is_no_json_harms_nobody() {
    let event = format!("{{\"a\":1,\"event_data\":{{\"trace_id\":{},\"é\\u0041\":[{{}}]}}}}", VALUES[5]);
    for end in (0..event.len()).filter(|end| event.is_char_boundary(*end)) {
        Facts::of(&event[..end], Some(names::SPAN_END), None);
        Facts::of(&event[end..], Some(names::SPAN_END), None);
    }
}

#[test]
fn the_id_of_a_trace_is_32_digits_that_are_not_all_zero() {
    assert_eq!(
        trace_id("4bf92f3577b34da6a3ce929d0e0e4736").map(u128::from_be_bytes),
        Some(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736)
    );
    for wrong in [
        "",
        "4bf9",
        "4bf92f3577b34da6a3ce929d0e0e47361",
        "4BF92F3577B34DA6A3CE929D0E0E4736",
        "+bf92f3577b34da6a3ce929d0e0e4736",
    ] {
        assert_eq!(trace_id(wrong), None, "{wrong}");
    }
    assert_eq!(trace_id(&"0".repeat(32)), None);
}

fn callee_of(data: &str) -> Option<Arc<Callee>> {
    let event = format!("{{\"event_data\":{data}}}");
    match Facts::of(&event, Some(names::SPAN_END), Some("1.2.3"))?.what {
        What::End(span) => span.callee,
        what => panic!("{what:?}"),
    }
}

#[test]
fn a_call_is_of_the_model_that_was_asked_for_or_else_of_the_one_that_answered_and_of_nothing_else() {
    let said = |data| callee_of(data).map(|callee| (callee.kind, callee.name.to_string(), callee.provider.to_string()));
    let model = |name: &str, provider: &str| Some((CallKind::Model, name.to_owned(), provider.to_owned()));
    let asked = r#"{"gen_ai.operation.name":"chat","gen_ai.provider.name":"openai","gen_ai.request.model":"m","gen_ai.response.model":"m-2"}"#;
    assert_eq!(said(asked), model("m", "openai"));
    assert_eq!(said(r#"{"gen_ai.operation.name":"chat","gen_ai.response.model":"m-2"}"#), model("m-2", UNKNOWN));
    let tool = r#"{"gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"bash","gen_ai.request.model":"m"}"#;
    assert_eq!(said(tool), Some((CallKind::Tool, "bash".to_owned(), String::new())));
    assert_eq!(callee_of(tool).map(|callee| callee.version.to_string()), Some("1.2.3".to_owned()));
    assert_eq!(said(r#"{"gen_ai.operation.name":"invoke_agent","gen_ai.request.model":"m"}"#), None);
}
