//! Taking the id of a user out of an event, all else of which stays byte for byte.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Returns the event with `null` as the `user_id` of its data; `None` if it has none.
pub(super) fn without_user(body: &str) -> Option<String> {
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
    Some(format!("{before}null{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_the_user_is_gone_and_every_other_byte_is_as_it_was() {
        let body = r#"{"event_data": {"a":1, "user_id" : "ada\u0040example" ,"b":"ada"} , "user_id":"x"}"#;
        let cleared = r#"{"event_data": {"a":1, "user_id" : null ,"b":"ada"} , "user_id":"x"}"#;
        assert_eq!(without_user(body).as_deref(), Some(cleared));
        assert_eq!(without_user(r#"{"event_data":{}}"#), None);
    }
}
