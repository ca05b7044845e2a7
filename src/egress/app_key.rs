//! The private key of an app, and the short-lived word that it signs.
//!
//! The signing is that of the TLS library, so no other one is needed for it.

use std::fmt;
use std::sync::Arc;

use hyper::header::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::SigningKey;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::credential::{base64, bearer};

/// An RSA key that was read from PEM; its debug form shows nothing of it.
#[derive(Clone)]
pub struct AppKey {
    signing: Arc<dyn SigningKey>,
    /// Tells it from others.
    pub(super) fingerprint: Box<str>,
}

/// Why a text is no key; the text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(
        "holds no private key in PEM form, from `-----BEGIN RSA PRIVATE KEY-----` (or `-----BEGIN PRIVATE KEY-----`) to its end line"
    )]
    NoPem,
    #[error("holds a private key, but none of RSA with 2048 bits or more, or a damaged one")]
    NoRsa,
}

/// The word counts as said so long ago: the upstream's clock may be behind ours.
const BEFORE: SignedDuration = SignedDuration::from_secs(60);
/// Upstreams take none that ends more than ten minutes ahead, by their own clocks.
const LIFE: SignedDuration = SignedDuration::from_secs(8 * 60);

impl AppKey {
    /// Reads a key in PEM, as PKCS#1 or PKCS#8; line ends that were written as `\n`, as in variables of the environment, are line ends.
    pub fn read(text: &SecretString) -> Result<Self, KeyError> {
        let text = text.expose_secret().trim();
        let text = match text.contains('\n') {
            true => text.to_owned(),
            false => text.replace("\\n", "\n"),
        };
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes());
        // The text of the error may show some of the key.
        let der = der.map_err(|_unreadable| KeyError::NoPem)?;
        let signing = any_supported_type(&der).map_err(|_unfit| KeyError::NoRsa)?;
        if signing
            .choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
            .is_none()
        {
            return Err(KeyError::NoRsa);
        }
        Ok(Self {
            signing,
            fingerprint: hex::encode(Sha256::digest(text.trim())).into(),
        })
    }

    /// `Bearer` and a word signed with RS256 that says who we are, good for a few minutes around `now`.
    ///
    /// `None` only where the machine has no random numbers.
    pub(super) fn header(&self, app_id: &str, now: Timestamp) -> Option<HeaderValue> {
        let said = json!({
            "iat": now.checked_sub(BEFORE).ok()?.as_second(),
            "exp": now.checked_add(LIFE).ok()?.as_second(),
            "iss": app_id,
        });
        let head = url_base64(br#"{"alg":"RS256","typ":"JWT"}"#);
        let word = format!("{head}.{}", url_base64(said.to_string().as_bytes()));
        let signer = self
            .signing
            .choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])?;
        let signature = signer.sign(word.as_bytes()).ok()?;
        bearer(&format!("{word}.{}", url_base64(&signature)).into())
    }
}

fn url_base64(bytes: &[u8]) -> String {
    let text = base64(bytes);
    let text = text.trim_end_matches('=');
    text.replace('+', "-").replace('/', "_")
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppKey").finish_non_exhaustive()
    }
}
