//! How fast callers call: of each caller the most calls in a second, ten seconds, a minute and an hour.
//!
//! Windows are those of the clock (a minute begins at a full one), so a limit over any minute may meet twice what is said
//! here; the head-room covers that. Memory is bounded: [`CALLERS`] callers are kept apart, and where there are more, those who
//! have been silent longest are closed and their figures kept; one who comes back is another caller then.

use std::collections::HashMap;

use ratewarden_model::Call;

use super::histogram::Histogram;

/// Seconds of the windows.
pub(crate) const WINDOWS: [i64; 4] = [1, 10, 60, 3_600];

/// Callers of a group that are kept apart at one time, about 150 bytes each.
pub(crate) const CALLERS: usize = 131_072;

/// The rates of a group of calls.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    pub(crate) calls: u64,
    open: HashMap<u128, Caller>,
    /// Of each window, the calls of each caller in each stretch it called in.
    pub(crate) rates: [Histogram; 4],
    /// Of each window, the most calls of each caller that looks honest.
    pub(crate) peaks: [Histogram; 4],
    /// Callers that mostly failed, of whom nothing is learnt.
    pub(crate) failing: u64,
    /// Callers that were closed to make room.
    pub(crate) closed: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Caller {
    last_ms: i64,
    calls: u64,
    answers: u64,
    failed: u64,
    windows: [Window; 4],
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    number: i64,
    calls: u64,
    peak: u64,
}

impl Rates {
    /// Counts a call of a caller. `most` is how many callers may be kept apart.
    pub(crate) fn see(&mut self, id: u128, call: &Call<'_>, most: usize) {
        self.calls += 1;
        if self.open.len() >= most.max(2) && !self.open.contains_key(&id) {
            self.make_room();
        }
        let caller = self.open.entry(id).or_default();
        caller.calls += 1;
        caller.last_ms = caller.last_ms.max(call.at_ms);
        caller.answers += u64::from((200..500).contains(&call.status) && call.status != 429);
        caller.failed += u64::from((400..500).contains(&call.status) && call.status != 429);
        for ((window, seconds), rates) in caller.windows.iter_mut().zip(WINDOWS).zip(&mut self.rates) {
            let number = call.at_ms.div_euclid(seconds * 1_000);
            // A call that is a little late counts in the window that is open.
            if number > window.number || window.calls == 0 {
                if window.calls > 0 {
                    rates.add(window.calls);
                }
                (window.number, window.calls) = (number, 0);
            }
            window.calls += 1;
            window.peak = window.peak.max(window.calls);
        }
    }

    /// Callers seen, one that was closed and came back twice.
    pub(crate) fn callers(&self) -> u64 {
        self.peaks[0].total() + self.failing + self.open.len() as u64
    }

    /// Closes everybody.
    pub(crate) fn finish(&mut self) {
        for caller in std::mem::take(&mut self.open).into_values() {
            self.close(caller);
        }
    }

    /// Closes the half that has been silent longest.
    fn make_room(&mut self) {
        let mut last: Vec<i64> = self.open.values().map(|caller| caller.last_ms).collect();
        let middle = last.len() / 2;
        let (_, &mut silent, _) = last.select_nth_unstable(middle);
        let (mut gone, mut room) = (Vec::new(), middle + 1);
        self.open.retain(|_, caller| {
            let stays = caller.last_ms > silent || room == 0;
            if !stays {
                room -= 1;
                gone.push(*caller);
            }
            stays
        });
        self.closed += gone.len() as u64;
        for caller in gone {
            self.close(caller);
        }
    }

    fn close(&mut self, caller: Caller) {
        for (window, rates) in caller.windows.iter().zip(&mut self.rates) {
            rates.add(window.calls);
        }
        if caller.failed * 2 > caller.answers {
            self.failing += 1;
            return;
        }
        for (window, peaks) in caller.windows.iter().zip(&mut self.peaks) {
            peaks.add(window.peak);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_the_most_in_a_window_of_the_clock_and_failures_teach_nothing() {
        let mut rates = Rates::default();
        let call = |at_ms, status| Call { status, ..Call::at(at_ms) };
        for at in [0, 100, 900, 1_000, 59_999, 60_000, 70_000] {
            rates.see(1, &call(at, 200), 10);
        }
        rates.see(2, &call(70_000, 401), 10);
        assert_eq!(rates.callers(), 2);
        rates.finish();
        assert_eq!(rates.peaks.each_ref().map(Histogram::max), [3, 4, 5, 7]);
        assert_eq!((rates.calls, rates.failing, rates.callers()), (8, 1, 2));
        assert_eq!(rates.rates.each_ref().map(Histogram::total), [6, 5, 3, 2]);
    }

    #[test]
    fn more_callers_than_there_is_room_for_are_closed_and_not_lost() {
        let mut rates = Rates::default();
        for id in 0..1_000 {
            rates.see(id, &Call { status: 200, ..Call::at(id as i64) }, 100);
            rates.see(7, &Call { status: 200, ..Call::at(id as i64) }, 100);
            assert!(rates.open.len() <= 100);
        }
        rates.finish();
        assert_eq!(rates.callers(), 1_000, "who calls all the time is one caller");
        assert_eq!(rates.peaks[3].max(), 1_001);
        assert!(rates.closed > 800);
    }
}
