//! Whether one value says all that another says.

use std::collections::HashMap;

use serde_json::Value;

/// Whether whatever is said in a value is said in what was made of it, under whatever names. Types and roles have other words there.
pub(super) fn has_all(made: &Value, value: &Value) -> bool {
    let mut said = HashMap::new();
    leaves(made, &mut |leaf| *said.entry(leaf).or_insert(0_usize) += 1);
    is_among(value, &mut said)
}

fn is_among(value: &Value, said: &mut HashMap<String, usize>) -> bool {
    let mut missing = Vec::new();
    leaves(value, &mut |leaf| match said.get_mut(&leaf) {
        Some(count) if *count > 0 => *count -= 1,
        _ => missing.push(leaf),
    });
    // A text of JSON is there as what it says.
    missing.iter().all(|text| {
        let read = serde_json::from_str::<Value>(text).ok().filter(|read| read.is_array() || read.is_object());
        read.is_some_and(|read| is_among(&read, said))
    })
}

/// Goes through the texts and numbers in a value, in no order.
fn leaves(value: &Value, each: &mut impl FnMut(String)) {
    match value {
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => each(text.clone()),
        Value::Bool(_) | Value::Number(_) => each(value.to_string()),
        Value::Array(values) => values.iter().for_each(|value| leaves(value, each)),
        Value::Object(fields) => {
            let said =
                |(key, value): &(&String, &Value)| !(matches!(key.as_str(), "type" | "role") && value.is_string());
            fields.iter().filter(said).for_each(|(_, value)| leaves(value, each));
        }
    }
}
