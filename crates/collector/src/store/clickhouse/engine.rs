//! [`Engine`] in terms of blocks: all requests of a group are written together, once it is known which of their events are there already.
//!
//! A block is begun by saying that its rows are not in yet, and ended by saying that they are: whoever follows never goes past a row that
//! is still to come. Between them groups are written first and events last, so an event that is there has its groups. A block of which
//! it is not known whether it is in may be given again: the look-up finds what of it is. No `insert_deduplication_token` is set: the same
//! events may come again after they were removed, and a token that is known would lose them.

use std::collections::HashSet;

use super::groups::Groups;
use super::lookup::Known;
use super::removals::{Between, Meanwhile, Removals};
use super::remove::Remover;
use super::rows::{COLUMNS, New, OCCURRENCE, hour_of};
use super::shapes::insert_kept;
use super::upkeep::Upkeep;
use super::{edit, folds, outside, remove, take_over};
use crate::clickhouse::{Client, Error, Lease, RowBinary, watermark};
use crate::clock;
use crate::ingest::Event;
use crate::limits::{CONSENTS_INTERVAL_US, GROUP_EVENTS_MAX, STANDING_INTERVAL_US};
use crate::store::Consents;
use crate::store::batch::Stored;
use crate::store::beside::Beside;
use crate::store::engine::Engine;
use crate::store::erase::{Removal, Target};
use crate::store::index::Indexed;
use crate::store::queue::WriteError;
use crate::store::trail::{Change, Entry, InForce, What, Who, changes};

/// Codes by which a server says that it can't read a row, or has no room in a column for what is in it: `CANNOT_PARSE_TEXT`,
/// `CANNOT_PARSE_INPUT_ASSERTION_FAILED`, `CANNOT_READ_ALL_DATA`, `TYPE_MISMATCH`, `ARGUMENT_OUT_OF_BOUND`, `INCORRECT_DATA`,
/// `TOO_LARGE_ARRAY_SIZE`, `TOO_LARGE_STRING_SIZE`.
const UNFIT: [u32; 8] = [6, 27, 33, 53, 69, 117, 128, 131];

/// What writes a store that is in a server.
pub(super) struct Blocks {
    client: Client,
    lease: Lease,
    consents: Consents,
    /// The row below which all is in.
    mark: i64,
    leads: bool,
    /// When it was last looked how far the store is, and who has opted in.
    looked_us: i64,
    read_us: i64,
    spans: folds::Spans,
    upkeep: Upkeep,
    /// Held while requests are looked up and written, and by a removal that must not come in between.
    between: Between,
    removals: Removals,
    touched: folds::Touched,
    /// What the server said last, while nothing can be stored.
    told: Option<Error>,
}

/// What gets a row, in the order of the requests.
#[derive(Clone, Copy)]
enum Item<'b> {
    /// That a session was heard of.
    Heard { indexed: &'b Indexed, hour: u32, received_us: i64 },
    /// A new event.
    New { indexed: &'b Indexed, place: usize, event: &'b Event, hour: u32, received_us: i64 },
}

impl Blocks {
    /// Begins to write, with a writer's number that was leased.
    ///
    /// # Errors
    ///
    /// The server can't be asked.
    pub(super) fn new(client: Client, lease: Lease, consents: Consents) -> Result<Self, Error> {
        let (mark, leads) = (watermark(&client)?, lease.leads()?);
        let now_us = clock::now_us();
        Ok(Self {
            client,
            lease,
            consents,
            mark,
            leads,
            looked_us: now_us,
            read_us: now_us,
            spans: folds::Spans::default(),
            upkeep: Upkeep::default(),
            between: Between::default(),
            removals: Removals::default(),
            touched: folds::Touched::default(),
            told: None,
        })
    }

    /// Folds hours after other spans of time.
    #[cfg(test)]
    pub(super) fn folding(self, spans: folds::Spans) -> Self {
        Self { spans, ..self }
    }

    /// Tells what the server said, once: those who sent events are not told so much.
    fn told(&mut self, error: Error) -> Error {
        if self.told.as_ref() != Some(&error) {
            tracing::error!(%error, "a block is not stored");
            self.told = Some(error.clone());
        }
        error
    }

    /// A row for what is no event.
    fn row(&mut self) -> Result<u64, Error> {
        Ok(self.lease.row()?.cast_unsigned())
    }

    fn note(&mut self, entry: &Entry) -> Result<(), Error> {
        let row = self.row()?;
        edit::note(&self.client, entry, row)
    }

    /// Looks how far the store is.
    fn look(&mut self) -> Result<(), Error> {
        self.looked_us = clock::now_us();
        self.mark = watermark(&self.client)?;
        Ok(())
    }

