//! A lock-out spares who had proved a token or a certificate from the address, as it does for keys.

use std::path::Path;
use std::sync::Arc;

use ratewarden_guard::Guard;
use ratewarden_testkit::issuer::SigningKey;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::http2_tls::write_certificate;
use crate::lockout::held_alike;
use crate::server::{Answer, Echo, Gateway, wait_for_lines};
use crate::token_issuer::{TokenIssuer, call, claims, seconds};

#[test]
fn a_lock_out_spares_who_had_proved_a_token_and_looks_at_a_new_one_of_theirs() {
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::with(&key, "a");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let rules = issuer.rules(&format!(
        "[credentials]\nper-source = \"3/1h\"\nlockout = \"1h\"\n[log]\naccess = {:?}\n",
        log.to_str().unwrap()
    ));
    let mut gateway = Gateway::start(Echo::start().address, &rules);
    let token = |key: &SigningKey, subject: &str| key.token("EdDSA", Some("a"), &claims(subject));
    let (ann, carl, forger) = (token(&key, "ann"), token(&key, "carl"), SigningKey::ed25519());
    assert_eq!(call(&gateway, &ann).status, 200);
    let guesses: Vec<u16> =
        (0..5).map(|number| call(&gateway, &token(&forger, &format!("guess-{number}"))).status).collect();
    assert_eq!(guesses, [401, 401, 401, 401, 429]);
    // What is tried is told apart by nothing.
    let tried = ["garbage", &carl, &token(&forger, "ann"), "garbage"];
    held_alike(&tried.map(|token| call(&gateway, token)));
    // The other worker has not seen this token yet, and nobody has seen the other.
    let renewed = claims("ann").replace(&seconds(600).to_string(), &seconds(900).to_string());
    assert_eq!([call(&gateway, &ann).status, call(&gateway, &ann).status], [200, 200]);
    assert_eq!(call(&gateway, &key.token("EdDSA", Some("a"), &renewed)).status, 200);
    gateway.stop();
    let lines = wait_for_lines(&log, 13);
    let held: Vec<_> = lines.iter().filter(|line| line["decision"] == "banned").collect();
    assert_eq!(held.len(), 5);
    assert!(
        held.iter().all(|line| line["caller"] == ""),
        "nobody looked at a stranger's signature: {held:?}"
    );
}

#[test]
fn forgeries_in_one_name_hold_no_new_token_of_another() {
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::with(&key, "a");
    let rules = issuer.rules("[credentials]\nper-source = \"3/1h\"\nlockout = \"1h\"\n");
    let gateway = Gateway::start(Echo::start().address, &rules);
    let token = |key: &SigningKey, subject: &str| key.token("EdDSA", Some("a"), &claims(subject));
    let forger = SigningKey::ed25519();
    assert_eq!(["ann", "bob"].map(|name| call(&gateway, &token(&key, name)).status), [200, 200]);
    let guess = |number: usize| call(&gateway, &token(&forger, &format!("guess-{number}"))).status;
    assert_eq!([guess(0), guess(1), guess(2), guess(3), guess(4)], [401, 401, 401, 401, 429]);
    // Far more than are checked in a second, again and again, and then a token that no worker has seen.
    for round in 1..=5 {
        for number in 0..40 {
            let claims =
                claims("ann").replace(&seconds(600).to_string(), &seconds(1_000 + number).to_string());
            assert_eq!(call(&gateway, &forger.token("EdDSA", Some("a"), &claims)).status, 429);
        }
        let claims = claims("bob").replace(&seconds(600).to_string(), &seconds(600 + round).to_string());
        assert_eq!(call(&gateway, &key.token("EdDSA", Some("a"), &claims)).status, 200);
    }
}

/// A certificate of this name, which is its own authority, as PEM.
fn certificate(name: &str) -> (String, String) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// One call over TLS, with a client certificate or without.
fn call_over_tls(guard: &Guard, folder: &Path, own: Option<&(String, String)>, fields: &str) -> Answer {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap()).unwrap();
    let builder =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
    let config = match own {
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            builder
                .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
                .unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let tcp = std::net::TcpStream::connect(guard.https()[0]).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, tcp);
    std::io::Write::write_all(&mut stream, format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n").as_bytes())
        .unwrap();
    Answer::read(&mut stream).unwrap()
}

#[test]
fn a_lock_out_spares_who_had_shown_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let (ann, carl) = (certificate("ann"), certificate("carl"));
    std::fs::write(folder.path().join("clients.pem"), format!("{}{}", ann.0, carl.0)).unwrap();
    std::fs::write(folder.path().join("keys.txt"), "").unwrap();
    let policy = format!(
        "[listen]\nhttps = \"127.0.0.1:0\"\nthreads = 2\n\
         [tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\nclient-ca = \"clients.pem\"\n\
         [upstream]\nurl = \"http://{}\"\n[timeouts]\nshutdown = \"200ms\"\n\
         [[caller]]\nfrom = \"mtls\"\n[[caller]]\nfrom = \"bearer\"\nkeys = \"keys.txt\"\nrequired = true\n\
         [credentials]\nper-source = \"3/1h\"\n",
        Echo::start().address
    );
    std::fs::write(folder.path().join("ratewarden.toml"), policy).unwrap();
    let guard = Guard::start(&folder.path().join("ratewarden.toml")).unwrap();
    let call = |own| call_over_tls(&guard, folder.path(), own, "").status;
    assert_eq!(call(Some(&ann)), 200);
    let guess = || call_over_tls(&guard, folder.path(), None, "authorization: Bearer rw_guess\r\n").status;
    assert_eq!([guess(), guess(), guess(), guess(), guess()], [401, 401, 401, 401, 429]);
    assert_eq!([call(Some(&ann)), call(Some(&carl)), call(None)], [200, 429, 429]);
    guard.stop();
}
