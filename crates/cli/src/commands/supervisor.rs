//! What started us and waits for a word: systemd, by the protocol of `sd_notify(3)`.

#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
#[cfg(target_os = "linux")]
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Names the socket.
#[cfg(target_os = "linux")]
const VARIABLE: &str = "NOTIFY_SOCKET";

/// Who is told how we are. Mostly nobody.
pub(crate) struct Supervisor {
    #[cfg(target_os = "linux")]
    address: Option<SocketAddr>,
}

impl Supervisor {
    /// Finds out whether anybody waits.
    #[cfg(target_os = "linux")]
    pub(crate) fn of_environment() -> Self {
        let address = std::env::var(VARIABLE).ok().and_then(|name| match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name).ok(),
            None if name.is_empty() => None,
            None => SocketAddr::from_pathname(name).ok(),
        });
        Self { address }
    }

    /// Nobody does.
    #[cfg(not(target_os = "linux"))]
    pub(crate) const fn of_environment() -> Self {
        Self {}
    }

    /// Says how we are. That it can't be said is no reason to stop.
    #[cfg(target_os = "linux")]
    pub(crate) fn tell(&self, state: &str) {
        let Some(address) = &self.address else { return };
        let told = UnixDatagram::unbound().and_then(|socket| socket.send_to_addr(state.as_bytes(), address));
        if let Err(error) = told {
            tracing::debug!(%error, "the supervisor can't be told");
        }
    }

    /// There is nobody to tell.
    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self, reason = "as on Linux")]
    pub(crate) const fn tell(&self, _: &str) {}
}
