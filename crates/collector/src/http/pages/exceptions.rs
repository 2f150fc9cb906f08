//! `GET /exceptions`: exceptions, like ones together.

use axum::extract::{Query, State};
use axum::response::Response;

use super::super::Shared;
use super::super::api::Pairs;
use super::{of_list, show};
use crate::page::{self, Address};
use crate::query::ExceptionQuery;

/// `GET /exceptions`, with the parameters of `GET /api/exceptions`.
pub(in super::super) async fn exceptions(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/exceptions", &pairs);
    show(&shared, ExceptionQuery::from_pairs(of_list(&pairs)), move |reader, query| {
        Ok(page::exceptions::list(&reader.exceptions(query)?, &address))
    })
    .await
}
