//! HTTP/2 from clients, as a client sees it.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{Full, StreamBody};
use hyper::body::Frame;

use crate::http2_client::{Whole, call, connect, get, run};
use crate::server::{Echo, Gateway, wait_for_lines};

#[test]
fn a_call_is_forwarded_in_the_one_form_its_server_reads() {
    let gateway = Gateway::start(Echo::start().address, "");
    let seen = run(async {
        let mut sender = connect(gateway.guard().http()[0]).await;
        let mut request =
            get("/%61//b?x=1", &[("x-mine", "yes"), ("te", "trailers"), ("x-real-ip", "9.9.9.9")]);
        for crumb in ["a=1", "b=2", "c=3"] {
            request.headers_mut().append("cookie", crumb.parse().unwrap());
        }
        call(&mut sender, request).await
    });
    assert_eq!(seen.status, 200);
    let text = seen.text();
    assert!(text.starts_with("GET /a/b?x=1 HTTP/1.1\r\nhost: a.test\r\n"), "{text}");
    assert!(text.contains("cookie: a=1; b=2; c=3\r\n") && text.contains("x-mine: yes\r\n"), "{text}");
    assert!(text.contains("x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\n"), "{text}");
    assert!(
        !text.contains("te: ") && !text.contains("9.9.9.9") && !text.contains("transfer-encoding"),
        "{text}"
    );
}

#[test]
fn a_rejection_is_the_same_in_either_version() {
    let rules = "[[limit]]\nname = \"few\"\nper = [\"header:x-key\"]\nrate = \"1/1h\"\n";
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, rules);
    run(async {
        let mut sender = connect(gateway.guard().http()[0]).await;
        let admitted = call(&mut sender, get("/", &[("x-key", "k")])).await;
        assert_eq!((admitted.status, admitted.field("ratelimit").is_some()), (200, true));
        let old = gateway.get("/", "x-key: k\r\n");
        let new = call(&mut sender, get("/", &[("x-key", "k")])).await;
        assert_eq!((old.status, new.status), (429, 429));
        assert_eq!(old.body, new.text());
        for name in ["retry-after", "ratelimit", "ratelimit-policy", "content-type", "content-length"] {
            assert_eq!(old.field(name), new.field(name), "{name}");
        }
        // A field that is counted may be there once, in either version.
        let mut twice = get("/", &[("x-key", "k"), ("x-key", "l")]);
        assert_eq!(call(&mut sender, twice.clone()).await.status, 400);
        *twice.method_mut() = Method::HEAD;
        let head = call(&mut sender, twice).await;
        assert!(head.status == 400 && head.body.is_empty() && head.field("content-length").is_some());
    });
    assert_eq!(echo.answered(), 1);
}

#[test]
fn a_hundred_calls_at_once_share_a_connection() {
    let gateway = Gateway::start(Echo::start().address, "");
    let answered = AtomicUsize::new(0);
    run(async {
        let sender = connect(gateway.guard().http()[0]).await;
        let calls = (0..100).map(|number| {
            let (mut sender, answered) = (sender.clone(), &answered);
            async move {
                let answer = call(&mut sender, get(&format!("/{number}"), &[])).await;
                assert!(answer.text().starts_with(&format!("GET /{number} ")));
                answered.fetch_add(1, Ordering::SeqCst);
            }
        });
        let tasks: Vec<_> = calls.map(Box::pin).collect();
        join_all(tasks).await;
    });
    assert_eq!(answered.into_inner(), 100);
}

/// Polls all futures until all have ended.
async fn join_all<F: Future<Output = ()> + Unpin>(mut futures: Vec<F>) {
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| std::pin::Pin::new(future).poll(context).is_pending());
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[test]
fn ten_megabytes_pass_both_ways_with_and_without_a_length() {
    let gateway = Gateway::start(Echo::start().address, "");
    let body: Vec<u8> = (0..10_000_000_u32).map(|number| (number % 251) as u8).collect();
    run(async {
        let mut sender = connect(gateway.guard().http()[0]).await;
        let request = Request::put("http://a.test/known").body(Full::new(Bytes::from(body.clone()))).unwrap();
        let known = call(&mut sender, request).await;
        assert!(known.status == 200 && known.body.ends_with(&body));
        let head = String::from_utf8_lossy(known.body.get(..200).unwrap()).into_owned();
        assert!(head.contains("content-length: 10000000"), "{head}");
        let (feed, fed) = tokio::sync::mpsc::channel::<Bytes>(4);
        let mut sender = connect(gateway.guard().http()[0]).await;
        let request = Request::put("http://a.test/unknown").body(StreamBody::new(Fed(fed))).unwrap();
        let pieces = body.chunks(70_000).map(Bytes::copy_from_slice).collect::<Vec<_>>();
        let feeding = async {
            for piece in pieces {
                feed.send(piece).await.unwrap();
            }
            drop(feed);
        };
        let (unknown, ()) = tokio::join!(call(&mut sender, request), feeding);
        assert!(unknown.status == 200 && unknown.body.ends_with(&body));
        assert!(
            String::from_utf8_lossy(unknown.body.get(..200).unwrap()).contains("transfer-encoding: chunked")
        );
    });
}

