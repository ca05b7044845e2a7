//! Who is trusted, and the ways through proxies.
//!
//! `tls/ca.pem` is an authority whose key is gone; `tls/server.pem` is its only certificate, for `localhost`, and guards nothing.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use callboard::egress::{Egress, EgressError, Kind, Method, Proxies, Settings, TrustedRoots, Why};
use callboard::tasks::Tasks;

use super::probe::{Probe, answer, ask, code, get, ok, spec};

const CA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/egress/tls/ca.pem");

/// TLS as `localhost`; `spoken` is what it agrees to speak.
fn acceptor(spoken: &[&str]) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key.pem")).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = spoken.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Answers every request over TLS; its port.
async fn secure(tasks: &Tasks) -> u16 {
    let acceptor = acceptor(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tasks.spawn("secure", async move |_cancel| {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            // One read is the whole of so small a request.
            if stream.read(&mut [0; 4096]).await.is_ok() {
                let said = b"HTTP/1.1 200 x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                drop(stream.write_all(said).await);
                drop(stream.shutdown().await);
            }
        }
    });
    port
}

/// What a server with HTTP/2 saw.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    /// Those whose requests have all come before the first was answered.
    together: AtomicUsize,
    requests: Mutex<Vec<(String, bool)>>,
}

/// Answers over HTTP/2 once `at_once` requests of a connection are there; a path that ends in `last` ends its connection.
async fn multiplexed(tasks: &Tasks, at_once: usize) -> (u16, Arc<Seen>) {
    let acceptor = acceptor(&["h2", "http/1.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Seen::default());
    let (all, inner) = (Arc::clone(&seen), tasks.clone());
    tasks.spawn("multiplexed", async move |_cancel| {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let stream = acceptor.accept(stream).await.unwrap();
            all.connections.fetch_add(1, Ordering::Relaxed);
            let (all, barrier) = (Arc::clone(&all), Arc::new(Barrier::new(at_once)));
            inner.spawn("connection", async move |_cancel| {
                let (end, mut ended) = watch::channel(false);
                let end = Arc::new(end);
                let service = service_fn(move |request: Request<Incoming>| {
                    let (all, barrier, end) =
                        (Arc::clone(&all), Arc::clone(&barrier), Arc::clone(&end));
                    async move {
                        let has_host = request.headers().contains_key("host");
                        let uri = request.uri().to_string();
                        let is_last = uri.ends_with("last");
                        all.requests.lock().push((uri, has_host));
                        if barrier.wait().await.is_leader() {
                            all.together.fetch_add(1, Ordering::Relaxed);
                        }
                        let body = request.into_body().collect().await?.to_bytes();
                        end.send_replace(is_last);
                        Ok::<_, hyper::Error>(Response::new(Full::new(body)))
                    }
                });
                let builder = http2::Builder::new(TokioExecutor::new());
                let serving = builder.serve_connection(TokioIo::new(stream), service);
                let mut serving = pin!(serving);
                let ended = async { drop(ended.wait_for(|ended| *ended).await) };
                tokio::select! {
                    served = &mut serving => drop(served),
                    () = ended => {
                        serving.as_mut().graceful_shutdown();
                        drop(serving.await);
                    }
                }
            });
        }
    });
    (port, seen)
}

fn trusting(extra: Option<&Path>) -> Result<Egress, EgressError> {
    Egress::new(Settings {
        roots: TrustedRoots {
            extra: extra.map(Path::to_path_buf),
        },
        ..Settings::default()
    })
}

#[tokio::test]
async fn a_certificate_is_trusted_if_its_authority_is_named_and_the_name_is_its_own() {
    let tasks = Tasks::new();
    let port = secure(&tasks).await;
    let plain = Probe::start(|_| ok()).await.address.port();
    let (stranger, friend) = (
        trusting(None).unwrap(),
        trusting(Some(Path::new(CA))).unwrap(),
    );
    let untrusted = Err(Kind::Unavailable(Why::Tls));
    for (egress, host, port, expected) in [
        (&friend, "localhost", port, Ok(200)),
        (&stranger, "localhost", port, untrusted.clone()),
        (&friend, "127.0.0.1", port, untrusted.clone()),
        (&friend, "localhost", plain, untrusted),
    ] {
        let upstream = egress
            .upstream(spec(&format!("https://{host}:{port}/api")))
            .unwrap();
        let result = ask(&upstream).await;
        let result = result
            .map(|reply| reply.status)
            .map_err(|failure| failure.kind);
        assert_eq!(result, expected, "{host}");
    }
}

#[tokio::test]
async fn where_http_2_is_offered_one_connection_carries_all_requests() {
    let tasks = Tasks::new();
    let (port, seen) = multiplexed(&tasks, 8).await;
    let egress = trusting(Some(Path::new(CA))).unwrap();
    let mut spec = spec(&format!("https://localhost:{port}/api"));
    spec.limits.timeout = Duration::from_secs(5);
    let upstream = egress.upstream(spec).unwrap();
    // More than a window holds at first, so that its flow is regulated.
    let body = Bytes::from("x".repeat(200_000));
    let round = async |path: &str| {
        let ask = |_| {
            let mut call = get(path);
            call.method = Method::POST;
            call.body = Some(body.clone());
            upstream.send(call)
        };
        for reply in join_all((0..8).map(ask)).await {
            let reply = reply.unwrap();
            assert_eq!((reply.status, reply.body.len()), (200, body.len()));
        }
    };
    round("/things/7").await;
    round("/things/last").await;
    assert_eq!(seen.connections.load(Ordering::Relaxed), 1);
    assert_eq!(seen.together.load(Ordering::Relaxed), 2);
    let requests = std::mem::take(&mut *seen.requests.lock());
    let url = format!("https://localhost:{port}/api/things/");
    for (uri, has_host) in requests {
        assert!(uri.starts_with(&url) && !has_host, "{uri}");
    }
    // It has ended the connection, and is asked over another one.
    round("/things/7").await;
    assert_eq!(seen.connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_tunnel_through_a_proxy_carries_tls() {
    let tasks = Tasks::new();
    let port = secure(&tasks).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let asked: Arc<Mutex<String>> = Arc::default();
    let heard = Arc::clone(&asked);
    tasks.spawn("proxy", async move |_cancel| {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut head = [0; 1024];
        let length = client.read(&mut head).await.unwrap();
        *heard.lock() = String::from_utf8_lossy(&head[..length]).into_owned();
        client
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await
            .unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
    });
    let egress = Egress::new(Settings {
        roots: TrustedRoots {
            extra: Some(CA.into()),
        },
        proxies: Proxies {
            https: Some(format!("ada:pw@{proxy}").into()),
            ..Proxies::default()
        },
        ..Settings::default()
    });
    let spec = spec(&format!("https://localhost:{port}/api"));
    let upstream = egress.unwrap().upstream(spec).unwrap();
    assert_eq!(code(&ask(&upstream).await), "200");
    let asked = asked.lock();
    assert!(
        asked.starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\n")),
        "{asked}"
    );
    assert!(
        asked.contains("proxy-authorization: Basic YWRhOnB3\r\n"),
        "{asked}"
    );
    assert!(!asked.contains("s3cret"), "{asked}");
}

#[test]
fn a_file_without_certificates_is_an_error() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let error = trusting(Some(&file)).unwrap_err().to_string();
    assert!(
        error.ends_with("Cargo.toml` holds no certificate in PEM form"),
        "{error}"
    );
    let error = trusting(Some(Path::new("no/such.pem")))
        .unwrap_err()
        .to_string();
    assert_eq!(error, "the certificates of `no/such.pem` cannot be read");
}

#[tokio::test]
async fn proxies_are_asked_for_all_hosts_but_the_excepted() {
    let proxy = Probe::start(|asked| match &*asked.method {
        "CONNECT" => answer(403, "", ""),
        _ => ok(),
    })
    .await;
    let direct = Probe::start(|_| ok()).await;
    // A user's name and password, whose `printf 'ada:pw' | base64` is below.
    let url = format!("http://ada:pw@{}", proxy.address);
    let egress = Egress::new(Settings {
        proxies: Proxies {
            http: Some(url.clone().into()),
            https: Some(url.into()),
            none: Some("127.0.0.1,.inside.test".to_owned()),
        },
        ..Settings::default()
    })
    .unwrap();
    let ask = async |base: &str| ask(&egress.upstream(spec(base)).unwrap()).await;
    assert_eq!(code(&ask("http://ours.test/api").await), "200");
    let asked = proxy.asked().remove(0);
    assert_eq!(asked.target, "http://ours.test/api/things/7");
    assert_eq!(asked.headers["proxy-authorization"], "Basic YWRhOnB3");
    assert_eq!(asked.headers["authorization"], "Bearer s3cret");

    // Through a tunnel, the proxy sees the host and nothing else.
    assert_eq!(
        code(&ask("https://ours.test/api").await),
        "UPSTREAM_UNAVAILABLE"
    );
    let asked = proxy.asked().remove(1);
    assert_eq!(
        (&*asked.method, &*asked.target),
        ("CONNECT", "ours.test:443")
    );
    assert!(!asked.headers.contains_key("authorization"));

    assert_eq!(
        code(&ask(&format!("http://{}/api", direct.address)).await),
        "200"
    );
    assert_eq!((proxy.count(), direct.count()), (2, 1));
}

#[test]
fn a_proxy_that_is_no_url_is_an_error_that_does_not_show_it() {
    let error = Egress::new(Settings {
        proxies: Proxies {
            https: Some("ftp://ada:pw@host".into()),
            ..Proxies::default()
        },
        ..Settings::default()
    });
    let error = error.unwrap_err().to_string();
    assert_eq!(
        error,
        "the proxy for https has no URL that can be understood"
    );
}
