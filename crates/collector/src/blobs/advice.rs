//! What to do where the object store does not do what it is asked: a key that is wrong is not mended by a start.

use object_store::Error;

/// Nothing more is known.
pub(super) const REACH: &str = "see that the object store runs and that it can be reached from here";
/// Nothing more is known, and it is a directory.
pub(super) const DISK: &str = "see that its disk is there and has room, and that who runs the \
                               collector may read and write there";
/// It knows us not, or does not let us.
const DENIED: &str = "see to AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and to what they may do in the bucket: \
                      list, get, put, delete";
/// There is nothing that it could know us by.
const UNKNOWN: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: they are not set, and this machine has no role \
                       that it is given keys by";
/// It knows no such bucket.
const NO_BUCKET: &str = "make the bucket, or see to its name in `blobs` and to AWS_REGION";

/// Where a machine asks for keys if none are set.
const METADATA: [&str; 2] = ["/latest/api/token", "/latest/meta-data/"];

/// What to do about an error of S3.
pub(super) fn about(error: &Error) -> &'static str {
    // A list that is refused has its status in its text alone.
    let said = error.to_string();
    let is = |status: u16| said.contains(&format!("status code: {status}"));
    match error {
        _ if METADATA.iter().any(|path| said.contains(path)) => UNKNOWN,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => DENIED,
        Error::NotFound { .. } => NO_BUCKET,
        _ if is(401) || is(403) => DENIED,
        _ if is(404) => NO_BUCKET,
        _ => REACH,
    }
}

#[cfg(test)]
mod tests {
    use object_store::Error;

    use super::{DENIED, NO_BUCKET, REACH, UNKNOWN, about};

    #[test]
    fn what_is_to_be_done_about_s3_follows_what_it_said() {
        let listed = |source: &str| about(&Error::Generic { store: "S3", source: source.into() });
        let denied = Error::PermissionDenied { path: "values".to_owned(), source: "AccessDenied".into() };
        assert_eq!(about(&denied), DENIED);
        for (said, advice) in [
            ("Server returned non-2xx status code: 403 Forbidden: SignatureDoesNotMatch", DENIED),
            ("Server returned non-2xx status code: 401 Unauthorized: ", DENIED),
            ("Server returned non-2xx status code: 404 Not Found: NoSuchBucket", NO_BUCKET),
            ("Server returned non-2xx status code: 503 Service Unavailable: SlowDown", REACH),
            ("Error performing PUT http://169.254.169.254/latest/api/token in 1s - connection refused", UNKNOWN),
            ("Error performing GET http://s3.example/lastword in 3s - connection refused", REACH),
        ] {
            assert_eq!(listed(said), advice, "{said}");
        }
    }
}
