//! Runs are found by what was said in them: in their summaries, events and artifacts.

use serde::Serialize;

use super::error::RunError;
use super::model::{RunEvent, RunSummary, Status};
use super::store::RunStore;
use crate::limits::{SEARCH_ARTIFACT_BYTES_MAX, SEARCH_HITS_DEFAULT, SEARCH_HITS_MAX, SNIPPET_CHARS};

/// What is searched for: all its words, in any case.
///
/// ```
/// use lastword::runs::{RunMetadata, RunStore, Search};
///
/// # let directory = std::env::temp_dir().join(format!("lastword-runs-search-{}", std::process::id()));
/// let store = RunStore::open(&directory)?;
/// let run = store.start("Fix the login timeout", RunMetadata::new().channel("terminal"))?;
/// let hits = store.search(&Search::new("timeout LOGIN").source("cli").limit(5))?;
/// assert_eq!(hits[0].run_id, run.id());
/// # drop(run);
/// # std::fs::remove_dir_all(directory).unwrap();
/// # Ok::<(), lastword::runs::RunError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Search {
    words: Vec<String>,
    sources: Vec<String>,
    limit: usize,
}

/// A place in which all the words are.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Hit {
    /// The run.
    pub run_id: String,
    /// How it stands.
    pub status: Status,
    /// When it began, in milliseconds since 1970.
    pub started_at: u64,
    /// What it is for.
    pub objective: String,
    /// What was found.
    pub place: Place,
    /// The name of the artifact, or the type of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The time of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ts: Option<u64>,
    /// How well it fits: the sooner each word stands, the better.
    pub score: f64,
    /// What stands around the first word.
    pub snippet: String,
}

/// Where words are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The run's objective, tags, channel or id.
    Summary,
    /// An event.
    Event,
    /// An artifact.
    Artifact,
}

impl Place {
    const fn bonus(self) -> f64 {
        match self {
            Self::Summary => 20.0,
            Self::Event => 10.0,
            Self::Artifact => 30.0,
        }
    }
}

impl Search {
    /// Searches for these words.
    pub fn new(words: &str) -> Self {
        let words = words.split_whitespace().map(str::to_lowercase).collect();
        Self { words, sources: Vec::new(), limit: SEARCH_HITS_DEFAULT }
    }

    /// Looks only at runs from there: `channel` in their metadata. `cli` is `terminal`, `cowork` is `desktop`, `scheduled` and
    /// `schedule` are `cron`, and `mobile` is `phone`. Of several one is enough.
    pub fn source(mut self, source: &str) -> Self {
        self.sources.push(source_of(source));
        self
    }

    /// Returns at most that many, from 1 to 100: 20 unless set.
    pub fn limit(mut self, hits: usize) -> Self {
        self.limit = hits.clamp(1, SEARCH_HITS_MAX);
        self
    }

    fn looks_at(&self, run: &RunSummary) -> bool {
        let channel = run.metadata.as_ref().and_then(|metadata| metadata.channel.as_deref()).map(source_of);
        self.sources.is_empty() || channel.is_some_and(|channel| self.sources.contains(&channel))
    }

    /// Returns how well a text fits, and what stands around the first word; `None` if one is missing.
    fn fit(&self, text: &str, place: Place) -> Option<(f64, String)> {
        let lower = text.to_lowercase();
        let mut score = place.bonus();
        let mut first = usize::MAX;
        for word in &self.words {
            let at = lower[..lower.find(word)?].chars().count();
            first = first.min(at);
            #[allow(clippy::cast_precision_loss, reason = "texts are shorter than 2^52")]
            let nearness = (20.0 - at as f64 / 20.0).max(0.0);
            score += 10.0 + nearness;
        }
        Some((score, snippet(text, first)))
    }
}

/// One name for what has several.
fn source_of(name: &str) -> String {
    let name = name.to_lowercase();
    match name.as_str() {
        "cli" => "terminal".to_owned(),
        "cowork" => "desktop".to_owned(),
        "scheduled" | "schedule" => "cron".to_owned(),
        "mobile" => "phone".to_owned(),
        _ => name,
    }
}

/// What stands around a sign of a text, on one line.
fn snippet(text: &str, at: usize) -> String {
    let start = at.saturating_sub(SNIPPET_CHARS / 3);
    let mut signs = text.chars().skip(start);
    let mut out = String::from(if start > 0 { "…" } else { "" });
    let room = SNIPPET_CHARS.saturating_sub(2);
    out.extend(signs.by_ref().take(room).map(|sign| if sign.is_whitespace() { ' ' } else { sign }));
    if signs.next().is_some() {
        out.push('…');
    }
    out
}

