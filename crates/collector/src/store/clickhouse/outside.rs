//! Large values that are kept outside of the store: where, and what of them is named.
//!
//! Several processes write, and none knows what another is about to name. So the name of a value begins with the hour in which it is put
//! ([`Naming::Hour`](crate::store::outside::Naming)), and what makes it right is time, by the clock of the server:
//!
//! - Nothing is inserted that names a value of an hour that is over for longer than [`BLOB_NAMED_WITHIN`] ([`check`]): it is put anew then, under the name
//!   of another hour.
//! - Nothing is deleted of an hour that is not over for [`BLOB_HOUR_OPEN`] ([`unnamed`], [`named`]). Of an earlier one, a value that no event names is named by
//!   none ever after, so that any process may delete it without telling others.
//!
//! The row of an event is of about the time of its values, which is seen to at the insert: it is what makes looking for names cheap.

use std::collections::HashSet;

use super::edit;
use crate::blobs::hour_of;
use crate::clickhouse::{Client, Error, NOW, Sql, row_at, us_of};
use crate::config::Settings;
use crate::error::OpenError;
use crate::limits::{BLOB_HOUR_OPEN, BLOB_NAMED_WITHIN, BLOB_NOTE_KEPT, BLOB_ROWS_WITHIN};
use crate::store::WIDTHS_US;
use crate::store::index::Part;
use crate::store::outside::{Keeping, Place};

/// By which key it is kept where values are: a JSON list of the URL and, if it is not Amazon's, the server.
const PLACE: &str = "blobs";

/// Opens the place that the settings name, and has the store remember it if this process writes; or else the one that it remembers.
///
/// # Errors
///
/// The one that the settings name can't be opened, or the server can't be asked.
pub(in crate::store) fn keeping(
    client: &Client,
    settings: &Settings,
    writes: bool,
) -> Result<Option<Keeping>, OpenError> {
    let asked = |error: Error| OpenError::Store { at: client.location().to_string(), why: error.to_string() };
    let known = place(client).map_err(asked)?;
    let Some(url) = &settings.blobs else { return Ok(Keeping::known(known, true)) };
    let name = edit::name(client).map_err(asked)?;
    let wanted = Place::of(url, settings, name).map_err(OpenError::Blobs)?;
    let keeping = Keeping::wanted(&wanted, true).map_err(OpenError::Blobs)?;
    if writes && wanted.is_new(known.as_ref()) {
        let value = serde_json::json!([wanted.url, wanted.endpoint()]);
        edit::keep(client, PLACE, &value.to_string()).map_err(asked)?;
    }
    Ok(Some(keeping))
}

/// Likewise, for whoever goes on with what was begun: values go where others of the store are already, and nowhere else.
///
/// # Errors
///
/// The settings name another place, or one that can't be opened, or the server can't be asked.
pub(in crate::store) fn keeping_same(client: &Client, settings: &Settings) -> Result<Option<Keeping>, OpenError> {
    let known = place(client)
        .map_err(|error| OpenError::Store { at: client.location().to_string(), why: error.to_string() })?;
    if let Some(known) = known {
        known.is_same(settings).map_err(OpenError::Blobs)?;
    }
    keeping(client, settings, true)
}

/// Returns the place that a store remembers.
///
/// # Errors
///
/// The server can't be asked, or says something else.
pub(crate) fn place(client: &Client) -> Result<Option<Place>, Error> {
    let Some(kept) = edit::kept(client, PLACE)? else { return Ok(None) };
    let (url, endpoint): (String, Option<String>) = serde_json::from_str(&kept)
        .map_err(|error| Error::Garbled(format!("where large values are can't be read: {error}")))?;
    Ok(Some(Place::new(url, endpoint, edit::name(client)?)))
}

/// Looks whether values may still be named, by events of these rows.
///
/// # Errors
///
/// One was put too long ago, or too far from the time of its row, or the server can't be asked.
pub(super) fn check<'p>(client: &Client, parts: impl Iterator<Item = (u64, &'p Part)>) -> Result<(), Error> {
    let hours = parts.filter_map(|(row, part)| Some((row.cast_signed(), hour_of(&part.outside.as_ref()?.hash)?)));
    let hours: HashSet<(i64, i64)> = hours.map(|(row, hour)| (us_of(row), hour.saturating_mul(WIDTHS_US[1]))).collect();
    if hours.is_empty() {
        return Ok(());
    }
    let now_us = now_us(client)?;
    let (named, around) = (micros(BLOB_NAMED_WITHIN), micros(BLOB_ROWS_WITHIN));
    let may_be_named = |(at_us, hour_us): &(i64, i64)| {
        let end_us = hour_us.saturating_add(WIDTHS_US[1]);
        now_us < end_us.saturating_add(named)
            && (hour_us.saturating_sub(around)..end_us.saturating_add(around)).contains(at_us)
    };
    if hours.iter().all(may_be_named) {
        return Ok(());
    }
    let why = "large values of a block were put too long ago to be named now, or by a clock that is not that of ClickHouse: \
               they are put again when it is sent again";
    Err(Error::Away(format!("{}: {why}", client.location())))
}

