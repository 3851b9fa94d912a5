//! Under load: a reload, an end, and a crowd of connections that want nothing.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ratewarden_guard::Guard;

use crate::server::{Answer, Echo, GET, Gateway, read_message};

/// Calls on one connection until told to stop or told that it is the last; every answer must be a 200.
fn calls(mut stream: TcpStream, stop: &AtomicBool, answered: &AtomicUsize) {
    while !stop.load(Ordering::SeqCst) {
        stream.write_all(GET).unwrap();
        let answer = Answer::read(&stream).expect("an answer to every call");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answered.fetch_add(1, Ordering::SeqCst);
        if answer.field("connection") == Some("close") {
            break;
        }
    }
}

/// Stops the clients, also when the test fails: a scope waits for its threads before it says what went wrong.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn reloads_under_load_fail_no_call() {
    let rules = |number: usize| format!("[[limit]]\nname = \"many\"\nrate = \"{}/1s\"\n", 1_000_000 + number);
    let gateway = Gateway::start(Echo::start().address, &rules(0));
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut reloads = 0;
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        let clients: Vec<_> =
            (0..4).map(|_| scope.spawn(|| calls(gateway.connect(), &stop, &answered))).collect();
        // A client that fails ends, and the scope with it.
        let running = || clients.iter().all(|client| !client.is_finished());
        while running() && (reloads < 50 || answered.load(Ordering::SeqCst) < 1_000) {
            reloads += 1;
            gateway.write(&rules(reloads));
            gateway.guard().reload().unwrap();
        }
    });
    assert!(answered.into_inner() >= 1_000);
}

/// A new connection for each call, so that each restart meets connections at every stage.
fn new_connections(address: SocketAddr, stop: &AtomicBool, answered: &AtomicUsize) {
    while !stop.load(Ordering::SeqCst) {
        let mut stream = TcpStream::connect(address).expect("nobody is refused");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
        let answer = Answer::read(&stream).expect("an answer to every call");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answered.fetch_add(1, Ordering::SeqCst);
    }
}

/// A connection that is used until it is said to be the last call, and then another.
fn kept_connections(address: SocketAddr, stop: &AtomicBool, answered: &AtomicUsize) {
    while !stop.load(Ordering::SeqCst) {
        let stream = TcpStream::connect(address).expect("nobody is refused");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        calls(stream, stop, answered);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn restarts_under_load_fail_no_call() {
    let mut gateway = Gateway::start(Echo::start().address, "admin = \"127.0.0.1:0\"\n---\n");
    let (address, admin) = (gateway.guard().http()[0], gateway.guard().admin());
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        let mut clients = Vec::new();
        for _ in 0..2 {
            clients.push(scope.spawn(|| new_connections(address, &stop, &answered)));
            clients.push(scope.spawn(|| kept_connections(address, &stop, &answered)));
        }
        let running = || clients.iter().all(|client| !client.is_finished());
        for restart in 1..=5 {
            while running() && answered.load(Ordering::SeqCst) < restart * 300 {
                std::thread::yield_now();
            }
            gateway.restart();
            assert_eq!((gateway.guard().http()[0], gateway.guard().admin()), (address, admin));
        }
        let before = answered.load(Ordering::SeqCst);
        while running() && answered.load(Ordering::SeqCst) < before + 300 {
            std::thread::yield_now();
        }
    });
    assert_eq!(gateway.get("/", "").status, 200);
}

#[cfg(target_os = "linux")]
#[test]
fn a_restart_right_after_a_restart_finds_whom_to_replace() {
    let mut gateway = Gateway::start(Echo::start().address, "");
    let address = gateway.guard().http()[0];
    for _ in 0..10 {
        gateway.restart();
        assert_eq!(gateway.guard().http()[0], address);
    }
    assert_eq!(gateway.get("/", "").status, 200);
}

#[cfg(target_os = "linux")]
#[test]
fn a_successor_that_does_not_start_changes_nothing() {
    let gateway = Gateway::start(Echo::start().address, "");
    gateway.write("[[limit]]\nname = \"x\"\nrate = \"lots\"\n");
    let policy = gateway.folder.path().join("ratewarden.toml");
    assert!(Guard::take_over(&policy).is_err());
    assert_eq!(gateway.get("/", "").status, 200);
    // Without a gateway to replace it is an ordinary start.
    let other = tempfile::tempdir().unwrap();
    gateway.write("");
    std::fs::copy(&policy, other.path().join("ratewarden.toml")).unwrap();
    Guard::take_over(&other.path().join("ratewarden.toml")).unwrap().stop();
}

#[test]
fn an_end_under_load_fails_no_call() {
    let mut gateway = Gateway::start(Echo::start().address, "");
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
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
            streams.into_iter().map(|stream| scope.spawn(|| calls(stream, &stop, &answered))).collect();
        gateway.stop();
        for client in clients {
            client.join().unwrap();
        }
    });
}

#[test]
fn idle_connections_and_slow_heads_do_not_harm_a_call() {
    let gateway = Gateway::start_impatient(Echo::start().address, "", "");
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

#[test]
fn a_call_that_outlives_a_reload_leaves_no_connection_to_the_server_before() {
    let (before, after) = (TcpListener::bind("127.0.0.1:0").unwrap(), Echo::start());
    let gateway = Gateway::start(before.local_addr().unwrap(), "");
    let mut client = gateway.connect();
    client.write_all(GET).unwrap();
    let (mut server, _) = before.accept().unwrap();
    assert!(read_message(&server).is_some());
    gateway.write_upstream(after.address);
    gateway.guard().reload().unwrap();
    // Enough that every worker has seen the reload.
    for _ in 0..30 {
        assert_eq!(gateway.get("/", "").status, 200);
    }
    server.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nold").unwrap();
    assert_eq!(Answer::read(&client).unwrap().body, "old");
    for _ in 0..3 {
        client.write_all(GET).unwrap();
        assert!(
            Answer::read(&client).unwrap().body.starts_with("GET / "),
            "the new server shows what it got"
        );
    }
}
