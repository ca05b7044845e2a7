//! HTTP over loopback, against `server::run`.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use callboard::sdl::{self, SdlFile};
use callboard::telemetry::metrics::WebhookOutcome;
use insta::assert_snapshot;
use serde_json::json;

use crate::support::server::{Answer, TestServer};

const JSON: (&str, &str) = ("content-type", "application/json");
const RESPONSE_JSON: (&str, &str) = ("accept", "application/graphql-response+json");

#[test]
fn probes_answer() {
    let server = TestServer::start();
    assert_eq!(server.get("/healthz", &[]).text, "ok\n");
    assert_eq!(server.get("/readyz", &[]).text, "ready\n");
    let sdl = server.get("/schema.graphql", &[]);
    assert!(sdl.text.contains("type Component "), "{}", sdl.text);
    let tag = sdl.header("etag").to_owned();
    let again = server.get("/schema.graphql", &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.text.as_str()), (304, ""));
}

#[test]
fn the_page_says_what_this_is() {
    let server = TestServer::start();
    let text = server.get("/", &[("accept", "*/*")]);
    assert_eq!(text.status, 200);
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(text.header("vary"), "accept");
    assert!(text.text.contains("POST /graphql "), "{}", text.text);
    assert_eq!(server.get("/", &[]).text, text.text);
    // Only whoever asks for HTML by name gets the app; below it there is nothing else.
    let refusal = server.get("/nowhere", &[("accept", "*/*")]).refusal();
    assert_snapshot!(refusal, @"404 NOT_FOUND: there is nothing at `/nowhere`");
}

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

