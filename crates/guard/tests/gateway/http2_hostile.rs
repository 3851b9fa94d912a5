//! Hostile clients that speak HTTP/2: each has a stated outcome.

use std::time::{Duration, Instant};

use http::{Method, Request};

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, Outcome, RST_STREAM, SETTINGS, block, frame,
};
use crate::http2_client::{Whole, call, connect, get, run};
use crate::server::{Echo, Gateway, wait_for_lines};

type Field = (&'static [u8], &'static [u8]);

const PSEUDO: [Field; 4] =
    [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"a.test")];

/// Sends a call with a body and says what became of it.
fn outcome(gateway: &Gateway, fields: &[Field], body: &[u8]) -> Outcome {
    let mut frames = Frames::connect(gateway.guard().http()[0]);
    // A write fails where the gateway has ended the connection already.
    let _ = frames.send(HEADERS, END_HEADERS, 1, &block(fields));
    let _ = frames.send(DATA, END_STREAM, 1, body);
    frames.outcome(1)
}

fn with(field: Field) -> Vec<Field> {
    PSEUDO.iter().copied().chain([field]).collect()
}

/// The plain call with one of its pseudo-fields changed.
fn changed(name: &'static [u8], value: &'static [u8]) -> Vec<Field> {
    PSEUDO.iter().map(|&field| if field.0 == name { (name, value) } else { field }).collect()
}

#[test]
fn what_could_be_smuggled_by_a_downgrade_never_reaches_the_server() {
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, "");
    let smuggled: &[u8] = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    let corpus = [
        with((b"transfer-encoding", b"chunked")),
        with((b"Transfer-Encoding", b"chunked")),
        with((b"transfer-encoding ", b"chunked")),
        with((b"connection", b"keep-alive")),
        with((b"connection", b"x-forwarded-for")),
        with((b"upgrade", b"h2c")),
        with((b"keep-alive", b"1")),
        with((b"proxy-connection", b"close")),
        with((b"te", b"gzip")),
        with((b"content-length", b"0")),
        with((b"content-length", b"5")),
        with((b"content-length", b"500")),
        with((b"content-length", b"+40")),
        with((b"content-length", b"40, 40")),
        with((b"x", b"a\r\ntransfer-encoding: chunked")),
        with((b"x", b"a\nb: c")),
        with((b"x", b"a\0b")),
        with((b"x\r\ny", b"a")),
        with((b"x: y\r\ntransfer-encoding", b"chunked")),
        with((b"x", b" padded")),
        with((b"x", b"padded\t")),
        with((b"", b"empty")),
        with((b"X", b"upper")),
        with((b"host", b"b.test")),
        with((b":path", b"/other")),
        with((b":unknown", b"x")),
        with((b":status", b"200")),
        changed(b":path", b"/ HTTP/1.1\r\nhost: b\r\n\r\nGET /smuggled"),
        changed(b":path", b"/a b"),
        changed(b":path", b"/a/../b"),
        changed(b":path", b"/a%2fb"),
        changed(b":path", b"/a%2e%2e/..%2f"),
        changed(b":path", b""),
        changed(b":path", b"a"),
        changed(b":path", b"http://b.test/"),
        changed(b":method", b"GET / HTTP/1.1\r\nx: y\r\n\r\nGET"),
        changed(b":method", b"GE T"),
        changed(b":method", b"TRACE"),
        changed(b":method", b"CONNECT"),
        [&changed(b":method", b"CONNECT")[..], &[(b":protocol", b"websocket")]].concat(),
        changed(b":authority", b"a.test\r\nx: y"),
        changed(b":authority", b"user@a.test"),
        changed(b":authority", b"a.test/b"),
        changed(b":authority", b""),
    ];
    for fields in &corpus {
        let outcome = outcome(&gateway, fields, smuggled);
        assert!(!matches!(outcome, Outcome::Answer(Some(200))), "{fields:?}: {outcome:?}");
    }
    let mut double = with((b"content-length", b"40"));
    double.push((b"content-length", b"40"));
    assert_eq!(outcome(&gateway, &double, smuggled), Outcome::Answer(Some(400)));
    assert_eq!(echo.answered(), 0);
    // And the plain call passes, with the same bytes as its body.
    assert_eq!(outcome(&gateway, &PSEUDO, smuggled), Outcome::Answer(Some(200)));
    assert_eq!(outcome(&gateway, &with((b"host", b"A.TEST")), smuggled), Outcome::Answer(Some(200)));
    assert_eq!(echo.answered(), 2);
}

