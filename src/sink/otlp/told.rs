//! What an event `span.end` says of its span in fields that OpenTelemetry has fields of its own for.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::trace::Attributes;
use crate::event::names::{ATTRIBUTES_DROPPED, ERROR_MESSAGE, SPAN_KIND, SPAN_NAME, STATUS};
use crate::event::span::{self, Data};

/// What a span is called, how it stands to others, and how it ended.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) kind: SpanKind,
    pub(super) status: Option<Status>,
    pub(super) attributes_dropped: u32,
}

impl Told {
    /// Takes it out of the attributes of a span.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn take(attributes: &mut Vec<KeyValue>) -> Self {
        let data = Attributes(attributes);
        let text = |name| data.text(name).unwrap_or_default();
        // What went well is unset, as OpenTelemetry's own libraries leave it: `Ok` is for who has judged it.
        let status = (text(STATUS) == "error")
            .then(|| Status { message: text(ERROR_MESSAGE).to_owned(), code: StatusCode::Error.into() });
        let told = Self {
            name: span::name(&data).to_owned(),
            kind: kind(text(SPAN_KIND)),
            status,
            attributes_dropped: data.number(ATTRIBUTES_DROPPED).unwrap_or_default() as u32,
        };
        let taken = [SPAN_NAME, SPAN_KIND, STATUS, ERROR_MESSAGE, ATTRIBUTES_DROPPED];
        attributes.retain(|attribute| !taken.contains(&attribute.key.as_str()));
        told
    }
}

fn kind(name: &str) -> SpanKind {
    match name {
        "client" => SpanKind::Client,
        "server" => SpanKind::Server,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;

    use super::*;
    use crate::sink::otlp::value::{attribute, text};

    #[test]
    fn what_has_a_field_of_its_own_is_no_attribute() {
        let mut attributes = vec![
            text(SPAN_NAME, "chat gpt-4o"),
            text(SPAN_KIND, "client"),
            text(STATUS, "error"),
            text("error.type", "timeout"),
            text(ERROR_MESSAGE, "too slow"),
            attribute(ATTRIBUTES_DROPPED, Value::IntValue(3)),
            text("gen_ai.request.model", "gpt-4o"),
        ];
        let expected = Told {
            name: "chat gpt-4o".into(),
            kind: SpanKind::Client,
            status: Some(Status { message: "too slow".into(), code: StatusCode::Error.into() }),
            attributes_dropped: 3,
        };
        assert_eq!(Told::take(&mut attributes), expected);
        let left: Vec<_> = attributes.into_iter().map(|attribute| attribute.key).collect();
        assert_eq!(left, ["error.type", "gen_ai.request.model"]);
    }

    #[test]
    fn a_span_whose_name_is_not_for_this_sink_has_that_of_its_operation() {
        let mut attributes = vec![text("gen_ai.operation.name", "chat"), text(STATUS, "ok")];
        let told = Told::take(&mut attributes);
        assert_eq!((&*told.name, told.kind, told.status), ("chat", SpanKind::Internal, None));
        assert_eq!(Told::take(&mut Vec::new()).name, "span");
    }
}
