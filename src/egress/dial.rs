//! How a connection to an upstream is made: its name becomes addresses, a proxy may lie between, and TLS is agreed on.
//!
//! It ends with a [`Wire`]; what is spoken over it is `pool`'s.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use hyper::{Method, Request, Response, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::address::Resolver;
use super::exchange::kind_of;
use super::failure::{Kind, Why};
use super::wire::Wire;

/// Who makes connections: those of one pool go out by the same rules.
pub(super) struct Dialer {
    pub(super) resolver: Resolver,
    pub(super) proxies: Arc<Matcher>,
    /// Offers HTTP/2 as well.
    pub(super) tls: TlsConnector,
    /// To a proxy itself, which is asked by HTTP/1 alone.
    pub(super) tls_to_proxy: TlsConnector,
}

/// Where connections lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) is_secure: bool,
}

/// The way there, which is the same for every connection.
pub(super) enum Way {
    Direct,
    /// A proxy takes the request and passes it on.
    Forward(Intercept),
    /// A proxy passes bytes on.
    Tunnel(Intercept),
}

/// No upstream is given longer to accept a connection, whatever its timeout is.
const CONNECT: Duration = Duration::from_secs(10);
/// So long the first family of addresses has for itself (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(300);

impl Place {
    /// `None` for what is no place of HTTP.
    pub(super) fn of(url: &Url) -> Option<Self> {
        Some(Self {
            host: url.host()?.to_owned(),
            port: url.port_or_known_default()?,
            is_secure: url.scheme() == "https",
        })
    }

    /// Host and port; the port only where it is not the scheme's own.
    pub(super) fn authority(&self) -> String {
        let own = if self.is_secure { 443 } else { 80 };
        match self.port == own {
            true => self.host.to_string(),
            false => self.authority_with_port(),
        }
    }

    fn authority_with_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Scheme, host and port, as the beginning of a URL.
    pub(super) fn origin(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }
}

impl Dialer {
    pub(super) fn way(&self, place: &Place) -> Way {
        let uri: Option<Uri> = place.origin().parse().ok();
        match uri.and_then(|uri| self.proxies.intercept(&uri)) {
            None => Way::Direct,
            Some(proxy) if place.is_secure => Way::Tunnel(proxy),
            Some(proxy) => Way::Forward(proxy),
        }
    }

    /// A connection, over which a request can go.
    pub(super) async fn dial(&self, place: &Place, way: &Way) -> Result<Wire, Kind> {
        match timeout(CONNECT, self.connect(place, way)).await {
            Ok(connected) => connected,
            Err(_elapsed) => Err(Kind::Unavailable(Why::Connect)),
        }
    }

    async fn connect(&self, place: &Place, way: &Way) -> Result<Wire, Kind> {
        let wire = match way {
            Way::Direct => self.socket(&place.host, place.port).await?,
            Way::Forward(proxy) => return self.to_proxy(proxy).await,
            Way::Tunnel(proxy) => tunnel(self.to_proxy(proxy).await?, proxy, place).await?,
        };
        match place.is_secure {
            true => secure(&self.tls, wire, &place.host).await,
            false => Ok(wire),
        }
    }

    async fn to_proxy(&self, proxy: &Intercept) -> Result<Wire, Kind> {
        let nowhere = || Kind::Unavailable(Why::Connect);
        let url = Url::parse(&proxy.uri().to_string()).map_err(|_unreadable| nowhere())?;
        let place = Place::of(&url).ok_or_else(nowhere)?;
        let wire = self.socket(&place.host, place.port).await?;
        match place.is_secure {
            true => secure(&self.tls_to_proxy, wire, &place.host).await,
            false => Ok(wire),
        }
    }

