//! What a page weighs and how soon it is there. The figures are printed.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::common::PATIENCE;
use crate::populate;
use crate::stage::Stage;

/// What a page may weigh, with all that it loads.
const BYTES_MAX: u64 = 100_000;
/// What the first paint should take, and what no busy machine explains.
const PAINT: Duration = Duration::from_millis(300);
const PAINT_ABSURD: Duration = Duration::from_secs(5);
/// How often each page is opened for the median.
const TIMES: usize = 3;
/// Events of the collector that is asked.
const EVENTS: usize = 100_000;

#[test]
fn no_page_is_heavy_and_each_is_painted_soon_with_a_hundred_thousand_events() {
    let Some(stage) = Stage::start(|address| {
        populate::many(address, EVENTS);
        populate::day(address);
    }) else {
        return;
    };
    let browser = stage.browser(true);
    browser.devtools("Network.setCacheDisabled", &json!({ "cacheDisabled": true }));
    let (mut heavy, mut late) = (Vec::new(), 0);
    for page in stage.pages(1) {
        let mut paints = Vec::new();
        let mut weighed = (0, 0);
        for _ in 0..TIMES {
            stage.open(&browser, &page);
            let facts = browser.script_async(
                "const wait = () => { const paint = performance.getEntriesByName('first-paint')[0]; if (!paint) return setTimeout(wait, 5);
                    const all = performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'));
                    done([Math.round(paint.startTime), all.reduce((sum, one) => sum + one.transferSize, 0), Math.round(all[0].responseEnd - all[0].requestStart)]) };
                 wait()",
            );
            paints.push(Duration::from_millis(facts[0].as_u64().unwrap()));
            weighed = (facts[1].as_u64().unwrap(), facts[2].as_u64().unwrap());
        }
        paints.sort_unstable();
        let paint = paints[TIMES / 2];
        eprintln!(
            "{:<60} {:>7} bytes, server {:>4} ms, first paint {:>5} ms",
            page.path,
            weighed.0,
            weighed.1,
            paint.as_millis()
        );
        if weighed.0 > BYTES_MAX {
            heavy.push(format!("{} has {} bytes", page.path, weighed.0));
        }
        late += usize::from(paint > PAINT);
        assert!(paint < PAINT_ABSURD, "{}: painted after {paint:?}", page.path);
    }
    eprintln!("{late} pages were painted later than after {PAINT:?}");
    assert!(heavy.is_empty(), "more than {BYTES_MAX} bytes: {}", heavy.join(", "));
}

/// How long a new event may take until it is shown; what no busy machine explains.
const LIVE_ABSURD: Duration = Duration::from_secs(10);
/// New events that are waited for.
const BEATS: usize = 5;

#[test]
fn a_new_event_is_shown_by_itself() {
    let Some(stage) = Stage::start(populate::day) else { return };
    if !stage.has("/live") {
        eprintln!("there is no page /live");
        return;
    }
    let browser = stage.browser(true);
    browser.open(&format!("{}/live", stage.server.url));
    let mut took = Vec::new();
    for count in 0..BEATS {
        let name = populate::beat_name(count);
        browser.script(&format!(
            "window.shown = 0; const look = () => {{ if (!window.shown && document.body.innerText.includes('{name}')) window.shown = Date.now() }};
             new MutationObserver(look).observe(document.body, {{childList: true, subtree: true, characterData: true}})",
        ));
        let sent = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        populate::beat(&stage.server.address, count);
        let begun = Instant::now();
        let shown = loop {
            let shown = browser.script("return window.shown").as_u64().unwrap();
            if shown > 0 {
                break Duration::from_millis(shown);
            }
            assert!(begun.elapsed() < PATIENCE, "{name} is not shown");
        };
        took.push(shown.saturating_sub(sent));
    }
    took.sort_unstable();
    eprintln!("a new event is shown after {:?} (median), {:?} at most", took[BEATS / 2], took[BEATS - 1]);
    assert!(took[BEATS / 2] < LIVE_ABSURD, "{took:?}");
}
