//! Large values that are outside of the store, of processes that die.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::common::{Server, generic, get, run, try_ask};
use crate::house::House;
use crate::support::{stored, until};

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What is sent to store an event of a session with a large value.
fn body(session: &str) -> String {
    let event = generic(0, "INFO", "model", &format!(r#"{{"prompt":"{}"}}"#, large()));
    format!(r#"{{"events":[{event}],"platform":"unix/linux","sdk_version":"1.0","session_id":"{session}"}}"#)
}

fn large() -> String {
    "needle ".repeat(4_000)
}

fn send(address: &str, session: &str) -> Option<u16> {
    let body = body(session);
    let head =
        format!("POST /api/v1/telemetry HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
    try_ask(address, &head, &body).ok().map(|(status, _)| status)
}

fn has(server: &Server, session: &str) -> bool {
    let (status, page) = get(&server.address, &format!("/api/events?session={session}"));
    status == 200 && page.contains(&large())
}

/// What is between the value and what names it is cut in two; whoever sends again loses nothing, and the value does not stay for ever.
#[test]
fn a_writer_that_is_killed_between_a_value_and_its_event_leaves_a_value_that_goes_later() {
    let Some(mut house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (data, values) = (dir.path().join("data"), dir.path().join("values"));
    let blobs = format!("file://{}", values.display());
    let all = "ingest,write,query";
    let serve = |house: &House| house.serve(all, "127.0.0.1:0", &data, &["--blobs", &blobs]);
    let mut writer = serve(&house);
    let querier = house.serve("query", "127.0.0.1:0", &dir.path().join("query"), &[]);
    house.hangs(true);
    let client = {
        let address = writer.address.clone();
        std::thread::spawn(move || send(&address, "s"))
    };
    until("the value is there", || files(&values).len() == 1);
    writer.signal("KILL");
    drop(writer);
    house.hangs(false);
    assert_ne!(client.join().unwrap(), Some(200), "nobody was told that it is stored");

    writer = serve(&house);
    assert_eq!((stored(&writer, "s"), files(&values).len()), (0, 1), "a value that nothing names");
    assert_eq!(send(&writer.address, "s"), Some(200));
    for server in [&writer, &querier] {
        until("it is read, also by who is not told where", || has(server, "s"));
    }

    // As it is a day later.
    let path = files(&values).remove(0);
    let before = path.parent().unwrap().with_file_name("079000");
    std::fs::create_dir_all(&before).unwrap();
    let orphan = before.join(path.file_name().unwrap());
    std::fs::copy(&path, &orphan).unwrap();
    let day = Duration::from_secs(25 * 60 * 60);
    File::options().write(true).open(&orphan).unwrap().set_modified(SystemTime::now() - day).unwrap();
    writer.stop();
    writer = serve(&house);
    until("it goes", || !orphan.exists());
    assert!(path.exists() && has(&writer, "s"));
}

#[test]
fn every_large_value_of_a_store_in_clickhouse_is_read_and_it_is_said_which_are_not_what_they_were() {
    let Some(house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (values, url) = (dir.path().join("values"), house.url());
    let blobs = format!("file://{}", values.display());
    let verify = |more: &[&str]| {
        let output = run(&[&["store", "verify", "--store", &url], more].concat());
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let whole = (Some(0), "the large values are whole\n".to_owned());
    let server = house.serve("ingest,write,query", "127.0.0.1:0", &dir.path().join("data"), &["--blobs", &blobs]);
    assert_eq!(verify(&["--blobs"]), whole, "there are none");
    assert_eq!(verify(&[]).0, Some(2), "it is only these that are looked at");
    assert_eq!(send(&server.address, "s"), Some(200));
    assert_eq!(verify(&["--blobs"]), whole);

    let path = files(&values).remove(0);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("needle", "thread", 1)).unwrap();
    let problem = |what: &str| (Some(1), format!("large values {what} in the object store: 1\n"));
    assert_eq!(verify(&["--blobs"]), problem("were changed"));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(verify(&["--blobs"]), problem("are missing"));
}
