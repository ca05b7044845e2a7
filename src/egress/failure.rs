//! Why there is no reply.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::telemetry::metrics::ConnectorOutcome;

/// Why there is no reply, and where from.
///
/// The message names connector, source, instance and template, and nothing that came from a secret or from the upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place} {kind}")]
pub struct Failure {
    pub place: Place,
    pub kind: Kind,
    /// How often it was sent; 0 if it never was.
    pub attempts: u32,
    /// From the call to the failure.
    pub elapsed: Duration,
}

/// Which request, as far as everyone may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub connector: Arc<str>,
    pub source: Arc<str>,
    pub instance: Arc<str>,
    pub template: Arc<str>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connector,
            source,
            instance,
            template,
        } = self;
        write!(f, "`{connector}` (source `{source}`")?;
        if &**instance != "default" {
            write!(f, ", instance `{instance}`")?;
        }
        f.write_str(")")?;
        if !template.is_empty() {
            write!(f, " at `{template}`")?;
        }
        Ok(())
    }
}

/// The sorts of failure; [`Kind::code`] is what clients see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    #[error("gave no answer within {} ms", .after.as_millis())]
    Timeout { after: Duration },
    #[error("{0}")]
    Unavailable(Why),
    #[error("said that there were too many requests")]
    RateLimited { status: u16, retry_at: Timestamp },
    #[error("answered with status {status}, and asked to be left alone for a while")]
    Away { status: u16, retry_at: Timestamp },
    #[error("failed too often, and is left alone for a while")]
    CircuitOpen { retry_at: Timestamp },
    #[error("is not asked, because what may be asked of it is used up")]
    BudgetExhausted { retry_at: Timestamp },
    #[error("answered with more than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("answered in an encoding that it was not asked for")]
    Packed,
    #[error("{0}")]
    Refused(Refusal),
    #[error("did not accept the credential")]
    Unauthorized { status: Option<u16> },
    /// `setting` is where the key was written.
    #[error("does not know the app by its key: look at `{setting}`, and at the app's id beside it")]
    AppKey { setting: Arc<str> },
    /// `account` is who was asked for, as the caller named them.
    #[error("is not asked, as the app is not installed for `{account}`, or is suspended there")]
    NotInstalled { account: Arc<str> },
}

/// Why an upstream is not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("answered with status {0}")]
    Status(u16),
    #[error("has a name that could not be resolved")]
    Name,
    #[error("could not be reached")]
    Connect,
    #[error("refused the connection")]
    Refused,
    #[error("has a certificate that is not trusted, or speaks no TLS")]
    Tls,
    #[error("broke off its answer")]
    Broken,
    #[error("has too many requests waiting for it here")]
    Crowded,
    #[error("gave no token")]
    Token,
}

/// What is not done whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("was not asked, as the path leads away from the source's own URL")]
    Path,
    #[error("was not asked, as a header has a name or a value that it must not have")]
    Header,
    #[error("redirects to a host that `allowHosts` does not name")]
    RedirectHost,
    #[error("redirects to an address that is not public")]
    Address,
    #[error("redirects too often, or to nowhere")]
    Redirects,
}

impl Kind {
    /// It said when it may be asked again: by 503 because it is not well, else because it is asked too often.
    pub(super) fn not_now(status: u16, retry_at: Timestamp) -> Self {
        match status {
            503 => Self::Away { status, retry_at },
            _ => Self::RateLimited { status, retry_at },
        }
    }

    /// `extensions.code`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "UPSTREAM_TIMEOUT",
            Self::Unavailable(_) | Self::Away { .. } | Self::Refused(_) => "UPSTREAM_UNAVAILABLE",
            Self::RateLimited { .. } => "UPSTREAM_RATE_LIMITED",
            Self::CircuitOpen { .. } => "CIRCUIT_OPEN",
            Self::BudgetExhausted { .. } => "BUDGET_EXHAUSTED",
            Self::TooLarge { .. } | Self::Packed => "UPSTREAM_BAD_SHAPE",
            Self::Unauthorized { .. } | Self::AppKey { .. } | Self::NotInstalled { .. } => {
                "UPSTREAM_UNAUTHORIZED"
            }
        }
    }

    /// The status that the upstream answered with, if that was it.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Unavailable(Why::Status(status))
            | Self::RateLimited { status, .. }
            | Self::Away { status, .. } => Some(*status),
            Self::Unauthorized { status } => *status,
            _ => None,
        }
    }

    /// From when another try may succeed, where that is known.
    pub fn retry_at(&self) -> Option<Timestamp> {
        match self {
            Self::RateLimited { retry_at, .. }
            | Self::Away { retry_at, .. }
            | Self::CircuitOpen { retry_at }
            | Self::BudgetExhausted { retry_at } => Some(*retry_at),
            _ => None,
        }
    }

    pub(super) fn outcome(&self) -> ConnectorOutcome {
        match self {
            Self::Timeout { .. } => ConnectorOutcome::Timeout,
            Self::Unavailable(_) | Self::Away { .. } => ConnectorOutcome::Unavailable,
            Self::RateLimited { .. } => ConnectorOutcome::RateLimited,
            Self::CircuitOpen { .. } => ConnectorOutcome::CircuitOpen,
            Self::BudgetExhausted { .. } => ConnectorOutcome::BudgetExhausted,
            Self::TooLarge { .. } => ConnectorOutcome::TooLarge,
            Self::Packed => ConnectorOutcome::Rejected,
            Self::Refused(_) => ConnectorOutcome::Refused,
            Self::Unauthorized { .. } | Self::AppKey { .. } | Self::NotInstalled { .. } => {
                ConnectorOutcome::Unauthorized
            }
        }
    }
}

impl Failure {
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    pub fn status(&self) -> Option<u16> {
        self.kind.status()
    }

    pub fn retry_at(&self) -> Option<Timestamp> {
        self.kind.retry_at()
    }
}
