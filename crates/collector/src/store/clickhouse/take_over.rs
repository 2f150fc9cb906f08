//! What another store has beside its events, taken over: see [`Beside`].
//!
//! All of it may be written again. Series say nothing here that their events do not say.

use std::collections::HashSet;

use super::edit::{AUDIT, MARKS, OPT_INS};
use super::groups::{Session as Group, Times, UNSAID_FIRST, USERS, write_user};
use super::rows::hour_of;
use super::shapes::{SESSIONS, insert};
use crate::clickhouse::{Client, Error, Lease, ROW_BITS, RowBinary, Sql, row_at};
use crate::clock;
use crate::ingest::NO_INDEX;
use crate::store::beside::{Beside, Mark, Noted, Session, User};

/// The numbers that there are for rows of one millisecond.
const ROWS: i64 = 1 << ROW_BITS;

/// Takes some of it over, with rows of the lease.
pub(super) fn take_over(client: &Client, lease: &mut Lease, beside: &Beside) -> Result<(), Error> {
    match beside {
        Beside::Sessions(sessions) => {
            let mut rows = Vec::new();
            for session in sessions {
                rows.extend(group(session, row(lease)?));
            }
            SESSIONS.insert(client, lease, rows.into_iter())
        }
        Beside::Users(users) => {
            let (mut known, mut agreed) = (RowBinary::new(), RowBinary::new());
            for user in users {
                put_user(&mut known, &mut agreed, user, row(lease)?);
            }
            insert(client, "users", &USERS, &known)?;
            insert(client, "opt_ins", &OPT_INS, &agreed)
        }
        Beside::Marks(marks) => put_marks(client, marks, row(lease)?),
        Beside::Series(_) => Ok(()),
        Beside::Trail { entries, .. } => put_trail(client, entries),
    }
}

/// Returns a row, later than the one before.
fn row(lease: &mut Lease) -> Result<u64, Error> {
    Ok(lease.row()?.cast_unsigned())
}

/// Returns a session as rows of its table.
fn group(session: &Session, row: u64) -> Vec<serde_json::Value> {
    let (first_us, last_us) = session.times_us.unwrap_or((i64::MAX, i64::MIN));
    let signal = session.signal.as_deref().map_or(("", UNSAID_FIRST), |signal| (signal, row));
    let group = Group {
        times: Times { row, first_us, last_us },
        received_us: session.received_us,
        told: [&session.platform, &session.version, &session.process]
            .map(|said| said.as_deref().map_or(("", 0), |said| (said, row))),
        indexes: session.ranges.iter().flat_map(|(low, high)| *low..=*high).collect(),
        end_index: session.end_index.unwrap_or(NO_INDEX),
        critical_index: session.critical_index.unwrap_or(i64::MAX),
        recovered: session.recovered,
        signal,
        dropped: session.drops.as_ref().is_some_and(|drops| !drops.is_empty()),
    };
    group.rows(hour_of(first_us, session.received_us.0), &session.id)
}

fn put_user(known: &mut RowBinary, agreed: &mut RowBinary, user: &User, row: u64) {
    let (first_us, last_us) = user.times_us.unwrap_or((i64::MAX, i64::MIN));
    write_user(known, &user.id, row, first_us, last_us);
    if let Some(changed_us) = user.changed_us {
        agreed.text(&user.id).i64(changed_us).u8(u8::from(user.opted_in)).end_row();
    }
}

/// A group that came back did so with the first row behind that of its mark.
fn put_marks(client: &Client, marks: &[Mark], row: u64) -> Result<(), Error> {
    let marked: Vec<(String,)> = client.rows(&Sql::new("SELECT fingerprint FROM marks FINAL WHERE resolved_us > 0"))?;
    let marked: HashSet<String> = marked.into_iter().map(|(fingerprint,)| fingerprint).collect();
    let (mut rows, changed_us) = (RowBinary::new(), clock::now_us());
    for Mark { fingerprint, resolved_us, regressed_us } in marks {
        let (resolved_us, resolved_row) = match (resolved_us, regressed_us) {
            (Some(resolved_us), _) => (*resolved_us, row),
            (None, Some(regressed_us)) => {
                let mut sql = Sql::new("SELECT max(row) FROM occurrences WHERE fingerprint = ");
                sql.text(fingerprint).add(" AND received_us < ").number(*regressed_us);
                let before: Option<(u64,)> = client.row(&sql)?;
                (regressed_us.saturating_sub(1), before.map_or(0, |(row,)| row))
            }
            (None, None) if marked.contains(fingerprint) => (0, 0),
            (None, None) => continue,
        };
        rows.text(fingerprint).i64(changed_us).i64(resolved_us).u64(resolved_row).end_row();
    }
    insert(client, "marks", &MARKS, &rows)
}

/// Entries get rows that follow from what they are, so that an entry that is written again is the same one.
fn put_trail(client: &Client, entries: &[Noted]) -> Result<(), Error> {
    let mut rows = RowBinary::new();
    for entry in entries {
        let Noted { number, time_us, actor, address, action, description, metadata, request_id } = entry;
        let row = (row_at(*time_us) + number.rem_euclid(ROWS)).cast_unsigned();
        rows.i64(*time_us).u64(row).text(actor).text(address.as_deref().unwrap_or_default());
        rows.text(action).text(description).text(metadata).text(request_id.as_deref().unwrap_or_default()).end_row();
    }
    insert(client, "audit", &AUDIT, &rows)
}
