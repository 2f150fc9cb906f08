//! `lastword top` on a terminal that is one: it starts, draws, reacts to keys, and gives the terminal back.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::agent::work;
use crate::common::{PATIENCE, Running, Server, lastword, run, stdout_of};
use crate::support::{Recorder, wire_events};

const ROWS: NonZero<u16> = NonZero::new(24).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();

/// A terminal of 80 columns and 24 rows, with `lastword top` on it.
struct Terminal {
    master: File,
    /// The other side, held so that its settings can be looked at when the program is gone.
    slave: File,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Running,
}

impl Terminal {
    /// Starts it; `None`, said aloud, where the system has no pseudo-terminals.
    fn start(args: &[&str]) -> Option<Self> {
        let Ok((master, slave)) = pair() else {
            eprintln!("skipped: this system gives no pseudo-terminal");
            return None;
        };
        let side = || Stdio::from(slave.try_clone().unwrap());
        let mut command = lastword();
        command.arg("top").args(args).env("TERM", "xterm-256color").stdin(side()).stdout(side()).stderr(side());
        let child = Running::start(&mut command);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(ROWS, COLUMNS, 0)));
        let (mut output, shown) = (File::from(master.try_clone().unwrap()), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..count]);
            }
        });
        Some(Self { master: File::from(master), slave: File::from(slave), screen, child })
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is so.
    fn wait_for(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so(self.screen.lock().unwrap().screen()) {
            assert!(Instant::now() < end, "{what}: {}", self.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn wait_for_text(&self, text: &str) {
        self.wait_for(text, |screen| screen.contents().contains(text));
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.slave).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// The program ended well, and the terminal is as it was.
    fn end_given_back(self) {
        let Self { master, slave, screen, child } = self;
        assert_eq!(child.wait().code(), Some(0));
        let modes = tcgetattr(&slave).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "{modes:?}");
        let end = Instant::now() + PATIENCE;
        let is_back = |screen: &vt100::Screen| !screen.alternate_screen() && !screen.hide_cursor();
        while !is_back(screen.lock().unwrap().screen()) {
            assert!(Instant::now() < end, "the alternate screen is left, and the cursor shown");
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(master);
    }
}

fn pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = rustix::fs::open(ptsname(&master, Vec::new())?, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
    tcsetwinsize(&slave, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 })?;
    Ok((master, slave))
}

#[test]
fn it_draws_reacts_to_keys_follows_the_file_and_gives_the_terminal_back() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "session-1");
    work(&recorder);
    recorder.flush();
    let path = recorder.path.to_str().unwrap().to_owned();
    let Some(mut terminal) = Terminal::start(&["--jsonl", &path, "--interval", "100ms"]) else { return };
    terminal.wait_for_text("Tokens 530");
    terminal.wait_for_text("live");
    assert!(terminal.is_raw() && terminal.screen.lock().unwrap().screen().alternate_screen());
    for said in ["Overview", "openai/gpt-4o", "calculator", "tool_error", "agent.other", "q quit"] {
        terminal.wait_for_text(said);
    }
    terminal.press("?");
    terminal.wait_for_text("any key goes back");
    terminal.press("x");
    terminal.press("\x1b[B\r");
    terminal.wait_for_text("EACCES: permission denied");
    terminal.press("\x1b");
    terminal.wait_for_text("Overview");
    work(&recorder);
    recorder.flush();
    terminal.wait_for_text("Tokens 1,060");
    terminal.press("p");
    terminal.wait_for_text("paused");
    terminal.press("q");
    terminal.end_given_back();
    recorder.stop();
}

#[test]
fn a_signal_and_control_c_give_the_terminal_back() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "session-1");
    work(&recorder);
    let path = recorder.stop();
    for end in ["TERM", "INT", "\x03"] {
        let Some(mut terminal) = Terminal::start(&["--jsonl", &path]) else { return };
        terminal.wait_for_text("Tokens 530");
        match end {
            "\x03" => terminal.press(end),
            signal => terminal.child.signal(signal),
        }
        terminal.end_given_back();
    }
}

#[test]
fn a_collector_that_goes_away_is_said_and_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "session-1");
    work(&recorder);
    let path = recorder.stop();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    server.post("session-1", &wire_events(&path));
    let Some(mut terminal) = Terminal::start(&["--url", &server.url, "--interval", "100ms"]) else { return };
    terminal.wait_for_text("Tokens 530");
    let address = server.address.clone();
    server.stop();
    terminal.wait_for_text("no answer");
    assert!(terminal.text().contains("Tokens 530"), "what is known stays: {}", terminal.text());
    let _server = Server::start_at(&address, &data);
    terminal.wait_for_text("live");
    terminal.press("q");
    terminal.end_given_back();
}

#[test]
fn one_look_as_text_is_the_same_from_a_file_a_directory_and_a_collector() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "session-1");
    work(&recorder);
    let path = recorder.stop();
    let server = Server::start(&directory.path().join("data"));
    server.post("session-1", &wire_events(&path));
    let text = stdout_of(&["top", "--once", "--jsonl", &path]);
    assert_eq!(text, stdout_of(&["top", "--once", "--data", server.data_text()]));
    assert_eq!(text, stdout_of(&["top", "--once", "--url", &server.url]));
    let titles = ["Overview", "Rates", "Providers", "Top Tools", "Recent Errors"];
    let places: Vec<_> =
        titles.iter().map(|title| text.find(title).unwrap_or_else(|| panic!("{title}: {text}"))).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(text.lines().all(|line| line.chars().count() == 80) && text.contains("$0.0030"), "{text}");
}

#[test]
fn without_a_terminal_it_says_what_would_be_right() {
    let output = run(&["top", "--jsonl", "/dev/null"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("lastword top --once"), "{message}");
    for (args, says) in
        [(["top", "--interval", "1ms"], "100ms"), (["top", "--interval", "fast"], "a whole number and a unit")]
    {
        let output = run(&args);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains(says));
    }
}
