//! Requests as a client sends them, in pieces: a head ends where it ends however it comes, and what is sent on is a
//! request that says the same to a strict reader.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_http1::{
    HeadEnd, OutgoingRequest, check_query, normalise, parse_request, query_values, storage,
};

fuzz_target!(|input: &[u8]| {
    let whole = HeadEnd::default().find(input);
    let mut piecewise = HeadEnd::default();
    let end = (0..=input.len()).find_map(|end| piecewise.find(&input[..end]).transpose());
    match (&whole, &end) {
        (Ok(one), Some(Ok(two))) => assert_eq!(*one, Some(*two)),
        (Ok(one), None) => assert!(one.is_none()),
        (Err(_), Some(Err(_))) => {}
        other => panic!("{other:?}"),
    }
    let Ok(Some(end)) = whole else { return };
    let mut fields = storage();
    let protected = ["x-api-key".to_owned()];
    let Ok(head) = parse_request(&input[..end], &mut fields, &protected) else { return };
    let Ok(path) = normalise(head.path) else { return };
    assert_eq!(normalise(&path).as_deref(), Ok(&*path), "a normal form is its own");
    if head.query.is_some_and(|query| check_query(query).is_err()) {
        return;
    }
    for value in head.query.into_iter().flat_map(|query| query_values(query, "limit")) {
        assert!(value.len() <= input.len());
    }
    let outgoing = OutgoingRequest {
        path: &path,
        query: head.query,
        host: head.host,
        framing: head.framing,
        upgrade: None,
        without: &[],
        extra: &[("x-added", b"1")],
    };
    let mut sent = Vec::new();
    head.write(&outgoing, &mut sent);
    assert_eq!(HeadEnd::default().find(&sent).ok().flatten(), Some(sent.len()), "one head and nothing behind it");
    if head.host.is_empty() {
        return;
    }
    let mut fields = storage();
    let again = parse_request(&sent, &mut fields, &protected).expect("what is sent on is well-formed");
    assert_eq!((again.method, again.path, again.query), (head.method, &*path, head.query));
    assert_eq!((again.host, again.framing), (head.host, head.framing));
    assert!(head.forwarded().all(|field| again.forwarded().any(|other| other == field)));
});
