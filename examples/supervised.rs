//! A reporter under the program's own `ractor` supervisor: when that one ends, the session is ended and delivered.
//!
//! ```text
//! cargo run --example supervised
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::time::Duration;

use lastword::sink::Tinker;
use lastword::{Reporter, event};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

struct App;

impl Actor for App {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        event: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        println!("the reporter says: {event:?}");
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (app, ended) = Actor::spawn(None, App, ()).await?;
    let url = std::env::var("LASTWORD_URL").unwrap_or_else(|_| "http://127.0.0.1:4318".into());
    let reporter = Reporter::builder("supervised").sink(Tinker::new(url)).supervisor(app.get_cell()).start()?;
    event!(reporter, "app.started");

    app.stop(None);
    ended.await?;
    let drain = reporter.wait_until_drained(Duration::from_secs(5)).await;
    println!("{drain}");
    Ok(())
}
