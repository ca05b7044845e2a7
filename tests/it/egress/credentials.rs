//! As whom requests go out, and to whom the credential goes.

use std::time::Duration;

use futures_util::future::join_all;

use callboard::egress::{Credential, HeaderName, HeaderValue, Kind, Refusal, SpecError, Url};

use super::probe::{Act, Probe, answer, ask, code, egress, get, ok, upstream};

#[tokio::test]
async fn each_credential_goes_out_in_its_own_form() {
    let header = |name: &str, prefix: &str| Credential::Header {
        name: HeaderName::from_bytes(name.as_bytes()).unwrap(),
        prefix: prefix.to_owned(),
        token: "t".into(),
    };
    let basic = Credential::Basic {
        user: "ada".into(),
        password: "löve".into(),
    };
    for (credential, name, expected) in [
        (Credential::None, "authorization", None),
        (
            Credential::Bearer { token: "t".into() },
            "authorization",
            Some("Bearer t"),
        ),
        // `printf 'ada:löve' | base64`
        (basic, "authorization", Some("Basic YWRhOmzDtnZl")),
        (header("Circle-Token", ""), "circle-token", Some("t")),
        (
            header("authorization", "Token token="),
            "authorization",
            Some("Token token=t"),
        ),
        (
            Credential::Forward,
            "authorization",
            Some("Bearer viewer's"),
        ),
    ] {
        let probe = Probe::start(|_| ok()).await;
        let mut spec = probe.spec();
        spec.credential = credential;
        let mut call = get("/things/7");
        call.authorization = Some("Bearer viewer's".into());
        assert_eq!(code(&upstream(spec).send(call).await), "200");
        let asked = probe.asked().remove(0);
        assert_eq!(asked.headers.get(name).map(String::as_str), expected);
        let version = concat!("callboard/", env!("CARGO_PKG_VERSION"));
        assert_eq!(asked.headers["user-agent"], version);
    }
}

#[tokio::test]
async fn a_source_that_forwards_asks_nothing_for_nobody() {
    let probe = Probe::start(|_| ok()).await;
    let mut spec = probe.spec();
    spec.credential = Credential::Forward;
    let failure = ask(&upstream(spec)).await.unwrap_err();
    assert_eq!(failure.code(), "UPSTREAM_UNAUTHORIZED");
    assert_eq!(probe.count(), 0);
}

#[tokio::test]
async fn a_line_break_never_becomes_a_header() {
    let probe = Probe::start(|_| ok()).await;
    let egress = egress();
    for text in ["a\r\nx: y", "a\nb", "a\0b", "a\rb"] {
        let mut spec = probe.spec();
        spec.credential = Credential::Bearer { token: text.into() };
        assert_eq!(egress.upstream(spec).err(), Some(SpecError::Credential));
        let mut spec = probe.spec();
        spec.headers = vec![(HeaderName::from_static("x-a"), text.into())];
        let error = SpecError::HeaderValue("x-a".to_owned());
        assert_eq!(egress.upstream(spec).err(), Some(error));
    }
    let mut call = get("/things/7");
    call.headers = vec![(
        HeaderName::from_static("content-length"),
        HeaderValue::from_static("5"),
    )];
    let failure = egress
        .upstream(probe.spec())
        .unwrap()
        .send(call)
        .await
        .unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::Header));
    assert_eq!(probe.count(), 0);
}

/// Gives out `t0`, `t1`, … for an hour each; the upstream takes only the newest.
#[tokio::test]
async fn a_token_is_fetched_once_for_all_and_again_when_it_is_refused() {
    let granting = |life: u32| {
        move |asked: &super::probe::Asked| {
            let token = format!(
                "{{\"access_token\":\"t{}\",\"expires_in\":{life}}}",
                asked.number
            );
            Act::Late(Duration::from_millis(20), Box::new(answer(200, "", &token)))
        }
    };
    let tokens = Probe::start(granting(3600)).await;
    let probe = Probe::start(|_| ok()).await;
    let mut spec = probe.spec();
    spec.credential = Credential::OAuth2 {
        token_url: Url::parse(&format!("http://{}/oauth/token", tokens.address)).unwrap(),
        client_id: "id".into(),
        client_secret: "s&cret".into(),
        scopes: vec!["read".to_owned(), "list".to_owned()],
    };
    let upstream = upstream(spec);
    let results = join_all((0..10).map(|_| ask(&upstream))).await;
    assert!(results.iter().all(|result| code(result) == "200"));
    assert_eq!(tokens.count(), 1);
    let asked = tokens.asked().remove(0);
    assert_eq!((&*asked.method, &*asked.target), ("POST", "/oauth/token"));
    assert_eq!(asked.body, "grant_type=client_credentials&scope=read+list");
    // `printf 'id:s%%26cret' | base64`
    assert_eq!(asked.headers["authorization"], "Basic aWQ6cyUyNmNyZXQ=");

    // Revoked before its end: refused once, fetched again, and asked again.
    probe.now(|asked| match &*asked.headers["authorization"] {
        "Bearer t1" => ok(),
        _ => answer(401, "", ""),
    });
    assert_eq!(code(&ask(&upstream).await), "200");
    assert_eq!((tokens.count(), probe.count()), (2, 12));

    // Refused for good: no token helps, and no circle is made.
    probe.now(|_| answer(401, "", ""));
    let failure = ask(&upstream).await.unwrap_err();
    assert_eq!(
        (failure.code(), failure.attempts),
        ("UPSTREAM_UNAUTHORIZED", 2)
    );
    tokens.now(|_| answer(400, "", "{\"error\":\"invalid_client\"}"));
    assert_eq!(code(&ask(&upstream).await), "UPSTREAM_UNAUTHORIZED");
    tokens.now(|_| answer(200, "", "<html>"));
    assert_eq!(code(&ask(&upstream).await), "UPSTREAM_UNAVAILABLE");
}
