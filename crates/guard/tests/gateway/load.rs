//! Under load: a reload, an end, and a crowd of connections that want nothing.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::server::{Answer, Echo, Gateway};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// Calls on one connection until told to stop or told that it is the last; every answer must be a 200.
fn calls(mut stream: TcpStream, stop: &AtomicBool) -> usize {
    let mut answered = 0;
    while !stop.load(Ordering::SeqCst) {
        stream.write_all(GET).unwrap();
        let answer = Answer::read(&stream).expect("an answer to every call");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answered += 1;
        if answer.field("connection") == Some("close") {
            break;
        }
    }
    answered
}

#[test]
fn reloads_under_load_fail_no_call() {
    let rules = |number: u32| format!("[[limit]]\nname = \"many\"\nrate = \"{}/1s\"\n", 1_000_000 + number);
    let gateway = Gateway::start(Echo::start().address, &rules(0));
    let stop = AtomicBool::new(false);
    let answered: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(|| calls(gateway.connect(), &stop))).collect();
        for number in 1..100 {
            gateway.write(&rules(number));
            gateway.guard().reload().unwrap();
        }
        stop.store(true, Ordering::SeqCst);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert!(answered > 4, "{answered}");
}

#[test]
fn an_end_under_load_fails_no_call() {
    let mut gateway = Gateway::start(Echo::start().address, "");
    let stop = AtomicBool::new(false);
    let streams: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = gateway.connect();
            // Accepted: what still waits in the kernel when a listener closes nobody can answer.
            stream.write_all(GET).unwrap();
            assert_eq!(Answer::read(&stream).unwrap().status, 200);
            stream
        })
        .collect();
    std::thread::scope(|scope| {
        let clients: Vec<_> =
            streams.into_iter().map(|stream| scope.spawn(|| calls(stream, &stop))).collect();
        gateway.stop();
        for client in clients {
            client.join().unwrap();
        }
    });
}

#[test]
fn idle_connections_and_slow_heads_do_not_harm_a_call() {
    let gateway = Gateway::start(Echo::start().address, "");
    let idle: Vec<_> = (0..300).map(|_| gateway.connect()).collect();
    let slow: Vec<_> = (0..300)
        .map(|_| {
            let mut stream = gateway.connect();
            stream.write_all(b"GET / HTTP/1.1\r\nx-slow: ").unwrap();
            stream
        })
        .collect();
    for _ in 0..100 {
        assert_eq!(gateway.get("/", "").status, 200);
    }
    // The slow ones are ended at their time, not kept.
    for stream in &slow {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        assert_eq!(Answer::read(stream).map(|answer| answer.status), Some(408));
    }
    drop(idle);
}