#[test]
fn the_playground_is_served_wherever_its_root_is() {
    let server = TestServer::start();
    for (path, status, root) in [
        ("/", 200, "./"),
        ("/status", 200, "./"),
        ("/status/", 200, "../"),
        ("/catalog/component/default/a%2Fb", 200, "../../../"),
        ("/nowhere", 404, "./"),
        ("/now/here", 404, "../"),
    ] {
        let page = server.get(path, &[BROWSER]);
        assert_eq!(page.status, status, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let base = format!("<base href=\"{root}\"");
        assert!(page.text.contains(&base), "{path}: {}", page.text);
        // No address of the app begins at the root of the host, and no code stands in the page.
        for forbidden in ["=\"/", "<style", "javascript:", "://"] {
            assert!(!page.text.contains(forbidden), "{path}: {}", page.text);
        }
        let scripts = page.text.split("<script").skip(1);
        for script in scripts {
            assert!(script.contains("src=\"./assets/"), "{path}: {script}");
        }
        let policy = page.header("content-security-policy");
        assert_eq!(
            policy,
            "default-src 'self'; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
        );
        assert_eq!(page.header("cache-control"), "no-cache");
    }
    let tag = server.get("/", &[BROWSER]).header("etag").to_owned();
    let again = server.get("/", &[BROWSER, ("if-none-match", &tag)]);
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    let elsewhere = server.get("/status/", &[BROWSER, ("if-none-match", &tag)]);
    assert_eq!(elsewhere.status, 200, "another root is another page");
}

#[test]
fn built_files_of_the_playground_are_kept_by_browsers() {
    let server = TestServer::start();
    let page = server.get("/", &[BROWSER]);
    let mut seen = 0;
    for part in page.text.split("\"./assets/").skip(1) {
        let name = part.split('"').next().unwrap();
        let path = format!("/assets/{name}");
        let plain = server.get(&path, &[("accept-encoding", "br, gzip;q=0")]);
        assert_eq!(plain.status, 200, "{path}");
        assert_eq!(plain.header("content-encoding"), "");
        let kind = match name.rsplit('.').next().unwrap() {
            "js" => "text/javascript",
            "css" => "text/css",
            _ => "image/svg+xml",
        };
        assert_eq!(plain.header("content-type"), kind, "{path}");
        let immutable = "public, max-age=31536000, immutable";
        assert_eq!(plain.header("cache-control"), immutable);
        let packed = server.get(&path, &[("accept-encoding", "gzip, br")]);
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert_eq!(packed.header("vary"), "accept-encoding");
        seen += 1;
    }
    assert!(seen >= 3, "{}", page.text);
    for path in ["/assets/none.js", "/assets/..%2Findex.html", "/assets/"] {
        assert_eq!(server.get(path, &[]).status, 404, "{path}");
    }
}

#[test]
fn every_response_has_the_same_headers() {
    let server = TestServer::start();
    for path in ["/", "/healthz", "/nowhere", "/graphql", "/metrics"] {
        let answer = server.get(path, &[]);
        assert_eq!(answer.header("x-request-id").len(), 16, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    let id = |given: &str| {
        let answer = server.get("/healthz", &[("x-request-id", given)]);
        answer.header("x-request-id").to_owned()
    };
    assert_eq!(id("abc-123"), "abc-123");
    assert_ne!(id("with space"), "with space");
    assert_ne!(id(&"x".repeat(65)), "x".repeat(65));
    assert_ne!(id(""), id(""));
}

#[test]
fn requests_that_are_none_are_refused() {
    let server = TestServer::start();
    let post =
        |body: &str, headers: &[(&str, &str)]| server.post(body.to_owned(), headers).refusal();
    assert_snapshot!(post("", &[JSON]), @r#"400 BAD_REQUEST: the body is empty; send `{"query": "…"}`"#);
    assert_snapshot!(post("{", &[JSON]), @"400 BAD_REQUEST: the body is no GraphQL request: EOF while parsing an object at line 1 column 1");
    assert_snapshot!(post("{\"notquery\": 1}", &[JSON]), @"400 BAD_REQUEST: the body is no GraphQL request: missing field `query` at line 1 column 15");
    assert_snapshot!(post("{\"query\": 1}", &[JSON]), @"400 BAD_REQUEST: the body is no GraphQL request: invalid type: integer `1`, expected a string at line 1 column 11");
    assert_snapshot!(post("{\"query\": null}", &[JSON]), @"400 BAD_REQUEST: the body is no GraphQL request: invalid type: null, expected a string at line 1 column 14");
    assert_snapshot!(post("{\"query\": \"{a}\", \"variables\": []}", &[JSON]), @"400 BAD_REQUEST: the body is no GraphQL request: invalid type: sequence, expected a map at line 1 column 30");
    assert_snapshot!(post("{\"query\": \"{a}\", \"operationName\": 1}", &[JSON]), @"400 BAD_REQUEST: the body is no GraphQL request: invalid type: integer `1`, expected a string at line 1 column 35");
    assert_snapshot!(post("{\"query\": \"{a}\", \"extensions\": \"x\"}", &[JSON]), @r#"400 BAD_REQUEST: the body is no GraphQL request: invalid type: string "x", expected a map at line 1 column 34"#);
    assert_snapshot!(post("[]", &[JSON]), @"400 BAD_REQUEST: an array of 0 operations: `limits.batch` allows 1 to 10");
    assert_snapshot!(post("[1]", &[JSON]), @"400 BAD_REQUEST: the body is no GraphQL request: invalid type: integer `1`, expected struct Request at line 1 column 2");
    assert_snapshot!(post("\"query\"", &[JSON]), @r#"400 BAD_REQUEST: the body is no GraphQL request: invalid type: string "query", expected struct Request at line 1 column 7"#);
    assert_snapshot!(post("{}", &[]), @"415 UNSUPPORTED_MEDIA_TYPE: the body must be sent with `content-type: application/json`, in UTF-8");
    assert_snapshot!(post("query={a}", &[("content-type", "application/x-www-form-urlencoded")]), @"415 UNSUPPORTED_MEDIA_TYPE: the body must be sent with `content-type: application/json`, in UTF-8");
    assert_snapshot!(post("{a}", &[("content-type", "text/plain")]), @"415 UNSUPPORTED_MEDIA_TYPE: the body must be sent with `content-type: application/json`, in UTF-8");
    assert_snapshot!(post("{}", &[("content-type", "application/json; charset=latin1")]), @"415 UNSUPPORTED_MEDIA_TYPE: the body must be sent with `content-type: application/json`, in UTF-8");
    assert_snapshot!(post("{}", &[JSON, ("accept", "text/html")]), @"406 NOT_ACCEPTABLE: none of the media types in `accept` is served; ask for `application/graphql-response+json` or `application/json`");
    assert_snapshot!(post("{}", &[JSON, ("sec-fetch-site", "cross-site")]), @"403 CROSS_SITE: requests from other sites are refused");
    let invalid = server.post(vec![b'{', 0xff, b'}'], &[JSON]);
    assert_eq!(invalid.status, 400);
}

#[test]
fn queries_come_in_the_url_too() {
    let server = TestServer::start();
    let get = |path: &str| server.get(path, &[]);
    assert_eq!(
        get("/graphql?query=%7B__typename%7D").json(),
        json!({ "data": { "__typename": "Query" } })
    );
    assert_eq!(
        get("/graphql?query=query+Q($n:String!)%7B__type(name:$n)%7Bname%7D%7D&variables=%7B%22n%22:%22User%22%7D&operationName=Q").json(),
        json!({ "data": { "__type": { "name": "User" } } })
    );
    assert_snapshot!(get("/graphql").refusal(), @"400 BAD_REQUEST: the URL has no `query`; the SDL is at /schema.graphql, and / explains more");
    assert_snapshot!(get("/graphql?query=%7Ba%7D&variables=1").refusal(), @"400 BAD_REQUEST: `variables` must be a JSON object: invalid type: integer `1`, expected a map at line 1 column 1");
    let mutation = server.get("/graphql?query=mutation%7B__typename%7D", &[RESPONSE_JSON]);
    assert!((400..500).contains(&mutation.status), "{mutation:?}");
    let other_site = server.get(
        "/graphql?query=%7B__typename%7D",
        &[("sec-fetch-site", "cross-site")],
    );
    assert_eq!(other_site.status, 403);
}

#[test]
fn the_status_depends_on_the_media_type() {
    let server = TestServer::start();
    let check = |query: &str, accept: (&str, &str)| {
        let answer = server.post(json!({ "query": query }).to_string(), &[JSON, accept]);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(
            answer.header("vary"),
            "accept, authorization, callboard-trace, callboard-errors"
        );
        let json = answer.json();
        format!(
            "{} {} {}",
            answer.status,
            answer.header("content-type"),
            json["errors"][0]["extensions"]["code"]
                .as_str()
                .unwrap_or("-")
        )
    };
    let any = ("accept", "*/*");
    assert_snapshot!(check("{ __typename }", any), @"200 application/json; charset=utf-8 -");
    assert_snapshot!(check("{ __typename }", RESPONSE_JSON), @"200 application/graphql-response+json; charset=utf-8 -");
    assert_snapshot!(check("{", any), @"200 application/json; charset=utf-8 GRAPHQL_PARSE_FAILED");
    assert_snapshot!(check("{", RESPONSE_JSON), @"400 application/graphql-response+json; charset=utf-8 GRAPHQL_PARSE_FAILED");
    assert_snapshot!(check("{ nope }", any), @"200 application/json; charset=utf-8 GRAPHQL_VALIDATION_FAILED");
    assert_snapshot!(check("{ nope }", RESPONSE_JSON), @"400 application/graphql-response+json; charset=utf-8 GRAPHQL_VALIDATION_FAILED");
    assert_snapshot!(check("query A { __typename } query B { __typename }", RESPONSE_JSON), @"400 application/graphql-response+json; charset=utf-8 OPERATION_NOT_FOUND");
}

#[test]
fn several_operations_make_an_array() {
    let server = TestServer::start_with(|_, limits| limits.batch = 2);
    let answer = server.ask(&json!([{ "query": "{ __typename }" }, { "query": "{ nope }" }]));
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!(json[0], json!({ "data": { "__typename": "Query" } }));
    assert!(json[1]["errors"][0]["message"].is_string(), "{json}");
    let one = json!({ "query": "{ __typename }" });
    assert_snapshot!(server.ask(&json!([one, one, one])).refusal(), @"400 BAD_REQUEST: an array of 3 operations: `limits.batch` allows 1 to 2");
}

#[test]
fn other_paths_and_methods_are_refused() {
    let server = TestServer::start();
    assert_snapshot!(server.get("/nowhere", &[]).refusal(), @"404 NOT_FOUND: there is nothing at `/nowhere`");
    let put = server.send(server.request(reqwest::Method::PUT, "/graphql"), &[]);
    assert_snapshot!(put.refusal(), @"405 METHOD_NOT_ALLOWED: `PUT` is not allowed here; use GET, HEAD, POST");
    assert_eq!(put.header("allow"), "GET, HEAD, POST");
    let preflight = server.request(reqwest::Method::OPTIONS, "/graphql");
    let preflight = server.send(
        preflight,
        &[
            ("origin", "https://elsewhere.example"),
            ("access-control-request-method", "POST"),
        ],
    );
    assert_eq!(preflight.status, 405);
    assert_eq!(preflight.header("access-control-allow-origin"), "");
    let head = server.send(
        server.request(reqwest::Method::HEAD, "/schema.graphql"),
        &[],
    );
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[test]
fn long_bodies_are_refused_whether_announced_or_not() {
    let server = TestServer::start_with(|_, limits| limits.body_size = 1000);
    let long = json!({ "query": " ".repeat(2000) }).to_string();
    let answer = server.post(long.clone(), &[JSON]);
    assert_snapshot!(answer.refusal(), @"413 PAYLOAD_TOO_LARGE: the body is longer than `limits.bodySize` allows: 1000 bytes");
    let chunked = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
        long.len()
    );
    let answer = server.raw_exchange(chunked.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[test]
fn slow_clients_are_let_go() {
    let server = TestServer::start_with(|config, limits| {
        config.header_timeout = Duration::from_millis(200);
        limits.request_time = Duration::from_millis(300);
    });
    let started = Instant::now();
    // Half a request line, and nothing.
    server.raw_exchange(b"POST /graph");
    // Nothing at all.
    server.raw_exchange(b"");
    // Headers, and a body that never comes.
    let answer = server.raw_exchange(
        b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{",
    );
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(server.get("/healthz", &[]).status, 200);
}

#[test]
fn a_client_that_reads_nothing_is_let_go() {
    let server = TestServer::start_with(|config, _| {
        config.header_timeout = Duration::from_millis(300);
    });
    let mut stream = server.raw();
    let request = b"GET /schema.graphql HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    // Pipelined until both buffers are full: then the server's write waits, and ours.
    let mut sent = 0;
    while sent < 100_000 && stream.write_all(request).is_ok() {
        sent += 1;
    }
    let started = Instant::now();
    while connections(&server) > 1 {
        assert!(started.elapsed() < Duration::from_secs(10), "still open");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How many connections are open, the one that asks included.
fn connections(server: &TestServer) -> u64 {
    let text = server.get("/metrics", &[("connection", "close")]).text;
    let line = text
        .lines()
        .find(|line| line.starts_with("callboard_http_connections "))
        .unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn rubbish_is_answered_or_dropped_and_the_server_lives() {
    let server = TestServer::start();
    for rubbish in [
        b"\x16\x03\x01\x02\x00\x01\x00".as_slice(),
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n",
        b"GET /graphql?query=%zz%ff HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    ] {
        server.raw_exchange(rubbish);
    }
    let many = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "y".repeat(200_000)
    );
    let mut stream = server.raw();
    drop(stream.write_all(many.as_bytes()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "));
    assert_eq!(server.get("/healthz", &[]).status, 200);
}

#[test]
fn work_beyond_the_limit_is_refused() {
    let server = TestServer::start_with(|_, limits| limits.concurrency = 0);
    let answer = server.ask(&json!({ "query": "{ __typename }" }));
    assert_snapshot!(answer.refusal(), @"503 OVERLOADED: `limits.concurrency` requests are worked on already: 0");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(server.get("/healthz", &[]).status, 200);
}

#[test]
fn shutdown_lets_requests_end() {
    let server = TestServer::start();
    let mut stream = server.raw();
    stream
        .write_all(b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 24\r\n\r\n")
        .unwrap();
    wait_until_active(&server);
    server.begin_shutdown();
    // New connections are refused once the listener is closed; the one that runs gets its answer.
    let started = Instant::now();
    while std::net::TcpStream::connect(server.address).is_ok() {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "still accepting"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    stream.write_all(b"{\"query\":\"{__typename}\"}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.ends_with("{\"data\":{\"__typename\":\"Query\"}}"),
        "{answer}"
    );
    let stopped = server.stop();
    assert_eq!(stopped, callboard::server::Stopped::default());
}

#[test]
fn shutdown_says_what_it_cut() {
    let server = TestServer::start_with(|config, _| {
        config.shutdown_grace = Duration::from_millis(100);
    });
    let mut stream = server.raw();
    stream
        .write_all(b"POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-request-id: slow-1\r\ncontent-type: application/json\r\ncontent-length: 24\r\n\r\n")
        .unwrap();
    wait_until_active(&server);
    let stopped = server.stop();
    assert_eq!(stopped.cut, ["POST /graphql (slow-1)"]);
    assert_eq!(stopped.leaked, Vec::<&str>::new());
}

/// Until a request beside our own is worked on.
fn wait_until_active(server: &TestServer) {
    let started = Instant::now();
    loop {
        let text = server.get("/metrics", &[]).text;
        if text.contains("http_server_active_requests 2\n") {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn metrics_are_those_of_the_catalogue() {
    let server = TestServer::start();
    server.ask(&json!({ "query": "{ __typename }" }));
    server.get("/no/such/path", &[]);
    let metrics = server.board.metrics();
    drop(metrics.upstream("probe", "rest", "default"));
    metrics.webhook("probe", WebhookOutcome::Purged, Duration::ZERO);
    let answer = server.get("/metrics", &[]);
    assert!(
        answer
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let names: Vec<_> = answer
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    assert_snapshot!(names.join("\n"), @r"
    callboard_reloads counter
    http_server_request_duration_seconds histogram
    http_server_active_requests gauge
    callboard_http_connections gauge
    callboard_graphql_operation_duration_seconds histogram
    callboard_graphql_response_size_bytes counter
    callboard_catalog_entities gauge
    callboard_catalog_revision gauge
    callboard_catalog_problems gauge
    callboard_connector_request_duration_seconds histogram
    callboard_connector_retries counter
    callboard_connector_breaker_state gauge
    callboard_connector_budget_remaining gauge
    callboard_webhook_delivery_duration_seconds histogram
    callboard_definitions_read counter
    callboard_cache_reads counter
    callboard_cache_entries gauge
    callboard_cache_memory_bytes gauge
    callboard_cache_evicted counter
    callboard_cache_redis_up gauge
    callboard_cache_redis_duration_seconds histogram
    ");
    for metric in callboard::telemetry::metrics::CATALOGUE {
        let name = metric.name.replace('.', "_");
        assert!(names.iter().any(|line| line.starts_with(&name)), "{name}");
    }
    let unknown = "http_route=\"unknown\",http_response_status_class=\"4xx\"} 1";
    assert!(answer.text.contains(unknown), "{}", answer.text);
    assert!(!answer.text.contains("/no/such"), "{}", answer.text);
}

#[test]
fn before_there_is_a_catalog_nothing_is_answered() {
    let server = TestServer::start_unready();
    assert_eq!(server.get("/readyz", &[]).status, 503);
    assert_eq!(server.get("/healthz", &[]).status, 200);
    let answer = server.ask(&json!({ "query": "{ __typename }" }));
    assert_snapshot!(answer.refusal(), @"503 NOT_READY: the catalog is being loaded");
    server.board.set_ready();
    assert_eq!(server.get("/readyz", &[]).status, 200);
}

/// Every error leads to the log by the id that the response's header says.
#[test]
fn errors_say_the_id_of_their_request() {
    let server = TestServer::start_with(|_, limits| limits.batch = 2);
    let ids = |answer: &Answer| -> Vec<String> {
        let json = answer.json();
        let one = std::slice::from_ref(&json);
        let responses = json.as_array().map_or(one, Vec::as_slice);
        let errors = responses
            .iter()
            .flat_map(|response| response["errors"].as_array().unwrap());
        errors
            .map(|error| {
                error["extensions"]["requestId"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    let given = ("x-request-id", "theirs-1");
    let invalid = json!({ "query": "{ nope neither }" });
    let answer = server.post(invalid.to_string(), &[JSON, given]);
    assert_eq!(ids(&answer), ["theirs-1", "theirs-1"]);
    // A field error, beside data.
    let field =
        json!({ "query": "{ entities(first: -1) { totalCount } components { totalCount } }" });
    let answer = server.post(field.to_string(), &[JSON, given]);
    assert_eq!(ids(&answer), ["theirs-1"], "{answer:?}");
    let batch = json!([invalid, invalid]);
    assert_eq!(
        ids(&server.post(batch.to_string(), &[JSON, given])),
        ["theirs-1"; 4]
    );
    for refused in [
        server.post("{", &[JSON]),
        server.post("[]", &[JSON]),
        server.post("{}", &[]),
        server.get("/graphql", &[]),
        server.get("/graphql?query={x}", &[]),
        server.get("/nothing", &[]),
        server.send(server.request(reqwest::Method::DELETE, "/graphql"), &[]),
    ] {
        assert_eq!(
            ids(&refused),
            [refused.header("x-request-id")],
            "{refused:?}"
        );
        assert_eq!(
            refused.header("content-length"),
            refused.text.len().to_string(),
            "{refused:?}"
        );
    }
    let head = server.send(server.request(reqwest::Method::HEAD, "/nothing"), &[]);
    assert_eq!((head.status, head.text.as_str()), (404, ""));
}

/// A page whose site lets its name lead to 127.0.0.1 is a same-site page to the browser.
#[test]
fn names_that_are_not_loopback_are_refused_on_loopback() {
    let server = TestServer::start();
    let named = |host: &str| server.get("/graphql?query={__typename}", &[("host", host)]);
    for host in [
        "localhost:4000",
        "127.0.0.1",
        "[::1]:80",
        "catalog.localhost",
    ] {
        assert_eq!(named(host).status, 200, "{host}");
    }
    assert_snapshot!(named("evil.example:4000").refusal(), @"421 MISDIRECTED: `evil.example:4000` is no name of loopback, and without authentication this server answers to those only; ask for `localhost`, or let a proxy in front send `Host: localhost`, or set `server.allowAnonymous: true`");
    for path in ["/", "/schema.graphql", "/metrics", "/healthz"] {
        let answer = server.get(path, &[("host", "evil.example")]);
        assert_eq!(answer.status, 421, "{path}");
    }
    // In the first line, which counts for more than the header.
    let absolute =
        "GET http://evil.example/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = server.raw_exchange(absolute.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    // A program that names no host.
    let answer = server.raw_exchange(b"GET /healthz HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");

    let open = TestServer::start_with(|config, _| config.allow_anonymous = true);
    assert_eq!(
        open.get("/healthz", &[("host", "catalog.example")]).status,
        200
    );
}

#[test]
fn a_url_asks_and_never_acts() {
    let action = include_str!("../sdl/clean-action.graphql");
    let mut files = sdl::core_files();
    files.push(SdlFile {
        path: "mill.graphql".into(),
        text: action.to_owned(),
        connector: Some("mill".into()),
    });
    let server = TestServer::start_with_schema(&files);
    let get = |headers: &[(&str, &str)]| {
        let query = "mutation { rerun(input: { job: \"a\" }) { queued } }";
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        server.get(&format!("/graphql?query={query}"), headers)
    };
    for headers in [&[][..], &[RESPONSE_JSON]] {
        let answer = get(headers);
        assert_eq!(
            answer.refusal(),
            "405 METHOD_NOT_ALLOWED: only queries may come this way; send other operations with POST"
        );
        assert_eq!(answer.header("allow"), "POST");
        assert_eq!(answer.json().get("data"), None);
    }
    // The operation that is chosen counts, not what stands beside it.
    let both = "query Q { __typename } mutation M { rerun(input: { job: \"a\" }) { queued } }";
    let both: String = url::form_urlencoded::byte_serialize(both.as_bytes()).collect();
    let asked = |name: &str| {
        let path = format!("/graphql?query={both}&operationName={name}");
        server.get(&path, &[]).status
    };
    assert_eq!((asked("Q"), asked("M")), (200, 405));
}
