//! Secrets that cannot be printed, and the redactor that takes them out of everything we print.
//!
//! A credential can reach a report by many ways: the URL, a header echoed in a body, a cursor, an error
//! message. So there are two nets: [`Secret`] never shows itself, and [`Redactor`] cuts every known secret out
//! of a finished document (and of panics), whichever way it came in.

mod forms;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";

/// Text that neither `Display` nor `Debug` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A secret as a URL holds it, percent-encoded; what is no encoding of a text is taken as it stands.
    #[must_use]
    pub fn from_url(text: &str) -> Self {
        Self(forms::percent_decoded(text).unwrap_or_else(|| text.to_owned()))
    }

    /// The secret itself: only for putting it on the wire.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Secrets of fewer characters than this are not searched for in free text: `-H 'x-debug: 1'` must not blank
/// every `1`.
const SHORTEST_SEARCHED: usize = 4;

/// Cuts known secrets out of text, in the forms in which servers echo them. Values of fewer than 4 characters stay
/// unsearched.
#[derive(Clone)]
pub struct Redactor {
    /// By their first bytes, each once, so that a text is walked over once however many secrets there are. A search per
    /// secret was rejected: one credential has some twenty forms, and reports have megabytes.
    by_start: HashMap<Start, Vec<String>>,
    /// Whether any begins with a byte, for most places of a text begin none.
    is_first: [bool; 256],
}

/// As many bytes as the shortest secret has.
type Start = [u8; SHORTEST_SEARCHED];

impl Default for Redactor {
    fn default() -> Self {
        Self { by_start: HashMap::new(), is_first: [false; 256] }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.by_start.values().map(Vec::len).sum::<usize>())
    }
}

impl Redactor {
    /// Adds a secret, and its parts where it is `Scheme value` or a cookie list, for a server may echo only a part; each
    /// also percent-encoded and decoded, escaped for JSON, and in Base64. Of a `Basic` credential the decoded
    /// `user:password` and the password are added too.
    pub fn add(&mut self, secret: &str) {
        for form in forms::all(secret) {
            let Some(&start) = form.as_bytes().first_chunk() else { continue };
            self.is_first[usize::from(start[0])] = true;
            let known = self.by_start.entry(start).or_default();
            if !known.contains(&form) {
                known.push(form);
                // The longest first, so that the first match is the longest.
                known.sort_by_key(|known| std::cmp::Reverse(known.len()));
            }
        }
    }

