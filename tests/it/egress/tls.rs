//! Who is trusted, and the ways through proxies.
//!
//! `tls/ca.pem` is an authority whose key is gone; `tls/server.pem` is its only certificate, for `localhost`, and guards nothing.

use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use callboard::egress::{Egress, EgressError, Kind, Proxies, Settings, TrustedRoots, Why};
use callboard::tasks::Tasks;

use super::probe::{Probe, answer, ask, code, ok, spec};

const CA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/egress/tls/ca.pem");

/// Answers every request over TLS; its port.
async fn secure(tasks: &Tasks) -> u16 {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
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
