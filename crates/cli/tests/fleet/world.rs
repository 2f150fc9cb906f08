//! A fleet that begins, suffers, is whole again and is judged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::cluster::{Cluster, url};
use crate::common::{PATIENCE, get};
use crate::faults::{Fault, Harm, Node, schedule};
use crate::judge::judge;
use crate::link::{Flow, Link};
use crate::parts::{Part, tail};
use crate::reporters::{DELIVERY, Patience, Told, report};
use crate::say;

/// Servers of the stream.
const MEMBERS: usize = 3;
/// Which of the processes writes; those before take in.
const WRITER: usize = 2;
/// How long a writer may have a message here before it is given out again: so short that messages come again while they are being stored,
/// and that nobody waits for the minute of a real one.
const ACK_WAIT: Duration = Duration::from_secs(4);
/// Servers that may keep some messages for ever after their leader was killed or cut off. Those are stored or were never acknowledged, which
/// is judged all the same.
const KEEPING: &str = "2.9.";
/// How long such a server gets to be empty all the same: longer than messages take that are given out again.
const SETTLING: Duration = Duration::from_secs(20);
/// How often it is looked whether all processes are there.
const PAUSE: Duration = Duration::from_millis(20);

struct World {
    cluster: Cluster,
    /// Every way with what is at its two ends; the first one connects.
    ways: Vec<(Node, Node, Link)>,
    parts: Vec<Part>,
    // Last: what is above ends first.
    _runtime: Runtime,
    _directory: TempDir,
}

/// What ends a fault.
enum Cure {
    /// Ways by their numbers.
    Ways(Vec<usize>),
    Part(usize),
    Member(usize),
}

/// Tells the reporters that it is over, whatever happens.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs the fleet of a seed from its begin to its end.
pub(crate) fn run(seed: u64) {
    let Some(mut world) = World::start() else { return };
    let faults = schedule(seed);
    let (begun, is_over) = (Instant::now(), AtomicBool::new(false));
    let told: Vec<Told> = std::thread::scope(|scope| {
        let over = Over(&is_over);
        let clients = [Patience::Endless, Patience::Little, Patience::Endless, Patience::Little];
        let ports: Vec<u16> =
            world.ways.iter().filter(|(from, ..)| *from == Node::Clients).map(|(.., link)| link.port).collect();
        let reporters: Vec<_> = clients
            .into_iter()
            .zip(ports)
            .enumerate()
            .map(|(number, (patience, port))| {
                let is_over = &is_over;
                scope.spawn(move || report(format!("client-{number}"), port, patience, is_over))
            })
            .collect();
        world.suffer(&faults);
        drop(over);
        while !reporters.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            world.tend();
        }
        reporters.into_iter().map(|reporter| reporter.join().unwrap()).collect()
    });
    let found = world.judge(&told);
    let sum = |of: fn(&Told) -> u64| told.iter().map(of).sum::<u64>();
    let (taken, lost) = (sum(|told| told.stats.accepted), sum(|told| told.stats.dropped.total()));
    let seconds = begun.elapsed().as_secs();
    say(&format!(
        "fleet: seed {seed}: {} faults, {taken} events taken, {lost} told as lost, {seconds} s",
        faults.len()
    ));
    if found.is_empty() {
        return;
    }
    let faults: Vec<_> = faults.iter().map(|fault| format!("{fault:?}")).collect();
    panic!("seed {seed}: {}\nfaults:\n{}\n{}", found.join("\n"), faults.join("\n"), world.state());
}

