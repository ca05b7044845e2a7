//! The real binary as a child process, timed and measured from outside.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How a child did.
pub(crate) struct Served {
    /// From its start until it answered in full, or ended.
    pub(crate) after: Duration,
    /// What all its threads together worked until then: it says how much of the time other programs took.
    pub(crate) worked: Option<Duration>,
    pub(crate) peak: Peak,
}

/// Resident memory in bytes; `None` where the system does not tell.
#[derive(Clone, Copy, Default)]
pub(crate) struct Peak {
    pub(crate) highest: Option<u64>,
    /// When it answered.
    pub(crate) held: Option<u64>,
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_callboard"))
}

/// A server that ends when this is dropped.
pub(crate) struct Server {
    child: Killed,
    /// `host:port`
    pub(crate) address: String,
}

impl Server {
    /// Starts one, and waits until it listens.
    pub(crate) fn start(config: &Path) -> Self {
        let mut child = Killed(
            command()
                .args([OsStr::new("serve"), "--config".as_ref(), config.as_ref()])
                .args(["--listen", "127.0.0.1:0"])
                .stderr(Stdio::piped())
                .spawn()
                .expect("the binary starts"),
        );
        let mut said = BufReader::new(child.0.stderr.take().expect("a pipe"));
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert_ne!(said.read_line(&mut line).expect("a line"), 0, "it ended");
            if let Some((_, address)) = line.trim().split_once("http://") {
                break address.to_owned();
            }
        };
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || said.read_to_string(&mut String::new()));
        Self { child, address }
    }
}

/// Starts a server, and waits until it has `n` entities; a while later it is asked for its memory again, and killed.
pub(crate) fn serve(config: &Path, n: u32) -> Served {
    let start = Instant::now();
    let Server { child, address } = Server::start(config);
    while total(&address) != Some(n) {
        sleep(Duration::from_millis(2));
    }
    let after = start.elapsed();
    let worked = worked(&child.0);
    let held = memory(&child.0, "VmRSS");
    sleep(Duration::from_millis(500));
    let highest = memory(&child.0, "VmHWM");
    Served {
        after,
        worked,
        peak: Peak { highest, held },
    }
}

/// Runs a command to its end.
pub(crate) fn run(arguments: &[&OsStr]) -> Served {
    let start = Instant::now();
    let mut child = command()
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let (mut highest, mut busy) = (None, None);
    while child.try_wait().expect("a status").is_none() {
        highest = memory(&child, "VmHWM").or(highest);
        busy = worked(&child).or(busy);
        sleep(Duration::from_millis(2));
    }
    Served {
        after: start.elapsed(),
        worked: busy,
        peak: Peak {
            highest,
            held: highest,
        },
    }
}

fn memory(child: &Child, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// How many programs wanted to run during the last minute, on average.
pub(crate) fn load() -> String {
    let average = std::fs::read_to_string("/proc/loadavg").ok();
    let minute = average.and_then(|average| Some(average.split(' ').next()?.to_owned()));
    minute.unwrap_or_else(|| "unknown".to_owned())
}

/// User and system time; `None` where the system does not tell.
fn worked(child: &Child) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    let (_, numbers) = stat.rsplit_once(") ")?;
    // Linux counts hundredths here, whatever its clock does.
    let ticks = numbers.split(' ').skip(11).take(2);
    let hundredths: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(hundredths * 10))
}

/// How many entities it says that it has.
fn total(address: &str) -> Option<u32> {
    let body = r#"{"query":"{ entities(first: 1) { totalCount } }"}"#;
    let mut stream = TcpStream::connect(address).ok()?;
    write!(
        stream,
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, count) = answer.split_once("\"totalCount\":")?;
    let digits = count.find(|c: char| !c.is_ascii_digit())?;
    count.get(..digits)?.parse().ok()
}
