//! Exceptions, those that are alike together.

use lastword::Severity;
use lastword::privacy::estimate_users;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use serde::{Serialize, Serializer};

use super::events::by_row;
use super::facts::row_before;
use super::groups::REGRESSED_SINCE;
use super::params::{Params, cursor};
use super::room::Room;
use super::{Event, Moment, Page, ParamError, QueryError};
use crate::limits::{EXCEPTION_VERSIONS_MAX, PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use crate::store::severity_of;

/// Which exceptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionQuery {
    /// The group with this fingerprint.
    pub fingerprint: Option<String>,
    /// Those that happened in this session.
    pub session: Option<String>,
    /// In this state.
    pub state: Option<ExceptionState>,
    /// That happened in this version.
    pub version: Option<String>,
    /// Those that last happened at or after this, by the client's clock.
    pub since: Option<Moment>,
    /// Those that first happened before this, by the client's clock.
    pub until: Option<Moment>,
    /// Those of which the first was received at or after this.
    pub appeared: Option<Moment>,
    /// Those that were received again at or after this, when somebody had said that they are dealt with.
    pub regressed: Option<Moment>,
    /// With this text in their type or message, in either case.
    pub text: Option<String>,
    /// In this order.
    pub order: ExceptionOrder,
    /// Those that come after the page that had this as its `next`.
    pub after: Option<String>,
    /// At most this many, 1 to 1000.
    pub limit: usize,
}

/// In which order exceptions come. All but the first change while exceptions happen, so that a page of them may show one again that
/// the page before had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ExceptionOrder {
    /// The latest to appear first.
    #[default]
    New,
    /// The latest to happen first.
    Last,
    /// The most frequent first.
    Count,
    /// Those that came back first, then those that are open, then those that are resolved; of each the worst severity first, then the latest.
    Worst,
}

impl ExceptionOrder {
    /// Every order there is.
    pub const ALL: [Self; 4] = [Self::Worst, Self::Last, Self::New, Self::Count];

    /// Returns the order's name in queries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Last => "last",
            Self::Count => "count",
            Self::Worst => "worst",
        }
    }

    const fn sql(self) -> &'static str {
        match self {
            Self::New => "id DESC",
            Self::Last => "last_us DESC, id DESC",
            Self::Count => "count DESC, id DESC",
            Self::Worst => "resolved_us IS NOT NULL, regressed_us IS NULL, severity DESC, last_us DESC, id DESC",
        }
    }
}

impl Default for ExceptionQuery {
    fn default() -> Self {
        Self {
            fingerprint: None,
            session: None,
            state: None,
            version: None,
            since: None,
            until: None,
            appeared: None,
            regressed: None,
            text: None,
            order: ExceptionOrder::default(),
            after: None,
            limit: PAGE_ROWS_DEFAULT,
        }
    }
}

impl ExceptionQuery {
    pub(crate) const PARAMS: &[&str] = &[
        "fingerprint",
        "session",
        "state",
        "version",
        "since",
        "until",
        "appeared",
        "regressed",
        "text",
        "order",
        "limit",
        "after",
    ];

    /// Reads the parameters of a URL: `fingerprint`, `session`, `state` (`open`, `resolved`, `regressed`), `version`, `since`, `until`,
    /// `appeared`, `regressed`, `text`, `order` (`new`, `last`, `count`, `worst`), `limit`, `after` (also `cursor`).
    ///
    /// # Errors
    ///
    /// A parameter is unknown, given twice or can't be read.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, ParamError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut params = Params::new(Self::PARAMS, pairs)?;
        Ok(Self {
            fingerprint: params.text("fingerprint"),
            session: params.text("session"),
            state: params.exception_state()?,
            version: params.text("version"),
            since: params.moment("since")?,
            until: params.moment("until")?,
            appeared: params.moment("appeared")?,
            regressed: params.moment("regressed")?,
            text: params.text("text"),
            order: params.exception_order()?.unwrap_or_default(),
            limit: params.limit()?,
            after: params.after()?,
        })
    }
}

/// Whether exceptions are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExceptionState {
    /// Nobody said that it is.
    Open,
    /// Somebody said that it is, and it has not happened since.
    Resolved,
    /// Somebody said that it is, and it happened again.
    Regressed,
}

impl ExceptionState {
    /// Every state there is.
    pub const ALL: [Self; 3] = [Self::Open, Self::Resolved, Self::Regressed];

