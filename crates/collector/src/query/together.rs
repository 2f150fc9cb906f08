//! Several questions for one answer.
//!
//! A server elsewhere answers several at once, and each takes the way there and back: they are sent together, each from a thread of its own.
//! A database in a directory is asked one question after the other, in the order in which the answers are needed, and nothing more after one
//! that failed.

use std::cell::Cell;
use std::thread::{Builder, Scope, ScopedJoinHandle};

use super::source::Source;
use super::{QueryError, Reader};
use crate::limits::QUESTIONS_AT_ONCE;

/// Where questions are put that need not wait for each other.
pub(crate) struct Asks<'scope, 'env> {
    /// `None` where each is asked when its answer is needed.
    scope: Option<&'scope Scope<'scope, 'env>>,
    /// How many more may be on their way.
    left: Cell<usize>,
}

/// A question whose answer is needed later.
pub(crate) enum Asked<'scope, T> {
    /// It is on its way.
    Sent(ScopedJoinHandle<'scope, Result<T, QueryError>>),
    /// It is asked when its answer is needed.
    Kept(Box<dyn FnOnce() -> Result<T, QueryError> + 'scope>),
    /// There was no thread for it.
    Lost,
}

impl<'scope> Asks<'scope, '_> {
    /// Asks a question, or keeps it until its answer is needed.
    pub(crate) fn ask<T: Send + 'scope>(
        &self,
        question: impl FnOnce() -> Result<T, QueryError> + Send + 'scope,
    ) -> Asked<'scope, T> {
        match (self.scope, self.left.get().checked_sub(1)) {
            (Some(scope), Some(left)) => {
                self.left.set(left);
                Builder::new().spawn_scoped(scope, question).map_or(Asked::Lost, Asked::Sent)
            }
            _ => Asked::Kept(Box::new(question)),
        }
    }
}

impl<T> Asked<'_, T> {
    /// Returns the answer.
    ///
    /// # Errors
    ///
    /// As the question.
    pub(crate) fn answer(self) -> Result<T, QueryError> {
        match self {
            Self::Sent(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Self::Kept(question) => question(),
            Self::Lost => Err(QueryError::Lost),
        }
    }
}

/// Asks questions, at once if that is wanted. It returns when all are answered.
pub(super) fn together<'env, T>(at_once: bool, ask: impl for<'scope> FnOnce(&Asks<'scope, 'env>) -> T) -> T {
    std::thread::scope(|scope| ask(&Asks { scope: at_once.then_some(scope), left: Cell::new(QUESTIONS_AT_ONCE) }))
}

impl Reader {
    /// Asks questions that need not wait for each other: at once, where another machine answers them.
    pub(crate) fn together<'env, T>(&self, ask: impl for<'scope> FnOnce(&Asks<'scope, 'env>) -> T) -> T {
        let at_once = match &self.source {
            Source::Directory(_) => false,
            #[cfg(feature = "clickhouse")]
            Source::ClickHouse(_) => true,
        };
        together(at_once, ask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn questions_are_on_their_way_at_once_and_the_answers_come_where_they_are_needed() {
        let meet = Barrier::new(2);
        let both = together(true, |asks| {
            let [one, other] = [1, 2].map(|number| {
                let meet = &meet;
                asks.ask(move || {
                    meet.wait();
                    Ok(number)
                })
            });
            (other.answer().unwrap(), one.answer().unwrap())
        });
        assert_eq!(both, (2, 1));
    }

    #[test]
    fn no_more_than_so_many_are_on_their_way() {
        let sent = together(true, |asks| {
            let all: Vec<_> = (0..QUESTIONS_AT_ONCE + 2).map(|number| asks.ask(move || Ok(number))).collect();
            let sent = all.iter().filter(|asked| matches!(asked, Asked::Sent(_))).count();
            let answers: Vec<_> = all.into_iter().map(|asked| asked.answer().unwrap()).collect();
            assert_eq!(answers, (0..QUESTIONS_AT_ONCE + 2).collect::<Vec<_>>());
            sent
        });
        assert_eq!(sent, QUESTIONS_AT_ONCE);
    }

    #[test]
    fn one_after_the_other_nothing_is_asked_behind_a_question_that_failed() {
        let asked = Cell::new(0);
        let answer = together(false, |asks| {
            let first = asks.ask(|| Err::<(), _>(QueryError::TooLong));
            let second = asks.ask(|| Ok(()));
            first.answer()?;
            asked.set(1);
            second.answer()
        });
        assert!(matches!(answer, Err(QueryError::TooLong)) && asked.get() == 0, "{answer:?}");
    }
}