    /// The text without the secrets.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.without(text, &self.found_in(text))
    }

    /// The beginning of a longer text without the secrets: one whose beginning stands at the very end goes too.
    #[must_use]
    pub fn redact_cut(&self, text: &str) -> String {
        let mut found = self.found_in(text);
        let is_begun = |&at: &usize| {
            let end = text.as_bytes().get(at..).unwrap_or_default();
            self.beginning_like(end).iter().any(|secret| secret.as_bytes().starts_with(end))
        };
        if let Some(at) = (0..text.len()).find(is_begun) {
            found.retain(|span| span.start < at);
            found.push(at..text.len());
        }
        self.without(text, &found)
    }

    /// The secrets that begin with the same bytes, the longest first.
    fn beginning_like(&self, text: &[u8]) -> &[String] {
        let start = text.first_chunk().filter(|start: &&Start| self.is_first[usize::from(start[0])]);
        start.and_then(|start| self.by_start.get(start)).map_or(&[], Vec::as_slice)
    }

    /// Where secrets stand, in order; they may overlap. What was redacted before stays as it is.
    fn found_in(&self, text: &str) -> Vec<Range<usize>> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        let mut redacted_until = 0;
        for at in 0..bytes.len() {
            let rest = &bytes[at..];
            if rest.starts_with(REDACTED.as_bytes()) {
                redacted_until = at + REDACTED.len();
            }
            let matching =
                self.beginning_like(rest).iter().find(|secret| rest.starts_with(secret.as_bytes()));
            let span = matching.map(|secret| at..at + secret.len());
            found.extend(span.filter(|span| span.end > redacted_until));
        }
        found
    }

    /// The text with one mark for each span, and for spans that overlap one together.
    fn without(&self, text: &str, found: &[Range<usize>]) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut done = 0;
        for span in found {
            if span.start >= done {
                clean.push_str(&text[done..span.start]);
                clean.push_str(REDACTED);
            }
            done = done.max(span.end);
        }
        clean.push_str(&text[done..]);
        clean
    }

    /// Redacts every string value of a JSON document, in place. Keys are ours and stay.
    pub fn redact_json(&self, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => *text = self.redact(text),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| self.redact_json(item)),
            serde_json::Value::Object(fields) => {
                fields.values_mut().for_each(|field| self.redact_json(field));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_itself() {
        let secret = Secret::new("hunter22");
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
        let mut redactor = Redactor::default();
        redactor.add("hunter22");
        assert!(!format!("{redactor:?}").contains("hunter22"));
    }

    #[test]
    fn a_secret_is_cut_out_whole_and_in_parts() {
        let mut redactor = Redactor::default();
        redactor.add("Bearer abcd1234efgh");
        redactor.add("session=zzzz9999; theme=dark");
        let text = redactor.redact("token abcd1234efgh of Bearer abcd1234efgh, cookie zzzz9999");
        assert_eq!(text, "token [redacted] of [redacted], cookie [redacted]");
        assert_eq!(redactor.redact("Bearer is a scheme"), "Bearer is a scheme");
    }

    #[test]
    fn a_short_value_does_not_blank_the_report() {
        let mut redactor = Redactor::default();
        redactor.add("1");
        assert_eq!(redactor.redact("100 requests in 1 s"), "100 requests in 1 s");
    }
    #[test]
    fn a_secret_is_known_in_the_forms_servers_echo_it_in() {
        let mut redactor = Redactor::default();
        redactor.add("p@ss \"w/rd+é");
        for echo in [
            "p%40ss%20%22w%2Frd%2B%C3%A9",
            "p%40ss%20%22w%2frd%2b%c3%a9",
            "p%40ss+%22w%2Frd%2B%C3%A9",
            "p%40ss%20%22w/rd%2B%C3%A9",
            r#"p@ss \"w/rd+é"#,
            r#"p@ss \"w\/rd+\u00e9"#,
            "cEBzcyAidy9yZCvDqQ==",
            "cEBzcyAidy9yZCvDqQ",
        ] {
            assert_eq!(redactor.redact(&format!("<{echo}>")), "<[redacted]>", "{echo}");
        }
        redactor.add("a%2Fsecret%21");
        assert_eq!(redactor.redact("a/secret! a%2Fsecret%21"), "[redacted] [redacted]");
        redactor.add("session=>>>>????; theme=dark");
        assert_eq!(redactor.redact("Pj4+Pj8/Pz8= Pj4-Pj8_Pz8"), "[redacted] [redacted]");
    }

    #[test]
    fn a_basic_credential_is_known_by_what_it_holds() {
        let mut redactor = Redactor::default();
        redactor.add("Basic YW5uOnBAc3N3b3Jk");
        let text = redactor.redact("ann:p@ssword, p@ssword, p%40ssword, YW5uOnBAc3N3b3Jk; ann");
        assert_eq!(text, "[redacted], [redacted], [redacted], [redacted]; ann");
    }

    #[test]
    fn secrets_that_overlap_leave_nothing_behind_and_marks_stay() {
        let mut redactor = Redactor::default();
        redactor.add("abcdef");
        redactor.add("efghij");
        redactor.add("acte");
        assert_eq!(redactor.redact("xabcdefghijy abcdef"), "x[redacted]y [redacted]");
        assert_eq!(redactor.redact("é[redacted]"), "é[redacted]");
    }

    #[test]
    fn the_beginning_of_a_secret_at_a_cut_goes_too() {
        let mut redactor = Redactor::default();
        redactor.add("hunter22secret");
        assert_eq!(redactor.redact_cut("token hunter2"), "token [redacted]");
        assert_eq!(redactor.redact_cut("hunter22secret of a hun"), "[redacted] of a hun");
        assert_eq!(redactor.redact("token hunter2"), "token hunter2");
    }

    #[test]
    fn a_large_document_is_walked_over_once() {
        let mut redactor = Redactor::default();
        for number in 0..50 {
            redactor.add(&format!("session{number}=value-{number:04}/ä+; x=y"));
        }
        let text = "a value of a row, sessions and others ".repeat(100_000);
        let started = std::time::Instant::now();
        assert_eq!(redactor.redact(&text).len(), text.len());
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    }

    #[test]
    fn what_a_url_holds_is_decoded() {
        assert_eq!(Secret::from_url("p%40ss").expose(), "p@ss");
        assert_eq!(Secret::from_url("50%+%zz%ff").expose(), "50%+%zz%ff");
    }
}
