//! Connections that come through a balancer, which says in a PROXY header whose they are.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::operator::admin;
use crate::server::{Answer, Echo, Gateway};

/// Two calls a client, from a balancer on this machine.
const RULES: &str = "proxy-protocol = true\nadmin = \"127.0.0.1:0\"\n---\n\
    [trust]\nproxies = [\"127.0.0.1\"]\n[caps]\nconnections-per-address = 2\n\
    [[limit]]\nname = \"few\"\nper = [\"address\"]\nrate = \"2/1h\"\n";

fn of_version_2(address: [u8; 4]) -> Vec<u8> {
    let rest = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &address, &[192, 0, 2, 200, 0, 80, 1, 187]];
    rest.concat()
}

fn call(gateway: &Gateway, header: &[u8]) -> Option<Answer> {
    let mut stream = gateway.connect();
    stream
        .write_all(&[header, b"GET /x HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 9.9.9.9\r\n\r\n"].concat())
        .unwrap();
    Answer::read(&stream)
}

#[test]
fn the_client_a_proxy_names_is_the_one_that_is_counted_and_forwarded() {
    let gateway = Gateway::start(Echo::start().address, RULES);
    let ann = b"PROXY TCP4 192.0.2.1 192.0.2.200 40000 80\r\n";
    let answer = call(&gateway, ann).unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.contains("x-forwarded-for: 192.0.2.1\r\n"),
        "the client is no proxy: {}",
        answer.body
    );
    let again = [call(&gateway, &of_version_2([192, 0, 2, 1])), call(&gateway, ann)];
    assert_eq!(again.map(|answer| answer.unwrap().status), [200, 429], "version 2 names the same client");
    assert_eq!(call(&gateway, b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n").unwrap().status, 200);
    // A balancer's own check comes without a client.
    let check = &b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"[..];
    assert!(call(&gateway, check).unwrap().body.contains("x-forwarded-for: 9.9.9.9, 127.0.0.1\r\n"));
}

#[test]
fn a_proxys_connection_that_does_not_say_whose_it_is_is_closed() {
    let gateway = Gateway::start(Echo::start().address, RULES);
    for header in
        [&b""[..], b"PROXY TCP4 192.0.2.1 192.0.2.200 40000\r\n", b"\r\n\r\n\0\r\nQUIT\n\x99\x11\0\0"]
    {
        assert!(call(&gateway, header).is_none(), "{header:?}");
    }
    let metrics = admin(&gateway, "/metrics", "").body;
    assert!(metrics.contains("ratewarden_refused_total{reason=\"proxy_header\"} 3\n"), "{metrics}");
}

#[test]
fn connections_are_counted_for_the_client_a_proxy_names() {
    let gateway = Gateway::start(Echo::start().address, RULES);
    let connect = |header: &[u8]| {
        let mut stream = gateway.connect();
        stream.write_all(&[header, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"].concat()).unwrap();
        let answer = Answer::read(&stream).map(|answer| answer.status);
        (stream, answer)
    };
    let header = |last: u8| format!("PROXY TCP4 192.0.2.{last} 192.0.2.200 1 80\r\n").into_bytes();
    let open: Vec<(TcpStream, Option<u16>)> = (0..2).map(|_| connect(&header(1))).collect();
    assert!(open.iter().all(|(_, answer)| *answer == Some(200)));
    let (mut third, answer) = connect(&header(1));
    assert!(answer.is_none() && third.read(&mut [0]).map_or(true, |read| read == 0), "its third is closed");
    assert_eq!(connect(&header(2)).1, Some(200), "another client's is not");
}

#[test]
fn who_is_no_proxy_cannot_name_a_client() {
    let rules = RULES.replace("127.0.0.1\"]", "192.0.2.77\"]");
    let gateway = Gateway::start(Echo::start().address, &rules);
    assert_eq!(
        call(&gateway, b"PROXY TCP4 192.0.2.1 192.0.2.200 40000 80\r\n").unwrap().status,
        505,
        "it is read as a call"
    );
    assert_eq!(call(&gateway, b"").unwrap().status, 200);
}
