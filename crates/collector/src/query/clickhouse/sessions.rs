//! Sessions. See [`crate::query::sessions`].

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Deserialize;

use super::Remote;
use super::sums::{self, Bounds};
use crate::clickhouse::Sql;
use crate::clock;
use crate::limits::GAPS_LISTED_MAX;
use crate::query::narrow::cut;
use crate::query::{BySeverity, Gap, Moment, Page, QueryError, Session, SessionDetail, SessionQuery, SessionState};

/// Whether a session ended by a fatal error: the number of its end is -1 where it has none, that of a critical exception beyond all where there is none.
pub(super) const FATAL: &str = "min(critical_index) < max(end_index)";

/// How many different numbers of a session arrived, and the largest of them.
const COVERED: &str = "toInt64(groupBitmapMerge(indexes))";
const MAX_INDEX: &str = "if(groupBitmapMerge(indexes) = 0, -1, toInt64(bitmapMax(groupBitmapMergeState(indexes))))";

/// The numbers that arrived, in order: a bitmap of few gives them in any.
pub(super) const SEEN: &str =
    "arraySort(arrayMap(seen -> toInt64(seen), bitmapToArray(groupBitmapMergeState(indexes))))";

/// Returns how many events of a session never arrived, by their numbers.
pub(super) fn missing() -> String {
    format!("greatest({MAX_INDEX} + 1 - {COVERED}, 0)")
}

/// Adds how a session stands; one that has not ended is silent if it was last heard of before a moment.
pub(super) fn state(sql: &mut Sql, silent_before: i64) {
    sql.add("multiIf(max(recovered) > 0, 'crashed', max(end_index) >= 0, 'ended', max(last_received_us) < ");
    sql.number(silent_before).add(", 'silent', 'open')");
}

/// Adds which sessions a query means that began at a row or later: what stands behind `FROM sessions`, up to the conditions of a group.
pub(super) fn matching(sql: &mut Sql, query: &SessionQuery, silent_before: i64, from: i64) {
    sql.add(" WHERE 1");
    sums::from(sql, ("session", "sessions"), from);
    if let Some(id) = &query.id {
        sql.add(" AND startsWith(session, ").text(id).add(")");
    }
    // What is true of a row is true of its session: it is asked of rows, and then all rows of those sessions are read.
    if let Some(since) = query.since {
        sql.add(" AND session IN (SELECT session FROM sessions WHERE ");
        sums::since(sql, since.as_micros());
        sql.add(")");
    }
    if let Some(Moment(received)) = query.received {
        sql.add(" AND session IN (SELECT session FROM sessions WHERE last_received_us >= ").number(received).add(")");
    }
    if let Some(fingerprint) = &query.exception {
        sql.add(" AND session IN (SELECT session FROM occurrences WHERE fingerprint = ").text(fingerprint).add(")");
    }
    if let Some(user) = cut(query.user.as_deref()) {
        sql.add(" AND session IN (SELECT session FROM events WHERE user = ").text(user).add(")");
    }
    sql.add(" GROUP BY session HAVING 1");
    if let Some(Moment(until)) = query.until {
        sql.add(" AND min(first_us) < ").number(until);
    }
    if let Some(wanted) = query.state {
        sql.add(" AND ");
        state(sql, silent_before);
        sql.add(" = ").text(wanted.as_str());
    }
    if let Some(version) = &query.version {
        sql.add(" AND argMaxMerge(version) != '' AND argMaxMerge(version) = ").text(version);
    }
    let missing = missing();
    let flags = [
        (query.fatal, FATAL.to_owned()),
        (query.lost, format!("{missing} > 0 OR max(dropped) > 0")),
        (query.failed, format!("max(recovered) > 0 OR {FATAL}")),
        (query.missing, format!("{missing} > 0")),
    ];
    for (wanted, condition) in flags {
        match wanted {
            Some(true) => _ = sql.add(&format!(" AND ({condition})")),
            Some(false) => _ = sql.add(&format!(" AND NOT ({condition})")),
            None => {}
        }
    }
}

/// What is known of a session beside its counts.
#[derive(Deserialize)]
struct Known {
    number: i64,
    session_id: String,
    state: String,
    is_fatal: bool,
    signal: Option<String>,
    covered: i64,
    max_index: i64,
    gaps: i64,
    first_us: i64,
    last_us: i64,
    first_received_us: i64,
    last_received_us: i64,
    platform: Option<String>,
    version: Option<String>,
    process: Option<String>,
}

/// Its id, its events, those that are debug, info, warning, error and critical, exceptions, and what was dropped.
type Counted = (String, i64, i64, i64, i64, i64, i64, i64, BTreeMap<String, i64>);

/// Returns a page of sessions, the latest to begin first: an order that doesn't change under the reader's hands.
pub(in crate::query) fn page(
    remote: &Remote,
    query: &SessionQuery,
    now_us: i64,
    silent_after: Duration,
) -> Result<Page<Session>, QueryError> {
    let bounds = Bounds::of(query.after.as_deref(), query.limit)?;
    let silent_before = clock::before(now_us, silent_after);
    let found = bounds.newest(|from| {
        let mut which = Sql::new("session IN (SELECT session FROM sessions");
        matching(&mut which, query, silent_before, from);
        bounds.put(&mut which, "min(row)", from);
        which.add(")");
        known(remote, &which, silent_before)
    })?;
    Ok(bounds.page(whole(remote, found)?))
}

