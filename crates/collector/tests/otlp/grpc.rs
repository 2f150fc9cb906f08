//! OTLP over gRPC, by a client of HTTP/2 that says what no library would.

use std::io::Write as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use lastword_collector::{Collector, Config};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tokio::net::{TcpListener, TcpStream};

use crate::common::{Client, Dir};
use crate::{fixture, span, traces};

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// A body that is there at once.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// What was answered: the message without its frame, and the headers or trailers that say how it went.
struct Answer {
    message: Vec<u8>,
    told: HeaderMap,
}

impl Answer {
    fn told(&self, name: &str) -> &str {
        self.told.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn framed(compressed: u8, message: &[u8]) -> Vec<u8> {
    [&[compressed][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

/// Serves a collector and makes calls, one after the other on one connection.
fn call(config: Config, calls: Vec<(&str, Option<&str>, Vec<u8>)>) -> Vec<Answer> {
    serve(config, async |_, grpc| make(grpc, calls).await)
}

/// Serves a collector while something is done with its main address and that of gRPC.
fn serve<T>(config: Config, ask: impl AsyncFnOnce(SocketAddr, SocketAddr) -> T) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
        let (http, grpc) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (main, address) = (http.local_addr().unwrap(), grpc.local_addr().unwrap());
        let collector = Collector::open(config).unwrap().grpc(grpc);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(collector.serve(http, async { _ = stopped.await }));
        let answers = ask(main, address).await;
        drop(stop);
        serving.await.unwrap().unwrap();
        answers
    })
}

async fn make(address: SocketAddr, calls: Vec<(&str, Option<&str>, Vec<u8>)>) -> Vec<Answer> {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut answers = Vec::new();
    for (path, encoding, body) in calls {
        let mut request = Request::post(format!("http://{address}{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if let Some(encoding) = encoding {
            request = request.header("grpc-encoding", encoding);
        }
        let response = client.send_request(request.body(Whole(Some(body.into()))).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200, "what gRPC says is said in its own way");
        assert_eq!(response.headers()["content-type"], "application/grpc");
        let mut told = response.headers().clone();
        let (mut body, mut message) = (response.into_body(), Vec::new());
        while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            match frame.unwrap().into_data() {
                Ok(data) => message.extend_from_slice(&data),
                Err(frame) => told.extend(frame.into_trailers().unwrap()),
            }
        }
        let message = message.get(5..).unwrap_or_default().to_vec();
        answers.push(Answer { message, told });
    }
    drop(client);
    connection.await.unwrap().unwrap();
    answers
}

fn stored(dir: &Dir) -> usize {
    let query = lastword_collector::query::EventQuery { limit: 1000, ..Default::default() };
    lastword_collector::query::Reader::open(dir.path()).unwrap().events(&query).unwrap().items.len()
}

#[test]
fn the_three_services_store_what_they_are_sent() {
    let dir = Dir::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&fixture("python-traces-1.bin")).unwrap();
    let calls = vec![
        (TRACES, Some("gzip"), framed(1, &gzip.finish().unwrap())),
        (TRACES, None, framed(0, &fixture("python-traces-1.bin"))),
        ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", None, framed(0, &fixture("python-logs-1.bin"))),
        (
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            None,
            framed(0, &fixture("python-metrics-1.bin")),
        ),
    ];
    for answer in call(dir.config(), calls) {
        assert_eq!((answer.told("grpc-status"), answer.message.len()), ("0", 0));
    }
    assert_eq!(stored(&dir), 7, "a resource, three spans, two records, metrics: the spans once, though sent twice");
}

#[test]
fn the_main_port_takes_calls_too_beside_http_1() {
    let dir = Dir::new();
    let answers = serve(dir.config(), async |main, _| {
        let answers = make(main, vec![(TRACES, None, framed(0, &fixture("python-traces-1.bin")))]).await;
        let get = tokio::task::spawn_blocking(move || {
            // A first byte that HTTP/2 begins with as well, alone for a while.
            let mut client = Client::connect(main);
            client.0.write_all(b"P").unwrap();
            std::thread::yield_now();
            client.0.write_all(b"OST /api/v1/telemetry HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}").unwrap();
            client.answer().status
        });
        assert_eq!(get.await.unwrap(), 400);
        answers
    });
    assert_eq!(answers[0].told("grpc-status"), "0");
    assert_eq!(stored(&dir), 4, "a resource and three spans");
}

#[test]
fn a_connection_of_http_2_that_asks_nothing_is_ended_and_one_that_hears_something_is_not() {
    let dir = Dir::new();
    let config = dir.config().head_timeout(std::time::Duration::from_millis(200));
    serve(config, async |main, _| {
        let connect = async || {
            let stream = TokioIo::new(TcpStream::connect(main).await.unwrap());
            let (client, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            (client, tokio::spawn(connection))
        };
        let (mut client, listening) = connect().await;
        let request = Request::get(format!("http://{main}/api/stream")).body(Whole(None)).unwrap();
        let mut stream = client.send_request(request).await.unwrap().into_body();
        let (idle, connection) = connect().await;
        connection.await.unwrap().unwrap();
        drop(idle);
        // It was there before the other one, and has asked nothing more either.
        assert!(!listening.is_finished());
        let first = std::future::poll_fn(|context| Pin::new(&mut stream).poll_frame(context)).await;
        assert_eq!(first.unwrap().unwrap().into_data().unwrap(), ": listening\n\n");
        assert!(!listening.is_finished());
        listening.abort();
    });
}

#[test]
fn refused_records_are_counted_and_their_neighbours_are_stored() {
    let dir = Dir::new();
    let mut bad = span(1, "bad", vec![]);
    bad.span_id = Vec::new();
    let answers = call(dir.config(), vec![(TRACES, None, framed(0, &traces(vec![span(0, "good", vec![]), bad])))]);
    let partial = ExportTraceServiceResponse::decode(&*answers[0].message).unwrap().partial_success.unwrap();
    assert_eq!((answers[0].told("grpc-status"), partial.rejected_spans), ("0", 1));
    assert_eq!(stored(&dir), 2);
}

#[test]
fn a_bad_call_is_told_what_is_wrong_and_the_next_one_is_taken() {
    let dir = Dir::new();
    let calls = vec![
        ("/grpc.health.v1.Health/Check", None, framed(0, b"")),
        (TRACES, None, b"".to_vec()),
        (TRACES, None, framed(0, b"x")[..5].to_vec()),
        (TRACES, Some("brotli"), framed(1, b"x")),
        (TRACES, None, framed(0, b"\xff\xff")),
        (TRACES, Some("gzip"), framed(1, b"no gzip")),
        (TRACES, None, framed(0, &traces(vec![span(0, "good", vec![])]))),
    ];
    let answers = call(dir.config(), calls);
    let told: Vec<_> = answers.iter().map(|answer| answer.told("grpc-status")).collect();
    assert_eq!(told, ["12", "3", "3", "12", "3", "3", "0"]);
    assert!(answers[3].told("grpc-message").contains("`brotli`"), "{}", answers[3].told("grpc-message"));
    assert!(answers[3].told("grpc-accept-encoding").contains("gzip"));
    assert_eq!(stored(&dir), 2);
}

#[test]
fn what_is_too_large_is_exhausted_for_good_and_what_has_no_room_may_come_again() {
    let dir = Dir::new();
    let body = framed(0, &traces((0..100).map(|number| span(number, "x", vec![])).collect()));
    let answers = call(dir.config().body_bytes_max(1_000), vec![(TRACES, None, body.clone())]);
    assert_eq!((answers[0].told("grpc-status"), answers[0].told("grpc-status-details-bin")), ("8", ""));
    let answers = serve(dir.config().ingest_bytes_max(1_000_000), async |main, grpc| {
        let mut holding = Vec::new();
        let begun = std::time::Instant::now();
        loop {
            // Another one each time: what was read while an answer was under way may have found no room itself.
            holding.push(Client::hold_room(main));
            let answers = make(grpc, vec![(TRACES, None, body.clone())]).await;
            assert!(begun.elapsed() < std::time::Duration::from_secs(20), "there is always room");
            if answers[0].told("grpc-status") != "0" {
                return answers;
            }
        }
    });
    // "type.googleapis.com/google.rpc.RetryInfo" stands in it, in base64.
    assert_eq!(answers[0].told("grpc-status"), "14");
    assert!(answers[0].told("grpc-status-details-bin").contains("Z29vZ2xlLnJwYy5SZXRyeUluZm8"));
}
