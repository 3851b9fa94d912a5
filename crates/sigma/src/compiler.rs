//! From files to detectors: what is read and what is refused. Detectors are made in [`finish`], once all files are read: rules
//! name rules of other files.

mod finish;

use std::collections::HashMap;
use std::sync::Arc;

use crate::correlation::Correlation;
use crate::question::Question;
use crate::rule::{self, Head};
use crate::selection::Purse;
use crate::yaml::{self, Document, Yaml};
use crate::{Fault, MAX_FILE_BYTES, MAX_REGEXES, MAX_RULES, MAX_VALUES, Refusal, printable};

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

/// Reads files one after the other, and makes detectors when all are read.
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

    fn refuse_correlation(&mut self, place: &Place, head: &Head, fault: Fault) {
        let why = format!("{}; the rules it names are not looked for by themselves", fault.why);
        self.refuse(&place.file, Some(place.line), Some(head), Fault { why, ..fault });
    }
}
