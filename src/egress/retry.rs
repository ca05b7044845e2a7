//! When a request is sent once more.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::failure::{Kind, Why};

/// Why an attempt gave nothing, and what may be done about it.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) kind: Kind,
    pub(super) again: Again,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// The same would happen, or has used up the time.
    Never,
    /// It may have been bad luck.
    Soon,
    /// The upstream said when.
    After(Duration),
}

impl From<Kind> for Miss {
    fn from(kind: Kind) -> Self {
        let again = match &kind {
            // Not implemented, and a version of HTTP that is not spoken, stay so.
            Kind::Unavailable(Why::Status(501 | 505)) => Again::Never,
            Kind::Unavailable(
                Why::Status(_) | Why::Name | Why::Connect | Why::Refused | Why::Broken,
            ) => Again::Soon,
            _ => Again::Never,
        };
        Self { kind, again }
    }
}

/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// How long to wait before the next attempt, after `attempts` of them; `None` if there is none within `left`.
pub(super) fn pause(again: Again, attempts: u32, left: Duration) -> Option<Duration> {
    let pause = match again {
        Again::Never => return None,
        Again::Soon => {
            let full = FIRST
                .saturating_mul(1 << (attempts.min(16) - 1))
                .min(LONGEST);
            full.mul_f64(0.5 + 0.5 * chance())
        }
        // Never earlier than said, and not all at once.
        Again::After(wait) => wait + wait.min(LONGEST).mul_f64(0.1 * chance()),
    };
    (pause < left).then_some(pause)
}

/// From 0 to 1, different each time: enough to spread what would come at once.
fn chance() -> f64 {
    let random = RandomState::new().hash_one(());
    f64::from((random >> 32) as u32) / f64::from(u32::MAX)
}
