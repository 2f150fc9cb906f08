//! What a program hands over as data, and the JSON that becomes of it.

#![allow(clippy::unwrap_used)]

mod as_json;
mod refused;

use lastword::event::{EncodeError, Encoder};
use lastword::wire::write_data;
use serde::Serialize;

/// The JSON that the server gets for an event whose field `v` is this value.
pub(crate) fn sent<T: Serialize + ?Sized>(value: &T) -> Result<String, EncodeError> {
    let mut encoder = Encoder::take();
    encoder.fields(1);
    encoder.field("v", value);
    let mut out = Vec::new();
    write_data(&mut out, encoder.finish()?).unwrap();
    Ok(String::from_utf8(out).unwrap())
}

#[track_caller]
pub(crate) fn assert_is_sent_as_serde_json_has_it<T: Serialize + ?Sized>(value: &T) {
    assert_eq!(sent(value).unwrap(), format!(r#"{{"v":{}}}"#, serde_json::to_string(value).unwrap()));
}
