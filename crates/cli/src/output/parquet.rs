//! Stored events as a Parquet file: a row an event, in groups of rows that are written as they are full, so that what is held in
//! memory is bounded by a group and not by the store.
//!
//! The columns are those of the view `telemetry_events` and what else is asked of events often; whatever an event says beside them is
//! the JSON object `rest`, so that nothing of it is lost. Every column may be null.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use lastword_collector::query::Moment;
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::limits::{ROW_GROUP_BYTES, ROW_GROUP_ROWS};

const SCHEMA: &str = "message events {
    OPTIONAL BYTE_ARRAY session_id (STRING);
    OPTIONAL BYTE_ARRAY id (STRING);
    OPTIONAL BYTE_ARRAY repo_id (STRING);
    OPTIONAL BYTE_ARRAY user_id (STRING);
    OPTIONAL BYTE_ARRAY event_type (STRING);
    OPTIONAL BYTE_ARRAY kind (STRING);
    OPTIONAL BYTE_ARRAY name (STRING);
    OPTIONAL BYTE_ARRAY severity (STRING);
    OPTIONAL INT64 event_timestamp (TIMESTAMP(MICROS,true));
    OPTIONAL INT64 event_session_index;
    OPTIONAL BYTE_ARRAY event_data (JSON);
    OPTIONAL BYTE_ARRAY rest (JSON);
}";
const COLUMNS: usize = 12;
/// Columns in which a value hardly comes twice: a dictionary of them would be as large as they are.
const DISTINCT: [&str; 3] = ["id", "event_data", "rest"];

/// Writes events into a file.
pub(crate) struct Writer {
    file: SerializedFileWriter<Box<dyn Write + Send>>,
    columns: [Column; COLUMNS],
    bytes: usize,
}

/// The values of a column within a group of rows, and for each row whether it has one.
#[derive(Default)]
struct Column {
    texts: Vec<ByteArray>,
    numbers: Vec<i64>,
    levels: Vec<i16>,
}

enum Cell {
    Text(Option<String>),
    Number(Option<i64>),
}

impl Writer {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// It can't be written.
    pub(crate) fn new(out: Box<dyn Write + Send>) -> Result<Self, Error> {
        let schema = parse_message_type(SCHEMA).map_err(failed)?;
        let mut properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        for column in DISTINCT {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), false);
        }
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties.build())).map_err(failed)?;
        Ok(Self { file, columns: Default::default(), bytes: 0 })
    }

    /// Adds an event.
    ///
    /// # Errors
    ///
    /// It is no JSON object, or the file can't be written.
    pub(crate) fn add(&mut self, event: &RawValue) -> Result<(), Error> {
        let cells = cells(event.get()).map_err(|error| Error::Row(error.to_string()))?;
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            self.bytes += column.push(cell);
        }
        let rows = self.columns[0].levels.len();
        if self.bytes >= ROW_GROUP_BYTES || rows >= ROW_GROUP_ROWS { self.write_group() } else { Ok(()) }
    }

    /// Writes what is left, and the end of the file.
    ///
    /// # Errors
    ///
    /// The file can't be written.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.write_group()?;
        self.file.finish().map(drop).map_err(failed)
    }

    fn write_group(&mut self) -> Result<(), Error> {
        let columns = std::mem::take(&mut self.columns);
        self.bytes = 0;
        if columns[0].levels.is_empty() {
            return Ok(());
        }
        self.try_write(&columns).map_err(failed)
    }

    fn try_write(&mut self, columns: &[Column]) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for Column { texts, numbers, levels } in columns {
            let Some(mut column) = group.next_column()? else { break };
            match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(writer) => writer.write_batch(texts, Some(levels), None)?,
                ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(numbers, Some(levels), None)?,
                _ => return Err(ParquetError::General("a column of neither texts nor numbers".to_owned())),
            };
            column.close()?;
        }
        group.close().map(drop)
    }
}

impl Column {
    /// Adds the cell of a row; returns the bytes that it takes.
    fn push(&mut self, cell: Cell) -> usize {
        let bytes = match cell {
            Cell::Text(Some(text)) => {
                let bytes = text.len();
                self.texts.push(ByteArray::from(text.into_bytes()));
                Some(bytes)
            }
            Cell::Number(Some(number)) => {
                self.numbers.push(number);
                Some(0)
            }
            Cell::Text(None) | Cell::Number(None) => None,
        };
        self.levels.push(i16::from(bytes.is_some()));
        size_of::<ByteArray>() + bytes.unwrap_or(0)
    }
}

/// What the data of an event are asked for.
#[derive(Default, Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    repo_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "repoId")]
    other_repo_id: Option<&'a RawValue>,
}

/// Returns the cells of a row in the order of the columns.
fn cells(event: &str) -> serde_json::Result<[Cell; COLUMNS]> {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(event)?;
    let mut take = |name: &str| fields.remove(name);
    let [session, id, kind, name, severity, time] =
        ["session_id", "event_id", "event", "event_name", "severity", "timestamp"]
            .map(|name| take(name).and_then(text));
    let index = take("event_session_index").and_then(|index| index.get().parse().ok());
    let data = take("event_data");
    // Whatever is no object names nobody.
    let said: Data<'_> = data.and_then(|data| serde_json::from_str(data.get()).ok()).unwrap_or_default();
    let rest = if fields.is_empty() { None } else { Some(serde_json::to_string(&fields)?) };
    Ok([
        Cell::Text(session),
        Cell::Text(id),
        Cell::Text(said.repo_id.and_then(text).or_else(|| said.other_repo_id.and_then(text))),
        Cell::Text(said.user_id.and_then(text)),
        Cell::Text(name.clone().or_else(|| kind.clone())),
        Cell::Text(kind),
        Cell::Text(name),
        Cell::Text(severity),
        Cell::Number(time.and_then(|time| Moment::parse(&time)).map(Moment::as_micros)),
        Cell::Number(index),
        Cell::Text(data.map(|data| data.get().to_owned())),
        Cell::Text(rest),
    ])
}

/// Returns a value as text: a text itself, of all else but `null` its JSON.
fn text(value: &RawValue) -> Option<String> {
    match value.get() {
        "null" => None,
        json => Some(serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())),
    }
}

/// Tells what failed: nearly always it is the output.
fn failed(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => (*error).into(),
            Err(source) => Error::Output(io::Error::other(source)),
        },
        other => Error::Output(io::Error::other(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_that_an_event_says_is_in_one_column() {
        let cells = cells(
            r#"{"event":"UNHANDLED_EXCEPTION","event_id":"e","severity":"ERROR","timestamp":"1970-01-01T00:00:01.5Z",
                "event_session_index":7,"event_data":{"user_id":5,"repoId":"r","repo_id":null},"error_type":"T",
                "error_message":"a \"b\"","session_id":"s"}"#,
        );
        let told = cells.unwrap().map(|cell| match cell {
            Cell::Text(text) => text.unwrap_or_default(),
            Cell::Number(number) => number.unwrap_or_default().to_string(),
        });
        let data = r#"{"user_id":5,"repoId":"r","repo_id":null}"#;
        let rest = r#"{"error_message":"a \"b\"","error_type":"T"}"#;
        let kind = "UNHANDLED_EXCEPTION";
        assert_eq!(told, ["s", "e", "r", "5", kind, kind, "", "ERROR", "1500000", "7", data, rest]);
    }
}
