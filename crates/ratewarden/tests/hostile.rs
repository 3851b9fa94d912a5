//! The real binary against bad input: targets that misbehave in every way we could think of, and files that are not
//! what they should be. Whatever happens, a run ends in time, in bounded memory, with the right exit code and a hint,
//! never panics, obeys no target's escape sequences and shows no credential.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "hostile/mod.rs"]
mod hostile;

use hostile::{Echo, Hostile, Mode, Outcome, Run, closed_port};

/// The exit codes of design.md. Where a case may end in several ways, the likeliest stands first.
const FINE: i32 = 0;
const USAGE: i32 = 2;
const UNREACHABLE: i32 = 3;

/// Runs cases at the same time and reports the faults of all of them.
fn all<T: Sync>(cases: &[(&str, T)], run: impl Fn(&T) -> Vec<String> + Sync) {
    let faults: Vec<String> = std::thread::scope(|scope| {
        let started: Vec<_> = cases.iter().map(|(name, case)| (name, scope.spawn(|| run(case)))).collect();
        started
            .into_iter()
            .flat_map(|(name, run)| {
                let faults = run.join().unwrap_or_else(|_| vec!["the test itself panicked".to_owned()]);
                faults.into_iter().map(move |fault| format!("{name:?}: {fault}"))
            })
            .collect()
    });
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Targets of these modes, scanned over plain HTTP, end with one of these codes.
fn modes(cases: &[(&str, (Mode, &[i32]))]) {
    all(cases, |(mode, codes)| {
        let server = Hostile::start(mode.clone());
        Run::scan(&server.url("/a")).finish().faults(codes)
    });
}

#[test]
fn a_polite_server_is_scanned_to_the_end() {
    modes(&[("polite", (Mode::Polite, &[FINE]))]);
}

#[test]
fn what_is_not_a_url_is_a_usage_error() {
    let long = "x".repeat(100_000);
    let texts = [
        "",
        " ",
        "api.example.com/v1/items",
        "/v1/items",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http://:80/",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://\u{1b}[31mevil\u{7}/",
        &long,
    ];
    all(&texts.map(|text| (text.get(..20).unwrap_or(text), text)), |text| {
        let outcome = Run::bare(text).finish();
        let mut faults = outcome.faults(&[USAGE]);
        if outcome.stderr.len() > 2_000 {
            faults.push(format!("the message is {} bytes long", outcome.stderr.len()));
        }
        faults
    });
}

#[test]
fn a_target_that_cannot_be_reached_is_named_as_unreachable() {
    modes(&[("closes at once", (Mode::ClosesAtOnce, &[UNREACHABLE]))]);
    let refused = format!("http://127.0.0.1:{}/", closed_port());
    let refused_tls = format!("https://127.0.0.1:{}/", closed_port());
    let urls = [
        ("refused", refused.as_str()),
        ("refused, TLS", &refused_tls),
        ("unknown host", "http://no-such-host.invalid/"),
    ];
    all(&urls, |url| Run::scan(url).finish().faults(&[UNREACHABLE]));
}

#[test]
fn a_tls_failure_is_reported_and_never_ignored() {
    let modes = [("plain text", Mode::Polite), ("garbage", Mode::Garbage), ("silence", Mode::NeverAnswers)];
    all(&modes, |mode| {
        let server = Hostile::start(mode.clone());
        Run::scan(&server.tls_url("/a")).finish().faults(&[UNREACHABLE])
    });
    let server = Hostile::start(Mode::SelfSigned);
    let outcome = Run::scan(&server.tls_url("/a")).finish();
    assert_eq!(outcome.faults(&[UNREACHABLE]), Vec::<String>::new());
    assert!(outcome.stderr_text().contains("--insecure"), "{}", outcome.stderr_text());
    assert_eq!(server.requests(), 0, "nothing was sent to a server that could not be trusted");
    let insecure = Run::scan(&server.tls_url("/a")).with(&["--insecure"]).finish();
    assert_eq!(insecure.faults(&[FINE]), Vec::<String>::new());
    assert!(server.requests() > 0);
}

#[test]
fn a_target_that_does_not_speak_http_is_named_as_such() {
    modes(&[
        ("garbage", (Mode::Garbage, &[UNREACHABLE])),
        ("no status line", (Mode::NoStatusLine, &[UNREACHABLE])),
        ("headers forever", (Mode::HeadersForever, &[UNREACHABLE])),
        ("100 000 headers", (Mode::ManyHeaders, &[UNREACHABLE])),
        ("1xx forever", (Mode::OnlyInterim, &[UNREACHABLE])),
        ("escapes in headers", (Mode::EscapesInHeaders, &[UNREACHABLE])),
    ]);
}

#[test]
fn a_server_that_never_comes_to_an_answer_is_left_and_told_apart_from_a_slow_one() {
    let server = Hostile::start(Mode::OnlyInterim);
    let stderr = Run::scan(&server.url("/a")).finish().stderr_text();
    assert!(stderr.contains("more than 100 interim responses (1xx)"), "{stderr}");
}

#[test]
fn a_target_that_hangs_does_not_hang_the_scan() {
    modes(&[
        ("never answers", (Mode::NeverAnswers, &[UNREACHABLE])),
        ("one byte each 200 ms", (Mode::Drip, &[UNREACHABLE])),
        ("hangs within the body", (Mode::HangsInBody, &[UNREACHABLE])),
    ]);
}

#[test]
fn a_body_without_end_is_read_only_so_far() {
    modes(&[
        ("chunked, endless", (Mode::BodyForever, &[FINE, UNREACHABLE])),
        ("a gigabyte", (Mode::Gigabyte, &[FINE, UNREACHABLE])),
        ("gzip bomb", (Mode::GzipBomb, &[FINE, UNREACHABLE])),
    ]);
}

#[test]
fn answers_that_are_cut_or_lie_about_their_length_do_no_harm() {
    modes(&[
        ("too long", (Mode::LengthTooLong, &[FINE, UNREACHABLE])),
        ("too short", (Mode::LengthTooShort, &[FINE, UNREACHABLE])),
        ("closes at random, 1", (Mode::ClosesAtRandom(1), &[FINE, UNREACHABLE])),
        ("closes at random, 2", (Mode::ClosesAtRandom(2), &[FINE, UNREACHABLE])),
        ("always 500", (Mode::AlwaysFails, &[UNREACHABLE])),
    ]);
}

#[test]
fn redirects_in_a_circle_end_and_redirects_stay_on_the_host() {
    modes(&[("circle", (Mode::RedirectCircle, &[UNREACHABLE]))]);
    let other = Hostile::start(Mode::Polite);
    let server = Hostile::start(Mode::RedirectAway(other.url("/elsewhere")));
    let outcome = Run::scan(&server.url("/a")).finish();
    assert_eq!(outcome.faults(&[FINE, UNREACHABLE]), Vec::<String>::new());
    assert_eq!(other.connections(), 0, "the other host was called");
}

#[test]
fn a_scan_stops_when_the_target_suffers_and_says_so() {
    all(&[("slower and slower", Mode::Suffers), ("more and more errors", Mode::Breaks)], |mode| {
        let server = Hostile::start(mode.clone());
        let outcome = Run::scan(&server.url("/a")).finish();
        let mut faults = outcome.faults(&[UNREACHABLE]);
        let aborted = outcome.report().is_some_and(|report| report["aborted"].is_string());
        if !aborted {
            faults.push("the report does not say why it stopped".to_owned());
        }
        if server.requests() > 200 {
            faults.push(format!("{} requests were sent before it stopped", server.requests()));
        }
        faults
    });
}

#[test]
fn escape_sequences_of_a_target_reach_no_terminal_and_no_file() {
    let formats = ["pretty", "json", "sarif", "junit", "markdown", "html"];
    all(&formats.map(|format| (format, format)), |format| {
        let server = Hostile::start(Mode::Escapes);
        Run::scan(&server.url("/a")).with(&["--format", format]).finish().faults(&[FINE])
    });
}

/// Wherever `secret` stands in what a run wrote.
fn leaks(outcome: &Outcome, secret: &str) -> Vec<String> {
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    outcome
        .written()
        .filter(|(_, bytes)| holds(bytes))
        .map(|(place, _)| format!("{place} shows the secret"))
        .collect()
}

const SECRET: &str = "sekrit-12345";

#[test]
fn a_credential_is_shown_nowhere_whatever_the_server_does_with_it() {
    let any = [FINE, 1, UNREACHABLE];
    let cases = [
        ("in a body", Mode::Echo(Echo::Body)),
        ("in fields", Mode::Echo(Echo::Fields)),
        ("in a redirect", Mode::Echo(Echo::Location)),
        ("in a status line", Mode::Echo(Echo::StatusLine)),
        ("in a rejection", Mode::Echo(Echo::Rejection)),
        ("in a cursor", Mode::Echo(Echo::Cursor)),
        ("in an endless body", Mode::BodyForever),
        ("to nobody", Mode::ClosesAtOnce),
    ];
    all(&cases, |mode| {
        let server = Hostile::start(mode.clone());
        let header = format!("Authorization: Bearer {SECRET}");
        let outcome = Run::scan(&server.url("/a")).with(&["-H", &header]).finish();
        assert!(server.connections() > 0, "the server never got the credential");
        [outcome.faults(&any), leaks(&outcome, SECRET)].concat()
    });
}

#[test]
fn a_credential_in_the_url_or_in_a_broken_header_is_not_shown_either() {
    let server = Hostile::start(Mode::Echo(Echo::Body));
    let encoded = "YW5uOnNla3JpdC0xMjM0NQ==";
    let urls = [
        ("user and password", format!("http://ann:{SECRET}@{}/a", server.authority())),
        ("a query parameter", server.url(&format!("/a?api_key={SECRET}"))),
        ("a URL that is none", format!("http//ann:{SECRET}@h/a")),
    ];
    all(&urls, |url| {
        let outcome = Run::scan(url).finish();
        [outcome.faults(&[FINE, USAGE]), leaks(&outcome, SECRET), leaks(&outcome, encoded)].concat()
    });
    let headers = [
        ("no colon", format!("Authorization {SECRET}")),
        ("a name that is none", format!("Autho rization: {SECRET}")),
        ("a line break", format!("Authorization: {SECRET}\r\nX-Smuggled: 1")),
        ("an escape", format!("Authorization: {SECRET}\u{1b}[31m")),
    ];
    all(&headers, |header| {
        let outcome = Run::scan(&server.url("/a")).with(&["-H", header]).finish();
        [outcome.faults(&[USAGE]), leaks(&outcome, SECRET)].concat()
    });
}

/// What is in a file, and how a run with it may end.
type File<'a> = (Vec<u8>, &'a [i32]);

