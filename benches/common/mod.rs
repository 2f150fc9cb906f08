//! What the benches share: when they run, what stands beside each other, how figures are summed up.
//!
//! Rounds of all subjects take turns (A, B, C, A, B, C, …), so that what else the machine does hits all alike; what is
//! printed is the median over the rounds.

#![allow(dead_code, unreachable_pub, clippy::print_stdout, clippy::cast_precision_loss)]

pub mod peers;
pub mod rounds;
pub mod spans;
pub mod subjects;

use std::time::Duration;

/// Returns whether `cargo bench` runs this: `cargo test` must not wait for figures that nobody reads.
pub fn is_asked_for() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Returns whether that subject is to be measured: all are, unless the command line names a part of some names, for a
/// profiler that is to see nothing else.
pub fn is_chosen(name: &str) -> bool {
    let parts: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    parts.is_empty() || parts.iter().any(|part| name.contains(part.as_str()))
}

/// Returns the value below which that part of the samples lies.
pub fn quantile(samples: &mut [f64], part: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().saturating_sub(1);
    // A place among the samples: whole, small and not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let place = (last as f64 * part).round() as usize;
    samples.get(place).copied().unwrap_or(f64::NAN)
}

/// Returns the value in the middle.
pub fn median(samples: &mut [f64]) -> f64 {
    quantile(samples, 0.5)
}

/// Returns what each of so many events took, in nanoseconds.
pub fn nanos_each(spent: Duration, events: u64) -> f64 {
    spent.as_nanos() as f64 / events as f64
}

/// Prints a table in Markdown, as it stands in `docs/performance.md`.
pub fn table(title: &str, head: &[&str], rows: &[Vec<String>]) {
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).chain([head[column].chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} ")).collect::<Vec<_>>();
        println!("|{}|", cells.join("|"));
    };
    println!("\n{title}\n");
    line(&head.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>());
    line(&widths.iter().map(|&width| "-".repeat(width)).collect::<Vec<_>>());
    rows.iter().for_each(|row| line(row));
}
