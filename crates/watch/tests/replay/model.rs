//! A replay decides as a slow and obvious model of the same policy.

use std::collections::HashMap;

use proptest::prelude::*;
use ratewarden_model::Call;
use ratewarden_watch::replay::Outcome;

use super::{MIDNIGHT, adds_up, call, replay};

/// A limit of each kind, with and without a path, for each caller and for all.
const POLICY: &str = "\
    [[limit]]\nname = \"rate\"\nper = [\"caller\"]\nrate = \"6/1m\"\nburst = 3\n\
    [[limit]]\nname = \"window\"\nmatch = { path = \"/w/{id}\" }\nper = [\"path:id\"]\nwindow = \"5/15s\"\n\
    [[limit]]\nname = \"quota\"\nper = []\nquota = { calls = 20, each = \"minute\", zone = \"UTC\" }\n\
    [[limit]]\nname = \"open\"\nper = [\"address\"]\nconcurrent = 2\n";

const TARGETS: [&str; 4] = ["/w/a", "/w/b?x=1", "/w//b", "/other"];

#[derive(Debug, Clone)]
struct Step {
    wait_ms: i64,
    caller: u8,
    target: usize,
    took_ms: i64,
}

/// Obvious and slow: every call that was admitted is kept.
#[derive(Default)]
struct Model {
    admitted: Vec<(i64, Step)>,
    rejected: HashMap<&'static str, u64>,
}

impl Model {
    fn decide(&mut self, first: i64, now: i64, step: &Step) -> bool {
        let mut rejecting = Vec::new();
        if !self.has_token(first, now, step.caller) {
            rejecting.push("rate");
        }
        if let Some(id) = id(step) {
            let slice = |at: i64| (at - first) / 1_000;
            let recent =
                |(at, step): &&(i64, Step)| self::id(step) == Some(id) && slice(*at) + 15 >= slice(now);
            if self.admitted.iter().filter(recent).count() >= 5 {
                rejecting.push("window");
            }
        }
        if self.admitted.iter().filter(|(at, _)| at / 60_000 == now / 60_000).count() >= 20 {
            rejecting.push("quota");
        }
        let open = |(at, other): &&(i64, Step)| other.caller == step.caller && at + other.took_ms > now;
        if self.admitted.iter().filter(open).count() >= 2 {
            rejecting.push("open");
        }
        for &limit in &rejecting {
            *self.rejected.entry(limit).or_default() += 1;
        }
        if rejecting.is_empty() {
            self.admitted.push((now, step.clone()));
        }
        rejecting.is_empty()
    }

    /// A bucket of three that gains a token every ten seconds, filled millisecond by millisecond; in ten-thousandths.
    fn has_token(&self, first: i64, now: i64, caller: u8) -> bool {
        let (mut level, mut at) = (30_000, first);
        for (when, _) in self.admitted.iter().filter(|(_, step)| step.caller == caller) {
            level = (level + when - at).min(30_000) - 10_000;
            at = *when;
        }
        (level + now - at).min(30_000) >= 10_000
    }
}

fn id(step: &Step) -> Option<char> {
    TARGETS[step.target].starts_with("/w/").then_some(if step.target == 0 { 'a' } else { 'b' })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![4 => 0_i64..1_500, 1 => 0_i64..40_000, 1 => Just(0)];
    let step = (wait, 0_u8..3, 0..TARGETS.len(), prop_oneof![Just(0_i64), 0_i64..20_000]);
    let step = step.prop_map(|(wait_ms, caller, target, took_ms)| Step { wait_ms, caller, target, took_ms });
    prop::collection::vec(step, 1..120)
}

proptest! {
    #[test]
    fn a_replay_decides_as_the_model_does(steps in steps(), begin in 0_i64..120_000) {
        let mut replay = replay(POLICY);
        let mut model = Model::default();
        let first = MIDNIGHT + begin + steps[0].wait_ms;
        let mut now = MIDNIGHT + begin;
        for (number, step) in steps.iter().enumerate() {
            now += step.wait_ms;
            let micros = Some(u64::try_from(step.took_ms).unwrap() * 1_000);
            let call = Call { micros, ..call(now, step.caller, TARGETS[step.target]) };
            let admitted = replay.see(&call) == Some(Outcome::Admitted);
            prop_assert_eq!(admitted, model.decide(first, now, step), "call {} at {}", number, now - first);
        }
        let report = replay.finish();
        prop_assert!(adds_up(&report));
        prop_assert_eq!(report.admitted, model.admitted.len() as u64);
        for limit in &report.limits {
            let rejected = model.rejected.get(limit.name.as_str()).copied().unwrap_or(0);
            prop_assert_eq!(limit.rejected, Some(rejected), "{}", &limit.name);
            let listed: u64 = limit.rejected_callers.iter().map(|caller| caller.rejected).sum();
            prop_assert_eq!(listed, rejected);
        }
    }

    #[test]
    fn a_limit_that_nobody_reaches_rejects_nothing(steps in steps()) {
        let most = steps.len();
        let mut replay = replay(&format!(
            "[[limit]]\nname = \"a\"\nper = [\"caller\"]\nrate = \"{most}/1h\"\n\
             [[limit]]\nname = \"b\"\nper = []\nquota = {{ calls = {most}, each = \"year\", zone = \"UTC\" }}\n"
        ));
        let mut now = MIDNIGHT;
        for step in &steps {
            now += step.wait_ms;
            replay.see(&call(now, step.caller, TARGETS[step.target]));
        }
        let report = replay.finish();
        prop_assert_eq!(report.admitted, report.calls);
        for limit in report.limits {
            prop_assert_eq!((limit.matched, limit.rejected), (Some(most as u64), Some(0)));
            prop_assert!(limit.rejected_callers.is_empty());
        }
    }
}
