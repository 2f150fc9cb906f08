//! An SDK whose clients report: a service client that owns the session, and a training and a sampling client that report
//! to the same one. Each public entry point is wrapped, so that its users get reports without writing a line.
//!
//! ```text
//! cargo run --example sdk
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::sync::Arc;
use std::time::Duration;

use lastword::sink::Tinker;
use lastword::{Reporter, StartError, TelemetryProvider, UserError, async_capture, capture, event};

/// What goes wrong in this SDK.
#[derive(Debug, thiserror::Error)]
enum SdkError {
    #[error("the request was refused")]
    Refused(#[source] UserError),
    #[error("the service can't be reached")]
    Unreachable(#[source] std::io::Error),
}

/// The client that everything begins with. It owns the reporter; stopping another client never stops it.
#[derive(Clone)]
struct ServiceClient {
    telemetry: Arc<Reporter>,
}

struct TrainingClient {
    service: ServiceClient,
}

struct SamplingClient {
    service: ServiceClient,
}

impl TelemetryProvider for ServiceClient {
    fn telemetry(&self) -> Option<&Reporter> {
        Some(&self.telemetry)
    }
}

impl TelemetryProvider for TrainingClient {
    fn telemetry(&self) -> Option<&Reporter> {
        self.service.telemetry()
    }
}

impl TelemetryProvider for SamplingClient {
    fn telemetry(&self) -> Option<&Reporter> {
        self.service.telemetry()
    }
}

impl ServiceClient {
    fn connect(base_url: &str, session_id: &str) -> Result<Self, StartError> {
        let sink = Tinker::new(base_url).api_key("tml-example").http_timeout(Duration::from_secs(2));
        let builder = Reporter::builder(session_id).sink(sink).sdk_version(env!("CARGO_PKG_VERSION"));
        Ok(Self { telemetry: Arc::new(builder.max_retries(1).start()?) })
    }

    fn training(&self) -> TrainingClient {
        TrainingClient { service: self.clone() }
    }

    fn sampling(&self) -> SamplingClient {
        SamplingClient { service: self.clone() }
    }

    async fn close(&self) -> lastword::Drain {
        self.telemetry.stop(Duration::from_secs(5)).await
    }
}

impl TrainingClient {
    /// A fatal entry point: an error in here ends the session, and its report is waited for.
    async fn forward_backward(&self, examples: usize) -> Result<f64, SdkError> {
        async_capture!(self, fatal, async {
            event!(self, "training.step", examples);
            if examples == 0 {
                return Err(SdkError::Unreachable(std::io::Error::from(std::io::ErrorKind::ConnectionRefused)));
            }
            Ok(0.25)
        })
        .await
    }
}

impl SamplingClient {
    /// What the user did wrong is reported as the event `user_error`, and ends nothing.
    fn sample(&self, prompt: &str) -> Result<String, SdkError> {
        capture!(self, {
            if prompt.is_empty() {
                Err(SdkError::Refused(UserError::new("the prompt is empty").status(422)))
            } else {
                event!(self, "sampling.complete", tokens = prompt.len() / 4);
                Ok(prompt.to_uppercase())
            }
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("LASTWORD_URL").unwrap_or_else(|_| "http://127.0.0.1:4318".into());
    let service = ServiceClient::connect(&url, "sdk-session-1")?;
    let (training, sampling) = (service.training(), service.sampling());

    println!("sampled: {}", sampling.sample("hello there")?);
    println!("refused: {:?}", sampling.sample("").err());
    println!("loss: {}", training.forward_backward(8).await?);
    println!("failed: {:?}", training.forward_backward(0).await.err());

    let report = service.close().await;
    println!("{report}");
    Ok(())
}
