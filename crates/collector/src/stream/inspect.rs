//! Looks at the stream as it is, and changes nothing of it.

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream;

use super::link::{Link, amounts, differs};
use super::{OpenStreamError, StreamSettings};
use crate::clock;
use crate::finding::Finding;

/// Returns what is found of the stream that is set. `store` is the name of the store that its messages are to go to, where that is known.
///
/// # Errors
///
/// Its servers can't be reached, or let us not in.
pub(crate) async fn inspect(
    url: &str,
    settings: &StreamSettings,
    store: Option<&str>,
) -> Result<Vec<Finding>, OpenStreamError> {
    let link = Link::connect(url, settings).await?;
    let shown = link.servers.shown();
    let [of_events, of_dead] = link.wanted(settings);
    let mut findings = Vec::new();
    if let Some(info) = find(&link, &of_events, &mut findings).await? {
        let name = &of_events.name;
        let age = (clock::now_us() / 1_000_000).saturating_sub(info.state.first_timestamp.unix_timestamp()).max(0);
        let stream::State { messages, bytes, .. } = &info.state;
        let oldest = if *messages > 0 { format!(", the oldest for {age} s") } else { String::new() };
        findings.push(Finding::ok(format!("`{name}` at {shown} has {messages} messages, {bytes} bytes{oldest}")));
        let writers = link.writers().await;
        findings.push(match writers.as_ref().map(amounts) {
            Some((waiting, taken)) => {
                Finding::ok(format!("{waiting} messages wait for a writer, and writers have {taken}"))
            }
            None => Finding::warning(
                "no writer has ever asked for messages of it".to_owned(),
                "start `lastword serve --role write` with the same stream".to_owned(),
            ),
        });
        let fed = writers.as_ref().and_then(|writers| Some((&writers.name, writers.config.description.as_deref()?)));
        if let (Some((consumer, fed)), Some(store)) = (fed, store)
            && fed != store
        {
            findings.push(Finding::warning(
                format!("the consumer `{consumer}` feeds another store ({fed}; the one that is set is {store}): each has a part of the events"),
                format!(
                    "if the one that is set takes its place: stop what writes the other one, {}, start what writes this one; what waits \
                     comes again. If both are to be there: a stream for each (`nats.name`)",
                    link.removal()
                ),
            ));
        }
    }
    if let Some(info) = find(&link, &of_dead, &mut findings).await? {
        let (name, dead) = (&of_dead.name, info.state.messages);
        if dead > 0 {
            findings.push(Finding::warning(
                format!("{dead} messages could not be stored, and are in `{name}`"),
                format!("`nats stream view {name}` shows them, each with its reason in `Lastword-Reason`"),
            ));
        }
    }
    Ok(findings)
}

/// Returns what is known of a stream, and says in what it is not as it must be.
async fn find(
    link: &Link,
    wanted: &stream::Config,
    findings: &mut Vec<Finding>,
) -> Result<Option<stream::Info>, OpenStreamError> {
    let name = &wanted.name;
    let found = match link.jetstream.get_stream(name).await {
        Ok(found) => found,
        Err(error) => {
            if let GetStreamErrorKind::JetStream(answer) = error.kind()
                && answer.error_code() == ErrorCode::STREAM_NOT_FOUND
            {
                findings.push(Finding::ok(format!("there is no stream `{name}` yet: `serve` makes it")));
                return Ok(None);
            }
            return Err(link.unusable(format!("{}: is JetStream on there (`nats-server -js`)?", link.said(&error))));
        }
    };
    let info = found.cached_info().clone();
    if let Some(why) = differs(&info.config, wanted) {
        let advice = "mend it, or use another with `nats.name`: `serve` refuses to start".to_owned();
        findings.push(Finding::wrong(format!("the stream `{name}` is there, and {why}"), advice));
    }
    let others = info.cluster.as_ref().map(|cluster| cluster.replicas.as_slice()).unwrap_or_default();
    let behind: Vec<&str> =
        others.iter().filter(|peer| peer.offline || !peer.current).map(|peer| peer.name.as_str()).collect();
    if !behind.is_empty() {
        findings.push(Finding::warning(
            format!("copies of `{name}` are away or behind: {}", behind.join(", ")),
            "start these servers; with most of the copies away nothing is taken".to_owned(),
        ));
    }
    Ok(Some(info))
}
