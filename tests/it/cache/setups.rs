//! Redis as operators set it up: watched by sentinels, as a cluster, with a password.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use callboard::clock::Clock;
use callboard::config::process_environment;

use super::faults::it_is_back;
use super::replicas::{Replica, eventually};
use super::{at, key, tag};
use crate::support::redis::{Redis, free_port, say, there_is_redis};

#[tokio::test]
async fn a_password_and_a_database_are_used() {
    let Some(redis) = Redis::start(&["--requirepass", "p@ss word"]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let url = format!("redis://:p%40ss%20word@127.0.0.1:{}/3", redis.port());
    let first = Replica::start(&url, &clock).await;
    let second = Replica::start(&url, &clock).await;
    it_is_back(&first, &second).await;
    let elsewhere = format!("redis://:p%40ss%20word@127.0.0.1:{}/4", redis.port());
    let other = Replica::start(&elsewhere, &clock).await;
    first.fill("a", "x", &[]).await;
    assert_eq!(other.found("a").await, None);
    let wrong = format!("redis://:wrong@127.0.0.1:{}/3", redis.port());
    let wrong = Replica::start(&wrong, &clock).await;
    wrong.fill("a", "y", &[]).await;
    assert!(wrong.cache.get(&key("a")).is_some(), "it goes on by itself");
}

/// Set for the process that the test below starts: the URL of a server that speaks TLS.
const TLS_URL: &str = "CALLBOARD_TEST_TLS_REDIS";

/// The roots of the machine are found by way of the environment, so this takes a process of its own.
#[tokio::test]
async fn tls_is_spoken_by_whom_the_machine_trusts() {
    if let Some(url) = process_environment(TLS_URL) {
        return as_the_machine_trusts(&url).await;
    }
    let folder = tempfile::tempdir().unwrap();
    if !there_is_redis() || !certificates(folder.path()) {
        say("SKIPPED: there is no `openssl` on this machine to make certificates with");
        return;
    }
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (port, ca) = (free_port().to_string(), file("ca.crt"));
    let (certificate, secret) = (file("server.crt"), file("server.key"));
    let tls = ["--tls-port", &port, "--tls-auth-clients", "no"];
    let files = ["--tls-cert-file", &certificate, "--tls-key-file", &secret];
    let options = [&tls[..], &files[..], &["--tls-ca-cert-file", &ca]].concat();
    let _redis = Redis::start(&options).unwrap();
    let url = format!("rediss://localhost:{port}");
    let name = "cache::setups::tls_is_spoken_by_whom_the_machine_trusts";
    for (roots, expected) in [(ca.as_str(), true), (certificate.as_str(), false)] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(TLS_URL, &url)
            .env("SSL_CERT_FILE", roots)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("Redis is used"), expected, "{roots}: {said}");
    }
}

#[expect(
    clippy::print_stdout,
    reason = "what this process found is told to the one that started it"
)]
async fn as_the_machine_trusts(url: &str) {
    let replica = Replica::start(url, &Clock::fixed(at(0))).await;
    if replica
        .cache
        .note("n", "x", Duration::from_secs(9))
        .await
        .is_ok()
    {
        println!("Redis is used");
    }
}

/// An authority, and the certificate of `localhost` that it signed.
fn certificates(folder: &Path) -> bool {
    let run = |arguments: &str| {
        let mut openssl = Command::new("openssl");
        openssl.args(arguments.split(' ')).current_dir(folder);
        openssl.output().is_ok_and(|output| output.status.success())
    };
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    run(&format!(
        "req -x509 {key} -keyout ca.key -out ca.crt -subj /CN=ca -days 2"
    )) && run(&format!(
        "req {key} -keyout server.key -out server.csr -subj /CN=localhost"
    )) && run(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile names",
    )
}

