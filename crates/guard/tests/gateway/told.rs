//! What a gateway tells of findings, beside what is found in its access log.

use std::collections::BTreeMap;
use std::sync::Mutex;

use ratewarden_detect::{Engine, Settings};
use ratewarden_guard::{News, NewsState, Surroundings};
use ratewarden_logs::{Options, Reader};
use ratewarden_model::Finding;

/// Remembers what it is told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) news: Mutex<Vec<News>>,
    left: Mutex<Vec<Finding>>,
}

impl Surroundings for Told {
    fn told(&self, news: &[News]) {
        self.news.lock().unwrap().extend_from_slice(news);
    }

    fn left(&self, open: &[Finding]) {
        self.left.lock().unwrap().extend_from_slice(open);
    }
}

/// By rule, kind and value of the subject: the least and the most that the count may truly be. Distinct values are estimated,
/// and the bound of that is told.
pub(crate) type Found = BTreeMap<(String, String, String), (u64, u64)>;

fn found<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Found {
    let found = findings.into_iter().map(|finding| {
        let seen = finding.seen.as_ref().unwrap();
        let subject = (finding.rule.clone(), finding.subject.kind().to_owned(), finding.subject.label());
        let error = seen.count_error;
        (subject, (seen.count.saturating_sub(error), seen.count + error))
    });
    found.collect()
}

/// Whether the same is found, as often as both can know.
pub(crate) fn assert_same(one: &Found, other: &Found) {
    assert!(one.keys().eq(other.keys()), "{one:?}\n{other:?}");
    for (key, (least, most)) in one {
        let (others_least, others_most) = other[key];
        assert!(*least <= others_most && others_least <= *most, "{key:?}\n{one:?}\n{other:?}");
    }
}

impl Told {
    /// Everything that was found, once the gateway has ended.
    pub(crate) fn all(&self) -> Found {
        let news = self.news.lock().unwrap();
        let ended = news.iter().filter(|news| news.state == NewsState::Ended).map(|news| &news.finding);
        found(ended.chain(self.left.lock().unwrap().iter()))
    }
}

/// What an engine finds in an access log.
pub(crate) fn found_in(log: &std::path::Path, settings: Settings) -> Found {
    let mut engine = Engine::new(settings);
    let mut reader = Reader::new(&Options::default());
    for line in std::fs::read_to_string(log).unwrap().lines() {
        reader.read(line.as_bytes(), |call| engine.see(call)).unwrap();
    }
    engine.finish();
    found(&engine.findings())
}
