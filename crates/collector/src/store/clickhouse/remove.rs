//! Removing events, so that no question finds anything of them.
//!
//! Groups first, events last: as long as an event is there that is to go, whatever was begun is begun again from it. Groups that have other
//! events too are made anew of those; what has arrived of a session stays with the session, unless it is the session that goes. All of
//! it is done by the server: what is doomed is said by a condition, and no id of a removed event comes here.
//!
//! What is removed is seen by nobody from then on, and is on the disk still: [`unmask`] has it taken off, once a day.

use serde_json::json;

use super::folds;
use super::regroup::{self, Doomed, is_any};
use super::removals::{Between, Meanwhile};
use crate::clickhouse::{Client, Error, Sql, row_at};
use crate::clock;
use crate::limits::{FORGET_ROWS, SESSION_KEPT_US};
use crate::store::erase::{Step, Target};
use crate::store::index::PLACEHOLDER;
use crate::store::redact::{Cleared, without_user};
use crate::store::{Class, WIDTHS_US, floor};

/// What a removal needs.
#[derive(Debug)]
pub(super) struct Remover {
    pub(super) client: Client,
    pub(super) meanwhile: Meanwhile,
}

impl Remover {
    /// Does a step of a removal.
    pub(super) fn step(&self, target: &Target, after: i64) -> Result<Step, Error> {
        match target {
            Target::Session(session) => self.remove_session(session),
            Target::User(user) => self.remove_user(user),
            Target::UserId(user) => self.clear_user(user, after),
            Target::Older(cutoffs) => remove_older(&self.client, &self.meanwhile, cutoffs),
            Target::Oldest(bytes_max) => remove_oldest(&self.client, &self.meanwhile, *bytes_max),
        }
    }

    /// Removes a session. What comes of it meanwhile goes too, at the end, and nothing is stored while it does.
    fn remove_session(&self, session: &str) -> Result<Step, Error> {
        let client = &self.client;
        // In whatever hour: of what was written meanwhile the session's own row may be gone.
        let mut doomed = Sql::new("session = ");
        doomed.text(session);
        let mut step =
            remove(client, &Doomed::new(client, &doomed, Some(&self.meanwhile))?.with_series(), Gone::Events)?;
        step.sessions = usize::from(regroup::delete_if_any(client, "sessions", &doomed)?);
        let still = self.meanwhile.blocks.hold();
        step.events += self.remove_later(&doomed)?;
        step.sessions = step.sessions.max(usize::from(regroup::delete_if_any(client, "sessions", &doomed)?));
        drop(still);
        step.next = self.next(&doomed)?;
        Ok(step)
    }

    /// Removes the events of a user, likewise. Who opts in meanwhile is known by that.
    fn remove_user(&self, user: &str) -> Result<Step, Error> {
        let (client, doomed) = (&self.client, of_user(user));
        let mut step =
            remove(client, &Doomed::new(client, &doomed, Some(&self.meanwhile))?.with_series(), Gone::Events)?;
        let still = self.meanwhile.blocks.hold();
        step.events += self.remove_later(&doomed)?;
        regroup::delete_if_any(client, "users", &unsaid(user))?;
        drop(still);
        step.next = self.next(&doomed)?;
        Ok(step)
    }

    /// Removes what has come meanwhile, and returns how many events that were. Nothing is to be stored while it does: so it looks at nothing else.
    fn remove_later(&self, doomed: &Sql) -> Result<usize, Error> {
        let later = Doomed::new(&self.client, &self.meanwhile.later(doomed), None)?.with_series();
        Ok(remove(&self.client, &later, Gone::Events)?.events)
    }

    /// Returns where to go on: what was there when it was asked for can only be of another process by now, which stored it late.
    fn next(&self, doomed: &Sql) -> Result<Option<i64>, Error> {
        Ok(is_any(&self.client, "events", self.meanwhile.earlier(doomed).as_str())?.then_some(0))
    }

