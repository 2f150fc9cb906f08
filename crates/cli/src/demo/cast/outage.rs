//! A program whose network is down for longer than its reporter tries: events are lost, and each is told with its reason.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use lastword::{DropReason, Severity, event};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{failed, reporter};
use crate::error::Error;
use crate::flags::demo::DemoClientArgs;
use crate::flags::source::BaseUrl;
use crate::limits::{DEMO_POLL, DEMO_STOP_TIMEOUT};

/// Events before the outage and after it.
const CALM: u32 = 20;
/// Events in it: more than there is room for.
const BURST: u32 = 160;
/// Events that may wait.
const QUEUE: usize = 100;
/// How long the reporter waits between its two tries.
const RETRY: Duration = Duration::from_millis(20);

/// Reports over a line that is cut, and mended.
pub(super) async fn play(args: &DemoClientArgs) -> Result<(), Error> {
    let line = Line::lay(&args.url).await.map_err(Error::Demo)?;
    let builder = reporter(&args.session, &line.url).max_retries(1).retry_base_delay(RETRY).max_queue_size(QUEUE);
    let reporter = builder.start().map_err(failed)?;
    let read = |number: u32| {
        event!(reporter, "sensor.read", number = number, celsius = 20 + number % 7);
    };
    (0..CALM).for_each(read);
    reporter.flush(DEMO_STOP_TIMEOUT).await;
    line.cut().await?;
    event!(reporter, Severity::Warning, "line.down", line = "uplink");
    (CALM..CALM + BURST).for_each(read);
    let is_lost = async {
        while reporter.stats().dropped.get(DropReason::RetriesExhausted) == 0 {
            reporter.flush(DEMO_POLL).await;
            sleep(DEMO_POLL).await;
        }
    };
    timeout(DEMO_STOP_TIMEOUT, is_lost).await.map_err(|_| failed("an outage lost nothing"))?;
    line.is_cut.send_replace(false);
    let is_up = async {
        let before = reporter.stats().delivered;
        while reporter.stats().delivered == before {
            event!(reporter, "line.up", line = "uplink");
            reporter.flush(DEMO_STOP_TIMEOUT).await;
        }
    };
    timeout(DEMO_STOP_TIMEOUT, is_up).await.map_err(|_| failed("nothing was delivered after an outage"))?;
    (0..CALM).for_each(read);
    reporter.stop(DEMO_STOP_TIMEOUT).await;
    Ok(())
}

/// A network between the program and the collector.
struct Line {
    url: BaseUrl,
    is_cut: watch::Sender<bool>,
    /// Held by whoever carries.
    carried: Arc<()>,
}

impl Line {
    async fn lay(to: &BaseUrl) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let near = format!("http://{}", listener.local_addr()?);
        let url = near.parse().map_err(|error| io::Error::other(format!("{error}")))?;
        let (is_cut, cut) = watch::channel(false);
        let far = to.below("/");
        let far = format!("{}:{}", far.host_str().unwrap_or_default(), far.port().unwrap_or_default());
        let carried = Arc::new(());
        let one = Arc::downgrade(&carried);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (far, cut, one) = (far.clone(), cut.clone(), one.upgrade());
                tokio::spawn(async move {
                    carry(stream, far, cut).await;
                    drop(one);
                });
            }
        });
        Ok(Self { url, is_cut, carried })
    }

    /// Cuts it, and returns when nothing is carried any more: what arrives all the same is not lost, whatever the program thinks.
    async fn cut(&self) -> Result<(), Error> {
        self.is_cut.send_replace(true);
        let is_quiet = async {
            while Arc::strong_count(&self.carried) > 1 {
                sleep(DEMO_POLL).await;
            }
        };
        timeout(DEMO_STOP_TIMEOUT, is_quiet).await.map_err(|_| failed("a line that was cut carries on"))
    }
}

/// Carries a connection until it ends or the line is cut.
async fn carry(mut near: TcpStream, far: String, mut is_cut: watch::Receiver<bool>) {
    if *is_cut.borrow_and_update() {
        return;
    }
    let Ok(mut far) = TcpStream::connect(far).await else { return };
    tokio::select! {
        // First: what comes after the cut is not carried, though it may be there when this is looked at.
        biased;
        _ = is_cut.wait_for(|is_cut| *is_cut) => {}
        _ = copy_bidirectional(&mut near, &mut far) => {}
    }
}
