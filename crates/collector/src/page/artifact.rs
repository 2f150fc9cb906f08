//! What runs left, shown safely: text as text, JSON as JSON, of all else what it is. Nothing of it is ever a part of a page's markup, nor
//! anything that a browser would run or draw.

use std::collections::BTreeMap;

use lastword::runs::{ArtifactDiff, Change, RunEvent};
use maud::{Markup, html};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::address::path;
use super::{Tab, json, layout, parts};
use crate::limits::{ARTIFACT_PAGE_BYTES, ARTIFACTS_COMPARED_BYTES, ARTIFACTS_LISTED, PAGE_SUMMARY_CHARS_MAX};
use crate::query::Run;

/// An artifact as the last line about it tells.
#[derive(Debug, Clone)]
pub(crate) struct Artifact<'r> {
    pub(crate) name: &'r str,
    data: &'r Value,
    ts: u64,
}

impl<'r> Artifact<'r> {
    /// Returns the artifacts that lines tell of, by their names.
    pub(crate) fn all(lines: &'r [RunEvent]) -> Vec<Self> {
        let told = lines.iter().filter(|line| matches!(line.kind.as_str(), "patch_created" | "artifact_saved"));
        let named = told.filter_map(|line| Some((line.data["artifact"].as_str()?, line)));
        let last: BTreeMap<&str, &RunEvent> = named.collect();
        last.into_iter().map(|(name, line)| Self { name, data: &line.data, ts: line.ts }).collect()
    }

    fn content(&self) -> Option<&'r str> {
        self.data["content"].as_str()
    }

    fn bytes(&self) -> Option<u64> {
        self.data["bytes"].as_u64().or_else(|| self.content().map(|text| text.len() as u64))
    }

    fn hash(&self) -> Option<String> {
        let said = self.data["sha256"].as_str().map(str::to_owned);
        said.or_else(|| {
            self.content().map(|text| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect())
        })
    }

    /// Returns its media type, as it is told or as its name has it.
    fn media(&self) -> &'r str {
        let said =
            ["media_type", "mediaType", "mime_type", "contentType"].iter().find_map(|name| self.data[*name].as_str());
        said.unwrap_or_else(|| match self.name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "json" => "application/json",
            "md" => "text/markdown",
            "patch" | "diff" => "text/x-diff",
            "txt" | "log" => "text/plain",
            "html" | "htm" => "text/html",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "jpg" | "jpeg" => "image/jpeg",
            "gif" => "image/gif",
            "webp" => "image/webp",
            "pdf" => "application/pdf",
            _ => "not known",
        })
    }
}

/// Writes artifacts as a table.
pub(super) fn table(run: &str, artifacts: &[Artifact<'_>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Artifacts" { table {
            thead { tr { th scope="col" { "Name" } th scope="col" { "Media type" } th.number scope="col" { "Bytes" } th scope="col" { "SHA-256" } } }
            tbody { @for artifact in artifacts.iter().take(ARTIFACTS_LISTED) {
                tr {
                    td.what { a href=(path(&["runs", run, "artifacts", artifact.name])) { bdi { (parts::cut(artifact.name, PAGE_SUMMARY_CHARS_MAX)) } } }
                    td { bdi { (parts::cut(artifact.media(), 80)) } }
                    td.number { @match artifact.bytes() { Some(bytes) => (bytes), None => span.quiet { "–" } } }
                    td { @match artifact.hash() { Some(hash) => code title=(hash) { (parts::cut(&hash, 16)) }, None => span.quiet { "–" } } }
                }
            } }
        } }
        @if artifacts.len() > ARTIFACTS_LISTED { p.notice { "The first " (ARTIFACTS_LISTED) " of " (artifacts.len()) " are listed." } }
    }
}

