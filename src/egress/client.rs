//! What all connections have in common: TLS roots and proxies.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use tokio_rustls::TlsConnector;
use url::Url;

use super::EgressError;
use super::address::{Lookup, Resolver};
use super::dial::Dialer;
use super::exchange::Base;
use super::failure::Kind;
use super::pool::Pool;

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

/// Two pools: one for what the operator wrote, one for where redirects lead.
///
/// They share no connection, so nothing reaches an address through the second that only the first may.
pub(super) struct Clients {
    pub(super) own: Pool,
    pub(super) guarded: Pool,
}

impl Clients {
    pub(super) fn new(
        roots: &TrustedRoots,
        proxies: &Proxies,
        lookup: &Arc<dyn Lookup>,
    ) -> Result<Self, EgressError> {
        let (tls, tls_to_proxy) = read_tls(roots)?;
        let (proxies, proxy_hosts) = read_proxies(proxies)?;
        let build = |unchecked| {
            Pool::new(Dialer {
                resolver: Resolver {
                    lookup: Arc::clone(lookup),
                    unchecked,
                },
                proxies: Arc::clone(&proxies),
                tls: tls.clone(),
                tls_to_proxy: tls_to_proxy.clone(),
            })
        };
        Ok(Self {
            own: build(None),
            guarded: build(Some(Arc::new(proxy_hosts))),
        })
    }

    /// What requests are sent below.
    pub(super) fn base(&self, url: &Url) -> Result<Base, Kind> {
        Ok(Base {
            origin: self.own.origin(url)?,
            url: url.clone(),
        })
    }
}

/// TLS to upstreams, which may speak HTTP/2, and to proxies.
///
/// A machine without any certificate can still ask upstreams that need none, or those that the extra file vouches for.
fn read_tls(roots: &TrustedRoots) -> Result<(TlsConnector, TlsConnector), EgressError> {
    let mut store = RootCertStore::empty();
    if let Some(file) = &roots.extra {
        let n_bad = store.add_parsable_certificates(read_roots(file)?).1;
        if n_bad > 0 {
            return Err(no_roots(file));
        }
    }
    let machine = rustls_native_certs::load_native_certs();
    for error in machine.errors {
        tracing::debug!(%error, "certificates of this machine cannot be read");
    }
    if store.add_parsable_certificates(machine.certs).0 == 0 {
        tracing::warn!(
            "this machine has no TLS root certificates: upstreams with `https` are not trusted unless `egress.caFile` vouches for them"
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // Other libraries ask for the process's own; only lost if another thread was faster, which is as good.
    drop((*provider).clone().install_default());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(EgressError::Tls)?
        .with_root_certificates(store)
        .with_no_client_auth();
    let mut offering = config.clone();
    offering.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connector = |config| TlsConnector::from(Arc::new(config));
    Ok((connector(offering), connector(config)))
}

fn read_roots(file: &Path) -> Result<Vec<CertificateDer<'static>>, EgressError> {
    let text = std::fs::read(file).map_err(|source| EgressError::Roots {
        file: file.display().to_string(),
        source,
    })?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(no_roots(file)),
    }
}

fn no_roots(file: &Path) -> EgressError {
    EgressError::NoRoots {
        file: file.display().to_string(),
    }
}

/// The proxies, and their hosts: those are the operator's words too.
fn read_proxies(proxies: &Proxies) -> Result<(Arc<Matcher>, HashSet<String>), EgressError> {
    let mut all = Matcher::builder().no(proxies.none.as_deref().unwrap_or_default());
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
        all = match scheme {
            "http" => all.http(url.as_str()),
            _ => all.https(url.as_str()),
        };
        // What it does not understand it would leave out.
        if Matcher::builder()
            .all(url.as_str())
            .build()
            .intercept(&Uri::from_static("http://x"))
            .is_none()
        {
            return Err(bad());
        }
    }
    Ok((Arc::new(all.build()), hosts))
}
