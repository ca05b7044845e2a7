//! One request and its answer: redirects followed where they may lead.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use url::{Host, Position, Url};

use super::address::is_public;
use super::body;
use super::client::Clients;
use super::failure::{Kind, Refusal, Why};
use super::join::same_origin;
use super::pool::{Answering, Origin};

/// Below what requests go, and over which connections.
pub(super) struct Base {
    pub(super) url: Url,
    pub(super) origin: Arc<Origin>,
}

pub(super) struct Exchange<'a> {
    pub(super) clients: &'a Clients,
    pub(super) base: &'a Base,
    pub(super) allow_hosts: &'a [String],
    pub(super) max_bytes: usize,
    pub(super) method: &'a Method,
    /// Makes all of them, the credential too; only `accept` goes to another host.
    pub(super) headers: &'a (dyn Fn() -> HeaderMap + Send + Sync),
    pub(super) body: Option<&'a Bytes>,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

const NAME: &str = concat!("callboard/", env!("CARGO_PKG_VERSION"));

/// A chain longer than this is a circle.
const MOST_REDIRECTS: usize = 5;

impl Exchange<'_> {
    /// Asks for `target`, a path with or without a query, and follows redirects from there.
    pub(super) async fn run(&self, target: String) -> Result<Answer, Kind> {
        let origin = &self.base.origin;
        let first = origin
            .send(self.request((self.headers)()), target.clone())
            .await?;
        match leads_on(first.response.status()) {
            true => Box::pin(self.follow(first, target)).await,
            false => self.read(first).await,
        }
    }

    async fn follow(&self, mut answering: Answering, target: String) -> Result<Answer, Kind> {
        let mut url = self.base.url.clone();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*target, None),
        };
        url.set_path(path);
        url.set_query(query);
        for _ in 0..MOST_REDIRECTS {
            let Some(next) = self.target(&answering, &url)? else {
                return self.read(answering).await;
            };
            // Its body is of no use, but read, its connection is.
            drop(self.read(answering).await);
            url = next;
            let target = url[Position::BeforePath..Position::AfterQuery].to_owned();
            let mut headers = (self.headers)();
            answering = match same_origin(&self.base.url, &url) {
                true => self.base.origin.send(self.request(headers), target).await?,
                false => {
                    let accept = headers.remove(ACCEPT);
                    headers.clear();
                    headers.extend(accept.map(|accept| (ACCEPT, accept)));
                    let origin = self.clients.guarded.origin(&url)?;
                    origin.send(self.request(headers), target).await?
                }
            };
        }
        match self.target(&answering, &url)? {
            None => self.read(answering).await,
            Some(_) => Err(Kind::Refused(Refusal::Redirects)),
        }
    }

    fn request(&self, mut headers: HeaderMap) -> Request<Full<Bytes>> {
        for (name, value) in [
            (USER_AGENT, NAME),
            (ACCEPT, "*/*"),
            (ACCEPT_ENCODING, "gzip"),
        ] {
            let value = HeaderValue::from_static(value);
            headers.entry(name).or_insert(value);
        }
        let body = self.body.cloned().unwrap_or_default();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = headers;
        request
    }

    async fn read(&self, answering: Answering) -> Result<Answer, Kind> {
        let is_bare = self.method == Method::HEAD;
        body::read(answering, self.max_bytes, is_bare).await
    }

    /// Where a redirect leads, if this is one that may be followed.
    fn target(&self, answering: &Answering, from: &Url) -> Result<Option<Url>, Kind> {
        let response = &answering.response;
        let status = response.status();
        if !leads_on(status) {
            return Ok(None);
        }
        let keeps_method = matches!(status.as_u16(), 307 | 308)
            || self.method == Method::GET
            || self.method == Method::HEAD;
        let location = response.headers().get(LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        let Some(location) = location.filter(|_| keeps_method) else {
            return Err(Kind::Refused(Refusal::Redirects));
        };
        let target = from
            .join(location)
            .map_err(|_unreadable| Kind::Refused(Refusal::Redirects))?;
        if !same_origin(&self.base.url, &target) {
            self.check_host(&target).map_err(Kind::Refused)?;
        }
        Ok(Some(target))
    }

    /// Another host is reached if it is named, if it is as safe as the one before, and if the address is the operator's own word or a public one.
    ///
    /// What a request has in its body is for the upstream alone.
    fn check_host(&self, target: &Url) -> Result<(), Refusal> {
        let host = target.host().ok_or(Refusal::RedirectHost)?;
        let is_named = self
            .allow_hosts
            .iter()
            .any(|allowed| names(allowed, target));
        let is_safe = target.scheme() == "https" || target.scheme() == self.base.url.scheme();
        let has_user = !target.username().is_empty() || target.password().is_some();
        let address: Option<IpAddr> = match host {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        };
        if !is_named && address.is_some_and(|address| !is_public(address)) {
            return Err(Refusal::Address);
        }
        if !is_named || !is_safe || has_user || self.body.is_some() {
            return Err(Refusal::RedirectHost);
        }
        Ok(())
    }
}

fn leads_on(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Whether `allowed`, a host or a host with a port, is where `target` leads; without a port it is the scheme's own.
fn names(allowed: &str, target: &Url) -> bool {
    let Ok(allowed) = Url::parse(&format!("{}://{allowed}", target.scheme())) else {
        return false;
    };
    same_origin(&allowed, target)
}

/// What went wrong on the wire, `why` where no more is known; the error's own text is left behind, as it names the host.
pub(super) fn kind_of(error: &(dyn Error + 'static), mut why: Why) -> Kind {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            why = Why::Tls;
        }
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused) {
            why = Why::Refused;
        }
        // What an I/O error wraps is not its source.
        next = match io.and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    Kind::Unavailable(why)
}
