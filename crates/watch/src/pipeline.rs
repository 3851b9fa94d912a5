//! Lines in, findings out: form, credentials, detectors, counts. Whose calls they were is remembered for bans on the way.

use ratewarden_detect::{Counts, Engine, News};
use ratewarden_judge::findings::{FindingBans, Whose};
use ratewarden_logs::{Options, Reader};
use ratewarden_model::watch_report::SCHEMA;
use ratewarden_model::{Call, CallCaller, Finding, VERSION, WatchReport, WatchedSource};

use crate::credentials::Credentials;
use crate::several::Standing;
use crate::source::Line;
use crate::tally::{Reason, Tally};

/// A call that is further ahead of what is settled is not believed.
const AHEAD_SECS: u32 = 1_200;

/// One source: how its lines are read, and what became of them.
#[derive(Debug)]
pub struct Source {
    reader: Reader,
    /// Reads lines that may have to wait for their turn. One of its own, since pieces of lines are put together once.
    ahead: Reader,
    tally: Tally,
    pub(crate) standing: Standing,
}

impl Source {
    /// A source of which nothing was read.
    #[must_use]
    pub fn new(name: impl Into<String>, options: &Options) -> Self {
        let (reader, ahead) = (Reader::new(options), Reader::new(options));
        Self { reader, ahead, tally: Tally::new(name), standing: Standing::default() }
    }

    /// Whether a line that was not taken yet is of a call beyond `until`, in seconds since 1970.
    pub(crate) fn is_beyond(&mut self, line: &Line<'_>, until: u32) -> bool {
        let Self { ahead, standing, .. } = self;
        standing.is_beyond(until, || {
            let Line::Whole(text) = line else { return None };
            let mut first = None;
            // What cannot be read is told when it is taken.
            let _ = ahead.read(text, |call| first = first.or(Some(second_of(call))));
            first
        })
    }
}

#[inline]
fn second_of(call: &Call<'_>) -> u32 {
    u32::try_from(call.at_ms.div_euclid(1_000)).unwrap_or(if call.at_ms < 0 { 0 } else { u32::MAX })
}

/// Everything between lines and findings.
#[derive(Debug)]
pub struct Pipeline {
    engine: Engine,
    credentials: Credentials,
    bans: FindingBans,
    last_ms: i64,
    /// Calls of another time in a row.
    far: u32,
}

impl Pipeline {
    /// A pipeline that has seen nothing. `bans` without a policy asks for none and remembers nobody.
    #[must_use]
    pub const fn new(engine: Engine, credentials: Credentials, bans: FindingBans) -> Self {
        Self { engine, credentials, bans, last_ms: i64::MIN, far: 0 }
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
            if source.standing.counts(second_of(call), self.engine.settled_until(), &mut self.far) {
                self.call(call);
            }
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
        // Only a credential that the log holds itself proves anything: any other name is the log's word.
        let is_credential = matches!(call.caller, CallCaller::Credential(_));
        self.credentials.hash(call, |call| {
            let is_verified =
                is_credential && matches!(call.caller, CallCaller::Hashed { name, .. } if !name.is_empty());
            let id = if is_verified { call.caller_id() } else { None };
            self.bans.note(call, Whose { id, is_verified });
            self.engine.see(call);
        });
    }

    /// What decides on bans, and knows whose calls were seen.
    pub const fn bans(&mut self) -> &mut FindingBans {
        &mut self.bans
    }

    /// Time has come to `at_ms` although no line says so.
    pub fn advance(&mut self, at_ms: i64) {
        self.engine.advance(at_ms);
    }

    /// No line comes any more.
    pub fn finish(&mut self) {
        self.engine.finish();
    }

