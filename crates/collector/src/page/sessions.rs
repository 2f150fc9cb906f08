//! `/sessions`: how each session stands.

use maud::{Markup, html};

use super::address::{Address, Field};
use super::{Tab, layout, parts};
use crate::query::{Page, Session, SessionState};

/// Returns the list.
pub(crate) fn list(page: &Page<Session>, address: &Address) -> Markup {
    let states = SessionState::ALL.map(|state| (state.as_str(), state.as_str()));
    let states: Vec<_> = std::iter::once(("", "any")).chain(states).collect();
    let content = html! {
        section {
            h1 { "Sessions" }
            (address.ranges("", Some("All")))
            (address.form(&[Field::choice("state", "State", &states)]))
            (rows(&page.items))
            (address.more(page.next.as_deref(), "Older sessions"))
        }
    };
    layout("Sessions", Tab::Sessions, &content)
}

/// Writes sessions as a table.
pub(super) fn rows(sessions: &[Session]) -> Markup {
    if sessions.is_empty() {
        return html! {
            p.empty {
                "Nothing was received yet. Events are taken at " code { "POST /api/v1/telemetry" }
                ", under any prefix."
            }
        };
    }
    html! {
        div.scroll { table {
            thead { tr {
                th { "Session" } th { "State" } th.number { "Events" } th { "Severity" } th.number { "Exceptions" }
                th.number { "Missing" } th.number { "Dropped" } th { "Last heard of" } th { "Runs on" }
            } }
            tbody { @for session in sessions {
                tr {
                    td { (parts::session_link(&session.session_id)) }
                    td { (parts::state(session)) }
                    td.number { (session.events) }
                    td { (parts::bar(&session.by_severity)) }
                    td.number { (parts::or_dash(session.exceptions)) }
                    td.number.bad[session.missing > 0] { (parts::or_dash(session.missing)) }
                    @let dropped = session.drops.values().fold(0, |sum: i64, count| sum.saturating_add(*count));
                    td.number.bad[dropped > 0] { (parts::or_dash(dropped)) }
                    td.when { (parts::moment(session.last_received)) }
                    td.quiet { bdi {
                        (session.sdk_version.as_deref().unwrap_or("")) " "
                        (session.platform.as_deref().unwrap_or(""))
                    } }
                }
            } }
        } }
    }
}