#[tokio::test]
async fn sentinels_say_where_the_server_is_now() {
    let Some(mut old) = Redis::start(&[]) else {
        return;
    };
    let port = old.port().to_string();
    let new = Redis::start(&[
        "--replicaof",
        "127.0.0.1",
        &port,
        "--repl-diskless-sync-delay",
        "0",
    ]);
    let (Some(new), Some(sentinel)) = (new, Redis::start_sentinel(old.port())) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let url = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port());
    let first = Replica::start(&url, &clock).await;
    let second = Replica::start(&url, &clock).await;
    it_is_back(&first, &second).await;
    first.fill("a", "one", &[tag("t")]).await;
    in_redis_at_least(&new, 1).await;
    eventually("the sentinel does not see the second server", || async {
        let known = sentinel.run(&["SENTINEL", "REPLICAS", "main"]).await;
        matches!(known, redis::Value::Array(known) if !known.is_empty())
    })
    .await;
    assert_eq!(second.found("a").await.as_deref(), Some("one"));
    old.kill();
    it_is_back(&first, &second).await;
    first.cache.purge(&[tag("t")]).await;
    eventually("the purge does not come", || async {
        second.cache.get(&key("a")).is_none()
    })
    .await;
}

async fn in_redis_at_least(redis: &Redis, n_entries: usize) {
    eventually("the second server does not follow", || async {
        let keys = redis.run(&["KEYS", "callboard:{*}"]).await;
        let keys: Vec<String> = redis::from_redis_value(keys).unwrap();
        keys.len() >= n_entries
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_holds_each_key_on_its_node() {
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let bus = free_port().to_string();
        let options = ["--cluster-enabled", "yes", "--cluster-port", &bus];
        let Some(node) = Redis::start(&options) else {
            return;
        };
        nodes.push((node, bus));
    }
    for (position, (node, _)) in nodes.iter().enumerate() {
        let ranges = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        let (first, last) = ranges[position];
        node.run(&["CLUSTER", "ADDSLOTSRANGE", first, last]).await;
        let (other, bus) = &nodes[0];
        let port = other.port().to_string();
        if position > 0 {
            node.run(&["CLUSTER", "MEET", "127.0.0.1", &port, bus])
                .await;
        }
    }
    for (node, _) in &nodes {
        eventually("the cluster does not come together", || async {
            let info = node.run(&["CLUSTER", "INFO"]).await;
            let info: String = redis::from_redis_value(info).unwrap();
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        })
        .await;
    }
    let clock = Clock::fixed(at(0));
    let hosts: Vec<_> = nodes
        .iter()
        .map(|(node, _)| format!("127.0.0.1:{}", node.port()))
        .collect();
    let url = format!("redis+cluster://{}", hosts.join(","));
    let first = Replica::start(&url, &clock).await;
    let second = Replica::start(&url, &clock).await;
    it_is_back(&first, &second).await;
    let names: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    for name in &names {
        first.fill(name, name, &[tag(name)]).await;
    }
    eventually("not all is shared", || async {
        let mut n_found = 0;
        for name in &names {
            n_found += usize::from(second.found(name).await.as_ref() == Some(name));
        }
        n_found == names.len()
    })
    .await;
    for (node, _) in &nodes {
        let size = node.run(&["DBSIZE"]).await;
        assert!(matches!(size, redis::Value::Int(5..)), "{size:?}");
    }
    first.cache.purge(&[tag("7")]).await;
    eventually("the purge does not come", || async {
        second.cache.get(&key("7")).is_none()
    })
    .await;
    // A server of a cluster that is taken for a single one answers MOVED, and is left alone.
    let alone = Replica::start(&nodes[0].0.url(), &clock).await;
    for name in &names[..20] {
        alone.fill(&format!("alone-{name}"), "x", &[]).await;
        assert!(alone.cache.get(&key(&format!("alone-{name}"))).is_some());
    }
    // It also ends when one of its nodes does.
    nodes.pop();
    first.fill("after", "x", &[]).await;
    assert!(first.cache.get(&key("after")).is_some());
}
