//! What is in the drawings; how they look was judged by eye.

use serde_json::json;

use super::*;
use crate::{evidence, sample};

#[test]
fn admitted_and_rejected_differ_in_shape_and_the_model_is_drawn() {
    let chart = timeline(&sample::token_bucket().limiters[0].timeline).unwrap().unwrap();
    for svg in [&chart.wide, &chart.narrow] {
        let circles = svg.matches("<circle").count();
        let crosses = svg.matches("stroke=\"var(--rejected)\"").count();
        assert!(circles > 20 && crosses > 20, "{circles} circles, {crosses} lines of crosses");
        assert!(svg.contains("<polygon") && svg.contains("fill=\"var(--model)\""));
        assert!(svg.contains("calls left (model)") && svg.contains("latency"));
    }
}

#[test]
fn colours_are_those_of_the_theme_and_the_size_is_the_pages() {
    let chart = timeline(&sample::windows().limiters[1].timeline).unwrap().unwrap();
    assert!(chart.wide.starts_with("<svg viewBox=\"0 0 1720 "), "{}", &chart.wide[..80]);
    assert!(!chart.wide.contains("\"#"), "a fixed colour is left");
}

#[test]
fn without_a_model_or_without_points_there_is_less_to_draw() {
    let chart = timeline(&sample::unlimited().limiters[0].timeline).unwrap().unwrap();
    assert!(!chart.wide.contains("(model)") && !chart.wide.contains("--model"));
    assert_eq!(timeline(&Default::default()).unwrap(), None);
}

#[test]
fn a_long_scan_makes_no_huge_chart() {
    let mut timeline = sample::unlimited().limiters[0].timeline.clone();
    let long: Vec<_> = (0..20).flat_map(|_| timeline.requests.clone()).collect();
    timeline.requests = long;
    let chart = super::timeline(&timeline).unwrap().unwrap();
    assert!(chart.wide.len() < 600_000, "{}", chart.wide.len());
}

#[test]
fn page_sizes_are_drawn_with_what_came_when_the_parameter_was_left_out() {
    let report = sample::token_bucket();
    let finding = report.findings.iter().find(|finding| finding.rule == "scan.unbounded-read").unwrap();
    let chart = pages(&evidence::pages(&finding.evidence)).unwrap().unwrap();
    for label in ["left out: 6.2 MB", "left out: 1.7 s", "bytes by page size", "10000"] {
        assert!(chart.wide.contains(label), "{label}");
    }
    let one = json!({"pages": [{"size": 1, "bytes": 1, "latency_ms": 1}]});
    assert_eq!(pages(&evidence::pages(one.as_object().unwrap())).unwrap(), None);
}

#[test]
fn senseless_figures_do_not_break_a_chart() {
    let odd = json!({"pages": [{"size": 0, "bytes": 0, "latency_ms": 0}, {"size": 1, "bytes": 0, "latency_ms": 0},
                               {"size": 1e300, "bytes": 1e308, "latency_ms": 1e300}, {"size": -5, "bytes": -1, "latency_ms": -1},
                               {"size": 10, "bytes": 5, "latency_ms": 5}]});
    pages(&evidence::pages(odd.as_object().unwrap())).unwrap();
    let mut timeline = sample::token_bucket().limiters[0].timeline.clone();
    timeline.requests[3].at_ms = f64::NAN;
    timeline.requests[4].latency_ms = f64::INFINITY;
    timeline.requests[5].at_ms = -5.0;
    timeline.model[2] = [f64::NAN, 1.0];
    timeline.model[3] = [1e300, 1e300];
    super::timeline(&timeline).unwrap();
}
