//! Diagnostics for the people who make the program, and for nobody else.
//!
//! Two keys open the gate, a setting of the program's and a variable of the environment's, so that neither a program that
//! was shipped so, nor a variable that somebody has set, opens it alone. Where it is shut, a call is a branch.

use std::path::Path;

use serde::Serialize;

use super::environment::read_head;
use super::handle::Reporter;
use super::process::Process;
use super::report::{Admission, DropReason};
use crate::event::{EventKind, Severity, Tag};
use crate::limits::{ENVIRONMENT_FILE_BYTES_MAX, KUBERNETES_NAME_BYTES_MAX, MOUNTINFO_BYTES_MAX};
use crate::privacy::{Switch, switch};
use crate::queue::Class;

/// The variable that is the second key.
const INTERNAL_VARIABLE: &str = "TINKER_TELEMETRY_INTERNAL";
/// What counts as the second key too, where programs of ours have always had it.
const USER_TYPE_VARIABLE: &str = "USER_TYPE";
const USER_TYPE_INTERNAL: &str = "ant";

/// Hexadecimal digits of the id of a container.
const CONTAINER_ID_DIGITS: usize = 64;

impl Reporter {
    /// Logs an event for the people who make the program: `context`, and where in a cluster it happened
    /// (`kubernetes_namespace`, `container_id`, as far as they are known).
    ///
    /// Only where the program has said [`internal_diagnostics`](super::Builder::internal_diagnostics) and
    /// `TINKER_TELEMETRY_INTERNAL=1` is set. For anybody else it returns at once, and `context` is not called.
    ///
    /// ```
    /// use lastword::{Admission, DropReason, Reporter};
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = Reporter::builder("s").enabled(true).sink(sink).start()?;
    ///
    /// let expensive = || -> u64 { panic!("nobody asked for it") };
    /// let taken = reporter.log_internal("queue.state", || serde_json::json!({"waiting": expensive()}));
    /// assert_eq!(taken, Admission::Dropped(DropReason::Disabled));
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    #[inline]
    pub fn log_internal<T: Serialize>(&self, name: &str, context: impl FnOnce() -> T) -> Admission {
        match self.inner() {
            Some(inner) if inner.shared.settings.internal.is_some() => self.log_where(name, context),
            _ => Admission::Dropped(DropReason::Disabled),
        }
    }

    #[cold]
    fn log_where<T: Serialize>(&self, name: &str, context: impl FnOnce() -> T) -> Admission {
        let Some(inner) = self.inner() else { return Admission::Dropped(DropReason::Disabled) };
        let Some(place) = inner.shared.settings.internal else { return Admission::Dropped(DropReason::Disabled) };
        inner.shared.admit(Class::Ordinary, Tag::new(EventKind::Generic, Severity::Debug), |encoder| {
            encoder.name(name);
            let known = [("kubernetes_namespace", &place.namespace), ("container_id", &place.container)];
            let known = || known.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?)));
            encoder.fields(u32::try_from(known().count() + 1).unwrap_or_default());
            known().for_each(|(key, value)| encoder.field(key, value));
            encoder.field("context", &context());
            Ok(())
        })
    }
}

/// Where in a cluster a process is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    namespace: Option<String>,
    container: Option<String>,
}

/// Returns where this process is, if both keys are there. Read once a process, by who starts a reporter: no event waits
/// for a file.
pub(super) fn place(asked: bool) -> Option<&'static Place> {
    let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let is_open = asked && has_key(variable(INTERNAL_VARIABLE).as_deref(), variable(USER_TYPE_VARIABLE).as_deref());
    is_open.then(|| Process::this().place.get_or_init(|| Place::look(Path::new("/"))))
}

/// Whether the environment has the second key.
fn has_key(internal: Option<&str>, user_type: Option<&str>) -> bool {
    let is_on = internal.is_some_and(|word| switch(Some(word)) == Switch::On);
    is_on || user_type == Some(USER_TYPE_INTERNAL)
}

impl Place {
    fn look(root: &Path) -> Self {
        let account = root.join("var/run/secrets/kubernetes.io/serviceaccount/namespace");
        let mounts = read_head(&root.join("proc/self/mountinfo"), MOUNTINFO_BYTES_MAX);
        Self {
            namespace: read_head(&account, ENVIRONMENT_FILE_BYTES_MAX).and_then(|text| namespace(&text)),
            container: mounts.and_then(|text| container(&text)),
        }
    }
}

/// Returns what is a name of Kubernetes' own kind.
fn namespace(text: &str) -> Option<String> {
    let name = text.trim();
    let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    (is_name && (1..=KUBERNETES_NAME_BYTES_MAX).contains(&name.len())).then(|| name.to_owned())
}

/// Returns the id of the container whose files are mounted, by the folders that runtimes keep them in.
fn container(mounts: &str) -> Option<String> {
    let after = |folder: &str| {
        mounts.split(folder).skip(1).find_map(|rest| {
            let id = rest.get(..CONTAINER_ID_DIGITS)?;
            let ends = rest[CONTAINER_ID_DIGITS..].starts_with(|next: char| !next.is_ascii_alphanumeric());
            (ends && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
        })
    };
    // Docker and CRI-O keep them by container; containerd by the pod's sandbox.
    after("containers/").or_else(|| after("sandboxes/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn the_environments_key_is_its_own_word_or_the_old_one() {
        for (internal, user_type, expected) in [
            (Some("1"), None, true),
            (Some(" TRUE "), None, true),
            (None, Some("ant"), true),
            (None, None, false),
            (Some("0"), None, false),
            (Some(""), None, false),
            (Some("maybe"), None, false),
            (None, Some("external"), false),
        ] {
            assert_eq!(has_key(internal, user_type), expected, "{internal:?} {user_type:?}");
        }
    }

    #[test]
    fn the_id_of_a_container_is_found_where_each_runtime_has_it() {
        for mounts in [
            format!("1 2 0:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"),
            format!("1 2 0:1 /containers/storage/overlay-containers/{ID}/userdata/hosts /etc/hosts rw\n"),
            format!("1 2 0:1 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{ID}/resolv.conf /etc rw\n"),
        ] {
            assert_eq!(container(&mounts).as_deref(), Some(ID), "{mounts}");
        }
        for mounts in ["", "1 2 0:1 / / rw\n", "containers/0123/x", &format!("containers/{ID}0/x"), "containers/ö"] {
            assert_eq!(container(mounts), None, "{mounts}");
        }
    }

    #[test]
    fn a_namespace_is_a_name_or_nothing() {
        assert_eq!(namespace("team-7\n").as_deref(), Some("team-7"));
        for text in ["", "\n", "Two Words", "../etc", &"x".repeat(KUBERNETES_NAME_BYTES_MAX + 1)] {
            assert_eq!(namespace(text), None, "{text}");
        }
    }

    #[test]
    fn both_are_read_below_the_root_and_left_out_where_they_are_not() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Place::look(root.path()), Place::default());
        let account = root.path().join("var/run/secrets/kubernetes.io/serviceaccount");
        std::fs::create_dir_all(&account).unwrap();
        std::fs::write(account.join("namespace"), "prod").unwrap();
        std::fs::create_dir_all(root.path().join("proc/self")).unwrap();
        let mounts = format!("1 2 0:1 /docker/containers/{ID}/hosts /etc/hosts rw\n");
        std::fs::write(root.path().join("proc/self/mountinfo"), mounts).unwrap();
        let expected = Place { namespace: Some("prod".into()), container: Some(ID.into()) };
        assert_eq!(Place::look(root.path()), expected);
    }
}
