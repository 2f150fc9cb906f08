//! That all can be done without a mouse.

use serde_json::Value;

use crate::driver::{ENTER, TAB};
use crate::populate;
use crate::stage::Stage;

/// More than any page has that can be focused.
const STOPS_MAX: usize = 400;

/// Notes what is focused, and whether that can be seen; returns how much there is to focus.
const WATCH: &str = "
    window.stops = [];
    const name = e => e.localName + ' ' + (e.getAttribute('href') ?? e.name ?? '') + ' ' + e.textContent.trim().slice(0, 30);
    document.addEventListener('focusin', event => {
        const style = getComputedStyle(event.target);
        const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
        event.target.reached = true;
        window.stops.push([name(event.target), ring && event.target.matches(':focus-visible')]);
    });
    const can = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]';
    window.all = [...document.querySelectorAll(can)].filter(e => e.tabIndex >= 0 && e.checkVisibility() && !e.disabled);
    window.unreached = () => window.all.filter(e => !e.reached && !(e.type === 'radio' && !e.checked)).map(name);
    return window.all.length;";

#[test]
fn the_tab_key_reaches_everything_and_what_it_reaches_can_be_seen() {
    let Some(stage) = Stage::start(populate::day) else { return };
    let browser = stage.browser(true);
    for page in stage.pages(1) {
        stage.open(&browser, &page);
        let path = &page.path;
        let all = usize::try_from(browser.script(WATCH).as_u64().unwrap()).unwrap();
        assert!(all > 5 && all < STOPS_MAX, "{path}: {all} places to stop at");
        browser.press(TAB, all + 5);
        let unreached = browser.script("return window.unreached()");
        assert_eq!(unreached, serde_json::json!([]), "{path}: what no key reaches");
        let unseen = browser.script("return window.stops.filter(([, ring]) => !ring).map(([name]) => name)");
        assert_eq!(unseen, serde_json::json!([]), "{path}: what does not show that it is focused");
    }
}

#[test]
fn a_person_without_a_mouse_comes_from_the_overview_to_an_event() {
    let Some(stage) = Stage::start(populate::day) else { return };
    let browser = stage.browser(true);
    browser.open(&format!("{}/events?kind=UNHANDLED_EXCEPTION", stage.server.url));
    for _ in 0..200 {
        browser.press(TAB, 1);
        if browser.script("return document.activeElement.localName") == "summary" {
            break;
        }
    }
    browser.press(ENTER, 1);
    let open = browser
        .script("const details = document.activeElement.parentElement; return details.open ? details.innerText : ''");
    let Value::String(open) = open else { panic!("{open}") };
    assert!(open.contains("\"error_type\""), "{open}");
}
