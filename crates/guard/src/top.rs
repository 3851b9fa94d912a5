//! Who calls most, and who is rejected most, since the start and lately.
//!
//! Counts are Space-Saving sketches (`ratewarden_detect::Sketch`). Each worker has one of its own, behind a lock that
//! nobody else takes but an operator who looks.
//!
//! Time is cut into periods, the same for every worker. Lately is the period of now and the one before, so a caller
//! who has just begun is seen among those who were busy for days. Calls are counted in the period of now alone; what
//! is older is merged when a period ends.

use std::time::Duration;

use ratewarden_callers::{Caller, Label};
use ratewarden_limiter::Time;

use ratewarden_detect::Sketch;
pub(crate) use ratewarden_detect::Summary;

/// Callers that a sketch or a summary holds.
pub(crate) const PLACES: usize = 512;

/// The length of a period.
const PERIOD: Duration = Duration::from_secs(300);

/// Which time is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    Start,
    /// From [`PERIOD`] to twice that.
    Recent,
}

/// One worker's callers.
#[derive(Debug)]
pub(crate) struct Top {
    calls: Windows,
    rejections: Windows,
}

#[derive(Debug)]
struct Windows {
    period: u64,
    current: Sketch<Label>,
    previous: Summary<Label>,
    before: Summary<Label>,
}

impl Default for Top {
    fn default() -> Self {
        Self { calls: Windows::new(), rejections: Windows::new() }
    }
}

impl Top {
    /// Counts a call.
    pub(crate) fn count(&mut self, caller: &Caller, is_rejected: bool, now: Time) {
        let period = period(now);
        self.calls.count(caller, period);
        if is_rejected {
            self.rejections.count(caller, period);
        }
    }

    /// By calls and by rejections.
    pub(crate) fn summaries(&mut self, span: Span, now: Time) -> [Summary<Label>; 2] {
        let period = period(now);
        [&mut self.calls, &mut self.rejections].map(|windows| {
            windows.roll(period);
            windows.summary(span)
        })
    }
}

impl Span {
    /// When it began.
    pub(crate) fn begun(self, now: Time) -> Time {
        match self {
            Self::Start => Time::START,
            Self::Recent => {
                let length = u64::try_from(PERIOD.as_nanos()).unwrap_or(u64::MAX);
                let periods = period(now).saturating_sub(1);
                Time::START.after(Duration::from_nanos(length.saturating_mul(periods)))
            }
        }
    }
}

impl Windows {
    fn new() -> Self {
        Self {
            period: 0,
            current: Sketch::new(PLACES),
            previous: Summary::default(),
            before: Summary::default(),
        }
    }

    fn count(&mut self, caller: &Caller, period: u64) {
        self.roll(period);
        self.current.add(caller.id(), || caller.label());
    }

    /// Goes on to a later period.
    fn roll(&mut self, period: u64) {
        if period <= self.period {
            return;
        }
        let passed = period - self.period;
        self.period = period;
        let ended = std::mem::replace(&mut self.current, Sketch::new(PLACES)).summary();
        let previous = std::mem::replace(&mut self.previous, ended);
        self.before = std::mem::take(&mut self.before).merged(&previous, PLACES);
        if passed > 1 {
            // Nobody called in a whole period.
            let previous = std::mem::take(&mut self.previous);
            self.before = std::mem::take(&mut self.before).merged(&previous, PLACES);
        }
    }

    fn summary(&self, span: Span) -> Summary<Label> {
        let recent = self.current.summary().merged(&self.previous, PLACES);
        match span {
            Span::Recent => recent,
            Span::Start => recent.merged(&self.before, PLACES),
        }
    }
}

fn period(now: Time) -> u64 {
    now.nanos() / u64::try_from(PERIOD.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ratewarden_callers::Identifier;

    use super::*;

    #[test]
    fn lately_forgets_what_the_start_remembers() {
        let text = "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n";
        let policy = ratewarden_policy::read(text, Path::new("/p.toml")).unwrap().policy;
        let identifier = Identifier::build(&policy, &[1; 16], None).unwrap();
        let mut top = Top::default();
        let at = |minutes: u64| Time::START.after(Duration::from_secs(60 * minutes));
        let mut call =
            |name: &str, minutes, rejected| top.count(&identifier.named(name), rejected, at(minutes));
        for _ in 0..3 {
            call("ann", 1, false);
        }
        call("ann", 6, true);
        call("bob", 6, true);
        call("bob", 7, true);
        let mut shown = |span, minutes| {
            top.summaries(span, at(minutes)).map(|summary| {
                let name = |one: &ratewarden_detect::Ranked<Label>| format!("{} {}", one.label, one.count);
                summary.ranked.iter().map(name).collect::<Vec<_>>().join(", ")
            })
        };
        assert_eq!(shown(Span::Recent, 7), ["ann 4, bob 2", "bob 2, ann 1"]);
        assert_eq!(shown(Span::Recent, 10)[0].matches(", ").count(), 1, "minute 6 is in the period before");
        assert_eq!(shown(Span::Recent, 11)[0], shown(Span::Recent, 10)[0]);
        assert_eq!(shown(Span::Recent, 60), ["", ""]);
        assert_eq!(shown(Span::Start, 60), ["ann 4, bob 2", "bob 2, ann 1"]);
        assert_eq!(Span::Recent.begun(at(11)), at(5));
        assert_eq!(Span::Recent.begun(at(2)), at(0));
    }
}
