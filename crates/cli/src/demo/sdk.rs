//! A small SDK, as somebody would ship it: each public entry point is wrapped, so that what fails at its users is known.

use lastword::{Reporter, Severity, TelemetryProvider, UserError, async_capture, capture, event};
use serde_json::json;

use crate::flags::source::BaseUrl;
use crate::limits::DEMO_CALL_TIMEOUT;

/// Why a call failed, as the SDK's users see it.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// Nobody answered.
    #[error("the service does not answer")]
    NoAnswer(#[from] reqwest::Error),
    /// The service refused the call.
    #[error("the service refuses the call")]
    Refused(#[from] UserError),
    /// There is no way to go on.
    #[error("training has diverged at step {step}: the loss is {loss}")]
    Diverged {
        /// The step.
        step: u32,
        /// Its loss.
        loss: f64,
    },
}

/// Trains something, far away.
pub(super) struct TrainingClient {
    reporter: Reporter,
    http: reqwest::Client,
    service: BaseUrl,
}

impl TelemetryProvider for TrainingClient {
    fn telemetry(&self) -> Option<&Reporter> {
        Some(&self.reporter)
    }
}

impl TrainingClient {
    /// Makes a client of the service.
    pub(super) fn new(reporter: Reporter, service: BaseUrl) -> Result<Self, CallError> {
        let http = reqwest::Client::builder().no_proxy().timeout(DEMO_CALL_TIMEOUT).build()?;
        Ok(Self { reporter, http, service })
    }

    /// Asks the service how it is.
    pub(super) async fn ping(&self) -> Result<u16, CallError> {
        async_capture!(self, self.get(&self.service, "/api/health")).await
    }

    /// Makes a step, and tells how it went.
    pub(super) fn step(&self, step: u32) -> Result<f64, CallError> {
        capture!(self, {
            let loss = 4.0 / f64::from(step + 1);
            event!(self, Severity::Debug, "train.step", step = step, loss = loss, tokens = step * 512);
            Ok(loss)
        })
    }

    /// Asks for a model that nobody has heard of: a mistake of the user's.
    pub(super) async fn load_model(&self, name: &str) -> Result<u16, CallError> {
        let path = format!("/models/{name}");
        async_capture!(self, self.get(&self.service, &path)).await
    }

    /// Saves to a store that is down.
    pub(super) async fn save(&self, store: &BaseUrl) -> Result<u16, CallError> {
        async_capture!(self, self.get(store, "/checkpoints")).await
    }

    /// Decodes tokens, with a mistake in it: it panics past the end.
    pub(super) fn decode(&self, tokens: &[u32], position: usize) -> u32 {
        capture!(self, tokens[position])
    }

    /// Makes the step from which there is no way on.
    pub(super) fn last_step(&self, step: u32) -> Result<f64, CallError> {
        Err(CallError::Diverged { step, loss: f64::NAN })
    }

    async fn get(&self, service: &BaseUrl, path: &str) -> Result<u16, CallError> {
        let answer = self.http.get(service.below(path)).send().await?;
        let status = answer.status();
        event!(self, "http.request", path = path, status = status.as_u16());
        if status.is_client_error() {
            let refused = UserError::new(format!("GET {path}: {status}")).status(status.as_u16());
            return Err(refused.body(json!({ "path": path })).into());
        }
        Ok(status.as_u16())
    }
}
