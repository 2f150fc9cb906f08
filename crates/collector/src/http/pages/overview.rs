//! `GET /`: what a range of time was like, beside as long a time before it.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};

use super::super::Shared;
use super::super::api::Pairs;
use super::{or_default, show};
use crate::alerts::State as Standing;
use crate::limits::{HOST_BYTES_MAX, OVERVIEW_EXCEPTIONS_READ, OVERVIEW_ROWS, OVERVIEW_TOOLS};
use crate::page::{self, Address, Origin, Sums, Trend};
use crate::query::{
    self, Bin, BySeverity, CallRange, ExceptionGroup, ExceptionOrder, ExceptionQuery, ExceptionState, Grid,
    HistogramQuery, Moment, OverTime, Page, QueryError, Reader, SessionQuery,
};

/// `GET /`, of `since` to `until`.
pub(in super::super) async fn overview(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Query(pairs): Pairs,
) -> Response {
    let address = Address::new("/", &pairs);
    let asked = query::refreshed(or_default(&pairs, &[("since", page::OVERVIEW_SINCE)]));
    let origin = origin(&shared, &headers);
    let health = shared.0.checks.health().await;
    let (rules, _) = shared.0.watcher.standing();
    let fires = |status: &crate::alerts::Status| status.state == Standing::Firing;
    let firing = rules.into_iter().filter_map(|watched| watched.status.filter(fires)).collect();
    show(&shared, asked, move |reader, ((since, until), refresh)| {
        let now = Moment::now();
        let range = Range::of(since.unwrap_or(now), until.unwrap_or(now));
        let grid = if until.is_none() { range.grid.open() } else { range.grid };
        let range = Range { asked_until: *until, grid, ..range };
        let before = range.before();
        reader.together(|asks| {
            let sums = asks.ask(|| range.sums(reader));
            let sums_before = asks.ask(|| before.sums(reader));
            let sessions = asks.ask(|| reader.sessions(&range.sessions()));
            let exceptions = asks.ask(|| range.trends(reader, &before));
            let regressed = asks.ask(|| range.regressed(reader));
            let (sums, bins) = sums.answer()?;
            Ok(page::overview(&page::Overview {
                sums,
                before: sums_before.answer()?.0,
                took: range.took(),
                hours: range.hours,
                sessions: sessions.answer()?,
                exceptions: exceptions.answer()?,
                regressed: regressed.answer()?,
                is_empty: bins.iter().all(|bin| bin.by_severity.total() == 0) && reader.hours()?.is_none(),
                bins,
                origin,
                refresh: *refresh,
                health,
                firing,
                address,
            }))
        })
    })
    .await
}

/// `GET /begin`
pub(in super::super) async fn begin(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    Html(page::begin_page(&origin(&shared, &headers)).into_string()).into_response()
}

/// A range of time.
struct Range {
    since: Moment,
    until: Moment,
    /// The end that was asked for: without one, what comes after this moment is in it too.
    asked_until: Option<Moment>,
    grid: Grid,
    /// When the first and the last hour begin and end that calls are of: they are counted by hours.
    hours: [Moment; 2],
}

impl Range {
    fn of(since: Moment, until: Moment) -> Self {
        let (begin, end) = CallRange { since: Some(since), until: Some(until) }.hours(until);
        let hours = [begin, end.unwrap_or(until)];
        Self { since, until, asked_until: Some(until), grid: Grid::new(since, until), hours }
    }

    /// Returns as long a time before, up to where this one begins; of calls, as many hours.
    fn before(&self) -> Self {
        let took = self.until.as_micros().saturating_sub(self.since.as_micros());
        let [begin, end] = self.hours;
        let hours = end.as_micros().saturating_sub(begin.as_micros());
        let hours = [Moment::from_micros(begin.as_micros().saturating_sub(hours)), begin];
        Self { hours, ..Self::of(Moment::from_micros(self.since.as_micros().saturating_sub(took)), self.since) }
    }

