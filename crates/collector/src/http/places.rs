//! Places for answers that go on for long: so many in all, and of these so many for one client, so that none keeps the others out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Response;

use super::answer;
use crate::rate::Client;

/// Places of one kind. See the [module](self).
#[derive(Debug)]
pub(super) struct Places {
    /// What has a place, in the plural.
    what: &'static str,
    all: usize,
    each: usize,
    taken: Mutex<HashMap<Client, usize>>,
}

impl Places {
    pub(super) fn new(what: &'static str, all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self { what, all, each, taken: Mutex::default() })
    }

    /// Takes a place for a client, or says why there is none: 429 where others of the client have to end first, 503 where anybody's.
    #[allow(clippy::result_large_err, reason = "the answer is what is made of it, once")]
    pub(super) fn take(self: &Arc<Self>, client: Client) -> Result<Place, Response> {
        let Self { what, all, each, .. } = &**self;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.get(&client).is_some_and(|own| own >= each) {
            return Err(answer::too_many(format!(
                "this client has {each} {what} open, as many as one client may have: end one of them first"
            )));
        }
        if taken.values().sum::<usize>() >= *all {
            return Err(answer::later(format!("there are {all} {what} already")));
        }
        *taken.entry(client.clone()).or_default() += 1;
        drop(taken);
        Ok(Place { of: Arc::clone(self), client })
    }
}

/// A place, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    of: Arc<Places>,
    client: Client,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.client);
            }
        }
    }
}
