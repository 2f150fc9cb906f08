//! A connection to a server, which is given up as soon as there is trouble with it.

use std::future::ready;

use async_nats::jetstream::context::{ContextBuilder, CreateStreamErrorKind};
use async_nats::jetstream::{Context, stream};
use async_nats::{Client, ConnectError, ConnectErrorKind, Event, ServerError};
use tokio::sync::watch;

use super::settings::Settings;
use super::transient;
use crate::limits::NATS_UNACKNOWLEDGED_MAX;
use crate::sink::SinkError;

/// A connection. The client behind it would connect again by itself, and send what it holds by then; here that is the
/// reporter's business: a link that has trouble is never used again.
pub(super) struct Link {
    client: Client,
    pub(super) jetstream: Context,
    trouble: watch::Sender<Option<Trouble>>,
}

/// Why a link is of no use any more.
#[derive(Clone)]
pub(super) enum Trouble {
    /// The connection is gone, or nobody answers on it.
    Lost,
    /// The server won't let us do what we want, in its own words.
    Denied(String),
}

impl Link {
    /// Connects to one of the servers, and makes the stream if it is asked for and is not there.
    pub(super) async fn connect(settings: &Settings) -> Result<Self, SinkError> {
        let trouble = watch::Sender::new(None);
        let tell = trouble.clone();
        let options = settings.servers.options(settings.timeout).map_err(transient)?;
        // One round of all servers, in the order they were given in.
        let options = options.max_reconnects(settings.servers.list().len()).event_callback(move |event| {
            note(&tell, event);
            ready(())
        });
        let client = options.connect(settings.servers.list()).await.map_err(|error| no_connection(settings, &error))?;
        let jetstream = ContextBuilder::new()
            .timeout(settings.timeout)
            .ack_timeout(settings.timeout)
            .max_ack_inflight(NATS_UNACKNOWLEDGED_MAX)
            .build(client.clone());
        let link = Self { client, jetstream, trouble };
        if let Some(name) = &settings.stream {
            tokio::select! {
                made = make_stream(&link.jetstream, settings, name) => made?,
                trouble = link.trouble() => return Err(trouble.error(settings)),
            }
        }
        Ok(link)
    }

    /// Returns whether it may still be used.
    pub(super) fn is_sound(&self) -> bool {
        self.trouble.borrow().is_none()
    }

    /// Uses it no more.
    pub(super) fn give_up(&self) {
        tell(&self.trouble, Trouble::Lost);
    }

    /// Brings what was published and given up to the server, if it takes that; with its last user the connection ends.
    pub(super) async fn close(&self) {
        tokio::select! {
            _ = self.client.flush() => {}
            _ = self.trouble() => {}
        }
    }

    /// Waits until there is trouble.
    pub(super) async fn trouble(&self) -> Trouble {
        let mut trouble = self.trouble.subscribe();
        // The sender is ours, so it is there.
        let found = trouble.wait_for(Option::is_some).await;
        found.ok().and_then(|found| found.clone()).unwrap_or(Trouble::Lost)
    }
}

impl Trouble {
    pub(super) fn error(&self, settings: &Settings) -> SinkError {
        match self {
            Self::Lost => transient(format!("the connection to {} is lost", settings.servers.shown())),
            Self::Denied(said) => SinkError::Unauthorized {
                reason: format!("{} says: {}", settings.servers.shown(), settings.servers.redact(said)),
            },
        }
    }
}

/// Takes note of what happens to a connection.
fn note(trouble: &watch::Sender<Option<Trouble>>, event: Event) {
    match event {
        Event::Disconnected | Event::Closed => tell(trouble, Trouble::Lost),
        Event::ServerError(error @ ServerError::AuthorizationViolation) => {
            tell(trouble, Trouble::Denied(error.to_string()));
        }
        Event::ServerError(ServerError::Other(said)) => {
            let lower = said.to_ascii_lowercase();
            if lower.contains("permissions violation") || lower.contains("authentication") {
                tell(trouble, Trouble::Denied(said));
            }
        }
        _ => {}
    }
}

/// The first trouble counts: what follows comes of it.
fn tell(trouble: &watch::Sender<Option<Trouble>>, found: Trouble) {
    trouble.send_if_modified(|known| {
        let is_new = known.is_none();
        known.get_or_insert(found);
        is_new
    });
}

async fn make_stream(jetstream: &Context, settings: &Settings, name: &str) -> Result<(), SinkError> {
    let subjects = vec![format!("{}.>", settings.subject_prefix)];
    let config = stream::Config { name: name.to_owned(), subjects, ..stream::Config::default() };
    let made = jetstream.get_or_create_stream(config).await;
    made.map(drop).map_err(|error| {
        let said = settings.servers.redact(&error.to_string());
        let hint = match error.kind() {
            CreateStreamErrorKind::JetStreamUnavailable | CreateStreamErrorKind::TimedOut => {
                ": is JetStream on there (`nats-server -js`)?"
            }
            _ => "",
        };
        transient(format!("{} has no stream `{name}`, and it can't be made: {said}{hint}", settings.servers.shown()))
    })
}

fn no_connection(settings: &Settings, error: &ConnectError) -> SinkError {
    let (shown, said) = (settings.servers.shown(), settings.servers.no_connection(error));
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            SinkError::Unauthorized { reason: format!("{shown} does not take our user, password or token: {said}") }
        }
        _ => transient(format!("{shown} can't be reached: {said}")),
    }
}
