//! A definition in another notation: YAML as JSON, and JSON as YAML.

use super::tree;

/// The text as JSON, on lines of its own; `None` for what is neither YAML nor JSON, or broken.
pub fn as_json(text: &str) -> Option<String> {
    serde_json::to_string_pretty(&tree::value(text)?).ok()
}

/// The text as YAML; `None` for what is neither YAML nor JSON, or broken.
pub fn as_yaml(text: &str) -> Option<String> {
    Some(crate::catalog::yaml::to_text(&tree::value(text)?))
}

#[cfg(test)]
mod tests {
    use super::{as_json, as_yaml};

    #[test]
    fn a_text_says_the_same_in_both() {
        let json = r##"{"a":[{"b":"one\ntwo","c":[[1,2],[]],"on":"yes"},"#x",""],"200":{"d":null},"e":"x: y","f":" a\n"}"##;
        let yaml = as_yaml(json).unwrap();
        assert!(yaml.contains("  - b: |-\n      one\n      two\n"), "{yaml}");
        let back: serde_json::Value = serde_json::from_str(&as_json(&yaml).unwrap()).unwrap();
        let there: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(back, there, "{yaml}");
    }

    #[test]
    fn what_is_neither_has_no_other_notation() {
        assert_eq!(as_json("a: [1"), None);
        assert_eq!(as_json("type Query { a: Int }"), None);
    }
}