    /// What became of calls that are not like others.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.engine.counts()
    }

    /// Findings that have opened or ended.
    pub fn news(&mut self) -> Vec<News> {
        self.engine.news()
    }

    /// Findings that are open, with their figures of now.
    #[must_use]
    pub fn open_findings(&self) -> Vec<Finding> {
        self.engine.open_findings(usize::MAX)
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ratewarden_callers::{Identifier, NewKey};
    use ratewarden_detect::{NewsState, Settings};
    use ratewarden_model::rules::abuse;
    use ratewarden_model::{Subject, SubjectKind};

    use super::*;
    use crate::bans::{Bans, Decision};

    const POLICY: &str = "[watch]\nnever-ban = [\"caller:ci\"]\npenalties = { file = \"b\" }\n\
        [[caller]]\nfrom = \"header:x-api-key\"\nkeys = \"keys.txt\"\n\
        [[detector]]\nname = \"flood\"\nban = \"10m\"\n";

    /// A pipeline of a policy, the key of `ci` and that of `ann`.
    fn pipeline(folder: &Path) -> (Pipeline, [NewKey; 2]) {
        let keys = ["ci", "ann"].map(|name| NewKey::generate(name, "").unwrap());
        let lines = keys.each_ref().map(|key| format!("{}\n", key.line));
        std::fs::write(folder.join("keys.txt"), lines.concat()).unwrap();
        let policy = ratewarden_policy::read(POLICY, &folder.join("p.toml")).unwrap().policy;
        let identifier = Identifier::build(&policy, &[7; 16], None).unwrap();
        let settings = Settings { seed: 1, ..Settings::default() };
        let mut bans = FindingBans::of_logs();
        bans.set(&policy);
        (Pipeline::new(Engine::new(settings), Credentials::new([7; 16], Some(identifier)), bans), keys)
    }

    fn told(pipeline: &mut Pipeline, kind: SubjectKind, value: &str) -> String {
        let finding = Finding::new(&abuse::FLOOD, Subject::named(kind, value), value, "");
        let news = News { state: NewsState::Opened, detector: "flood".into(), finding };
        match Bans::default().decide(pipeline.bans(), &news, 5) {
            Some(Decision::Not(why)) => why,
            Some(Decision::Ban(ban)) => format!("{} is banned", ban.subject.label()),
            None => String::new(),
        }
    }

    #[test]
    fn never_ban_of_a_caller_spares_the_addresses_that_its_key_was_seen_at() {
        let folder = tempfile::tempdir().unwrap();
        let (mut pipeline, [ci, ann]) = pipeline(folder.path());
        let by_key = |key: &NewKey, address: [u8; 4], pipeline: &mut Pipeline| {
            let caller = CallCaller::Credential(key.key.as_bytes());
            pipeline.call(&Call { caller, address: Some(address.into()), ..Call::at(5) });
        };
        by_key(&ci, [192, 0, 2, 1], &mut pipeline);
        by_key(&ann, [192, 0, 2, 2], &mut pipeline);
        assert!(told(&mut pipeline, SubjectKind::Address, "192.0.2.1").ends_with("`trust.proxies` has it"));
        assert_eq!(told(&mut pipeline, SubjectKind::Address, "192.0.2.2"), "192.0.2.2 is banned");
        assert!(told(&mut pipeline, SubjectKind::Caller, "ci").ends_with("`trust.proxies` has it"));
        assert_eq!(told(&mut pipeline, SubjectKind::Caller, "ann"), "ann is banned");
    }

    #[test]
    fn a_name_on_a_logs_word_alone_spares_and_bans_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let (mut pipeline, _) = pipeline(folder.path());
        for name in [&b"ci"[..], b"key:1a2b3c"] {
            let caller = CallCaller::Hashed { id: 9, name };
            pipeline.call(&Call { caller, address: Some([192, 0, 2, 1].into()), ..Call::at(5) });
        }
        assert_eq!(told(&mut pipeline, SubjectKind::Address, "192.0.2.1"), "192.0.2.1 is banned");
        assert!(told(&mut pipeline, SubjectKind::Caller, "key:1a2b3c").ends_with("for certain who it is"));
    }
}
