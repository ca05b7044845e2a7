//! Why something was not done: `userErrors` of a payload.

use serde_json::{Value, json};

use crate::connect::fault::{NOT_FOUND, UNAUTHORIZED};
use crate::connect::seam::Fault;

/// The codes of upstreams' failures, to be told once more from the audit.
const CODES: [&str; 8] = [
    "UPSTREAM_UNAVAILABLE",
    "UPSTREAM_TIMEOUT",
    "UPSTREAM_RATE_LIMITED",
    "UPSTREAM_UNAUTHORIZED",
    "UPSTREAM_NOT_FOUND",
    "UPSTREAM_BAD_SHAPE",
    "CIRCUIT_OPEN",
    "BUDGET_EXHAUSTED",
];

/// The connector cannot do it, or not to this object, or not with these arguments.
pub(super) const NOT_SUPPORTED: &str = "NOT_SUPPORTED";

/// Why something was not done; `userErrors` of the payload.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::connect) struct Refused {
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Below `input`.
    argument: Option<Box<str>>,
}

impl Refused {
    /// What the upstream, or the way there, made of it.
    pub(super) fn of_fault(fault: &Fault) -> Self {
        let message = &fault.message;
        match fault.code {
            // It was shown, so that it is there, or was.
            NOT_FOUND => Self::new(
                fault.code,
                format!(
                    "{message}: it is gone by now, in no state for this, or not the credential's to change"
                ),
            ),
            // A right that is missing and a run that goes on are refused alike.
            UNAUTHORIZED if fault.extensions.get("upstreamStatus") == Some(&json!(403)) => {
                Self::new(
                    fault.code,
                    format!("{message}: it may not do this, or this is in no state for it"),
                )
            }
            _ => Self::new(fault.code, message.clone()),
        }
    }

    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            argument: None,
        }
    }

    pub(super) fn at(self, argument: &str) -> Self {
        Self {
            argument: Some(argument.into()),
            ..self
        }
    }

    /// As it was written into the audit.
    pub(super) fn of_json(error: &Value) -> Self {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let code = CODES.iter().find(|code| **code == text("code"));
        Self::new(code.copied().unwrap_or(CODES[0]), text("message"))
    }

    pub(super) fn to_json(&self) -> Value {
        let field = self
            .argument
            .as_ref()
            .map(|argument| json!(["input", argument]));
        json!({ "message": self.message, "field": field, "code": self.code })
    }
}
