//! How pages look: to eyes on screens narrow and wide, light and dark, and to who can't see them.

use crate::driver::Driver;
use crate::populate;
use crate::stage::{Page, Stage};

/// Widths of screens: the narrowest that is in use, and a desktop's.
const WIDTHS: [u32; 2] = [320, 1440];
const HEIGHT: u32 = 900;
/// Pages beside the first of each kind: what says that nothing is there or nothing can be shown, and what has gaps, a crash, orphans.
const BESIDES: [&str; 6] = [
    "/sessions/none",
    "/events?severity=loud",
    "/events?name=none",
    "/sessions/edge-berlin-12",
    "/sessions/train-gpu-7",
    "/traces/dead00014f1c8a27d6e35b90c2d1e8f7",
];

/// What sticks out to the right, of what does not scroll by itself.
const WIDER: &str = "
    const wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= wide) return [];
    const scrolls = e => { for (e = e.parentElement; e; e = e.parentElement) if (e !== document.body && e !== document.documentElement && getComputedStyle(e).overflowX !== 'visible') return true; };
    return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > wide + 1 && !scrolls(e))
        .slice(0, 4).map(e => e.localName + '.' + e.className + ': ' + Math.round(e.getBoundingClientRect().right) + ' ' + e.textContent.slice(0, 40))
        .concat('in all ' + document.documentElement.scrollWidth);";

#[test]
fn no_page_is_wider_than_the_screen() {
    let Some(stage) = Stage::start(|address| {
        populate::hostile(address);
        populate::day(address);
    }) else {
        return;
    };
    let browser = stage.browser(true);
    let mut wrong = Vec::new();
    for page in stage.pages(9) {
        stage.open(&browser, &page);
        for width in WIDTHS {
            browser.resize(width, HEIGHT);
            let wider = browser.script(WIDER);
            if wider != serde_json::json!([]) {
                wrong.push(format!("{} at {width}: {wider}", page.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How many tiles there are, and where rows of them end that end before others.
const SHORT_ROWS: &str = "
    const tiles = [...document.querySelectorAll('.tile')].map(tile => tile.getBoundingClientRect()), ends = new Map();
    for (const {top, right} of tiles) ends.set(Math.round(top), Math.max(ends.get(Math.round(top)) ?? 0, right));
    const all = [...ends.values()];
    return [tiles.length, all.filter(end => end < Math.max(...all) - 1)];";

#[test]
fn every_row_of_the_overviews_figures_is_full_on_any_screen() {
    let Some(stage) = Stage::start(populate::day) else { return };
    let browser = stage.browser(true);
    browser.open(&format!("{}/", stage.server.url));
    for width in [320, 600, 900, 1024, 1280, 1440] {
        browser.resize(width, HEIGHT);
        let told = browser.script(SHORT_ROWS);
        assert!(told[0].as_u64().unwrap() > 4, "there are figures of calls too: {told}");
        assert_eq!(told[1], serde_json::json!([]), "{width} wide");
    }
}

#[test]
fn axe_finds_no_violation_in_light_and_dark() {
    let Some(stage) = Stage::start(populate::day) else { return };
    let Some(axe) = std::env::var_os("LASTWORD_AXE") else {
        panic!("LASTWORD_AXE names no file; scripts/suite-browser has it");
    };
    let axe = std::fs::read_to_string(axe).unwrap();
    let browser = stage.browser(true);
    let mut wrong = Vec::new();
    let message = |path: &str| Page { template: String::new(), path: path.to_owned() };
    let mut pages = stage.pages(1);
    pages.extend(BESIDES.map(message));
    for page in pages {
        for (scheme, width) in [("light", 1440), ("dark", 1440), ("light", 320)] {
            browser.resize(width, HEIGHT);
            browser.prefer(scheme);
            stage.open(&browser, &page);
            wrong.extend(
                violations(&browser, &axe)
                    .iter()
                    .map(|said| format!("{} in {scheme}, {width} wide: {said}", page.path)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns what axe says of the page that is open.
fn violations(browser: &Driver, axe: &str) -> Vec<String> {
    browser.script(axe);
    let said = browser.script_async(
        "const tell = v => v.id + ': ' + v.help + v.nodes.slice(0, 3).map(n => '\\n    ' + n.target + ' ' + n.html.slice(0, 120) + ' ' + n.failureSummary.replace(/\\s+/g, ' ')).join('') + '\\n    ' + v.nodes.length + ' in all';
         document.querySelectorAll('details').forEach(d => d.open = true);
         axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations.map(tell)), e => done(['axe failed: ' + e]))",
    );
    said.as_array().unwrap().iter().map(|said| said.as_str().unwrap().to_owned()).collect()
}
