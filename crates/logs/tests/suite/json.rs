//! JSON forms: what their lines say.

use ratewarden_logs::{Fault, JsonFields, Options, Reader};
use ratewarden_model::{Basis, Held, Resource};

use crate::owned::{Owned, calls, fault, one, read};

fn mapped(map: &str) -> Options {
    Options { json_fields: Some(JsonFields::parse(map).unwrap()), ..Options::default() }
}

#[test]
fn proxies_that_write_json_are_read() {
    let envoy = calls("json-envoy");
    let first = Owned::after(123).coming_from("203.0.113.7").asked("GET", "/api/items?page=2");
    assert_eq!(envoy[0], first.answered(200, 1532).took(12_000).agent("curl/8.5.0"));
    assert_eq!(envoy[1].address, Some("203.0.113.9".parse().unwrap()));
    assert_eq!((&*envoy[1].target, &*envoy[1].agent), ("/a\"b", "a \"quoted\" one"));
    assert_eq!((envoy[2].address, envoy[2].micros), (Some("2001:db8::7".parse().unwrap()), None));
    let caddy = calls("json-caddy");
    let first = Owned::after(524).coming_from("203.0.113.7").asked("GET", "/items?x=1").user("alice");
    assert_eq!(caddy[0], first.answered(200, 10_900).took(929).agent("curl/8.5.0"));
    assert_eq!(caddy[0].credential, "", "hidden by Caddy");
    assert_eq!((&*caddy[1].credential, caddy[1].micros), ("sekrit-1", Some(92)));
    let traefik = calls("json-traefik");
    let first = Owned::after(123).coming_from("203.0.113.7").asked("GET", "/whoami?x=1");
    assert_eq!(traefik[0], first.answered(200, 412).took(2123).agent("curl/8.5.0"));
    assert_eq!((&*traefik[1].user, traefik[1].micros), ("dave", Some(1)));
}

#[test]
fn what_aws_writes_is_read() {
    let gateway = calls("json-apigateway");
    let first = Owned::after(0).coming_from("203.0.113.7").asked("GET", "/items/{id}");
    assert_eq!(gateway[0], first.answered(200, 1532));
    assert_eq!((&*gateway[1].target, &*gateway[1].credential), ("/pets", "k1d2"));
    assert_eq!((gateway[1].status, gateway[1].micros), (403, Some(14_000)));
    let trail = calls("json-cloudtrail");
    assert_eq!(trail.len(), 4);
    assert_eq!((&*trail[0].method, &*trail[0].target), ("RunInstances", "ec2.amazonaws.com"));
    assert_eq!((&*trail[0].credential, trail[0].status), ("AKIAEXAMPLE", 200));
    assert_eq!(trail[0].user, "arn:aws:iam::123456789012:user/alice");
    assert_eq!((&*trail[1].method, trail[1].status), ("ConsoleLogin", 401));
    assert_eq!((trail[2].status, trail[2].address, &*trail[2].agent), (429, None, "x \"y\""));
    assert_eq!((trail[3].status, trail[3].address), (403, None));
}

