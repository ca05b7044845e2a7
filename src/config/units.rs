//! Durations and sizes as people write them.

use std::time::Duration;

/// `500ms`, `30s`, `5m`, `2h`, `1d`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

/// `100B`, `512KB`, `1MB`, `1GB`, and the same with `KiB`, `MiB`, `GiB`; both count in steps of 1,024.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        "B" => 1,
        "KB" | "KiB" => 1 << 10,
        "MB" | "MiB" => 1 << 20,
        "GB" | "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("5 m"), Some(Duration::from_secs(300)));
        for wrong in ["", "5", "s", "-1s", "1.5s", "1w", "99999999999999999999s"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_count_in_steps_of_1024() {
        assert_eq!(size("1MB"), Some(1_048_576));
        assert_eq!(size("20B"), Some(20));
        for wrong in ["1", "MB", "1 mb", "99999999999GB"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }
}
