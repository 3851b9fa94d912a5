//! Which of a name's addresses is used.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};

use ratewarden_model::Redactor;

use super::*;

/// A server that answers every connection once.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    address
}

#[tokio::test]
async fn where_one_address_refuses_the_names_others_are_tried() {
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = Config::new("http://two-addresses.example/x");
    let mut target = Target::parse(&config.url, &mut Redactor::default()).unwrap();
    let budget = Arc::new(new_budget(&config));
    target.address = Some(refusing);
    target.others = [server()].into();
    let (client, first) = connected(&mut target, &config, &budget).await.unwrap();
    assert!(first.response().is_some() && client.target().address != Some(refusing));
    target.address = Some(refusing);
    let error = connected(&mut target, &config, &budget).await.err().unwrap().to_string();
    assert!(error.starts_with("cannot connect to two-addresses.example:80: "), "{error}");
}