    /// Takes the id of a user out of some events; all else of them stays byte for byte. They count as before, so folds stay as they are.
    ///
    /// Their texts are changed here, since an id may be spelled in ways that no pattern of the server's finds. The server is told where in which text what
    /// stands, and copies each event to its own key, with its own row: of two that are alike the one that was written last counts. Those that have such a copy
    /// are removed then, at the end. Whatever comes between leaves an event or both, and the next try goes on from there.
    fn clear_user(&self, user: &str, after: i64) -> Result<Step, Error> {
        let (client, of_user) = (&self.client, of_user(user));
        let mut sql = Sql::new("SELECT row, body FROM events FINAL WHERE user = ");
        sql.text(user).add(" AND row > ").number(after).add(&format!(" ORDER BY row LIMIT {FORGET_ROWS}"));
        let events: Vec<(u64, String)> = client.rows(&sql)?;
        let mut step = Step { events: events.len(), ..Step::default() };
        if let Some((last, _)) = events.last() {
            client.run(&copy(user, &events))?;
            if events.len() == FORGET_ROWS {
                step.next = Some(last.cast_signed());
                return Ok(step);
            }
        }
        // By their keys: of an event that is there twice the other one goes too. What was received meanwhile has no copy, and its turn comes.
        let mut copied = of_user.clone();
        copied
            .add(" AND (hour, session, time_us, id) IN (SELECT hour, session, time_us, id FROM events WHERE user = ''");
        // What deletes knows none of our settings when it asks.
        copied.add(" AND row GLOBAL IN (SELECT row FROM events WHERE user = ").text(user).add("))");
        regroup::delete_if_any(client, "events", &copied)?;
        // Once more where nothing is stored: what comes now brings its user with it, and its event after that.
        for still in [None, Some(&self.meanwhile.blocks)] {
            let _still = still.map(Between::hold);
            if is_any(client, "events FINAL", of_user.as_str())? {
                step.next = Some(0);
                return Ok(step);
            }
            // Who opts in is a user first, and has said so after that: not in between.
            if still.is_some() {
                regroup::delete_if_any(client, "users", &unsaid(user))?;
            }
        }
        Ok(step)
    }
}

/// How events go.
#[derive(Clone, Copy)]
enum Gone<'a> {
    /// One by one.
    Events,
    /// With their partition.
    Partition(&'a str),
}

/// Removes what is doomed. Series are made anew too, unless it goes by age: they go with their last point then. Of a partition that has got more events
/// meanwhile nothing goes.
fn remove(client: &Client, doomed: &Doomed, gone: Gone<'_>) -> Result<Step, Error> {
    let events = usize::try_from(doomed.events()).unwrap_or(usize::MAX);
    if events == 0 {
        return Ok(Step::default());
    }
    doomed.regroup(client)?;
    // As late as can be: others may have written more of it meanwhile.
    let hours = folds::hours(client, doomed.condition())?;
    folds::open(client, &hours)?;
    folds::forget(client, &hours)?;
    // Right before, however long that took: whoever chooses these hours from now on sees that events go, or is told below that they went.
    folds::open(client, &hours)?;
    match gone {
        Gone::Events => client.run(doomed.delete_from(client, "events", "").add(doomed.condition()))?,
        Gone::Partition(partition) => {
            let _still = doomed.hold();
            if doomed.has_more(client)? {
                return Ok(Step::default());
            }
            let mut sql = Sql::new(&format!("ALTER TABLE {} DROP PARTITION ", client.changed("events")));
            client.run(sql.text(partition))?;
        }
    }
    folds::open(client, &hours)?;
    doomed.forget_marks(client)?;
    Ok(Step { events, ..Step::default() })
}

/// Removes what is too old, an hour at a time: to remove what has become too old since a minute ago costs as much as all of an hour.
fn remove_older(client: &Client, meanwhile: &Meanwhile, cutoffs: &[(Class, i64)]) -> Result<Step, Error> {
    let Some(youngest) = cutoffs.iter().map(|(_, cutoff)| *cutoff).max() else { return Ok(Step::default()) };
    // Rows are of the time at which they were received, and the server knows where which rows are.
    let mut doomed = Sql::new("row < ");
    doomed.number(row_at(youngest)).add(" AND (0");
    for (class, cutoff) in cutoffs {
        doomed.add(" OR class = ").number(*class as u8);
        doomed.add(" AND received_us < ").number(floor(*cutoff, WIDTHS_US[1]));
    }
    doomed.add(")");
    let mut step = remove(client, &Doomed::new(client, &doomed, Some(meanwhile))?, Gone::Events)?;
    if step.events > 0 {
        step.sessions = forget_sessions(client)?;
    }
    Ok(step)
}

/// Removes the oldest week, if more bytes than these are in use. The last one stays, whatever it takes.
fn remove_oldest(client: &Client, meanwhile: &Meanwhile, bytes_max: u64) -> Result<Step, Error> {
    let parts = client.parts();
    let used = Sql::new(&format!("SELECT sum(bytes_on_disk) FROM {parts}"));
    let used: Option<(u64,)> = client.row(&used)?;
    if used.is_none_or(|(used,)| used <= bytes_max) {
        return Ok(Step::default());
    }
    let weeks = format!("SELECT DISTINCT partition FROM {parts} WHERE table = 'events' ORDER BY partition");
    let weeks = Sql::new(&weeks);
    let weeks: Vec<(String,)> = client.rows(&weeks)?;
    let [(oldest,), _, ..] = weeks.as_slice() else {
        tracing::warn!("the store is larger than it may become, and has events of one week only: nothing is removed");
        return Ok(Step::default());
    };
    let mut doomed = Sql::new("toMonday(hour) = toDate(");
    doomed.text(oldest).add(")");
    let going = Doomed::new(client, &doomed, Some(meanwhile))?;
    let mut step = remove(client, &going, Gone::Partition(oldest))?;
    if step.events == 0 && going.events() > 0 {
        let _still = meanwhile.blocks.hold();
        step = remove(client, &Doomed::new(client, &doomed, None)?, Gone::Partition(oldest))?;
    }
    step.sessions = forget_sessions(client)?;
    // There may be others. A week without an event that is still one is gone by the next merge.
    step.next = (step.events > 0).then_some(1);
    Ok(step)
}

