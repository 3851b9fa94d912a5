//! Chance that a seed decides.

/// A seeded source of chance with the shapes that traffic has.
#[derive(Debug, Clone)]
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// For one part of something: parts that are made in another order come out the same.
    pub(crate) fn part(seed: u64, part: u64) -> Self {
        Self::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ part.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    /// From `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        self.0.i64(least..=most.max(least))
    }

    /// Below `end`; 0 where `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.usize(0..end.max(1))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0.u64(..)
    }

    pub(crate) fn octet(&mut self) -> u8 {
        self.0.u8(1..=254)
    }

    /// From 0 up to, but not including, 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.0.f64()
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    /// One of these, which are not none.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// One of these texts, which are not none.
    pub(crate) fn word(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        self.0.shuffle(list);
    }

    /// The wait for the next of independent events, in milliseconds; at least 1, at most 20 times the mean.
    pub(crate) fn wait_ms(&mut self, mean_ms: f64) -> i64 {
        let wait = -(1.0 - self.0.f64()).ln() * mean_ms;
        wait.clamp(1.0, mean_ms * 20.0 + 1.0) as i64
    }

    /// Around `middle`, mostly within a factor of two, at times far above: sizes and durations.
    pub(crate) fn around(&mut self, middle: u64) -> u64 {
        let bell = (0..6).map(|_| self.0.f64()).sum::<f64>() - 3.0;
        (middle as f64 * (bell * 0.6).exp()) as u64
    }

    /// Lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[self.below(16)])).collect()
    }

    /// Lower-case letters.
    pub(crate) fn letters(&mut self, count: usize) -> String {
        (0..count).map(|_| self.0.lowercase()).collect()
    }
}

/// Ranks by popularity: rank `r` (from 0) comes with weight `1 / (r + 1)^exponent`.
///
/// Drawn by Hörmann and Derflinger's rejection-inversion ("Rejection-inversion to generate variates from monotone
/// discrete distributions", 1996), which needs no table, so ten million ranks cost nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zipf {
    ranks: f64,
    exponent: f64,
    lowest: f64,
    highest: f64,
    cut: f64,
}

impl Zipf {
    pub(crate) fn new(ranks: u64, exponent: f64) -> Self {
        let mut zipf = Self { ranks: ranks.max(1) as f64, exponent, lowest: 0.0, highest: 0.0, cut: 0.0 };
        zipf.lowest = zipf.integral(1.5) - 1.0;
        zipf.highest = zipf.integral(zipf.ranks + 0.5);
        zipf.cut = 2.0 - zipf.inverse(zipf.integral(2.5) - 2f64.powf(-exponent));
        zipf
    }

    pub(crate) fn rank(&self, dice: &mut Dice) -> u64 {
        loop {
            let area = self.highest + dice.share() * (self.lowest - self.highest);
            let at = self.inverse(area);
            let rank = at.round().clamp(1.0, self.ranks);
            if rank - at <= self.cut || area >= self.integral(rank + 0.5) - rank.powf(-self.exponent) {
                return rank as u64 - 1;
            }
        }
    }

    /// The integral of `x^-exponent` from 1 to `at`.
    fn integral(&self, at: f64) -> f64 {
        let log = at.ln();
        let slope = (1.0 - self.exponent) * log;
        if slope.abs() < 1e-9 { log } else { slope.exp_m1() / slope * log }
    }

    fn inverse(&self, area: f64) -> f64 {
        let slope = (area * (1.0 - self.exponent)).max(-1.0);
        if slope.abs() < 1e-9 { area.exp() } else { (slope.ln_1p() / slope * area).exp() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_come_with_the_weights_that_are_promised() {
        for exponent in [0.6, 0.8, 1.0, 1.3] {
            let (ranks, draws) = (50u64, 200_000);
            let (zipf, mut dice) = (Zipf::new(ranks, exponent), Dice::new(3));
            let mut seen = [0u32; 50];
            for _ in 0..draws {
                seen[usize::try_from(zipf.rank(&mut dice)).unwrap()] += 1;
            }
            let sum: f64 = (1..=ranks).map(|rank| (rank as f64).powf(-exponent)).sum();
            for (rank, &count) in seen.iter().enumerate() {
                let wanted = ((rank + 1) as f64).powf(-exponent) / sum * f64::from(draws);
                let apart = (f64::from(count) - wanted).abs();
                assert!(apart < 5.0 * wanted.sqrt(), "{exponent}: rank {rank}: {count}, not {wanted}");
            }
        }
    }

    #[test]
    fn one_rank_is_rank_nought() {
        assert_eq!(Zipf::new(1, 0.8).rank(&mut Dice::new(1)), 0);
    }
}
