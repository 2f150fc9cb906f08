//! Who has a reporter.

use std::rc::Rc;
use std::sync::Arc;

use crate::Reporter;

/// Has a reporter, or has none: what `capture!`, `async_capture!` and `event!` take as their first argument.
///
/// The clients of an SDK implement it, so that their methods can say `capture!(self, ..)`. Where there is none, the
/// macros do what they wrap and nothing else.
///
/// ```
/// use lastword::{Reporter, TelemetryProvider, capture};
///
/// struct ServiceClient {
///     telemetry: Option<Reporter>,
/// }
///
/// impl TelemetryProvider for ServiceClient {
///     fn telemetry(&self) -> Option<&Reporter> {
///         self.telemetry.as_ref()
///     }
/// }
///
/// impl ServiceClient {
///     fn rank(&self, text: &str) -> Result<u32, std::num::ParseIntError> {
///         capture!(self, text.parse())
///     }
/// }
///
/// let client = ServiceClient { telemetry: None };
/// assert_eq!(client.rank("7"), Ok(7));
/// assert!(client.rank("seven").is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no reporter",
    label = "a `Reporter`, or something that implements `TelemetryProvider`, is needed here",
    note = "references, `Option`, `Box`, `Rc` and `Arc` of a provider are providers"
)]
pub trait TelemetryProvider {
    /// Returns the reporter, if there is one.
    fn telemetry(&self) -> Option<&Reporter>;
}

impl TelemetryProvider for Reporter {
    #[inline]
    fn telemetry(&self) -> Option<&Reporter> {
        Some(self)
    }
}

impl<P: TelemetryProvider> TelemetryProvider for Option<P> {
    #[inline]
    fn telemetry(&self) -> Option<&Reporter> {
        self.as_ref()?.telemetry()
    }
}

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<P: TelemetryProvider + ?Sized> TelemetryProvider for $pointer {
            #[inline]
            fn telemetry(&self) -> Option<&Reporter> {
                (**self).telemetry()
            }
        }
    )*};
}

pointers!(&P, &mut P, Box<P>, Rc<P>, Arc<P>);