/// Notes the values that events name which are about to be removed.
pub(super) fn note(client: &Client, condition: &str) -> Result<(), Error> {
    client.run(&Sql::new(&format!(
        "INSERT INTO unnamed (hash, noted_us) SELECT DISTINCT arrayJoin(`parts.hash`), {NOW} FROM events \
         WHERE notEmpty(`parts.hash`) AND {condition}"
    )))
}

/// Returns some of the values that were noted, whose hour is over for long, and that no event names.
pub(super) fn unnamed(client: &Client, max: usize) -> Result<Vec<Box<str>>, Error> {
    loop {
        let closed = format!("{:06x}", closed_before(now_us(client)?));
        let mut sql = Sql::new(&format!(
            "SELECT hash, noted_us < {NOW} - {} FROM unnamed FINAL WHERE hash < ",
            micros(BLOB_NOTE_KEPT)
        ));
        sql.text(&closed).add(" ORDER BY noted_us LIMIT ").number(max as u64);
        let noted: Vec<(Box<str>, u8)> = client.rows(&sql)?;
        let named = are_named(client, noted.iter().map(|(hash, _)| &**hash))?;
        let (named, unnamed): (Vec<_>, Vec<_>) = noted.into_iter().partition(|(hash, _)| named.contains(hash));
        // What another event names goes with that. One that was noted just now may lose its name yet.
        let done: Vec<Box<str>> = named.into_iter().filter(|(_, is_old)| *is_old != 0).map(|(hash, _)| hash).collect();
        forget_unnamed(client, &done)?;
        if !unnamed.is_empty() || done.is_empty() {
            return Ok(unnamed.into_iter().map(|(hash, _)| hash).collect());
        }
    }
}

/// Forgets that values were noted.
pub(super) fn forget_unnamed(client: &Client, hashes: &[Box<str>]) -> Result<(), Error> {
    if hashes.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(&format!("DELETE FROM {} WHERE hash IN ", client.changed("unnamed")));
    client.run(sql.texts(hashes))
}

/// Returns those of these values that must not be deleted: events name them, or may yet.
pub(super) fn named(client: &Client, hashes: Vec<Box<str>>) -> Result<HashSet<Box<str>>, Error> {
    let closed = closed_before(now_us(client)?);
    let (old, young): (Vec<_>, Vec<_>) =
        hashes.into_iter().partition(|hash| hour_of(hash).is_some_and(|hour| hour < closed));
    let mut named = are_named(client, old.iter().map(|hash| &**hash))?;
    named.extend(young);
    Ok(named)
}

/// Returns in which hours values were put that events name, as their names begin, and how many in each.
pub(crate) fn hours(client: &Client) -> Result<Vec<(String, u64)>, Error> {
    // Six digits of an hour, and what is behind them.
    let sql = "SELECT substring(named, 1, 6) AS put, uniqExact(named) FROM events ARRAY JOIN `parts.hash` AS named \
               GROUP BY put ORDER BY put";
    client.rows(&Sql::new(sql))
}

/// Returns the values of such an hour that events name, each with its length.
pub(crate) fn values_of(client: &Client, hour: &str) -> Result<Vec<(Box<str>, usize)>, Error> {
    let put = i64::from_str_radix(hour, 16).map_err(|_| Error::Garbled(format!("`{hour}` is no hour of a value")))?;
    let mut sql = Sql::new(
        "SELECT DISTINCT named, bytes FROM events ARRAY JOIN `parts.hash` AS named, `parts.bytes` AS bytes WHERE ",
    );
    rows_around(&mut sql, put, put).add(" AND startsWith(named, ").text(hour).add(") ORDER BY named");
    client.rows(&sql)
}

