//! The columns of a list of events: which stand in the address, and what an event says in each.

use lastword::EventKind;
use serde_json::Value;

use super::parts;
use crate::ingest::NO_INDEX;
use crate::limits::{COLUMN_CHARS_MAX, COLUMNS_MAX};
use crate::query::{Event, ParamError};

/// The columns where the address names none.
const DEFAULT: [Column; 5] = [Column::Time, Column::Severity, Column::Session, Column::Index, Column::Event];

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Column {
    Time,
    Received,
    Severity,
    Session,
    Index,
    Kind,
    Name,
    /// What it is called, and what it says in short.
    Event,
    /// A field of its JSON, by path; `data.` stands for its data.
    Field(String),
}

/// Those that have names of their own.
const NAMED: [(&str, Column); 8] = [
    ("time", Column::Time),
    ("received", Column::Received),
    ("severity", Column::Severity),
    ("session", Column::Session),
    ("index", Column::Index),
    ("kind", Column::Kind),
    ("name", Column::Name),
    ("event", Column::Event),
];

/// The columns of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns(Vec<Column>);

impl Columns {
    /// Reads their names, with commas between them; none is what lists have by themselves.
    pub(crate) fn read(text: &str) -> Result<Self, ParamError> {
        let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if names.len() > COLUMNS_MAX || names.iter().any(|name| name.chars().count() > COLUMN_CHARS_MAX) {
            let right = format!(
                "at most {COLUMNS_MAX} names with commas between them, each of at most {COLUMN_CHARS_MAX} characters"
            );
            return Err(ParamError::value("columns", text, right));
        }
        if names.is_empty() {
            return Ok(Self(DEFAULT.to_vec()));
        }
        Ok(Self(names.into_iter().map(Column::of).collect()))
    }

    /// Returns them in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Column> {
        self.0.iter()
    }

    /// Returns an event's JSON where a column is about it. What can't be read says nothing.
    pub(crate) fn parse(&self, event: &Event) -> Value {
        let is_needed = self.0.iter().any(|column| matches!(column, Column::Field(_)));
        if is_needed { serde_json::from_str(&event.json).unwrap_or_default() } else { Value::Null }
    }
}

impl Column {
    fn of(name: &str) -> Self {
        let known = NAMED.into_iter().find(|(known, _)| *known == name);
        known.map_or_else(|| Self::Field(name.to_owned()), |(_, column)| column)
    }

    /// Returns what it is called in the address.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Field(path) => path,
            own => NAMED.iter().find(|(_, column)| column == own).map_or("", |(name, _)| name),
        }
    }

    /// Returns what an event says in it, as one text; `json` is the event's where a column needs it.
    pub(crate) fn text(&self, event: &Event, json: &Value) -> String {
        match self {
            Self::Time => event.time.to_string(),
            Self::Received => event.received.to_string(),
            Self::Severity => event.severity.as_str().to_owned(),
            Self::Session => event.session_id.clone(),
            Self::Index if event.index == NO_INDEX => String::new(),
            Self::Index => event.index.to_string(),
            Self::Kind => event.kind.as_str().to_owned(),
            Self::Name if event.kind == EventKind::Generic => event.name.clone().unwrap_or_default(),
            Self::Name => String::new(),
            Self::Event => {
                let (name, summary) = parts::told(event);
                format!("{name} {summary}")
            }
            Self::Field(path) => match field(json, path) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            },
        }
    }
}

/// Finds a field by its path.
fn field<'v>(json: &'v Value, path: &str) -> Option<&'v Value> {
    match path.strip_prefix("data.") {
        Some(rest) => find(json.get("event_data")?, rest),
        None => find(json, path),
    }
}

/// Finds what is at a path. Names of fields have points themselves, so the longest name that is there is taken first.
fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if let Value::Array(items) = value {
        let (place, rest) = path.split_once('.').map_or((path, None), |(place, rest)| (place, Some(rest)));
        let item = items.get(place.parse::<usize>().ok()?)?;
        return rest.map_or(Some(item), |rest| find(item, rest));
    }
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    path.rmatch_indices('.').find_map(|(at, _)| find(value.get(&path[..at])?, &path[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_a_field_whose_name_has_points_itself() {
        let json =
            serde_json::json!({ "error_type": "T", "event_data": { "a.b": { "c": 1 }, "a": { "b": 2 }, "l": [[3]] } });
        let found = |path: &str| field(&json, path).map(ToString::to_string);
        assert_eq!(found("data.a.b.c").as_deref(), Some("1"));
        assert_eq!(found("data.a.b").as_deref(), Some("{\"c\":1}"));
        assert_eq!(found("data.l.0.0").as_deref(), Some("3"));
        assert_eq!(found("error_type").as_deref(), Some("\"T\""));
        assert_eq!((found("data.l.9"), found("none"), found("data."), found(".")), (None, None, None, None));
    }

    #[test]
    fn columns_are_named_in_order_and_bounded() {
        let columns = Columns::read(" session, data.model,,time ").unwrap();
        assert_eq!(columns.iter().map(Column::name).collect::<Vec<_>>(), ["session", "data.model", "time"]);
        assert_eq!(Columns::read("").unwrap().iter().count(), 5);
        let error = Columns::read(&"a,".repeat(40)).unwrap_err().to_string();
        assert!(error.starts_with("`columns` is `a,a,") && error.contains("at most 12 names"), "{error}");
    }
}
