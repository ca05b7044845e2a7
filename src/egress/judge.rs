//! What an answer means for the upstream: is it a reply, was the request welcome, is the upstream well, when may it be asked again.

use std::time::Duration;

use jiff::Timestamp;

use super::breaker::Verdict;
use super::budget::Spent;
use super::call::Call;
use super::exchange::Answer;
use super::failure::{Kind, Why};
use super::limit_headers;
use super::not_now::NotNow;
use super::retry::{Again, Miss};
use super::spec::Limits;
use crate::clock::Clock;

pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// For how long the upstream is to be left alone by everyone, and the status that said so.
    pub(super) pause: Option<(Duration, u16)>,
    pub(super) outcome: Result<Answer, Miss>,
}

/// By what an answer is judged.
#[derive(Clone, Copy)]
pub(super) struct Rules<'r> {
    pub(super) call: &'r Call,
    pub(super) limits: &'r Limits,
    pub(super) clock: &'r Clock,
    /// Whether the upstream had time enough.
    pub(super) was_fair: bool,
}

/// Settles what was spent, and says what came of it.
pub(super) fn judge(answer: Result<Answer, Kind>, spent: Spent, rules: Rules<'_>) -> Judged {
    match answer {
        Ok(answer) => judge_answer(answer, spent, rules),
        Err(kind @ (Kind::AppKey { .. } | Kind::NotInstalled { .. })) => {
            // Without a token the request itself was not sent.
            spent.give_back();
            Judged {
                verdict: Verdict::Neutral,
                pause: None,
                outcome: Err(kind.into()),
            }
        }
        Err(kind) => Judged {
            verdict: match &kind {
                Kind::Timeout { .. } if rules.was_fair => Verdict::Bad,
                Kind::Unavailable(_) => Verdict::Bad,
                _ => Verdict::Neutral,
            },
            pause: None,
            outcome: Err(kind.into()),
        },
    }
}

fn judge_answer(answer: Answer, spent: Spent, rules: Rules<'_>) -> Judged {
    let Rules { call, limits, .. } = rules;
    let now = rules.clock.now();
    let said = limit_headers::windows(&answer.headers, now);
    let not_now = NotNow::of(&answer, &said, limits, now);
    let status = answer.status;
    let pause = match not_now {
        None => {
            spent.was_welcome();
            None
        }
        Some(NotNow::Until(_)) => None,
        Some(NotNow::For(wait)) => Some(spent.pause(wait, status)),
    };
    let wait = match not_now {
        Some(NotNow::Until(wait)) => Some(wait),
        _ => pause,
    };
    let resource = limit_headers::resource(&answer.headers);
    spent.answered(said, resource, &call.template);
    let again = wait.map(Again::After);
    let (verdict, outcome) = match status {
        _ if call.expects.contains(&status) => (Verdict::Neutral, Ok(answer)),
        403 | 429 if let Some(wait) = wait => {
            let retry_at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            let kind = Kind::RateLimited { status, retry_at };
            (Verdict::Neutral, Err(miss(kind, again)))
        }
        401 | 403 => {
            let status = Some(status);
            (Verdict::Good, Err(Kind::Unauthorized { status }.into()))
        }
        503 if let Some(wait) = wait => {
            let retry_at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            let kind = Kind::not_now(status, retry_at);
            (Verdict::Bad, Err(miss(kind, again)))
        }
        407 | 408 | 500.. => {
            let kind = Kind::Unavailable(Why::Status(status));
            (Verdict::Bad, Err(miss(kind, again)))
        }
        _ => (Verdict::Good, Ok(answer)),
    };
    Judged {
        verdict,
        pause: pause.map(|pause| (pause, status)),
        outcome,
    }
}

fn miss(kind: Kind, again: Option<Again>) -> Miss {
    let miss = Miss::from(kind);
    Miss {
        again: again.unwrap_or(miss.again),
        ..miss
    }
}
