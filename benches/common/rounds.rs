//! Subjects in turn, in bursts, on threads of their own; their queues are emptied between the bursts.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

use super::subjects::Subject;
use super::{median, nanos_each, quantile, table};

const ROUNDS: usize = 101;
const BURSTS_A_ROUND: usize = 5;

/// Nanoseconds an event, one figure a round.
#[derive(Default)]
pub struct Samples {
    cpu: Vec<f64>,
    wall: Vec<f64>,
}

/// Runs all subjects in turn, on that many threads at once.
pub fn rounds(subjects: &[&dyn Subject], threads: usize, times: u64) -> Vec<Samples> {
    let mut samples: Vec<Samples> = subjects.iter().map(|_| Samples::default()).collect();
    for round in 0..=ROUNDS {
        for (subject, samples) in subjects.iter().zip(&mut samples) {
            let (cpu, wall) = bursts(*subject, threads, times);
            // The first one warms up.
            if round > 0 {
                samples.cpu.push(cpu);
                samples.wall.push(wall);
            }
        }
    }
    samples
}

/// Runs some bursts of a subject on threads of their own, and empties its queue between them. Returns the mean of the
/// threads' CPU time and the wall time of all together, in nanoseconds an event.
fn bursts(subject: &dyn Subject, threads: usize, times: u64) -> (f64, f64) {
    let gate = Barrier::new(threads + 1);
    let spent: Vec<(Duration, Duration)> = std::thread::scope(|scope| {
        let work = || {
            // What a thread keeps for itself is made at its first event.
            subject.run(10);
            gate.wait();
            let mut spent = (Duration::ZERO, Duration::ZERO);
            for _ in 0..BURSTS_A_ROUND {
                gate.wait();
                let (cpu, wall) = (ThreadTime::now(), Instant::now());
                subject.run(times);
                spent.0 += cpu.elapsed();
                spent.1 += wall.elapsed();
                gate.wait();
            }
            spent
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        gate.wait();
        for _ in 0..BURSTS_A_ROUND {
            subject.settle();
            gate.wait();
            gate.wait();
        }
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    subject.settle();
    let events = (threads * BURSTS_A_ROUND) as u64 * times;
    let cpu = spent.iter().map(|(cpu, _)| *cpu).sum();
    let wall = spent.iter().map(|(_, wall)| *wall).max().unwrap_or_default();
    (nanos_each(cpu, events), nanos_each(wall, events))
}

pub fn print(title: &str, subjects: &[&dyn Subject], mut samples: Vec<Samples>) {
    let medians: Vec<(f64, f64, f64)> = samples
        .iter_mut()
        .map(|samples| (median(&mut samples.cpu), quantile(&mut samples.cpu, 0.1), median(&mut samples.wall)))
        .collect();
    let first = medians.first().map_or(1.0, |(cpu, ..)| *cpu);
    let rows: Vec<Vec<String>> = subjects
        .iter()
        .zip(medians)
        .map(|(subject, (cpu, best, wall))| {
            let ratio = format!("{:.2}", cpu / first);
            vec![subject.name().into(), format!("{cpu:.1}"), format!("{best:.1}"), format!("{wall:.1}"), ratio]
        })
        .collect();
    let head = ["call", "CPU ns, median", "CPU ns, best tenth", "wall ns an event, all threads", "ratio of CPU"];
    table(&format!("{title}: median of {ROUNDS} rounds"), &head, &rows);
}
