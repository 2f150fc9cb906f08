//! `GET /runs`, `GET /runs/{id}`, and what is shown of its artifacts and of two runs.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use lastword::runs::{Diff, Lineage, Reported, RunEvent, RunMetadata, RunRecord, RunSummary, Status, lines};
use serde_json::Value;

use super::super::Shared;
use super::super::api::Pairs;
use super::{distinct, fates, place, show_list, show_named};
use crate::limits::{FORKS_MAX, PAGE_ROWS_MAX, RUN_PAGE_BYTES, RUN_PAGE_EVENTS, RUN_TRACES};
use crate::page::artifact::Artifact;
use crate::page::{self, Address};
use crate::query::{EventQuery, Order, QueryError, Reader, Run, RunQuery, Trace};

/// `GET /runs`, with the parameters of `GET /api/runs`.
pub(in super::super) async fn runs(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    show_list(&shared, "/runs", &pairs, RunQuery::from_pairs, |reader, query, address| {
        let page = reader.runs(query)?;
        let unended = page.items.iter().filter(|run| run.is_unended());
        let fates = fates(reader, unended.filter_map(|run| run.session_id.as_deref()))?;
        Ok(page::runs::list(&page, &fates, address))
    })
    .await
}

/// `GET /runs/{id}`, as it stood after its line `step`, or its steps from the one with the place `from` on.
pub(in super::super) async fn run(
    State(shared): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    show_named(&shared, id, "run", move |reader, id| {
        let address = Address::new(page::path(&["runs", id]), &pairs);
        let (step, from) = (place(&address, "step")?, place(&address, "from")?.unwrap_or(0));
        let Some(known) = reader.run(id)? else { return Ok(None) };
        let (lines, is_cut) = lines_of(reader, &known)?;
        reader.together(|asks| {
            let traces = asks.ask(|| traces(reader, &lines));
            let lineage = asks.ask(|| lineage(reader, &known, &lines));
            let fates = asks.ask(|| fates(reader, known.session_id.as_deref()));
            let (traces, more_traces) = traces.answer()?;
            let shown = page::run::Shown {
                known: &known,
                lines: &lines,
                step,
                from,
                lineage: &lineage.answer()?,
                traces: &traces,
                more_traces,
                fates: &fates.answer()?,
                is_cut,
                address: &address,
            };
            Ok(Some(page::run::one(&shown)))
        })
    })
    .await
}

/// `GET /runs/{id}/diff`, with the run `other`.
pub(in super::super) async fn run_diff_form(
    State(shared): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    let other = Address::new("", &pairs).value("other").trim().to_owned();
    run_diff(State(shared), id.map(|Path(id)| Path((id, other)))).await
}

/// `GET /runs/{id}/diff/{other}`
pub(in super::super) async fn run_diff(
    State(shared): State<Shared>,
    ids: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    show_named(&shared, ids, "run", |reader, (one, other)| {
        let Ok([one, other]) = <[Run; 2]>::try_from(reader.runs_named(&[one, other])?) else { return Ok(None) };
        let ((first, cut_one), (second, cut_other)) = (lines_of(reader, &one)?, lines_of(reader, &other)?);
        let artifacts = page::artifact::compare(&Artifact::all(&first), &Artifact::all(&second));
        let record = |run: &Run, lines: &[RunEvent]| RunRecord::of(&run.run_id, lines);
        let (of_one, of_other) = (record(&one, &first), record(&other, &second));
        let diff = Diff::of((of_one, first), (of_other, second), artifacts);
        let fates = fates(reader, [&one, &other].into_iter().filter_map(|run| run.session_id.as_deref()))?;
        Ok(Some(page::run_diff::runs(&one, &other, &diff, &fates, cut_one || cut_other)))
    })
    .await
}

/// `GET /runs/{id}/artifacts/{name}`
pub(in super::super) async fn artifact(
    State(shared): State<Shared>,
    ids: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    show_named(&shared, ids, "artifact", |reader, (run, name)| {
        let Some(known) = reader.run(run)? else { return Ok(None) };
        let (lines, _) = lines_of(reader, &known)?;
        let found = Artifact::all(&lines).into_iter().find(|artifact| artifact.name == name);
        Ok(found.map(|artifact| page::artifact::one(&known, &artifact)))
    })
    .await
}

