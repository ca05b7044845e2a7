//! As whom requests go out.

use hyper::header::{self, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::app::AppIdentity;
use super::failure::Kind;
use super::spec::SpecError;

/// How requests say who asks; the type's debug form shows no secret.
#[derive(Clone, Debug, Default)]
pub enum Credential {
    #[default]
    None,
    /// `Authorization: Bearer <token>`.
    Bearer { token: SecretString },
    /// `Authorization: Basic <user:password>`.
    Basic {
        user: SecretString,
        password: SecretString,
    },
    /// A header of its own (`Circle-Token: <token>`), or with words before the token (`Authorization: Token token=<token>`).
    Header {
        name: HeaderName,
        prefix: String,
        token: SecretString,
    },
    /// Client credentials of OAuth 2: a token is fetched once, kept until shortly before its end, and fetched again when it is refused.
    OAuth2 {
        token_url: Url,
        client_id: SecretString,
        client_secret: SecretString,
        scopes: Vec<String>,
    },
    /// An app that is installed for the accounts it may see: each is asked with a token of its own, see [`Upstream::installed`](super::Upstream::installed).
    App(AppIdentity),
    /// The caller's own token, which each call brings with it.
    Forward,
}

impl Credential {
    /// Gives `add` all that makes this credential different from another.
    pub(super) fn feed(&self, add: &mut impl FnMut(&str)) {
        match self {
            Self::None => add("none"),
            Self::Bearer { token } => {
                add("bearer");
                add(token.expose_secret());
            }
            Self::Basic { user, password } => {
                add("basic");
                add(user.expose_secret());
                add(password.expose_secret());
            }
            Self::Header {
                name,
                prefix,
                token,
            } => {
                add("header");
                add(name.as_str());
                add(prefix);
                add(token.expose_secret());
            }
            Self::OAuth2 {
                token_url,
                client_id,
                client_secret,
                scopes,
            } => {
                add("oauth2");
                add(token_url.as_str());
                add(client_id.expose_secret());
                add(client_secret.expose_secret());
                scopes.iter().for_each(|scope| add(scope));
            }
            Self::App(app) => {
                add("app");
                add(app.api.as_str());
                add(&app.id);
                add(&app.key.fingerprint);
            }
            Self::Forward => add("forward"),
        }
    }

    /// The header, where it is the same for all requests.
    pub(super) fn fixed(&self) -> Result<Option<(HeaderName, HeaderValue)>, SpecError> {
        let (name, value) = match self {
            Self::None | Self::OAuth2 { .. } | Self::App(_) | Self::Forward => return Ok(None),
            Self::Bearer { token } => (header::AUTHORIZATION, bearer(token)),
            Self::Basic { user, password } => (header::AUTHORIZATION, basic(user, password)),
            Self::Header {
                name,
                prefix,
                token,
            } => {
                let text = format!("{prefix}{}", token.expose_secret());
                (name.clone(), sensitive(&text))
            }
        };
        Ok(Some((name, value.ok_or(SpecError::Credential)?)))
    }
}

/// The caller's own header, as he sent it.
pub(super) fn forwarded(authorization: Option<&SecretString>) -> Result<HeaderValue, Kind> {
    authorization
        .and_then(|text| sensitive(text.expose_secret()))
        .ok_or(Kind::Unauthorized { status: None })
}

pub(super) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {}", token.expose_secret()))
}

pub(super) fn basic(user: &SecretString, password: &SecretString) -> Option<HeaderValue> {
    let pair = format!("{}:{}", user.expose_secret(), password.expose_secret());
    sensitive(&format!("Basic {}", base64(pair.as_bytes())))
}

/// `None` for a line break or another control character, which would end the header.
fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Base 64 with padding; one header's worth of it needs no library.
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut word = 0_u32;
        for position in 0..3 {
            word = word << 8 | u32::from(chunk.get(position).copied().unwrap_or(0));
        }
        for position in 0..4 {
            let digit = (word >> (18 - 6 * position)) & 63;
            out.push(match position <= chunk.len() {
                true => char::from(DIGITS[digit as usize]),
                false => '=',
            });
        }
    }
    out
}