#[test]
fn tunnels_are_refused_and_too_much_has_its_own_status() {
    let echo = Echo::start();
    let gateway =
        Gateway::start(echo.address, "[caps]\nheaders = 10\nhead-bytes = \"8KiB\"\nbody-bytes = \"1KiB\"\n");
    run(async {
        let mut sender = connect::<Whole>(gateway.guard().http()[0]).await;
        let mut connecting = get("/", &[]);
        (*connecting.method_mut(), *connecting.uri_mut()) = (Method::CONNECT, "a.test:80".parse().unwrap());
        assert_eq!(call(&mut sender, connecting).await.status, 405);
        let mut many = get("/", &[]);
        for number in 0..11 {
            many.headers_mut().append("x", number.into());
        }
        assert_eq!(call(&mut sender, many).await.status, 431);
        let long = "y".repeat(9_000);
        assert_eq!(call(&mut sender, get("/", &[("x", &long)])).await.status, 431);
        let post = |size: usize| Request::post("http://a.test/").body(Whole::from("z".repeat(size))).unwrap();
        assert_eq!(call(&mut sender, post(1_025)).await.status, 413);
        assert_eq!(call(&mut sender, get("/", &[("expect", "magic")])).await.status, 417);
        assert_eq!(echo.answered(), 0);
        assert_eq!(call(&mut sender, post(1_024)).await.status, 200);
    });
}

#[test]
fn a_client_that_says_nothing_or_stops_in_a_head_is_closed() {
    let gateway = Gateway::start_impatient(Echo::start().address, "", "");
    let mut silent = Frames::connect(gateway.guard().http()[0]);
    let mut midway = Frames::connect(gateway.guard().http()[0]);
    midway.send(HEADERS, 0, 1, &block(&PSEUDO)).unwrap();
    for frames in [&mut silent, &mut midway] {
        let outcome = frames.outcome(1);
        assert!(matches!(outcome, Outcome::Closed | Outcome::GoAway), "{outcome:?}");
    }
}

#[test]
fn a_flood_of_resets_ends_its_connection_and_harms_nobody_else() {
    let gateway = Gateway::start(Echo::start().address, "");
    let address = gateway.guard().http()[0];
    let flood = |frames: &mut Frames| {
        let get = block(&[(b":method", b"GET"), PSEUDO[1], PSEUDO[2], PSEUDO[3]]);
        let begun = Instant::now();
        for number in 0.. {
            let stream = 2 * number + 1;
            let reset = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
            let both = [frame(HEADERS, END_HEADERS | END_STREAM, stream, &get), reset].concat();
            if frames.send_bytes(&both).is_err() {
                return number;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "the flood goes on");
        }
        0
    };
    std::thread::scope(|scope| {
        let floods: Vec<_> = (0..4).map(|_| scope.spawn(|| flood(&mut Frames::connect(address)))).collect();
        run(async {
            let mut sender = connect::<Whole>(address).await;
            for _ in 0..200 {
                assert_eq!(call(&mut sender, get("/", &[])).await.status, 200);
            }
        });
        for flood in floods {
            assert!(flood.join().unwrap() > 0);
        }
    });
}

#[test]
fn a_body_that_is_cut_off_does_not_reach_the_server_as_a_whole() {
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, "");
    for fields in [PSEUDO.to_vec(), with((b"content-length", b"10"))] {
        let mut frames = Frames::connect(gateway.guard().http()[0]);
        frames.send(HEADERS, END_HEADERS, 1, &block(&fields)).unwrap();
        frames.send(DATA, 0, 1, b"hello").unwrap();
        frames.send(RST_STREAM, 0, 1, &8_u32.to_be_bytes()).unwrap();
        // The next call's answer shows that the reset was seen.
        let get = block(&[(b":method", b"GET"), PSEUDO[1], PSEUDO[2], PSEUDO[3]]);
        frames.send(HEADERS, END_HEADERS | END_STREAM, 3, &get).unwrap();
        assert_eq!(frames.outcome(3), Outcome::Answer(Some(200)));
    }
    assert_eq!(echo.answered(), 2);
}

#[test]
fn a_connection_that_nobody_uses_is_told_to_go() {
    let gateway = Gateway::start_impatient(Echo::start().address, "", "idle = \"500ms\"\n");
    let mut frames = Frames::connect(gateway.guard().http()[0]);
    let get = block(&[(b":method", b"GET"), PSEUDO[1], PSEUDO[2], PSEUDO[3]]);
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &get).unwrap();
    assert_eq!(frames.outcome(1), Outcome::Answer(Some(200)));
    assert_eq!(frames.outcome(3), Outcome::GoAway);
}