/// Runs against a polite server, each with one file as the value of an option.
fn files(option: &str, cases: &[(&str, File<'_>)]) {
    let server = Hostile::start(Mode::Polite);
    all(cases, |(content, codes)| {
        Run::scan(&server.url("/a")).with_file(option, "given.json", content).finish().faults(codes)
    });
}

#[test]
fn an_openapi_file_that_is_broken_circular_or_huge_ends_the_scan_in_good_order() {
    let circle = r##"{"openapi":"3.1.0","info":{"title":"c","version":"1"},"paths":{"/a":{"$ref":"#/components/pathItems/a"},
        "/n":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/node"}}}},"responses":{}}}},
        "components":{"pathItems":{"a":{"$ref":"#/components/pathItems/b"},"b":{"$ref":"#/components/pathItems/a"}},
        "schemas":{"node":{"type":"object","required":["next","itself"],"properties":{"next":{"$ref":"#/components/schemas/node"},
        "itself":{"$ref":"#/components/schemas/itself"}}},"itself":{"$ref":"#/components/schemas/itself"}}}}"##;
    let huge = format!(
        r#"{{"openapi":"3.1.0","info":{{"title":"huge","version":"1","description":"{}"}},"paths":{{}}}}"#,
        "x".repeat(50_000_000)
    );
    let bomb: String = std::iter::once("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned())
        .chain((1..12).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(","))))
        .collect();
    files(
        "--openapi",
        &[
            ("empty", (Vec::new(), &[USAGE])),
            ("cut", (br#"{"openapi":"3.1.0","paths":{"/a":{"#.to_vec(), &[USAGE])),
            ("not OpenAPI", (br#"{"swagger":"2.0","paths":{}}"#.to_vec(), &[USAGE])),
            ("not text", ((0..=255).cycle().take(100_000).collect(), &[USAGE])),
            ("deep", ("[".repeat(200_000).into_bytes(), &[USAGE])),
            ("circular", (circle.as_bytes().to_vec(), &[FINE, USAGE])),
            ("50 MB", (huge.into_bytes(), &[USAGE])),
            ("a YAML bomb", (bomb.into_bytes(), &[USAGE])),
        ],
    );
    let server = Hostile::start(Mode::Polite);
    let missing = Run::scan(&server.url("/a")).with(&["--openapi", "no-such-file.yaml"]).finish();
    assert_eq!(missing.faults(&[USAGE, UNREACHABLE]), Vec::<String>::new());
    assert!(missing.stderr_text().contains("no-such-file.yaml"), "{}", missing.stderr_text());
}

#[test]
fn a_baseline_that_is_not_one_is_refused() {
    files(
        "--baseline",
        &[
            ("another version", (br#"{"schema":"ratewarden.baseline/99","findings":[]}"#.to_vec(), &[USAGE])),
            (
                "a report of another version",
                (br#"{"schema":"ratewarden.scan/99","findings":[]}"#.to_vec(), &[USAGE]),
            ),
            ("no schema", (b"{}".to_vec(), &[USAGE])),
            ("cut", (br#"{"schema":"ratewarden."#.to_vec(), &[USAGE])),
            ("not text", (vec![0xff; 1_000], &[USAGE])),
            ("deep", ("[".repeat(200_000).into_bytes(), &[USAGE])),
        ],
    );
}
