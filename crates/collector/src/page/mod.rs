//! stub
use crate::query::{Event, EventQuery, ExceptionGroup, Page, Session, SessionDetail};
use maud::{Markup, html};
pub(crate) struct Overview {
    pub(crate) sessions: Page<Session>,
    pub(crate) exceptions: Page<ExceptionGroup>,
    pub(crate) events: Page<Event>,
    pub(crate) query: EventQuery,
}
pub(crate) fn overview(o: &Overview) -> Markup {
    html! { (o.events.items.len()) (o.sessions.items.len()) (o.exceptions.items.len()) (o.query.limit) }
}
pub(crate) fn session(d: &SessionDetail, e: &Page<Event>) -> Markup {
    html! { (d.session.session_id) (e.items.len()) }
}
pub(crate) fn message(t: &str, s: &str) -> Markup {
    html! { (t) (s) }
}