    fn took(&self) -> Duration {
        let took = self.until.as_micros().saturating_sub(self.since.as_micros());
        Duration::from_micros(u64::try_from(took).unwrap_or(0))
    }

    /// Counts what there was, and events over time as well.
    fn sums(&self, reader: &Reader) -> Result<(Sums, Vec<Bin>), QueryError> {
        let histogram = HistogramQuery { grid: self.grid, name: None, kind: None, severity: None };
        let [since, until] = self.hours.map(Some);
        reader.together(|asks| {
            let bins = asks.ask(|| reader.histogram(&histogram));
            let sessions = asks.ask(|| reader.session_sums(&self.sessions()));
            let calls = asks.ask(move || reader.call_totals(CallRange { since, until }, OVERVIEW_TOOLS));
            let bins = bins.answer()?;
            let events = bins.iter().fold(BySeverity::default(), |sum, bin| sum.plus(&bin.by_severity));
            Ok((Sums { sessions: sessions.answer()?, calls: calls.answer()?, events }, bins))
        })
    }

    /// Returns what the tiles count and the list has: the same that the lists have which the tiles lead to.
    fn sessions(&self) -> SessionQuery {
        SessionQuery {
            since: Some(self.since),
            until: self.asked_until,
            limit: OVERVIEW_ROWS,
            ..SessionQuery::default()
        }
    }

    fn exceptions(&self) -> ExceptionQuery {
        ExceptionQuery {
            since: Some(self.since),
            until: Some(self.until),
            order: ExceptionOrder::Worst,
            limit: OVERVIEW_EXCEPTIONS_READ,
            ..ExceptionQuery::default()
        }
    }

    /// Returns the exceptions that came back within it.
    fn regressed(&self, reader: &Reader) -> Result<Page<ExceptionGroup>, QueryError> {
        let mut page = reader.exceptions(&ExceptionQuery {
            state: Some(ExceptionState::Regressed),
            regressed: Some(self.since),
            since: None,
            until: None,
            ..self.exceptions()
        })?;
        page.items.retain(|group| self.asked_until.is_none_or(|until| group.regressed_at.is_some_and(|at| at < until)));
        Ok(page)
    }

    /// Returns the worst exceptions, each with how often it happened, and how often before.
    fn trends(&self, reader: &Reader, before: &Self) -> Result<Vec<Trend>, QueryError> {
        let sum = |parts: &[OverTime]| parts.iter().fold(0_i64, |sum, part| sum.saturating_add(part.count));
        let mut trends = Vec::new();
        let mut groups = reader.exceptions(&self.exceptions())?.items.into_iter();
        // Mostly the first are all that is shown.
        while trends.len() < OVERVIEW_ROWS && groups.len() > 0 {
            let some: Vec<_> = groups.by_ref().take(OVERVIEW_ROWS).collect();
            let fingerprints: Vec<_> = some.iter().map(|group| &*group.fingerprint).collect();
            let (now, then) = reader.together(|asks| {
                let [now, then] =
                    [self, before].map(|range| asks.ask(|| reader.exceptions_over_time(&fingerprints, &range.grid)));
                Ok::<_, QueryError>((now.answer()?, then.answer()?))
            })?;
            let all = some.into_iter().zip(now).zip(then);
            let all = all.map(|((group, over_time), then)| Trend { group, over_time, before: sum(&then) });
            // Others happened before and after.
            trends.extend(all.filter(|trend| sum(&trend.over_time) > 0));
        }
        trends.truncate(OVERVIEW_ROWS);
        Ok(trends)
    }
}

/// Returns where whoever asks reaches this collector. What is no name of a host is not repeated: it stands in commands.
fn origin(shared: &Shared, headers: &HeaderMap) -> Origin {
    let is_host = |host: &&str| {
        !host.is_empty()
            && host.len() <= HOST_BYTES_MAX
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(is_host);
    let scheme = if shared.tls().is_some() { "https" } else { "http" };
    Origin {
        url: format!("{scheme}://{}", host.unwrap_or("127.0.0.1:4318")),
        asks_for_keys: shared.0.gate.asks_for_keys(),
    }
}
