//! `GET /api/audit`, and who it is that a request is of.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::json;

use super::Shared;
use super::api::{Pairs, json, reply};
use super::context::Context;
use crate::auth::Caller;
use crate::query::AuditQuery;
use crate::store::trail::{ANYONE, Who};

/// `GET /api/audit`
pub(super) async fn audit(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    reply(&shared, AuditQuery::from_pairs(pairs), |reader, query| {
        let page = reader.audit(query)?;
        Ok(json(&json!({ "entries": page.items, "next": page.next })))
    })
    .await
}

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let context = parts.extensions.get::<Context>();
        let actor = match parts.extensions.get::<Caller>() {
            Some(Caller::Holder(key)) => format!("key:{}", key.name()),
            _ => ANYONE.to_owned(),
        };
        Ok(Self {
            actor,
            address: context.and_then(|context| context.ip_address).map(|address| address.to_string()),
            request_id: context.map(|context| context.request_id.clone()),
        })
    }
}
