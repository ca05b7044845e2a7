//! A PostgreSQL server of the test's own, from the binaries on the machine.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use callboard::config::process_environment;
use sea_orm::{ConnectionTrait, Database};
use tempfile::TempDir;

use super::say;

/// A running server with an empty database; it ends with the value.
pub(crate) struct Postgres {
    server: Child,
    port: u16,
    _folder: TempDir,
}

impl Postgres {
    /// Starts one, or says in one line why not; with `CALLBOARD_REQUIRE_SERVERS=1` its absence is a failure.
    pub(crate) fn start() -> Option<Self> {
        let Some(binaries) = binaries() else {
            let required = process_environment("CALLBOARD_REQUIRE_SERVERS");
            assert!(
                required.as_deref() != Some("1"),
                "CALLBOARD_REQUIRE_SERVERS=1, and there is no PostgreSQL on this machine"
            );
            say("SKIPPED: there is no PostgreSQL (`initdb`, `postgres`) on this machine");
            return None;
        };
        let folder = tempfile::Builder::new()
            .prefix("callboard-postgres")
            .tempdir_in("/tmp")
            .unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        run(own(&data), "the folder cannot be given to `postgres`");
        let mut init = command(&binaries.join("initdb"));
        init.args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"])
            .args(["--username=postgres", "-D"])
            .arg(&data)
            .stdout(Stdio::null());
        run(Some(init), "`initdb` failed");
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut server = command(&binaries.join("postgres"));
        server
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-h", "127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "fsync=off"])
            .stderr(Stdio::null());
        let server = server.spawn().unwrap();
        let postgres = Self {
            server,
            port,
            _folder: folder,
        };
        postgres.wait();
        Some(postgres)
    }

    /// Makes an empty database; its URL.
    pub(crate) async fn database(&self, name: &str) -> String {
        let url = |name: &str| format!("postgres://postgres@127.0.0.1:{}/{name}", self.port);
        let deadline = Instant::now() + Duration::from_secs(30);
        let server = loop {
            // It listens before it lets anybody in.
            match Database::connect(url("postgres")).await {
                Ok(server) => break server,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let statement = format!("CREATE DATABASE {name}");
        server.execute_unprepared(&statement).await.unwrap();
        server.close().await.unwrap();
        url(name)
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // As root the child is `setpriv`, which has become the server itself.
        let stopped = Command::new("kill")
            .args(["-INT", &self.server.id().to_string()])
            .status();
        if stopped.is_err() {
            drop(self.server.kill());
        }
        drop(self.server.wait());
    }
}

fn binaries() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| {
        ["initdb", "postgres"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    installed.sort();
    let path = process_environment("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    installed.into_iter().rev().chain(on_path).find(complete)
}

/// PostgreSQL does not run as root: there it runs as `postgres`.
fn command(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ])
        .arg(program);
    command
}

fn own(data: &Path) -> Option<Command> {
    is_root().then(|| {
        let mut chown = Command::new("chown");
        // The folder around it is root's alone.
        chown.args(["-R", "postgres:"]).arg(data.parent().unwrap());
        chown
    })
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

fn run(command: Option<Command>, why: &str) {
    if let Some(mut command) = command {
        assert!(command.status().unwrap().success(), "{why}");
    }
}
