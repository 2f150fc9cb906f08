//! Random numbers for ids that are needed often: a generator a thread, seeded by the system, and no call of the system a number.
//!
//! The generator is xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018). Its numbers are
//! spread evenly, and are no secret: who has seen some can tell the next.

use std::cell::Cell;

use super::random_u64;
use crate::sys;

#[derive(Clone, Copy)]
struct Generator {
    state: [u64; 4],
    /// Which of a line of forks seeded it: a fork would draw the numbers of its parent again.
    generation: Option<u64>,
}

thread_local! {
    static OWN: Cell<Generator> = const { Cell::new(Generator { state: [0; 4], generation: None }) };
}

/// Draws a number of 64 bits.
#[inline]
pub(crate) fn draw_u64() -> u64 {
    OWN.with(|own| {
        let mut generator = own.get();
        if generator.generation != Some(sys::generation()) {
            generator = Generator::seeded();
        }
        let number = generator.next();
        own.set(generator);
        number
    })
}

/// Draws the id of a span: any number but 0.
#[inline]
pub(crate) fn draw_span_id() -> u64 {
    draw_u64().max(1)
}

/// Draws the id of a trace: any number but 0.
#[inline]
pub(crate) fn draw_trace_id() -> u128 {
    (u128::from(draw_u64()) << 64 | u128::from(draw_u64())).max(1)
}

impl Generator {
    #[cold]
    fn seeded() -> Self {
        sys::watch_for_forks();
        // All zeros is the one state that it does not get out of.
        Self {
            state: [random_u64() | 1, random_u64(), random_u64(), random_u64()],
            generation: Some(sys::generation()),
        }
    }

    #[inline]
    const fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let number = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        number
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_generator_is_the_one_that_was_published() {
        // The first numbers of the authors' own code from this state.
        let mut generator = Generator { state: [1, 2, 3, 4], generation: None };
        let numbers: Vec<_> = (0..4).map(|_| generator.next()).collect();
        assert_eq!(numbers, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn threads_draw_different_numbers() {
        let draw = || (0..1_000).map(|_| draw_u64()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(draw)).collect();
        let numbers: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(numbers.len(), 8_000);
    }
}