/// Forgets sessions without events that were not heard of lately. One that was may go on: what has arrived of it must still be known then.
fn forget_sessions(client: &Client) -> Result<usize, Error> {
    let before = clock::now_us().saturating_sub(SESSION_KEPT_US);
    let mut old = Sql::new("session IN (SELECT session FROM sessions GROUP BY session HAVING max(last_received_us) < ");
    old.number(before).add(") AND session NOT IN (SELECT session FROM events)");
    let count: Option<(u64,)> =
        client.row(Sql::new("SELECT uniqExact(session) FROM sessions WHERE ").add(old.as_str()))?;
    let count = count.map_or(0, |(count,)| usize::try_from(count).unwrap_or(usize::MAX));
    if count > 0 {
        let mut sql = Sql::new(&format!("DELETE FROM {} WHERE ", client.changed("sessions")));
        client.run(sql.add(old.as_str()))?;
    }
    Ok(count)
}

/// Forgets what a user has said. It is done first: whoever reads it again does not believe it any more.
pub(super) fn forget_word(client: &Client, user: &str) -> Result<(), Error> {
    regroup::delete_if_any(client, "opt_ins", &of_user(user)).map(drop)
}

/// What is of a user, in whatever table.
fn of_user(user: &str) -> Sql {
    let mut sql = Sql::new("user = ");
    sql.text(user);
    sql
}

/// A user who has not opted in since what was said before was forgotten.
fn unsaid(user: &str) -> Sql {
    let mut sql = of_user(user);
    sql.add(" AND user NOT IN (SELECT user FROM opt_ins WHERE user = ").text(user).add(")");
    sql
}

/// Copies events, without the id of their user.
fn copy(user: &str, events: &[(u64, String)]) -> Sql {
    let mut lines = String::new();
    for (row, body) in events {
        let line = match without_user(body) {
            Some(Cleared { at, longer_by, .. }) => {
                let skip = i64::try_from(PLACEHOLDER.len()).unwrap_or(0).saturating_sub(longer_by);
                json!([row, at, skip, PLACEHOLDER])
            }
            // It is known by the id and does not have it: another version has read it.
            None => json!([row, body.len(), 0, ""]),
        };
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    let mut sql = Sql::new(
        "INSERT INTO events SETTINGS insert_deduplicate = 0 SELECT e.* REPLACE ('' AS user, \
         concat(substring(e.body, 1, c.at), c.instead, substring(e.body, c.at + c.skip + 1)) AS body, \
         arrayMap(a -> if(a > c.at, toUInt32(a + length(c.instead) - c.skip), a), e.`parts.at`) AS `parts.at`) \
         FROM (SELECT * FROM events FINAL WHERE user = ",
    );
    sql.text(user)
        .add(") AS e INNER JOIN format(JSONCompactEachRow, 'row UInt64, at UInt64, skip UInt64, instead String', ");
    sql.text(&lines).add(") AS c ON e.row = c.row");
    sql
}

/// Removes series without a point since a moment.
pub(super) fn points(client: &Client, before_us: i64) -> Result<(), Error> {
    let mut old = Sql::new(
        "(name, kind, labels) IN (SELECT name, kind, labels FROM series GROUP BY name, kind, labels HAVING max(last_us) < ",
    );
    old.number(before_us).add(")");
    regroup::delete_if_any(client, "series", &old).map(drop)
}

/// Has what was removed taken off the disk, and does not wait for it: whole parts are written anew.
pub(super) fn unmask(client: &Client) -> Result<(), Error> {
    let masked = format!("SELECT DISTINCT table, partition_id FROM {} WHERE has_lightweight_delete", client.parts());
    for (table, partition) in client.rows::<(String, String)>(&Sql::new(&masked))? {
        let table = client.changed(&table);
        // A statement that begins with `ALTER` is waited for by the client; others are by the server, since it is what 26.9 does of itself.
        let mut sql =
            Sql::new(&format!("/* in the background */ ALTER TABLE {table} APPLY DELETED MASK IN PARTITION ID "));
        client.run(sql.text(&partition).add(" SETTINGS mutations_sync = 0"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::copy;

    #[test]
    fn an_event_is_copied_without_the_id_of_its_user() {
        let body = r#"{"event_data":{"user_id":"ada\u0040x","b":1}}"#.to_owned();
        let at = body.find(r#""ada"#).unwrap();
        let sql = copy("ada@x", &[(7, body), (8, "{}".to_owned())]);
        assert!(sql.as_str().contains(&format!(r#"[7,{at},12,"null"]\x0A[8,2,0,""]\x0A"#)), "{}", sql.as_str());
        assert!(sql.as_str().contains("WHERE user = 'ada@x'"), "{}", sql.as_str());
    }
}
