//! The HTTP sink over TLS, against a peer whose certificate is trusted, and against one whose is not.

// Elsewhere the store of certificates can't be chosen for one process.
#![cfg(all(feature = "rustls", target_os = "linux"))]
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use lastword::sink::{Ack, Sink, SinkError, Tinker};
use lastword::testing::batch;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

const URL_VARIABLE: &str = "LASTWORD_TEST_URL";

/// Answers one request over TLS; returns its body, or nothing if the other side went away before.
fn serve_once(listener: &TcpListener, config: Arc<ServerConfig>) -> Option<String> {
    let (stream, _) = listener.accept().ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let connection = ServerConnection::new(config).ok()?;
    let mut reader = BufReader::new(StreamOwned::<_, TcpStream>::new(connection, stream));
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().ok()?,
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    reader.get_mut().write_all(b"HTTP/1.1 200 X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").ok()?;
    String::from_utf8(body).ok()
}

/// Starts a peer; returns where it is, its certificate, and what it will have received.
fn peer() -> (SocketAddr, String, std::thread::JoinHandle<Option<String>>) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(cert.der().to_vec())], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (address, cert.pem(), std::thread::spawn(move || serve_once(&listener, Arc::new(config))))
}

#[tokio::test]
async fn a_certificate_that_the_system_trusts_is_enough_and_nothing_less() {
    let one = batch("s", 0, &[("over.tls", json!({}))]).unwrap();
    if let Ok(url) = std::env::var(URL_VARIABLE) {
        assert_eq!(Tinker::new(url).deliver(&one).await, Ok(Ack::all()));
        let installed = rustls::crypto::CryptoProvider::get_default();
        assert!(installed.is_none(), "nothing was installed for the whole process");
        return;
    }

    let (address, _, received) = peer();
    let refused = Tinker::new(format!("https://localhost:{}", address.port())).api_key("key").deliver(&one).await;
    let Err(SinkError::Transient { reason, .. }) = refused else { unreachable!("{refused:?}") };
    assert!(reason.contains("certificate"), "{reason}");
    assert_eq!(received.join().unwrap(), None, "nothing was sent");

    let (address, certificate, received) = peer();
    let store = std::env::temp_dir().join(format!("lastword-tls-{}.pem", std::process::id()));
    std::fs::write(&store, certificate).unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_certificate_that_the_system_trusts_is_enough_and_nothing_less"])
        .env(URL_VARIABLE, format!("https://localhost:{}", address.port()))
        .env("SSL_CERT_FILE", &store)
        .output()
        .unwrap();
    std::fs::remove_file(&store).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(received.join().unwrap().is_some_and(|body| body.contains("over.tls")));
}
