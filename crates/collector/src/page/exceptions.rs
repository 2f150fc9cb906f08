//! `/exceptions`: exceptions, like ones together.

use maud::{Markup, html};

use super::address::{Address, Field};
use super::{Tab, layout, parts};
use crate::limits::PAGE_SUMMARY_CHARS_MAX;
use crate::query::{ExceptionGroup, ExceptionState, Page};

/// Returns the list.
pub(crate) fn list(page: &Page<ExceptionGroup>, address: &Address) -> Markup {
    let states = ExceptionState::ALL.map(|state| (state.as_str(), state.as_str()));
    let states: Vec<_> = std::iter::once(("", "any")).chain(states).collect();
    let content = html! {
        section {
            h1 { "Exceptions" }
            (address.ranges("", Some("All")))
            (address.form(&[Field::choice("state", "State", &states), Field::text("version", "Version", "")]))
            (rows(&page.items))
            (address.more(page.next.as_deref(), "Older exceptions"))
        }
    };
    layout("Exceptions", Tab::Exceptions, &content)
}

/// Writes groups of exceptions as a table.
pub(super) fn rows(groups: &[ExceptionGroup]) -> Markup {
    if groups.is_empty() {
        return html! { p.empty { "None." } };
    }
    html! {
        div.scroll { table {
            thead { tr {
                th { "Exception" } th { "Severity" } th.number { "Count" } th.number { "Sessions" }
                th { "First" } th { "Last" } th { "For instance in" }
            } }
            tbody { @for group in groups {
                tr {
                    td.what {
                        b.name.own { bdi { (parts::cut(&group.error_type, PAGE_SUMMARY_CHARS_MAX)) } } " "
                        code { bdi { (parts::cut(&group.error_message, PAGE_SUMMARY_CHARS_MAX)) } }
                    }
                    td { (parts::severity(group.severity)) }
                    td.number { (group.count) }
                    td.number { (group.sessions) }
                    td.when { (parts::moment(group.first_seen)) }
                    td.when { (parts::moment(group.last_seen)) }
                    td { @if let Some(sample) = &group.sample { (parts::session_link(&sample.session_id)) } }
                }
            } }
        } }
    }
}
