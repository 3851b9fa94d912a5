//! Windows of a clock, of which the scan sees one end or none: no more is claimed than that.

use ratewarden_model::Confidence;

use super::*;
use crate::infer::Edge;

/// A window of the clock that ends first at `end`, with a part of the first one spent.
fn clock_window(limit: u32, end: f64, window: f64, spent: u32) -> impl FnMut(f64) -> bool {
    let (mut count, mut end) = (spent, end);
    move |at| {
        while at >= end {
            (count, end) = (0, end + window);
        }
        count += 1;
        count <= limit
    }
}

/// The same clock, so that a full minute falls on `end`.
fn on_the_minute(end: f64) -> Conditions {
    Conditions { unix_at_zero: 6_000.0 - end, ..CONDITIONS }
}

fn explained(decide: impl FnMut(f64) -> bool, conditions: Conditions) -> Inference {
    infer(&drive(decide), conditions).unwrap()
}

#[test]
fn a_calendar_minute_that_ended_once_is_only_at_least() {
    // Round times are no better: the scan began by chance so long before the minute was full.
    for end in [1.5, 2.3, 3.0, 4.37, 5.0, 7.9, 10.0, 11.2, 12.7] {
        let found = explained(clock_window(40, end, 60.0, 0), on_the_minute(end));
        let text = explain(Some(&found));
        assert_eq!((found.fit.algorithm, found.fit.limit), (Algorithm::FixedWindow, Some(40)), "{text}");
        assert_eq!((found.fit.window, found.fit.whole), (None, false), "{end}: {text}");
        assert!(found.fit.on_the_minute, "{end}: {text}");
        let least = found.window_at_least.unwrap();
        // From the first call to the end, or from there to the last knock, whichever is longer: the knocks go on for 13 s.
        assert!((f64::max(end, 13.0 - end) - 2.0..15.0).contains(&least), "{least} for {end}");
        assert_eq!(found.confidence, Confidence::Firm, "{end}: {text}");
    }
}

#[test]
fn an_end_on_no_full_minute_is_a_window_that_nobody_configures() {
    for end in [2.3, 4.37, 6.6, 11.2, 12.7] {
        let found = explained(clock_window(40, end, 60.0, 0), CONDITIONS);
        let text = explain(Some(&found));
        assert_eq!((found.fit.window, found.fit.on_the_minute), (None, false), "{end}: {text}");
        assert!(found.window_at_least.is_some(), "{end}: {text}");
    }
}

#[test]
fn two_ends_show_a_whole_window_of_the_clock() {
    let found = explained(clock_window(20, 1.7, 5.0, 0), CONDITIONS);
    let text = explain(Some(&found));
    assert!(near(found.fit.window, 5.0, 0.05) && found.fit.whole, "{text}");
    assert_eq!(found.window_at_least, None, "{text}");
}

#[test]
fn one_end_at_a_usual_time_after_the_first_call_is_that_window_but_not_whole() {
    let found = explained(first_call_window(30, 10.0), CONDITIONS);
    let text = explain(Some(&found));
    assert!(near(found.fit.window, 10.0, 0.05) && !found.fit.whole, "{text}");
}

#[test]
fn a_quota_that_was_spent_in_part_is_known_by_its_next_window() {
    let end = 6.6;
    let found = explained(clock_window(40, end, 60.0, 25), on_the_minute(end));
    let text = explain(Some(&found));
    assert_eq!((found.fit.algorithm, found.fit.limit), (Algorithm::FixedWindow, Some(40)), "{text}");
    assert_eq!(found.fit.window, None, "{text}");
}

#[test]
fn a_window_that_ended_before_the_first_rejection_is_believed_where_the_answers_and_the_clock_say_so() {
    let end = 0.95;
    let samples = drive(clock_window(40, end, 60.0, 0));
    let renewed = samples.windows(2).find(|pair| pair[1].at >= end);
    let renewed = renewed.map(|pair| Edge { from: pair[0].at, to: pair[1].at });
    assert!(renewed.is_some_and(|edge| edge.to < 1.0), "{renewed:?}");
    let told = Conditions { renewed, ..on_the_minute(end) };
    let found = infer(&samples, told).unwrap();
    assert_eq!(found.fit.limit, Some(40), "{}", explain(Some(&found)));
    // What the answers say alone proves nothing.
    let untold = Conditions { renewed: None, ..told };
    let elsewhere = Conditions { unix_at_zero: told.unix_at_zero + 20.0, ..told };
    for conditions in [untold, elsewhere] {
        let found = infer(&samples, conditions).unwrap();
        assert!(found.fit.limit.is_some_and(|limit| limit > 40), "{}", explain(Some(&found)));
        assert!(!found.fit.whole);
    }
}