/// Returns those of these sessions that are known, without what their clients dropped.
pub(in crate::query) fn named(
    remote: &Remote,
    ids: &[&str],
    now_us: i64,
    silent_after: Duration,
) -> Result<Vec<Session>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut which = Sql::new("session IN ");
    which.texts(ids);
    let found = whole(remote, known(remote, &which, clock::before(now_us, silent_after))?)?;
    let found: HashMap<_, _> = found.iter().map(|(_, session)| (&*session.session_id, session)).collect();
    let known = ids.iter().filter_map(|id| found.get(id));
    Ok(known.map(|session| Session { drops: BTreeMap::new(), ..(*session).clone() }).collect())
}

/// Returns all that is known of a session.
pub(in crate::query) fn detail(
    remote: &Remote,
    session_id: &str,
    now_us: i64,
    silent_after: Duration,
) -> Result<Option<SessionDetail>, QueryError> {
    let mut which = Sql::new("session = ");
    which.text(session_id);
    let found = whole(remote, known(remote, &which, clock::before(now_us, silent_after))?)?.pop();
    let Some((_, session)) = found else { return Ok(None) };
    let gap_list = if session.gaps > 0 { gaps(remote, session_id)? } else { Vec::new() };
    Ok(Some(SessionDetail { session, gap_list }))
}

/// Returns what lies between the numbers that arrived, and before the first.
fn gaps(remote: &Remote, session_id: &str) -> Result<Vec<Gap>, QueryError> {
    let mut sql =
        Sql::new(&format!("SELECT pair.1, pair.2 FROM (SELECT {SEEN} AS numbers FROM sessions WHERE session = "));
    sql.text(session_id).add(&format!(
        ") ARRAY JOIN arrayZip(arrayPushFront(arrayPopBack(numbers), toInt64(-1)), numbers) AS pair
         WHERE pair.2 - pair.1 > 1 ORDER BY pair.1 LIMIT {GAPS_LISTED_MAX}"
    ));
    let pairs: Vec<(i64, i64)> = remote.rows(&sql)?;
    let gap = |(before, behind): (i64, i64)| Gap { from: before + 1, to: behind - 1, missing: behind - before - 1 };
    Ok(pairs.into_iter().map(gap).collect())
}

/// Reads what is known of sessions beside their counts, the largest number first.
fn known(remote: &Remote, which: &Sql, silent_before: i64) -> Result<Vec<Known>, QueryError> {
    let mut sql = Sql::new("SELECT toInt64(min(row)) AS number, session, ");
    state(&mut sql, silent_before);
    // An unbroken session is not taken apart to count its gaps.
    sql.add(&format!(
        ", toBool({FATAL}), nullIf(argMinMerge(signal), ''), {COVERED}, {MAX_INDEX},
           if({} = 0, 0, toInt64(arrayCount(step -> step > 1, arrayDifference(arrayPushFront({SEEN}, toInt64(-1)))))),
           min(first_us), max(last_us), min(first_received_us), max(last_received_us),
           nullIf(argMaxMerge(platform), ''), nullIf(argMaxMerge(version), ''), nullIf(argMaxMerge(process), '')
         FROM sessions WHERE ",
        missing()
    ));
    sql.add(which.as_str()).add(" GROUP BY session ORDER BY number DESC");
    remote.rows(&sql)
}

/// Adds counts to what is known of sessions; one whose events are gone, as those of a user are, has none until it is forgotten.
fn whole(remote: &Remote, known: Vec<Known>) -> Result<Vec<(i64, Session)>, QueryError> {
    let mut counted = sums::counted(remote, &known, count, |counted: &Counted| &counted.0)?;
    let whole = |known: Known| {
        let counted = counted.remove(&known.session_id).unwrap_or_default();
        (known.number, known.counted(counted))
    };
    Ok(known.into_iter().map(whole).collect())
}

/// Writes the statement that counts the events of sessions.
fn count(known: &[Known]) -> Sql {
    let ids = || known.iter().map(|known| &known.session_id);
    let mut sql = Sql::new(&format!(
        "SELECT session, toInt64(count()), toInt64(countIf(severity <= 1)), toInt64(countIf(severity = 2)),
                toInt64(countIf(severity = 3)), toInt64(countIf(severity = 4)), toInt64(countIf(severity = 5)),
                toInt64(countIf(kind = 2)), {}
         FROM events FINAL WHERE session IN ",
        in_64_bits(SUM_OF_DROPS)
    ));
    sql.texts(ids()).add(" AND hour IN (SELECT hour FROM sessions WHERE session IN ").texts(ids());
    sql.add(") GROUP BY session");
    sql
}

/// What was dropped by the events of a session together, by reason. It is not cut before all is added up.
pub(super) const SUM_OF_DROPS: &str = "sumMap(mapApply((reason, n) -> (toString(reason), toInt128(n)), drops))";

/// Returns counts by reason so that none overflows: one that would is the largest.
pub(super) fn in_64_bits(drops: &str) -> String {
    format!("mapApply((reason, n) -> (reason, toInt64(least(n, 9223372036854775807))), {drops})")
}

impl Known {
    fn counted(self, counted: Counted) -> Session {
        let (_, events, debug, info, warning, error, critical, exceptions, drops) = counted;
        Session {
            session_id: self.session_id,
            state: SessionState::of(&self.state),
            fatal: self.is_fatal,
            signal: self.signal,
            events,
            by_severity: BySeverity { debug, info, warning, error, critical },
            exceptions,
            missing: (self.max_index + 1).saturating_sub(self.covered),
            gaps: self.gaps,
            last_index: Some(self.max_index).filter(|index| *index >= 0),
            drops,
            first_event: Some(Moment(self.first_us)),
            last_event: Some(Moment(self.last_us)),
            first_received: Moment(self.first_received_us),
            last_received: Moment(self.last_received_us),
            platform: self.platform,
            sdk_version: self.version,
            process_uuid: self.process,
        }
    }
}
