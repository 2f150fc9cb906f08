//! Who sends: what all records of a session have alike.

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::value::text;
use crate::limits::OTLP_RESOURCE_BYTES_MAX;
use crate::sink::{Session, SettingError};

const SERVICE_NAME: &str = "service.name";
/// What OpenTelemetry calls a service that nobody has named.
const NO_SERVICE: &str = "unknown_service";
/// What says by which library something was sent, and nobody else's to say.
const LIBRARY: &str = "telemetry.sdk.";
/// The library, and the scope of all records.
const NAME: &str = "lastword";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Attributes of the resource, as they were asked for.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// Sets an attribute; what it was before is forgotten.
    pub(super) fn set(&mut self, key: String, value: String) {
        match self.0.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    pub(super) fn has_service(&self) -> bool {
        self.0.iter().any(|(key, _)| key == SERVICE_NAME)
    }

    pub(super) fn set_service(&mut self, name: String) {
        self.set(SERVICE_NAME.to_owned(), name);
    }

    /// # Errors
    ///
    /// One of them can't be, or they are too many; `field` is who set them.
    pub(super) fn check(&self, field: &'static str) -> Result<(), SettingError> {
        let wrong = |reason: String| Err(SettingError::new(field, reason));
        for (key, _) in &self.0 {
            if key.is_empty() {
                return wrong("an attribute of the resource has no name: write `name=value`".to_owned());
            }
            if key.starts_with(LIBRARY) {
                return wrong(format!("`{}` is set by the sink itself", key.escape_debug()));
            }
        }
        let bytes: usize = self.0.iter().map(|(key, value)| key.len() + value.len()).sum();
        if bytes > OTLP_RESOURCE_BYTES_MAX {
            return wrong(format!(
                "the attributes of the resource take {bytes} bytes: {OTLP_RESOURCE_BYTES_MAX} are sent at most"
            ));
        }
        Ok(())
    }

    /// Returns the resource of a session, which may be one of another process: what is not known of that is not said.
    pub(super) fn of_session(&self, session: &Session) -> Resource {
        let process = session.process_uuid.hyphenated().to_string();
        let own = [
            (SERVICE_NAME, NO_SERVICE),
            ("service.version", &*session.sdk_version),
            ("service.instance.id", &*process),
            ("os.type", os_type(&session.platform)),
        ];
        let is_asked = |key: &str| self.0.iter().any(|(asked, _)| asked == key);
        let mut attributes: Vec<KeyValue> =
            own.into_iter().filter(|(key, _)| !is_asked(key)).map(|(key, value)| text(key, value)).collect();
        attributes.extend(self.0.iter().map(|(key, value)| text(key, value)));
        for (key, value) in [("name", NAME), ("language", "rust"), ("version", VERSION)] {
            attributes.push(text(&format!("{LIBRARY}{key}"), value));
        }
        Resource { attributes, ..Resource::default() }
    }
}

/// Returns the scope of all records: the library that made them.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope { name: NAME.to_owned(), version: VERSION.to_owned(), ..InstrumentationScope::default() }
}

/// The word that OpenTelemetry has for a system: the part of the platform that names it.
fn os_type(platform: &str) -> &str {
    match platform {
        "win32/nt" => "windows",
        _ => platform.rsplit('/').next().unwrap_or(platform),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use uuid::Uuid;

    use super::*;

    fn resource(asked: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut attributes = Attributes::default();
        for (key, value) in asked {
            attributes.set((*key).to_owned(), (*value).to_owned());
        }
        assert_eq!(attributes.check("resource"), Ok(()));
        let resource = attributes.of_session(&Session::new("s", "1.2.3", Uuid::nil(), 1));
        let text = |attribute: KeyValue| match attribute.value.unwrap().value.unwrap() {
            Value::StringValue(text) => (attribute.key, text),
            other => panic!("{other:?}"),
        };
        resource.attributes.into_iter().map(text).collect()
    }

    #[test]
    fn a_resource_says_whose_session_it_is_and_which_library_sends() {
        let nobody = Uuid::nil().to_string();
        let session = Session::new("s", "1", Uuid::nil(), 1);
        let expected = [
            ("service.name", "unknown_service"),
            ("service.version", "1.2.3"),
            ("service.instance.id", &nobody),
            ("os.type", os_type(&session.platform)),
            ("telemetry.sdk.name", "lastword"),
            ("telemetry.sdk.language", "rust"),
            ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        ];
        assert_eq!(resource(&[]), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(["unix/linux", "unix/darwin", "win32/nt"].map(os_type), ["linux", "darwin", "windows"]);
    }

    #[test]
    fn what_is_asked_for_stands_once_and_in_the_place_of_what_the_session_says() {
        let resource = resource(&[("service.name", "a"), ("service.version", "9"), ("service.name", "b"), ("k", "v")]);
        let values = |key: &str| {
            resource.iter().filter(|(other, _)| other == key).map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            (values("service.name"), values("service.version"), values("k")),
            (vec!["b".into()], vec!["9".into()], vec!["v".into()])
        );
    }

    #[test]
    fn an_attribute_that_can_not_be_is_refused_and_so_are_too_many() {
        let error = |key: &str, value: String| {
            let mut attributes = Attributes::default();
            attributes.set(key.to_owned(), value);
            attributes.check("resource").unwrap_err().to_string()
        };
        assert!(error("", "v".into()).contains("no name"));
        assert!(error("telemetry.sdk.name", "mine".into()).contains("by the sink itself"));
        assert!(error("k", "v".repeat(OTLP_RESOURCE_BYTES_MAX)).contains("65536"));
    }
}
