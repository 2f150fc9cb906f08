//! Finds out at compile time what can be reported of a value of any type.
//!
//! The macros call `(&&&&&&&Probe(value)).cause()`. The compiler looks for `cause` on the type as it stands, then on what
//! it refers to, one `&` less each time, and takes the first for which there is an implementation. So the
//! implementations below form a ladder: the more a type can say, the more `&` it is implemented for. (Known as autoref
//! specialisation; it needs types that are known at the place of the macro, which they are.)

use std::error::Error;
use std::fmt;
use std::ops::Deref;

use crate::event::{Cause, SomeError};

/// A value that may turn out to be an `Err`.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'v, T>(pub &'v T);

macro_rules! rung {
    ($(#[$doc:meta])* $rung:ident for $probe:ty, where [$($bounds:tt)*], |$error:ident| $cause:expr) => {
        $(#[$doc])*
        pub trait $rung<'v> {
            /// Returns what there is to report.
            fn cause(&self) -> Option<Cause<'v>>;
        }

        impl<'v, T, $($bounds)*> $rung<'v> for $probe {
            #[inline]
            fn cause(&self) -> Option<Cause<'v>> {
                self.0.as_ref().err().map(|$error| $cause)
            }
        }
    };
}

rung!(
    /// An error.
    ViaError for &&&&&Probe<'v, Result<T, E>>, where [E: Error + 'static], |error| Cause::error(error)
);
rung!(
    /// What holds an error: `Box<dyn Error>`, `anyhow::Error`.
    ViaHolder for &&&&Probe<'v, Result<T, E>>, where [E: Deref<Target: SomeError> + fmt::Debug], |error| Cause::held(error, (**error).some())
);
rung!(
    /// What has a `Display`.
    ViaDisplay for &&&Probe<'v, Result<T, E>>, where [E: fmt::Display], |error| Cause::display(error)
);
rung!(
    /// What has a `Debug`.
    ViaDebug for &&Probe<'v, Result<T, E>>, where [E: fmt::Debug], |error| Cause::debug(error)
);
rung!(
    /// What has neither.
    ViaOpaque for &Probe<'v, Result<T, E>>, where [E], |error| Cause::opaque(error)
);

/// No value, and also the value of what never comes to one (`panic!(..)`): its type is open where the macro stands, so
/// the first rung decides it, and this one decides as the language would.
pub trait ViaUnit<'v> {
    /// Returns what there is to report.
    fn cause(&self) -> Option<Cause<'v>>;
}

impl<'v> ViaUnit<'v> for &&&&&&Probe<'v, ()> {
    #[inline]
    fn cause(&self) -> Option<Cause<'v>> {
        None
    }
}

/// Any other value: there is nothing to report.
pub trait ViaNothing<'v> {
    /// Returns what there is to report.
    fn cause(&self) -> Option<Cause<'v>>;
}

impl<'v, T> ViaNothing<'v> for Probe<'v, T> {
    #[inline]
    fn cause(&self) -> Option<Cause<'v>> {
        None
    }
}
