//! The connection: TLS, and addresses that others can reach.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use lastword_collector::{Collector, ServeError};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpListener;

use super::common::{Dir, Server};
use super::keys::with_keys;
use super::limits::config;

/// Writes a certificate for localhost and its key; returns the certificate.
fn certificate(dir: &Path) -> CertificateDer<'static> {
    std::fs::create_dir_all(dir).unwrap();
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(dir.join("cert.pem"), pair.cert.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    pair.cert.der().clone()
}

/// Asks over TLS, trusting this certificate only.
fn ask(address: SocketAddr, trusted: &CertificateDer<'static>) -> std::io::Result<String> {
    let mut stream = begin(address, trusted, &[])?;
    write!(stream, "GET /api/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(answer),
    }
}

type Stream = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

/// Connects over TLS, with a choice of protocols.
fn begin(address: SocketAddr, trusted: &CertificateDer<'static>, speaks: &[&[u8]]) -> std::io::Result<Stream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut client = builder.with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = speaks.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
    Ok(rustls::StreamOwned::new(connection, TcpStream::connect(address)?))
}

#[test]
fn tls_is_spoken_where_there_is_a_certificate_and_nothing_else_is() {
    let dir = Dir::new();
    let trusted = certificate(dir.path());
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let files = [("tls.cert", cert.to_str().unwrap()), ("tls.key", key.to_str().unwrap())];
    let server = Server::start(config(&dir, &files));
    let answer = ask(server.address, &trusted).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for (speaks, first) in [
        (&b"h2"[..], &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..]),
        (&b"http/1.1"[..], &b"GET / HTTP/1.1\r\nhost: lo\r\n\r\n"[..]),
    ] {
        let mut stream = begin(server.address, &trusted, &[speaks]).unwrap();
        stream.write_all(first).unwrap();
        let mut answer = [0; 9];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), Some(speaks));
        // The server begins HTTP/2 with its settings, frame 4.
        assert!(if speaks == b"h2" { answer[3] == 4 } else { answer.starts_with(b"HTTP/1.1 ") }, "{answer:?}");
    }
    let mut plain = TcpStream::connect(server.address).unwrap();
    write!(plain, "GET /api/health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
}

#[test]
fn a_renewed_certificate_is_taken_over_and_a_broken_one_is_not() {
    let dir = Dir::new();
    let first = certificate(dir.path());
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let files = [("tls.cert", cert.to_str().unwrap()), ("tls.key", key.to_str().unwrap())];
    let config = config(&dir, &files);
    let settings = config.settings().clone();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let collector = Collector::open(config).unwrap();
        let control = collector.control();
        let serving = tokio::spawn(collector.serve(listener, std::future::pending()));
        let asked = |trusted: CertificateDer<'static>| tokio::task::spawn_blocking(move || ask(address, &trusted));
        asked(first.clone()).await.unwrap().unwrap();
        let second = certificate(dir.path());
        control.reload(&settings).unwrap();
        asked(second.clone()).await.unwrap().unwrap();
        assert!(asked(first).await.unwrap().is_err(), "the first one is no longer shown");
        std::fs::write(&cert, "no certificate").unwrap();
        assert!(control.reload(&settings).is_err());
        asked(second).await.unwrap().unwrap();
        serving.abort();
    });
}

#[test]
fn an_address_that_others_can_reach_is_not_served_without_keys() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let serve = |config| {
        runtime.block_on(async {
            let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
            Collector::open(config).unwrap().serve(listener, std::future::ready(())).await
        })
    };
    let (dir, asks, open) = (Dir::new(), Dir::new(), Dir::new());
    assert!(matches!(serve(dir.config()), Err(ServeError::Public(_))));
    serve(with_keys(asks.config())).unwrap();
    serve(config(&open, &[("insecure_public", "true")])).unwrap();
}
