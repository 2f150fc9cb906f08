//! `GET /settings`: how the collector is, how it is set up, and who did what to it.

use axum::extract::{Query, State};
use axum::response::Response;

use super::super::Shared;
use super::super::api::Pairs;
use super::{of_list, show};
use crate::page::settings::{Forwarded, Ingested, Shown};
use crate::page::{self, Address};
use crate::query::AuditQuery;
use crate::stats::Protocol;
use crate::stream::Role;

/// `GET /settings`, with the parameters of `GET /api/audit` for its list of who did what.
pub(in super::super) async fn settings(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/settings", &pairs);
    let health = shared.0.checks.health().await;
    let inner = &shared.0;
    let newest = *inner.queue.newest().borrow();
    let ingested = Protocol::ALL.into_iter().map(|protocol| {
        let counted = inner.stats.ingest(protocol);
        Ingested {
            protocol: protocol.as_str(),
            requests: counted.requests.get(),
            failed: counted.failed.get(),
            bytes: counted.bytes.get(),
            accepted: counted.accepted.get(),
            duplicates: counted.duplicates.get(),
            refused: counted.refused.get(),
        }
    });
    let forwarded = inner.forwards.iter().map(|counts| Forwarded {
        name: counts.name.clone(),
        is_ok: counts.broken.get() == 0,
        sent: counts.sent.get(),
        dropped: counts.dropped.get(),
        failed: counts.failed.get(),
        lag: counts.lag(newest),
    });
    let mut shown = Shown {
        health,
        takes: shared.has(Role::Ingest),
        stores: shared.has(Role::Write),
        begun: inner.process.begun_at(),
        queue: inner.queue.depth(),
        disk: inner.reader.disk(),
        ingested: ingested.filter(|ingested| ingested.requests > 0).collect(),
        forwarded: forwarded.collect(),
        redacted: inner.redaction.counts(),
        keys: inner.gate.keys().into_iter().map(|key| (key.name, key.value)).collect(),
        settings: Vec::new(),
    };
    show(&shared, AuditQuery::from_pairs(of_list(&pairs)), move |reader, query| {
        shown.settings = reader.settings()?;
        Ok(page::settings::page(&shown, &reader.info()?, &reader.audit(query)?, &address))
    })
    .await
}
