//! Custom formats, field maps and their mistakes.

use ratewarden_logs::{Fault, JsonFields, LogFormat, Options, Reader};

use crate::owned::{Owned, fault, one, read, sample};

pub(crate) const COMBINED: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

pub(crate) fn format(text: &str) -> Options {
    let mut options = Options::default();
    options.parse_log_format(text).unwrap();
    options
}

#[test]
fn a_custom_format_that_is_combined_reads_the_same() {
    let mut custom = Reader::new(&format(COMBINED));
    let mut built_in = Reader::new(&Options::default());
    // The last line of the sample has a tail.
    for line in sample("nginx-combined").lines().take(8) {
        assert_eq!(read(&mut custom, line.as_bytes()), read(&mut built_in, line.as_bytes()), "{line}");
    }
    let line = r#"203.0.113.7 - a [b] [28/Nov/2026:01:02:03 +0000] "GET / HTTP/1.1" 200 5 "-" "-""#;
    assert_eq!(read(&mut custom, line.as_bytes()), read(&mut built_in, line.as_bytes()));
    assert_eq!(one(&format(COMBINED), line).user, "a [b]");
    assert_eq!(custom.form(), Some("custom"));
}

#[test]
fn a_whole_directive_is_a_format() {
    let text = r#"log_format  api  escape=json '{"t":"$time_iso8601","ip":"$remote_addr","key":"$http_x_api_key",'
                                    '"r":"$request","s":$status,"took":$request_time}';"#;
    let line = r#"{"t":"2026-11-28T01:02:03+00:00","ip":"203.0.113.7","key":"a\"b","r":"GET /x?q=\"1\" HTTP/1.1","s":200,"took":0.012}"#;
    let expected =
        Owned::after(0).coming_from("203.0.113.7").asked("GET", "/x?q=\"1\"").answered(200, 0).took(12_000);
    assert_eq!(one(&format(text), line), Owned { credential: "a\"b".into(), ..expected });
}

#[test]
fn variables_mean_what_nginx_says() {
    let options = format(
        r#"$msec|$http_x_forwarded_for|$request_method|$uri|$args|$bytes_sent|$request_time|$upstream_addr $upstream_status|"$http_authorization"|${cookie_session}|$my_own"#,
    );
    let line = r#"1795827723.250|192.0.2.1, 203.0.113.7|GET|/a|b=c|512|1.500|10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 502, 502 : 200|"Bearer abc"|s1|whatever"#;
    let expected =
        Owned::after(250).coming_from("203.0.113.7").asked("GET", "/a?b=c").answered(0, 512).took(1_500_000);
    assert_eq!(one(&options, line), Owned { credential: "abc".into(), ..expected });
    assert_eq!(fault(&options, "1795827723.250|192.0.2.1"), Fault::Form);
}

#[test]
fn a_custom_format_may_begin_like_an_envelope() {
    let options = format("$time_iso8601 $host $server_name: $remote_addr $status");
    let line = "2026-11-28T01:02:03+00:00 a b: 203.0.113.7 200";
    assert_eq!(one(&options, line), Owned::after(0).coming_from("203.0.113.7").answered(200, 0));
    let wrapped = format!("<190>Nov 28 05:06:07 web-1 nginx: {line}");
    assert_eq!(one(&options, &wrapped), one(&options, line));
}

#[test]
fn mistakes_say_where_and_what_to_do() {
    for (text, column, part, hint) in [
        ("nginx-combind", 1, "nginx-combind", "did you mean nginx-combined?"),
        ("whatever", 1, "whatever", "forms are"),
        ("%h %l %u %t", 1, "%h", "nginx's"),
        ("$remote_adr $status", 1, "$remote_adr", "did you mean $remote_addr?"),
        ("$remote_addr$status", 13, "nothing stands between", "between"),
        ("a $ b", 3, "name of a variable", "${name}"),
        ("$time_local $bytes_sent", 1, "who called", "$remote_addr"),
        ("log_format x escape=xml '$status'", 14, "escape=xml", "json"),
        ("log_format x '$status", 14, "not closed", ""),
    ] {
        let mistake = Options::default().parse_log_format(text).unwrap_err();
        assert_eq!(mistake.column(), column, "{text}: {mistake}");
        assert!(mistake.to_string().contains(part), "{text}: {mistake}");
        assert!(mistake.advice().unwrap_or_default().contains(hint), "{text}: {mistake:?}");
    }
    for (text, column, part, hint) in [
        ("", 1, "field=key", "time=ts"),
        ("time", 1, "field=key", "time=ts"),
        ("time=t,adress=a", 8, "adress", "did you mean address?"),
        ("time=t,nonsense=a", 8, "nonsense", "fields are"),
        ("time=t,user=", 13, "no path", "time=ts"),
        ("time=t,user=a..b", 13, "no path", ""),
        ("time=t,bytes=b", 1, "who called", "address"),
    ] {
        let mistake = JsonFields::parse(text).unwrap_err();
        assert_eq!(mistake.column(), column, "{text}: {mistake}");
        assert!(mistake.to_string().contains(part), "{text}: {mistake}");
        assert!(mistake.advice().unwrap_or_default().contains(hint), "{text}: {mistake:?}");
    }
    assert!(LogFormat::parse(&"x".repeat(10_000)).is_err());
}
