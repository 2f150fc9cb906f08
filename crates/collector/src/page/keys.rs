//! `/keys`: what the keyboard does where the script runs. The same stands in a dialog of every page, which `?` opens.

use maud::{Markup, html};

use super::{TABS, Tab, layout};

/// Keys that do not lead to a page of their own.
const KEYS: [(&str, &str); 7] = [
    ("?", "These keys"),
    ("/", "To the first field of the filter"),
    ("j k", "To the next row, to the one before"),
    ("Enter", "Open the row"),
    ("[ ]", "The page before, the page after (also h and l)"),
    ("p", "Pause the live tail, or go on"),
    ("Esc", "Leave a field, close the dialog"),
];

/// Returns the keys that lead to a page of the navigation.
pub(super) fn of(link: &str) -> Option<&'static str> {
    Some(match link {
        "/" => "g o",
        "/sessions" => "g s",
        "/exceptions" => "g e",
        "/traces" => "g t",
        "/calls" => "g m",
        "/runs" => "g r",
        "/events" => "g v",
        "/live" => "g l",
        "/alerts" => "g a",
        "/settings" => "g c",
        _ => return None,
    })
}

/// Returns the page.
pub(crate) fn page() -> Markup {
    let content = html! {
        section {
            h1 { "Keys" }
            p.quiet { "They work where scripts run, and outside of fields." }
            (list())
        }
    };
    layout("Keys", Tab::None, &content)
}

/// Writes the dialog that every page has. It can't be seen until the script opens it.
pub(super) fn dialog() -> Markup {
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { "Keys" }
            (list())
            form method="dialog" { button { "Close" } " " button.plain type="button" data-switch { "Turn keys off" } }
        }
    }
}

fn list() -> Markup {
    let pages = TABS.iter().filter_map(|(_, link, name)| Some((of(link)?, *name)));
    html! {
        dl.keys {
            @for (keys, what) in KEYS.into_iter().chain(pages) {
                div { dt { @for key in keys.split(' ') { kbd { (key) } " " } } dd { (what) } }
            }
        }
    }
}
