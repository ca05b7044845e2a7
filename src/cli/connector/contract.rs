//! The other half of `connector test`: an upstream that fails is told of by the standard codes, whatever the connector is.
//!
//! Each example is asked again while its upstream is silent, refuses the credential, answers with what is no JSON, sends a value of another type, and says that there were too many requests.
//! Only what the upstream was asked for can fail, so an example that asks nothing of it says nothing here.

use std::sync::Arc;

use serde_json::Value;

use crate::connect::example::Example;
use crate::diagnostic::Diagnostic;
use crate::sdl::{Model, connects};
use crate::simulate::Fault;

/// What an upstream may do, and the code that is due.
pub(super) struct Trial {
    pub(super) fault: Fault,
    what: &'static str,
    code: &'static str,
    status: Option<u16>,
}

impl Trial {
    /// Whether what the examples say comes all the same.
    fn answers(&self) -> bool {
        matches!(self.fault, Fault::WrongType { .. })
    }
}

/// Whether the example is one of failures.
fn fails_by_itself(example: &Example) -> bool {
    example.expect.get("errors").is_some()
        || example.upstream.iter().any(|reply| reply.status >= 400)
}

/// In this order on one engine: what fails is not kept, and only what follows a 429 is held back.
pub(super) fn failures() -> Vec<Trial> {
    let status = |status| Fault::Status {
        status,
        retry_after: None,
    };
    let trial = |fault, what, code, status| Trial {
        fault,
        what,
        code,
        status,
    };
    vec![
        trial(
            Fault::Silence,
            "an upstream that gives no answer",
            "UPSTREAM_TIMEOUT",
            None,
        ),
        trial(
            status(401),
            "status 401",
            "UPSTREAM_UNAUTHORIZED",
            Some(401),
        ),
        trial(
            Fault::Garbage,
            "an answer that is no JSON",
            "UPSTREAM_BAD_SHAPE",
            None,
        ),
        trial(
            status(429),
            "status 429",
            "UPSTREAM_RATE_LIMITED",
            Some(429),
        ),
    ]
}

/// By itself: what is not wrong in such an answer is kept.
pub(super) fn wrong_type() -> Trial {
    Trial {
        fault: Fault::WrongType { leaf: 0 },
        what: "a value of another type",
        code: "UPSTREAM_BAD_SHAPE",
        status: None,
    }
}

/// What is wrong with `response`, which came while the upstream was `trial`.
pub(super) fn judge(
    model: &Model,
    connector: &str,
    example: &Example,
    trial: &Trial,
    response: &Value,
) -> Vec<Diagnostic> {
    let problem = |message: String| {
        Diagnostic::error("contract", Arc::clone(&example.file), message)
            .at(example.query_span)
            .hint("a failing upstream costs its own fields, and each of them says why by a code of the list in `schema/README.md`")
    };
    let mut problems = Vec::new();
    let errors = response.get("errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten() {
        let code = error.pointer("/extensions/code").and_then(Value::as_str);
        if code != Some(trial.code) && !(trial.answers() && fails_by_itself(example)) {
            let path = error.get("path").unwrap_or(&Value::Null);
            let message = format!(
                "with {}, {path} failed with {}; due was {}",
                trial.what,
                code.unwrap_or("no code"),
                trial.code
            );
            problems.push(problem(message));
        }
    }
    let must_fail =
        !matches!(trial.fault, Fault::WrongType { .. }) && !is_an_answer(model, connector, trial);
    if must_fail && errors.is_none() {
        let message = format!(
            "with {}, nothing failed; due was {}",
            trial.what, trial.code
        );
        problems.push(problem(message));
    }
    if response.get("data").is_none_or(Value::is_null) {
        problems.push(problem(format!(
            "with {}, the whole answer is lost",
            trial.what
        )));
    }
    problems
}

/// Whether some request of the connector takes the status as an answer, by `nullOn`.
fn is_an_answer(model: &Model, connector: &str, trial: &Trial) -> bool {
    let mut own = connects(model).filter(|connect| *connect.connector == *connector);
    trial
        .status
        .is_some_and(|status| own.any(|connect| connect.null_on.contains(&status)))
}
