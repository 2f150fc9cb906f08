//! A browser that is told what to do by `WebDriver` (<https://www.w3.org/TR/webdriver2/>).
//!
//! The protocol is a few requests of JSON, so the client of the other tests speaks it: a crate for it would bring an HTTP client and
//! some dozens of crates that every `cargo test` had to build.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::common::Running;
use crate::common::http::{PATIENCE, ask, post};

/// The key that goes from field to field.
pub const TAB: &str = "\u{e004}";
/// The key that leaves a field, and closes a dialog.
pub const ESCAPE: &str = "\u{e00c}";
/// The key that sends a form.
pub const ENTER: &str = "\u{e007}";

/// A `chromedriver` of our own with one browser without a window; both end when it is dropped.
pub struct Driver {
    /// Killed when dropped, after the browser was told to end.
    _process: Running,
    address: String,
    session: String,
}

impl Driver {
    /// Starts one; with `scripts` off pages can run none, as where a person has turned them off.
    pub fn start(program: &OsStr, scripts: bool) -> Self {
        let mut command = Command::new(program);
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Running::start(&mut command);
        let mut lines = BufReader::new(process.child().stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            line.strip_prefix("ChromeDriver was started successfully on port ")
                .map(|port| port.trim_end_matches('.').to_owned())
        });
        let address = format!("127.0.0.1:{}", port.expect("a line that says where it listens"));
        // What it says later has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        // A sandbox needs rights that few containers give; the pages come from this machine.
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--hide-scrollbars",
            "--lang=en",
        ];
        let mut chrome = json!({ "args": args });
        if !scripts {
            chrome["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        let wanted = json!({"goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}});
        let body = json!({"capabilities": {"alwaysMatch": wanted}});
        let (status, answer) = post(&address, "/session", &body.to_string());
        assert_eq!(status, 200, "no browser: {answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let session = answer["value"]["sessionId"].as_str().unwrap().to_owned();
        Self { _process: process, address, session }
    }

    /// Sends a command of the browser's session; returns its value.
    fn command(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = post(&self.address, &format!("/session/{}/{path}", self.session), &body.to_string());
        assert_eq!(status, 200, "{path}: {answer}");
        serde_json::from_str::<Value>(&answer).unwrap()["value"].take()
    }

    /// Goes to an address, and waits until the page is loaded.
    pub fn open(&self, url: &str) {
        self.command("url", &json!({ "url": url }));
        // Where pages can run no scripts the driver comes back sooner.
        let begun = Instant::now();
        while self.script("return document.readyState") != "complete" {
            assert!(begun.elapsed() < PATIENCE, "{url} is never loaded");
        }
    }

    /// Returns what a function's body returns in the page. The page's own policy does not hold it.
    pub fn script(&self, body: &str) -> Value {
        self.command("execute/sync", &json!({ "script": body, "args": [] }))
    }

    /// Returns what it gives to `done`, whenever it does.
    pub fn script_async(&self, body: &str) -> Value {
        let body = format!("const done = arguments[arguments.length - 1]; {body}");
        self.command("execute/async", &json!({ "script": body, "args": [] }))
    }

    /// Returns what the console has said since it was last asked: errors of scripts, of loading, and of the page's policy.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.command("se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().unwrap().iter();
        let loud = entries.filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        loud.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Sets the width of the page, and its height.
    pub fn resize(&self, width: u32, height: u32) {
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
    }

    /// Lets the page be seen by who prefers light, or dark.
    pub fn prefer(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// Sends a command of the browser's own protocol.
    pub fn devtools(&self, command: &str, params: &Value) -> Value {
        self.command("goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    /// Presses a key this often.
    pub fn press(&self, key: &str, times: usize) {
        let stroke = [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        let strokes: Vec<&Value> = stroke.iter().cycle().take(2 * times).collect();
        self.command("actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": strokes}]}));
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The browser would outlive the driver; an answer is not worth a second panic.
        let head = format!("DELETE /session/{} HTTP/1.1", self.session);
        let _ = std::panic::catch_unwind(|| ask(&self.address, &head, ""));
    }
}
