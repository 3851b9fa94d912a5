//! Lines in, findings out: form, credentials, detectors, counts.

use ratewarden_detect::{Counts, Engine, News};
use ratewarden_logs::{Options, Reader};
use ratewarden_model::watch_report::SCHEMA;
use ratewarden_model::{Call, Finding, VERSION, WatchReport, WatchedSource};

use crate::credentials::Credentials;
use crate::source::Line;
use crate::tally::{Reason, Tally};

/// A call that is further ahead of what is settled is not believed.
const AHEAD_SECS: u32 = 1_200;

/// One source: how its lines are read, and what became of them.
#[derive(Debug)]
pub struct Source {
    reader: Reader,
    tally: Tally,
}

impl Source {
    /// A source of which nothing was read.
    #[must_use]
    pub fn new(name: impl Into<String>, options: &Options) -> Self {
        Self { reader: Reader::new(options), tally: Tally::new(name) }
    }
}

/// Everything between lines and findings.
#[derive(Debug)]
pub struct Pipeline {
    engine: Engine,
    credentials: Credentials,
    last_ms: i64,
}

impl Pipeline {
    /// A pipeline that has seen nothing.
    #[must_use]
    pub const fn new(engine: Engine, credentials: Credentials) -> Self {
        Self { engine, credentials, last_ms: i64::MIN }
    }

    /// Takes a line of a source.
    #[inline]
    pub fn line(&mut self, source: &mut Source, line: &Line<'_>) {
        let text = match line {
            Line::Whole(text) => *text,
            Line::TooLong(_) => return source.tally.fault(Reason::TooLong, b""),
        };
        let mut calls = 0;
        let read = source.reader.read(text, |call| {
            calls += 1;
            self.call(call);
        });
        source.tally.line(calls);
        if let Err(fault) = read {
            source.tally.fault(Reason::Fault(fault), text);
        }
    }

    /// Takes a call that somebody else has read.
    #[inline]
    pub fn call(&mut self, call: &Call<'_>) {
        self.last_ms = self.last_ms.max(call.at_ms);
        self.credentials.hash(call, |call| self.engine.see(call));
    }

    /// Time has come to `at_ms` although no line says so.
    pub fn advance(&mut self, at_ms: i64) {
        self.engine.advance(at_ms);
    }

    /// No line comes any more.
    pub fn finish(&mut self) {
        self.engine.finish();
    }

    /// Findings that have opened or ended.
    pub fn news(&mut self) -> Vec<News> {
        self.engine.news()
    }

    /// All findings there were, the worst first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.engine.findings()
    }

    /// The newest call's time, in milliseconds since 1970; `None` before the first.
    #[must_use]
    pub fn newest_ms(&self) -> Option<i64> {
        (self.last_ms > i64::MIN).then_some(self.last_ms)
    }

    /// The second to which the calls' own time has come; `None` before the first. A call far ahead of all others, and one
    /// from before time went back, do not count.
    #[must_use]
    pub fn newest_second(&self) -> Option<u32> {
        let settled = self.engine.settled_until();
        let newest = u32::try_from(self.newest_ms()?.div_euclid(1000)).unwrap_or(u32::MAX);
        // Time is never further ahead of what is settled than by the greatest lateness and what is not yet far ahead.
        Some(if newest <= settled.saturating_add(AHEAD_SECS) { newest } else { settled })
    }

    /// Everything before this second was looked at.
    #[must_use]
    pub const fn settled_until(&self) -> u32 {
        self.engine.settled_until()
    }

    /// The document, of the sources that were read.
    #[must_use]
    pub fn report(&self, sources: Vec<WatchedSource>) -> WatchReport {
        let time =
            |second: u32| jiff::Timestamp::from_second(second.into()).ok().map(|time| time.to_string());
        let (first, last) = self.engine.span().unzip();
        WatchReport {
            schema: SCHEMA.to_owned(),
            version: VERSION.to_owned(),
            sources,
            from: first.and_then(time),
            to: last.and_then(time),
            findings: self.findings(),
            notes: notes(self.engine.counts()),
        }
    }
}

/// What calls were not like others.
fn notes(counts: Counts) -> Vec<String> {
    let plural = |count: u64, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut notes = Vec::new();
    if counts.late > 0 {
        notes.push(format!(
            "{} came later than the lateness that is waited for; short windows may have missed them.",
            plural(counts.late, "call")
        ));
    }
    if counts.misdated > 0 {
        notes.push(format!(
            "{} had a time far ahead of all others and did not count.",
            plural(counts.misdated, "call")
        ));
    }
    if counts.backwards > 0 {
        notes.push(format!(
            "Time went back {}: what came before was closed, and all windows began anew.",
            plural(counts.backwards, "time")
        ));
    }
    if counts.findings_left_out > 0 {
        notes.push(format!(
            "{} had no place any more and are left out.",
            plural(counts.findings_left_out, "finding")
        ));
    }
    notes
}