    /// Writes a block.
    fn write(&mut self, items: &[Item<'_>]) -> Result<(), Error> {
        let rows = self.lease.begin(items.len())?;
        match self.insert(items, &rows) {
            Ok(()) => self.lease.done(),
            Err(error) => {
                self.lease.failed();
                Err(error)
            }
        }
    }

    fn insert(&mut self, items: &[Item<'_>], rows: &[i64]) -> Result<(), Error> {
        let (mut groups, mut events, mut occurrences) = (Groups::default(), RowBinary::new(), RowBinary::new());
        let mut named = Vec::new();
        for (item, row) in items.iter().zip(rows) {
            let row = row.cast_unsigned();
            match *item {
                Item::Heard { indexed, hour, received_us } => groups.hear(&indexed.envelope, (hour, row), received_us),
                Item::New { indexed, place, event, hour, received_us } => {
                    let new = New { indexed, place, event, hour, row, received_us };
                    groups.add(&new);
                    new.write_occurrence(&mut occurrences);
                    new.write(&mut events);
                    named.extend(new.parts().iter().map(|part| (row, part)));
                }
            }
        }
        if let Some(last) = rows.last() {
            let hours = items.iter().filter_map(|item| match *item {
                Item::Heard { .. } => None,
                Item::New { hour, .. } => Some(hour),
            });
            self.touched.touch(&self.client, &mut self.lease, hours, (*last, self.spans.ahead))?;
        }
        groups.write(&self.client, &mut self.lease)?;
        insert_kept(&self.client, &mut self.lease, "occurrences", &OCCURRENCE, &occurrences)?;
        outside::check(&self.client, named.into_iter())?;
        insert_kept(&self.client, &mut self.lease, "events", &COLUMNS, &events)
    }
}

/// Returns what gets a row of requests of which this is known, and what becomes of each request.
fn items<'b>(requests: &[&'b [Indexed]], known: &mut Known, now_us: i64) -> (Vec<Item<'b>>, Vec<Stored>) {
    let (mut items, mut all) = (Vec::new(), Vec::with_capacity(requests.len()));
    for request in requests {
        let mut stored = Stored::default();
        for indexed in *request {
            let envelope = &indexed.envelope;
            let received_us = envelope.received_us.unwrap_or(now_us);
            if let Some(event) = envelope.events.first() {
                items.push(Item::Heard { indexed, hour: hour_of(event.time_us, received_us), received_us });
            }
            for (place, event) in envelope.events.iter().enumerate() {
                if known.add(&envelope.session_id, &event.key) {
                    stored.accepted += 1;
                    let hour = hour_of(event.time_us, received_us);
                    items.push(Item::New { indexed, place, event, hour, received_us });
                } else {
                    stored.duplicates += 1;
                }
            }
        }
        all.push(stored);
    }
    (items, all)
}

/// What an error of a block is: it may be that of one of its rows.
fn unfit(error: Error) -> WriteError {
    match error {
        Error::Refused { code, message } if UNFIT.contains(&code) => WriteError::Unfit(message),
        error => error.into(),
    }
}

impl Engine for Blocks {
    fn commit(&mut self, requests: &[&[Indexed]]) -> Result<Vec<Stored>, WriteError> {
        let received_us = clock::now_us();
        let envelopes = requests.iter().flat_map(|request| request.iter()).map(|indexed| &indexed.envelope);
        let events: Vec<(&str, &Event)> = envelopes
            .flat_map(|envelope| envelope.events.iter().map(|event| (envelope.session_id.as_str(), event)))
            .collect();
        let between = self.between.clone();
        // From the look-up on: what it finds is there until its session is heard of.
        let still = between.hold();
        let mut known = Known::ask(&self.client, &events).map_err(|error| self.told(error))?;
        let (items, stored) = items(requests, &mut known, received_us);
        for block in items.chunks(GROUP_EVENTS_MAX) {
            self.write(block).map_err(|error| unfit(self.told(error)))?;
        }
        // Before anything else is asked: a removal that waits comes in here, however much there is to be stored.
        drop(still);
        self.told = None;
        // It is in. How far readers may go is a matter of others too, and can be asked again.
        if let Err(error) = self.look() {
            tracing::warn!(%error, "it is not known how far the store is");
        }
        Ok(stored)
    }

    fn newest(&mut self) -> Option<i64> {
        Some(self.mark.saturating_sub(1))
    }

    fn is_there(&self) -> bool {
        // A server that lost its tables refuses what is written.
        true
    }

    fn close(self: Box<Self>) {
        self.lease.close();
    }

