//! The formats of names, keys and tags, as Backstage's `KubernetesValidatorFunctions` and `CommonValidatorFunctions` have them.
//!
//! They are JavaScript regular expressions there: `$` does not match before a final newline, and lengths count.

/// `metadata.name`.
pub(super) fn is_object_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    has_length(text, 63)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// `metadata.namespace`, and each part of a domain.
pub(super) fn is_dns_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    has_length(text, 63)
        && bytes.iter().all(|byte| alphanumeric(byte) || *byte == b'-')
        && bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
}

/// The part of a key before its `/`.
pub(super) fn is_dns_subdomain(text: &str) -> bool {
    has_length(text, 253) && text.split('.').all(is_dns_label)
}

/// `kind`.
pub(super) fn is_kind(text: &str) -> bool {
    has_length(text, 63)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic())
}

/// `apiVersion`.
pub(super) fn is_api_version(text: &str) -> bool {
    is_prefixed(text, |version| {
        has_length(version, 63) && version.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The key of a label or an annotation.
pub(super) fn is_key(text: &str) -> bool {
    is_prefixed(text, is_object_name)
}

/// The value of a label.
pub(super) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_object_name(text)
}

/// An item of `metadata.tags`.
pub(super) fn is_tag(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| {
                byte.is_ascii_lowercase()
                    || byte.is_ascii_digit()
                    || matches!(byte, b':' | b'+' | b'#')
            })
    };
    has_length(text, 63) && text.split('-').all(part)
}

/// Nothing but white space.
pub(super) fn is_blank(text: &str) -> bool {
    // what JavaScript's `trim` takes off: a byte order mark counts, NEL does not
    text.chars()
        .all(|c| (c.is_whitespace() && c != '\u{85}') || c == '\u{FEFF}')
}

fn has_length(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
}

/// `[prefix/]suffix` with a DNS subdomain as prefix.
fn is_prefixed(text: &str, is_suffix: impl Fn(&str) -> bool) -> bool {
    match text.split_once('/') {
        None => is_suffix(text),
        Some((prefix, suffix)) => is_dns_subdomain(prefix) && is_suffix(suffix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(rule(text), "{text:?} is refused");
        }
        for text in bad {
            assert!(!rule(text), "{text:?} is accepted");
        }
    }

    #[test]
    fn names() {
        let long = "a".repeat(63);
        let too_long = "a".repeat(64);
        check(
            is_object_name,
            &["a", "A1", "a--b", "a._-b", "1", &long],
            &["", "-a", "a-", "a b", "a/b", "ä", "a\n", &too_long],
        );
        check(
            is_dns_label,
            &["a", "a-b", "a--b", "1a", &long],
            &["", "A", "a_b", "a.b", "-a", "a-", "a\n", &too_long],
        );
        check(is_kind, &["A", "a1B"], &["", "1A", "A-B", "A_", "A\n"]);
        check(
            is_tag,
            &["a", "c++", "c#", "a:b", "a-b", "1"],
            &["", "A", "a_b", "a.b", "a--b", "-a", "a-", "a b", &too_long],
        );
    }

    #[test]
    fn prefixed_names() {
        check(
            is_api_version,
            &["v1", "backstage.io/v1alpha1", "a/b"],
            &[
                "",
                "backstage.io/v1.0",
                "a/b/c",
                "/v1",
                "a/",
                "A/v1",
                "a./v1",
            ],
        );
        check(
            is_key,
            &["a", "a/b", "a.b-c/D_e.f"],
            &["", "/a", "a/", "a/b/c", "A/b", "a b", "a..b/c"],
        );
        check(is_label_value, &["", "a", "A.b"], &["-", "a b"]);
        check(is_blank, &["", " \t\n", "\u{FEFF}\u{A0}"], &["a", "\u{85}"]);
    }
}
