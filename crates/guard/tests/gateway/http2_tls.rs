//! HTTP/2 that is agreed on in a TLS handshake, and as a program that everybody has speaks it.

use std::path::Path;
use std::process::Command;

use ratewarden_guard::Guard;

use crate::server::{Echo, Gateway};

/// A certificate for 127.0.0.1 that is its own authority.
pub(crate) fn write_certificate(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

/// A gateway that listens for TLS, and one in front of it that speaks HTTP/2 to it.
fn two_gateways(folder: &Path, upstream: &str, http2: bool) -> (Guard, Guard) {
    write_certificate(folder);
    let inner = format!(
        "[listen]\nhttps = \"127.0.0.1:0\"\nthreads = 1\n[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n\
         [upstream]\nurl = \"http://{upstream}\"\n[timeouts]\nshutdown = \"200ms\"\n"
    );
    std::fs::write(folder.join("inner.toml"), inner).unwrap();
    let inner = Guard::start(&folder.join("inner.toml")).unwrap();
    let outer = format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\nthreads = 1\n[upstream]\nurl = \"https://{}\"\nhttp2 = {http2}\n\
         ca = \"cert.pem\"\n[timeouts]\nshutdown = \"200ms\"\n",
        inner.https()[0]
    );
    std::fs::write(folder.join("outer.toml"), outer).unwrap();
    (inner, Guard::start(&folder.join("outer.toml")).unwrap())
}

#[test]
fn both_sides_agree_on_it_and_a_client_that_does_not_offer_it_is_served_as_well() {
    let echo = Echo::start();
    for http2 in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (inner, outer) = two_gateways(folder.path(), &echo.address.to_string(), http2);
        let answer = crate::server::exchange(outer.http()[0], "GET /x HTTP/1.1\r\nhost: a.test\r\n\r\n");
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body.starts_with("GET /x HTTP/1.1\r\nhost: a.test\r\n"), "{}", answer.body);
        assert!(answer.body.contains("x-forwarded-proto: https"), "{}", answer.body);
        outer.stop();
        inner.stop();
    }
}

/// What curl prints; `None` where it is not installed and need not be.
fn curl(arguments: &[&str]) -> Option<String> {
    let output = match Command::new("curl").args(["-sS", "--max-time", "20"]).args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            let required = std::env::var(ratewarden_testkit::services::REQUIRED_VARIABLE);
            assert_ne!(
                required.as_deref(),
                Ok(ratewarden_testkit::services::REQUIRED),
                "curl is missing: {error}"
            );
            eprintln!("skipped: curl is missing");
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn curl_is_served_with_prior_knowledge_and_over_tls() {
    let rules = "[[limit]]\nname = \"few\"\nrate = \"1/1h\"\n";
    let gateway = Gateway::start(Echo::start().address, rules);
    let plain = format!("http://{}/", gateway.guard().http()[0]);
    let report = "%{http_version} %{http_code} %{size_upload}";
    let Some(seen) = curl(&["--http2-prior-knowledge", "-o", "/dev/null", "-w", report, &plain]) else {
        return;
    };
    assert_eq!(seen, "2 200 0");
    let rejected = curl(&["--http2-prior-knowledge", "-i", &plain]).unwrap();
    assert!(rejected.starts_with("HTTP/2 429") && rejected.contains("retry-after: 3600"), "{rejected}");
    let folder = tempfile::tempdir().unwrap();
    let (inner, outer) = two_gateways(folder.path(), &Echo::start().address.to_string(), true);
    let body = folder.path().join("body");
    std::fs::write(&body, "x".repeat(3_000_000)).unwrap();
    let (upload, certificate) = (format!("@{}", body.display()), folder.path().join("cert.pem"));
    let secure = format!("https://{}/", inner.https()[0]);
    let arguments = ["--cacert", certificate.to_str().unwrap(), "--data-binary", &upload];
    let arguments = [&arguments[..], &["-o", "/dev/null", "-w", report, &secure]].concat();
    assert_eq!(curl(&arguments).unwrap(), "2 200 3000000");
    outer.stop();
    inner.stop();
}
