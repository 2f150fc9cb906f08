//! Sessions as release health has them: what is known of each, and so what is told of it next.
//!
//! An update holds the whole state of a session, so one that is not sent costs nothing that the next does not say.

use std::sync::Mutex;
use std::time::Duration;

use sentry_types::protocol::v7::{SessionAttributes, SessionStatus, SessionUpdate};

use super::recent::Recent;
use super::scene::{self, Ids, Scene};
use crate::clock::Timestamp;
use crate::limits::SENTRY_SESSIONS_MAX;
use crate::sync::lock;

/// All sessions that are under way, by the nonce of their queue.
pub(super) struct Sessions(Mutex<Recent<u64, Known>>);

/// What is known of a session.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// `None` if an earlier process has told it.
    started: Option<Timestamp>,
    /// Those that Sentry has.
    errors: u64,
    /// It ended in an error.
    crashed: bool,
    /// It ended without saying so.
    lost: bool,
    /// Sentry was told how it ended. Nothing may follow.
    is_over: bool,
}

/// What is to be noted once an update has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Nothing,
    Error { is_fatal: bool, with_update: bool },
    End,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Recent::new(SENTRY_SESSIONS_MAX)))
    }

    /// Returns the update of a session that starts.
    pub(super) fn start(
        &self,
        scene: &Scene,
        ids: &Ids,
        nonce: u64,
        time: Timestamp,
    ) -> Option<SessionUpdate<'static>> {
        let mut sessions = lock(&self.0);
        let known = sessions.entry(nonce);
        known.started = Some(time);
        Some(SessionUpdate { init: true, ..update(scene, ids, known, 0, time)? })
    }

    /// Returns the update that goes with an error, where the session's start is known.
    pub(super) fn error(
        &self,
        scene: &Scene,
        ids: &Ids,
        nonce: u64,
        (index, time): (u64, Timestamp),
        is_fatal: bool,
    ) -> Option<SessionUpdate<'static>> {
        let sessions = lock(&self.0);
        let known = sessions.get(&nonce).filter(|known| !known.is_over && known.started.is_some())?;
        let mut known = *known;
        known.errors += 1;
        known.crashed |= is_fatal;
        update(scene, ids, &known, index, time)
    }

    /// Notes that a process left this session without an end, by a signal or however else.
    pub(super) fn lost(&self, nonce: u64, by_signal: bool) {
        let mut sessions = lock(&self.0);
        let known = sessions.entry(nonce);
        known.lost = true;
        known.crashed |= by_signal;
    }

    /// Returns the update of a session that ends; `None` if Sentry knows its end, or is not told of sessions.
    pub(super) fn end(
        &self,
        scene: &Scene,
        ids: &Ids,
        nonce: u64,
        (index, time, duration): (u64, Timestamp, Duration),
    ) -> Option<SessionUpdate<'static>> {
        let mut known = lock(&self.0).get(&nonce).copied().unwrap_or_default();
        if known.is_over {
            return None;
        }
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        known.started.get_or_insert(Timestamp::from_unix_nanos(time.unix_nanos().saturating_sub(nanos)));
        let status = match known {
            Known { crashed: true, .. } => SessionStatus::Crashed,
            Known { lost: true, .. } => SessionStatus::Abnormal,
            _ => SessionStatus::Exited,
        };
        let update = update(scene, ids, &known, index, time)?;
        Some(SessionUpdate { status, duration: Some(duration.as_secs_f64()), ..update })
    }

    /// Notes what has arrived.
    pub(super) fn told(&self, nonce: u64, told: Told) {
        let mut sessions = lock(&self.0);
        match told {
            Told::Nothing => {}
            Told::Error { is_fatal, with_update } => {
                let known = sessions.entry(nonce);
                known.errors += 1;
                known.crashed |= is_fatal;
                known.is_over |= is_fatal && with_update;
            }
            Told::End => sessions.remove(&nonce),
        }
    }
}

