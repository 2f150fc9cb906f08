//! Stores whose large values are in an object store.

use super::*;

/// All files below a directory.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// What is said by a copy that fails.
fn refused(from: &Path, to: &Path, flags: &[&str]) -> String {
    let paths = [from, to].map(|path| path.to_str().unwrap());
    let refused = run(&[&["store", "copy", "--from", paths[0], "--to", paths[1]], flags].concat());
    assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(1), &b""[..]));
    String::from_utf8(refused.stderr).unwrap()
}

#[test]
fn large_values_are_read_from_their_object_store_and_put_where_the_copy_keeps_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to, back] = ["from", "to", "back"].map(|name| dir.path().join(name));
    let [here, there, elsewhere] =
        ["here", "there", "elsewhere"].map(|name| format!("file://{}", dir.path().join(name).display()));
    fill_with(&["--blobs", &here], &from).stop();
    assert_eq!(files(&dir.path().join("here")).len(), 2);
    let copied = copy(&from, &to);
    assert_eq!((&copied["copied"], &copied["from"]["checksum"]), (&json!(11), &copied["to"]["checksum"]), "{copied}");
    let outside = |data: &Path| {
        let told = stdout_of(&["store", "info", "--data", data.to_str().unwrap(), "--json"]);
        serde_json::from_str::<Value>(&told).unwrap()["outside"]["values"].clone()
    };
    assert_eq!((outside(&from), outside(&to)), (json!(2), Value::Null), "the copy has them in its database");

    // The way back, into another object store. Where values are already they go on to go.
    assert_eq!(copy_with(&["--blobs", &there], &to, &back)["to"]["checksum"], copied["from"]["checksum"]);
    assert_eq!(copy(&to, &back)["copied"], 0);
    let told = refused(&to, &back, &["--blobs", &elsewhere]);
    assert!(told.contains("this store has large values elsewhere already"), "{told}");
    assert_eq!((outside(&back), files(&dir.path().join("there")).len()), (json!(2), 2));
    for (data, flags) in [(&to, &[][..]), (&back, &["--blobs"][..])] {
        let verify = ["store", "verify", "--data", data.to_str().unwrap()];
        assert_eq!(stdout_of(&[&verify, flags].concat()), "the store is whole\n");
    }
    let before = answers(&from);
    for copy in [&to, &back] {
        for (path, (before, after)) in QUESTIONS.iter().zip(before.iter().zip(answers(copy))) {
            assert_eq!(*before, after, "{path}");
        }
    }
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    for (from, entries) in [(from, noted(Path::new(to), from)), (from, noted(&back, from)), (to, noted(&back, to))] {
        assert!(entries.len() == 1 && entries[0].0.starts_with("cli:") && entries[0].1 == 11, "{from}: {entries:?}");
    }
}

#[test]
fn a_value_that_is_not_there_ends_a_copy_which_says_of_which_event_and_goes_on_when_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to, here, aside] = ["from", "to", "here", "aside"].map(|name| dir.path().join(name));
    fill_with(&["--blobs", &format!("file://{}", here.display())], &from).stop();
    // Of the first event with one: what was asked for is not read again.
    let object = files(&here).into_iter().find(|file| std::fs::read_to_string(file).unwrap().starts_with('{')).unwrap();
    std::fs::rename(&object, &aside).unwrap();
    for _ in 0..2 {
        let told = refused(&from, &to, &[]);
        let event = format!("the event {:032x} of session s-1 in {} is not whole", 4, from.display());
        assert!(told.contains(&event) && told.contains("is missing in the object store (file://"), "{told}");
        assert!(told.contains("Put the object back"), "{told}");
    }
    std::fs::write(&object, "{}").unwrap();
    assert!(refused(&from, &to, &[]).contains("its object was changed"));
    std::fs::rename(&aside, &object).unwrap();

    // Where the directory was is a file: nobody can say whether the value is there.
    std::fs::rename(&here, &aside).unwrap();
    std::fs::write(&here, "").unwrap();
    let told = refused(&from, &to, &[]);
    assert!(told.contains("can't be read now: ") && told.contains("the same command goes on"), "{told}");
    std::fs::remove_file(&here).unwrap();
    std::fs::rename(&aside, &here).unwrap();
    assert_eq!(noted(&to, from.to_str().unwrap()), [], "nothing that is not whole is told to be copied");
    assert_eq!(copy(&from, &to)["to"]["events"], 11);
    assert_eq!(noted(&to, from.to_str().unwrap()).len(), 1);
}

#[test]
fn a_copy_of_large_values_that_is_killed_goes_on_and_has_each_of_them() {
    const EVENTS: usize = 600;
    let dir = tempfile::tempdir().unwrap();
    let [from, to, there] = ["from", "to", "there"].map(|name| dir.path().join(name));
    let server = Server::start_with(
        &["--listen", "127.0.0.1:0", "--blobs", &format!("file://{}/here", dir.path().display())],
        &from,
    );
    for request in 0..EVENTS / 20 {
        let prompt = |index: usize| json!({ "prompt": format!("{request} {index} ").repeat(5_000) }).to_string();
        let events: Vec<String> = (0..20).map(|index| generic(index, "INFO", "n", &prompt(index))).collect();
        server.post(&format!("s-{request}"), &events);
    }
    server.stop();
    let blobs = format!("file://{}", there.display());
    for millis in [50, 200, 400, 800] {
        let mut command = lastword();
        command.args(["store", "copy", "--blobs", &blobs, "--from"]).arg(&from).arg("--to").arg(&to);
        let mut running = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        std::thread::sleep(std::time::Duration::from_millis(millis));
        running.signal("KILL");
        running.wait();
    }
    let copied = copy_with(&["--blobs", &blobs], &from, &to);
    assert_eq!((&copied["to"]["events"], &copied["from"]["checksum"]), (&json!(EVENTS), &copied["to"]["checksum"]));
    assert_eq!(files(&there).len(), EVENTS);
    assert_eq!(stdout_of(&["store", "verify", "--blobs", "--data", to.to_str().unwrap()]), "the store is whole\n");
    assert_eq!(noted(&to, from.to_str().unwrap()).len(), 1);
}
