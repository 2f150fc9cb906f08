//! What the reporter itself says in a session: that it starts, that it ends, and what was lost.

use std::sync::atomic::Ordering;

use super::report::{Admission, DropReason, Drops};
use super::shared::{Gate, Shared, State};
use crate::event::{Encoder, EventKind, Severity, Tag, names};
use crate::queue::Class;
use crate::spool::counter;

impl Shared {
    /// Takes SESSION_START.
    pub(super) fn start_session(&self) {
        let tag = Tag::own(EventKind::SessionStart, Severity::Info);
        let _ = self.admit(Class::Ordinary, tag, |_| Ok(()));
    }

    /// Takes SESSION_END, once a session.
    pub(super) fn end_session(&self) {
        self.end_session_after(None);
    }

    /// Takes an event that ends the session, and with it, in the room that is kept for the two, SESSION_END; the event
    /// alone, where the session has ended already.
    pub(super) fn end_session_after(&self, last: Option<(Tag, &[u8])>) -> Admission {
        if !self.takes_events() {
            // A session that has ended, and whose end is asked for again, has lost nothing.
            let reason = self.why_closed();
            return if last.is_some() { self.refuse(reason) } else { Admission::Dropped(reason) };
        }
        if !self.ended.load(Ordering::Acquire) {
            self.collect();
        }
        let sessionless = self.settings.sessionless;
        if sessionless {
            self.note_end(counter::BY_ITSELF);
        }
        let ends = !sessionless && !self.ended.swap(true, Ordering::AcqRel);
        if ends && self.gate() == Gate::Open {
            // In the room that is kept for the end: a full queue, of all, has drops to tell of.
            self.tell_drops(&mut self.state(), Class::Reserved);
        }
        let mut encoder = Encoder::take();
        encoder.time(self.clock.now());
        encoder.duration(self.clock.instant().since(self.started));
        let Ok(end) = encoder.finish() else { return Admission::Dropped(DropReason::InvalidData) };
        let end = (Tag::own(EventKind::SessionEnd, Severity::Info).to_u32(), end);
        let admission = match last {
            Some((tag, bytes)) if ends => {
                self.pushed(self.ring.push_all(Class::Reserved, [(tag.to_u32(), bytes), end]))
            }
            Some((tag, bytes)) => self.push(Class::Reserved, tag, bytes),
            None if ends => self.pushed(self.ring.push_all(Class::Reserved, [end])),
            None => Admission::Dropped(DropReason::Disabled),
        };
        if ends && !admission.is_accepted() {
            self.ended.store(false, Ordering::Release);
        }
        admission
    }

    /// Keeps, for whoever finds the queue, that the session has said that it ends.
    pub(super) fn note_end(&self, by: u64) {
        self.ring.counter(counter::ENDED).store(by, Ordering::Release);
    }

    /// Tells the server what was lost since it was told last: an event of its own, just before the next batch.
    pub(super) fn tell_drops(&self, state: &mut State, class: Class) {
        let news = self.untold(state);
        if !news.is_empty()
            && let Some(seq) = self.push_notice(class, &news)
        {
            state.told = state.told.plus(&news);
            state.told.save(&self.ring, counter::TOLD);
            state.notices.insert(seq, news);
        }
    }

    /// Returns what was lost and the server does not know of.
    fn untold(&self, state: &State) -> Drops {
        self.refused().unasked().plus(&state.ledger.known_drops()).plus(&state.elsewhere).minus(&state.told)
    }

    /// Takes the event that tells of drops, and returns its number. A refusal is not counted: there is nothing lost that
    /// is not counted already.
    fn push_notice(&self, class: Class, news: &Drops) -> Option<u64> {
        let mut encoder = Encoder::take();
        encoder.time(self.clock.now());
        encoder.name(names::TELEMETRY_DROPPED);
        encoder.fields(u32::try_from(news.iter().count()).unwrap_or_default());
        news.iter().for_each(|(reason, count)| encoder.field(reason.as_str(), &count));
        let tag = Tag::own(EventKind::Generic, Severity::Warning).to_u32();
        let bytes = encoder.finish().ok()?;
        self.ring.push(class, tag, bytes).ok().map(|pushed| pushed.seq)
    }

    /// Returns whether something was lost that the server does not know of, and there is still a session to say it in.
    pub(super) fn has_drops_to_tell(&self, state: &State) -> bool {
        !self.ended.load(Ordering::Acquire) && !self.untold(state).is_empty()
    }
}
