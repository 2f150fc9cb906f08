//! That all can be done without a mouse.

use serde_json::Value;

use crate::driver::{ENTER, ESCAPE, TAB};
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
        if browser.script("return !!document.activeElement.closest('.what > details > summary')") == true {
            break;
        }
    }
    browser.press(ENTER, 1);
    let open = browser
        .script("const details = document.activeElement.parentElement; return details.open ? details.innerText : ''");
    let Value::String(open) = open else { panic!("{open}") };
    assert!(open.contains("\"error_type\""), "{open}");
}

#[test]
fn each_key_does_what_the_page_of_keys_says() {
    let Some(stage) = Stage::start(populate::day) else { return };
    let browser = stage.browser(true);
    let open = |path: &str| browser.open(&format!("{}{path}", stage.server.url));
    let path = || browser.script("return location.pathname");
    open("/keys");
    let pages = browser
        .script("return [...document.querySelectorAll('header a[data-keys]')].map(a => [a.dataset.keys, a.pathname])");
    let pages = pages.as_array().unwrap();
    assert!(pages.len() > 5, "{pages:?}");
    for page in pages {
        for key in page[0].as_str().unwrap().split(' ') {
            browser.press(key, 1);
        }
        assert_eq!(path(), page[1], "{}", page[0]);
    }
    open("/events");
    browser.press("/", 1);
    assert_eq!(browser.script("return document.activeElement.name"), "text", "a slash leads to the filter");
    browser.press("g", 1);
    browser.press("o", 1);
    assert_eq!(
        (path(), browser.script("return document.activeElement.value")),
        ("/events".into(), "go".into()),
        "in a field keys are text"
    );
    // Not the address that is open: the driver might take the page that goes for the one that comes.
    open("/events?severity=INFO");
    let row = "return [...document.querySelectorAll('tbody tr')].indexOf(document.activeElement.closest('tr'))";
    for (key, at) in [("j", 0), ("j", 1), ("k", 0), ("k", 0)] {
        browser.press(key, 1);
        assert_eq!(browser.script(row), at, "{key}");
    }
    browser.press("]", 1);
    assert!(browser.script("return location.search").as_str().unwrap().contains("after="), "the next page");
    browser.press("[", 1);
    assert!(!browser.script("return location.search").as_str().unwrap().contains("after="), "and back");
    browser.press("?", 1);
    assert_eq!(browser.script("return document.querySelector('dialog').open"), true);
    browser.press(ESCAPE, 1);
    assert_eq!(browser.script("return document.querySelector('dialog').open"), false);
}