impl World {
    /// Starts everything, and waits until it works; `None` where there is no server to be had, which is said aloud.
    fn start() -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let mut ways = Vec::new();
        let cluster = Cluster::start_over(MEMBERS, |from, to, port| {
            let link = Link::open(&runtime, port);
            let near = link.port;
            ways.push((Node::Member(from), Node::Member(to), link));
            near
        })?;
        let mut parts = Vec::new();
        for (node, roles) in [(Node::Ingest(0), "ingest"), (Node::Ingest(1), "ingest"), (Node::Writer, "write,query")] {
            let links: Vec<_> = cluster.ports().map(|port| Link::open(&runtime, port)).collect();
            let stream = url(links.iter().map(|link| link.port));
            ways.extend(links.into_iter().enumerate().map(|(member, link)| (node, Node::Member(member), link)));
            let part = Part::new(roles, directory.path().join(format!("part-{}", parts.len())), stream);
            if let Node::Ingest(_) = node {
                // Two reporters come to each.
                ways.extend((0..2).map(|_| (Node::Clients, node, Link::open(&runtime, part.port()))));
            }
            parts.push(part);
        }
        let mut world = Self { cluster, ways, parts, _runtime: runtime, _directory: directory };
        world.wait("all of it works", PATIENCE, |world| world.parts.iter().all(Part::is_well));
        world.shorten_ack_wait();
        Some(world)
    }

    /// Starts what has ended, and waits a little.
    fn tend(&mut self) {
        self.parts.iter_mut().for_each(Part::tend);
        std::thread::sleep(PAUSE);
    }

    /// Waits until something is so, for so long at most; returns whether it is.
    fn comes(&mut self, patience: Duration, is_so: impl Fn(&Self) -> bool) -> bool {
        let end = Instant::now() + patience;
        while Instant::now() < end {
            self.tend();
            if is_so(self) {
                return true;
            }
        }
        false
    }

    fn wait(&mut self, what: &str, patience: Duration, is_so: impl Fn(&Self) -> bool) {
        assert!(self.comes(patience, is_so), "never: {what}\n{}", self.state());
    }

    /// How many messages writers were not given yet or did not acknowledge; nothing while nobody knows.
    fn waiting(&self) -> Option<u64> {
        let mut waiting = None;
        for member in 0..MEMBERS {
            let stream = self.cluster.stream(member, "LASTWORD", "&consumers=true");
            for consumer in stream["consumer_detail"].as_array().into_iter().flatten() {
                // Only who leads knows.
                if consumer["cluster"]["leader"] == format!("n{member}") {
                    let of = consumer["num_pending"].as_u64()? + consumer["num_ack_pending"].as_u64()?;
                    waiting = Some(waiting.unwrap_or(0) + of);
                }
            }
        }
        waiting
    }

    /// How the stream is, as each of its servers has it, and what the processes said last.
    fn state(&self) -> String {
        let of = |member| {
            let stream = self.cluster.stream(member, "LASTWORD", "&consumers=true");
            format!("{}: {} {} {}", member, stream["cluster"], stream["state"], stream["consumer_detail"])
        };
        let stream = (0..MEMBERS).map(of);
        stream.chain(self.parts.iter().map(|part| tail(&part.log()))).collect::<Vec<_>>().join("\n--\n")
    }

    /// Has the stream give messages out again sooner, whatever consumers the writer has made.
    fn shorten_ack_wait(&mut self) {
        let wait = u64::try_from(ACK_WAIT.as_nanos()).unwrap();
        let consumers = |world: &Self| {
            let stream = world.cluster.stream(world.cluster.leader(), "LASTWORD", "&consumers=true&config=true");
            stream["consumer_detail"].as_array().cloned().unwrap_or_default()
        };
        self.wait("a writer takes messages", PATIENCE, |world| !consumers(world).is_empty());
        for consumer in consumers(self) {
            let (name, mut config) = (consumer["name"].as_str().unwrap(), consumer["config"].clone());
            config["ack_wait"] = wait.into();
            let request = json!({ "stream_name": "LASTWORD", "config": config }).to_string();
            self.cluster.publish(&format!("$JS.API.CONSUMER.DURABLE.CREATE.LASTWORD.{name}"), &[], request.as_bytes());
        }
        let is_short = |consumer: &Value| consumer["config"]["ack_wait"] == wait;
        self.wait("messages come again soon", PATIENCE, |world| consumers(world).iter().all(is_short));
    }

    /// Lets all faults happen and pass; in the end everything is as it was.
    fn suffer(&mut self, faults: &[Fault]) {
        let begun = Instant::now();
        let mut left = faults.iter().peekable();
        let mut cures: Vec<(Duration, Cure)> = Vec::new();
        while left.peek().is_some() || !cures.is_empty() {
            while let Some(fault) = left.next_if(|fault| fault.at <= begun.elapsed()) {
                let cure = self.harm(fault);
                cures.push((fault.at + fault.lasts, cure));
            }
            let now = begun.elapsed();
            let (over, under_way) = cures.into_iter().partition(|(end, _)| *end <= now);
            let over: Vec<(Duration, Cure)> = over;
            over.into_iter().for_each(|(_, cure)| self.cure(cure));
            cures = under_way;
            self.tend();
        }
    }

    fn harm(&mut self, fault: &Fault) -> Cure {
        let leader = || Node::Member(self.cluster.known_leader().unwrap_or_default());
        let to = if fault.to == Node::Leader { leader() } else { fault.to };
        let between = |other: Option<Node>| {
            let covers = |one: Node, two: Node| to.covers(one) && other.is_none_or(|other| other.covers(two));
            let ways = self.ways.iter().enumerate();
            let chosen = ways.filter(|(_, (from, to, _))| covers(*from, *to) || covers(*to, *from));
            chosen.map(|(number, _)| number).collect::<Vec<_>>()
        };
        match (fault.harm, to) {
            (Harm::Ways(other, there, back), _) => {
                let ways = between(other);
                ways.iter().for_each(|way| self.ways[*way].2.set(there, back));
                return Cure::Ways(ways);
            }
            (Harm::Cut, _) => between(None).iter().for_each(|way| self.ways[*way].2.cut()),
            (Harm::Kill, Node::Member(member)) => {
                self.cluster.kill(member);
                return Cure::Member(member);
            }
            (Harm::Kill, Node::Ingest(_) | Node::Writer) => {
                self.parts[part(to)].kill();
                return Cure::Part(part(to));
            }
            (Harm::End, Node::Ingest(_) | Node::Writer) => {
                self.parts[part(to)].end();
                return Cure::Part(part(to));
            }
            (harm, to) => panic!("{harm:?} can't happen to {to:?}"),
        }
        Cure::Ways(Vec::new())
    }

    fn cure(&mut self, cure: Cure) {
        match cure {
            Cure::Ways(ways) => ways.iter().for_each(|way| self.ways[*way].2.set(Flow::Pass, Flow::Pass)),
            Cure::Part(part) => self.parts[part].come_back(),
            Cure::Member(member) => self.cluster.run(member),
        }
    }

    /// Waits until the stream has nothing more, and says in what the store and the reporters do not agree.
    fn judge(&mut self, told: &[Told]) -> Vec<String> {
        self.wait("all of it works again", PATIENCE, |world| world.parts.iter().all(Part::is_well));
        let left = |world: &Self| {
            world.cluster.stream(world.cluster.leader(), "LASTWORD", "")["state"]["messages"]
                .as_u64()
                .unwrap_or(u64::MAX)
        };
        let patience = if self.cluster.version().starts_with(KEEPING) { SETTLING } else { DELIVERY };
        if !self.comes(patience, |world| left(world) == 0) {
            self.wait("writers have all that there is", DELIVERY, |world| world.waiting() == Some(0));
        }
        let (left, mut found) = (left(self), Vec::new());
        if left != 0 {
            let what = format!("{left} messages are in the stream that no writer is given");
            if patience == SETTLING { say(&format!("fleet: {what}")) } else { found.push(what) }
        }
        for member in 0..MEMBERS {
            let aside = self.cluster.stream(member, "LASTWORD_DEAD", "")["state"]["messages"].clone();
            if aside != 0 {
                found.push(format!("{aside} messages were put aside"));
            }
        }
        let address = &self.parts[WRITER].address;
        for told in told {
            let (_, session) = get(address, &format!("/api/sessions/{}", told.session));
            let session = serde_json::from_str(&session).unwrap();
            found.extend(judge(told, &session, &stored(address, &told.session)));
        }
        found
    }
}

/// Where a part is in [`World::parts`].
fn part(node: Node) -> usize {
    if let Node::Ingest(number) = node { number } else { WRITER }
}

/// Every event of a session that is stored.
fn stored(address: &str, session: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = get(address, &format!("/api/events?session={session}&order=asc&limit=1000{cursor}"));
        assert_eq!(status, 200, "{page}");
        let page: Value = serde_json::from_str(&page).unwrap();
        all.extend(page["events"].as_array().unwrap().iter().cloned());
        match &page["next"] {
            Value::Null => return all,
            next => cursor = format!("&cursor={}", next.as_str().map_or_else(|| next.to_string(), ToOwned::to_owned)),
        }
    }
}
