//! The figures of a finding's evidence, named and with units.
//!
//! Evidence is an open map (`median_latency_ms: 12`), for each rule measures something else; the unit is the end
//! of the name. One key has a shape of its own: `pages`, what was read at each page size.

use serde_json::{Map, Value};

use crate::text;

/// The key whose value is a list of [`Page`]s.
const PAGES: &str = "pages";
/// A list longer than this is cut, with the number left out.
const LISTED: usize = 6;

/// One figure: `median latency`, `12 ms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// What one read of a given page size cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Page {
    /// The page size asked for; none where the parameter was left out.
    pub(crate) size: Option<f64>,
    /// The size of the body.
    pub(crate) bytes: f64,
    /// How long the answer took.
    pub(crate) latency_ms: f64,
}

impl Page {
    /// `page size 100: 31 kB, 12 ms`.
    pub(crate) fn label(&self) -> String {
        format!("page size {}: {}, {}", self.size_label(), self.bytes_label(), self.latency_label())
    }

    /// `100`, or `left out`.
    pub(crate) fn size_label(&self) -> String {
        self.size.map_or_else(|| "left out".to_owned(), text::number)
    }

    /// `31 kB`.
    pub(crate) fn bytes_label(&self) -> String {
        text::bytes(self.bytes)
    }

    /// `12.5 ms`.
    pub(crate) fn latency_label(&self) -> String {
        text::latency(self.latency_ms)
    }
}

/// All figures but the pages, in the order of the evidence.
pub(crate) fn figures(evidence: &Map<String, Value>) -> Vec<Figure> {
    evidence
        .iter()
        .filter(|(key, _)| *key != PAGES)
        .map(|(key, value)| {
            let (name, unit) = split_unit(key);
            Figure { name, value: written(value, unit) }
        })
        .collect()
}

/// The pages read, in the order of the evidence; entries of another shape are passed over.
pub(crate) fn pages(evidence: &Map<String, Value>) -> Vec<Page> {
    let entries = evidence.get(PAGES).and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(page).collect()
}

fn page(entry: &Value) -> Option<Page> {
    let size = match entry.get("size") {
        None | Some(Value::Null) => None,
        Some(size) => Some(size.as_f64()?),
    };
    Some(Page { size, bytes: entry.get("bytes")?.as_f64()?, latency_ms: entry.get("latency_ms")?.as_f64()? })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    None,
    Bytes,
    Milliseconds,
    Seconds,
    PerSecond,
    Percent,
}

/// `median_latency_ms` is a median latency in milliseconds. A name that is only a unit (`bytes`) keeps it as name.
fn split_unit(key: &str) -> (String, Unit) {
    let units = [
        ("_per_s", Unit::PerSecond),
        ("_ms", Unit::Milliseconds),
        ("_s", Unit::Seconds),
        ("_secs", Unit::Seconds),
        ("_bytes", Unit::Bytes),
        ("_percent", Unit::Percent),
    ];
    let ending = units.into_iter().find_map(|(end, unit)| key.strip_suffix(end).map(|name| (name, unit)));
    let (name, unit) = match (ending, key) {
        (Some((name, unit)), _) if !name.is_empty() => (name, unit),
        (_, "bytes") => (key, Unit::Bytes),
        (_, "seconds") => (key, Unit::Seconds),
        _ => (key, Unit::None),
    };
    (name.replace('_', " "), unit)
}

fn written(value: &Value, unit: Unit) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |figure| with_unit(figure, unit))
        }
        Value::Array(items) => {
            let mut words: Vec<_> = items.iter().take(LISTED).map(|item| written(item, unit)).collect();
            if items.len() > LISTED {
                words.push(format!("and {} more", items.len() - LISTED));
            }
            words.join(", ")
        }
        Value::Object(fields) => {
            let pairs = figures(fields).into_iter().take(LISTED);
            pairs.map(|figure| format!("{} {}", figure.name, figure.value)).collect::<Vec<_>>().join(" · ")
        }
    }
}

fn with_unit(figure: f64, unit: Unit) -> String {
    match unit {
        Unit::None => text::number(figure),
        Unit::Bytes => text::bytes(figure),
        Unit::Milliseconds => format!("{} ms", text::number(figure)),
        Unit::Seconds => format!("{} s", text::number(figure)),
        Unit::PerSecond => format!("{}/s", text::number(figure)),
        Unit::Percent => format!("{} %", text::number(figure)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(value: Value) -> Vec<String> {
        let Value::Object(map) = value else { panic!("not a map") };
        figures(&map).into_iter().map(|figure| format!("{}: {}", figure.name, figure.value)).collect()
    }

    #[test]
    fn the_end_of_the_name_is_the_unit() {
        let evidence = json!({"requests": 300, "seconds": 9.8, "median_latency_ms": 12.0, "body_bytes": 1_300_000,
                              "admitted_per_s": 30.4, "bytes": 10});
        assert_eq!(
            shown(evidence),
            [
                "requests: 300",
                "seconds: 9.8 s",
                "median latency: 12 ms",
                "body: 1.3 MB",
                "admitted: 30.4/s",
                "bytes: 10 B"
            ]
        );
    }

    #[test]
    fn lists_are_cut_and_nothing_is_shown_as_raw_json() {
        let evidence = json!({"statuses": [1, 2, 3, 4, 5, 6, 7, 8], "plateau": false, "fit": {"slope": 1.0, "r2": 0.999}});
        assert_eq!(
            shown(evidence),
            ["statuses: 1, 2, 3, 4, 5, 6, and 2 more", "plateau: no", "fit: slope 1 · r2 0.999"]
        );
    }

    #[test]
    fn pages_are_read_and_what_is_no_page_is_passed_over() {
        let evidence = json!({"pages": [{"size": 100, "bytes": 31_000, "latency_ms": 12.5}, {"size": "x"},
                                        {"size": null, "bytes": 9, "latency_ms": 1}]});
        let pages = pages(evidence.as_object().unwrap());
        assert_eq!(
            pages.iter().map(Page::label).collect::<Vec<_>>(),
            ["page size 100: 31 kB, 12.5 ms", "page size left out: 9 B, 1 ms"]
        );
        assert!(shown(evidence).is_empty());
    }
}
