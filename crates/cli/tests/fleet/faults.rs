//! What happens to a fleet, and when: the same for the same seed.

use std::time::Duration;

use crate::link::Flow;
use crate::random::Random;

/// When the first fault begins, and how long after one the next one begins. They last longer than that, so that there are several at a time.
const STEP: Duration = Duration::from_millis(900);

/// A part of the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    Clients,
    Ingest(usize),
    Writer,
    /// A server of the stream.
    Member(usize),
    /// All of them.
    Stream,
    /// The one that leads when it happens.
    Leader,
}

impl Node {
    /// Whether another one is this, or a part of it.
    pub(crate) const fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::Clients, Self::Clients)
            | (Self::Writer, Self::Writer)
            | (Self::Stream, Self::Member(_) | Self::Stream) => true,
            (Self::Ingest(one), Self::Ingest(other)) | (Self::Member(one), Self::Member(other)) => one == other,
            _ => false,
        }
    }
}

/// What is done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Harm {
    /// To all ways between a part and another one, or all others: how bytes fare there from who connects, and back.
    Ways(Option<Node>, Flow, Flow),
    /// All connections of a part end.
    Cut,
    /// A part ends by SIGKILL.
    Kill,
    /// A part is asked to end.
    End,
}

/// Something that happens to a part, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) at: Duration,
    pub(crate) lasts: Duration,
    pub(crate) to: Node,
    pub(crate) harm: Harm,
}

/// Draws what happens: one of each kind, with what has most to lose more than once, in any order.
pub(crate) fn schedule(seed: u64) -> Vec<Fault> {
    let mut random = Random::new(seed);
    let mut kinds = kinds(&mut random);
    for last in (1..kinds.len()).rev() {
        kinds.swap(last, number(&mut random, last + 1));
    }
    let mut place = |(index, (to, harm, longest)): (usize, (Node, Harm, u64))| {
        let at = STEP * (u32::try_from(index).unwrap() + 1) + Duration::from_millis(random.below(400));
        let lasts = Duration::from_millis(500 + random.below(longest - 500));
        Fault { at, lasts, to, harm }
    };
    kinds.into_iter().enumerate().map(&mut place).collect()
}

/// Draws a number below a bound.
fn number<N: TryFrom<u64>>(random: &mut Random, bound: usize) -> N {
    N::try_from(random.below(bound as u64)).ok().unwrap()
}

/// Every kind of fault, with the milliseconds that it lasts at most.
fn kinds(random: &mut Random) -> Vec<(Node, Harm, u64)> {
    use Flow::{Hold, Pass, Slow, Swallow};
    let mut ingest = || Node::Ingest(number(random, 2));
    let (a, b, c, d, e, f) = (ingest(), ingest(), ingest(), ingest(), ingest(), ingest());
    let member = Node::Member(number(random, 3));
    let (slow, slower) = (Slow(20_000 + number::<u32>(random, 40_000)), Slow(5_000 + number::<u32>(random, 20_000)));
    let ways = |to: Node, there: Flow, back: Flow| Harm::Ways(Some(to), there, back);
    vec![
        // Parted, both ways and one.
        (Node::Writer, ways(Node::Stream, Hold, Hold), 4_000),
        (Node::Writer, ways(Node::Stream, Hold, Pass), 4_000),
        (a, ways(Node::Clients, Hold, Hold), 3_000),
        (b, ways(Node::Stream, Hold, Hold), 4_000),
        (Node::Leader, Harm::Ways(None, Hold, Hold), 6_000),
        (member, ways(Node::Stream, Pass, Hold), 4_000),
        // Somebody is heard and is not answered, or the other way round.
        (c, ways(Node::Stream, Pass, Swallow), 3_000),
        (d, ways(Node::Clients, Pass, Swallow), 3_000),
        (d, ways(Node::Clients, Swallow, Pass), 3_000),
        (Node::Writer, ways(Node::Stream, Swallow, Pass), 3_000),
        // Slow.
        (Node::Writer, ways(Node::Stream, Pass, slow), 5_000),
        (e, ways(Node::Stream, slower, Pass), 4_000),
        // Cut and killed.
        (member, Harm::Cut, 1_000),
        (Node::Writer, Harm::Kill, 1_500),
        (Node::Writer, Harm::Kill, 1_500),
        (Node::Writer, Harm::Kill, 1_500),
        (Node::Writer, Harm::End, 2_000),
        (e, Harm::Kill, 2_000),
        (f, Harm::End, 2_000),
        (Node::Leader, Harm::Kill, 3_000),
    ]
}