    /// Returns the state's name in queries and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Regressed => "regressed",
        }
    }

    /// Tells it by when somebody said that they are, and when they happened again after that.
    pub(super) const fn of(resolved_at: Option<i64>, regressed_at: Option<i64>) -> Self {
        match (resolved_at, regressed_at) {
            (Some(_), _) => Self::Resolved,
            (None, Some(_)) => Self::Regressed,
            (None, None) => Self::Open,
        }
    }
}

/// Exceptions of a group in one version of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExceptionVersion {
    /// The version, as the client tells it (`sdk_version`).
    pub version: String,
    /// The time of the earliest, by its client's clock.
    pub first_seen: Moment,
    /// The time of the latest, by its client's clock.
    pub last_seen: Moment,
    /// How many there are.
    pub count: i64,
}

/// Exceptions of one type whose messages differ in nothing but numbers, ids and quoted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExceptionGroup {
    /// What they have in common: 16 hexadecimal digits.
    pub fingerprint: String,
    /// The error's type.
    pub error_type: String,
    /// The message of the first of them, cut to 1024 bytes.
    pub error_message: String,
    /// The worst severity among them.
    #[serde(serialize_with = "severity")]
    pub severity: Severity,
    /// How many there are.
    pub count: i64,
    /// In how many sessions.
    pub sessions: i64,
    /// The time of the earliest, by its client's clock.
    pub first_seen: Moment,
    /// The time of the latest, by its client's clock.
    pub last_seen: Moment,
    /// Whether it is dealt with.
    pub state: ExceptionState,
    /// When somebody said that it is dealt with.
    pub resolved_at: Option<Moment>,
    /// When it happened again after that.
    pub regressed_at: Option<Moment>,
    /// The versions that it happened in, the latest first, at most 50.
    pub versions: Vec<ExceptionVersion>,
    /// About how many users it happened to, where programs tell the bucket of their user: `12`, `>= 100`.
    pub users_affected: Option<String>,
    /// The first of them that was stored, with its traceback where it has one.
    pub sample: Option<Event>,
}

pub(super) fn severity<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(severity.as_str())
}

/// What is asked of the database.
struct Statement {
    sql: String,
    values: Vec<Value>,
    begin: Begin,
}

/// Where a page of groups begins.
pub(super) struct Begin {
    /// Before the group of this number, in the order in which they appeared.
    pub(super) below: Option<i64>,
    /// Behind so many: an order that changes has no place that stays, so there the cursor is how many were shown.
    pub(super) shown: Option<i64>,
}

impl Begin {
    pub(super) fn of(query: &ExceptionQuery) -> Result<Self, ParamError> {
        let after = cursor(query.after.as_deref())?;
        Ok(match query.order {
            ExceptionOrder::New => Self { below: after, shown: None },
            _ => Self { below: None, shown: Some(after.unwrap_or(0)) },
        })
    }

    /// Returns the cursor behind a page of so many groups, of which the last has this number.
    pub(super) fn behind(&self, groups: usize, last: Option<i64>) -> Option<String> {
        let next = match self.shown {
            Some(shown) => i64::try_from(groups).ok().and_then(|groups| shown.checked_add(groups)),
            None => last,
        };
        next.map(|next| next.to_string())
    }
}

