//! The script, and the keys that it gives to pages.

use crate::common::{Dir, Server};

#[test]
fn every_page_runs_our_script_and_no_other() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for path in ["/", "/sessions", "/exceptions", "/events", "/traces", "/keys", "/sessions/none"] {
        let page = server.get(path);
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(page.body.matches("<script").count(), 1, "{path}");
        assert!(page.body.contains("<script src=\"/app.js\" defer></script>"), "{path}: {}", page.body);
        assert!(!page.body.contains(" onclick=") && !page.body.contains("javascript:"), "{path}");
    }
    for path in ["/app.js", "/live.js"] {
        let script = server.get(path).is(200);
        assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
        for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!script.body.contains(way), "{path}: text of clients could become markup by `{way}`");
        }
        assert!(script.body.len() < 8 * 1024, "{path} has {} bytes", script.body.len());
    }
}

#[test]
fn the_keys_are_told_on_a_page_of_their_own_and_in_a_dialog_of_every_page() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let page = server.get("/keys").is(200).body;
    for part in ["<kbd>j</kbd> <kbd>k</kbd>", "<kbd>g</kbd> <kbd>o</kbd> </dt><dd>Overview</dd>", "<h1>Keys</h1>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let other = server.get("/").is(200).body;
    assert!(other.contains("<dialog id=\"keys\"") && other.contains("href=\"/keys\""), "{other}");
    assert!(other.contains("<a href=\"/events\" data-keys=\"g v\">Events</a>"), "{other}");
}
