//! Connection pools: TLS roots, proxies, our name.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::EgressError;
use super::address::{Lookup, Resolver};

/// Who is trusted: what the machine trusts, and what is named here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedRoots {
    /// A file with certificates in PEM form.
    pub extra: Option<PathBuf>,
}

/// What the proxy variables of the environment say.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// For `http` upstreams; may hold a user name and a password.
    pub http: Option<SecretString>,
    /// For `https` upstreams.
    pub https: Option<SecretString>,
    /// Hosts, domains and networks that are asked directly, separated by commas.
    pub none: Option<String>,
}

const USER_AGENT: &str = concat!("callboard/", env!("CARGO_PKG_VERSION"));

/// No upstream is given longer to accept a connection, whatever its timeout is.
const CONNECT: Duration = Duration::from_secs(10);
/// Shorter than what common servers keep a connection for, so that few are used just as they are closed.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_PER_HOST: usize = 64;

/// Two pools: one for what the operator wrote, one for where redirects lead.
///
/// They share no connection, so nothing reaches an address through the second that only the first may.
pub(super) struct Clients {
    pub(super) own: Client,
    pub(super) guarded: Client,
}

impl Clients {
    pub(super) fn new(
        roots: &TrustedRoots,
        proxies: &Proxies,
        lookup: &Arc<dyn Lookup>,
    ) -> Result<Self, EgressError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Only lost if another thread was faster, which is as good.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let extra = read_roots(roots)?;
        let (proxies, proxy_hosts) = read_proxies(proxies)?;
        let build = |unchecked| {
            let resolver = Arc::new(Resolver {
                lookup: Arc::clone(lookup),
                unchecked,
            });
            let builder = || {
                let builder = base_builder().dns_resolver(Arc::clone(&resolver));
                proxies.iter().cloned().fold(builder, ClientBuilder::proxy)
            };
            build(&builder, &extra)
        };
        Ok(Self {
            own: build(None)?,
            guarded: build(Some(Arc::new(proxy_hosts)))?,
        })
    }
}

fn base_builder() -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
}

/// A machine without any certificate can still ask upstreams that need none, or those that the extra file vouches for.
fn build(
    builder: &dyn Fn() -> ClientBuilder,
    extra: &[Certificate],
) -> Result<Client, EgressError> {
    let certificates = || extra.iter().cloned();
    match builder().tls_certs_merge(certificates()).build() {
        Ok(client) => Ok(client),
        Err(_no_roots) => {
            tracing::warn!(
                "this machine has no TLS root certificates: upstreams with `https` are not trusted unless `egress.caFile` vouches for them"
            );
            let builder = builder().tls_certs_only(certificates());
            builder.build().map_err(EgressError::Client)
        }
    }
}

fn read_roots(roots: &TrustedRoots) -> Result<Vec<Certificate>, EgressError> {
    let Some(path) = &roots.extra else {
        return Ok(Vec::new());
    };
    let file = || path.display().to_string();
    let text = std::fs::read(path).map_err(|source| EgressError::Roots {
        file: file(),
        source,
    })?;
    match Certificate::from_pem_bundle(&text) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(EgressError::NoRoots { file: file() }),
    }
}

/// The proxies, and their hosts: those are the operator's words too.
fn read_proxies(proxies: &Proxies) -> Result<(Vec<Proxy>, HashSet<String>), EgressError> {
    let none = proxies.none.as_deref().and_then(NoProxy::from_string);
    let mut all = Vec::new();
    let mut hosts = HashSet::new();
    for (scheme, written) in [("http", &proxies.http), ("https", &proxies.https)] {
        let Some(written) = written.as_ref().map(ExposeSecret::expose_secret) else {
            continue;
        };
        if written.is_empty() {
            continue;
        }
        let written = match written.contains("://") {
            true => written.to_owned(),
            false => format!("http://{written}"),
        };
        let bad = || EgressError::Proxy { scheme };
        let url = Url::parse(&written).map_err(|_unreadable| bad())?;
        let is_known = matches!(url.scheme(), "http" | "https");
        let host = url.host_str().filter(|_| is_known).ok_or_else(bad)?;
        hosts.insert(host.to_owned());
        let proxy = match scheme {
            "http" => Proxy::http(url.as_str()),
            _ => Proxy::https(url.as_str()),
        };
        let proxy = proxy.map_err(|_unreadable| bad())?;
        all.push(proxy.no_proxy(none.clone()));
    }
    Ok((all, hosts))
}
