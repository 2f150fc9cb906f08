//! What "drained" means, in every order in which events are logged, taken, sent, stored, answered or not, given up on, and
//! in which the actor crashes and the process dies.
//!
//! The model is the reporter as its books are kept: an event is settled when its batch was answered, and a drain is answered
//! when all that was pushed before it is settled. Beside it stand the rules of other reporters, which the checker refutes:
//! were the model too weak to tell them apart, these tests would fail.

use stateright::{Checker, Model, Property};

/// Events that are logged at the most.
const EVENTS: u8 = 6;
/// Events in one batch.
const BATCH: u8 = 2;
/// Times that something goes wrong.
const FAULTS: u8 = 5;

/// When an event counts as settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// When its batch was answered, or given up on and counted as lost.
    Answered,
    /// When its batch is handed to the transport.
    HandedOver,
    /// When the attempt is over, whatever it came to.
    Tried,
    /// As `Answered`; but what was given up on counts as delivered.
    GivenUpIsDelivered,
}

#[derive(Clone, Copy, Debug)]
struct Reporter {
    rule: Rule,
    has_spool: bool,
}

/// How far one batch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Attempt {
    None,
    /// Under way, up to this event.
    Sent(u8),
    /// The server has stored it, and its answer is under way.
    Stored(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State {
    /// Events that were accepted: the push counter.
    pushed: u8,
    /// Events that are booked: the flush counter.
    settled: u8,
    /// Of the booked ones, those that are counted as lost, a bit each.
    lost: u8,
    attempt: Attempt,
    /// What the server has, a bit an event.
    stored: u8,
    /// A drain is waited for, of all events before this one.
    waiting: Option<u8>,
    /// It was answered: about which events, and whether with "drained".
    answered: Option<(u8, u8, bool)>,
    /// The first event of the session that lives: without a spool, another process knows nothing of those before.
    first: u8,
    is_alive: bool,
    /// What was accepted and is in nobody's books any more.
    gone: u8,
    faults: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Log,
    Drain,
    Take,
    Store,
    Answer,
    /// The answer is lost, or there is none.
    Fail,
    /// The last retry has failed.
    GiveUp,
    /// The actor crashes; what it had taken is known to its successor.
    Crash,
    Die,
    /// Another process begins, over what the last one has left.
    Recover,
}

fn bits(from: u8, to: u8) -> u8 {
    (from..to).map(|event| 1 << event).sum()
}

impl Reporter {
    /// Books a batch, as lost or not, and answers who waits for it.
    fn settle(state: &mut State, to: u8, is_lost: bool) {
        if is_lost {
            state.lost |= bits(state.settled, to);
        }
        state.settled = to.max(state.settled);
        if let Some(target) = state.waiting.filter(|target| state.settled >= *target) {
            state.waiting = None;
            state.answered = Some((state.first, target, state.lost & bits(state.first, target) == 0));
        }
    }

    /// An attempt has come to nothing.
    fn failed(&self, state: &mut State, to: u8) {
        state.attempt = Attempt::None;
        if self.rule == Rule::Tried {
            Self::settle(state, to, false);
        }
    }
}

impl Model for Reporter {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            pushed: 0,
            settled: 0,
            lost: 0,
            attempt: Attempt::None,
            stored: 0,
            waiting: None,
            answered: None,
            first: 0,
            is_alive: true,
            gone: 0,
            faults: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if !state.is_alive {
            actions.push(Action::Recover);
            return;
        }
        if state.pushed < EVENTS {
            actions.push(Action::Log);
        }
        if state.waiting.is_none() && state.answered.is_none() {
            actions.push(Action::Drain);
        }
        match state.attempt {
            Attempt::None if state.settled < state.pushed => actions.push(Action::Take),
            Attempt::None => {}
            Attempt::Sent(_) => actions.push(Action::Store),
            Attempt::Stored(_) => actions.push(Action::Answer),
        }
        if state.faults < FAULTS {
            actions.push(Action::Die);
            if state.attempt != Attempt::None {
                actions.extend([Action::Fail, Action::Crash]);
                if !self.has_spool {
                    actions.push(Action::GiveUp);
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        let under_way = match state.attempt {
            Attempt::None => None,
            Attempt::Sent(to) | Attempt::Stored(to) => Some(to),
        };
        if matches!(action, Action::Fail | Action::GiveUp | Action::Crash | Action::Die) {
            state.faults += 1;
        }
        match action {
            Action::Log => state.pushed += 1,
            Action::Drain => {
                state.waiting = Some(state.pushed);
                let settled = state.settled;
                Self::settle(&mut state, settled, false);
            }
            Action::Take => {
                let to = state.pushed.min(state.settled + BATCH);
                state.attempt = Attempt::Sent(to);
                if self.rule == Rule::HandedOver {
                    Self::settle(&mut state, to, false);
                }
            }
            Action::Store => {
                let to = under_way?;
                let from = to.saturating_sub(BATCH).min(state.settled);
                state.stored |= bits(from, to);
                state.attempt = Attempt::Stored(to);
            }
            Action::Answer => {
                state.attempt = Attempt::None;
                Self::settle(&mut state, under_way?, false);
            }
            Action::Fail => self.failed(&mut state, under_way?),
            Action::GiveUp => {
                state.attempt = Attempt::None;
                Self::settle(&mut state, under_way?, self.rule != Rule::GivenUpIsDelivered);
            }
            // What it came to is noted by the attempt itself; if it never is, the batch is sent again.
            Action::Crash => state.attempt = Attempt::None,
            Action::Die => {
                state.is_alive = false;
                state.attempt = Attempt::None;
                state.waiting = None;
                if !self.has_spool {
                    state.gone |= bits(state.settled, state.pushed) & !state.stored;
                    state.settled = state.pushed;
                    state.first = state.pushed;
                }
            }
            Action::Recover => state.is_alive = true,
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("drained is true", |_, state: &State| match state.answered {
                Some((first, target, true)) => state.stored & bits(first, target) == bits(first, target),
                _ => true,
            }),
            Property::always("nothing is called delivered that the server has not", |_, state: &State| {
                let delivered = bits(0, state.settled) & !state.lost & !state.gone;
                state.stored & delivered == delivered
            }),
            Property::always("what a spool keeps is not lost", |model: &Self, state: &State| {
                !model.has_spool || (state.lost == 0 && state.gone == 0)
            }),
            Property::sometimes("a drain of everything is answered", |_, state: &State| {
                state.answered == Some((0, EVENTS, true))
            }),
            Property::sometimes("it is drained after a death", |_, state: &State| {
                state.faults > 0 && state.is_alive && state.stored == bits(0, EVENTS) && state.settled == EVENTS
            }),
            Property::sometimes("a loss is owned up to", |model: &Self, state: &State| {
                model.has_spool || matches!(state.answered, Some((_, _, false)))
            }),
        ]
    }
}

fn check(rule: Rule, has_spool: bool) -> impl Checker<Reporter> {
    let checker = Reporter { rule, has_spool }.checker().threads(2).spawn_bfs().join();
    println!("{rule:?}, spool: {has_spool}: {} states", checker.unique_state_count());
    checker
}

#[test]
fn in_every_state_drained_is_true_and_the_books_agree_with_the_server() {
    for has_spool in [false, true] {
        let checker = check(Rule::Answered, has_spool);
        checker.assert_properties();
        assert!(checker.unique_state_count() > 3_000, "a model of so few states says nothing");
    }
}

#[test]
fn the_rules_of_other_reporters_are_refuted() {
    for (rule, property) in [
        (Rule::HandedOver, "drained is true"),
        (Rule::Tried, "drained is true"),
        (Rule::GivenUpIsDelivered, "drained is true"),
        (Rule::HandedOver, "nothing is called delivered that the server has not"),
    ] {
        assert!(check(rule, false).discovery(property).is_some(), "{rule:?}: {property}");
    }
}