#[test]
fn a_client_that_has_called_has_longer_than_one_that_says_nothing() {
    let gateway = Gateway::start_impatient(Echo::start().address, "", "idle = \"1h\"\n");
    let mut frames = Frames::connect(gateway.guard().http()[0]);
    let get = block(&[(b":method", b"GET"), PSEUDO[1], PSEUDO[2], PSEUDO[3]]);
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &get).unwrap();
    assert_eq!(frames.outcome(1), Outcome::Answer(Some(200)));
    // One that comes later and is closed shows that the time for a head is over for both.
    assert_eq!(Frames::connect(gateway.guard().http()[0]).outcome(1), Outcome::Closed);
    frames.send(HEADERS, END_HEADERS | END_STREAM, 3, &get).unwrap();
    assert_eq!(frames.outcome(3), Outcome::Answer(Some(200)));
}

#[test]
fn a_client_that_does_not_read_its_answer_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.ndjson");
    let gateway = Gateway::start_impatient(
        Echo::start().address,
        "",
        &format!("[log]\naccess = \"{}\"\n", log.display()),
    );
    let mut frames = Frames::connect(gateway.guard().http()[0]);
    // No window: not a byte of a body may be sent to it. Its own body is longer than what is held for it.
    frames.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).unwrap();
    frames.send(HEADERS, END_HEADERS, 1, &block(&PSEUDO)).unwrap();
    for number in 0..40 {
        let flags = if number == 39 { END_STREAM } else { 0 };
        frames.send(DATA, flags, 1, &[b'x'; 1_600]).unwrap();
    }
    let line = &wait_for_lines(&log, 1)[0];
    assert_eq!((&line["decision"], &line["status"]), (&"admitted".into(), &0.into()), "{line}");
}

#[test]
fn a_call_that_is_given_up_gives_back_what_it_held() {
    // It accepts and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let rules = "[[limit]]\nname = \"one\"\nper = []\nconcurrent = 1\n";
    let gateway = Gateway::start_impatient(silent.local_addr().unwrap(), "", rules);
    let mut frames = Frames::connect(gateway.guard().http()[0]);
    let get = block(&[(b":method", b"GET"), PSEUDO[1], PSEUDO[2], PSEUDO[3]]);
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &get).unwrap();
    let first = silent.accept().unwrap();
    assert_eq!(gateway.get("/", "").status, 429, "the one is under way");
    frames.send(RST_STREAM, 0, 1, &8_u32.to_be_bytes()).unwrap();
    // The gateway ends the call to the server, which the server sees.
    let read = std::io::Read::read_to_end(&mut &first.0, &mut Vec::new());
    assert!(read.is_ok(), "{read:?}");
    // A moment later it has given back what the call held: one is admitted, to a server as silent as ever.
    let begun = Instant::now();
    let again = || gateway.get("/", "").status;
    let status =
        std::iter::repeat_with(again).find(|&status| status != 429 || begun.elapsed().as_secs() > 20);
    assert_eq!(status, Some(504));
}

#[test]
fn a_head_without_end_ends_its_connection() {
    let gateway = Gateway::start(Echo::start().address, "");
    let mut frames = Frames::connect(gateway.guard().http()[0]);
    frames.send(HEADERS, END_STREAM, 1, &block(&PSEUDO)).unwrap();
    let more = block(&[(b"x-more", &[b'y'; 120])]);
    let begun = Instant::now();
    while frames.send(CONTINUATION, 0, 1, &more).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the head goes on");
    }
    assert_eq!(gateway.get("/", "").status, 200);
}

#[test]
fn a_client_that_only_gives_up_calls_loses_its_connection() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gateway = Gateway::start(silent.local_addr().unwrap(), "");
    let mut frames = Frames::connect(gateway.guard().http()[0]);
    let get = block(&[(b":method", b"GET"), PSEUDO[1], PSEUDO[2], PSEUDO[3]]);
    // One after the other, each of them on its way already: nothing that a cap on open streams would see.
    for number in 0..101 {
        frames.send(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, &get).unwrap();
        let (mut server, _) = silent.accept().unwrap();
        frames.send(RST_STREAM, 0, 2 * number + 1, &8_u32.to_be_bytes()).unwrap();
        std::io::Read::read_to_end(&mut server, &mut Vec::new()).unwrap();
    }
    assert_eq!(frames.outcome(999), Outcome::Closed);
}

#[test]
fn a_small_head_that_unpacks_into_a_large_one_is_refused() {
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, "");
    // A field of 4000 bytes that the table keeps, and ten thousand times a byte that means it again: 40 MB.
    let mut bomb = block(&PSEUDO);
    bomb.extend_from_slice(&[0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
    bomb.extend_from_slice(&[b'y'; 4_000]);
    bomb.extend_from_slice(&[0xbe; 10_000]);
    let mut frames = Frames::connect(gateway.guard().http()[0]);
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &bomb).unwrap();
    assert_ne!(frames.outcome(1), Outcome::Answer(Some(200)));
    assert_eq!(echo.answered(), 0);
}
