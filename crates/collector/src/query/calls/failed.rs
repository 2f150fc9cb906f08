//! The calls that failed, one by one: those that are counted as failed, and no others.

use lastword::Severity;

use super::CallQuery;
use crate::limits::{CALL_FAILURES, CALL_FAILURES_READ, LIST_BYTES, LIST_ROWS};
use crate::query::{Event, EventQuery, Moment, Page, QueryError, Reader};
use crate::store::{Said, UNKNOWN, What};

impl Reader {
    /// Returns the calls of one model or tool that failed in the hours of its range, the latest first; there were so many `calls` of it. A page
    /// may have fewer than others and not be the last: only so many events are looked at for one.
    pub(crate) fn failed_calls(
        &self,
        query: &CallQuery,
        calls: i64,
        after: Option<String>,
    ) -> Result<Page<Event>, QueryError> {
        let (since, until) = query.range.hours(Moment::now());
        // A call that failed is an error, unless its client says otherwise, which only few are asked for one by one.
        let are_few = usize::try_from(calls).is_ok_and(|calls| calls <= CALL_FAILURES_READ);
        let name = query.name.as_deref().filter(|name| *name != UNKNOWN);
        let mut asked = EventQuery {
            severity: (!are_few).then_some(Severity::Error),
            text: name.map(|name| serde_json::Value::from(name).to_string()),
            version: query.version.clone(),
            since: Some(since),
            until,
            after,
            limit: LIST_ROWS,
            ..EventQuery::default()
        };
        let (mut items, mut read) = (Vec::<Event>::new(), 0);
        loop {
            let page = self.events_within(&asked, LIST_BYTES)?;
            read += page.items.len();
            for event in page.items {
                if !failed(&event, query) {
                    continue;
                }
                if items.len() == CALL_FAILURES {
                    let next = items.last().map(|event| event.row.to_string());
                    return Ok(Page { items, next, resume: None });
                }
                items.push(event);
            }
            if page.next.is_none() || read >= CALL_FAILURES_READ {
                return Ok(Page { items, next: page.next, resume: None });
            }
            asked.after = page.next;
        }
    }
}

/// Whether an event is such a call that failed, by the same reading by which it was counted.
fn failed(event: &Event, query: &CallQuery) -> bool {
    let facts = Said::of(&event.json, event.name.as_deref(), query.version.as_deref());
    let Some(What::End(span)) = facts.map(|facts| facts.what) else { return false };
    let is = |wanted: Option<&str>, said: &str| wanted.is_none_or(|wanted| wanted == said);
    span.failed
        && span.callee.is_some_and(|callee| {
            query.kind.is_none_or(|kind| kind == callee.kind)
                && is(query.name.as_deref(), &callee.name)
                && is(query.provider.as_deref(), &callee.provider)
        })
}
