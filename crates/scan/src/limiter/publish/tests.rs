//! A published limit is called wrong where what was seen contradicts it, and only there.

use super::*;

const CALLS: u64 = 40;

fn said(limit: u64, window: Option<u64>) -> PublishedLimit {
    PublishedLimit {
        limit: Some(limit),
        window: window.map(Duration::from_secs),
        ..PublishedLimit::of("ietf-10")
    }
}

/// A fixed window of which this was seen.
fn seen(limit: u64, window: Option<f64>, at_least: Option<f64>, whole: bool) -> Inference {
    let fit = Fit { limit: Some(limit), window, whole, ..Fit::new(Algorithm::FixedWindow, 0, 0.0) };
    Inference { fit, window_at_least: at_least, confidence: Confidence::Firm, runner_up: None }
}

fn agrees(said: &PublishedLimit, seen: &Inference) -> Option<bool> {
    judged(said, seen, None).0
}

#[test]
fn a_window_that_no_scan_can_wait_for_is_not_contradicted() {
    for window in [60, 3_600, 86_400, 2_592_000] {
        let cut = seen(CALLS, None, Some(12.7), false);
        assert_eq!(agrees(&said(CALLS, Some(window)), &cut), None, "{window} s");
        // One end that was seen a round time after the first call proves no more.
        let once = seen(CALLS, Some(10.0), None, false);
        assert_eq!(agrees(&said(CALLS, Some(window)), &once), None, "{window} s");
    }
}

#[test]
fn a_window_that_is_shorter_than_what_was_seen_is_wrong() {
    let cut = seen(CALLS, None, Some(12.7), false);
    assert_eq!(agrees(&said(CALLS, Some(5)), &cut), Some(false));
    let once = seen(CALLS, Some(10.0), None, false);
    assert_eq!(agrees(&said(CALLS, Some(5)), &once), Some(false));
}

#[test]
fn a_whole_window_contradicts_a_longer_one_too() {
    let whole = seen(CALLS, Some(10.0), None, true);
    assert_eq!(agrees(&said(CALLS, Some(60)), &whole), Some(false));
    assert_eq!(agrees(&said(CALLS, Some(5)), &whole), Some(false));
    assert_eq!(agrees(&said(CALLS, Some(10)), &whole), Some(true));
}

#[test]
fn a_limit_is_contradicted_by_what_no_window_of_its_kind_admits() {
    let cut = |admitted| seen(admitted, None, Some(13.0), false);
    let published = said(CALLS, Some(60));
    assert_eq!(agrees(&published, &cut(39)), None);
    assert_eq!(agrees(&published, &cut(70)), None, "a window may have ended in between");
    assert_eq!(agrees(&published, &cut(90)), Some(false));
    assert_eq!(agrees(&published, &seen(70, Some(60.0), None, true)), Some(false));
    assert_eq!(agrees(&published, &cut(12)), Some(false));
    assert_eq!(judged(&published, &cut(12), Some(12)).0, None, "others had spent a part before");
}

#[test]
fn an_explanation_that_is_not_sure_contradicts_nobody_who_agrees_with_the_next() {
    let bucket = Fit { rate: Some(400.0), burst: Some(2), ..Fit::new(Algorithm::TokenBucket, 0, 0.0) };
    let flight = Fit { limit: Some(CALLS), ..Fit::new(Algorithm::Concurrency, 0, 0.0) };
    let found = |confidence| Inference {
        fit: bucket.clone(),
        window_at_least: None,
        confidence,
        runner_up: Some(flight.clone()),
    };
    assert_eq!(agrees(&said(CALLS, Some(1)), &found(Confidence::Tentative)), None);
    assert_eq!(agrees(&said(CALLS, Some(1)), &found(Confidence::Firm)), Some(false));
}
