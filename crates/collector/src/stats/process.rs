//! The process, as the kernel tells it, under the names that every client of Prometheus gives it. What a system does not tell is
//! left out.

use lastword::views::{Exposition, Family, MetricKind};

use crate::query::Moment;

/// Writes what is known of the process.
#[derive(Debug)]
pub(crate) struct Process {
    begun_us: i64,
}

impl Process {
    /// Remembers when the process began.
    pub(crate) const fn begun(begun_us: i64) -> Self {
        Self { begun_us }
    }

    /// Returns when the process began.
    pub(crate) const fn begun_at(&self) -> Moment {
        Moment::from_micros(self.begun_us)
    }

    /// Writes the metrics of the process.
    #[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
    pub(crate) fn write(&self, out: &mut Exposition) {
        let mut add = |kind, name: &str, help: &str, number: Option<f64>| {
            let mut family = Family::new(kind);
            number.into_iter().for_each(|number| family.number(&[], number));
            out.add(name, help, &family);
        };
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |name: &str| field(&status, name).map(|kib| kib * 1024.0);
        let (gauge, counter) = (MetricKind::Gauge, MetricKind::Counter);
        add(counter, "process_cpu_seconds_total", "CPU time of the process.", cpu_seconds());
        add(gauge, "process_resident_memory_bytes", "Memory of the process that is resident.", bytes("VmRSS:"));
        add(gauge, "process_virtual_memory_bytes", "Memory of the process, resident or not.", bytes("VmSize:"));
        add(gauge, "process_threads", "Threads of the process.", field(&status, "Threads:"));
        let open = std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1) as f64);
        add(gauge, "process_open_fds", "File descriptors that are open.", open);
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        add(gauge, "process_max_fds", "File descriptors that may be open.", field(&limits, "Max open files"));
        let begun = self.begun_us as f64 / 1e6;
        add(gauge, "process_start_time_seconds", "When the collector was opened, in seconds since 1970.", Some(begun));
    }
}

/// Reads the first number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(unix)]
#[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
fn cpu_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

#[cfg(not(unix))]
fn cpu_seconds() -> Option<f64> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn all_that_linux_tells_is_there() {
        let mut out = Exposition::default();
        Process::begun(1_000_000).write(&mut out);
        let text = out.finish();
        for name in ["cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "threads"] {
            assert!(text.contains(&format!("\nprocess_{name} ")), "{name}: {text}");
        }
        assert!(text.ends_with("process_start_time_seconds 1\n"), "{text}");
    }
}