#[test]
fn a_record_that_is_no_call_does_not_keep_the_others_back() {
    let line = r#"{"Records":[{"eventTime":"2026-11-28T01:02:03Z","eventName":"A","eventSource":"s"},7,{"eventName":"B"},
        {"eventTime":"2026-11-28T01:02:04Z","eventName":"C","eventSource":"s"}]}"#;
    let (calls, result) = read(&mut Reader::new(&Options::default()), line.as_bytes());
    let methods: Vec<_> = calls.iter().map(|call| call.method.as_str()).collect();
    assert_eq!((methods, result), (vec!["A", "C"], Err(Fault::Record)));
    assert_eq!(read(&mut Reader::new(&Options::default()), br#"{"Records":[]}"#).1, Ok(()));
}

#[test]
fn our_own_gateway_and_anyscale_are_read() {
    let guard = calls("json-ratewarden");
    let first = Owned::after(123).coming_from("203.0.113.7").asked("POST", "/api/jobs/").user("team-a");
    assert_eq!(guard[0], first.answered(200, 120).took(812));
    assert_eq!((guard[1].hashed, &*guard[1].credential, &*guard[1].user), (true, "key:1a2b3c", ""));
    assert_eq!((guard[2].status, &*guard[2].user, &*guard[2].credential), (400, "", ""));
    assert_eq!((guard[3].status, &*guard[3].user, &*guard[3].credential), (0, "", ""));
    let whose = |call: &Owned| (call.hashed, call.id, call.credential.clone(), call.user.clone());
    let id = Some(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    let text = str::to_owned;
    assert_eq!(whose(&guard[4]), (true, id, text("team-a"), text("")), "a key proves the name");
    assert_eq!(whose(&guard[5]), (false, None, text(""), text("203.0.113.7")), "a user of that name");
    assert_eq!(whose(&guard[6]), (true, id, text("key:abcdef"), text("")));
    assert_eq!(whose(&guard[7]), (true, id, text(""), text("")), "a credential that is none");
    assert_eq!(whose(&guard[8]), (false, None, text(""), text("team-a")), "half an identity is none");
    let bases: Vec<Basis> = guard.iter().map(|call| call.basis).collect();
    let (unsaid, unchecked) = (Basis::Unsaid, Basis::Unchecked);
    let said = [Basis::Proved, Basis::Claimed, unchecked, Basis::Refused];
    assert_eq!(bases, [&[unsaid, unchecked, unsaid, unsaid], &said[..], &[unsaid]].concat());
    let anyscale = calls("json-anyscale");
    assert_eq!(
        anyscale[0],
        Owned::after(73).coming_from("203.0.113.7").asked("LOGIN", "ACCESS").user("usr_123")
    );
    assert_eq!((&*anyscale[1].method, &*anyscale[1].target), ("START", "CLUSTER/ses_123"));
}

#[test]
fn json_with_names_that_many_logs_have_is_read() {
    let calls = calls("json");
    let first = Owned::after(123).coming_from("203.0.113.7").asked("GET", "/api");
    assert_eq!(calls[0], first.answered(200, 0).agent("curl/8.5.0"));
    let second = Owned::after(1000).coming_from("203.0.113.8").asked("GET", "/items?page=2");
    assert_eq!(calls[1], second.answered(404, 153).took(4000).agent("Mozilla/5.0"));
    assert_eq!((calls[2].micros, &*calls[2].target), (Some(12_000), "/login"));
}

#[test]
fn what_else_programs_log_is_no_call() {
    for line in [
        r#"{"time":"2026-11-28T01:02:03Z","level":"info","msg":"started","user":"root","path":"/var/lib/x"}"#,
        r#"{"ts":1795827723.5,"level":"error","status":"failed","ip":"203.0.113.7"}"#,
        r#"{"timestamp":"2026-11-28T01:02:03Z","method":"main","client":"203.0.113.7"}"#,
    ] {
        assert_eq!(fault(&Options::default(), line), Fault::Fields, "{line}");
    }
}

#[test]
fn a_field_map_says_what_is_what() {
    let options = mapped(
        "time=when.at,address=client.ip,user=who,method=m,path=p,query=q,status=code,bytes=out,duration=took:us,\
         credential=h.auth,key=pk,agent=ua,referer=from",
    );
    let line = r#"{"when":{"at":1795827723500},"client.ip":"203.0.113.7","who":"al\u00efce","m":"GET","p":"/a","q":"b=c","code":"201",
        "out":12.0,"took":1500,"h":{"auth":["Bearer tok","x"],"other":[[],{}]},"pk":42,"ua":"x\"y","from":null}"#;
    let expected = Owned::after(500).coming_from("203.0.113.7").asked("GET", "/a?b=c").user("alïce");
    let expected = expected.answered(201, 12).took(1500).agent("x\"y");
    assert_eq!(one(&options, line), Owned { credential: "tok".into(), key: "42".into(), ..expected });
    let nested = line.replace(r#""client.ip":"203.0.113.7""#, r#""client":{"ip":"203.0.113.8"}"#);
    assert_eq!(one(&options, &nested).address, Some("203.0.113.8".parse().unwrap()));
}

#[test]
fn the_first_place_of_a_field_that_is_there_counts() {
    let options = mapped("time=t,user=a,user=b");
    assert_eq!(one(&options, r#"{"b":"second","t":1,"a":"first"}"#).user, "first");
    assert_eq!(one(&options, r#"{"b":"second","t":1}"#).user, "second");
    assert_eq!(one(&options, r#"{"a":"once","t":1,"a":"again"}"#).user, "again");
}

#[test]
fn what_is_held_is_a_reading_for_each_resource() {
    let options = mapped("time=t,user=u,gpu-held=gpu.used,gpu-total=gpu.all,cpu-held=cpu,resource=r,held=n");
    let line = br#"{"t":1795827723,"u":"x","gpu":{"used":7.5,"all":8},"cpu":3,"r":"cluster","n":2}"#;
    let (calls, result) = read(&mut Reader::new(&options), line);
    let held: Vec<_> = calls.iter().map(|call| call.held.unwrap()).collect();
    assert_eq!(result, Ok(()));
    assert_eq!(
        held,
        [
            Held { resource: Resource::Gpu, amount: 7.5, total: Some(8.0) },
            Held { resource: Resource::Cpu, amount: 3.0, total: None },
            Held { resource: Resource::Cluster, amount: 2.0, total: None },
        ]
    );
}

#[test]
fn what_is_held_by_nobody_is_read_too() {
    let call = one(&mapped("time=t,gpu-held=g,gpu-total=all"), r#"{"t":1795827723,"g":"6","all":8}"#);
    assert_eq!(call.held, Some(Held { resource: Resource::Gpu, amount: 6.0, total: Some(8.0) }));
    assert_eq!(fault(&mapped("time=t,gpu-held=g"), r#"{"t":1795827723,"g":"many"}"#), Fault::Fields);
}

#[test]
fn json_that_says_too_little_or_wrong_things_is_a_fault() {
    let options = mapped("time=t,address=a,status=s,bytes=b,duration=d,user=u");
    for (line, expected) in [
        (r#"{"t":1}"#, Fault::Fields),
        (r#"{"a":"203.0.113.7"}"#, Fault::Fields),
        (r#"{"t":"yesterday","u":"x"}"#, Fault::Date),
        (r#"{"t":1,"a":"nobody"}"#, Fault::Address),
        (r#"{"t":1,"s":2000}"#, Fault::Status),
        (r#"{"t":1,"u":"x","b":"many"}"#, Fault::Number),
        (r#"{"t":1,"u":"x","d":"long"}"#, Fault::Number),
        (r#"{"t":1,"u":"x"}}"#, Fault::Json),
        (r#"{"t":1,"u":"x",}"#, Fault::Json),
        (r#"{"t":01,"u":"x"}"#, Fault::Json),
        (r#"{"t":1,"u":"\x"}"#, Fault::Json),
        ("{\"t\":1,\"u\":\"\t\"}", Fault::Json),
        (r#"["t"]"#, Fault::Form),
    ] {
        assert_eq!(fault(&options, line), expected, "{line}");
    }
    let deep = format!(r#"{{"t":1,"u":"x","z":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    assert_eq!(fault(&options, &deep), Fault::Json);
}
