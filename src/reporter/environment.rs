//! What a session says of where it runs, once.
//!
//! Nothing in here names a machine, a user or a path: numbers, yes or no, and names that a system has for itself.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::builder::Builder;
use super::shared::Shared;
use crate::event::{Encoder, EventKind, Severity, Tag, names};
use crate::limits::{ENVIRONMENT_FILE_BYTES_MAX, ENVIRONMENT_NAME_BYTES_MAX, SESSION_ID_BYTES_MAX};
use crate::privacy::Checked;
use crate::queue::Class;

/// The variable that names what the program runs for.
const NAME_VARIABLE: &str = "TINKER_ENV";

/// What a session says of where it runs, once, in the event `session.environment` behind SESSION_START.
///
/// The system and its version, the architecture, this library's version, whether it is continuous integration and whether
/// it is a container, the ids of the process and of its parent, its age and memory; the name in `TINKER_ENV` (`production`,
/// say); and, where they are set, the agent that it works for. See [`Builder::environment`](super::Builder::environment).
///
/// ```
/// # let sink = lastword::testing::MemorySink::new();
/// use lastword::{Environment, Reporter};
///
/// let environment = Environment::new().agent_id("agent-7").parent_id("session-1");
/// let reporter = Reporter::builder("session-2").environment(environment).enabled(true).sink(sink.clone()).start()?;
/// reporter.blocking_stop(std::time::Duration::from_secs(5));
/// let event = &sink.events()[1];
/// assert_eq!(event["event_name"], "session.environment");
/// assert_eq!(event["event_data"]["arch"], std::env::consts::ARCH);
/// assert_eq!(event["event_data"]["parent_id"], "session-1");
/// # Ok::<(), lastword::StartError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Environment {
    agent_id: Option<String>,
    parent_id: Option<String>,
}

impl Environment {
    /// Says what can be found out.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says which agent the session is of, 256 bytes of it at the most.
    #[must_use]
    pub fn agent_id(mut self, id: impl Into<String>) -> Self {
        self.agent_id = Some(bounded(id.into()));
        self
    }

    /// Says which agent or session has started this one, 256 bytes of it at the most.
    #[must_use]
    pub fn parent_id(mut self, id: impl Into<String>) -> Self {
        self.parent_id = Some(bounded(id.into()));
        self
    }
}

impl Builder {
    /// Says once, behind SESSION_START, where the session runs: see [`Environment`]. Not said unless set, nor
    /// where less than everything may be reported.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }
}

fn bounded(mut id: String) -> String {
    id.truncate(id.floor_char_boundary(SESSION_ID_BYTES_MAX));
    id
}

impl Shared {
    /// Takes what the session says of where it runs.
    pub(super) fn describe(&self, environment: &Environment) {
        let found = Found::look(Path::new("/"));
        let name = std::env::var(NAME_VARIABLE).ok().filter(|name| is_name(name));
        let texts = [
            ("platform", Some(&*self.session.platform)),
            ("os", Some(std::env::consts::OS)),
            ("os_version", found.os_version.as_deref()),
            ("kernel_version", found.kernel_version.as_deref()),
            ("arch", Some(std::env::consts::ARCH)),
            ("library_version", Some(env!("CARGO_PKG_VERSION"))),
            ("env", name.as_deref()),
            ("agent_id", environment.agent_id.as_deref()),
            ("parent_id", environment.parent_id.as_deref()),
        ];
        let numbers = [
            ("process_id", Some(u64::from(std::process::id()))),
            ("parent_process_id", parent_process_id()),
            ("process_age_ms", found.process_age_ms),
            ("rss_bytes", found.rss_bytes),
            ("cpus", std::thread::available_parallelism().ok().map(|cpus| cpus.get() as u64)),
        ];
        let flags = [("ci", is_ci(std::env::var_os("CI").as_deref())), ("container", found.is_container)];
        let texts = || texts.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        let numbers = || numbers.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        let fields = texts().count() + numbers().count() + flags.len();
        let tag = Tag::own(EventKind::Generic, Severity::Info);
        let _ = self.admit(Class::Ordinary, tag, |encoder: &mut Encoder<'_>| {
            encoder.name(names::SESSION_ENVIRONMENT);
            encoder.fields(u32::try_from(fields).unwrap_or_default());
            texts().for_each(|(key, value)| encoder.field(key, &Checked(value)));
            numbers().for_each(|(key, value)| encoder.field(key, &value));
            flags.iter().for_each(|(key, value)| encoder.field(*key, value));
            Ok(())
        });
    }
}

/// What the files of a system say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    os_version: Option<String>,
    kernel_version: Option<String>,
    is_container: bool,
    process_age_ms: Option<u64>,
    rss_bytes: Option<u64>,
}

