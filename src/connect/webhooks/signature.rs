//! What a header claims of the body that comes with it, and whether it is true.
//!
//! Compared in constant time. A header may carry several signatures, of which one must hold: upstreams sign with the old and the new secret while they rotate.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use super::{Headers, Rejected};
use crate::sdl::{Signature, SignatureScheme};

/// How far the time of a signature may be from ours; a delivery that was overheard is worth nothing afterwards.
pub(super) const WINDOW: Duration = Duration::from_secs(5 * 60);

/// How many signatures of one header are looked at: each costs a pass over the body.
const SIGNATURES: usize = 8;

/// What stands before the signature in a header that also says a time.
const SIGNATURE: &str = "signature=";
const TIME: [&str; 2] = ["timestamp=", "t="];

/// What a header claims.
#[derive(Debug)]
pub(super) enum Proof {
    /// One of these is the code of the body.
    Codes(Vec<[u8; 32]>),
    /// One of these is the code of the time, a dot, and the body.
    TimedCodes { time: String, codes: Vec<[u8; 32]> },
    /// The secret itself stood in the header.
    Token(SecretString),
}

impl Proof {
    /// Reads the header; what cannot be true, whatever the body, is refused.
    pub(super) fn read(
        signature: &Signature,
        headers: &Headers,
        secrets: &[SecretString],
        now: Timestamp,
    ) -> Result<Self, Rejected> {
        let header = signature.header.to_ascii_lowercase();
        let value = headers.get(&header).and_then(|value| value.as_str());
        let value = value.filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| Rejected::Unsigned {
            header: signature.header.clone(),
        })?;
        let forged = || Rejected::Forged {
            header: signature.header.clone(),
        };
        let prefix = signature.prefix.as_deref();
        match signature.scheme {
            SignatureScheme::HmacSha256Hex => {
                let codes = codes(value, prefix.unwrap_or_default());
                (!codes.is_empty())
                    .then_some(Self::Codes(codes))
                    .ok_or_else(forged)
            }
            SignatureScheme::HmacSha256Timestamped => {
                let time = parts(value)
                    .find_map(|part| TIME.iter().find_map(|name| part.strip_prefix(name)));
                let time = time.ok_or_else(forged)?;
                let codes = codes(value, prefix.unwrap_or(SIGNATURE));
                if codes.is_empty() {
                    return Err(forged());
                }
                if !is_near(time.parse().map_err(|_invalid| forged())?, now) {
                    return Err(Rejected::OutOfTime);
                }
                let time = time.to_owned();
                Ok(Self::TimedCodes { time, codes })
            }
            SignatureScheme::SharedToken => {
                let token = value.strip_prefix(prefix.unwrap_or_default());
                let token = Self::Token(token.ok_or_else(forged)?.into());
                // The body has no part in it, so it need not be waited for.
                let mut secrets = secrets.iter();
                secrets
                    .any(|secret| token.holds(secret.expose_secret().as_bytes(), &[]))
                    .then_some(token)
                    .ok_or_else(forged)
            }
        }
    }

    /// Whether it was made from `body` with `secret`.
    pub(super) fn holds(&self, secret: &[u8], body: &[u8]) -> bool {
        match self {
            Self::Codes(codes) => any(codes, code(secret, &[body])),
            Self::TimedCodes { time, codes } => {
                any(codes, code(secret, &[time.as_bytes(), b".", body]))
            }
            // Codes of equal length are compared in place of texts: how long it takes says nothing of either.
            Self::Token(token) => {
                let own = code(b"token", &[secret]);
                let other = code(b"token", &[token.expose_secret().as_bytes()]);
                match (own, other) {
                    (Some(own), Some(other)) => own.finalize() == other.finalize(),
                    _ => false,
                }
            }
        }
    }
}

fn parts(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

/// The signatures of the header that begin with `prefix`.
fn codes(value: &str, prefix: &str) -> Vec<[u8; 32]> {
    let signatures = parts(value).filter_map(|part| {
        let mut code = [0; 32];
        hex::decode_to_slice(part.strip_prefix(prefix)?, &mut code).ok()?;
        Some(code)
    });
    signatures.take(SIGNATURES).collect()
}

/// A key of any length will do, so there is always one.
fn code(secret: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut code = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    parts.iter().for_each(|part| code.update(part));
    Some(code)
}

fn any(codes: &[[u8; 32]], own: Option<Hmac<Sha256>>) -> bool {
    own.is_some_and(|own| {
        let own = own.finalize();
        codes
            .iter()
            .any(|code| own == hmac::digest::CtOutput::new((*code).into()))
    })
}

fn is_near(seconds: i64, now: Timestamp) -> bool {
    let Ok(time) = Timestamp::from_second(seconds) else {
        return false;
    };
    now.duration_since(time).unsigned_abs() <= WINDOW
}