impl RunStore {
    /// Searches all runs; returns the best places first, and of those that fit alike those of newer runs.
    ///
    /// What can't be read, of a run that is removed meanwhile for one, is not searched. Of an artifact the first 200,000 bytes
    /// are, if they are text.
    ///
    /// # Errors
    ///
    /// The directory can't be read.
    pub fn search(&self, search: &Search) -> Result<Vec<Hit>, RunError> {
        let mut hits: Vec<Hit> = Vec::new();
        if search.words.is_empty() {
            return Ok(hits);
        }
        for run in self.list(usize::MAX)?.into_iter().filter(|run| search.looks_at(run)) {
            self.search_run(search, &run, &mut hits);
            hits.sort_by(|one, other| other.score.total_cmp(&one.score).then(other.started_at.cmp(&one.started_at)));
            hits.truncate(search.limit);
        }
        Ok(hits)
    }

    fn search_run(&self, search: &Search, run: &RunSummary, hits: &mut Vec<Hit>) {
        let mut look = |place, name: Option<&str>, ts, text: &str| {
            if let Some((score, snippet)) = search.fit(text, place) {
                hits.push(Hit {
                    run_id: run.run_id.clone(),
                    status: run.status,
                    started_at: run.started_at,
                    objective: run.objective.clone(),
                    place,
                    name: name.map(str::to_owned),
                    ts,
                    score,
                    snippet,
                });
            }
        };
        look(Place::Summary, None, None, &summary_text(run));
        for event in self.events(&run.run_id).into_iter().flatten().map_while(Result::ok) {
            // What it says is in the summary.
            if event.kind != "run_start" {
                look(Place::Event, Some(&event.kind), Some(event.ts), &event_text(&event));
            }
        }
        for name in self.inner.artifacts(&run.run_id).unwrap_or_default() {
            let path = self.inner.artifacts_path(&run.run_id).join(&name);
            if let Some(text) = beginning(&path) {
                look(Place::Artifact, Some(&name), None, &format!("{name}\n{text}"));
            }
        }
    }
}

fn summary_text(run: &RunSummary) -> String {
    let metadata = run.metadata.as_ref();
    let words =
        metadata.into_iter().flat_map(|known| known.tags.iter().chain(&known.channel).chain(&known.fork_reason));
    words.fold(format!("{} {}", run.objective, run.run_id), |text, word| text + " " + word)
}

fn event_text(event: &RunEvent) -> String {
    format!("{} {}", event.kind, event.data)
}

/// The beginning of a text; `None` if it is none.
fn beginning(path: &std::path::Path) -> Option<String> {
    use std::io::Read;

    let file = super::files::open(path, std::fs::OpenOptions::new().read(true)).ok()?;
    let mut bytes = Vec::new();
    file.take(SEARCH_ARTIFACT_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    match std::str::from_utf8(&bytes) {
        Ok(_) => String::from_utf8(bytes).ok(),
        // The bound may lie within a sign.
        Err(error) if error.error_len().is_none() => String::from_utf8(bytes[..error.valid_up_to()].to_vec()).ok(),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sooner_a_word_stands_the_better_it_fits() {
        let search = Search::new("bug Fix");
        let (score, snippet) = search.fit("Fix the bug", Place::Summary).unwrap();
        // 20 for the place; 10 + 20 - 0/20 for "fix"; 10 + 20 - 8/20 for "bug".
        assert!((score - 79.6).abs() < 1e-9, "{score}");
        assert_eq!(snippet, "Fix the bug");
        assert_eq!(search.fit("Fix the rest", Place::Summary), None, "all words must be there");
        let (far, snippet) =
            search.fit(&format!("{} fix bug {}", "x ".repeat(400), "y ".repeat(400)), Place::Event).unwrap();
        assert!((far - 30.0).abs() < 1e-9, "far behind there is nothing for nearness: {far}");
        assert_eq!(snippet.chars().count(), SNIPPET_CHARS);
        assert!(snippet.starts_with('…') && snippet.contains("fix bug") && snippet.ends_with('…'), "{snippet}");
    }

    #[test]
    fn a_source_has_several_names() {
        let of = |channel: &str| RunSummary {
            metadata: Some(super::super::RunMetadata::new().channel(channel)),
            ..serde_json::from_str(r#"{"runId":"run_1","status":"running","startedAt":1}"#).unwrap()
        };
        for (asked, channel) in [
            ("cli", "terminal"),
            ("cowork", "desktop"),
            ("scheduled", "cron"),
            ("schedule", "CRON"),
            ("mobile", "phone"),
            ("terminal", "cli"),
        ] {
            assert!(Search::new("x").source(asked).looks_at(&of(channel)), "{asked} {channel}");
        }
        assert!(!Search::new("x").source("cli").looks_at(&of("desktop")));
        assert!(Search::new("x").source("cli").source("phone").looks_at(&of("mobile")));
    }
}
