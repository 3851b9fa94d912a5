//! What holds for all lines.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use ratewarden_logs::{Options, Reader};

use crate::envelopes::ENVELOPES;
use crate::options::{COMBINED, format};
use crate::owned::{BEGUN, Owned, SAMPLES, read, sample};

/// Every line of every sample.
fn all_lines() -> Vec<String> {
    SAMPLES.into_iter().flat_map(|name| sample(name).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// A call as it stands in a log, without what text must escape.
fn call() -> impl Strategy<Value = Owned> {
    let word = "[a-zA-Z0-9._~!$&'()*+,;=:@/-]{0,20}";
    let address = prop_oneof![
        any::<[u8; 4]>().prop_map(std::net::IpAddr::from),
        any::<[u8; 16]>().prop_map(|octets| std::net::IpAddr::from(octets).to_canonical()),
    ];
    let method = select(vec!["GET", "POST", "DELETE", "PROPFIND"]);
    let who = (address, "([a-z][a-z @.-]{0,10}[a-z])?");
    (
        who,
        method,
        "/[a-zA-Z0-9._~!$&'()*+,;=:@/-]{0,20}(\\?[a-zA-Z0-9._~=&/-]{0,20})?",
        prop_oneof![Just(0), 100..1_000_u16],
        0..1_000_000_u64,
        0..100_000_i64,
        word,
        "[ -!#-~&&[^\\\\]]{0,40}",
    )
        .prop_map(|((address, user), method, target, status, bytes, secs, referer, agent)| {
            let nothing = |text: String| if text == "-" { String::new() } else { text };
            Owned {
                address: Some(address),
                referer: nothing(referer),
                ..Owned::after(secs * 1000)
                    .asked(method, &target)
                    .answered(status, bytes)
                    .user(&user)
                    .agent(&nothing(agent))
            }
        })
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn combined(call: &Owned) -> String {
    let at = jiff::Timestamp::from_millisecond(call.at_ms).unwrap();
    format!(
        "{} - {} [{}] \"{} {} HTTP/1.1\" {:03} {} \"{}\" \"{}\"",
        call.address.unwrap(),
        dash(&call.user),
        at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        call.method,
        call.target,
        call.status,
        call.bytes,
        dash(&call.referer),
        dash(&call.agent),
    )
}

fn caddy(call: &Owned) -> String {
    serde_json::json!({
        "ts": call.at_ms / 1000, "status": call.status, "size": call.bytes, "user_id": call.user,
        "request": {
            "remote_ip": call.address, "method": call.method, "uri": call.target,
            "headers": { "User-Agent": [call.agent], "Referer": [call.referer] },
        },
    })
    .to_string()
}

proptest! {
    #[test]
    fn a_call_that_is_printed_is_read_back(call in call(), wrap in select(ENVELOPES.to_vec())) {
        for (name, line) in [("nginx-combined", combined(&call)), ("json-caddy", caddy(&call))] {
            for line in [line.clone(), wrap.1(&line)] {
                let mut reader = Reader::new(&Options::default());
                let (calls, result) = read(&mut reader, line.as_bytes());
                prop_assert_eq!(result, Ok(()), "{}", line);
                prop_assert_eq!(&calls, &vec![call.clone()], "{}", line);
                prop_assert_eq!(reader.form(), Some(name));
            }
        }
    }

    #[test]
    fn a_custom_format_that_is_combined_reads_what_the_built_in_does(call in call(), cut in any::<Index>(), junk: u8) {
        let mut line = combined(&call).into_bytes();
        let mut custom = Reader::new(&format(COMBINED));
        prop_assert_eq!(read(&mut custom, &line), (vec![call], Ok(())));
        // A line with a wrong byte in its fixed parts is read by both or by neither.
        let at = cut.index(line.len());
        line[at] = junk;
        let (ours, result) = read(&mut custom, &line);
        let (theirs, other) = read(&mut Reader::new(&format("nginx-combined")), &line);
        if result.is_ok() && other.is_ok() {
            prop_assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(&line));
        }
    }

    #[test]
    fn however_lines_are_split_among_readers_the_calls_are_the_same(
        order in vec((any::<Index>(), any::<Option<Index>>()), 1..60), cuts in vec(any::<bool>(), 60),
    ) {
        let all = all_lines();
        let lines: Vec<String> = order.iter().map(|(line, wrap)| {
            let line = line.get(&all);
            wrap.map_or_else(|| line.clone(), |wrap| wrap.get(&ENVELOPES).1(line))
        }).collect();
        let mut whole = Reader::new(&Options::default());
        let mut split = Reader::new(&Options::default());
        for (line, cut) in lines.iter().zip(cuts) {
            if cut {
                split = Reader::new(&Options::default());
            }
            prop_assert_eq!(read(&mut whole, line.as_bytes()), read(&mut split, line.as_bytes()), "{}", line);
        }
    }

    #[test]
    fn a_line_with_wrong_bytes_never_stops_a_reader(
        lines in vec((any::<Index>(), vec((any::<Index>(), any::<u8>()), 0..4), any::<Option<Index>>()), 1..8),
        told in select([None, Some(COMBINED)].into_iter().chain(SAMPLES.into_iter().map(Some)).collect::<Vec<_>>()),
    ) {
        let all = all_lines();
        let options = told.map(format).unwrap_or_default();
        let mut reader = Reader::new(&options);
        for (line, wrong, cut) in lines {
            let mut line = line.get(&all).clone().into_bytes();
            for (at, byte) in wrong {
                let at = at.index(line.len());
                line[at] = byte;
            }
            if let Some(cut) = cut {
                line.truncate(cut.index(line.len()));
            }
            let fresh = read(&mut Reader::new(&options), &line);
            prop_assert_eq!(read(&mut reader, &line), fresh);
        }
    }

    #[test]
    fn any_bytes_are_calls_or_a_fault(line in vec(any::<u8>(), 0..300)) {
        let mut reader = Reader::new(&Options::default());
        let (calls, result) = read(&mut reader, &line);
        prop_assert_eq!(calls.is_empty(), result.is_err());
    }
}

#[test]
fn the_first_moment_of_the_samples_is_what_it_says() {
    assert_eq!(jiff::Timestamp::from_millisecond(BEGUN).unwrap().to_string(), "2026-11-28T01:02:03Z");
}
