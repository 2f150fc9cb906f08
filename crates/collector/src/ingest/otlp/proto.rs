//! OTLP's protobuf, read by hand: nothing but what is wanted is looked at, and texts stay where they are in the body.

use super::model::{Any, Attributes, Id, KeyValue, Link, LogRecord, Resource, Scope, Span, SpanEvent, Status};
use super::wire::{Message, WireError};
use crate::limits::OTLP_DEPTH_MAX;

type Read<T> = Result<T, WireError>;

pub(super) fn any(bytes: &[u8]) -> Read<Any<'_>> {
    any_within(bytes, 0)
}

/// The bound on depth is one on the stack: values are read, written and dropped by recursion.
fn any_within(bytes: &[u8], depth: usize) -> Read<Any<'_>> {
    if depth > OTLP_DEPTH_MAX {
        return Err(WireError::Deep);
    }
    let (mut message, mut any) = (Message(bytes), Any::None);
    while let Some(field) = message.next()? {
        any = match field.number {
            1 => Any::Text(field.text()?),
            2 => Any::Bool(field.uint()? != 0),
            3 => Any::Int(field.int()?),
            4 => Any::Double(field.double()?),
            5 => {
                let (mut list, mut values) = (Message(field.bytes()?), Vec::new());
                while let Some(item) = list.next()? {
                    if item.number == 1 {
                        values.push(any_within(item.bytes()?, depth + 1)?);
                    }
                }
                Any::List(values)
            }
            6 => {
                let (mut map, mut values) = (Message(field.bytes()?), Vec::new());
                while let Some(item) = map.next()? {
                    if item.number == 1 {
                        values.push(key_value_within(item.bytes()?, depth + 1)?);
                    }
                }
                Any::Map(values)
            }
            7 => Any::Bytes(field.bytes()?),
            _ => any,
        };
    }
    Ok(any)
}

pub(super) fn key_value(bytes: &[u8]) -> Read<KeyValue<'_>> {
    key_value_within(bytes, 0)
}

fn key_value_within(bytes: &[u8], depth: usize) -> Read<KeyValue<'_>> {
    let (mut message, mut read) = (Message(bytes), KeyValue::default());
    while let Some(field) = message.next()? {
        match field.number {
            1 => read.key = field.text()?,
            2 => read.value = any_within(field.bytes()?, depth)?,
            _ => {}
        }
    }
    Ok(read)
}

/// Adds an attribute; room is made for as many as most have.
fn push<'b>(attributes: &mut Attributes<'b>, bytes: &'b [u8]) -> Read<()> {
    const USUAL: usize = 16;
    if attributes.is_empty() {
        attributes.reserve(USUAL);
    }
    attributes.push(key_value(bytes)?);
    Ok(())
}

pub(super) fn resource(bytes: &[u8]) -> Read<Resource<'_>> {
    let (mut message, mut read) = (Message(bytes), Resource::default());
    while let Some(field) = message.next()? {
        match field.number {
            1 => push(&mut read.attributes, field.bytes()?)?,
            2 => read.dropped_attributes_count = field.uint32()?,
            _ => {}
        }
    }
    Ok(read)
}

pub(super) fn scope(bytes: &[u8]) -> Read<Scope<'_>> {
    let (mut message, mut read) = (Message(bytes), Scope::default());
    while let Some(field) = message.next()? {
        match field.number {
            1 => read.name = field.text()?,
            2 => read.version = field.text()?,
            3 => push(&mut read.attributes, field.bytes()?)?,
            4 => read.dropped_attributes_count = field.uint32()?,
            _ => {}
        }
    }
    Ok(read)
}

pub(super) fn span(bytes: &[u8]) -> Read<Span<'_>> {
    let (mut message, mut read) = (Message(bytes), Span::default());
    while let Some(field) = message.next()? {
        match field.number {
            1 => read.trace_id = Id::of(field.bytes()?),
            2 => read.span_id = Id::of(field.bytes()?),
            3 => read.trace_state = field.text()?,
            4 => read.parent_span_id = Id::of(field.bytes()?),
            5 => read.name = field.text()?,
            6 => read.kind = field.uint()?,
            7 => read.start_time_unix_nano = field.fixed64()?,
            8 => read.end_time_unix_nano = field.fixed64()?,
            9 => push(&mut read.attributes, field.bytes()?)?,
            10 => read.dropped_attributes_count = field.uint32()?,
            11 => read.events.push(span_event(field.bytes()?)?),
            12 => read.dropped_events_count = field.uint32()?,
            13 => read.links.push(link(field.bytes()?)?),
            14 => read.dropped_links_count = field.uint32()?,
            15 => read.status = status(field.bytes()?)?,
            16 => read.flags = field.fixed32()?,
            _ => {}
        }
    }
    Ok(read)
}

fn span_event(bytes: &[u8]) -> Read<SpanEvent<'_>> {
    let (mut message, mut read) = (Message(bytes), SpanEvent::default());
    while let Some(field) = message.next()? {
        match field.number {
            1 => read.time_unix_nano = field.fixed64()?,
            2 => read.name = field.text()?,
            3 => push(&mut read.attributes, field.bytes()?)?,
            4 => read.dropped_attributes_count = field.uint32()?,
            _ => {}
        }
    }
    Ok(read)
}

fn link(bytes: &[u8]) -> Read<Link<'_>> {
    let (mut message, mut read) = (Message(bytes), Link::default());
    while let Some(field) = message.next()? {
        match field.number {
            1 => read.trace_id = Id::of(field.bytes()?),
            2 => read.span_id = Id::of(field.bytes()?),
            3 => read.trace_state = field.text()?,
            4 => push(&mut read.attributes, field.bytes()?)?,
            5 => read.dropped_attributes_count = field.uint32()?,
            6 => read.flags = field.fixed32()?,
            _ => {}
        }
    }
    Ok(read)
}

fn status(bytes: &[u8]) -> Read<Status<'_>> {
    let (mut message, mut read) = (Message(bytes), Status::default());
    while let Some(field) = message.next()? {
        match field.number {
            2 => read.message = field.text()?,
            3 => read.code = field.uint()?,
            _ => {}
        }
    }
    Ok(read)
}

pub(super) fn log_record(bytes: &[u8]) -> Read<LogRecord<'_>> {
    let (mut message, mut read) = (Message(bytes), LogRecord::default());
    while let Some(field) = message.next()? {
        match field.number {
            1 => read.time_unix_nano = field.fixed64()?,
            2 => read.severity_number = field.uint()?,
            3 => read.severity_text = field.text()?,
            5 => read.body = any(field.bytes()?)?,
            6 => push(&mut read.attributes, field.bytes()?)?,
            7 => read.dropped_attributes_count = field.uint32()?,
            8 => read.flags = field.fixed32()?,
            9 => read.trace_id = Id::of(field.bytes()?),
            10 => read.span_id = Id::of(field.bytes()?),
            11 => read.observed_time_unix_nano = field.fixed64()?,
            12 => read.event_name = field.text()?,
            _ => {}
        }
    }
    Ok(read)
}
