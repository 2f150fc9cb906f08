//! What becomes of runs whose process is gone.

use std::fs;
use std::io;
use std::sync::Arc;

use serde_json::json;

use super::begin::{is_waiting, summary_of};
use super::error::{RunError, failed};
use super::line::Line;
use super::log::Log;
use super::model::{RunMetrics, RunSummary, Status};
use super::store::Store;
use super::{files, id, report, run, sum};
use crate::limits::FORK_WAIT_MAX;
use crate::sync::say;

/// Ends every run that some process had which is gone. One that can't be ended holds no other back.
pub(super) fn recover(store: &Arc<Store>) -> Result<Vec<String>, RunError> {
    let ids = marked(store)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let _locked = store.lock()?;
    let mut ended = Vec::new();
    let mut first = None;
    for id in ids {
        match recover_one(store, &id) {
            Ok(true) => ended.push(id),
            Ok(false) => {}
            Err(error) => {
                say(|| tracing::warn!(run = %id, %error, "a run whose process is gone can't be ended"));
                first.get_or_insert(error);
            }
        }
    }
    first.map_or(Ok(ended), Err)
}

/// The runs that some process has, or had.
fn marked(store: &Store) -> Result<Vec<String>, RunError> {
    let markers = store.markers();
    let entries = match fs::read_dir(&markers) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read the directory", &markers)(error)),
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| id::is_valid(name)).collect())
}

/// Ends a run if its process is gone.
fn recover_one(store: &Arc<Store>, id: &str) -> Result<bool, RunError> {
    let marker = store.marker(id);
    let Some(_gone) = files::try_lock(&marker).map_err(failed("lock", &marker))? else { return Ok(false) };
    if is_waiting(&marker) && !has_waited_too_long(store, id) {
        return Ok(false);
    }
    let is_there = store.check(id).is_ok();
    let has_ended = is_there && store.summary(id).is_ok_and(|summary| summary.status != Status::Running);
    if is_there && !has_ended {
        abandon(store, id)?;
    }
    fs::remove_file(&marker).map_err(failed("remove", &marker))?;
    Ok(is_there && !has_ended)
}

fn has_waited_too_long(store: &Store, id: &str) -> bool {
    let modified = fs::metadata(store.marker(id)).and_then(|found| found.modified());
    let since = modified.ok().and_then(|modified| modified.duration_since(std::time::UNIX_EPOCH).ok());
    let now = std::time::Duration::from_millis(store.clock().now().unix_millis());
    since.is_none_or(|since| now.saturating_sub(since) > FORK_WAIT_MAX)
}

/// Writes the end of a run that nobody has, as its file says it, or else as failed.
pub(super) fn abandon(store: &Arc<Store>, id: &str) -> Result<RunSummary, RunError> {
    let path = store.events_path(id);
    let mut sum = sum::of(&path)?;
    let began = sum.first.as_ref().map_or_else(|| store.began(id), |first| first.ts);
    let first = sum.first.as_ref().and_then(|first| serde_json::to_vec(first).ok()).unwrap_or_default();
    let mut summary = store.summary(id).unwrap_or_else(|_| summary_of(id, &first, began));
    let last = sum.last_ts.unwrap_or(summary.started_at).max(summary.started_at);
    let is_new = sum.end.is_none();
    let end = sum.end.unwrap_or(sum::End { ts: last, status: Status::Failed, abandoned: true });
    let mut log = Log::open(&path, sum.whole_bytes, sum.torn_bytes > 0).map_err(failed("open", &path))?;
    log.mend().map_err(failed("write", &path))?;
    if sum.lacks_end {
        log.write(b"\n").map_err(failed("write", &path))?;
    }
    if is_new {
        let data = json!({"status": end.status, "abandoned": true});
        let line = Line::new(store.settings.screen(), id, "run_end", &data);
        log.write(&line.at(end.ts)).map_err(failed("write", &path))?;
        sum.fold.events += 1;
        report::event(&store.settings.reporter, id, "run_end", &data);
    }
    summary.status = end.status;
    summary.abandoned = end.abandoned;
    summary.ended_at = Some(end.ts.max(summary.started_at));
    summary.event_count = sum.fold.events;
    summary.artifact_count = store.artifacts(id)?.len() as u64;
    let metrics = RunMetrics { duration_ms: summary.duration_ms().unwrap_or(0), ..sum.fold.metrics };
    run::save(store, id, &summary, &metrics)?;
    Ok(summary)
}