    async fn socket(&self, host: &Host, port: u16) -> Result<Wire, Kind> {
        let addresses = match host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(name) => self.resolver.resolve(name).await?,
        };
        let all = addresses.into_iter();
        let all: Vec<_> = all.map(|address| SocketAddr::new(address, port)).collect();
        let socket = reach(&all).await;
        let socket = socket.map_err(|error| kind_of(&error, Why::Connect))?;
        // A request is written in one piece, and is not to wait for another.
        drop(socket.set_nodelay(true));
        Ok(Wire::Plain(socket))
    }
}

/// The first of the addresses that accepts.
///
/// Those of the first one's family go first; when they take long, those of the other are tried beside them.
async fn reach(all: &[SocketAddr]) -> std::io::Result<TcpStream> {
    let is_v6 = all.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.is_ipv6() == is_v6);
    if second.is_empty() {
        return in_turn(&first).await;
    }
    let mut preferred = pin!(in_turn(&first));
    match timeout(HEAD_START, &mut preferred).await {
        Ok(Ok(socket)) => return Ok(socket),
        Ok(Err(_failed)) => return in_turn(&second).await,
        Err(_elapsed) => {}
    }
    match select(preferred, pin!(in_turn(&second))).await {
        Either::Left((Ok(socket), _)) | Either::Right((Ok(socket), _)) => Ok(socket),
        Either::Left((Err(_failed), other)) => other.await,
        Either::Right((Err(_failed), other)) => other.await,
    }
}

/// One after the other, each for its part of the time.
async fn in_turn(addresses: &[SocketAddr]) -> std::io::Result<TcpStream> {
    let part = CONNECT / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut last = std::io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match timeout(part, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => last = error,
            Err(_elapsed) => last = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn secure(tls: &TlsConnector, wire: Wire, host: &Host) -> Result<Wire, Kind> {
    let name = match host {
        Host::Domain(name) => ServerName::try_from(name.clone()),
        Host::Ipv4(address) => Ok(IpAddr::V4(*address).into()),
        Host::Ipv6(address) => Ok(IpAddr::V6(*address).into()),
    };
    let name = name.map_err(|_no_name| Kind::Unavailable(Why::Tls))?;
    let secured = tls.connect(name, wire).await;
    let secured = secured.map_err(|error| kind_of(&error, Why::Connect))?;
    Ok(Wire::Tls(Box::new(secured)))
}

/// Asks a proxy to pass bytes on to a place: it learns the place, and nothing of what is sent there.
async fn tunnel(wire: Wire, proxy: &Intercept, place: &Place) -> Result<Wire, Kind> {
    let failed = || Kind::Unavailable(Why::Connect);
    let authority = place.authority_with_port();
    let host = HeaderValue::try_from(&authority).map_err(|_unfit| failed())?;
    let mut request = Request::new(Empty::<&[u8]>::new());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = authority.parse().map_err(|_unfit| failed())?;
    request.headers_mut().insert(HOST, host);
    if let Some(auth) = proxy.basic_auth() {
        let headers = request.headers_mut();
        headers.insert(PROXY_AUTHORIZATION, auth.clone());
    }
    let (mut sender, connection) = http1::handshake(TokioIo::new(wire))
        .await
        .map_err(|error| kind_of(&error, Why::Connect))?;
    let connection = pin!(connection.without_shutdown());
    let asked = pin!(sender.send_request(request));
    // Either may be seen first, as one brings the other.
    let parts = match select(asked, connection).await {
        Either::Left((answered, connection)) => {
            agreed(answered)?;
            connection.await
        }
        Either::Right((parts, asked)) => {
            agreed(asked.await)?;
            parts
        }
    };
    let parts = parts.map_err(|error| kind_of(&error, Why::Connect))?;
    // Who speaks before TLS does is not whom we asked for.
    match parts.read_buf.is_empty() {
        true => Ok(parts.io.into_inner()),
        false => Err(failed()),
    }
}

fn agreed<B>(answered: hyper::Result<Response<B>>) -> Result<(), Kind> {
    match answered {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(_refused) => Err(Kind::Unavailable(Why::Connect)),
        Err(error) => Err(kind_of(&error, Why::Connect)),
    }
}