/// Returns the page of an artifact.
pub(crate) fn one(run: &Run, artifact: &Artifact<'_>) -> Markup {
    let back = path(&["runs", &run.run_id]);
    let content = html! {
        section {
            p.crumb { a href="/runs" { "Runs" } " / " a href=(back) { bdi { (parts::cut(run.objective.as_deref().unwrap_or(&run.run_id), PAGE_SUMMARY_CHARS_MAX)) } } }
            h1 { bdi { (parts::cut(artifact.name, PAGE_SUMMARY_CHARS_MAX)) } }
            dl.facts {
                div { dt { "Media type" } dd { bdi { (parts::cut(artifact.media(), 80)) } } }
                @if let Some(bytes) = artifact.bytes() { div { dt { "Bytes" } dd { (bytes) } } }
                @if let Some(hash) = artifact.hash() { div { dt { "SHA-256" } dd { code { bdi { (parts::cut(&hash, 64)) } } } } }
                div { dt { "Saved" } dd { (parts::moment(crate::query::Moment::from_micros(i64::try_from(artifact.ts.saturating_mul(1000)).unwrap_or(i64::MAX)))) } }
                @if artifact.data["redacted"] == true { div { dt { "Redacted" } dd { "something was taken out of it before it was written" } } }
            }
        }
        section {
            h2 { "What is in it" }
            @match artifact.content() {
                Some(text) => (text_of(text)),
                None => p.empty {
                    "Its program reported that it is there, and not what is in it. The files of the run have it: "
                    code { "lastword runs show " (parts::cut(&run.run_id, 80)) }
                },
            }
        }
    };
    layout(artifact.name, Tab::Runs, &content)
}

/// Writes a text as a text, and one that is JSON in order.
fn text_of(text: &str) -> Markup {
    let is_json = text.len() <= ARTIFACT_PAGE_BYTES && text.trim_start().starts_with(['{', '[']);
    let json = is_json.then(|| serde_json::from_str::<Value>(text).ok()).flatten();
    // One that would be more than is shown is shown as it is.
    let pretty = json.map(|json| json::of(&json, ARTIFACT_PAGE_BYTES)).filter(|(_, is_whole)| *is_whole);
    let text = pretty.as_ref().map_or(text, |(pretty, _)| pretty);
    let end = text.floor_char_boundary(ARTIFACT_PAGE_BYTES);
    html! {
        pre.whole tabindex="0" { (text[..end]) }
        @if end < text.len() { p.notice { "The first " (end) " of " (text.len()) " bytes are shown. The query API has the rest." } }
    }
}

/// Compares what two runs left: by what is in it where that is known, else by its hash and size.
pub(crate) fn compare(one: &[Artifact<'_>], other: &[Artifact<'_>]) -> Vec<ArtifactDiff> {
    // They are in the order of their names, each once.
    let find = |all: &[Artifact<'_>], name: &str| {
        let found = all.binary_search_by(|artifact| artifact.name.cmp(name)).ok().and_then(|place| all.get(place));
        found.map(|found| (found.content().map(|text| text.as_bytes().to_vec()), (found.hash(), found.bytes())))
    };
    let bytes = |all: &[Artifact<'_>]| all.iter().filter_map(Artifact::content).map(str::len).sum::<usize>();
    let is_small = bytes(one) + bytes(other) <= ARTIFACTS_COMPARED_BYTES;
    let mut names: Vec<&str> = one.iter().chain(other).map(|artifact| artifact.name).collect();
    names.sort_unstable();
    names.dedup();
    let compared = |name: &str| match (find(one, name), find(other, name)) {
        (Some((Some(one), _)), Some((Some(other), _))) if is_small => ArtifactDiff::of(name, Some(one), Some(other)),
        (Some((_, one)), Some((_, other))) => {
            ArtifactDiff::new(name, if one == other { Change::Same } else { Change::Changed }, Vec::new())
        }
        (one, _) => ArtifactDiff::new(name, if one.is_some() { Change::Removed } else { Change::Added }, Vec::new()),
    };
    names.into_iter().map(compared).collect()
}
