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
        builder = builder.tls_backend_preconfigured(tls(settings)?);
    }
    builder.build().map_err(|error| failed(&error))
}

/// Configures TLS with a provider of its own, so that nothing is installed for the whole process.
///
/// Certificates are judged by the platform's verifier: what an operator has added to the system's store, or taken from
/// it, counts here too. It is what the HTTP client brings along anyway, and needs no build of C.
#[cfg(feature = "rustls")]
fn tls(settings: &Settings) -> Result<rustls::ClientConfig, SinkError> {
    use std::sync::Arc;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?;
    let config = if settings.endpoint.scheme() == "https" {
        let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(|error| failed(&error))?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
    } else {
        // The client wants a configuration, though it never uses it: no store of certificates is read for that.
        builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
    };
    Ok(config)
}

fn failed(error: &dyn std::error::Error) -> SinkError {
    // Nothing was built, so it is tried anew for the next attempt: certificates, for one, may be there by then.
    SinkError::Transient { reason: format!("the HTTP client can't be built: {error}"), retry_after: None }
}
