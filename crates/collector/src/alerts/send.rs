//! Telling those who are to be told: again if it fails, for a while; never longer than it may take.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

use super::engine::{State, Transition};
use super::receiver::{Receiver, Way};
use crate::limits::{ALERT_SEND_PAUSES, ALERT_SENDS_MAX};
use crate::post::{Post, PostError, Poster};

/// Somebody could not be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The collector was given no client of HTTP.
    #[error("this collector can't post to a URL")]
    NoClient,
    /// Nobody answered.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The other side did not take it.
    #[error("{0}")]
    Refused(String),
    /// It took too long.
    #[error("it took longer than {0:?}")]
    TooSlow(Duration),
    /// The program could not be run.
    #[error("the command can't be run: {0}")]
    Command(#[from] std::io::Error),
}

/// Tells receivers of transitions.
#[derive(Clone)]
pub(super) struct Sender {
    poster: Option<Arc<dyn Poster>>,
    /// Who is being told at once.
    free: Arc<Semaphore>,
}

impl Sender {
    pub(super) fn new(poster: Option<Arc<dyn Poster>>) -> Self {
        Self { poster, free: Arc::new(Semaphore::new(ALERT_SENDS_MAX)) }
    }

    /// Begins to tell a receiver; nobody waits for it.
    pub(super) fn send(&self, receiver: &Receiver, transition: &Transition) {
        let (receiver, transition, sender) = (receiver.clone(), transition.clone(), self.clone());
        let Ok(place) = Arc::clone(&self.free).try_acquire_owned() else {
            let Transition { alert, state, .. } = transition;
            tracing::error!(
                alert,
                state = state.as_str(),
                to = receiver.name,
                "too many alerts are being told: this one is not"
            );
            return;
        };
        tokio::spawn(async move {
            let _place = place;
            for pause in ALERT_SEND_PAUSES {
                tokio::time::sleep(pause).await;
                match sender.attempt(&receiver, &transition).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::warn!(alert = transition.alert, to = receiver.name, %error, "an alert was not told; it is tried again");
                    }
                }
            }
            tracing::error!(alert = transition.alert, to = receiver.name, "an alert could not be told");
        });
    }

    async fn attempt(&self, receiver: &Receiver, told: &Transition) -> Result<(), SendError> {
        let timeout = receiver.timeout;
        match receiver.way() {
            Way::Webhook(url) => {
                let poster = self.poster.as_ref().ok_or(SendError::NoClient)?;
                // It has nothing that JSON can't say.
                let body = serde_json::to_string(told).unwrap_or_default();
                let url = url.to_owned();
                let post = Post { url, content_type: "application/json", authorization: None, body, timeout };
                let answer = tokio::time::timeout(timeout, poster.post(post)).await;
                match answer.map_err(|_| SendError::TooSlow(timeout))??.status {
                    200..=299 => Ok(()),
                    status => Err(SendError::Refused(format!("it answered {status}"))),
                }
            }
            Way::Command(command) => {
                let text = message(told);
                let run = run(command, &text);
                tokio::time::timeout(timeout, run).await.map_err(|_| SendError::TooSlow(timeout))?
            }
            Way::Log => {
                let Transition { alert, severity, summary, .. } = told;
                let is_minor = ["info", "debug"].iter().any(|word| severity.eq_ignore_ascii_case(word));
                match told.state {
                    State::Resolved if is_minor => tracing::info!(alert, severity, summary, "an alert is resolved"),
                    _ if is_minor => tracing::info!(alert, severity, summary, "an alert fires"),
                    State::Resolved => tracing::warn!(alert, severity, summary, "an alert is resolved"),
                    _ => tracing::error!(alert, severity, summary, "an alert fires"),
                }
                Ok(())
            }
        }
    }
}

/// Runs a program with a text on its standard input. It is ended when nobody waits for it any more.
async fn run(command: &[String], text: &str) -> Result<(), SendError> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let mut running = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = running.stdin.take() {
        // A program that reads nothing may still have done its work.
        let _ = input.write_all(text.as_bytes()).await;
    }
    let status = running.wait().await?;
    if status.success() { Ok(()) } else { Err(SendError::Refused(format!("the command ended with {status}"))) }
}

/// Writes a message as programs that send e-mail take it.
fn message(told: &Transition) -> String {
    let Transition { alert, state, at, since, severity, summary, labels, exceptions, page, .. } = told;
    // A header is one line, whatever a rule says.
    let subject: String =
        format!("[{}] {alert}: {summary}", state.as_str()).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text =
        format!("Subject: {subject}\n\n{summary}\n\nalert: {alert}\nstate: {}\nseverity: {severity}\n", state.as_str());
    text.push_str(&format!("since: {since}\nat: {at}\n"));
    text.push_str(&format!("page: {page}\n"));
    exceptions.iter().for_each(|about| text.push_str(&format!("exception: {about}\n")));
    labels.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\n")));
    text
}
