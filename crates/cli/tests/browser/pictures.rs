//! Pictures of the pages for the documentation, from the running program. `scripts/screenshots` asks for them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};

use crate::common::{PATIENCE, get};
use crate::populate;
use crate::stage::Stage;

/// Size of the window.
const WIDTH: u32 = 1440;
/// What is seen without scrolling on a desktop; of a longer page the picture has no more than this.
const HEIGHT_MAX: u64 = 1000;

/// Pages of one kind among which the best one is.
const MOST: usize = 60;
/// What the addresses of pages have that show most.
const BEST: [&str; 3] = ["edge-berlin-12", "620f454b", "run_mwx1c0a1_fa11ed"];

#[test]
fn every_page_has_its_picture() {
    let Some(directory) = std::env::var_os("LASTWORD_PICTURES").map(PathBuf::from) else { return };
    let Some(stage) = Stage::start(populate::day) else { return };
    // What a rule of an alert or a session that fell silent shows takes some seconds.
    let begun = Instant::now();
    let there = |path: &str, what: &str| get(&stage.server.address, path).1.contains(what);
    for (path, what) in [("/api/sessions?state=silent", "batch-night"), ("/api/alerts", "\"firing\"")] {
        while !there(path, what) {
            assert!(begun.elapsed() < PATIENCE, "{path} has no {what}");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
    let browser = stage.browser(true);
    let mut pages = stage.pages(MOST);
    // Of each kind the one that shows most, else the first.
    pages.sort_by_key(|page| !BEST.iter().any(|best| page.path.contains(best)));
    let mut done = BTreeSet::new();
    for (count, page) in pages.into_iter().filter(|page| done.insert(page.template.clone())).enumerate() {
        // One session lives.
        populate::beat(&stage.server.address, count);
        let name = name_of(&page.template);
        for (scheme, suffix) in [("light", ""), ("dark", "-dark")] {
            if scheme == "dark" && page.template != "/" {
                continue;
            }
            browser.resize(WIDTH, 600);
            browser.prefer(scheme);
            stage.open(&browser, &page);
            let height =
                browser.script("return document.documentElement.scrollHeight").as_u64().unwrap().min(HEIGHT_MAX);
            browser.resize(WIDTH, u32::try_from(height).unwrap());
            let Value::String(picture) =
                browser.devtools("Page.captureScreenshot", &json!({"format": "png"}))["data"].take()
            else {
                panic!("no picture of {}", page.path)
            };
            // As the browser gives it; the script knows how to read it.
            std::fs::write(directory.join(format!("{name}{suffix}.base64")), picture).unwrap();
        }
    }
}

/// Returns the name of a page's picture: `/sessions/{id}` is `sessions-one`.
fn name_of(template: &str) -> String {
    let parts = template.split('/').filter(|part| !part.is_empty());
    let parts: Vec<&str> = parts.map(|part| if part.starts_with('{') { "one" } else { part }).collect();
    if parts.is_empty() { "overview".to_owned() } else { parts.join("-") }
}
