//! That what clients send is shown as text, whatever it is.

use crate::common::http::get;
use crate::populate;
use crate::stage::Stage;

/// The text that would turn others, as pages show it.
pub fn turned() -> String {
    populate::TURNED.replace('\u{202e}', r"\u{202e}").replace('\u{2066}', r"\u{2066}")
}

#[test]
fn no_text_of_a_client_becomes_more_than_text() {
    let Some(stage) = Stage::start(populate::hostile) else { return };
    let browser = stage.browser(true);
    let mut seen = String::new();
    for page in stage.pages(9) {
        let path = &page.path;
        // A dialog that a script opened would make this fail.
        stage.open(&browser, &page);
        let found = browser.script(
            "const own = s => s.src.startsWith(location.origin);
             return {broken: window.broken ?? 0, images: document.images.length, frames: window.frames.length,
                     scripts: [...document.scripts].filter(s => !own(s)).length,
                     links: [...document.links].filter(a => !/^https?:$/.test(a.protocol) || a.origin !== location.origin).map(a => '' + a.href),
                     handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on/.test(a.name))).length}",
        );
        let nothing =
            serde_json::json!({"broken": 0, "images": 0, "frames": 0, "scripts": 0, "links": [], "handlers": 0});
        assert_eq!(found, nothing, "{path}");
        assert_eq!(browser.complaints(), [] as [&str; 0], "{path}");
        // Marks that turn the direction of writing are seen and turn nothing.
        let turned = browser.script(
            "const marks = /[\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]/;
             const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT), bad = [];
             for (let n; n = walk.nextNode();) if (marks.test(n.data)) bad.push(n.parentElement.outerHTML.slice(0, 200));
             const told = ['title', 'aria-label'].flatMap(name => [...document.querySelectorAll(`[${name}]`)].map(e => e.getAttribute(name)));
             return [...bad, ...told.filter(text => marks.test(text))]",
        );
        assert_eq!(turned, serde_json::json!([]), "{path}: turns text");
        // A text that is written from the right turns itself and not the row that it stands in.
        let rows = browser.script(
            "const wrong = (what, is) => [...document.querySelectorAll(what)].filter(e => !is(getComputedStyle(e))).map(e => e.outerHTML.slice(0, 200));
             return [...wrong('tr, summary, li', s => s.direction === 'ltr'), ...wrong('pre, .said', s => s.unicodeBidi === 'plaintext')]",
        );
        assert_eq!(rows, serde_json::json!([]), "{path}: rows that flip, texts that don't");
        seen += browser.script("return document.body.textContent").as_str().unwrap();
        let (_, body) = get(&stage.server.address, path);
        assert!(!body.contains('\0') && body.len() < 3_000_000, "{path}: {} bytes", body.len());
    }
    assert!(seen.contains(populate::SCRIPT) && seen.contains(&turned()), "they are shown");
    assert!(seen.contains(populate::ATTRIBUTE), "they are shown");
}
