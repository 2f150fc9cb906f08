//! Metrics in protobuf.

use super::super::model::Id;
use super::super::proto::key_value;
use super::super::raw::Raw;
use super::super::wire::{Field, Message, WireError};
use super::point::{Buckets, Exemplar, Form, Metric, Point, Quantile};
use crate::limits::REQUEST_EVENTS_MAX;

type Read<T> = Result<T, WireError>;

pub(super) fn metric(bytes: &[u8]) -> Read<(Metric<'_>, Vec<Raw<'_>>)> {
    let (mut message, mut read, mut points) = (Message(bytes), Metric::default(), Vec::new());
    while let Some(field) = message.next()? {
        match field.number {
            1 => read.name = field.text()?,
            2 => read.description = field.text()?,
            3 => read.unit = field.text()?,
            5 | 7 | 9 | 10 | 11 => {
                read.form = match field.number {
                    5 => Form::Gauge,
                    7 => Form::Sum,
                    9 => Form::Histogram,
                    10 => Form::Exponential,
                    _ => Form::Summary,
                };
                data(&mut read, &mut points, field.bytes()?)?;
            }
            _ => {}
        }
    }
    Ok((read, points))
}

fn data<'b>(metric: &mut Metric<'b>, points: &mut Vec<Raw<'b>>, bytes: &'b [u8]) -> Read<()> {
    let mut message = Message(bytes);
    while let Some(field) = message.next()? {
        match field.number {
            1 if points.len() >= REQUEST_EVENTS_MAX => return Err(WireError::Many),
            1 => points.push(Raw::Protobuf(field.bytes()?)),
            2 => metric.temporality = field.uint()?,
            3 => metric.is_monotonic = field.uint()? != 0,
            _ => {}
        }
    }
    Ok(())
}

fn doubles(field: &Field<'_>, numbers: &mut Vec<f64>) -> Read<()> {
    let mut bits = Vec::new();
    field.fixed64s(&mut bits)?;
    numbers.extend(bits.into_iter().map(f64::from_bits));
    Ok(())
}

pub(super) fn number(bytes: &[u8]) -> Read<Point<'_>> {
    let (mut message, mut read) = (Message(bytes), Point::default());
    while let Some(field) = message.next()? {
        match field.number {
            2 => read.start_time_unix_nano = field.fixed64()?,
            3 => read.time_unix_nano = field.fixed64()?,
            4 => read.as_double = Some(field.double()?),
            5 => read.exemplars.push(exemplar(field.bytes()?)?),
            6 => read.as_int = Some(signed(&field)?),
            7 => read.attributes.push(key_value(field.bytes()?)?),
            8 => read.flags = field.uint32()?,
            _ => {}
        }
    }
    Ok(read)
}

pub(super) fn histogram(bytes: &[u8]) -> Read<Point<'_>> {
    let (mut message, mut read) = (Message(bytes), Point::default());
    while let Some(field) = message.next()? {
        match field.number {
            2 => read.start_time_unix_nano = field.fixed64()?,
            3 => read.time_unix_nano = field.fixed64()?,
            4 => read.count = field.fixed64()?,
            5 => read.sum = Some(field.double()?),
            6 => field.fixed64s(&mut read.bucket_counts)?,
            7 => doubles(&field, &mut read.explicit_bounds)?,
            8 => read.exemplars.push(exemplar(field.bytes()?)?),
            9 => read.attributes.push(key_value(field.bytes()?)?),
            10 => read.flags = field.uint32()?,
            11 => read.min = Some(field.double()?),
            12 => read.max = Some(field.double()?),
            _ => {}
        }
    }
    Ok(read)
}

pub(super) fn exponential(bytes: &[u8]) -> Read<Point<'_>> {
    let (mut message, mut read) = (Message(bytes), Point::default());
    while let Some(field) = message.next()? {
        match field.number {
            1 => read.attributes.push(key_value(field.bytes()?)?),
            2 => read.start_time_unix_nano = field.fixed64()?,
            3 => read.time_unix_nano = field.fixed64()?,
            4 => read.count = field.fixed64()?,
            5 => read.sum = Some(field.double()?),
            6 => read.scale = field.sint()?.into(),
            7 => read.zero_count = field.fixed64()?,
            8 => read.positive = buckets(field.bytes()?)?,
            9 => read.negative = buckets(field.bytes()?)?,
            10 => read.flags = field.uint32()?,
            11 => read.exemplars.push(exemplar(field.bytes()?)?),
            12 => read.min = Some(field.double()?),
            13 => read.max = Some(field.double()?),
            14 => read.zero_threshold = field.double()?,
            _ => {}
        }
    }
    Ok(read)
}

pub(super) fn summary(bytes: &[u8]) -> Read<Point<'_>> {
    let (mut message, mut read) = (Message(bytes), Point::default());
    while let Some(field) = message.next()? {
        match field.number {
            2 => read.start_time_unix_nano = field.fixed64()?,
            3 => read.time_unix_nano = field.fixed64()?,
            4 => read.count = field.fixed64()?,
            5 => read.sum = Some(field.double()?),
            6 => read.quantile_values.push(quantile(field.bytes()?)?),
            7 => read.attributes.push(key_value(field.bytes()?)?),
            8 => read.flags = field.uint32()?,
            _ => {}
        }
    }
    Ok(read)
}

fn buckets(bytes: &[u8]) -> Read<Buckets> {
    let (mut message, mut read) = (Message(bytes), Buckets::default());
    while let Some(field) = message.next()? {
        match field.number {
            1 => read.offset = field.sint()?.into(),
            2 => field.uints(&mut read.bucket_counts)?,
            _ => {}
        }
    }
    Ok(read)
}

fn quantile(bytes: &[u8]) -> Read<Quantile> {
    let (mut message, mut read) = (Message(bytes), Quantile::default());
    while let Some(field) = message.next()? {
        match field.number {
            1 => read.quantile = field.double()?,
            2 => read.value = field.double()?,
            _ => {}
        }
    }
    Ok(read)
}

fn exemplar(bytes: &[u8]) -> Read<Exemplar<'_>> {
    let (mut message, mut read) = (Message(bytes), Exemplar::default());
    while let Some(field) = message.next()? {
        match field.number {
            2 => read.time_unix_nano = field.fixed64()?,
            3 => read.as_double = Some(field.double()?),
            4 => read.span_id = Id::of(field.bytes()?),
            5 => read.trace_id = Id::of(field.bytes()?),
            6 => read.as_int = Some(signed(&field)?),
            7 => read.filtered_attributes.push(key_value(field.bytes()?)?),
            _ => {}
        }
    }
    Ok(read)
}

/// Reads `sfixed64`.
#[allow(clippy::cast_possible_wrap, reason = "this is how it is written")]
fn signed(field: &Field<'_>) -> Read<i64> {
    Ok(field.fixed64()? as i64)
}