/// Without a release Sentry takes no sessions.
fn update(scene: &Scene, ids: &Ids, known: &Known, index: u64, time: Timestamp) -> Option<SessionUpdate<'static>> {
    Some(SessionUpdate {
        session_id: ids.session,
        distinct_id: None,
        sequence: Some(index),
        timestamp: Some(scene::system_time(time)),
        started: scene::system_time(known.started?),
        init: false,
        duration: None,
        status: if known.crashed { SessionStatus::Crashed } else { SessionStatus::Ok },
        // A crash is an error, though no event may tell of it.
        errors: known.errors.max(u64::from(known.crashed)),
        attributes: SessionAttributes {
            release: scene.release()?,
            environment: Some(scene.environment()),
            ip_address: None,
            user_agent: None,
        },
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::sink::Session;

    const NONCE: u64 = 7;
    const LASTED: Duration = Duration::from_secs(2);

    fn scene() -> Scene {
        Scene { release: Some("a@1".into()), ..Scene::default() }
    }

    fn ids() -> Ids {
        Ids::of(&Session::new("s", "1.0", Uuid::nil(), NONCE))
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_nanos(seconds * 1_000_000_000)
    }

    fn end(sessions: &Sessions) -> Option<(SessionStatus, u64, u64)> {
        let update = sessions.end(&scene(), &ids(), NONCE, (9, at(12), LASTED))?;
        let started = update.started.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
        Some((update.status, update.errors, started.as_secs()))
    }

    fn error(sessions: &Sessions, is_fatal: bool, arrives: bool) -> Option<(SessionStatus, u64)> {
        let update = sessions.error(&scene(), &ids(), NONCE, (3, at(11)), is_fatal);
        if arrives {
            sessions.told(NONCE, Told::Error { is_fatal, with_update: update.is_some() });
        }
        update.map(|update| (update.status, update.errors))
    }

    #[test]
    fn a_session_that_an_earlier_process_left_is_abnormal_or_has_crashed() {
        let sessions = Sessions::new();
        sessions.lost(NONCE, false);
        assert_eq!(end(&sessions), Some((SessionStatus::Abnormal, 0, 10)), "its start is that of its duration");
        sessions.lost(NONCE, true);
        assert_eq!(end(&sessions), Some((SessionStatus::Crashed, 1, 10)), "by a signal");
        let sessions = Sessions::new();
        assert_eq!(error(&sessions, true, true), None, "its start is not known");
        assert_eq!(end(&sessions), Some((SessionStatus::Crashed, 1, 10)), "its fatal error was left too");
    }

    #[test]
    fn errors_count_once_they_have_arrived_and_an_end_is_told_once() {
        let sessions = Sessions::new();
        let start = sessions.start(&scene(), &ids(), NONCE, at(1)).unwrap();
        assert_eq!((start.init, start.status, start.errors), (true, SessionStatus::Ok, 0));
        assert_eq!(error(&sessions, false, false), Some((SessionStatus::Ok, 1)));
        assert_eq!(error(&sessions, false, true), Some((SessionStatus::Ok, 1)), "the same again");
        assert_eq!(error(&sessions, false, true), Some((SessionStatus::Ok, 2)));
        assert_eq!(end(&sessions), Some((SessionStatus::Exited, 2, 1)));
        assert_eq!(error(&sessions, true, true), Some((SessionStatus::Crashed, 3)));
        assert_eq!((end(&sessions), error(&sessions, false, true)), (None, None), "nothing follows a crash");
        sessions.told(NONCE, Told::End);
        assert_eq!(end(&sessions), Some((SessionStatus::Exited, 0, 10)), "it is forgotten with its end");
    }

    #[test]
    fn a_crash_that_could_not_be_told_is_told_by_the_end() {
        let sessions = Sessions::new();
        sessions.start(&scene(), &ids(), NONCE, at(1));
        sessions.told(NONCE, Told::Error { is_fatal: true, with_update: false });
        assert_eq!(end(&sessions), Some((SessionStatus::Crashed, 1, 1)));
    }

    #[test]
    fn without_a_release_there_is_nothing_to_tell() {
        let (sessions, scene) = (Sessions::new(), Scene::default());
        assert_eq!(sessions.start(&scene, &ids(), NONCE, at(1)), None);
        assert_eq!(sessions.error(&scene, &ids(), NONCE, (3, at(2)), true), None);
        assert_eq!(sessions.end(&scene, &ids(), NONCE, (9, at(12), LASTED)), None);
    }
}
