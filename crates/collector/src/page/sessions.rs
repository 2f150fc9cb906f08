//! `/sessions`: how each session stands.

use maud::{Markup, html};

use super::address::{Address, Field};
use super::session::lasted;
use super::{Tab, layout, parts};
use crate::query::{Page, Session};

/// What may be so or not.
const EITHER: [(&str, &str); 3] = [("", "any"), ("true", "yes"), ("false", "no")];

/// Returns the list.
pub(crate) fn list(page: &Page<Session>, address: &Address) -> Markup {
    let content = html! {
        section {
            h1 { "Sessions" }
            (address.ranges("", Some("All")))
            (address.form_with(&[
                Field::choice("state", "State", &STATES),
                Field::text("version", "Version", ""),
                Field::text("id", "Id begins with", ""),
                Field::text("user", "User", ""),
            ], &[
                Field::choice("failed", "Crashed or ended fatally", &EITHER),
                Field::choice("lost", "Events were lost", &EITHER),
                Field::choice("missing", "Events are missing", &EITHER),
            ]))
            @if page.items.is_empty() { (address.nothing("session", &html! { "Nothing was received yet. A session begins with its first event." })) }
            @else { (rows(&page.items)) }
            (address.more(page.next.as_deref(), "Older sessions"))
        }
    };
    layout("Sessions", Tab::Sessions, &content)
}

/// The states that can be asked for, and what they are called.
const STATES: [(&str, &str); 6] = [
    ("", "any"),
    ("open", "open"),
    ("silent", "silent"),
    ("ended", "ended"),
    ("fatal", "ended by a fatal error"),
    ("crashed", "crashed"),
];

/// Writes sessions as a table.
pub(super) fn rows(sessions: &[Session]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Sessions" { table {
            thead { tr {
                th scope="col" { "Session" } th scope="col" { "State" } th.number scope="col" { "Events" } th scope="col" { "Severity" }
                th.number scope="col" { "Exceptions" } th.number scope="col" { "Missing" } th.number scope="col" { "Dropped" }
                th.number scope="col" { "Lasted" } th scope="col" { "Last heard of" } th scope="col" { "Version" } th scope="col" { "Platform" }
            } }
            tbody { @for session in sessions {
                tr {
                    td { (parts::session_link(&session.session_id)) }
                    td { (parts::state(session)) }
                    td.number { (parts::grouped(session.events)) }
                    td { (parts::bar(&session.by_severity)) (bad(session)) }
                    td.number.bad[session.exceptions > 0] { (parts::or_dash(session.exceptions)) }
                    td.number.bad[session.missing > 0] { (parts::or_dash(session.missing)) }
                    @let dropped = session.drops.values().fold(0, |sum: i64, count| sum.saturating_add(*count));
                    td.number.bad[dropped > 0] { (parts::or_dash(dropped)) }
                    td.number { @if let Some(lasted) = lasted(session) { (parts::took(lasted)) } @else { span.quiet { "–" } } }
                    td.when { (parts::moment(session.last_received)) }
                    td.quiet { bdi { (parts::cut(session.sdk_version.as_deref().unwrap_or(""), 24)) } }
                    td.quiet { bdi { (parts::cut(session.platform.as_deref().unwrap_or(""), 32)) } }
                }
            } }
        } }
    }
}

/// Says how many bad events there are, which a bar shows but does not tell.
fn bad(session: &Session) -> Markup {
    let worst = session.by_severity.worst_first();
    let there: Vec<String> = worst
        .iter()
        .take(3)
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{} {name}", parts::grouped(*count)))
        .collect();
    html! { @if !there.is_empty() { div.small.quiet { (there.join(", ")) } } }
}