/// A body without a length.
struct Fed(tokio::sync::mpsc::Receiver<Bytes>);

impl futures_core::Stream for Fed {
    type Item = Result<Frame<Bytes>, std::convert::Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

#[test]
fn a_body_that_is_looked_into_is_judged_before_it_is_forwarded() {
    let rules = "[[bound]]\nname = \"gpus\"\nbody = \"gpus\"\nmax = 8\n\n\
                 [[bound]]\nname = \"cpus\"\nbody = \"cpus\"\nmax = 8\nover = \"refuse\"\n";
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, rules);
    let post = |body: &'static str| Request::post("http://a.test/").body(Whole::from(body)).unwrap();
    run(async {
        let mut sender = connect(gateway.guard().http()[0]).await;
        let clamped = call(&mut sender, post(r#"{"gpus": 500}"#)).await;
        assert!(clamped.text().contains("content-length: 11\r\n"), "{}", clamped.text());
        assert!(clamped.text().ends_with(r#"{"gpus": 8}"#), "{}", clamped.text());
        assert_eq!(call(&mut sender, post(r#"{"cpus": 9}"#)).await.status, 422);
        assert_eq!(call(&mut sender, post(r#"{"cpus": 9"#)).await.status, 400);
    });
    assert_eq!(echo.answered(), 1);
}

#[test]
fn what_the_server_answers_passes_without_what_is_for_one_hop() {
    let rules = "[[limit]]\nname = \"cost\"\nwindow = \"10/1h\"\nsettle = \"response-header:x-cost\"\n";
    let gateway = Gateway::start(Echo::start().address, rules);
    run(async {
        let mut sender = connect(gateway.guard().http()[0]).await;
        let ended = call(&mut sender, get("/until-close", &[])).await;
        assert_eq!((ended.status, ended.text(), ended.field("content-length")), (200, "all there is", None));
        let priced = call(&mut sender, get("/price", &[])).await;
        assert_eq!((priced.status, priced.field("x-cost")), (200, None));
        // One, then one that was settled at seven: two are left of ten.
        let left = call(&mut sender, get("/", &[])).await;
        assert!(left.field("ratelimit").unwrap().contains(";r=1;"), "{:?}", left.field("ratelimit"));
        assert_eq!(call(&mut sender, get("/garbage", &[])).await.status, 502);
    });
}

#[test]
fn calls_are_written_down_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.ndjson");
    let rules = format!("[log]\naccess = \"{}\"\n", log.display());
    let gateway = Gateway::start(Echo::start().address, &rules);
    run(async {
        let mut sender = connect(gateway.guard().http()[0]).await;
        assert_eq!(call(&mut sender, get("/one", &[])).await.status, 200);
        assert_eq!(call(&mut sender, get("/a/../b", &[])).await.status, 400);
    });
    let lines = wait_for_lines(&log, 2);
    assert_eq!(
        (&lines[0]["path"], &lines[0]["decision"], &lines[0]["status"]),
        (&"/one".into(), &"admitted".into(), &200.into())
    );
    assert_eq!((&lines[1]["decision"], &lines[1]["reason"]), (&"refused".into(), &"path_dot_segment".into()));
}

#[test]
fn an_end_under_load_fails_no_call() {
    let mut gateway = Gateway::start(Echo::start().address, "");
    let address = gateway.guard().http()[0];
    let started = std::sync::Barrier::new(5);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    run(async {
                        let mut sender = connect::<Whole>(address).await;
                        assert_eq!(call(&mut sender, get("/", &[])).await.status, 200);
                        started.wait();
                        let mut answered = 0_usize;
                        loop {
                            let mut failed = match sender.try_send_request(get("/", &[])).await {
                                Ok(response) => {
                                    assert_eq!(
                                        crate::http2_client::Answered::read(response).await.status,
                                        200
                                    );
                                    answered += 1;
                                    continue;
                                }
                                Err(failed) => failed,
                            };
                            // A call that never left has not failed: the client was told to go elsewhere.
                            assert!(failed.take_message().is_some(), "{failed:?} after {answered} calls");
                            return;
                        }
                    });
                })
            })
            .collect();
        started.wait();
        gateway.stop();
        for client in clients {
            client.join().unwrap();
        }
    });
}
