//! From files to detectors: what is read, what is refused, and which rules only feed others.

use std::collections::HashMap;
use std::sync::Arc;

use ratewarden_detect::{By, Detector, Filter, Kind, When};

use crate::correlation::{self, Correlation};
use crate::question::Question;
use crate::rule::{self, Head};
use crate::selection::Purse;
use crate::yaml::{self, Document, Yaml};
use crate::{
    Compiled, Fault, MAX_COMPILED, MAX_FILE_BYTES, MAX_REGEXES, MAX_RULES, MAX_VALUES, Refusal, printable,
};

/// Correlations that count more than 300 different values, each of which takes megabytes.
const MAX_WIDE: usize = 16;
/// How long calls of one caller that meet a rule are one finding, in seconds.
const PLAIN_SECONDS: u32 = 60;

/// Where a rule stands.
#[derive(Debug, Clone)]
struct Place {
    file: Arc<str>,
    line: usize,
}

/// A rule that looks at single calls.
#[derive(Debug)]
struct Single {
    place: Place,
    head: Head,
    /// `None`: it was refused.
    question: Option<Arc<Question>>,
}

#[derive(Debug)]
struct Several {
    place: Place,
    head: Head,
    correlation: Correlation,
}

/// A filter: where it stands, the rules it is of (`None`: all), and what must hold as well.
type Extra = (Place, Head, Option<Vec<String>>, Arc<Question>);

/// A detector and where its rule stands.
type Made = (Place, Head, Detector);

/// Reads files one after the other, and makes detectors when all are read: rules name rules of other files.
#[derive(Debug)]
pub(crate) struct Compiler {
    purse: Purse,
    rules: usize,
    singles: Vec<Single>,
    several: Vec<Several>,
    filters: Vec<Extra>,
    refused: Vec<Refusal>,
    /// Rules that correlations name which were refused.
    named: Vec<String>,
    /// Places of the rules that correlations look at, and whether those are looked for by themselves too.
    fed: HashMap<usize, bool>,
}

impl Default for Compiler {
    fn default() -> Self {
        Self {
            purse: Purse { values: MAX_VALUES, regexes: MAX_REGEXES },
            rules: 0,
            singles: Vec::new(),
            several: Vec::new(),
            filters: Vec::new(),
            refused: Vec::new(),
            named: Vec::new(),
            fed: HashMap::new(),
        }
    }
}

impl Compiler {
    /// Reads a file; false when no other is to be read.
    pub(crate) fn file(&mut self, name: &str, bytes: &[u8]) -> bool {
        let file: Arc<str> = printable(name, 1000).into();
        let text = match std::str::from_utf8(bytes) {
            _ if bytes.len() > MAX_FILE_BYTES => Err(format!("has more than {MAX_FILE_BYTES} bytes")),
            Ok(text) => Ok(text.trim_start_matches('\u{feff}')),
            Err(error) => Err(format!("is not UTF-8 from byte {} on", error.valid_up_to())),
        };
        let documents = text.map(yaml::documents);
        let count = documents.as_ref().map_or(1, |documents| documents.len().max(1));
        if self.rules + count > MAX_RULES {
            let why = format!("and what comes after it is not read: there are more than {MAX_RULES} rules");
            self.refuse(&file, None, None, Fault::new("this file", why));
            return false;
        }
        self.rules += count;
        match documents {
            Err(why) => self.refuse(&file, None, None, Fault::new("the file", why)),
            Ok(documents) if documents.is_empty() => {
                self.refuse(&file, None, None, Fault::new("the file", "has no rule in it"));
            }
            Ok(documents) => documents.into_iter().for_each(|document| self.document(&file, document)),
        }
        true
    }

    fn refuse(&mut self, file: &str, line: Option<usize>, head: Option<&Head>, fault: Fault) {
        let title = |head: &Head| match (&head.id, head.title.is_empty()) {
            (_, false) => Some(head.title.clone()),
            (id, true) => id.clone(),
        };
        let rule = head.and_then(title);
        self.refused.push(Refusal { file: file.to_owned(), line, rule, what: fault.what, why: fault.why });
    }

