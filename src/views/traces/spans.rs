//! The spans of one trace, by id.

use serde::{Deserialize, Serialize};

use super::span::Span;
use crate::event::SpanId;
use crate::limits::VIEW_TRACE_SPANS_MAX;

/// Spans in the order of their ids, at most [`VIEW_TRACE_SPANS_MAX`].
///
/// Most traces have a few spans: a list takes what they take, where each node of a tree has room for eleven.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Spans(Vec<(SpanId, Box<Span>)>);

impl Spans {
    /// Returns a span, which is made where there is none; `None` where there is no room for it.
    pub(super) fn span(&mut self, id: SpanId) -> Option<&mut Span> {
        let at = match self.find(id) {
            Ok(at) => at,
            Err(_) if self.0.len() >= VIEW_TRACE_SPANS_MAX => return None,
            Err(at) => {
                self.0.insert(at, (id, Box::default()));
                at
            }
        };
        self.0.get_mut(at).map(|(_, span)| &mut **span)
    }

    pub(super) fn get(&self, id: SpanId) -> Option<&Span> {
        self.find(id).ok().map(|at| &*self.0[at].1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SpanId, &Span)> {
        self.0.iter().map(|(id, span)| (*id, &**span))
    }

    pub(super) fn into_each(self) -> impl Iterator<Item = (SpanId, Span)> {
        self.0.into_iter().map(|(id, span)| (id, *span))
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    fn find(&self, id: SpanId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, |(id, _)| *id)
    }
}
