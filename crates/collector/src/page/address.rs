//! The address of a page: what is shown stands in it, so that a link shows the same thing to whoever is given it.

use maud::{Markup, html};

use crate::segment::{self, escape};

/// How far back a page may look, as its address says it and as people do.
const RANGES: [(&str, &str); 6] =
    [("15m", "15 min"), ("1h", "1 h"), ("6h", "6 h"), ("24h", "24 h"), ("7d", "7 days"), ("30d", "30 days")];

/// Returns the path of a page with these parts, whatever ids of clients are among them: all links to what has an id are made here.
pub(crate) fn path(parts: &[&str]) -> String {
    parts.iter().fold(String::new(), |path, part| path + "/" + &segment::encode(part))
}

/// The address of a page, of which links change a part.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    path: String,
    pairs: Vec<(String, String)>,
}

impl Address {
    /// Takes the path and the parameters as they were asked for. An empty parameter says nothing.
    pub(crate) fn new(path: impl Into<String>, pairs: &[(String, String)]) -> Self {
        let pairs = pairs.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
        Self { path: path.into(), pairs }
    }

    /// Makes the address of a page with these parameters.
    pub(crate) fn of(path: &str, pairs: &[(&str, &str)]) -> Self {
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::new(path, &pairs)
    }

    /// Returns the address of another page, with the same parameters.
    pub(crate) fn at(&self, path: &str) -> Self {
        Self { path: path.to_owned(), pairs: self.pairs.clone() }
    }

    /// Returns the link to the page itself.
    pub(crate) fn link(&self) -> String {
        self.with(&[])
    }

    /// Returns the link to all that the page may show.
    pub(crate) fn at_all(&self) -> &str {
        &self.path
    }

    /// Returns what the address says of a parameter.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Returns a link to the same page with other values of these parameters; an empty value takes one out. Whoever
    /// asks for something else begins at the first page of it.
    pub(crate) fn with(&self, changes: &[(&str, &str)]) -> String {
        let is_kept =
            |name: &str| !matches!(name, "after" | "cursor") && changes.iter().all(|(known, _)| *known != name);
        let kept = self.pairs.iter().filter(|(name, _)| is_kept(name)).map(|(name, value)| (&**name, &**value));
        let pairs = kept.chain(changes.iter().copied().filter(|(_, value)| !value.is_empty()));
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.path, pairs.join("&"))
    }

    /// Writes the link to the page that comes after this one, if there is one.
    pub(crate) fn more(&self, next: Option<&str>, text: &str) -> Markup {
        html! { @if let Some(next) = next { p.more { a href=(self.with(&[("after", next)])) rel="next" { (text) } } } }
    }

    /// Tells whether the address asks for a part of what there is: by anything but an order, a look and a number of rows.
    pub(crate) fn is_narrowed(&self) -> bool {
        let is_look = |name: &str| matches!(name, "order" | "sort" | "by" | "limit" | "columns" | "refresh");
        self.pairs.iter().any(|(name, _)| !is_look(name))
    }

    /// Says that there is nothing: where something is asked for, that nothing matches; else what it comes of, and how.
    pub(crate) fn nothing(&self, what: &str, comes_of: &Markup) -> Markup {
        html! {
            p.empty {
                @if self.is_narrowed() { "No " (what) " matches. " a href=(self.path) { "Show all" } }
                @else { (comes_of) " " a href="/begin" { "How to send something here" } }
            }
        }
    }

    /// Writes links that choose how far back the page looks; `whole` is what it is called to look at all there is, where that may be.
    pub(crate) fn ranges(&self, default: &str, whole: Option<&str>) -> Markup {
        // What was received since when is a range of its own, which alerts lead to.
        let received = self.value("received");
        let chosen = match self.value("since") {
            "" => default,
            since => since,
        };
        let link = |since: &str, text: &str| {
            let is_chosen = since == chosen && (received.is_empty() || !since.is_empty());
            html! {
                a href=(self.with(&[("since", since), ("until", ""), ("received", "")])) aria-current=[is_chosen.then_some("true")] { (text) }
            }
        };
        html! {
            nav.ranges aria-label="Time range" {
                @for (since, text) in RANGES { (link(since, text)) }
                @if let Some(text) = whole { (link("", text)) }
                @if !received.is_empty() { span aria-current="true" { "received since " (received) } }
                @if !RANGES.iter().any(|(since, _)| *since == chosen) && !chosen.is_empty() {
                    span aria-current="true" { "since " (chosen) @if !self.value("until").is_empty() { " until " (self.value("until")) } }
                }
            }
        }
    }

    /// Writes a form that asks for the same page with what its `fields` say; what the address says beside them stays.
    pub(crate) fn form(&self, fields: &[Field<'_>]) -> Markup {
        self.form_with(fields, &[])
    }

    /// Writes such a form of which some fields are seldom needed: they can't be seen until one is used.
    pub(crate) fn form_with(&self, fields: &[Field<'_>], rare: &[Field<'_>]) -> Markup {
        let is_field = |name: &str| {
            matches!(name, "after" | "cursor") || fields.iter().chain(rare).any(|field| field.name == name)
        };
        // The range of time and the columns are seen on the page as they are.
        let is_hidden = |field: &Field<'_>| !matches!(field.name, "since" | "until" | "columns");
        let is_used = rare.iter().any(|field| is_hidden(field) && !self.value(field.name).is_empty());
        html! {
            form.filter method="get" action=(self.path) {
                @for (name, value) in self.pairs.iter().filter(|(name, _)| !is_field(name)) {
                    input type="hidden" name=(name) value=(value);
                }
                @for field in fields { (self.field(field)) }
                @if !rare.is_empty() {
                    details.rare open[is_used] {
                        summary { "More" }
                        div.filter { @for field in rare { (self.field(field)) } }
                    }
                }
                button { "Show" }
            }
        }
    }

    fn field(&self, field: &Field<'_>) -> Markup {
        let value = self.value(field.name);
        html! {
            label {
                span { (field.label) }
                @match field.kind {
                    Kind::Text(hint) => input name=(field.name) placeholder=(hint) value=(value);,
                    Kind::Offered(texts) => {
                        input name=(field.name) value=(value) list={ "offered-" (field.name) } autocomplete="off";
                        datalist id={ "offered-" (field.name) } { @for text in texts { option value=(text); } }
                    }
                    Kind::Choice(choices) => select name=(field.name) {
                        @for (choice, text) in choices { option value=(choice) selected[choice.eq_ignore_ascii_case(value)] { (text) } }
                    }
                }
            }
        }
    }
}

