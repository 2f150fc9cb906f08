//! TLS for the listener: rustls with the `ring` provider, a certificate that can be renewed while the collector runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::Tls;

mod validity;

/// TLS can't be spoken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// One file is named and the other isn't.
    #[error("`tls.cert` and `tls.key` are needed both, and only one is there")]
    Half,
    /// A file can't be read, or has not what it should have.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The certificate and the key don't belong together, or can't be used.
    #[error("the certificate {} can't be used with its key: {source}", path.display())]
    Pair {
        /// The certificate.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// What is known of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate {
    /// Until when it is valid, in microseconds since 1970 in UTC, if that can be read.
    pub until_us: Option<i64>,
}

/// Looks at the files as a collector would that starts with them; `None` if none are named.
///
/// # Errors
///
/// They can't be used.
pub fn check(settings: &Tls) -> Result<Option<Certificate>, TlsError> {
    let Some((cert, _)) = files(settings)? else { return Ok(None) };
    load(settings)?;
    let first = certificates(cert)?.into_iter().next();
    Ok(Some(Certificate { until_us: first.and_then(|der| validity::until_us(&der)) }))
}

/// Begins TLS on connections.
pub(crate) struct Acceptor {
    settings: Tls,
    config: RwLock<Arc<ServerConfig>>,
}

impl Acceptor {
    /// Reads the files; `None` if none are named.
    ///
    /// # Errors
    ///
    /// They can't be used.
    pub(crate) fn open(settings: &Tls) -> Result<Option<Self>, TlsError> {
        let config = load(settings)?;
        Ok(config.map(|config| Self { settings: settings.clone(), config: RwLock::new(config) }))
    }

    /// Reads the files again, for connections that are begun from now on.
    ///
    /// # Errors
    ///
    /// They can't be used; what was read before goes on.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        if let Some(config) = load(&self.settings)? {
            *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        }
        Ok(())
    }

    /// Begins TLS on a connection, in which HTTP/2 or HTTP/1.1 is spoken.
    ///
    /// # Errors
    ///
    /// The client doesn't speak it, or not as we do.
    pub(crate) async fn accept(&self, stream: TcpStream, only_http2: bool) -> io::Result<TlsStream<TcpStream>> {
        let mut config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        if only_http2 {
            // What it holds is shared, so that a copy is nothing beside the handshake.
            let mut other = ServerConfig::clone(&config);
            other.alpn_protocols = vec![HTTP2.to_vec()];
            config = Arc::new(other);
        }
        TlsAcceptor::from(config).accept(stream).await
    }
}

/// Tells whether a client chose HTTP/2.
pub(crate) fn is_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP2)
}

/// The name of HTTP/2 in the choice of protocols.
const HTTP2: &[u8] = b"h2";

fn files(settings: &Tls) -> Result<Option<(&Path, &Path)>, TlsError> {
    match (&settings.cert, &settings.key) {
        (Some(cert), Some(key)) => Ok(Some((cert, key))),
        (None, None) => Ok(None),
        _ => Err(TlsError::Half),
    }
}

fn load(settings: &Tls) -> Result<Option<Arc<ServerConfig>>, TlsError> {
    let Some((cert, key)) = files(settings)? else { return Ok(None) };
    let chain = certificates(cert)?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error, "no private key in PEM"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let pair = |source| TlsError::Pair { path: cert.to_owned(), source };
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(pair)?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, secret).map_err(pair)?;
    config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(wrong(path, &pem::Error::NoItemsFound, "no certificate in PEM")),
        Err(error) => Err(wrong(path, &error, "no certificate in PEM")),
    }
}

/// Says what is wrong with a file. What is in it is not shown, for it may be a key.
fn wrong(path: &Path, error: &pem::Error, lacking: &str) -> TlsError {
    let reason = match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => lacking.to_owned(),
        _ => format!("{lacking}, or a damaged one"),
    };
    TlsError::File { path: path.to_owned(), reason }
}
