//! Whether a YAML file of any name holds descriptors, told from its text without parsing it: folders hold `mkdocs.yml` and `openapi.yaml` beside descriptors.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::sdl::Model;

/// Bytes of a file that is too large in which `apiVersion` and `kind` must stand.
const BEGINNING: usize = 64 * 1024;

/// The groups (`backstage.io` in `backstage.io/v1alpha1`) of the kinds that a model declares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups(HashSet<Box<str>>);

/// What is seen of one document so far.
#[derive(Debug, Default)]
struct Seen {
    group: bool,
    kind: bool,
}

impl Groups {
    pub(crate) fn of(model: &Model) -> Self {
        let versions = model.kinds.iter().flat_map(|kind| &kind.api_versions);
        Self(versions.map(|version| group(version).into()).collect())
    }

    /// Whether some document in `bytes` has, at its top level, an `apiVersion` of one of the groups and a `kind`.
    pub(crate) fn are_in(&self, bytes: &[u8]) -> bool {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut seen = Seen::default();
        let mut begun = false;
        let mut start = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let rest = bytes.get(start..).unwrap_or_default();
            start += line.len();
            let header = line.starts_with(b"---");
            if header {
                seen = Seen::default();
                begun = false;
            }
            let skip = if header { 3 } else { 0 };
            let content = line.get(skip..).unwrap_or_default().trim_ascii();
            if content.is_empty() || content.starts_with(b"#") {
                continue;
            }
            if !std::mem::replace(&mut begun, true) && content.starts_with(b"{") {
                self.flow(rest.get(skip..).unwrap_or_default(), &mut seen);
            } else if !header && let Some((key, value)) = entry(line) {
                self.take(&mut seen, key, value);
            }
            if seen.group && seen.kind {
                return true;
            }
        }
        false
    }

    /// Whether a file that is too large to be read begins like a descriptor; one that cannot be opened does not.
    pub(crate) fn begin(&self, path: &Path) -> bool {
        let mut start = Vec::with_capacity(BEGINNING);
        let read =
            File::open(path).and_then(|file| file.take(BEGINNING as u64).read_to_end(&mut start));
        read.is_ok() && self.are_in(&start)
    }

    fn take(&self, seen: &mut Seen, key: &[u8], value: &[u8]) {
        match key {
            b"apiVersion" => {
                let version = String::from_utf8_lossy(value);
                seen.group |= self.0.contains(group(&version));
            }
            b"kind" => seen.kind |= !value.is_empty(),
            _ => {}
        }
    }

    /// The entries of the object that `text` begins with.
    fn flow(&self, text: &[u8], seen: &mut Seen) {
        let mut depth = 0_usize;
        let mut key = None;
        let mut last: &[u8] = b"";
        let mut rest = text;
        while let Some(byte) = rest.first() {
            let mut length = 1;
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b',' if depth == 1 => key = None,
                b':' if depth == 1 => key = Some(last),
                b',' | b':' => {}
                b'#' => length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
                _ if byte.is_ascii_whitespace() => {}
                _ => {
                    let (word, taken) = scalar(rest);
                    length = taken;
                    last = word;
                    if depth == 1
                        && let Some(key) = key
                    {
                        self.take(seen, key, word);
                    }
                }
            }
            if depth == 0 || (seen.group && seen.kind) {
                // Blanks before the object have no depth yet.
                if !byte.is_ascii_whitespace() {
                    return;
                }
            }
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

/// The text before the `/`, or all of it.
fn group(version: &str) -> &str {
    version.split('/').next().unwrap_or(version)
}

/// The key and the value of a line `key: value` that is not indented.
fn entry(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, taken) = scalar(line);
    let rest = line.get(taken..)?.trim_ascii_start();
    let value = rest.strip_prefix(b":")?.trim_ascii();
    let (value, _) = match value.starts_with(b"#") {
        true => (&b""[..], 0),
        false => scalar(value),
    };
    Some((key, value))
}

/// The scalar that `text` begins with, without its quotes, and how many bytes it takes.
fn scalar(text: &[u8]) -> (&[u8], usize) {
    let quote = text.first().filter(|byte| matches!(byte, b'"' | b'\''));
    let Some(quote) = quote else {
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b",:{}[]\"'".contains(byte);
        let length = text.iter().position(is_end).unwrap_or(text.len());
        // What begins with an end is passed over byte by byte.
        return (text.get(..length).unwrap_or_default(), length.max(1));
    };
    let mut position = 1;
    while let Some(byte) = text.get(position) {
        match byte {
            b'\\' if *quote == b'"' => position += 1,
            _ if byte == quote => break,
            _ => {}
        }
        position += 1;
    }
    let end = position.min(text.len());
    (text.get(1..end).unwrap_or_default(), end + 1)
}

#[cfg(test)]
mod tests {
    use super::Groups;

    #[test]
    fn descriptors_are_told_from_other_yaml() {
        let groups = Groups(
            ["backstage.io", "acme.example", "v1"]
                .map(Into::into)
                .into(),
        );
        let check = |text: &str, expected: bool| {
            assert_eq!(groups.are_in(text.as_bytes()), expected, "{text}");
        };
        check("apiVersion: backstage.io/v1alpha1\nkind: X\n", true);
        check("apiVersion: backstage.io/v2\r\nkind: X\r\n", true);
        check(
            "\u{FEFF}kind: X\napiVersion: 'acme.example/v1' # ours\n",
            true,
        );
        check("\"apiVersion\" : \"acme.example/v1\"\n'kind': X", true);
        check("apiVersion: v1\nkind: ConfigMap\n", true);
        check("site_name: x\n---\n# two\nkind: X\napiVersion: v1\n", true);
        check(
            "{\"apiVersion\": \"backstage.io/v1\", \"kind\": \"X\"}",
            true,
        );
        check(
            "# json\n--- {\n  kind: X, # a\n  apiVersion: backstage.io/v1,\n}\n",
            true,
        );
        check(
            "{a: {b: [1]}, 'kind': X, apiVersion: backstage.io/v1}",
            true,
        );
        check("", false);
        check("apiVersion: backstage.io/v1alpha1\n", false);
        check("apiVersion: backstage.io/v1alpha1\nkind:\n", false);
        check("apiVersion: backstage.io/v1\n---\nkind: X\n", false);
        check("apiVersion: apps/v1\nkind: Deployment\n", false);
        check(
            "openapi: 3.1.0\ninfo:\n  apiVersion: backstage.io/v1\n  kind: X\n",
            false,
        );
        check("text: |\n  apiVersion: backstage.io/v1\n  kind: X\n", false);
        check(
            "{\"a\": {\"apiVersion\": \"backstage.io/v1\", \"kind\": \"X\"}}",
            false,
        );
        check("{\"a\": \"apiVersion: backstage.io/v1, kind: X", false);
        check("# apiVersion: backstage.io/v1\n# kind: X\n", false);
        check("- apiVersion: backstage.io/v1\n  kind: X\n", false);
    }
}