/// Writes what is asked for one more than a page has.
fn statement(connection: &Connection, query: &ExceptionQuery, limit: usize) -> Result<Statement, QueryError> {
    let mut sql =
        "SELECT id, fingerprint, error_type, message, severity, count, sessions, first_us, last_us, sample_row,
                          resolved_us, regressed_us, buckets
                   FROM exceptions WHERE 1"
            .to_owned();
    let mut values: Vec<Value> = Vec::new();
    let mut and = |condition: &str, value: Value| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
    };
    let begin = Begin::of(query)?;
    if let Some(below) = begin.below {
        and("id < ?", below.into());
    }
    if let Some(fingerprint) = &query.fingerprint {
        and("fingerprint = ?", fingerprint.clone().into());
    }
    if let Some(Moment(since)) = query.since {
        and("last_us >= ?", since.into());
    }
    if let Some(Moment(until)) = query.until {
        and("first_us < ?", until.into());
    }
    if let Some(Moment(appeared)) = query.appeared {
        and("sample_row > ?", row_before(connection, appeared)?.into());
    }
    if let Some(Moment(regressed)) = query.regressed {
        and(REGRESSED_SINCE, regressed.into());
    }
    if let Some(text) = &query.text {
        and("instr(lower(error_type || char(10) || message), lower(?)) > 0", text.clone().into());
    }
    if let Some(session) = &query.session {
        let of_session = "EXISTS (SELECT 1 FROM exception_sessions x JOIN sessions s ON s.id = x.session
                          WHERE x.exception = exceptions.id AND s.session_id = ?)";
        and(of_session, session.clone().into());
    }
    if let Some(version) = &query.version {
        let of_version =
            "EXISTS (SELECT 1 FROM exception_versions v WHERE v.exception = exceptions.id AND v.version = ?)";
        and(of_version, version.clone().into());
    }
    match query.state {
        None => {}
        Some(ExceptionState::Resolved) => sql.push_str(" AND resolved_us IS NOT NULL"),
        Some(ExceptionState::Regressed) => sql.push_str(" AND resolved_us IS NULL AND regressed_us IS NOT NULL"),
        Some(ExceptionState::Open) => sql.push_str(" AND resolved_us IS NULL AND regressed_us IS NULL"),
    }
    sql.push_str(&format!(" ORDER BY {} LIMIT {} OFFSET ?", query.order.sql(), limit + 1));
    values.push(begin.shown.unwrap_or(0).into());
    Ok(Statement { sql, values, begin })
}

/// Returns a page of groups, in the order that is asked for.
pub(super) fn page(connection: &mut Connection, query: &ExceptionQuery) -> Result<Page<ExceptionGroup>, QueryError> {
    let limit = query.limit.clamp(1, PAGE_ROWS_MAX);
    let snapshot = connection.transaction()?;
    let Statement { sql, values, begin } = statement(&snapshot, query, limit)?;
    let mut prepared = snapshot.prepare_cached(&sql)?;
    let mut rows = prepared.query(params_from_iter(values))?;
    let (mut items, mut last, mut room, mut next) = (Vec::new(), None, Room::of_rows(limit), None);
    while let Some(row) = rows.next()? {
        let sample = by_row(&snapshot, row.get(9)?)?;
        if !room.takes(sample.as_ref().map_or(0, |event| event.json.len())) {
            next = begin.behind(items.len(), last);
            break;
        }
        last = Some(row.get::<_, i64>(0)?);
        items.push(group(&snapshot, row, sample)?);
    }
    Ok(Page { items, next, resume: None })
}

/// Reads a group.
fn group(connection: &Connection, row: &Row<'_>, sample: Option<Event>) -> rusqlite::Result<ExceptionGroup> {
    let id: i64 = row.get(0)?;
    let (resolved_at, regressed_at) = (row.get::<_, Option<i64>>(10)?, row.get::<_, Option<i64>>(11)?);
    let buckets: i64 = row.get(12)?;
    Ok(ExceptionGroup {
        state: ExceptionState::of(resolved_at, regressed_at),
        resolved_at: resolved_at.map(Moment),
        regressed_at: regressed_at.map(Moment),
        versions: versions(connection, id)?,
        users_affected: users(buckets.count_ones()),
        fingerprint: row.get(1)?,
        error_type: row.get(2)?,
        error_message: row.get(3)?,
        severity: severity_of(row.get(4)?),
        count: row.get(5)?,
        sessions: row.get(6)?,
        first_seen: Moment(row.get(7)?),
        last_seen: Moment(row.get(8)?),
        sample,
    })
}

/// Says about how many users programs have that told so many buckets; `None` where none did.
pub(super) fn users(buckets: u32) -> Option<String> {
    (buckets > 0).then(|| estimate_users(buckets).to_string())
}

/// Returns the versions that a group happened in.
fn versions(connection: &Connection, group: i64) -> rusqlite::Result<Vec<ExceptionVersion>> {
    let mut find = connection.prepare_cached(&format!(
        "SELECT version, first_us, last_us, count FROM exception_versions WHERE exception = ?
         ORDER BY last_us DESC LIMIT {EXCEPTION_VERSIONS_MAX}"
    ))?;
    let rows = find.query_map([group], |row| {
        Ok(ExceptionVersion {
            version: row.get(0)?,
            first_seen: Moment(row.get(1)?),
            last_seen: Moment(row.get(2)?),
            count: row.get(3)?,
        })
    })?;
    rows.collect()
}
