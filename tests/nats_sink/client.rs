//! A client of NATS that is not the sink's: what is stored is read by the protocol itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::PATIENCE;
use crate::server::Server;

/// A message as a stream has stored it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) subject: String,
    pub(crate) id: String,
    pub(crate) event: Value,
}

pub(crate) struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Connects; `login` is what the options of CONNECT have more.
    pub(crate) fn connect(server: &Server, login: &Value) -> Self {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { reader: BufReader::new(stream.try_clone().unwrap()), stream };
        assert!(client.line().starts_with("INFO "));
        let mut options = json!({"verbose": false, "pedantic": false, "headers": true, "no_responders": true});
        options.as_object_mut().unwrap().extend(login.as_object().cloned().unwrap_or_default());
        client.send(&format!("CONNECT {options}\r\nSUB inbox.answer 1\r\nSUB inbox.events 2\r\n"));
        client
    }

    fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line
    }

    /// Waits for the next message: its subject, its headers, what it says.
    fn message(&mut self) -> (String, String, Vec<u8>) {
        loop {
            let line = self.line();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.first() {
                Some(&"PING") => self.send("PONG\r\n"),
                Some(&("MSG" | "HMSG")) => {
                    let total: usize = words.last().unwrap().parse().unwrap();
                    let headers = if words[0] == "HMSG" { words[words.len() - 2].parse().unwrap() } else { 0_usize };
                    let mut bytes = vec![0; total + 2];
                    self.reader.read_exact(&mut bytes).unwrap();
                    bytes.truncate(total);
                    let body = bytes.split_off(headers);
                    return (words[1].to_owned(), String::from_utf8(bytes).unwrap(), body);
                }
                Some(&("+OK" | "PONG")) => {}
                _ => panic!("{line:?}"),
            }
        }
    }

    /// Asks JetStream for something.
    pub(crate) fn ask(&mut self, what: &str, request: &Value) -> Value {
        let request = request.to_string();
        self.send(&format!("PUB $JS.API.{what} inbox.answer {}\r\n{request}\r\n", request.len()));
        let (_, headers, body) = self.message();
        assert!(!headers.contains("503"), "JetStream does not answer");
        serde_json::from_slice(&body).unwrap()
    }

    /// Makes a stream of what is published below `telemetry`.
    pub(crate) fn make_stream(&mut self, more: &Value) {
        let mut config = json!({"name": "T", "subjects": ["telemetry.>"], "storage": "file", "retention": "limits"});
        config.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let answer = self.ask("STREAM.CREATE.T", &config);
        assert_eq!(answer.get("error"), None, "{answer}");
    }

    /// How many messages a stream has.
    pub(crate) fn count(&mut self, stream: &str) -> u64 {
        self.ask(&format!("STREAM.INFO.{stream}"), &json!({}))["state"]["messages"].as_u64().unwrap_or(0)
    }

    /// Reads all that a stream has stored, in the order it has it in.
    pub(crate) fn stored(&mut self, stream: &str) -> Vec<Stored> {
        let count = self.count(stream);
        let config = json!({"stream_name": stream, "config": {
            "deliver_subject": "inbox.events", "deliver_policy": "all", "ack_policy": "none", "replay_policy": "instant",
        }});
        // What it delivers may come before its answer.
        let config = config.to_string();
        self.send(&format!("PUB $JS.API.CONSUMER.CREATE.{stream} inbox.answer {}\r\n{config}\r\n", config.len()));
        let mut stored = Vec::new();
        let mut answered = false;
        while !answered || (stored.len() as u64) < count {
            let (subject, headers, body) = self.message();
            if subject == "inbox.answer" {
                let answer: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(answer.get("error"), None, "{answer}");
                answered = true;
                continue;
            }
            let id = headers.lines().find_map(|line| line.strip_prefix("Nats-Msg-Id: ")).unwrap_or_default().to_owned();
            stored.push(Stored { subject, id, event: serde_json::from_slice(&body).unwrap() });
        }
        stored
    }
}
