//! What a plain scalar is, by the core schema of YAML 1.2: `yes` and `012.` are not what YAML 1.1 made of them.

use serde_json::Number;

/// A typed scalar; everything else is a string.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    String,
}

/// The type of the plain scalar `text`.
pub(super) fn plain(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        // JSON has no word for these: JavaScript writes them as null
        ".nan" | ".NaN" | ".NAN" => Scalar::Null,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" => {
            Scalar::Null
        }
        _ => number(text).map_or(Scalar::String, Scalar::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) || text.len() > 400 {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return integer(text, unsigned);
    }
    if !is_float(unsigned) {
        return None;
    }
    text.parse().ok().and_then(Number::from_f64)
}

fn integer(text: &str, unsigned: &str) -> Option<Number> {
    if unsigned.is_empty() {
        return None;
    }
    let plain = text.strip_prefix('+').unwrap_or(text);
    match (plain.parse::<i64>(), plain.parse::<u64>()) {
        (Ok(value), _) => Some(value.into()),
        (Err(_), Ok(value)) => Some(value.into()),
        (Err(_), Err(_)) => plain.parse().ok().and_then(Number::from_f64),
    }
}

fn radix(digits: &str, radix: u32) -> Option<Number> {
    let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    if !is_number {
        return None;
    }
    match u64::from_str_radix(digits, radix) {
        Ok(value) => Some(value.into()),
        // more than 64 bits: as near as a double comes, like JavaScript
        Err(_) => Number::from_f64(digits.chars().fold(0.0, |sum, digit| {
            sum * f64::from(radix) + f64::from(digit.to_digit(radix).unwrap_or(0))
        })),
    }
}

/// `[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?` with a digit before or behind the point, and a point or an exponent.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_ok = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, part)) => {
            digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty())
        }
        None => !mantissa.is_empty() && digits(mantissa),
    };
    exponent_ok && mantissa_ok
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_typed_by_the_core_schema() {
        let cases: [(&str, Option<serde_json::Value>); 26] = [
            ("", Some(serde_json::Value::Null)),
            ("~", Some(serde_json::Value::Null)),
            ("Null", Some(serde_json::Value::Null)),
            ("nULL", None),
            ("yes", None),
            ("on", None),
            ("True", Some(true.into())),
            ("tRUE", None),
            ("012", Some(12.into())),
            ("0o17", Some(15.into())),
            ("0x1F", Some(31.into())),
            ("0b1", None),
            ("1_000", None),
            ("+1", Some(1.into())),
            ("-1", Some((-1).into())),
            ("-", None),
            ("18446744073709551615", Some(u64::MAX.into())),
            ("1.10", Some(1.1.into())),
            (".5", Some(0.5.into())),
            ("5.", Some(5.0.into())),
            (".", None),
            ("1e3", Some(1000.0.into())),
            ("1e", None),
            ("1.2.3", None),
            ("12:30", None),
            ("2026-01-01", None),
        ];
        for (text, expected) in cases {
            let found = match plain(text) {
                Scalar::Null => Some(serde_json::Value::Null),
                Scalar::Bool(value) => Some(value.into()),
                Scalar::Number(value) => Some(value.into()),
                Scalar::String => None,
            };
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
