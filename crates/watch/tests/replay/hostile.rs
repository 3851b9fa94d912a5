//! Calls as a log never has them, or only where somebody meant harm.

use std::net::IpAddr;

use proptest::prelude::*;
use ratewarden_model::{Basis, Call, CallCaller};
use ratewarden_report::Options;
use ratewarden_watch::replay::pretty;
use ratewarden_watch::suggest::{self, Suggest};

use super::{adds_up, replay};

const POLICY: &str = "\
    [[plan]]\nname = \"free\"\ndefault = true\n\
    [[caller]]\nfrom = \"header:x-api-key\"\n[[caller]]\nfrom = \"cookie:s\"\n[[caller]]\nfrom = \"basic\"\n\
    [[limit]]\nname = \"rate\"\nper = [\"caller\", \"route\", \"method\"]\nrate = \"2/1s\"\nsettle = \"response-bytes:1KiB\"\n\
    [[limit]]\nname = \"window\"\nmatch = { path = \"/{a}/{*b}\" }\nper = [\"path:b\", \"user\"]\nwindow = \"3/1m\"\ncost = \"query:n\"\n\
    [[limit]]\nname = \"quota\"\nwhen = 'request.path != \"/\" && request.query.size() < 3'\nper = []\nquota = { calls = 9, each = \"month\", zone = \"Europe/Zurich\" }\n\
    [[limit]]\nname = \"open\"\nper = [\"address\", \"header:user-agent\"]\nconcurrent = 1\n\
    [[penalty]]\nname = \"p\"\nper = \"address\"\nafter = \"2 rejections/1m\"\nban = \"1s\"\nup-to = \"1h\"\n";

#[derive(Debug, Clone)]
struct Owned {
    at_ms: i64,
    address: Option<IpAddr>,
    caller: (u8, Vec<u8>),
    texts: [Vec<u8>; 5],
    status: u16,
    bytes: u64,
    micros: Option<u64>,
}

fn owned() -> impl Strategy<Value = Owned> {
    let text = || {
        prop_oneof![
            3 => "/[a-z/.%?&=0-9;{}@-]{0,12}".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 0..40),
            1 => Just(b"GET".to_vec()),
            1 => Just(Vec::new()),
        ]
    };
    let at = prop_oneof![6 => 1_795_737_600_000_i64..1_795_737_660_000, 1 => any::<i64>(), 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    let number = || prop_oneof![0_u64..5_000, any::<u64>()];
    (
        at,
        prop::option::of(any::<IpAddr>()),
        (0_u8..4, text()),
        [text(), text(), text(), text(), text()],
        any::<u16>(),
        number(),
        prop::option::of(number()),
    )
        .prop_map(|(at_ms, address, caller, texts, status, bytes, micros)| Owned {
            at_ms,
            address,
            caller,
            texts,
            status,
            bytes,
            micros,
        })
}

impl Owned {
    fn call(&self) -> Call<'_> {
        let [method, target, user, agent, referer] = &self.texts;
        let caller = match &self.caller {
            (0, _) => CallCaller::Nobody,
            (1, name) => CallCaller::Hashed { id: u128::from(self.bytes), name },
            (_, secret) => CallCaller::Credential(secret),
        };
        let (status, bytes, micros) = (self.status, self.bytes, self.micros);
        let (at_ms, address) = (self.at_ms, self.address);
        let basis = match self.status % 5 {
            0 => Basis::Proved,
            1 => Basis::Claimed,
            2 => Basis::Unchecked,
            3 => Basis::Refused,
            _ => Basis::Unsaid,
        };
        Call {
            address,
            caller,
            basis,
            user,
            method,
            target,
            status,
            bytes,
            micros,
            agent,
            referer,
            ..Call::at(at_ms)
        }
    }
}

proptest! {
    #[test]
    fn whatever_calls_hold_a_replay_adds_up_and_shows_nothing_that_steers(
        calls in prop::collection::vec(owned(), 1..60),
    ) {
        let mut replay = replay(POLICY);
        for call in &calls {
            replay.see(&call.call());
        }
        let report = replay.finish();
        prop_assert_eq!(report.calls, calls.len() as u64);
        prop_assert!(adds_up(&report), "{:?}", report);
        for limit in &report.limits {
            prop_assert!(limit.matched >= limit.rejected && limit.callers >= limit.callers_rejected, "{:?}", limit);
        }
        let page = pretty(&report, &Options::default());
        prop_assert!(!page.contains(|c: char| c.is_control() && c != '\n'), "{}", page);
        let json = report.to_json().unwrap();
        prop_assert!(!json.contains(|c: char| c.is_control() && c != '\n'), "{}", json);
    }

    #[test]
    fn whatever_calls_hold_what_is_suggested_is_a_policy(calls in prop::collection::vec(owned(), 1..60)) {
        let mut suggest = Suggest::new(suggest::Options::default(), &[1; 16]).unwrap();
        for call in &calls {
            suggest.see(&call.call());
        }
        if let Ok(suggestion) = suggest.finish() {
            prop_assert!(!suggestion.policy().limits.is_empty() || suggestion.report().groups[0].callers_failing > 0);
        }
    }
}
