//! Where a redirect may lead, with what, and to which addresses.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use callboard::egress::{
    Egress, HeaderName, Kind, Lookup, Method, Refusal, Settings, Upstream, UpstreamSpec, Why,
};

use super::probe::{Probe, answer, ask, code, egress, get, ok, spec, upstream};

/// A resolver that gives, for each lookup, the next of these answers, and the last for ever.
struct Names {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parse).collect()),
            asked: Mutex::default(),
        })
    }

    fn upstream(self: &Arc<Self>, spec: UpstreamSpec) -> Arc<Upstream> {
        let settings = Settings {
            lookup: Arc::clone(self) as Arc<dyn Lookup>,
            ..Settings::default()
        };
        Egress::new(settings).unwrap().upstream(spec).unwrap()
    }
}

impl Lookup for Names {
    fn lookup(&self, host: String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        self.asked.lock().push(host);
        let mut answers = self.answers.lock();
        let answer = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.remove(0),
        };
        let addresses = answer
            .into_iter()
            .map(|address| SocketAddr::new(address, 0));
        let addresses = Ok(addresses.collect());
        Box::pin(std::future::ready(addresses))
    }
}

fn to(location: &str) -> super::probe::Act {
    answer(302, &format!("location: {location}"), "")
}

#[tokio::test]
async fn the_same_host_is_followed_with_the_credential() {
    let probe = Probe::start(|asked| match &*asked.target {
        "/api/things/7" => to("/moved?x=1"),
        _ => ok(),
    })
    .await;
    assert_eq!(code(&ask(&upstream(probe.spec())).await), "200");
    let asked = probe.asked();
    assert_eq!(asked[1].target, "/moved?x=1");
    assert_eq!(asked[1].headers["authorization"], "Bearer s3cret");
}

#[tokio::test]
async fn a_named_host_is_followed_without_credential_and_headers() {
    let other = Probe::start(|_| ok()).await;
    let target = other.address;
    let probe = Probe::start(move |_| to(&format!("http://{target}/file"))).await;
    let mut spec = probe.spec();
    spec.headers = vec![(HeaderName::from_static("x-key"), "k3y".into())];
    assert_eq!(
        code(&ask(&upstream(spec.clone())).await),
        "UPSTREAM_UNAVAILABLE"
    );
    assert_eq!(other.count(), 0);
    // The address as the operator wrote it, though it is private; another port is another host.
    spec.allow_hosts = vec![target.ip().to_string()];
    assert_eq!(
        code(&ask(&upstream(spec.clone())).await),
        "UPSTREAM_UNAVAILABLE"
    );
    spec.allow_hosts = vec![target.to_string()];
    assert_eq!(code(&ask(&upstream(spec.clone())).await), "200");
    let asked = other.asked().remove(0);
    let sent: Vec<_> = asked.headers.keys().map(String::as_str).collect();
    for secret in ["authorization", "x-key", "referer", "cookie"] {
        assert!(!sent.contains(&secret), "{sent:?}");
    }
    // A body is for the upstream alone.
    probe.now(move |_| answer(307, &format!("location: http://{target}/file"), ""));
    let mut call = get("/things/7");
    call.method = Method::POST;
    call.body = Some("{}".into());
    let failure = upstream(spec).send(call).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::RedirectHost));
    assert_eq!(other.count(), 1);
}

#[tokio::test]
async fn no_redirect_reaches_an_address_that_is_not_public() {
    let egress = egress();
    for host in [
        "127.0.0.1",
        "127.8.9.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.0.8",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[::127.0.0.1]",
        "[2001:db8::1]",
    ] {
        let probe = Probe::start(move |_| to(&format!("http://{host}/"))).await;
        let failure = ask(&egress.upstream(probe.spec()).unwrap())
            .await
            .unwrap_err();
        assert_eq!(failure.kind, Kind::Refused(Refusal::Address), "{host}");
    }
}

