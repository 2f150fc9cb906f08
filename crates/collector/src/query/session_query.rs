//! Which sessions: the same conditions wherever sessions are listed or counted.

use std::time::Duration;

use super::narrow::cut;
use super::params::Params;
use super::sessions::{FATAL, MISSING, STATE, SessionState};
use super::sums::Conditions;
use super::{Moment, ParamError};
use crate::clock;
use crate::limits::PAGE_ROWS_DEFAULT;

/// Which sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionQuery {
    /// In this state.
    pub state: Option<SessionState>,
    /// That ended by a fatal error, or that ended otherwise. One that crashed counts as crashed alone.
    pub fatal: Option<bool>,
    /// Of which events were lost, be it that they never arrived or that their client says that it dropped them; or of which none were.
    pub lost: Option<bool>,
    /// Whose last event is not older than this, by the client's clock. With `until`, those that were under way at any moment from the one
    /// up to the other.
    pub since: Option<Moment>,
    /// Whose first event is older than this, by the client's clock.
    pub until: Option<Moment>,
    /// Of which something was received at or after this, whenever it happened.
    pub received: Option<Moment>,
    /// Of this version of their SDK.
    pub version: Option<String>,
    /// Whose id begins so.
    pub id: Option<String>,
    /// In which an exception of the group with this fingerprint happened.
    pub exception: Option<String>,
    /// With events that name the user with this id.
    pub user: Option<String>,
    /// That crashed or ended by a fatal error, or that did not.
    pub failed: Option<bool>,
    /// Of which events are missing, by their numbers, or of which none is.
    pub missing: Option<bool>,
    /// Those that come after the page that had this as its `next`.
    pub after: Option<String>,
    /// At most this many, 1 to 1000.
    pub limit: usize,
}

impl Default for SessionQuery {
    fn default() -> Self {
        Self {
            state: None,
            fatal: None,
            lost: None,
            since: None,
            until: None,
            received: None,
            version: None,
            id: None,
            exception: None,
            user: None,
            failed: None,
            missing: None,
            after: None,
            limit: PAGE_ROWS_DEFAULT,
        }
    }
}

impl SessionQuery {
    pub(crate) const PARAMS: &[&str] = &[
        "state",
        "lost",
        "since",
        "until",
        "received",
        "version",
        "id",
        "exception",
        "user",
        "failed",
        "missing",
        "limit",
        "after",
    ];

    /// The words of `state`, each with the state that it means and whether it means those alone that ended by a fatal error.
    const STATES: [(&str, (SessionState, Option<bool>)); 6] = [
        ("open", (SessionState::Open, None)),
        ("live", (SessionState::Open, None)),
        ("silent", (SessionState::Silent, None)),
        ("ended", (SessionState::Ended, None)),
        ("fatal", (SessionState::Ended, Some(true))),
        ("crashed", (SessionState::Crashed, None)),
    ];

    /// Returns the words that `state` may be: the states, `live` for those that are open, and `fatal` for those that ended by a fatal error.
    #[must_use]
    pub fn states() -> [&'static str; 6] {
        Self::STATES.map(|(word, _)| word)
    }

    /// Reads the parameters of a URL: `state` (a word of [`SessionQuery::states`]), `lost` (`true`, `false`), `since`, `until`, `received`,
    /// `version`, `id` (the beginning of it), `exception` (a fingerprint), `user`, `failed` and `missing` (`true`, `false`), `limit`, `after` (also
    /// `cursor`).
    ///
    /// # Errors
    ///
    /// A parameter is unknown, given twice or can't be read.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, ParamError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut params = Params::new(Self::PARAMS, pairs)?;
        let (state, fatal) = params.choice("state", &Self::STATES)?.unzip();
        Ok(Self {
            state,
            fatal: fatal.flatten(),
            lost: params.flag("lost")?,
            since: params.moment("since")?,
            until: params.moment("until")?,
            received: params.moment("received")?,
            version: params.text("version"),
            id: params.text("id"),
            exception: params.text("exception"),
            user: params.text("user"),
            failed: params.flag("failed")?,
            missing: params.flag("missing")?,
            limit: params.limit()?,
            after: params.after()?,
        })
    }

    /// Returns what is asked of each row of `sessions t`: all but the page. What counts sessions of a time asks the same as what lists them.
    pub(super) fn conditions(&self) -> Conditions {
        let mut all = Conditions::default();
        // A session has a beginning and an end, so it is of every time that it reaches into, not of the one in which it was heard of.
        all.and("t.last_us >= ?", self.since.map(Moment::as_micros));
        all.and("t.first_us < ?", self.until.map(Moment::as_micros));
        all.and(&format!("{FATAL} = ?"), self.fatal);
        all.and(&format!("({MISSING} > 0 OR EXISTS (SELECT 1 FROM drops WHERE session = t.id)) = ?"), self.lost);
        all.and(&format!("(t.recovered OR {FATAL}) = ?"), self.failed);
        all.and(&format!("({MISSING} > 0) = ?"), self.missing);
        all.and("t.last_received_us >= ?", self.received.map(Moment::as_micros));
        all.and("t.sdk_version = ?", self.version.clone());
        // A range of the index of ids: however many sessions there are, only those that match are looked at.
        all.and("t.session_id >= ?", self.id.clone());
        all.and("t.session_id < ? || char(1114111)", self.id.clone());
        let with = "t.id IN (SELECT session FROM exception_sessions
                    WHERE exception = (SELECT id FROM exceptions WHERE fingerprint = ?))";
        all.and(with, self.exception.clone());
        let of = "t.id IN (SELECT b.session FROM batch_users n JOIN batches b ON b.last_row = n.last_row
                  WHERE n.user = (SELECT id FROM users WHERE user_id = ?))";
        all.and(of, cut(self.user.as_deref()).map(str::to_owned));
        all
    }

    /// Likewise, with the state, which depends on the moment at which it is asked.
    pub(super) fn conditions_at(&self, now_us: i64, silent_after: Duration) -> Conditions {
        let mut all = self.conditions();
        if let Some(state) = self.state {
            let silent_before = clock::before(now_us, silent_after);
            all.and(&format!("'{}' = {STATE}", state.as_str()), Some(silent_before));
        }
        all
    }
}
