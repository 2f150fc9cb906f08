//! Reading protobuf as it is on the wire: fields, one after the other, borrowed from the body.
//!
//! Nothing is allocated here, whatever the lengths say: a length that goes beyond the message is an error.

use std::borrow::Cow;

/// What is no protobuf, or not of the message that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum WireError {
    #[error("it ends within a field")]
    Torn,
    #[error("a number has more than 64 bits")]
    Varint,
    #[error("a field has the number 0")]
    Number,
    #[error("field {0} has the wire type {1}, which is not of its message")]
    Type(u32, u8),
    #[error("values are nested deeper than {max} levels", max = crate::limits::OTLP_DEPTH_MAX)]
    Deep,
    #[error("it has more parts than the {max} that a request may have", max = crate::limits::REQUEST_EVENTS_MAX)]
    Many,
}

/// The fields of a message that are still to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'b>(pub(super) &'b [u8]);

/// A field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'b> {
    pub(super) number: u32,
    value: Value<'b>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value<'b> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'b [u8]),
    Fixed32(u32),
}

impl<'b> Message<'b> {
    /// Returns the next field; `None` at the end.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Field<'b>>, WireError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = varint(&mut self.0)?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| *number != 0).ok_or(WireError::Number)?;
        let value = match tag & 7 {
            0 => Value::Varint(varint(&mut self.0)?),
            1 => Value::Fixed64(u64::from_le_bytes(fixed(&mut self.0)?)),
            2 => {
                let length = usize::try_from(varint(&mut self.0)?).map_err(|_| WireError::Torn)?;
                Value::Bytes(take(&mut self.0, length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(fixed(&mut self.0)?)),
            // Groups were never part of OTLP, and there are no others.
            other => return Err(WireError::Type(number, u8::try_from(other).unwrap_or(7))),
        };
        Ok(Some(Field { number, value }))
    }
}

impl<'b> Field<'b> {
    fn wrong<T>(&self) -> Result<T, WireError> {
        let wire_type = match self.value {
            Value::Varint(_) => 0,
            Value::Fixed64(_) => 1,
            Value::Bytes(_) => 2,
            Value::Fixed32(_) => 5,
        };
        Err(WireError::Type(self.number, wire_type))
    }

    /// Reads it as bytes, or as a message within.
    #[inline]
    pub(super) fn bytes(&self) -> Result<&'b [u8], WireError> {
        if let Value::Bytes(bytes) = self.value { Ok(bytes) } else { self.wrong() }
    }

    /// Reads it as a text. What is no UTF-8 in it is replaced: there are SDKs that send such, and the rest of it is good.
    #[inline]
    pub(super) fn text(&self) -> Result<Cow<'b, str>, WireError> {
        let bytes = self.bytes()?;
        Ok(std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed))
    }

    /// Reads it as `uint32`, `uint64`, `bool`, or an enumeration.
    #[inline]
    pub(super) fn uint(&self) -> Result<u64, WireError> {
        if let Value::Varint(number) = self.value { Ok(number) } else { self.wrong() }
    }

    /// Reads it as `int64`.
    #[inline]
    #[allow(clippy::cast_possible_wrap, reason = "this is how protobuf writes negative numbers")]
    pub(super) fn int(&self) -> Result<i64, WireError> {
        Ok(self.uint()? as i64)
    }

    /// Reads it as `sint32`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "zigzag, of 32 bits")]
    pub(super) fn sint(&self) -> Result<i32, WireError> {
        let number = self.uint()? as u32;
        Ok((number >> 1) as i32 ^ -((number & 1) as i32))
    }

    /// Reads it as `uint32`; more than that is the most there can be.
    pub(super) fn uint32(&self) -> Result<u32, WireError> {
        Ok(u32::try_from(self.uint()?).unwrap_or(u32::MAX))
    }

    /// Reads it as `fixed32`.
    pub(super) fn fixed32(&self) -> Result<u32, WireError> {
        if let Value::Fixed32(number) = self.value { Ok(number) } else { self.wrong() }
    }

    /// Reads it as `fixed64`.
    #[inline]
    pub(super) fn fixed64(&self) -> Result<u64, WireError> {
        if let Value::Fixed64(number) = self.value { Ok(number) } else { self.wrong() }
    }

    /// Reads it as `double`.
    pub(super) fn double(&self) -> Result<f64, WireError> {
        Ok(f64::from_bits(self.fixed64()?))
    }

    /// Adds the numbers of a list of `fixed64`: packed, or one alone.
    pub(super) fn fixed64s(&self, numbers: &mut Vec<u64>) -> Result<(), WireError> {
        match self.value {
            Value::Fixed64(number) => numbers.push(number),
            Value::Bytes(packed) => {
                let (chunks, rest) = packed.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err(WireError::Torn);
                }
                numbers.extend(chunks.iter().map(|number| u64::from_le_bytes(*number)));
            }
            _ => return self.wrong(),
        }
        Ok(())
    }

    /// Adds the numbers of a list of `uint64`: packed, or one alone.
    pub(super) fn uints(&self, numbers: &mut Vec<u64>) -> Result<(), WireError> {
        match self.value {
            Value::Varint(number) => numbers.push(number),
            Value::Bytes(mut packed) => {
                while !packed.is_empty() {
                    numbers.push(varint(&mut packed)?);
                }
            }
            _ => return self.wrong(),
        }
        Ok(())
    }
}