#[tokio::test]
async fn a_named_hosts_address_is_checked_by_the_connection_itself() {
    for addresses in [
        &["169.254.169.254"][..],
        &["8.8.8.8", "127.0.0.1"],
        &["::ffff:10.0.0.1"],
        &["fd00::1"],
    ] {
        let probe = Probe::start(|_| to("http://files.test/")).await;
        let mut spec = probe.spec();
        spec.allow_hosts = vec!["files.test".to_owned()];
        let names = Names::new(&[addresses]);
        let failure = ask(&names.upstream(spec)).await.unwrap_err();
        assert_eq!(
            failure.kind,
            Kind::Refused(Refusal::Address),
            "{addresses:?}"
        );
        // One lookup, whose answer is what is connected to: none is left for a second answer.
        assert_eq!(*names.asked.lock(), ["files.test"]);
    }
}

#[tokio::test]
async fn a_name_that_turns_private_later_is_not_followed_there() {
    let probe = Probe::start(|_| ok()).await;
    let port = probe.address.port();
    let redirecting = Probe::start(move |_| to(&format!("http://files.test:{port}/"))).await;
    let mut spec = redirecting.spec();
    spec.allow_hosts = vec![format!("files.test:{port}")];
    // A public address where nothing answers, then the machine itself.
    let names = Names::new(&[&["192.0.2.1"], &["127.0.0.1"]]);
    let upstream = names.upstream(spec);
    assert_eq!(code(&ask(&upstream).await), "UPSTREAM_UNAVAILABLE");
    let failure = ask(&upstream).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::Address));
    assert_eq!(probe.count(), 0);
}

#[tokio::test]
async fn a_redirect_is_never_less_safe_and_never_a_riddle() {
    for (status, location, refusal) in [
        (302, "ftp://files.test/", Refusal::RedirectHost),
        (302, "file:///etc/passwd", Refusal::RedirectHost),
        (302, "http://user:pass@files.test/", Refusal::RedirectHost),
        (302, "http://files.test.evil.test/", Refusal::RedirectHost),
        (302, "http://files.test:8080/", Refusal::RedirectHost),
        (302, "http://[", Refusal::Redirects),
    ] {
        let probe =
            Probe::start(move |_| answer(status, &format!("location: {location}"), "")).await;
        let mut spec = probe.spec();
        spec.allow_hosts = vec!["files.test".to_owned()];
        let failure = ask(&upstream(spec)).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Refused(refusal), "{location}");
    }
    let probe = Probe::start(|_| answer(302, "", "")).await;
    let failure = ask(&upstream(probe.spec())).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::Redirects));
}

#[tokio::test]
async fn a_name_without_an_address_is_said_to_have_none() {
    let names = Names::new(&[&[]]);
    let failure = ask(&names.upstream(spec("http://gone.test/api")))
        .await
        .unwrap_err();
    assert_eq!(failure.kind, Kind::Unavailable(Why::Name));
    // The operator's own name may lead anywhere.
    let probe = Probe::start(|_| ok()).await;
    let names = Names::new(&[&["127.0.0.1"]]);
    let base = format!("http://ours.test:{}/api", probe.address.port());
    assert_eq!(code(&ask(&names.upstream(spec(&base))).await), "200");
}

#[tokio::test]
async fn an_upstreams_own_links_come_in_below_the_base_only() {
    let upstream = upstream(spec("https://api.test/v1"));
    for (link, expected) in [
        ("https://api.test/v1/things?page=2", Ok("/things?page=2")),
        ("https://api.test:443/v1/things", Ok("/things")),
        ("/v1/things?cursor=a%2Fb", Ok("/things?cursor=a%2Fb")),
        ("?page=2", Ok("?page=2")),
        ("https://api.test/v2/things", Err(Refusal::Path)),
        ("https://api.test/v1x", Err(Refusal::Path)),
        ("/v1/../admin", Err(Refusal::Path)),
        ("http://api.test/v1/things", Err(Refusal::Path)),
        ("https://evil.test/v1/things", Err(Refusal::Path)),
        ("https://u:p@api.test/v1/things", Err(Refusal::Path)),
        ("//evil.test/v1", Err(Refusal::Path)),
    ] {
        assert_eq!(upstream.below(link), expected.map(str::to_owned), "{link}");
    }
}
