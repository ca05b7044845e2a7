//! The URL of a Redis or Valkey: one server, a set watched by sentinels, or a cluster.
//!
//! Read by hand, because a URL as the standards know it has one host.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

/// Where Redis is.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    pub topology: RedisTopology,
    pub tls: bool,
    /// Names or addresses, with ports; one, but for sentinels and clusters.
    pub hosts: Vec<(String, u16)>,
    pub username: Option<String>,
    pub password: Option<SecretString>,
    /// The number of the database; clusters have 0 only.
    pub database: i64,
}

impl PartialEq for RedisConfig {
    fn eq(&self, other: &Self) -> bool {
        let password = |own: &Self| {
            let password = own.password.as_ref();
            password.map(|password| password.expose_secret().to_owned())
        };
        self.topology == other.topology
            && self.tls == other.tls
            && self.hosts == other.hosts
            && self.username == other.username
            && self.database == other.database
            && password(self) == password(other)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisTopology {
    Single,
    /// The hosts are sentinels, who know where the server of this name is.
    Sentinel(Arc<str>),
    /// The hosts are some nodes, who know the others.
    Cluster,
}

/// What a URL is expected to look like.
pub(super) const EXPECTED: &str =
    "`redis://`, `redis+sentinel://` or `redis+cluster://` (`rediss…` with TLS) with a host";

/// What to write.
pub(super) const HINT: &str = "for example `redis://:password@host:6379/0`, `redis+sentinel://host1:26379,host2:26379/name/0` or `redis+cluster://host1:6379,host2:6379`";

/// `None` if the text is no such URL.
pub(super) fn parse(url: &str) -> Option<RedisConfig> {
    let (scheme, rest) = url.split_once("://")?;
    let (base, form) = scheme.split_once('+').unwrap_or((scheme, ""));
    let tls = match base {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return None,
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (Some(user), hosts),
        None => (None, authority),
    };
    let (name, database) = match form {
        "sentinel" => path.split_once('/').unwrap_or((path, "")),
        _ => ("", path),
    };
    let topology = match form {
        "" => RedisTopology::Single,
        "cluster" => RedisTopology::Cluster,
        "sentinel" if !name.is_empty() => RedisTopology::Sentinel(name.into()),
        _ => return None,
    };
    let port = if form == "sentinel" { 26379 } else { 6379 };
    let hosts = hosts.split(',').map(|host| parse_host(host, port));
    let hosts = hosts.collect::<Option<Vec<_>>>()?;
    let database = match database {
        "" => 0,
        number => number.parse().ok().filter(|number| *number >= 0)?,
    };
    let unfit = match topology {
        RedisTopology::Single => hosts.len() > 1,
        RedisTopology::Cluster => database > 0,
        RedisTopology::Sentinel(_) => false,
    };
    let (username, password) = user.map_or(Some((None, None)), parse_user)?;
    (!unfit).then_some(RedisConfig {
        topology,
        tls,
        hosts,
        username,
        password: password.map(SecretString::from),
        database,
    })
}

fn parse_host(text: &str, port: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(address) => {
            let (host, behind) = address.split_once(']')?;
            match behind.strip_prefix(':') {
                Some(port) => (host, port.parse().ok()?),
                None if behind.is_empty() => (host, port),
                None => return None,
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (text, port),
        },
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:%".contains(c);
    (!host.is_empty() && host.chars().all(plain)).then(|| (host.to_owned(), port))
}

/// `user:password`, `:password`, or `user` alone.
fn parse_user(text: &str) -> Option<(Option<String>, Option<String>)> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (text, None),
    };
    let user = decode(user)?;
    let password = match password {
        Some(password) => Some(decode(password)?),
        None => None,
    };
    Some(((!user.is_empty()).then_some(user), password))
}

/// Percent-encoding taken off.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) = behind.split_at_checked(2)?;
        bytes.push(hex::decode(digits).ok()?.first().copied()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}