/// A field of a form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    name: &'a str,
    label: &'a str,
    kind: Kind<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Kind<'a> {
    Text(&'a str),
    Offered(&'a [String]),
    Choice(&'a [(&'a str, &'a str)]),
}

impl<'a> Field<'a> {
    /// A text, with a hint of what may stand there.
    pub(crate) const fn text(name: &'a str, label: &'a str, hint: &'a str) -> Self {
        Self { name, label, kind: Kind::Text(hint) }
    }

    /// A text, of which some are offered.
    pub(crate) const fn offered(name: &'a str, label: &'a str, texts: &'a [String]) -> Self {
        Self { name, label, kind: Kind::Offered(texts) }
    }

    /// One of some values, each with what it is called.
    pub(crate) const fn choice(name: &'a str, label: &'a str, choices: &'a [(&'a str, &'a str)]) -> Self {
        Self { name, label, kind: Kind::Choice(choices) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        let pairs = [("name", "a b"), ("since", "1h"), ("after", "7"), ("text", "")];
        Address::new("/events", &pairs.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    #[test]
    fn a_link_changes_a_part_of_the_address_and_begins_at_the_first_page() {
        assert_eq!(address().with(&[("since", "7d")]), "/events?name=a%20b&since=7d");
        assert_eq!(address().with(&[("since", ""), ("name", "")]), "/events");
        assert_eq!(address().with(&[("after", "9")]), "/events?name=a%20b&since=1h&after=9");
    }

    #[test]
    fn a_form_keeps_what_it_has_no_field_for() {
        let form = address().form(&[Field::text("name", "Name", "")]).into_string();
        assert!(form.contains("<input type=\"hidden\" name=\"since\" value=\"1h\">"), "{form}");
        assert!(form.contains("name=\"name\" placeholder=\"\" value=\"a b\"") && !form.contains("after"), "{form}");
    }

    #[test]
    fn a_form_shows_what_was_chosen_in_either_case_and_opens_what_is_seldom_used_when_it_is() {
        let fields = [Field::choice("severity", "Severity", &[("", "any"), ("ERROR", "errors")])];
        let rare = [Field::text("run", "Run", ""), Field::text("since", "Since", "")];
        let form = |pairs: &[(&str, &str)]| Address::of("/events", pairs).form_with(&fields, &rare).into_string();
        let chosen = form(&[("severity", "error"), ("since", "1h")]);
        assert!(chosen.contains("<option value=\"ERROR\" selected>"), "{chosen}");
        assert!(chosen.contains("<details class=\"rare\"><summary>"), "{chosen}");
        assert!(form(&[("run", "r")]).contains("<details class=\"rare\" open>"));
    }

    #[test]
    fn only_who_asks_for_a_part_is_told_that_nothing_matches() {
        let said =
            |pairs: &[(&str, &str)]| Address::of("/runs", pairs).nothing("run", &html! { "Runs come of agents." });
        for part in [("status", "failed"), ("since", "1h"), ("after", "7")] {
            assert!(said(&[part]).into_string().contains("No run matches. <a href=\"/runs\">"), "{part:?}");
        }
        for all in [&[][..], &[("order", "asc"), ("limit", "7")]] {
            let said = said(all).into_string();
            assert!(
                said.contains("Runs come of agents.") && said.contains("/begin") && !said.contains("matches"),
                "{said}"
            );
        }
    }

    #[test]
    fn the_range_that_is_shown_is_marked_whether_it_was_asked_for_or_not() {
        let asked = address().ranges("24h", None).into_string();
        assert!(asked.contains("since=1h\" aria-current=\"true\">1 h<"), "{asked}");
        let received = Address::of("/sessions", &[("failed", "true"), ("received", "1h")]);
        let told = received.ranges("", Some("All")).into_string();
        assert!(told.contains("<span aria-current=\"true\">received since 1h</span>"), "{told}");
        assert!(told.contains("href=\"/sessions?failed=true\">All</a>"), "{told}");
        let other = Address::new("/", &[]).ranges("24h", None).into_string();
        assert!(other.contains("since=24h\" aria-current=\"true\">24 h<"), "{other}");
    }
}