/// Returns the traces that the lines of a run are of, the first of them; tells whether there are more.
fn traces(reader: &Reader, lines: &[RunEvent]) -> Result<(Vec<Trace>, bool), QueryError> {
    let mut ids = distinct(lines.iter().filter_map(|line| line.data["traceId"].as_str()), RUN_TRACES + 1);
    let more = ids.len() > RUN_TRACES;
    ids.truncate(RUN_TRACES);
    Ok((reader.traces_named(&ids)?, more))
}

/// Returns the lines of a run; tells whether there are more of them.
fn lines_of(reader: &Reader, run: &Run) -> Result<(Vec<RunEvent>, bool), QueryError> {
    let mut query = EventQuery {
        run: Some(run.run_id.clone()),
        order: Order::OldestFirst,
        limit: PAGE_ROWS_MAX,
        ..EventQuery::default()
    };
    let (mut reported, mut bytes, mut is_cut) = (Vec::new(), 0, false);
    loop {
        let page = reader.events_within(&query, RUN_PAGE_BYTES - bytes)?;
        for event in page.items {
            bytes += event.json.len();
            let read = serde_json::from_str::<Value>(&event.json).ok();
            match (read.and_then(|mut event| Some(event.get_mut("event_data")?.take())), event.name) {
                (Some(Value::Object(data)), Some(name)) => {
                    let ts = u64::try_from(event.time.as_micros() / 1000).unwrap_or(0);
                    reported.push(Reported { ts, name, data });
                }
                // A text that no `str` can hold, such as half of an emoji.
                _ => is_cut = true,
            }
        }
        query.after = page.next;
        if query.after.is_none() || reported.len() >= RUN_PAGE_EVENTS || bytes >= RUN_PAGE_BYTES {
            is_cut |= query.after.is_some();
            return Ok((lines(&run.run_id, reported), is_cut));
        }
    }
}

/// Returns the family of a run, among the latest runs that were forked from another.
fn lineage(reader: &Reader, run: &Run, lines: &[RunEvent]) -> Result<Lineage, QueryError> {
    let forks = EventQuery {
        name: Some("run.run_start".to_owned()),
        text: Some("parentRolloutId".to_owned()),
        limit: FORKS_MAX,
        ..EventQuery::default()
    };
    let own = summary(run, RunRecord::of(&run.run_id, lines).summary.metadata);
    let mut all = vec![own.clone()];
    for event in reader.events(&forks)?.items {
        let Ok(event) = serde_json::from_str::<Value>(&event.json) else { continue };
        let (id, metadata) = (&event["event_data"]["run_id"], &event["event_data"]["metadata"]);
        let metadata: Option<RunMetadata> = serde_json::from_value(metadata.clone()).ok();
        if let (Some(id), Some(metadata)) = (id.as_str().filter(|id| *id != run.run_id), metadata) {
            all.push(RunSummary::new(id, "", Status::Running, 0).with_metadata(Some(metadata)));
        }
    }
    // What is told of those that belong to the family alone: few of all forks do. Its first run was forked from none.
    let ids = family(&run.run_id, &all);
    let known = reader.runs_named(&ids.iter().map(String::as_str).collect::<Vec<_>>())?;
    let metadata = |id: &str| all.iter().find(|member| member.run_id == id).and_then(|member| member.metadata.clone());
    let mut members: Vec<_> = known.iter().map(|run| summary(run, metadata(&run.run_id))).collect();
    members.sort_by_key(|member| std::cmp::Reverse(member.started_at));
    Ok(Lineage::among(own, members))
}

/// Returns the ids of those that are of one family with a run, itself included.
fn family(id: &str, all: &[RunSummary]) -> Vec<String> {
    let mut found = vec![id.to_owned()];
    let mut at = 0;
    while let Some(id) = found.get(at).cloned() {
        let parents = all.iter().filter(|run| run.run_id == id).filter_map(RunSummary::parent);
        let children = all.iter().filter(|run| run.parent() == Some(&id)).map(|run| run.run_id.as_str());
        for other in parents.chain(children) {
            if found.len() < FORKS_MAX && !found.iter().any(|known| known == other) {
                found.push(other.to_owned());
            }
        }
        at += 1;
    }
    found
}

fn summary(run: &Run, metadata: Option<RunMetadata>) -> RunSummary {
    let status = serde_json::from_value(Value::from(run.status.as_str())).unwrap_or(Status::Completed);
    let started = u64::try_from(run.first_seen.as_micros() / 1000).unwrap_or(0);
    let objective = run.objective.as_deref().filter(|objective| !objective.is_empty()).unwrap_or(&run.run_id);
    RunSummary::new(&run.run_id, objective, status, started).with_metadata(metadata)
}
