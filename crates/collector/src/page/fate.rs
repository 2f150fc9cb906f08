//! What became of what a session began and that has no end: it goes on, or the session's own end says why there is none.

use maud::{Markup, html};

use crate::query::{Session, SessionState};

/// How the sessions stand that something on a page is of.
#[derive(Default)]
pub(crate) struct Fates(Vec<Session>);

impl Fates {
    pub(crate) const fn new(sessions: Vec<Session>) -> Self {
        Self(sessions)
    }

    /// Returns a session, unless it goes on: what has not ended in it does not run.
    pub(super) fn over(&self, id: &str) -> Option<&Session> {
        self.0.iter().find(|session| session.session_id == id && session.state != SessionState::Open)
    }

    /// Returns the session of these that did not end as it should, else one that did: whose end says most.
    pub(super) fn worst(&self) -> Option<&Session> {
        let over = self.0.iter().filter(|session| session.state != SessionState::Open);
        over.max_by_key(|session| match session.state {
            SessionState::Crashed => 3,
            SessionState::Ended if session.fatal => 2,
            SessionState::Silent => 1,
            _ => 0,
        })
    }
}

/// Says by what a session ended that is over.
pub(super) fn by_what(session: &Session) -> Markup {
    html! {
        "its session "
        @match (session.state, session.signal.as_deref()) {
            (SessionState::Crashed, Some(signal)) => { "crashed by " bdi { (signal) } },
            (SessionState::Crashed, None) => "crashed",
            (SessionState::Silent, _) => "is silent",
            _ if session.fatal => "ended by a fatal error",
            _ => "ended",
        }
    }
}

/// Says of what has no end that it never will have one, and why.
pub(super) fn never_ended(session: &Session) -> Markup {
    html! { span.state.{ (class(session)) } { "did not end" } " " span.quiet { (by_what(session)) } }
}

/// Returns the class of how a session ended.
fn class(session: &Session) -> &'static str {
    match session.state {
        SessionState::Ended if session.fatal => "fatal",
        SessionState::Ended | SessionState::Open => "warning",
        state => state.as_str(),
    }
}
