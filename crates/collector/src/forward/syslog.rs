//! Syslog: messages of RFC 5424, over TCP (RFC 6587) or UDP (RFC 5426).
//!
//! Nobody answers. A batch is a connection of its own, which we end: a receiver that has read all of it closes its end too, and one
//! that is gone resets it. What was written into a connection that broke is sent again.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use lastword::Severity;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;

use super::format;
use super::target::{Framing, Target};
use crate::clock;
use crate::limits::{FORWARD_CLOSE_WAIT, FORWARD_DATAGRAM_BYTES_MAX};
use crate::query::Event;

/// The facility that is for local use, the first of them.
const LOCAL0: u8 = 16;
/// The longest MSGID.
const MSGID_CHARS_MAX: usize = 32;

/// Sends events, and returns when they have been taken, as far as that can be known.
///
/// # Errors
///
/// The receiver can't be reached, took longer than the target's `timeout`, or broke the connection.
pub(super) async fn send(target: &Target, events: &[&Event]) -> io::Result<()> {
    let messages = events.iter().map(|event| message(event, target));
    match target.url.split_once("://") {
        Some(("udp", address)) => within(target.timeout, datagrams(address, messages)).await,
        Some((_, address)) => {
            let bytes = framed(messages, target.framing);
            // The wait for the receiver's end is no part of the time that it has to take them.
            closed(within(target.timeout, written(address, &bytes)).await?).await
        }
        None => Err(io::Error::from(io::ErrorKind::InvalidInput)),
    }
}

async fn within<T>(limit: Duration, attempt: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("it took longer than {limit:?}")));
    timeout(limit, attempt).await.unwrap_or_else(late)
}

/// Writes a message: `<PRI>1 TIME HOST APP PROCID MSGID SD MSG`.
pub(super) fn message(event: &Event, target: &Target) -> String {
    let graphic = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let id: String = format::title(event).chars().take(MSGID_CHARS_MAX).map(graphic).collect();
    let priority = LOCAL0 * 8 + number(event.severity);
    let time = clock::format(event.time.0);
    let text: String = format::line(event, target.format);
    // What a format leaves in is no end of a message either way; a tab is LEEF's own.
    let text: String = text.chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c }).collect();
    format!("<{priority}>1 {time} - lastword - {id} - {text}")
}

/// How bad it is, as syslog counts.
const fn number(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 2,
        Severity::Error => 3,
        Severity::Warning => 4,
        Severity::Debug => 7,
        _ => 6,
    }
}

/// Puts messages into one stream of bytes.
pub(super) fn framed(messages: impl Iterator<Item = String>, framing: Framing) -> Vec<u8> {
    let mut stream = Vec::new();
    for message in messages {
        match framing {
            Framing::Octets => stream.extend_from_slice(format!("{} {message}", message.len()).as_bytes()),
            Framing::Lines => stream.extend_from_slice(format!("{message}\n").as_bytes()),
        }
    }
    stream
}

async fn written(address: &str, bytes: &[u8]) -> io::Result<TcpStream> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(bytes).await?;
    connection.shutdown().await?;
    Ok(connection)
}

/// Waits for the receiver to end a connection after us. One that never does may have read it all the same.
async fn closed(mut connection: TcpStream) -> io::Result<()> {
    // What it says is nothing to us; that it ends is.
    let mut said = [0; 256];
    let ended = async {
        while connection.read(&mut said).await? > 0 {}
        Ok(())
    };
    timeout(FORWARD_CLOSE_WAIT, ended).await.unwrap_or(Ok(()))
}

async fn datagrams(address: &str, messages: impl Iterator<Item = String>) -> io::Result<()> {
    let nobody = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let address = lookup_host(address).await?.next().ok_or_else(nobody)?;
    let own: SocketAddr = if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(own).await?;
    socket.connect(address).await?;
    for mut message in messages {
        if message.len() > FORWARD_DATAGRAM_BYTES_MAX {
            message.truncate(message.floor_char_boundary(FORWARD_DATAGRAM_BYTES_MAX));
        }
        socket.send(message.as_bytes()).await?;
    }
    Ok(())
}
