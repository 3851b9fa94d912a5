//! The handles themselves: what a server needs to start, and that nothing of it is left.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use ratewarden_testkit::plain::Unlimited;
use ratewarden_testkit::{BODY, READY_PATH, Server, StartError, http, nginx, require};

fn gone(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err()
}

#[test]
fn an_unlimited_server_admits_everything_until_it_is_dropped() {
    let server = Unlimited::new().start().unwrap();
    let answer = http::get(server.address(), "/items").unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, BODY));
    assert_eq!(http::statuses(server.address(), "/any/path", 300).unwrap(), vec![200; 300]);
    assert_eq!(server.url("/items"), server.url("items"));
    let address = server.address();
    drop(server);
    assert!(gone(address));
}

#[test]
fn head_has_no_body_and_post_is_answered() {
    let server = Unlimited::new().start().unwrap();
    let head = http::request(server.address(), "HEAD", "/items", &[]).unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(http::request(server.address(), "POST", "/items", &[]).unwrap().status, 200);
    assert_eq!(http::get(server.address(), READY_PATH).unwrap().status, 204);
}

#[test]
fn a_slow_server_is_slow_for_each_but_serves_many_at_once() {
    let server = Unlimited::slow(Duration::from_millis(100), Duration::from_millis(20)).start().unwrap();
    let address = server.address();
    let begin = Instant::now();
    let clients: Vec<_> = (0..64).map(|_| std::thread::spawn(move || http::get(address, "/items"))).collect();
    for client in clients {
        assert_eq!(client.join().unwrap().unwrap().status, 200);
    }
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(80) && took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn many_servers_run_side_by_side() {
    let servers: Vec<Server> = (0..20).map(|_| Unlimited::new().start().unwrap()).collect();
    for server in &servers {
        assert_eq!(http::get(server.address(), "/items").unwrap().status, 200);
    }
}

#[test]
fn a_refused_configuration_is_an_error_with_the_servers_own_words() {
    let Some(services) = require() else { return };
    let error = nginx::LimitReq::new("ten a second").start(services).unwrap_err();
    assert!(matches!(error, StartError::Exited { .. }), "{error}");
    assert!(error.to_string().contains("invalid"), "{error}");
}

#[test]
fn a_stopped_server_leaves_neither_port_nor_process_nor_folder() {
    let Some(services) = require() else { return };
    let server = nginx::unlimited(services).unwrap();
    assert_eq!(http::statuses(server.address(), "/items", 100).unwrap(), vec![200; 100]);
    let address = server.address();
    let configuration = running_with(&address.port().to_string());
    assert!(!configuration.is_empty(), "the test does not see the server it started");
    drop(server);
    assert!(gone(address));
    assert!(!std::path::Path::new(&configuration).exists());
}

/// The folder of the server whose configuration names this port.
fn running_with(port: &str) -> String {
    let folders = std::fs::read_dir(std::env::temp_dir()).unwrap().filter_map(Result::ok);
    folders
        .map(|entry| entry.path())
        .find(|folder| {
            std::fs::read_to_string(folder.join("nginx.conf"))
                .is_ok_and(|text| text.contains(&format!(":{port};")))
        })
        .map(|folder| folder.display().to_string())
        .unwrap_or_default()
}
