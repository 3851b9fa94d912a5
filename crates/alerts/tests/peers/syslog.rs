//! Syslog, to real sockets.

use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use ratewarden_alerts::{Kind, Receiver, State, Syslog, SyslogPeer};

use super::{PATIENCE, config, finding, now_ms, receiver, start, status};

fn syslog(peer: SyslogPeer) -> Receiver {
    receiver("syslog", Kind::Syslog(Syslog { peer, facility: 3 }))
}

fn is_one_of(message: &str, number: usize) {
    assert!(message.starts_with("<27>1 20"), "{message}");
    assert!(
        message.contains(" gate-1 ratewarden ") && message.contains(" opened [ratewarden@32473 "),
        "{message}"
    );
    assert!(message.contains(&format!("subject=\"caller-{number}\"")), "{message}");
}

#[test]
fn a_datagram_holds_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let at = socket.local_addr().unwrap().to_string();
    let alerts = start(&config(vec![syslog(SyslogPeer::Udp(at))]), folder.path());
    let mut buffer = [0; 4_096];
    for number in 0..3 {
        let _ = alerts.handle(&finding(number), State::Opened, now_ms());
        let length = socket.recv(&mut buffer).unwrap();
        is_one_of(std::str::from_utf8(&buffer[..length]).unwrap(), number);
    }
}

#[test]
fn tcp_counts_octets_and_comes_again_when_a_connection_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let alerts = start(&config(vec![syslog(SyslogPeer::Tcp(at))]), folder.path());
    for number in 0..3 {
        let _ = alerts.handle(&finding(number), State::Opened, now_ms());
    }
    // Closed with bytes unread: a reset.
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut first = [0; 1];
    (&stream).read_exact(&mut first).unwrap();
    drop(stream);
    for number in 0..3 {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (length, message) = text.split_once(' ').unwrap();
        assert_eq!(length.parse(), Ok(message.len()));
        is_one_of(message, number);
    }
    assert!(alerts.flush(PATIENCE));
    assert_eq!(status(&alerts, 0).delivered, 3);
}

#[test]
fn a_unix_socket_gets_messages_also_when_it_is_made_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let alerts = start(&config(vec![syslog(SyslogPeer::Unix(path.clone()))]), &folder.path().join("outbox"));
    let _ = alerts.handle(&finding(0), State::Opened, now_ms());
    super::until("it was tried", || status(&alerts, 0).failing.is_some());
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut buffer = [0; 4_096];
    let length = socket.recv(&mut buffer).unwrap();
    is_one_of(std::str::from_utf8(&buffer[..length]).unwrap(), 0);
}
