//! Events as a collector stores them, over its live stream.

use reqwest::Response;
use tokio::time::timeout;

use crate::limits::{ANSWER_BYTES_MAX, LIVE_SILENCE};

/// A stream that is open.
pub(super) struct Live {
    answer: Response,
    /// What has come of messages that are not whole yet.
    text: Vec<u8>,
}

/// A message of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// Behind which place it is, if it says so.
    pub(super) id: Option<String>,
    /// An event, unless it only says that the stream is still there.
    pub(super) json: Option<String>,
}

/// The stream has ended, or nothing comes of it any more.
#[derive(Debug)]
pub(super) struct Ended;

impl Live {
    /// Reads an answer that is a stream.
    pub(super) const fn new(answer: Response) -> Self {
        Self { answer, text: Vec::new() }
    }

    /// Returns the next message that has come as a whole.
    pub(super) fn take(&mut self) -> Option<Message> {
        let end = self.text.windows(2).position(|pair| pair == b"\n\n")?;
        let rest = self.text.split_off(end + 2);
        let message = std::mem::replace(&mut self.text, rest);
        Some(read(&String::from_utf8_lossy(&message)))
    }

    /// Waits until more has come.
    ///
    /// # Errors
    ///
    /// No more comes.
    pub(super) async fn more(&mut self) -> Result<(), Ended> {
        match timeout(LIVE_SILENCE, self.answer.chunk()).await {
            Ok(Ok(Some(chunk))) if self.text.len() + chunk.len() <= ANSWER_BYTES_MAX => {
                self.text.extend_from_slice(&chunk);
                Ok(())
            }
            _ => Err(Ended),
        }
    }
}

/// Reads a message: its lines of data belong together, with line breaks between them.
fn read(text: &str) -> Message {
    let mut message = Message::default();
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("id", id)) => message.id = Some(id.to_owned()),
            Some(("data", data)) => match &mut message.json {
                Some(json) => {
                    json.push('\n');
                    json.push_str(data);
                }
                None => message.json = Some(data.to_owned()),
            },
            _ => {}
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_an_event_or_says_how_far_the_stream_is() {
        let of = |id: &str, json: Option<&str>| Message { id: Some(id.to_owned()), json: json.map(ToOwned::to_owned) };
        assert_eq!(read("id: 7\ndata: {\"a\":\ndata: 1}\n\n"), of("7", Some("{\"a\":\n1}")));
        assert_eq!(read(": still here\nid: 9\n\n"), of("9", None));
        assert_eq!(read(": listening\n\n"), Message::default());
    }
}
