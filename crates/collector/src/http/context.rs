//! What is known of a request before it is read: its id, from where it comes, which program asks, which trace it is of.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, header};
use lastword::trace::SpanContext;
use serde::Serialize;
use uuid::Uuid;

use crate::config::values::Network;
use crate::limits::{FORWARDED_HOPS_MAX, REQUEST_ID_CHARS_MAX, USER_AGENT_CHARS_MAX};

/// The header of a request's id, in both directions.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The address of the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What is known of a request; an extension of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Context {
    /// Its client's address. At most 45 characters, as the longest of an address are; `None` where there is no connection.
    pub(crate) ip_address: Option<IpAddr>,
    /// The program that asks, in its own words, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<String>,
    /// Its id: the one that it came with, or one of ours.
    pub(crate) request_id: String,
}

impl Context {
    /// Finds out about a request that came over a connection, or through proxies that are believed.
    pub(crate) fn of(request: &Request, trusted: &[Network]) -> Self {
        let headers = request.headers();
        let peer = request.extensions().get::<Peer>().map(|Peer(address)| address.ip().to_canonical());
        let inbound = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_id(id));
        Self {
            ip_address: peer.map(|peer| client(peer, headers, trusted)),
            user_agent: headers.get(header::USER_AGENT).map(|agent| cut(&String::from_utf8_lossy(agent.as_bytes()))),
            request_id: inbound.map_or_else(|| Uuid::new_v4().to_string(), ToOwned::to_owned),
        }
    }
}

/// Returns the span of a trace that a request says it is of.
pub(crate) fn trace_of(headers: &HeaderMap) -> Option<SpanContext> {
    headers.get("traceparent")?.to_str().ok()?.parse().ok()
}

/// Tells whether an id may go into logs and answers as it is.
fn is_id(id: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
    !id.is_empty() && id.len() <= REQUEST_ID_CHARS_MAX && id.bytes().all(good)
}

fn cut(agent: &str) -> String {
    agent.chars().filter(|c| !c.is_control()).take(USER_AGENT_CHARS_MAX).collect()
}

/// Goes back along the proxies that are believed to the first address that is none of them. What stands before it was said by
/// somebody whom nobody vouches for.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let believed = |address: &IpAddr| trusted.iter().any(|network| network.contains(*address));
    if !believed(&peer) {
        return peer;
    }
    let mut farthest = peer;
    for hop in hops(headers).into_iter().rev().take(FORWARDED_HOPS_MAX) {
        // What can't be read is as far as can be seen.
        let Some(address) = hop else { break };
        farthest = address;
        if !believed(&address) {
            break;
        }
    }
    farthest
}

/// Returns the addresses that proxies noted, the farthest first: by `Forwarded` (RFC 7239), else by `X-Forwarded-For`.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let all = |name: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(str::to_owned).collect::<Vec<_>>()
    };
    let forwarded = all("forwarded");
    if forwarded.is_empty() {
        return all("x-forwarded-for").iter().map(|hop| address(hop)).collect();
    }
    let of = |hop: &String| {
        let pairs = hop.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for")).find_map(|(_, value)| address(value))
    };
    forwarded.iter().map(of).collect()
}

/// Reads an address as proxies write it: bare, in quotes, in brackets, with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let read = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    let read = read.or_else(|_| text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>());
    read.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn context(headers: &[(&str, &str)], trusted: &[&str]) -> Context {
        let mut request = Request::new(Body::empty());
        for (name, value) in headers {
            request.headers_mut().append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        request.extensions_mut().insert(Peer("[::ffff:10.0.0.9]:4711".parse().unwrap()));
        let trusted: Vec<Network> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        Context::of(&request, &trusted)
    }

    fn client_of(headers: &[(&str, &str)], trusted: &[&str]) -> String {
        context(headers, trusted).ip_address.unwrap().to_string()
    }

    #[test]
    fn an_id_is_taken_over_if_it_can_harm_no_log() {
        for id in ["a", "req-1_2.3:4/5+6=7@8", &"x".repeat(128)] {
            assert_eq!(context(&[("x-request-id", id)], &[]).request_id, id);
        }
        for id in ["", "two words", "a\tb", "é", "a\"b", "<script>", &"x".repeat(129)] {
            let own = context(&[("x-request-id", id)], &[]).request_id;
            assert_eq!(Uuid::parse_str(&own).unwrap().get_version_num(), 4, "{id}");
        }
    }

    #[test]
    fn nobody_is_believed_who_is_no_trusted_proxy() {
        let said = [("x-forwarded-for", "1.2.3.4")];
        assert_eq!(client_of(&said, &[]), "10.0.0.9");
        assert_eq!(client_of(&said, &["192.168.0.0/16"]), "10.0.0.9");
        assert_eq!(client_of(&said, &["10.0.0.0/8"]), "1.2.3.4");
    }

    #[test]
    fn the_client_is_the_nearest_address_that_no_trusted_proxy_has() {
        for (name, value, client) in [
            ("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.1.1.1", "1.2.3.4"),
            ("x-forwarded-for", "1.2.3.4:5678", "1.2.3.4"),
            ("x-forwarded-for", "10.2.2.2, 10.1.1.1", "10.2.2.2"),
            ("x-forwarded-for", "1.2.3.4, nonsense", "10.0.0.9"),
            ("forwarded", "for=1.2.3.4;proto=https;by=10.1.1.1", "1.2.3.4"),
            ("forwarded", "for=6.6.6.6, For=\"[2001:db8::1]:47\"", "2001:db8::1"),
            ("forwarded", "for=_hidden", "10.0.0.9"),
        ] {
            assert_eq!(client_of(&[(name, value)], &["10.0.0.0/8"]), client, "{name}: {value}");
        }
    }

    #[test]
    fn a_context_has_three_fields_and_each_has_a_bound() {
        let agent = "a".repeat(4_000);
        let context = context(&[("user-agent", &agent), ("x-request-id", "r-1")], &[]);
        let json = serde_json::to_value(&context).unwrap();
        assert_eq!(json["ipAddress"], "10.0.0.9");
        assert_eq!(json["requestId"], "r-1");
        assert_eq!(json["userAgent"].as_str().unwrap().len(), 512);
        let longest: IpAddr = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap();
        assert!(longest.to_string().len() <= 45);
    }
}
