//! `observe::http::Client`, and that the reporter's own requests are never among what is observed.

#![cfg(feature = "http")]
// What fails here fails the test.
#![allow(clippy::unwrap_used, clippy::panic)]

mod peers;

use std::net::TcpListener;
use std::time::Duration;

use lastword::observe::http::Client;
use lastword::sink::{Ack, Batch, Closing, Delivery, Policy, SettingError, Sink, Tinker};
use lastword::testing::MemorySink;
use lastword::{Reporter, observe};
use peers::{Answer, Peer};
use serde_json::{Value, json};
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt;

const DEADLINE: Duration = Duration::from_secs(10);

fn recorder(session_id: &str) -> (Reporter, MemorySink) {
    let sink = MemorySink::new();
    let reporter = Reporter::builder(session_id).enabled(true).sink(sink.clone()).start().unwrap();
    (reporter, sink)
}

fn requests(sink: &MemorySink) -> Vec<Value> {
    sink.events().into_iter().filter(|event| event["event"] == "GENERIC_EVENT").collect()
}

#[tokio::test]
async fn a_request_is_a_start_and_a_stop_without_its_secrets() {
    let peer = Peer::start();
    peer.push(Answer::Ok);
    peer.push(Answer::with_body(404, "{}"));
    let (reporter, sink) = recorder("session-1");
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter));
    let _guard = tracing::subscriber::set_default(subscriber);

    let client = Client::new(peers::client(), reporter.session_id());
    let url = peer.url().replace("://", "://user:secret@") + "/api/v1/asample?key=secret";
    let sent = client.send(client.inner().post(url).header("x-api-key", "secret").body("{\"events\": []}"));
    assert_eq!(sent.await.unwrap().status(), 200);
    let request = client.inner().put(peer.url() + "/none").body("{}").build().unwrap();
    assert_eq!(client.execute(request).await.unwrap().status(), 404);

    assert!(reporter.flush(DEADLINE).await.is_drained());
    let events = requests(&sink);
    let names: Vec<_> = events.iter().map(|event| event["event_name"].as_str().unwrap()).collect();
    let (start, stop) = (observe::HTTP_REQUEST_START, observe::HTTP_REQUEST_STOP);
    assert_eq!(names, [start, stop, start, stop]);
    let metadata = |n: usize| &events[n]["event_data"]["metadata"];
    let request = json!({"method": "post", "path": "/api/v1/asample", "base_url": peer.url()});
    assert_eq!(metadata(0), &request);
    assert!(events[0]["event_data"]["measurements"]["system_time"].is_u64());
    assert!(events[1]["event_data"]["measurements"]["duration"].as_u64().unwrap() > 0);
    assert_eq!((&metadata(1)["status"], &metadata(1)["result"]), (&json!(200), &json!("ok")));
    assert_eq!((&metadata(3)["status"], &metadata(3)["result"]), (&json!(404), &json!("error")));
    assert!(!Value::from(events).to_string().contains("secret"));
}

#[tokio::test]
async fn a_request_that_fails_or_is_dropped_is_an_exception() {
    let peer = Peer::with([Answer::Hang]);
    let (reporter, sink) = recorder("session-1");
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter));
    let _guard = tracing::subscriber::set_default(subscriber);
    let client = Client::new(peers::client(), reporter.session_id());

    // A port that was free a moment ago: nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = client.send(client.inner().get(format!("http://{closed}/?key=secret"))).await.unwrap_err();
    assert!(error.is_connect());
    let hanging = client.send(client.inner().post(peer.url()).body("{}"));
    assert!(tokio::time::timeout(Duration::from_millis(50), hanging).await.is_err());

    assert!(reporter.flush(DEADLINE).await.is_drained());
    let failed: Vec<_> =
        requests(&sink).into_iter().filter(|event| event["event_name"] == observe::HTTP_REQUEST_EXCEPTION).collect();
    let said = |n: usize, what: &str| failed[n]["event_data"]["metadata"][what].as_str().unwrap().to_owned();
    assert_eq!((failed.len(), &failed[0]["severity"]), (2, &json!("ERROR")));
    assert_eq!(said(0, "kind"), "error");
    assert!(said(0, "reason").starts_with("connect: "), "{}", said(0, "reason"));
    assert_eq!((said(1, "kind"), said(1, "reason")), ("exit".into(), "cancelled".into()));
    assert!(!Value::from(failed).to_string().contains("secret"));
}

#[tokio::test]
async fn without_a_session_a_request_is_a_request() {
    let peer = Peer::start();
    let client = Client::new(peers::client(), Reporter::disabled().session_id());
    assert_eq!(client.send(client.inner().post(peer.url()).body("{}")).await.unwrap().status(), 200);
}

/// A sink that says of each batch what an HTTP client would say of a request, with the session's own id.
struct Talkative(MemorySink);

impl Sink for Talkative {
    fn name(&self) -> &str {
        "talkative"
    }

    fn policy(&self) -> Policy {
        Policy::default()
    }

    fn open(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move {
            let session_id = &*batch.session().id;
            tracing::event!(name: "tinkex.http.request.start", Level::INFO, session_id);
            drop(tracing::span!(Level::INFO, "tinkex.http.request", session_id));
            let _: Ack = self.0.deliver(batch).await?;
            tracing::event!(name: "tinkex.http.request.stop", Level::INFO, session_id);
            Ok(Ack::all())
        })
    }

    fn close(&self) -> Closing<'_> {
        self.0.close()
    }
}

#[test]
fn what_the_reporter_itself_does_is_never_observed() {
    let (peer, sink) = (Peer::start(), MemorySink::new());
    let reporter = Reporter::builder("session-own")
        .enabled(true)
        .sink(Talkative(sink.clone()))
        .sink(Tinker::new(peer.url()))
        .start()
        .unwrap();
    // For all threads: the reporter's own is the one that matters.
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    for n in 0..3 {
        tracing::event!(name: "tinkex.queue.state_change", Level::INFO, session_id = "session-own", n);
        assert!(reporter.blocking_flush(DEADLINE).is_drained());
    }
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(sink.names(), ["tinkex.queue.state_change"; 3]);
    assert_eq!(peer.names(), ["tinkex.queue.state_change"; 3]);
}

#[tokio::test]
async fn a_request_within_a_span_says_so_to_the_other_side() {
    let peer = Peer::start();
    let (reporter, _sink) = recorder("session-1");
    let client = Client::new(peers::client(), reporter.session_id());
    let get = || client.send(client.inner().post(peer.url()).body("{}"));
    let span = reporter.trace("ask");
    assert_eq!(span.wrap(get()).await.unwrap().status(), 200);
    let own = client.inner().post(peer.url()).header("traceparent", "mine").body("{}");
    assert_eq!(span.wrap(client.send(own)).await.unwrap().status(), 200);
    assert_eq!(get().await.unwrap().status(), 200);
    let headers: Vec<_> =
        peer.requests().iter().map(|request| request.header("traceparent").map(str::to_owned)).collect();
    assert_eq!(headers, [Some(span.context().unwrap().traceparent()), Some("mine".to_owned()), None]);
}
