//! What is wrong with the targets of a file, and where: what reads settings knows no place within a list.

use std::ops::Range;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::forward::{FRAMING_MEANS_NOTHING, ForwardError, Target, first_problem};

/// Returns what is wrong first, and where it stands.
pub(super) fn fault(document: &DeTable<'_>) -> Option<(Range<usize>, String)> {
    let (name, value) = document.iter().find(|(name, _)| name.get_ref() == "forward")?;
    let DeValue::Array(items) = value.get_ref() else {
        let message = "write `[[forward]]`, with two brackets, once for each target";
        return Some((name.span(), message.to_owned()));
    };
    let span_of = |place: usize, key: &str| {
        let item = items.get(place)?;
        let found = item.get_ref().as_table()?.iter().find(|(name, _)| name.get_ref() == key);
        Some(found.map_or_else(|| item.span(), |(name, _)| name.span()))
    };
    let mut targets = Vec::new();
    for (place, item) in items.iter().enumerate() {
        // One that can't be read is told of by what reads all.
        let target = Target::deserialize(ValueDeserializer::from(item.clone())).ok()?;
        let keys = item.get_ref().as_table()?;
        if !target.is_framed() && keys.iter().any(|(name, _)| name.get_ref() == "framing") {
            let error = ForwardError { name: target.name, problem: FRAMING_MEANS_NOTHING };
            return Some((span_of(place, "framing")?, error.to_string()));
        }
        targets.push(target);
    }
    let (place, key, error) = first_problem(&targets)?;
    Some((span_of(place, key)?, error.to_string()))
}