#[inline]
fn varint(rest: &mut &[u8]) -> Result<u64, WireError> {
    // Nearly all are of one byte.
    if let Some((first, after)) = rest.split_first()
        && *first < 0x80
    {
        *rest = after;
        return Ok(u64::from(*first));
    }
    let mut number = 0;
    for (place, byte) in rest.iter().enumerate().take(10) {
        if place == 9 && *byte > 1 {
            return Err(WireError::Varint);
        }
        number |= u64::from(byte & 0x7f) << (7 * place);
        if *byte < 0x80 {
            *rest = &rest[place + 1..];
            return Ok(number);
        }
    }
    Err(if rest.len() < 10 { WireError::Torn } else { WireError::Varint })
}

#[inline]
fn take<'b>(rest: &mut &'b [u8], length: usize) -> Result<&'b [u8], WireError> {
    let (taken, after) = rest.split_at_checked(length).ok_or(WireError::Torn)?;
    *rest = after;
    Ok(taken)
}

#[inline]
fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], WireError> {
    let (number, after) = rest.split_first_chunk().ok_or(WireError::Torn)?;
    *rest = after;
    Ok(*number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(bytes: &[u8]) -> Result<Option<Field<'_>>, WireError> {
        Message(bytes).next()
    }

    #[test]
    fn fields_of_every_wire_type_are_read() {
        let bytes = [0x08, 0x96, 0x01, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 2, b'h', b'i', 0x25, 7, 0, 0, 0];
        let mut message = Message(&bytes);
        let mut next = || message.next().unwrap().unwrap();
        assert_eq!(next().uint(), Ok(150));
        assert_eq!(next().fixed64(), Ok(1));
        assert_eq!(next().text().unwrap(), "hi");
        assert_eq!(next().fixed32(), Ok(7));
        assert_eq!(message.next(), Ok(None));
    }

    #[test]
    fn numbers_keep_their_sign() {
        let minus_one = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(first(&minus_one).unwrap().unwrap().int(), Ok(-1));
        for (byte, number) in [(0, 0), (1, -1), (2, 1), (3, -2)] {
            assert_eq!(first(&[0x08, byte]).unwrap().unwrap().sint(), Ok(number));
        }
    }

    #[test]
    fn what_is_torn_or_lies_about_its_length_is_refused_without_memory_for_it() {
        let huge = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        for torn in [&[0x08][..], &[0x08, 0x80], &[0x11, 1], &[0x0a, 2, 1], &[0x25, 1], &huge] {
            assert_eq!(first(torn), Err(WireError::Torn), "{torn:?}");
        }
        assert_eq!(first(&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]), Err(WireError::Varint));
        assert_eq!(first(&[0x00, 1]), Err(WireError::Number));
        assert_eq!(first(&[0x0b]), Err(WireError::Type(1, 3)));
        assert_eq!(first(&[0x08, 1]).unwrap().unwrap().bytes(), Err(WireError::Type(1, 0)));
    }

    #[test]
    fn lists_of_numbers_are_read_packed_and_one_by_one() {
        let mut numbers = Vec::new();
        first(&[0x0a, 3, 1, 0x96, 0x01]).unwrap().unwrap().uints(&mut numbers).unwrap();
        first(&[0x08, 5]).unwrap().unwrap().uints(&mut numbers).unwrap();
        assert_eq!(numbers, [1, 150, 5]);
        assert_eq!(first(&[0x0a, 1, 1]).unwrap().unwrap().fixed64s(&mut numbers), Err(WireError::Torn));
    }
}
