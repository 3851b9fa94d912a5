//! Frequencies of keys that have no place of their own: a count-min sketch.
//!
//! Cormode and Muthukrishnan, *An Improved Data Stream Summary: The Count-Min Sketch and its Applications* (2005): with
//! `w` cells a row and `d` rows the estimate is never too small, and with probability 1 − e⁻ᵈ at most `e·N/w` too large,
//! where `N` is all that was added. Updates are conservative (Estan and Varghese, 2002): only cells below the new
//! estimate are raised. Two generations, each of the length of the memory, make it forget.

/// Cells a row.
const WIDTH: usize = 1 << 19;
/// Rows.
const DEPTH: usize = 4;

/// What the sketch says of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Remembered {
    /// Never fewer than there were.
    pub(crate) count: u32,
    /// At most so many more than there were, with a probability of 98 %.
    pub(crate) error: u32,
}

/// The sketch: two generations of counts.
#[derive(Debug)]
pub(crate) struct Cells {
    generations: [Generation; 2],
    /// Of a generation, in the unit in which its callers count time.
    length: u32,
}

#[derive(Debug)]
struct Generation {
    /// Which stretch of time it is of.
    number: u32,
    cells: Vec<u16>,
    added: u64,
}

impl Cells {
    /// A sketch that remembers for at least `memory`, and for at most twice that.
    pub(crate) fn new(memory: u32) -> Self {
        let empty = || Generation { number: 0, cells: vec![0; WIDTH * DEPTH], added: 0 };
        Self { generations: [empty(), empty()], length: memory.max(1) }
    }

    /// Adds `count` calls of `key`, at `now`.
    pub(crate) fn add(&mut self, key: u64, count: u32, now: u32) {
        let generation = self.at(now);
        generation.added += u64::from(count);
        let places = places(key);
        let least = places.iter().map(|&place| generation.cells[place]).min().unwrap_or_default();
        let raised = u16::try_from(u32::from(least).saturating_add(count)).unwrap_or(u16::MAX);
        for place in places {
            generation.cells[place] = generation.cells[place].max(raised);
        }
    }

    /// What there was of `key`.
    pub(crate) fn recall(&mut self, key: u64, now: u32) -> Remembered {
        let number = now / self.length;
        self.at(now);
        let recent = self.generations.iter().filter(|generation| generation.number + 1 >= number);
        recent.fold(Remembered::default(), |sum, generation| {
            let least = places(key).iter().map(|&place| generation.cells[place]).min().unwrap_or_default();
            Remembered { count: sum.count + u32::from(least), error: sum.error + generation.error(least) }
        })
    }

    /// By how much an estimate may be too large.
    pub(crate) fn noise(&self, now: u32) -> u32 {
        let number = now / self.length;
        let recent = self.generations.iter().filter(|generation| generation.number + 1 >= number);
        recent.map(|generation| generation.error(u16::MAX)).sum()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.generations.iter().map(|generation| generation.cells.capacity() * size_of::<u16>()).sum()
    }

    fn at(&mut self, now: u32) -> &mut Generation {
        let number = now / self.length;
        let generation = &mut self.generations[number as usize % 2];
        if generation.number != number {
            generation.cells.fill(0);
            (generation.number, generation.added) = (number, 0);
        }
        generation
    }
}

impl Generation {
    /// By how much an estimate may be too large.
    fn error(&self, estimate: u16) -> u32 {
        #[expect(clippy::cast_precision_loss, reason = "a bound, rounded up")]
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float to int saturates")]
        let bound = (std::f64::consts::E * self.added as f64 / WIDTH as f64).ceil() as u32;
        bound.min(u32::from(estimate))
    }
}

/// One cell in each row.
fn places(key: u64) -> [usize; DEPTH] {
    let step = key.rotate_left(32) | 1;
    std::array::from_fn(|row| {
        let hash = key.wrapping_add(step.wrapping_mul(row as u64)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        row * WIDTH + ((hash >> 40) as usize & (WIDTH - 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hasher;

    #[test]
    fn an_estimate_is_never_too_small_and_hardly_ever_over_its_error() {
        let hasher = Hasher::new(3);
        let mut cells = Cells::new(100);
        for number in 0..2_000_000_u64 {
            cells.add(hasher.number(number % 1_500_000), 1, 50);
        }
        let mut over = 0;
        for number in 0..1_500_000_u64 {
            let true_count = if number < 500_000 { 2 } else { 1 };
            let told = cells.recall(hasher.number(number), 50);
            assert!(told.count >= true_count);
            over += usize::from(told.count > true_count + told.error);
        }
        assert!(over < 30_000, "{over}");
    }

    #[test]
    fn old_times_are_forgotten() {
        let mut cells = Cells::new(100);
        cells.add(77, 5, 10);
        assert_eq!(cells.recall(77, 150).count, 5);
        assert_eq!(cells.recall(77, 250).count, 0);
    }
}
