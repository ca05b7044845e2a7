//! One request and its answer on the wire: redirects followed where they may lead, the body read up to its limit.

use std::error::Error as _;
use std::net::IpAddr;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, HeaderMap, LOCATION};
use reqwest::{Method, Response, StatusCode};
use url::{Host, Url};

use super::address::{Forbidden, Unresolved, is_public};
use super::client::Clients;
use super::failure::{Kind, Refusal, Why};
use super::join::same_origin;

pub(super) struct Exchange<'a> {
    pub(super) clients: &'a Clients,
    pub(super) base: &'a Url,
    pub(super) allow_hosts: &'a [String],
    pub(super) max_bytes: usize,
    pub(super) method: Method,
    /// All of them, the credential too; only `accept` goes to another host.
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A chain longer than this is a circle.
const MOST_REDIRECTS: usize = 5;
/// What is set aside for a body whose length is told before it comes.
const FIRST_BYTES: usize = 1 << 20;

impl Exchange<'_> {
    pub(super) async fn run(mut self, mut url: Url) -> Result<Answer, Kind> {
        for _ in 0..=MOST_REDIRECTS {
            let response = self.send(&url).await?;
            match self.target(&response, &url)? {
                Some(target) => url = target,
                None => return self.read(response).await,
            }
        }
        Err(Kind::Refused(Refusal::Redirects))
    }

    async fn send(&mut self, url: &Url) -> Result<Response, Kind> {
        let is_own = same_origin(self.base, url);
        let request = match is_own {
            true => {
                let request = self.clients.own.request(self.method.clone(), url.clone());
                request.headers(self.headers.clone())
            }
            false => {
                let client = &self.clients.guarded;
                let request = client.request(self.method.clone(), url.clone());
                match self.headers.get(ACCEPT) {
                    Some(accept) => request.header(ACCEPT, accept),
                    None => request,
                }
            }
        };
        let request = match &self.body {
            Some(body) => request.body(body.clone()),
            None => request,
        };
        request.send().await.map_err(|error| kind_of(&error))
    }

    /// Where a redirect leads, if this is one that may be followed.
    fn target(&mut self, response: &Response, from: &Url) -> Result<Option<Url>, Kind> {
        let keeps_method = match response.status() {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => {
                self.method == Method::GET || self.method == Method::HEAD
            }
            _ => return Ok(None),
        };
        let location = response.headers().get(LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        let Some(location) = location.filter(|_| keeps_method) else {
            return Err(Kind::Refused(Refusal::Redirects));
        };
        let target = from
            .join(location)
            .map_err(|_unreadable| Kind::Refused(Refusal::Redirects))?;
        if !same_origin(self.base, &target) {
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
        let is_safe = target.scheme() == "https" || target.scheme() == self.base.scheme();
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

    async fn read(&self, mut response: Response) -> Result<Answer, Kind> {
        let status = response.status().as_u16();
        let limit = self.max_bytes;
        let told = response.content_length();
        if told.is_some_and(|told| told > limit as u64) && self.method != Method::HEAD {
            return Err(Kind::TooLarge { limit });
        }
        let headers = std::mem::take(response.headers_mut());
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| kind_of(&error))? {
            if first.len().max(all.len()) + chunk.len() > limit {
                return Err(Kind::TooLarge { limit });
            }
            if first.is_empty() && all.is_empty() {
                first = chunk;
                continue;
            }
            if all.is_empty() {
                let told = told.and_then(|told| usize::try_from(told).ok());
                all.reserve(told.unwrap_or(0).min(FIRST_BYTES));
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&chunk);
        }
        let body = match all.is_empty() {
            true => first,
            false => all.freeze(),
        };
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

/// Whether `allowed`, a host or a host with a port, is where `target` leads; without a port it is the scheme's own.
fn names(allowed: &str, target: &Url) -> bool {
    let Ok(allowed) = Url::parse(&format!("{}://{allowed}", target.scheme())) else {
        return false;
    };
    same_origin(&allowed, target)
}

/// What went wrong on the wire; the error's own text is left behind, as it names the host.
pub(super) fn kind_of(error: &reqwest::Error) -> Kind {
    let mut next = error.source();
    let mut why = match error.is_connect() {
        true => Why::Connect,
        false => Why::Broken,
    };
    while let Some(error) = next {
        if error.is::<Forbidden>() {
            return Kind::Refused(Refusal::Address);
        }
        if error.is::<Unresolved>() {
            why = Why::Name;
        }
        if error.is::<rustls::Error>() {
            why = Why::Tls;
        }
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused) {
            why = Why::Refused;
        }
        // What an I/O error wraps is not its source.
        let wrapped = io.and_then(std::io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    Kind::Unavailable(why)
}
