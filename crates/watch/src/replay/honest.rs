//! Does a caller that a limit would have rejected look honest?
//!
//! A count of rejections says how much a limit would have hurt, not whom. So each rejected caller gets a verdict that can
//! be argued with: signs for and against, each with a weight and a sentence, and the sum decides. It is a rule of thumb
//! and no proof; docs/replay.md lists the signs. Nothing learnt is used: whoever reads the report must be able to say why.
//!
//! | sign | weight |
//! |---|---:|
//! | it proved who it is, by a key or token that the policy knows | +2 |
//! | at most a tenth of its calls would have been rejected | +1 |
//! | its busiest stretch is at most twice what the limit admits | +1 |
//! | nine of ten answers were successes | +1 |
//! | half of its calls look like those of a browser (agent and referrer) | +1 |
//! | over two thirds of its calls would have been rejected | −2 |
//! | its busiest stretch is at least five times what the limit admits | −2 |
//! | over half of its answers were client errors | −2 |
//! | client errors at twenty or more different targets, a fifth of its answers | −2 |
//!
//! It looks honest from a sum of +1 on. Answers of 429 and 503 count for neither side (somebody limited it already), nor do
//! other 5xx (the server's fault). An agent and a referrer can be forged, so they never weigh more than one sign.

use ratewarden_callers::Label;
use ratewarden_model::Call;

use super::count::{number, percent, tenths};

/// What one caller did under one limit.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) label: Label,
    /// It proved who it is.
    pub(crate) known: bool,
    pub(crate) rejected: u64,
    /// Of the first and the last rejection, in milliseconds since 1970.
    pub(crate) times: Option<(i64, i64)>,
    /// Seen since the account was opened.
    calls: u64,
    succeeded: u64,
    failed: u64,
    browser: u64,
    /// Which of 64 hashes of targets had client errors.
    failing: u64,
    /// The stretch that is counted now, by its number, and its cost so far.
    stretch: (i64, u64),
    peak: u64,
}

/// What a limit admits in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Milliseconds, at least 1.
    pub(crate) millis: i64,
    /// The most that is admitted in it.
    pub(crate) admits: u64,
}

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looks {
    pub(crate) honest: bool,
    /// Each with its weight, the heaviest first.
    pub(crate) reasons: Vec<String>,
}

impl Account {
    pub(crate) const fn new(label: Label, known: bool) -> Self {
        Self {
            label,
            known,
            rejected: 0,
            times: None,
            calls: 0,
            succeeded: 0,
            failed: 0,
            browser: 0,
            failing: 0,
            stretch: (i64::MIN, 0),
            peak: 0,
        }
    }

    /// Takes a call in.
    pub(crate) fn see(&mut self, call: &Call<'_>, cost: u64, rejected: bool, stretch: Option<Stretch>) {
        self.calls += 1;
        match call.status {
            200..=399 => self.succeeded += 1,
            429 => {}
            400..=499 => {
                self.failed += 1;
                self.failing |= 1 << (hash(call.path()) & 63);
            }
            _ => {}
        }
        self.browser += u64::from(call.agent.starts_with(b"Mozilla/5.0 ") && !call.referer.is_empty());
        if rejected {
            self.rejected += 1;
            let first = self.times.map_or(call.at_ms, |(first, _)| first);
            self.times = Some((first, call.at_ms));
        }
        if let Some(stretch) = stretch {
            let number = call.at_ms.div_euclid(stretch.millis);
            if number != self.stretch.0 {
                self.stretch = (number, 0);
            }
            self.stretch.1 = self.stretch.1.saturating_add(cost);
            self.peak = self.peak.max(self.stretch.1);
        }
    }

    /// Whether it looks honest, and why.
    pub(crate) fn looks(&self, stretch: Option<Stretch>) -> Looks {
        let mut signs: Vec<(i32, String)> = Vec::new();
        let mut sign = |weight, holds, reason: String| {
            if holds {
                signs.push((weight, reason));
            }
        };
        let (calls, rejected) = (self.calls, self.rejected);
        let share = format!("{} of its calls would have been rejected", percent(rejected, calls));
        sign(2, self.known, "it proved who it is".to_owned());
        sign(1, rejected * 10 <= calls, share.clone());
        sign(-2, rejected * 3 > calls * 2, share);
        if let Some(stretch) = stretch {
            let admits = stretch.admits.max(1);
            let over =
                format!("its busiest stretch is {} times what the limit admits", tenths(self.peak, admits));
            sign(1, self.peak <= admits.saturating_mul(2), over.clone());
            sign(-2, self.peak >= admits.saturating_mul(5), over);
        }
        let answers = self.succeeded + self.failed;
        let well = format!("{} of {} answers were successes", number(self.succeeded), number(answers));
        sign(1, answers > 0 && self.succeeded * 10 >= answers * 9, well);
        let badly = format!("{} of {} answers were client errors", number(self.failed), number(answers));
        sign(-2, self.failed * 2 > answers, badly);
        let targets = self.failing_targets();
        let probing = format!("client errors at about {targets} different targets");
        sign(-2, targets >= 20 && self.failed * 5 >= answers, probing);
        sign(1, self.browser * 2 >= calls && calls > 0, "its calls look like those of a browser".to_owned());
        let honest = signs.iter().map(|(weight, _)| weight).sum::<i32>() >= 1;
        signs.sort_by_key(|(weight, _)| -weight.abs());
        Looks {
            honest,
            reasons: signs.into_iter().map(|(weight, reason)| format!("{weight:+}: {reason}")).collect(),
        }
    }

    /// Different targets with client errors, by linear counting (Whang, Vander-Zanden and Taylor, 1990) in 64 bits: of 64
    /// and more it says 266 at most.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 267")]
    fn failing_targets(&self) -> u64 {
        let empty = self.failing.count_zeros().max(1);
        (64.0 * (64.0 / f64::from(empty)).ln()).round() as u64
    }
}

/// FNV-1a with a last mix; nothing is kept by it, so nobody gains by making targets collide but looking a little better.
fn hash(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}
