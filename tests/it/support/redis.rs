//! Redis servers of the test's own, from the binary on the machine.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use callboard::config::process_environment;
use tempfile::TempDir;

/// A running server that keeps nothing on disk; it ends with the value.
pub(crate) struct Redis {
    server: Option<Child>,
    port: u16,
    options: Vec<String>,
    folder: TempDir,
}

/// Whether there is a binary, or says in one line that there is none; with `CALLBOARD_REQUIRE_SERVERS=1` its absence is a failure.
pub(crate) fn there_is_redis() -> bool {
    let found = Command::new("redis-server").arg("--version").output();
    if found.is_ok_and(|output| output.status.success()) {
        return true;
    }
    let required = process_environment("CALLBOARD_REQUIRE_SERVERS");
    assert!(
        required.as_deref() != Some("1"),
        "CALLBOARD_REQUIRE_SERVERS=1, and there is no `redis-server` on this machine"
    );
    say("SKIPPED: there is no `redis-server` on this machine");
    false
}

impl Redis {
    /// Starts one with further options, or gives none if there is no binary.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        there_is_redis().then(|| {
            let port = free_port();
            let lines = format!("port {port}\nbind 127.0.0.1\nsave \"\"\nappendonly no");
            Self::started(port, options, &lines)
        })
    }

    fn started(port: u16, options: &[&str], configuration: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("callboard-redis")
            .tempdir_in("/tmp")
            .unwrap();
        std::fs::write(folder.path().join("redis.conf"), configuration).unwrap();
        let mut redis = Self {
            server: None,
            port,
            options: options.iter().map(ToString::to_string).collect(),
            folder,
        };
        redis.start_again();
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A sentinel that watches a server under the name `main`, or gives none if there is no binary.
    pub(crate) fn start_sentinel(watched: u16) -> Option<Self> {
        let port = free_port();
        let lines = [
            format!("port {port}"),
            "bind 127.0.0.1".to_owned(),
            format!("sentinel monitor main 127.0.0.1 {watched} 1"),
            "sentinel down-after-milliseconds main 300".to_owned(),
            "sentinel failover-timeout main 2000".to_owned(),
        ];
        there_is_redis().then(|| Self::started(port, &["--sentinel"], &lines.join("\n")))
    }

    /// On the same port, with nothing of what it held.
    pub(crate) fn start_again(&mut self) {
        let server = Command::new("redis-server")
            .arg(self.folder.path().join("redis.conf"))
            .args(&self.options)
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.server = Some(server);
        self.wait();
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// It keeps its connections, and answers nothing.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.server.as_ref().unwrap().id().to_string();
        let done = Command::new("kill").args([signal, &id]).status();
        assert!(done.unwrap().success());
    }

    /// One command, and its answer.
    pub(crate) async fn run(&self, words: &[&str]) -> redis::Value {
        try_run(&self.url(), words).await.unwrap()
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < deadline, "Redis does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

pub(crate) async fn try_run(url: &str, words: &[&str]) -> redis::RedisResult<redis::Value> {
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let mut command = redis::cmd(words[0]);
    words[1..].iter().for_each(|word| {
        command.arg(word);
    });
    command.query_async(&mut connection).await
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[expect(
    clippy::print_stderr,
    reason = "what a test leaves out is said visibly"
)]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
