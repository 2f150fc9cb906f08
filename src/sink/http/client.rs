//! The HTTP client, with its TLS.

use reqwest::redirect;

use super::settings::Settings;
use crate::sink::SinkError;

/// Builds the client. It belongs to the runtime it is built on.
pub(super) fn build(settings: &Settings) -> Result<reqwest::Client, SinkError> {
    let mut builder = reqwest::Client::builder()
        .default_headers(settings.headers.clone())
        .timeout(settings.timeout)
        .redirect(redirect::Policy::none())
        // The reporter retries, and counts what it does.
        .retry(reqwest::retry::never())
        .referer(false)
        .tcp_nodelay(true);
    if settings.is_loopback() {
        builder = builder.no_proxy();
    }
    #[cfg(feature = "rustls")]
    {
        let tls = tls_for(settings.endpoint.scheme() == "https").map_err(|error| failed(&error))?;
        builder = builder.tls_backend_preconfigured(tls);
    }
    builder.build().map_err(|error| failed(&error))
}

/// Configures TLS with a provider of its own, so that nothing is installed for the whole process.
///
/// Certificates are judged by the platform's verifier: what an operator has added to the system's store, or taken from
/// it, counts here too. It is what the HTTP client brings along anyway, and needs no build of C. A client that wants a
/// configuration and won't use it gets one that trusts nobody: no store of certificates is read for that.
#[cfg(feature = "rustls")]
pub(in crate::sink) fn tls_for(is_used: bool) -> Result<rustls::ClientConfig, rustls::Error> {
    use std::sync::Arc;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    Ok(if is_used {
        let verifier = rustls_platform_verifier::Verifier::new(provider)?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
    } else {
        builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
    })
}

fn failed(error: &dyn std::error::Error) -> SinkError {
    // Nothing was built, so it is tried anew for the next attempt: certificates, for one, may be there by then.
    SinkError::Transient { reason: format!("the HTTP client can't be built: {error}"), retry_after: None }
}
