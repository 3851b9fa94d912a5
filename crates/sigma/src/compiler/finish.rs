//! From rules to detectors, once all are read: doubles refused, filters applied, correlations joined with the rules they name,
//! and which rules only feed others.

use std::collections::HashMap;
use std::sync::Arc;

use ratewarden_detect::{By, Detector, Filter, Kind, When};

use super::{Compiler, Place, Several};
use crate::correlation;
use crate::question::Question;
use crate::rule::Head;
use crate::{Compiled, Fault, MAX_COMPILED, printable};

/// Correlations that count more than 300 different values, each of which takes megabytes.
const MAX_WIDE: usize = 16;
/// How long calls of one caller that meet a rule are one finding, in seconds.
const PLAIN_SECONDS: u32 = 60;

/// A detector and where its rule stands.
type Made = (Place, Head, Detector);

impl Compiler {
    /// Makes the detectors.
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
