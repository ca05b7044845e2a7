//! Which addresses a redirect may reach, and how names become addresses.
//!
//! What the operator wrote may be anywhere, also in a private network.
//! What an upstream sends us to may not: a redirect to the machine's own services, to its neighbours or to a cloud's metadata would be asked with our rights.
//! The check is made by the resolver of the connection itself, so no second lookup can give another address than the one that was checked.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::failure::{Kind, Refusal, Why};

/// Gives the addresses of a name; their ports do not count.
pub trait Lookup: Send + Sync {
    fn lookup(&self, host: String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>>;
}

/// The machine's own resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// The resolver of a pool's connections.
pub(super) struct Resolver {
    pub(super) lookup: Arc<dyn Lookup>,
    /// Names that are resolved wherever they lead; `None` checks nothing.
    pub(super) unchecked: Option<Arc<HashSet<String>>>,
}

impl Resolver {
    /// All addresses of a name, which are to be used as they are: another lookup may give others.
    pub(super) async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, Kind> {
        // The text of the error may hold the name.
        let found = self.lookup.lookup(name.to_owned()).await;
        let found = found.map_err(|_failed| Kind::Unavailable(Why::Name))?;
        let addresses: Vec<_> = found.iter().map(SocketAddr::ip).collect();
        if addresses.is_empty() {
            return Err(Kind::Unavailable(Why::Name));
        }
        let unchecked = self.unchecked.as_ref();
        let is_checked = unchecked.is_some_and(|names| !names.contains(name));
        match is_checked && !addresses.iter().copied().all(is_public) {
            true => Err(Kind::Refused(Refusal::Address)),
            false => Ok(addresses),
        }
    }
}

/// Whether an address is one of the open internet's.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = a == 192 && b == 0 && c == 0;
    let benchmarks = a == 198 && (18..20).contains(&b);
    let relays = a == 192 && b == 88 && c == 99;
    !(a == 0
        || a >= 240
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || shared
        || protocols
        || benchmarks
        || relays)
}

/// Only what is handed out for the open internet, `2000::/3`, and of that not what is set aside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let global = (a & 0xe000) == 0x2000;
    let protocols = a == 0x2001 && b < 0x0200;
    let documentation = (a == 0x2001 && b == 0x0db8) || (a == 0x3fff && b < 0x1000);
    global && !protocols && !documentation
}

/// The IPv4 address that a mapped, compatible, translated or 6to4 address stands for.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let of = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff | 0) => of(g, h),
        (0, 0, 0, 0, 0xffff, 0) => of(g, h),
        (0x64, 0xff9b, 0, 0, 0, 0) => of(g, h),
        (0x64, 0xff9b, 1, ..) => of(g, h),
        (0x2002, ..) => of(b, c),
        _ => None,
    }
}
