//! Taking the id of a user out of an event, all else of which stays byte for byte.

use serde::Deserialize;

use super::index::PLACEHOLDER;
use serde_json::value::RawValue;

/// An event without the id of its user.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cleared {
    pub(super) body: String,
    /// Where the id stood.
    pub(super) at: i64,
    /// How many bytes longer the event is than before.
    pub(super) longer_by: i64,
}

/// Returns the event with `null` as the `user_id` of its data; `None` if it has none.
pub(super) fn without_user(body: &str) -> Option<Cleared> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        event_data: &'a RawValue,
    }
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        user_id: &'a RawValue,
    }
    let event: Event<'_> = serde_json::from_str(body).ok()?;
    let data: Data<'_> = serde_json::from_str(event.event_data.get()).ok()?;
    let value = data.user_id.get();
    // It is a part of the body: nothing was copied.
    let begin = (value.as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
    let (before, after) = (body.get(..begin)?, body.get(begin + value.len()..)?);
    let length = |bytes: usize| i64::try_from(bytes).ok();
    let (at, longer_by) = (length(begin)?, length(PLACEHOLDER.len())? - length(value.len())?);
    Some(Cleared { body: format!("{before}{PLACEHOLDER}{after}"), at, longer_by })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_the_user_is_gone_and_every_other_byte_is_as_it_was() {
        let body = r#"{"event_data": {"a":1, "user_id" : "ada\u0040example" ,"b":"ada"} , "user_id":"x"}"#;
        let cleared = r#"{"event_data": {"a":1, "user_id" : null ,"b":"ada"} , "user_id":"x"}"#;
        assert_eq!(without_user(body).unwrap().body, cleared);
        assert_eq!(without_user(r#"{"event_data":{}}"#), None);
    }
}