/// Adds where rows of events are that name values which were put in hours from one to another.
fn rows_around(sql: &mut Sql, first: i64, last: i64) -> &mut Sql {
    let around = micros(BLOB_ROWS_WITHIN);
    let from = first.saturating_mul(WIDTHS_US[1]).saturating_sub(around);
    let to = last.saturating_add(1).saturating_mul(WIDTHS_US[1]).saturating_add(around);
    sql.add("row >= ").number(row_at(from)).add(" AND row < ").number(row_at(to))
}

/// Returns those of these values that events name, wherever these are: also what is there twice counts.
pub(crate) fn are_named<'h>(
    client: &Client,
    hashes: impl Iterator<Item = &'h str> + Clone,
) -> Result<HashSet<Box<str>>, Error> {
    let hours = || hashes.clone().filter_map(hour_of);
    let (Some(first), Some(last)) = (hours().min(), hours().max()) else { return Ok(HashSet::new()) };
    let mut sql = Sql::new("SELECT DISTINCT named FROM events ARRAY JOIN `parts.hash` AS named WHERE ");
    rows_around(&mut sql, first, last).add(" AND named IN ").texts(hashes);
    Ok(client.rows::<(Box<str>,)>(&sql)?.into_iter().map(|(hash,)| hash).collect())
}

/// Returns the hour before which all are over for so long that none of their values is named anew.
fn closed_before(now_us: i64) -> i64 {
    now_us.saturating_sub(micros(BLOB_HOUR_OPEN)).div_euclid(WIDTHS_US[1])
}

fn now_us(client: &Client) -> Result<i64, Error> {
    let now: Option<(i64,)> = client.row(&Sql::new(&format!("SELECT {NOW}")))?;
    now.map(|(now_us,)| now_us).ok_or_else(|| Error::Garbled("it does not say how late it is".to_owned()))
}

const fn micros(span: std::time::Duration) -> i64 {
    // Those are hours.
    span.as_secs().cast_signed() * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::named_in;
    use crate::clickhouse::Live;
    use crate::store::clickhouse::open;
    use crate::store::index::Outside;

    #[test]
    fn a_value_is_named_in_its_hour_and_shortly_after_it_and_deleted_when_none_may_name_it() {
        let Some(live) = Live::start() else { return };
        let client = live.client("named");
        open(&client, &live.dir("named"), true).unwrap().engine.close();
        let now = now_us(&client).unwrap();
        let hour = now / WIDTHS_US[1];
        let name = |hour: i64| named_in(hour, &"a".repeat(64));
        let may_be = |row_us: i64, hour: i64| {
            let outside = Some(Outside { hash: name(hour), bytes: 20_000, filter: Vec::new() });
            let part = Part { at: 1, text: "".into(), outside };
            check(&client, [(row_at(row_us).cast_unsigned(), &part)].into_iter())
        };
        may_be(now, hour).unwrap();
        for (row_us, hour) in [(now, hour - 2), (now, hour + 3), (now - 3 * WIDTHS_US[1], hour)] {
            let refused = may_be(row_us, hour).unwrap_err().to_string();
            assert!(refused.contains("put too long ago") && refused.contains("sent again"), "{refused}");
        }
        // Nothing names either; the younger one may be named yet.
        let asked = vec![name(hour), name(hour - 3)];
        assert_eq!(named(&client, asked).unwrap(), HashSet::from([name(hour)]));
        let note = |name: &str| {
            let mut sql =
                Sql::new(&format!("INSERT INTO unnamed (hash, noted_us) SELECT arrayJoin(['{name}']), {NOW}"));
            client.run(sql.add("")).unwrap();
        };
        for hour in [hour, hour - 3, hour - 4] {
            note(&name(hour));
        }
        assert_eq!(unnamed(&client, 10).unwrap(), [name(hour - 3), name(hour - 4)]);
        let event = Sql::new(&format!(
            "INSERT INTO events (session, id, row, `parts.at`, `parts.hash`) SELECT 's', 'a', {}, [1], ['{}']",
            row_at(now - 3 * WIDTHS_US[1]),
            name(hour - 3)
        ));
        client.run(&event).unwrap();
        assert_eq!(named(&client, vec![name(hour - 3)]).unwrap().len(), 1);
        assert_eq!(unnamed(&client, 10).unwrap(), [name(hour - 4)]);
        forget_unnamed(&client, &[name(hour - 4)]).unwrap();
        assert_eq!(unnamed(&client, 10).unwrap(), Vec::<Box<str>>::new());
    }
}
