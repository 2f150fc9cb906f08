//! What Prometheus and its tool say of a collector. `scripts/suite-prometheus` names them.

use std::ffi::OsString;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::common::{PATIENCE, Running, Server, generic, get, stdout_of};

/// What promtool thinks of names that end in `_ms`: those that we are asked to have.
const OPINION: &str = "metric names should not contain abbreviated units";

/// Returns the program that a variable names, or says that the test is skipped.
fn program(variable: &str) -> Option<OsString> {
    let program = std::env::var_os(variable);
    if program.is_none() {
        let skipped = format!("SKIPPED: {variable} names no program; scripts/suite-prometheus installs one\n");
        let _ = std::io::stderr().write_all(skipped.as_bytes());
    }
    program
}

/// Runs promtool with a text on its standard input; returns its success and what it said.
fn promtool(program: &OsString, args: &[&str], text: &str) -> (bool, String) {
    let mut tool = Command::new(program);
    tool.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = tool.spawn().unwrap();
    running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said.into_owned())
}

#[test]
fn promtool_takes_the_metrics_of_a_collector_and_has_an_opinion_on_milliseconds_alone() {
    let Some(program) = program("LASTWORD_PROMTOOL") else { return };
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path());
    server.post("s", &[generic(0, "INFO", "n", "{}")]);
    for path in ["/api/status", "/api/events", "/nowhere"] {
        get(&server.address, path);
    }
    for path in ["/metrics", "/api/metrics", "/metrics?views=1"] {
        let (status, page) = get(&server.address, path);
        assert_eq!(status, 200);
        let (_, said) = promtool(&program, &["check", "metrics"], &page);
        let is_opinion = |line: &str| line.split_once("_ms ").is_some_and(|(_, opinion)| opinion == OPINION);
        assert!(said.lines().all(is_opinion), "{path}: {said}\n{page}");
    }
}

#[test]
fn promtool_takes_the_rules_for_alerts() {
    let Some(program) = program("LASTWORD_PROMTOOL") else { return };
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("lastword.yml");
    std::fs::write(&path, stdout_of(&["export", "alert-rules"])).unwrap();
    let (is_good, said) = promtool(&program, &["check", "rules", path.to_str().unwrap()], "");
    assert!(is_good && said.contains("SUCCESS"), "{said}");
}

#[test]
fn a_real_prometheus_scrapes_a_collector_and_evaluates_its_rules() {
    let Some(program) = program("LASTWORD_PROMETHEUS") else { return };
    let dir = TempDir::new().unwrap();
    let server = Server::start(&dir.path().join("data"));
    server.post("s", &[generic(0, "INFO", "n", "{}")]);
    let rules = dir.path().join("lastword.yml");
    std::fs::write(&rules, stdout_of(&["export", "alert-rules"])).unwrap();
    let config = dir.path().join("prometheus.yml");
    let scrape = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\nscrape_configs:
  - {{job_name: lastword, static_configs: [{{targets: ['{}']}}]}}\n",
        rules.display(),
        server.address
    );
    std::fs::write(&config, scrape).unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut prometheus = Command::new(program);
    prometheus
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", dir.path().join("tsdb").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _running = Running::start(&mut prometheus);
    let begun = Instant::now();
    let ask = |query: &str| {
        std::net::TcpStream::connect(&address).is_ok().then(|| get(&address, &format!("/api/v1/query?query={query}")).1)
    };
    // The answer's last part is the value, as a text.
    let wait = |query: &str, value: &str| loop {
        let answer = ask(query).unwrap_or_default();
        if answer.contains(&format!("\"{value}\"]")) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{query}: {answer}");
        std::thread::sleep(Duration::from_millis(100));
    };
    wait("up", "1");
    wait("lastword_ingest_events_total%7Bprotocol%3D%22tinker%22%7D", "1");
    wait("http_request_duration_ms_count%7Broute%3D%22*/api/v1/telemetry%22%7D", "1");
    wait("count(lastword_commit_duration_ms_bucket)", "11");
    let (status, rules) = get(&address, "/api/v1/rules");
    assert_eq!(status, 200);
    assert!(rules.contains("LastwordStoreBroken") && !rules.contains("\"health\":\"err\""), "{rules}");
}