    fn document(&mut self, file: &Arc<str>, document: Document<'_>) {
        let tree = match yaml::read(document) {
            Ok(tree) => tree,
            Err(broken) => {
                let fault = Fault::new("the YAML cannot be read:", broken.message);
                return self.refuse(file, Some(broken.line), None, fault);
            }
        };
        let place = Place { file: Arc::clone(file), line: document.line };
        let (head, fault) = Head::read(&tree);
        let read = match fault {
            Some(fault) => Err(fault),
            None => self.rule(&tree, &place, &head),
        };
        let Err(fault) = read else { return };
        if let Some(correlation) = tree.get("correlation") {
            let rules = correlation.get("rules").and_then(Yaml::texts).unwrap_or_default();
            self.named.extend(rules.into_iter().map(str::to_owned));
            self.refuse_correlation(&place, &head, fault);
        } else if tree.get("filter").is_some() {
            let why = format!("{}; its rules are looked for without it", fault.why);
            self.refuse(file, Some(place.line), Some(&head), Fault { why, ..fault });
        } else {
            self.refuse(file, Some(place.line), Some(&head), fault);
        }
        self.singles.push(Single { place, head, question: None });
    }

    fn rule(&mut self, tree: &Yaml, place: &Place, head: &Head) -> Result<(), Fault> {
        if tree.get("action").is_some() {
            return Err(Fault::new("`action`", "joins documents in a way that is gone from Sigma"));
        }
        let (place, head) = (place.clone(), head.clone());
        if tree.get("correlation").is_some() {
            let correlation = Correlation::read(tree)?;
            self.several.push(Several { place, head, correlation });
        } else if tree.get("filter").is_some() {
            let (rules, question) = rule::filter(tree, &mut self.purse)?;
            self.filters.push((place, head, rules, question));
        } else {
            let question = rule::detection(tree, &mut self.purse)?;
            self.singles.push(Single { place, head, question: Some(question) });
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Compiled {
        self.refuse_doubles();
        self.apply_filters();
        let named = std::mem::take(&mut self.named);
        self.feed(&named, false);
        let mut made: Vec<Made> = Vec::new();
        let mut wide = 0;
        for several in std::mem::take(&mut self.several) {
            wide += usize::from(several.correlation.is_wide());
            let is_too_wide = several.correlation.is_wide() && wide > MAX_WIDE;
            let detector = self.correlate(&several).and_then(|detector| {
                let why = || {
                    format!(
                        "is one of more than {MAX_WIDE} that count more than {} values",
                        correlation::WIDE
                    )
                };
                if is_too_wide { Err(Fault::new("it", why())) } else { Ok(detector) }
            });
            self.feed(&several.correlation.rules, several.correlation.generates);
            match detector {
                Ok(detector) => made.push((several.place, several.head, detector)),
                Err(fault) => self.refuse_correlation(&several.place, &several.head, fault),
            }
        }
        for (index, single) in std::mem::take(&mut self.singles).into_iter().enumerate() {
            let is_alone = self.fed.get(&index).is_none_or(|&generates| generates);
            if let Some(question) = single.question.filter(|_| is_alone) {
                let detector = plain(&single.head, question);
                made.push((single.place, single.head, detector));
            }
        }
        let left_out = made.split_off(made.len().min(MAX_COMPILED));
        for (place, head, _) in left_out {
            let fault = Fault::new("it", format!("is left out: {MAX_COMPILED} rules are looked for already"));
            self.refuse(&place.file, Some(place.line), Some(&head), fault);
        }
        let detectors = made.into_iter().map(|(_, _, detector)| detector).collect();
        Compiled { detectors, refused: self.refused, rules: self.rules }
    }

    /// Notes that a correlation looks at rules, and whether those are looked for by themselves too.
    fn feed(&mut self, rules: &[String], generates: bool) {
        for word in rules {
            let found = self.singles.iter().position(|single| single.head.is_called(word));
            if let Some(index) = found {
                *self.fed.entry(index).or_default() |= generates;
            }
        }
    }

    fn refuse_correlation(&mut self, place: &Place, head: &Head, fault: Fault) {
        let why = format!("{}; the rules it names are not looked for by themselves", fault.why);
        self.refuse(&place.file, Some(place.line), Some(head), Fault { why, ..fault });
    }

    /// Of rules that would have the same id in findings only the first is kept.
    fn refuse_doubles(&mut self) {
        let mut seen: HashMap<String, Place> = HashMap::new();
        let mut doubles = Vec::new();
        let mut is_first = |place: &Place, head: &Head| match seen.get(&head.slug()) {
            Some(first) => {
                let why = format!("is that of the rule at {}:{} already", first.file, first.line);
                doubles.push((
                    place.clone(),
                    head.clone(),
                    Fault::new(format!("its id `{}`", head.slug()), why),
                ));
                false
            }
            None => {
                seen.insert(head.slug(), place.clone());
                true
            }
        };
        self.singles.retain(|single| single.question.is_none() || is_first(&single.place, &single.head));
        let mut named = Vec::new();
        self.several.retain(|several| {
            let is_kept = is_first(&several.place, &several.head);
            if !is_kept {
                named.extend_from_slice(&several.correlation.rules);
            }
            is_kept
        });
        self.named.append(&mut named);
        for (place, head, fault) in doubles {
            self.refuse(&place.file, Some(place.line), Some(&head), fault);
        }
    }

    fn apply_filters(&mut self) {
        for (place, head, rules, filter) in std::mem::take(&mut self.filters) {
            let mut unknown: Vec<&String> = rules.iter().flatten().collect();
            for single in &mut self.singles {
                let is_meant = |word: &String| single.head.is_called(word);
                unknown.retain(|word| !is_meant(word));
                if let Some(question) = single.question.take() {
                    let both = || {
                        vec![Question::Shared(Arc::clone(&question)), Question::Shared(Arc::clone(&filter))]
                    };
                    let is_its = rules.as_ref().is_none_or(|rules| rules.iter().any(is_meant));
                    single.question = Some(if is_its { Arc::new(Question::all(both())) } else { question });
                }
            }
            let names: Vec<_> = unknown.into_iter().take(5).map(|name| printable(name, 80)).collect();
            if !names.is_empty() {
                let fault = Fault::new(format!("the filter's rule `{}`", names.join("`, `")), "is not there");
                self.refuse(&place.file, Some(place.line), Some(&head), fault);
            }
        }
    }

    /// The detector of a correlation.
    fn correlate(&self, several: &Several) -> Result<Detector, Fault> {
        let correlation = &several.correlation;
        let question = |word: &String| {
            let found = self.singles.iter().find(|single| single.head.is_called(word));
            let fault = |why: &str| Fault::new(format!("its rule `{}`", printable(word, 80)), why);
            let single =
                found.ok_or_else(|| fault("is not there, or is a correlation itself, which is not done"))?;
            single.question.clone().ok_or_else(|| fault("cannot be carried"))
        };
        let questions = correlation.rules.iter().map(question).collect::<Result<Vec<_>, Fault>>()?;
        let (filter, kind) = correlation.parts(questions);
        Ok(detector(&several.head, filter, correlation.per.clone(), kind, correlation.seconds))
    }
}

/// The detector of a rule without a correlation: every call that meets it is a hit, and those of one caller within a minute
/// of each other are one finding with a count.
fn plain(head: &Head, question: Arc<Question>) -> Detector {
    let filter = Filter { when: Some(When(question)), ..Filter::default() };
    detector(head, filter, vec![By::Anybody], Kind::Rate { calls: 1, filled: 1 }, PLAIN_SECONDS)
}

fn detector(head: &Head, filter: Filter, per: Vec<By>, kind: Kind, seconds: u32) -> Detector {
    let rule = format!("sigma.{}", head.slug());
    Detector {
        name: rule.clone(),
        rule,
        severity: head.severity,
        filter,
        per,
        kind,
        seconds,
        about: Some(head.about()),
    }
}
