//! Under which names a server on loopback answers.
//!
//! Nobody from outside reaches loopback, but a page in a browser of this machine does: its site lets its own name lead to 127.0.0.1 (DNS rebinding), and then the browser takes our answers for that site's own.
//! What such a page cannot change is `Host`, so without authentication only names of loopback are answered there.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::header;

use super::refusal::Refusal;

/// The names that requests may come under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hosts {
    /// The server is meant to be reached under names that it does not know.
    Any,
    Loopback,
}

impl Hosts {
    /// For a server that listens there; `anonymous`: its operator said that everybody may read.
    pub(super) fn of(listen: Option<SocketAddr>, anonymous: bool) -> Self {
        match listen {
            Some(address) if address.ip().is_loopback() && !anonymous => Self::Loopback,
            _ => Self::Any,
        }
    }

    /// Refuses a request for a host that is not ours; one that names no host comes from no browser.
    pub(super) fn check(self, request: &Request) -> Result<(), Refusal> {
        if self == Self::Any {
            return Ok(());
        }
        let authority = request
            .uri()
            .authority()
            .map(|named| named.as_str().as_bytes());
        let given = request.headers().get_all(header::HOST).iter();
        for host in given.map(|host| host.as_bytes()).chain(authority) {
            if !is_loopback(host) {
                return Err(Refusal::Misdirected {
                    host: String::from_utf8_lossy(host).into_owned(),
                });
            }
        }
        Ok(())
    }
}

/// Whether `host`, with or without a port, is a name or an address of loopback.
fn is_loopback(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else {
        return false;
    };
    let name = match (host.strip_prefix('['), host.rsplit_once(':')) {
        (Some(bracketed), _) => match bracketed.split_once(']') {
            Some((address, rest)) if rest.is_empty() || rest.starts_with(':') => address,
            _ => return false,
        },
        (None, Some((name, _port))) => name,
        (None, None) => host,
    };
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn names_of_loopback() {
        for host in [
            "localhost",
            "LocalHost:4000",
            "demo.localhost.:80",
            "127.0.0.1:4000",
            "127.8.9.1",
            "[::1]:4000",
            "[::1]",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(is_loopback(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example:4000",
            "evillocalhost",
            "127.0.0.1.evil.example",
            "0.0.0.0:4000",
            "10.0.0.1",
            "[::2]:4000",
            "[::1].evil.example",
            "localhost@evil.example",
        ] {
            assert!(!is_loopback(host.as_bytes()), "{host}");
        }
    }
}
