//! Tables with columns that are states, of which the last or the first value can be told, or how many there are. The server makes them of values, which are
//! written as JSON within the statement: a state itself is nothing that a client should know how to write.

use serde_json::Value;

use crate::clickhouse::{Client, Error, Lease, RowBinary, Sql};
use crate::limits::{CLICKHOUSE_INSERT_TIMEOUT, STATEMENT_BYTES_MAX};

/// A table whose columns are made of values by the server.
pub(super) struct Shape {
    pub(super) table: &'static str,
    pub(super) columns: &'static str,
    /// The columns, of the values.
    select: &'static str,
    /// The values, with their types.
    values: &'static str,
}

/// Sessions.
pub(super) const SESSIONS: Shape = Shape {
    table: "sessions",
    columns: "hour, session, row, platform, version, process, first_received_us, last_received_us, first_us, last_us, indexes, \
              end_index, critical_index, recovered, signal, dropped",
    select: "hour, session, row, initializeAggregation('argMaxState', platform, platform_row), \
             initializeAggregation('argMaxState', version, version_row), \
             initializeAggregation('argMaxState', process, process_row), first_received_us, last_received_us, first_us, last_us, \
             arrayReduce('groupBitmapState', indexes), end_index, critical_index, recovered, \
             initializeAggregation('argMinState', signal, signal_row), dropped",
    values: "hour DateTime('UTC'), session String, row UInt64, platform String, platform_row UInt64, version String, \
             version_row UInt64, process String, process_row UInt64, first_received_us Int64, last_received_us Int64, first_us Int64, last_us Int64, \
             indexes Array(UInt64), end_index Int64, critical_index Int64, recovered UInt8, signal String, \
             signal_row UInt64, dropped UInt8",
};

/// Traces.
pub(super) const TRACES: Shape = Shape {
    table: "traces",
    columns: "hour, trace, row, session, first_us, last_us, root, failed",
    select: "hour, toFixedString(unhex(trace), 16), row, initializeAggregation('argMinState', session, session_row), \
             first_us, last_us, initializeAggregation('argMaxState', (root_session, name, duration_us), weight), failed",
    values: "hour DateTime('UTC'), trace String, row UInt64, session String, session_row UInt64, first_us Int64, \
             last_us Int64, root_session String, name String, duration_us Int64, weight UInt64, failed UInt8",
};

/// Runs.
pub(super) const RUNS: Shape = Shape {
    table: "runs",
    columns: "hour, run, row, session, first_us, last_us, objective, ended",
    select: "hour, run, row, initializeAggregation('argMinState', session, session_row), first_us, last_us, \
             initializeAggregation('argMaxState', objective, objective_row), \
             initializeAggregation('argMaxState', (status, ended_us), ended_row)",
    values: "hour DateTime('UTC'), run String, row UInt64, session String, session_row UInt64, first_us Int64, \
             last_us Int64, objective String, objective_row UInt64, status String, ended_us Int64, ended_row UInt64",
};

/// Series.
pub(super) const SERIES: Shape = Shape {
    table: "series",
    columns: "series, name, kind, labels, row, unit, last_us, last",
    select: "series, name, kind, labels, row, initializeAggregation('argMaxState', unit, unit_row), last_us, \
             initializeAggregation('argMaxState', last, last_us)",
    values: "series UInt64, name String, kind UInt8, labels String, row UInt64, unit String, unit_row UInt64, \
             last_us Int64, last Float64",
};

impl Shape {
    /// Inserts rows of values of the open block, so many at once as a server takes.
    pub(super) fn insert(
        &self,
        client: &Client,
        lease: &mut Lease,
        rows: impl Iterator<Item = Value>,
    ) -> Result<(), Error> {
        let mut lines = String::new();
        for row in rows {
            lines.push_str(&row.to_string());
            lines.push('\n');
            if lines.len() >= STATEMENT_BYTES_MAX {
                self.send(client, lease, &lines)?;
                lines.clear();
            }
        }
        if lines.is_empty() { Ok(()) } else { self.send(client, lease, &lines) }
    }

    fn send(&self, client: &Client, lease: &mut Lease, lines: &str) -> Result<(), Error> {
        lease.keep()?;
        client.run_within(&self.sql(lines), CLICKHOUSE_INSERT_TIMEOUT)
    }

    fn sql(&self, lines: &str) -> Sql {
        let Self { table, columns, select, values } = self;
        let mut sql =
            Sql::new(&format!("INSERT INTO {table} ({columns}) SELECT {select} FROM format(JSONCompactEachRow, "));
        sql.text(values).add(", ").text(lines).add(")");
        sql
    }
}

/// Inserts rows, if there are any.
pub(super) fn insert(client: &Client, table: &str, columns: &[&str], rows: &RowBinary) -> Result<(), Error> {
    if rows.rows() == 0 { Ok(()) } else { client.insert(table, columns, rows, None) }
}

/// As [`insert`], of the open block: readers wait for it.
pub(super) fn insert_kept(
    client: &Client,
    lease: &mut Lease,
    table: &str,
    columns: &[&str],
    rows: &RowBinary,
) -> Result<(), Error> {
    if rows.rows() > 0 {
        lease.keep()?;
    }
    insert(client, table, columns, rows)
}
