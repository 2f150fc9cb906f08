//! A collector with data of every kind, and the list of its pages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::io::Write;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Server, get};
use crate::driver::Driver;

/// Soon enough that a test can see a session fall silent, late enough that one which lives does not.
const SILENT_AFTER: &str = "15s";

/// Pages that forms lead to: of the day, and of what is hostile.
const BY_FORM: [&str; 4] = [
    "/runs/run_mwx1d7b2_f00d01/diff?other=run_mwx1c0a1_fa11ed",
    "/runs/run_mwx1bad1_bad001/diff?other=run_mwx1bad0_bad000",
    "/traces/620f454b4f1c8a27d6e35b90c2d1e8f7/compare?other=610e444a4f1c8a27d6e35b90c2d1e8f7",
    "/traces/000000000000000000000000bad00001/compare?other=000000000000000000000000bad00000",
];

/// A collector of the real program.
pub struct Stage {
    /// Removed when dropped.
    _data: TempDir,
    pub server: Server,
    chromedriver: OsString,
}

/// A page that there is.
pub struct Page {
    /// As `/api/openapi.json` has it.
    pub template: String,
    /// As a link has it.
    pub path: String,
}

impl Stage {
    /// Starts a collector and fills it; `None`, said aloud, where there is no browser.
    pub fn start(fill: impl FnOnce(&str)) -> Option<Self> {
        let Some(chromedriver) = std::env::var_os("LASTWORD_CHROMEDRIVER") else {
            let skipped = b"SKIPPED: LASTWORD_CHROMEDRIVER names no program; scripts/suite-browser installs one\n";
            let _ = std::io::stderr().write_all(skipped);
            return None;
        };
        let data = TempDir::new().unwrap();
        let server = Server::start_with(&["--listen", "127.0.0.1:0", "--silent-after", SILENT_AFTER], data.path());
        fill(&server.address);
        Some(Self { _data: data, server, chromedriver })
    }

    /// Starts a browser, with scripts on or off.
    pub fn browser(&self, scripts: bool) -> Driver {
        Driver::start(&self.chromedriver, scripts)
    }

    /// Goes to a page.
    pub fn open(&self, browser: &Driver, page: &Page) {
        browser.open(&format!("{}{}", self.server.url, page.path));
    }

    /// Returns every page that answers in HTML, by what the collector says of itself, so that a new one can't be forgotten: those without
    /// a parameter, and of those with one the first `most` that a link leads to.
    pub fn pages(&self, most: usize) -> Vec<Page> {
        let templates = self.templates();
        let mut found: BTreeMap<&str, Vec<String>> =
            templates.iter().map(|template| (&**template, Vec::new())).collect();
        let mut waiting: VecDeque<String> =
            templates.iter().filter(|template| !template.contains('{')).cloned().collect();
        waiting.extend(BY_FORM.map(ToOwned::to_owned));
        let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
        while let Some(path) = waiting.pop_front() {
            let Some(template) = templates.iter().find(|template| matches(template, &path)) else { continue };
            let pages = found.get_mut(&**template).unwrap();
            if pages.len() >= if template.contains('{') { most } else { 1 } {
                continue;
            }
            let (status, body) = get(&self.server.address, &path);
            // One that needs parameters is found by a link that has them; that links lead somewhere is a test of its own.
            if status != 200 {
                continue;
            }
            pages.push(path);
            waiting.extend(links(&body).into_iter().filter(|link| seen.insert(link.clone())));
        }
        let missing: Vec<&&str> =
            found.iter().filter(|(_, pages)| pages.is_empty()).map(|(template, _)| template).collect();
        assert!(missing.is_empty(), "no link leads to {missing:?}, or the data have nothing to show there");
        let pages =
            found.iter().flat_map(|(template, pages)| pages.iter().map(|path| ((*template).to_owned(), path.clone())));
        pages.map(|(template, path)| Page { template, path }).collect()
    }

    /// Whether there is a page at this path.
    pub fn has(&self, path: &str) -> bool {
        self.templates().iter().any(|template| template == path)
    }

    /// Returns the paths of pages, as the collector's own document has them.
    fn templates(&self) -> Vec<String> {
        let (status, document) = get(&self.server.address, "/api/openapi.json");
        assert_eq!(status, 200);
        let document: Value = serde_json::from_str(&document).unwrap();
        let paths = document["paths"].as_object().unwrap().iter();
        let html = paths.filter(|(_, path)| path["get"]["responses"]["200"]["content"]["text/html"].is_object());
        // Longest first: `/runs/compare` is no run.
        let mut templates: Vec<String> = html.map(|(path, _)| path.clone()).collect();
        templates.sort_by_key(|template| (template.contains('{'), template.clone()));
        assert!(templates.len() >= 7, "{templates:?}");
        templates
    }
}

/// Whether an address is one of a template, such as `/sessions/{id}`.
fn matches(template: &str, path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap();
    let (mut wanted, mut is) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), is.next()) {
            (None, None) => return true,
            (Some(wanted), Some(is)) if wanted == is || wanted.starts_with('{') && !is.is_empty() => {}
            _ => return false,
        }
    }
}

/// Returns where the links of a page lead on this collector, as text between quotes: a page is written by our own code alone.
pub fn links(page: &str) -> Vec<String> {
    let links = page.split("href=\"").skip(1).filter_map(|part| part.split('"').next());
    links
        .filter(|link| link.starts_with('/'))
        .map(|link| link.split('#').next().unwrap().replace("&amp;", "&"))
        .collect()
}
