//! Events of our own protocol, as calls of tools look in practice.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub(crate) const BATCH_EVENTS: usize = 100;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ids {
    /// Ordered in time: what our reporter sends.
    V7,
    /// In no order: what other clients send.
    V4,
}

/// Returns the body of a batch.
pub(crate) fn body(ids: Ids, sessions: usize, batch: usize) -> Vec<u8> {
    let first = batch / sessions * BATCH_EVENTS;
    let events: Vec<String> = (first..first + BATCH_EVENTS)
        .map(|index| {
            let number = (batch * BATCH_EVENTS + index % BATCH_EVENTS) as u64;
            // A fixed mixing function makes ids without order that are the same in every run.
            let noise = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let noise = (noise ^ noise >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let high = match ids {
                Ids::V7 => 0x0001_8f3a_1b2c_0000 + number / 16,
                Ids::V4 => noise.rotate_left(17),
            };
            let (high, low) = (format!("{high:016x}"), format!("{noise:016x}"));
            format!(
                r#"{{"event":"GENERIC_EVENT","event_id":"{}-{}-4{}-{}-{}","event_name":"tool_call.finished","event_session_index":{index},"severity":"INFO","timestamp":"2026-11-20T09:20:{:02}.{:06}Z","event_data":{{"tool":"read_file","duration_ms":{number},"ok":true,"path":"src/lib.rs","attempt":1,"bytes":48213,"note":"as a call of a tool looks in practice"}}}}"#,
                &high[..8], &high[8..12], &high[13..], &low[..4], &low[4..], number / 1_000_000 % 60, number % 1_000_000
            )
        })
        .collect();
    format!(
        r#"{{"events":[{}],"platform":"unix/linux","sdk_version":"0.1.0","session_id":"session-{}","process_uuid":"0c3a"}}"#,
        events.join(","),
        batch % sessions
    )
    .into_bytes()
}

/// Posts bodies over one connection until there are no more; returns how long each answer took.
pub(crate) fn post_all(address: impl ToSocketAddrs, bodies: &[Vec<u8>], next: &AtomicUsize) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut waits, mut answer) = (Vec::new(), [0; 4096]);
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        let start = Instant::now();
        let head = format!("POST /api/v1/telemetry HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let read = stream.read(&mut answer).unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
        waits.push(start.elapsed());
    }
    waits
}
