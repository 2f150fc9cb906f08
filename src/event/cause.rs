//! What the caller holds when something failed, borrowed as it is.
//!
//! Making a [`Cause`] formats nothing and allocates nothing: that is done by [`Failure::of`], for reporters that are on.

use std::any::{Any, type_name};
use std::error::Error;
use std::fmt;
use std::ops::DerefMut;
use std::panic::Location;

use super::failure::Failure;
use super::user::Classifier;

/// What failed, where, and what is known of its type.
#[derive(Clone, Copy)]
pub struct Cause<'a> {
    pub(super) what: What<'a>,
    /// The type as the caller's code knows it: that of a pointer to some error, if it knows no more.
    pub(super) type_name: &'static str,
    pub(super) place: &'a Location<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    /// An error of a type that the caller's code names.
    Error(&'a (dyn Error + 'static)),
    /// An error of some type, and the `Debug` of what holds it, which may know a backtrace.
    Dynamic(&'a (dyn Error + 'static), Option<&'a dyn fmt::Debug>),
    Text(&'a str),
    Display(&'a dyn fmt::Display),
    Debug(&'a dyn fmt::Debug),
    Panic(&'a (dyn Any + Send)),
    /// A value that can't be shown.
    Opaque,
}

impl<'a> Cause<'a> {
    /// Describes an error.
    #[track_caller]
    #[must_use]
    pub fn error<E: Error + 'static>(error: &'a E) -> Self {
        Self::new(What::Error(error), type_name::<E>())
    }

    /// Describes an error whose type is not known.
    #[track_caller]
    #[must_use]
    pub fn dynamic(error: &'a (dyn Error + 'static)) -> Self {
        Self::new(What::Dynamic(error, None), type_name::<dyn Error>())
    }

    /// Describes an error whose type is not known, and what holds it: `anyhow::Error`, `Box<dyn Error>`.
    #[track_caller]
    #[must_use]
    pub fn held<H: fmt::Debug>(holder: &'a H, error: &'a (dyn Error + 'static)) -> Self {
        Self::new(What::Dynamic(error, Some(holder)), type_name::<H>())
    }

    /// Describes an error that is nothing but text.
    #[track_caller]
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self::new(What::Text(text), type_name::<str>())
    }

    /// Describes a value that went where an error goes and has nothing but a `Display`.
    #[track_caller]
    #[must_use]
    pub fn display<T: fmt::Display>(value: &'a T) -> Self {
        Self::new(What::Display(value), type_name::<T>())
    }

    /// Describes a value that went where an error goes and has nothing but a `Debug`.
    #[track_caller]
    #[must_use]
    pub fn debug<T: fmt::Debug>(value: &'a T) -> Self {
        Self::new(What::Debug(value), type_name::<T>())
    }

    /// Describes a value that went where an error goes and can't be shown at all.
    #[track_caller]
    #[must_use]
    pub fn opaque<T>(_: &'a T) -> Self {
        Self::new(What::Opaque, type_name::<T>())
    }

    /// Describes a panic by what it was raised with.
    ///
    /// This is the one way by which panics that were caught come in: what a panic hook saw of the same panic (its place,
    /// its backtrace) belongs here.
    #[track_caller]
    #[must_use]
    pub fn panic(payload: &'a (dyn Any + Send)) -> Self {
        Self::new(What::Panic(payload), "panic")
    }

    /// Says where it was noticed, if that is not where this cause was made.
    #[must_use]
    pub const fn at(mut self, place: &'a Location<'a>) -> Self {
        self.place = place;
        self
    }

    #[track_caller]
    fn new(what: What<'a>, type_name: &'static str) -> Self {
        Self { what, type_name, place: Location::caller() }
    }
}

impl fmt::Debug for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cause").field("type", &self.type_name).field("place", &self.place).finish_non_exhaustive()
    }
}

/// What can be reported as an error: anything that is a [`std::error::Error`], `Box<dyn Error>` and `Arc<dyn Error>` in
/// all their kinds, `anyhow::Error` and its like, `&dyn Error`, `String` and `str`.
///
/// `Marker` is found by the compiler and never named: it keeps the implementations apart.
///
/// ```
/// fn kind_of<E: lastword::IntoFailure<M> + ?Sized, M>(error: &E) -> String {
///     error.failure(None).error_type().to_owned()
/// }
/// let parse = "x".parse::<i32>().unwrap_err();
/// assert_eq!(kind_of(&parse), "core::num::error::ParseIntError");
/// let boxed: Box<dyn std::error::Error> = parse.into();
/// assert_eq!(kind_of(&boxed), "core::num::error::ParseIntError");
/// assert_eq!(kind_of("just text"), "str");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be reported as an error",
    note = "errors, boxed errors, `anyhow::Error` and text can: try `&error.to_string()`"
)]
pub trait IntoFailure<Marker> {
    /// Borrows what there is to report.
    #[track_caller]
    fn cause(&self) -> Cause<'_>;

    /// Makes the report of it.
    #[track_caller]
    fn failure(&self, classify: Option<&Classifier>) -> Failure {
        Failure::of(&self.cause(), classify)
    }
}

/// A type that is an error.
#[doc(hidden)]
#[derive(Debug)]
pub struct Concrete(());
/// A type that holds an error.
#[doc(hidden)]
#[derive(Debug)]
pub struct Holds(());
/// Some error itself.
#[doc(hidden)]
#[derive(Debug)]
pub struct Unsized(());
/// Text.
#[doc(hidden)]
#[derive(Debug)]
pub struct Text(());

impl<E: Error + 'static> IntoFailure<Concrete> for E {
    #[track_caller]
    fn cause(&self) -> Cause<'_> {
        Cause::error(self)
    }
}

// Not `Deref`: `Arc<dyn Error>` and `&dyn Error` are errors themselves, and would be both.
impl<H: DerefMut<Target: SomeError> + fmt::Debug> IntoFailure<Holds> for H {
    #[track_caller]
    fn cause(&self) -> Cause<'_> {
        Cause::held(self, (**self).some())
    }
}

/// An error that is known by its trait alone, whatever else it is known to be.
#[doc(hidden)]
pub trait SomeError {
    /// Returns it as nothing but an error.
    fn some(&self) -> &(dyn Error + 'static);
}

macro_rules! some_errors {
    ($($error:ty),*) => {$(
        impl SomeError for $error {
            #[inline]
            fn some(&self) -> &(dyn Error + 'static) {
                self
            }
        }

        impl IntoFailure<Unsized> for $error {
            #[track_caller]
            fn cause(&self) -> Cause<'_> {
                Cause::dynamic(self)
            }
        }
    )*};
}

some_errors!(dyn Error, dyn Error + Send, dyn Error + Send + Sync);

impl IntoFailure<Text> for String {
    #[track_caller]
    fn cause(&self) -> Cause<'_> {
        Cause::display(self)
    }
}

impl IntoFailure<Text> for &str {
    #[track_caller]
    fn cause(&self) -> Cause<'_> {
        Cause::display(self)
    }
}

impl IntoFailure<Text> for str {
    #[track_caller]
    fn cause(&self) -> Cause<'_> {
        Cause::text(self)
    }
}
