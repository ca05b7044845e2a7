//! The README of each built-in connector, as somebody reads it who has only the demo: its queries are asked there, its settings are read as they stand.

use std::collections::BTreeSet;
use std::path::Path;

use callboard::app::{folders, schema};
use callboard::config::Config;
use callboard::graphql::Outcome;
use serde_json::Value;

use super::{ask, company};

/// The blocks of a page in a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(written) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if written == language {
                blocks.push(block.join("\n") + "\n");
            }
        }
    }
    blocks
}

/// Each connector's name with its page.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
    let names = folders::built_in().into_iter().map(|folder| folder.name);
    let pages = names.map(|name| {
        let page = std::fs::read_to_string(root.join(&*name).join("README.md")).unwrap();
        (name.to_string(), page)
    });
    pages.collect()
}

/// Nothing fails, and what is asked for is there, from the connector that the page is about.
#[tokio::test]
async fn queries_of_their_pages_are_answered_in_the_demo() {
    let company = company().await;
    for (name, page) in pages() {
        let queries = blocks(&page, "graphql");
        assert!(!queries.is_empty(), "{name}: the page asks nothing");
        for query in queries {
            let (answer, outcome) = ask(&company.engine, &query, Value::Null).await;
            assert_eq!(outcome, Outcome::Ok, "{name}: {query}\n{answer}");
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(answer.get("errors"), None, "{name}: {query}\n{answer}");
            let entity = answer["data"]["component"].as_object().unwrap();
            for (field, value) in entity {
                let is_empty = value.is_null() || value["nodes"] == serde_json::json!([]);
                assert!(!is_empty, "{name}: `{field}` is empty\n{answer}");
            }
            let own = format!("\"provider\":\"{name}\"");
            assert!(answer.to_string().contains(&own), "{name}: {answer}");
        }
    }
}

/// Pasted into `callboard.yaml`, with the variables set and the files there.
#[test]
fn settings_of_their_pages_are_those_that_are_read() {
    for (name, page) in pages() {
        let blocks = blocks(&page, "yaml");
        assert!(!blocks.is_empty(), "{name}: the page sets nothing up");
        for block in blocks {
            let folder = tempfile::tempdir().unwrap();
            let secret = folder.path().join("secret");
            std::fs::write(&secret, "s3cret").unwrap();
            let text = block
                .lines()
                .map(|line| match line.split_once("file: /") {
                    Some((before, _)) => format!("{before}file: {} }}\n", secret.display()),
                    None => format!("{line}\n"),
                })
                .collect::<String>();
            let environment = |_: &str| Some("value".to_owned());
            let (config, problems) = Config::parse(
                Some((&"callboard.yaml".into(), &text)),
                folder.path(),
                &environment,
            );
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(told, Vec::<String>::new(), "{name}: {text}");
            let loaded = schema::load(&config.unwrap(), &schema::Files::default());
            let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
            assert_eq!(told, Vec::<String>::new(), "{name}: {text}");
        }
    }
}

/// Settings and annotations that the page names are read, and those that are read are named.
#[test]
fn their_pages_name_what_is_read() {
    let folders = folders::built_in();
    for (name, page) in pages() {
        let folder = folders.iter().find(|folder| *folder.name == *name).unwrap();
        let sdl: String = folder.sdl.iter().map(|file| &*file.text).collect();
        let read = |mark: &str, ends: &[char]| {
            let parts = sdl.split(mark).skip(1);
            let names = parts.map(|part| part.split(ends).next().unwrap_or_default().to_owned());
            names
                .filter(|name| !name.is_empty())
                .collect::<BTreeSet<_>>()
        };
        let is_word = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let word = |text: &str| text.split(is_word).next().unwrap_or_default().to_owned();
        for (mark, of) in [("$config.", "config."), ("$secret.", "secrets.")] {
            let used: BTreeSet<String> = sdl.split(mark).skip(1).map(word).collect();
            for setting in used {
                let named = format!("{of}{setting}");
                assert!(
                    page.contains(&named),
                    "{name}: the page does not name `{named}`"
                );
            }
            let begin = format!("`{of}");
            let told = page.split(&begin).skip(1).map(word);
            for setting in told {
                let used = format!("{mark}{setting}");
                assert!(sdl.contains(&used), "{name}: nothing reads `{of}{setting}`");
            }
        }
        for annotation in read("annotations.'", &['\'']) {
            assert!(
                page.contains(&annotation),
                "{name}: the page does not name `{annotation}`"
            );
        }
    }
}
