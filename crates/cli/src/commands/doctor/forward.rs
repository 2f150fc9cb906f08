//! Whether the systems can be reached that events are forwarded to.

use lastword_collector::forward::{Target, To};
use reqwest::StatusCode;
use reqwest::header::AUTHORIZATION;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::Check;
use crate::limits::{CONNECT_TIMEOUT, DOCTOR_TIMEOUT};
use crate::source::http::innermost;

const NAME: &str = "forward";

/// Looks at each target. Nothing is sent to it but a question.
pub(super) async fn check(targets: &[Target]) -> Vec<Check> {
    let mut checks = Vec::new();
    for target in targets {
        let found = match (target.token(), target.to) {
            (Err(why), _) => Err((why, "name a file or a variable that the collector can read")),
            (Ok(_), To::Syslog) => syslog(target).await,
            (Ok(token), _) => http(target, token).await,
        };
        let shown = format!("{} at {}", target.name, target.url);
        checks.push(match found {
            Ok(found) => Check::ok(NAME, format!("{shown}: {found}")),
            Err((why, advice)) => Check::wrong(NAME, format!("{shown}: {why}"), advice),
        });
    }
    checks
}

type Found = Result<String, (String, &'static str)>;

async fn syslog(target: &Target) -> Found {
    const ADVICE: &str = "see to the receiver, or to `url` in the configuration; events wait until it is there";
    let wrong = |why: String| (why, ADVICE);
    let (scheme, address) = target.url.split_once("://").unwrap_or(("", &target.url));
    if scheme == "udp" {
        let found = lookup_host(address).await.map_err(|error| wrong(error.to_string()))?;
        let known = found.count();
        return if known > 0 {
            Ok("it has an address; whether anybody listens on UDP can't be known".to_owned())
        } else {
            Err(wrong("the name has no address".to_owned()))
        };
    }
    match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok("it takes connections".to_owned()),
        Ok(Err(error)) => Err(wrong(error.to_string())),
        Err(_) => Err(wrong("no answer in time".to_owned())),
    }
}

async fn http(target: &Target, token: Option<String>) -> Found {
    let builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(DOCTOR_TIMEOUT);
    let wrong = |error: &reqwest::Error| {
        (innermost(error), "see to the system, or to `url` in the configuration; events wait until it is there")
    };
    let http = builder.redirect(reqwest::redirect::Policy::none()).build().map_err(|error| wrong(&error))?;
    let path = if target.to == To::Splunk { "/services/collector/health" } else { "" };
    let mut request = http.get(format!("{}{path}", target.url.trim_end_matches('/')));
    if let Some(authorization) = token.and_then(|token| target.authorization(&token).parse().ok()) {
        let mut value: reqwest::header::HeaderValue = authorization;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let status = request.send().await.map_err(|error| wrong(&error))?.status();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err((format!("it answers {}", status.as_u16()), "see to `token_file` or `token_env`"))
        }
        // It knows no questions, as is its right.
        StatusCode::NOT_IMPLEMENTED => Ok("it answers".to_owned()),
        _ if status.is_server_error() => Err((format!("it answers {}", status.as_u16()), "its own log says more")),
        // Who takes posts may answer a question in any way.
        _ => Ok("it answers".to_owned()),
    }
}
