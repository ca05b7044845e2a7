//! What a client is told when something is not answered.
//!
//! | code | means |
//! | --- | --- |
//! | `GRAPHQL_PARSE_FAILED` | the document is no GraphQL |
//! | `GRAPHQL_VALIDATION_FAILED` | the document does not fit the schema |
//! | `BAD_USER_INPUT` | a variable or an argument has a value that it must not have |
//! | `LIMIT_EXCEEDED` | a limit of the server; the message names it and its value |
//! | `OPERATION_NOT_FOUND` | `operationName` names no operation, or is needed |
//! | `METHOD_NOT_ALLOWED` | a mutation came where only queries may |
//! | `TIMEOUT` | the request's time was over |
//! | `HISTORY_EXPIRED` | changes were asked for that are no longer kept |
//! | `NOT_CONFIGURED` | a live field has nothing that could answer it |
//! | `BAD_VALUE` | the catalog holds a value that the field's type does not allow |
//! | `INTERNAL_SERVER_ERROR` | our fault; the log says more |

/// `extensions.code` of an error; see the table of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    ParseFailed,
    ValidationFailed,
    BadUserInput,
    LimitExceeded,
    OperationNotFound,
    MethodNotAllowed,
    Timeout,
    HistoryExpired,
    NotConfigured,
    BadValue,
    Internal,
}

impl Code {
    /// As clients see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::OperationNotFound => "OPERATION_NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Timeout => "TIMEOUT",
            Self::HistoryExpired => "HISTORY_EXPIRED",
            Self::NotConfigured => "NOT_CONFIGURED",
            Self::BadValue => "BAD_VALUE",
            Self::Internal => "INTERNAL_SERVER_ERROR",
        }
    }
}

/// How a request ended, for the transport's status and for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Executed: there is `data`, and no error.
    Ok,
    /// Executed: there is `data` (maybe null), and errors.
    Partial,
    /// A request error: there is no `data`; under `application/graphql-response+json` a 4xx.
    Refused(Code),
}
