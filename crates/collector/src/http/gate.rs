//! Who gets in: keys, names of this machine, proxies that are believed, rates. What the guard asks of it can be changed while
//! the collector runs.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::StatusCode;

use crate::auth::need::{Need, need};
use crate::auth::{Caller, Key, KeyFileError, Keyring, Scope, credential};
use crate::config::values::Network;
use crate::config::{Config, Rate};
use crate::rate::Rates;
use crate::store::trail::{InForce, What};

/// What decides whether a request gets in.
pub(crate) struct Gate {
    keys: Keyring,
    pub(super) rates: Rates,
    trusted: Vec<Network>,
    hosts: Vec<String>,
    /// Whether the operator wants everybody in.
    open: bool,
}

/// Why a request doesn't get in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("no key: send one as `Authorization: Bearer KEY` or `X-API-Key: KEY`")]
    Missing,
    #[error("the key is not known here: it was revoked, or is one of another collector")]
    Unknown,
    #[error("the key `{name}` is for {held}, and this needs {needed}", needed = .needed.as_str())]
    Scope { name: String, held: String, needed: Scope },
}

impl Refusal {
    /// Returns how it is answered.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Unknown | Self::Missing => StatusCode::UNAUTHORIZED,
            Self::Scope { .. } => StatusCode::FORBIDDEN,
        }
    }
}

impl Gate {
    /// Reads the keys.
    ///
    /// # Errors
    ///
    /// Their file can't be read or is wrong.
    pub(crate) fn new(config: &Config) -> Result<Self, KeyFileError> {
        let settings = &config.settings;
        Ok(Self {
            keys: Keyring::open(settings.keys.as_deref(), &config.keys)?,
            rates: Rates::new(settings.rate.clone()),
            trusted: settings.trusted_proxies.clone(),
            hosts: settings.hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            open: settings.insecure_public,
        })
    }

    /// Takes the keys over as they are now.
    ///
    /// # Errors
    ///
    /// As [`Gate::new`]; the keys are those of before then.
    pub(crate) fn reload_keys(&self) -> Result<(), KeyFileError> {
        self.keys.reload()
    }

    /// Returns the keys as they are now, for the audit trail.
    pub(crate) fn keys(&self) -> Vec<InForce> {
        let of = |key: &Key| InForce {
            what: What::Key,
            name: key.name().to_owned(),
            value: format!("{} {}", key.scopes(), key.mark()),
        };
        self.keys.all().iter().map(of).collect()
    }

    /// Returns whether keys are asked for.
    pub(super) fn asks_for_keys(&self) -> bool {
        self.keys.asks()
    }

    /// Sets other rates.
    pub(crate) fn set_rate(&self, rate: Rate) {
        self.rates.set(rate);
    }

    pub(super) fn trusted(&self) -> &[Network] {
        &self.trusted
    }

    /// Returns whether a request is answered at any rate: those who watch the collector must not turn it red.
    pub(super) fn is_exempt(request: &Request) -> bool {
        let path = request.uri().path();
        need(request.method(), path) == Need::Nothing || matches!(path, "/metrics" | "/api/metrics")
    }

    /// Sees to it that a request is for a name of this machine, while whoever reaches it gets in.
    ///
    /// # Errors
    ///
    /// The name that is not known.
    pub(super) fn names<'h>(&self, host: Option<&'h str>) -> Result<(), &'h str> {
        // Who shows a key was given it; and no browser says nothing.
        let Some(host) = host.filter(|_| !self.keys.asks() && !self.open) else { return Ok(()) };
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let bare = name.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
        // A number is no name that somebody could make resolve to this machine.
        let known = bare.parse::<IpAddr>().is_ok()
            // Nor is a name without a dot, which no registry of names gives out: localhost, a neighbour in a cluster.
            || (!bare.is_empty() && !bare.contains('.'))
            || bare.ends_with(".localhost")
            || self.hosts.contains(&bare);
        if known { Ok(()) } else { Err(host) }
    }

    /// Finds out who asks.
    ///
    /// # Errors
    ///
    /// They have no key for it.
    pub(super) fn authenticate(&self, request: &Request) -> Result<Caller, Refusal> {
        if !self.keys.asks() {
            return Ok(Caller::Anyone);
        }
        let needed = need(request.method(), request.uri().path());
        let scope = match needed {
            Need::Nothing => return Ok(Caller::Anyone),
            Need::Key(scope) => scope,
            Need::IngestByBody => Scope::Ingest,
        };
        let presented = credential::of_head(request.headers(), request.uri());
        match self.holder(&presented, scope) {
            // What stands in the head may be another thing of that protocol.
            Err(Refusal::Missing | Refusal::Unknown) if needed == Need::IngestByBody => Ok(Caller::Unproven),
            other => other,
        }
    }

    /// Finds out who sends a body, where the head didn't say.
    ///
    /// # Errors
    ///
    /// It has no key either, or none for it.
    pub(super) fn authenticate_body(&self, body: &[u8]) -> Result<Caller, Refusal> {
        let presented: Vec<String> = credential::of_body(body).into_iter().collect();
        self.holder(&presented, Scope::Ingest)
    }

    fn holder(&self, presented: &[String], needed: Scope) -> Result<Caller, Refusal> {
        let mut refusal = if presented.is_empty() { Refusal::Missing } else { Refusal::Unknown };
        for secret in presented {
            let Some(key) = self.keys.find(secret) else { continue };
            if key.scopes().allow(needed) {
                return Ok(Caller::Holder(key));
            }
            refusal = Refusal::Scope { name: key.name().to_owned(), held: key.scopes().to_string(), needed };
        }
        Err(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered_while_no_key_is_asked_for() {
        let mut config = Config::new("unused");
        config.settings.hosts = vec!["Telemetry.Internal".to_owned()];
        let gate = Gate::new(&config).unwrap();
        for host in [
            "localhost",
            "LOCALHOST:4318",
            "127.0.0.1:4318",
            "[::1]:4318",
            "[::1]",
            "a.localhost",
            "telemetry.internal:80",
        ] {
            assert_eq!(gate.names(Some(host)), Ok(()), "{host}");
        }
        assert_eq!(gate.names(None), Ok(()), "no browser leaves it out");
        for host in ["evil.example", "localhost.evil.example:4318", "127.0.0.1.evil.example", ""] {
            assert_eq!(gate.names(Some(host)), Err(host));
        }
        config.settings.insecure_public = true;
        assert_eq!(Gate::new(&config).unwrap().names(Some("evil.example")), Ok(()));
    }
}