impl Found {
    /// Looks below a root: what is not there is left out.
    fn look(root: &Path) -> Self {
        let read = |path: &str| read_head(&root.join(path), ENVIRONMENT_FILE_BYTES_MAX);
        Self {
            os_version: read("etc/os-release").and_then(|text| os_version(&text)),
            kernel_version: read("proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
            is_container: is_container(root),
            process_age_ms: read("proc/self/stat")
                .zip(read("proc/uptime"))
                .and_then(|(stat, uptime)| age(&stat, &uptime)),
            rss_bytes: read("proc/self/statm").and_then(|text| resident(&text)),
        }
    }
}

/// Reads the head of a plain file, without waiting for the other end of what is none.
pub(super) fn read_head(path: &Path, bytes_max: u64) -> Option<String> {
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(bytes_max).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the name and version that a system of Linux has for itself: `debian 12`.
fn os_version(release: &str) -> Option<String> {
    let field = |name: &str| {
        let value = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(value.trim_matches('"').to_owned())
    };
    match (field("ID"), field("VERSION_ID")) {
        (Some(id), Some(version)) => Some(format!("{id} {version}")),
        (id, version) => id.or(version),
    }
}

/// Whether something says that this is a container. Nothing does so for sure.
fn is_container(root: &Path) -> bool {
    let has = |path: &str| root.join(path).exists();
    let groups = read_head(&root.join("proc/1/cgroup"), ENVIRONMENT_FILE_BYTES_MAX).unwrap_or_default();
    has(".dockerenv")
        || has("run/.containerenv")
        || has("var/run/secrets/kubernetes.io/serviceaccount")
        || ["docker", "kubepods", "containerd", "lxc"].iter().any(|word| groups.contains(word))
}

/// Whether the variable says that this is continuous integration: it is there, and does not say no.
fn is_ci(value: Option<&std::ffi::OsStr>) -> bool {
    let word = value.map(|value| value.to_string_lossy().trim().to_ascii_lowercase()).unwrap_or_default();
    !matches!(word.as_str(), "" | "0" | "false" | "no" | "off")
}

/// Whether it is a name, and no content of any kind.
fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=ENVIRONMENT_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_part)
}

#[cfg(unix)]
fn parent_process_id() -> Option<u64> {
    Some(u64::from(std::os::unix::process::parent_id()))
}

#[cfg(not(unix))]
fn parent_process_id() -> Option<u64> {
    None
}

/// Returns how long the process has run, from its start in ticks since the boot, and the time since the boot in seconds.
#[cfg(target_os = "linux")]
fn age(stat: &str, uptime: &str) -> Option<u64> {
    // The name of the program, in parentheses, may hold anything; 20 numbers on is the start.
    let ticks: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    let started_ms = ticks.checked_mul(1_000)? / rustix::param::clock_ticks_per_second().max(1);
    let (seconds, fraction) = uptime.split_whitespace().next()?.split_once('.')?;
    let now_ms = seconds.parse::<u64>().ok()? * 1_000 + fraction.get(..2)?.parse::<u64>().ok()? * 10;
    Some(now_ms.saturating_sub(started_ms))
}

/// Returns the memory that the process has, from its sizes in pages.
#[cfg(target_os = "linux")]
fn resident(statm: &str) -> Option<u64> {
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(rustix::param::page_size() as u64)
}

#[cfg(not(target_os = "linux"))]
fn age(_: &str, _: &str) -> Option<u64> {
    None
}

#[cfg(not(target_os = "linux"))]
fn resident(_: &str) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn a_system_without_any_of_the_files_says_nothing_of_itself() {
        assert_eq!(Found::look(root(&[]).path()), Found::default());
        assert_eq!(Found::look(root(&[("proc/self/stat", "?"), ("proc/self/statm", "")]).path()), Found::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_files_say_is_read_whatever_the_programs_name_is() {
        let ticks = rustix::param::clock_ticks_per_second();
        let stat = format!("7 (a) b) S 1 {}{} 0", "0 ".repeat(17), 3 * ticks);
        let root = root(&[
            ("etc/os-release", "NAME=\"x\"\nVERSION_ID=\"12\"\nID=debian\nPRETTY_NAME=\"y\"\n"),
            ("proc/sys/kernel/osrelease", "6.1.0\n"),
            ("proc/self/stat", &stat),
            ("proc/uptime", "10.25 3.00\n"),
            ("proc/self/statm", "9 2 1 1 0 1 0"),
            ("proc/1/cgroup", "0::/kubepods/besteffort/pod1\n"),
        ]);
        let expected = Found {
            os_version: Some("debian 12".into()),
            kernel_version: Some("6.1.0".into()),
            is_container: true,
            process_age_ms: Some(7_250),
            rss_bytes: Some(2 * rustix::param::page_size() as u64),
        };
        assert_eq!(Found::look(root.path()), expected);
    }

    #[test]
    fn continuous_integration_is_what_says_so() {
        for (value, expected) in
            [("true", true), ("1", true), ("woodpecker", true), ("false", false), (" 0 ", false), ("", false)]
        {
            assert_eq!(is_ci(Some(OsStr::new(value))), expected, "{value}");
        }
        assert!(!is_ci(None));
    }

    #[test]
    fn what_the_program_runs_for_is_a_name_or_nothing() {
        assert!(["production", "eu-1.test_2"].into_iter().all(is_name));
        assert!(!["", "a b", "../x", "größe", &"x".repeat(ENVIRONMENT_NAME_BYTES_MAX + 1)].into_iter().any(is_name));
    }

    #[test]
    fn what_is_no_plain_file_is_not_read_and_of_one_the_head() {
        let root = root(&[("a", "abcdef")]);
        assert_eq!(read_head(&root.path().join("a"), 3).as_deref(), Some("abc"));
        assert_eq!(read_head(root.path(), 3), None);
        assert_eq!(read_head(Path::new("/dev/zero"), 3), None);
    }

    #[test]
    fn an_id_is_cut_at_its_bound() {
        let environment = Environment::new().agent_id("ö".repeat(200));
        assert_eq!(environment.agent_id.unwrap().len(), SESSION_ID_BYTES_MAX);
    }
}
