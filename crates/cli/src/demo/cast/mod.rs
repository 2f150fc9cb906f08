//! The other programs of the demo, each in a process of its own: what a person who operates programs has to do with.
//!
//! An agent ([`agent`]), a program whose network is down for a while ([`outage`]), one that dies and is started again
//! ([`crash`]), and a shop that speaks OpenTelemetry, whose day is spread over the hours before ([`shop`]).

mod agent;
#[cfg(target_os = "linux")]
mod crash;
mod outage;
mod shop;

pub(super) use shop::{COMES_BACK, VERSIONS};

use lastword::sink::Tinker;
use lastword::{Builder, Reporter};

use crate::error::Error;
use crate::flags::demo::{DemoClientArgs, Part};
use crate::flags::source::BaseUrl;

/// Runs a program of the demo to its end, which for one of them is a crash.
///
/// # Errors
///
/// Something that should have worked did not.
pub(crate) async fn run(args: DemoClientArgs) -> Result<(), Error> {
    match args.part {
        Part::Sdk => super::client::run(args).await,
        Part::Agent => agent::play(&args).await,
        Part::Outage => outage::play(&args).await,
        #[cfg(target_os = "linux")]
        Part::Crash => crash::die(&args),
        #[cfg(target_os = "linux")]
        Part::Heir => crash::start_again(&args).await,
        Part::ShopBefore => shop::before(&args).await,
        Part::ShopAfter => shop::after(&args).await,
    }
}

/// Begins a reporter to a collector, as a program would.
fn reporter(session: &str, url: &BaseUrl) -> Builder {
    Reporter::builder(session).enabled(true).sdk_version("demo").sink(Tinker::new(url.to_string()))
}

/// Says that something which should have worked did not.
fn failed(error: impl std::fmt::Display) -> Error {
    Error::DemoClient(error.to_string())
}
