//! Pages, their style and their scripts, compressed for a browser that takes that: text that says much the same in each row becomes a fifth.
//!
//! What has no known end (a stream, a file of events) and what is larger than a page ever is stays as it is.

use std::io::Write;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::limits::{COMPRESSED_PAGE_BYTES_MAX, COMPRESSED_PAGE_BYTES_MIN};

/// Types of what pages are made of.
const TYPES: [&str; 3] = ["text/html", "text/css", "text/javascript"];

/// Lets a request be answered, and compresses the answer where that is wanted and worth it.
pub(super) async fn compress(request: Request, next: Next) -> Response {
    let wanted = takes_gzip(request.headers());
    let response = next.run(request).await;
    if wanted { pack(response).await } else { response }
}

/// Whether a client takes gzip, by `Accept-Encoding`: named, and not with a weight of 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map(|weight| weight.trim().parse::<f32>());
        is_gzip && weight.is_none_or(|weight| weight.is_ok_and(|weight| weight > 0.0))
    })
}

async fn pack(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_text = TYPES.iter().any(|text| kind.starts_with(text));
    let bytes = response.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let fits = bytes.is_some_and(|bytes| (COMPRESSED_PAGE_BYTES_MIN..=COMPRESSED_PAGE_BYTES_MAX).contains(&bytes));
    if !is_text || !fits || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(plain) = axum::body::to_bytes(body, COMPRESSED_PAGE_BYTES_MAX).await else {
        // A body of known size that can't be had: there is nothing else to send.
        return Response::from_parts(head, Body::empty());
    };
    head.headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    let Ok(packed) = encoder.write_all(&plain).and_then(|()| encoder.finish()) else {
        return Response::from_parts(head, Body::from(plain));
    };
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(head, Body::from(packed))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn takes(value: &'static str) -> bool {
        takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]))
    }

    fn of_type(kind: &'static str, text: &str) -> Response {
        Response::builder().header(header::CONTENT_TYPE, kind).body(Body::from(text.to_owned())).unwrap()
    }

    #[test]
    fn gzip_is_taken_by_who_names_it_with_a_weight() {
        assert!(takes("gzip, deflate, br") && takes("br;q=1.0, GZIP;q=0.5"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes("identity") && !takes_gzip(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn a_page_is_compressed_and_reads_as_before() {
        let page = "<p>the same again</p>".repeat(1_000);
        let answer = pack(of_type("text/html; charset=utf-8", &page)).await;
        assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(answer.headers()[header::VARY], "accept-encoding");
        let packed = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        assert!(packed.len() * 5 < page.len(), "{} bytes of {}", packed.len(), page.len());
        let mut plain = String::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut plain).unwrap();
        assert_eq!(plain, page);
    }

    #[tokio::test]
    async fn what_is_short_and_what_is_no_page_stays_as_it_is() {
        for (kind, text) in [("text/html", "<p>short</p>"), ("application/json", &"{}".repeat(10_000))] {
            assert!(!pack(of_type(kind, text)).await.headers().contains_key(header::CONTENT_ENCODING), "{kind}");
        }
    }
}
