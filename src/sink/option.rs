//! What every sink lets its program say, in the same words.

/// One method of a sink's own `impl`.
macro_rules! option {
    (name: $unset:literal) => {
        #[doc = concat!("Names the sink; `", $unset, "` unless set. Two sinks of one reporter can't have the same name.")]
        #[must_use]
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.name = name.into();
            self
        }
    };
    (fields) => {
        /// Says which fields of an event are sent; [`FieldPolicy::SafeOnly`](crate::sink::FieldPolicy::SafeOnly) unless set, here
        /// or by [`policy`](Self::policy).
        #[must_use]
        pub const fn fields(mut self, fields: crate::sink::FieldPolicy) -> Self {
            self.fields = Some(fields);
            self
        }
    };
}

pub(super) use option;
