//! That each page is whole: its title, its links, its forms, with scripts and without.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common::get;
use crate::populate;
use crate::stage::{Page, Stage, links};

/// Pages of one kind that are looked at.
const EACH: usize = 3;

#[test]
fn every_page_has_a_title_and_one_heading_and_the_console_is_silent() {
    let Some(stage) = Stage::start(populate::day) else { return };
    let browser = stage.browser(true);
    let mut titles = BTreeSet::new();
    for page in stage.pages(EACH) {
        stage.open(&browser, &page);
        let path = &page.path;
        let facts = browser.script(
            "return {status: performance.getEntriesByType('navigation')[0].responseStatus, headings: document.querySelectorAll('h1').length,
                     title: document.title, lang: document.documentElement.lang, cookies: document.cookie}",
        );
        assert_eq!(facts["status"], 200, "{path}");
        assert_eq!(facts["headings"], 1, "{path}: headings of the first level");
        assert_eq!((&facts["lang"], &facts["cookies"]), (&Value::from("en"), &Value::from("")), "{path}");
        let title = facts["title"].as_str().unwrap();
        assert!(title.ends_with(" · lastword") && title.len() > " · lastword".len(), "{path}: {title}");
        if !page.template.contains('{') {
            assert!(titles.insert(title.to_owned()), "{path}: {title} is the title of another page");
        }
        assert_eq!(browser.complaints(), [] as [&str; 0], "{path}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    let Some(stage) = Stage::start(populate::day) else { return };
    let mut followed = BTreeSet::new();
    for page in stage.pages(EACH) {
        let (status, body) = get(&stage.server.address, &page.path);
        assert_eq!(status, 200, "{}", page.path);
        for link in links(&body) {
            if followed.insert(link.clone()) {
                let status = get(&stage.server.address, &link).0;
                assert!(status < 400, "{link} of {} answers {status}", page.path);
            }
        }
    }
    eprintln!("{} links", followed.len());
    assert!(followed.len() > 50, "{followed:?}");
}

/// Chooses the last choice of each field and writes into each text field; returns what the address has to say then.
const FILL: &str = "
    const form = document.forms[arguments[0] ?? NUMBER], said = [];
    for (const field of form.elements) {
        if (field.localName === 'select') { field.selectedIndex = field.options.length - 1; }
        else if (field.type === 'checkbox') { field.checked = true; }
        else if (field.localName === 'input' && !['hidden', 'submit'].includes(field.type) && !field.value && !field.list) {
            field.value = field.type === 'number' ? '1' : 'a';
        }
        if (field.name && field.value && (field.type !== 'checkbox' || field.checked)) said.push([field.name, field.value]);
    }
    return said;";

#[test]
fn every_form_says_what_it_asks_for_in_the_address_with_scripts_and_without() {
    let Some(stage) = Stage::start(populate::day) else { return };
    for scripts in [true, false] {
        let browser = stage.browser(scripts);
        let mut sent = 0;
        for page in stage.pages(1) {
            stage.open(&browser, &page);
            let forms = browser
                .script("return [...document.forms].flatMap((form, number) => form.method === 'get' ? [number] : [])");
            for number in forms.as_array().unwrap() {
                stage.open(&browser, &page);
                let said = browser.script(&FILL.replace("arguments[0] ?? NUMBER", &number.to_string()));
                browser.script(&format!(
                    "const form = document.forms[{number}]; form.querySelector('button, [type=submit]').click()"
                ));
                let is = format!(
                    "const url = new URL(location.href); return {said}.every(([name, value]) => url.searchParams.getAll(name).includes(value))"
                );
                let address = browser.script("return location.href");
                assert_eq!(browser.script(&is), true, "form {number} of {}: {said} is not in {address}", page.path);
                let headings = browser.script("return document.querySelectorAll('h1').length");
                assert_eq!(headings, 1, "what {address} answers");
                sent += 1;
            }
        }
        assert!(sent >= 4, "{sent} forms");
    }
}

/// What a person can read of a page, without what is only there where scripts run.
const TEXT: &str = "return document.querySelector('main').innerText.replace(/\\s+/g, ' ')";

#[test]
fn without_scripts_each_page_shows_what_it_shows_with_them() {
    let Some(stage) = Stage::start(populate::day) else { return };
    let (with, without) = (stage.browser(true), stage.browser(false));
    for page in stage.pages(1) {
        let read = |browser| {
            stage.open(browser, &page);
            browser.script(TEXT).as_str().unwrap().len()
        };
        let (with, without) = (read(&with), read(&without));
        assert!(
            without > 0 && without * 10 >= with * 8,
            "{}: {without} bytes of text without scripts, {with} with them",
            page.path
        );
    }
    let page = Page { template: "/".to_owned(), path: "/".to_owned() };
    stage.open(&without, &page);
    let ran = without.script("const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.head.append(s); return window.ran ?? 0");
    assert_eq!(ran, 0, "scripts are off in this browser");
}
