//! Diagnostics for the people who make the program, and for nobody else.
//!
//! Who they are says [`Reporter::internal`]. For anybody else a call is a branch.

use std::path::Path;

use serde::Serialize;

use super::environment::read_head;
use super::handle::Reporter;
use super::process::Process;
use super::report::{Admission, DropReason};
use crate::event::Severity;
use crate::limits::{ENVIRONMENT_FILE_BYTES_MAX, KUBERNETES_NAME_BYTES_MAX, MOUNTINFO_BYTES_MAX};
use crate::privacy::Checked;

/// Hexadecimal digits of the id of a container.
const CONTAINER_ID_DIGITS: usize = 64;

impl Reporter {
    /// Logs an event for the people who make the program: `context`, and where in a cluster it happened
    /// (`kubernetes_namespace`, `container_id`, as far as they are known).
    ///
    /// Only where [`internal`](Self::internal) is there. For anybody else it returns at once, and `context` is not called.
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
        match self.internal().and_then(|_| self.place()) {
            Some(place) => self.log_where(place, name, context),
            None => Admission::Dropped(DropReason::Disabled),
        }
    }

    #[cold]
    fn log_where<T: Serialize>(&self, place: &Place, name: &str, context: impl FnOnce() -> T) -> Admission {
        let known = [("kubernetes_namespace", &place.namespace), ("container_id", &place.container)];
        let known = || known.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?)));
        let fields = u32::try_from(known().count() + 1).unwrap_or_default();
        self.record(Severity::Debug, name, fields, |encoder| {
            known().for_each(|(key, value)| encoder.field(key, &Checked(value)));
            encoder.field("context", &context());
        })
    }

    #[inline]
    fn place(&self) -> Option<&'static Place> {
        self.inner().and_then(|inner| inner.shared.settings.place)
    }
}

/// Where in a cluster a process is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    namespace: Option<String>,
    container: Option<String>,
}

/// Returns where this process is. Read once a process, by who starts a reporter: no event waits for a file.
pub(super) fn place() -> &'static Place {
    Process::this().place.get_or_init(|| Place::look(Path::new("/")))
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
