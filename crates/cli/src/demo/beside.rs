//! The programs beside the one whose promise is compared: they run, and what the collector made of them is asked over its API.

use reqwest::Method;
use serde_json::Value;

use super::cast;
use super::process::Stage;
use crate::error::Error;
use crate::flags::demo::Part;
use crate::output::Output;
use crate::source::http::Client;

/// Something that the collector should show of a program.
struct Seen {
    what: String,
    /// What is wrong with it, if so.
    wrong: Option<&'static str>,
    /// Where to look at it.
    page: String,
}

/// Runs them all, at once where they can.
pub(super) async fn play(stage: &Stage) -> Result<(), Error> {
    tokio::try_join!(async { stage.run_well(Part::Outage, "outage").await.map(drop) }, crash(stage), async {
        shop(stage).await?;
        // Its traces are the last to arrive: they stand above those of many orders.
        stage.run_well(Part::Agent, "agent").await.map(drop)
    },)?;
    Ok(())
}

/// A program dies, and is started again.
#[cfg(target_os = "linux")]
async fn crash(stage: &Stage) -> Result<(), Error> {
    if stage.run(Part::Crash, "crash").await?.status.success() {
        return Err(Error::DemoClient("the program that is to crash did not".into()));
    }
    stage.run_well(Part::Heir, "restart").await.map(drop)
}

/// The spool of a program that crashes is in a mapped file on Linux alone.
#[cfg(not(target_os = "linux"))]
async fn crash(_: &Stage) -> Result<(), Error> {
    Ok(())
}

/// Two versions of a shop, one after the other; between them somebody says that what was wrong is dealt with.
async fn shop(stage: &Stage) -> Result<(), Error> {
    stage.run_well(Part::ShopBefore, "shop-1.4").await?;
    let client = Client::new(stage.url.parse()?)?;
    for group in groups(&client, stage, "shop-1.4").await? {
        let fingerprint = group["fingerprint"].as_str().unwrap_or_default();
        client.change(Method::PATCH, "/api/exceptions", fingerprint, Some(r#"{"resolved":true}"#)).await?;
    }
    stage.run_well(Part::ShopAfter, "shop-1.5").await.map(drop)
}

/// Tells what there is to look at beside the comparison. Returns whether all of it is there.
pub(super) async fn tell(stage: &Stage, output: &mut Output) -> Result<bool, Error> {
    let client = Client::new(stage.url.parse()?)?;
    let seen = [
        Some(agent(&client, stage).await?),
        crashed(&client, stage).await?,
        Some(outage(&client, stage).await?),
        Some(regressed(&client, stage).await?),
    ];
    output.line("Beside it, each in a process of its own:")?;
    for Seen { what, wrong, page } in seen.iter().flatten() {
        let wrong = wrong.map_or_else(String::new, |wrong| format!(" MISSING: {wrong}"));
        output.line(&format!("  {what}{wrong}"))?;
        output.line(&format!("    {}{page}", stage.url))?;
    }
    Ok(seen.iter().flatten().all(|seen| seen.wrong.is_none()))
}

async fn agent(client: &Client, stage: &Stage) -> Result<Seen, Error> {
    let session = stage.session("agent");
    let runs = client.json("/api/runs", &[("session", &session)]).await?;
    let runs = rows(&runs["runs"]);
    let sum = |name: &str| runs.iter().filter_map(|run| run[name].as_i64()).sum::<i64>();
    let (models, tools) = (sum("model_calls"), sum("tool_calls"));
    let failed = runs.iter().filter(|run| run["status"] == "failed").count();
    let wrong = if runs.len() != 3 || failed != 1 { Some("three runs, one of which failed") } else { None };
    Ok(Seen {
        what: format!(
            "an agent: {} runs, {failed} of them failed, {models} calls of a model, {tools} of tools",
            runs.len()
        ),
        wrong: wrong.or_else(|| (models != 6 || tools != 9).then_some("6 calls of a model and 9 of tools")),
        page: "/runs".to_owned(),
    })
}

async fn crashed(client: &Client, stage: &Stage) -> Result<Option<Seen>, Error> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let id = stage.session("crash");
    let session = client.json(&format!("/api/sessions/{id}"), &[]).await?;
    let is_whole = session["state"] == "crashed" && session["signal"] == "SIGABRT" && session["missing"] == 0;
    Ok(Some(Seen {
        what: format!("a crash by {}: its next start found {} events", told(&session["signal"]), session["events"]),
        wrong: (!is_whole).then_some("all that it had accepted"),
        page: format!("/sessions/{id}"),
    }))
}

async fn outage(client: &Client, stage: &Stage) -> Result<Seen, Error> {
    let id = stage.session("outage");
    let session = client.json(&format!("/api/sessions/{id}"), &[]).await?;
    let drops: Vec<String> =
        session["drops"].as_object().into_iter().flatten().map(|(why, count)| format!("{count} {why}")).collect();
    let is_told = session["missing"].as_i64() > Some(0) && drops.iter().any(|drop| drop.ends_with("retries_exhausted"));
    // What retries were exhausted for had numbers: it is what is missing. What found the queue full had none.
    let of = |why: &str| session["drops"][why].as_i64().unwrap_or(0);
    let dropped =
        session["drops"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_i64()).sum::<i64>();
    let lost = dropped + (session["missing"].as_i64().unwrap_or(0) - of("retries_exhausted")).max(0);
    Ok(Seen {
        what: format!("an outage: {lost} events never came, and why is told: {}", drops.join(", ")),
        wrong: (!is_told).then_some("a gap with its reason"),
        page: format!("/sessions/{id}"),
    })
}

async fn regressed(client: &Client, stage: &Stage) -> Result<Seen, Error> {
    let [old, new] = cast::VERSIONS;
    let groups = groups(client, stage, "shop-1.5").await?;
    let group = groups.iter().find(|group| group["error_type"] == cast::COMES_BACK);
    let versions = group.map(|group| rows(&group["versions"])).unwrap_or_default();
    let is_in = |version: &str| versions.iter().any(|known| known["version"] == version);
    let came_back = group.is_some_and(|group| group["state"] == "regressed") && is_in(old) && is_in(new);
    Ok(Seen {
        what: format!("a day of a shop: its {} was dealt with in {old}, and came back in {new}", cast::COMES_BACK),
        wrong: (!came_back).then_some("an exception that came back"),
        page: "/exceptions".to_owned(),
    })
}

/// Returns what went wrong in a session, like ones together.
async fn groups(client: &Client, stage: &Stage, name: &str) -> Result<Vec<Value>, Error> {
    let answer = client.json("/api/exceptions", &[("session", &stage.session(name))]).await?;
    Ok(rows(&answer["exceptions"]))
}

fn rows(list: &Value) -> Vec<Value> {
    list.as_array().cloned().unwrap_or_default()
}

fn told(text: &Value) -> &str {
    text.as_str().unwrap_or("nothing")
}