    fn tick(&mut self) -> Result<(), WriteError> {
        self.lease.tick()?;
        let now_us = clock::now_us();
        if now_us.abs_diff(self.looked_us) >= STANDING_INTERVAL_US {
            self.look()?;
            self.leads = self.lease.leads()?;
        }
        if now_us.abs_diff(self.read_us) >= CONSENTS_INTERVAL_US {
            edit::read_consents(&self.client, &self.consents)?;
            self.read_us = now_us;
        }
        Ok(())
    }

    fn leads(&self) -> bool {
        self.leads
    }

    fn opt_in(&mut self, who: &Who, user: &str) -> Result<(), WriteError> {
        self.note(&Entry::opt_in(who, user))?;
        let row = self.row()?;
        let _still = self.between.hold();
        Ok(edit::opt_in(&self.client, user, row)?)
    }

    fn resolve(&mut self, who: &Who, fingerprint: &str, resolved: bool) -> Result<bool, WriteError> {
        if !edit::has_group(&self.client, fingerprint)? {
            return Ok(false);
        }
        self.note(&Entry::resolve(who, fingerprint, resolved))?;
        let row = self.row()?;
        edit::mark(&self.client, fingerprint, resolved, row)?;
        Ok(true)
    }

    fn note_removal(&mut self, who: &Who, target: &Target) -> Result<(), WriteError> {
        let Some(entry) = Entry::removal(who, target) else { return Ok(()) };
        Ok(self.note(&entry)?)
    }

    fn remove(&mut self, target: &Target, after: i64) -> Result<Removal, WriteError> {
        if let Target::User(user) | Target::UserId(user) = target {
            // Before its turn comes: no id is taken from now on, and who opts in after this has opted in. It may have been read again since
            // it was asked for.
            self.consents.set(user, false);
            remove::forget_word(&self.client, user)?;
        }
        // No block is open: all that this process has stored is below this row.
        let meanwhile = Meanwhile { blocks: self.between.clone(), since: self.lease.row()? };
        let remover = Remover { client: self.client.clone(), meanwhile };
        Ok(Removal::Beside(self.removals.begin(remover, target.clone(), after)?))
    }

    fn remove_points(&mut self, before_us: i64, _: i64) -> Result<Option<i64>, WriteError> {
        remove::points(&self.client, before_us)?;
        Ok(None)
    }

    fn remove_audit(&mut self, before_us: i64) -> Result<(), WriteError> {
        Ok(edit::forget_audit(&self.client, before_us)?)
    }

    fn unnamed(&mut self, max: usize) -> Result<Vec<Box<str>>, WriteError> {
        Ok(outside::unnamed(&self.client, max)?)
    }

    fn forget_unnamed(&mut self, hashes: &[Box<str>]) -> Result<(), WriteError> {
        Ok(outside::forget_unnamed(&self.client, hashes)?)
    }

    fn named(&mut self, hashes: Vec<Box<str>>) -> Result<HashSet<Box<str>>, WriteError> {
        Ok(outside::named(&self.client, hashes)?)
    }

    fn give_back(&mut self) -> Result<bool, WriteError> {
        if self.leads {
            self.upkeep.begin(&self.client, &mut self.lease, self.spans)?;
        }
        // It goes on by itself, and events are stored meanwhile.
        Ok(false)
    }

    fn settle(&mut self) -> Result<bool, WriteError> {
        Ok(self.upkeep.is_done())
    }

    fn observe(&mut self, kind: What, in_force: &[InForce]) -> Result<(), WriteError> {
        let whose = self.lease.identity();
        for Change { name, value, entry } in changes(kind, edit::known(&self.client, &whose, kind)?, in_force) {
            if let Some(entry) = entry {
                self.note(&entry)?;
            }
            edit::know(&self.client, &whose, kind, &name, value.as_deref())?;
        }
        Ok(())
    }

    fn reload(&mut self, settings: &[InForce]) -> Result<(), WriteError> {
        self.note(&Entry::reload())?;
        self.observe(What::Setting, settings)
    }

    fn name(&mut self) -> Result<String, WriteError> {
        Ok(edit::name(&self.client)?)
    }

    fn begin_cursor(&mut self, key: &str, first: i64) -> Result<i64, WriteError> {
        if let Some(row) = edit::kept(&self.client, key)?.and_then(|row| row.parse().ok()) {
            return Ok(row);
        }
        self.keep_cursor(key, first)?;
        Ok(first)
    }

    fn keep_cursor(&mut self, key: &str, row: i64) -> Result<(), WriteError> {
        Ok(edit::keep(&self.client, key, &row.to_string())?)
    }

    fn take_over(&mut self, beside: &Beside) -> Result<(), WriteError> {
        let Self { client, lease, .. } = self;
        Ok(take_over::take_over(client, lease, beside)?)
    }
}

#[cfg(test)]
mod tests;
