//! URLs as users write them, right and wrong.

use super::*;

fn parse(text: &str) -> Result<Target, ScanError> {
    Target::parse(text, &mut Redactor::default())
}

#[test]
fn what_is_not_a_url_is_named_with_a_hint() {
    for text in ["", "api.example.com/v1", "ftp://h/x", "http://", "/v1/items", "http://[::1"] {
        let error = parse(text).unwrap_err();
        assert!(matches!(error, ScanError::Usage { .. }) && !error.hint().is_empty(), "{text}: {error}");
    }
    assert!(parse("api.example.com/v1").unwrap_err().hint().contains("http://api.example.com/v1"));
}

#[test]
fn credentials_in_the_url_are_sent_but_never_shown() {
    let mut redactor = Redactor::default();
    let target =
        Target::parse("https://ann:s3cretpw@h.example/p?api_key=abcdef12&limit=5", &mut redactor).unwrap();
    assert_eq!(target.shown(), "https://h.example/p");
    assert_eq!(target.basic.as_ref().unwrap().expose(), "Basic YW5uOnMzY3JldHB3");
    assert_eq!(redactor.redact("abcdef12 s3cretpw YW5uOnMzY3JldHB3"), "[redacted] [redacted] [redacted]");
    assert!(!format!("{target:?}").contains("s3cretpw"));
    let broken = parse("https//ann:s3cretpw@h/p").unwrap_err().to_string();
    assert!(!broken.contains("s3cretpw"), "{broken}");
}

#[test]
fn the_host_header_names_only_a_port_that_is_not_the_usual_one() {
    assert_eq!(parse("https://h:443/").unwrap().authority(), "h");
    assert_eq!(parse("http://[::1]:8080/a?b=1").unwrap().authority(), "[::1]:8080");
    assert_eq!(parse("http://h").unwrap().path_and_query, "/");
    assert_eq!(parse("http://h?x=/y").unwrap().path_and_query, "/?x=/y");
}

#[test]
fn the_path_goes_out_as_it_was_written() {
    assert_eq!(parse("http://h/a/../b/%2e//c#top").unwrap().path_and_query, "/a/../b/%2e//c");
    assert_eq!(parse("http://h/a b").unwrap().path_and_query, "/a%20b");
}

#[test]
fn credentials_in_the_url_are_sent_as_they_are_meant() {
    let mut redactor = Redactor::default();
    let target = Target::parse("http://ann:p%40ss%3aword@h/x", &mut redactor).unwrap();
    let sent = base64::engine::general_purpose::STANDARD.encode("ann:p@ss:word");
    assert_eq!(target.basic.unwrap().expose(), format!("Basic {sent}"));
    for echo in ["p%40ss%3aword", "p%40ss%3Aword", "p@ss:word", &sent, "ann:p@ss:word"] {
        assert_eq!(redactor.redact(echo), "[redacted]", "{echo}");
    }
    Target::parse("http://token-alone@h/x", &mut redactor).unwrap();
    assert_eq!(redactor.redact("token-alone"), "[redacted]");
}

#[test]
fn secret_parameters_are_cut_out_as_they_were_written_and_as_they_are_meant() {
    for name in ["auth_token", "private_token", "client_secret", "password", "passwd", "X-Amz-Signature"]
        .into_iter()
        .chain(["X-Amz-Security-Token", "subscription-key", "api_token", "jwt", "session", "sid"])
        .chain(["api%5Fkey", "Token"])
    {
        let mut redactor = Redactor::default();
        Target::parse(&format!("http://h/x?a=1&{name}=abc%2Bd%7aef+gh&code=12345"), &mut redactor).unwrap();
        let text = redactor.redact("abc%2Bd%7aef+gh|abc+dzef gh|12345");
        assert_eq!(text, "[redacted]|[redacted]|12345", "{name}");
    }
}

#[test]
fn what_cannot_be_parsed_shows_no_query_and_no_credentials() {
    let long = format!("ann:{}@h/p", "s3cret".repeat(30));
    for text in [
        "api.example.com/v1?api_key=s3cret",
        "api.example.com/v1#s3cret",
        "http//ann:s3cret?x@h/p",
        "api.example.com/v1?email=a@b&api_key=s3cret",
        "ann:s3cret@h/p",
        &long,
        "http://h:port/v1?api_key=s3cret",
    ] {
        let error = parse(text).unwrap_err();
        assert!(!format!("{error} {}", error.hint()).contains("s3cret"), "{text}: {error}");
    }
    let error = parse("localhost:8080/v1?api_key=s3cret").unwrap_err();
    assert!(error.hint().contains("did you mean http://localhost:8080/v1 ?"), "{}", error.hint());
}

#[test]
fn an_upgrade_keeps_the_host_and_its_addresses() {
    let mut target = parse("http://h:8080/x").unwrap();
    target.others = ["127.0.0.1:8080", "[::1]:8080"].map(|text| text.parse().unwrap()).into();
    assert_eq!(target.next_address(), Some("127.0.0.1:8080".parse().unwrap()));
    let mut upgraded = target.upgraded(443);
    assert_eq!((upgraded.origin().as_str(), upgraded.address.unwrap().port()), ("https://h", 443));
    assert_eq!(upgraded.next_address(), Some("[::1]:443".parse().unwrap()));
    assert_eq!(upgraded.next_address(), None);
    assert_eq!(upgraded.address, Some("[::1]:443".parse().unwrap()));
}
