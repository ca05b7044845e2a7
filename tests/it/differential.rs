//! Random valid queries over random catalogs, answered by us and by apollo-compiler's own executor over a resolver that shares no code with ours.
//!
//! Both read one snapshot; what they answer must be equal, down to the order of keys, and so must the paths of the errors.

mod generate;
mod naive;

use std::sync::Arc;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{JsonMap, JsonValue};
use serde_json::{Map, Value};

use callboard::graph::{Record, Snapshot};
use callboard::graphql::Limits;

use crate::support::engine::{TestEngine, model};
use generate::{Random, random_query, random_records};
use naive::{Object, World};

/// Catalogs, and queries over each.
const CATALOGS: u64 = 5;
const QUERIES: u64 = 60;

#[tokio::test]
async fn random_queries_are_answered_as_apollo_answers_them() {
    let model = model(&[]);
    let mut compared = 0;
    let mut with_errors = 0;
    for catalog in 0..CATALOGS {
        let mut random = Random::new(catalog + 1);
        let records: Vec<Record> = random_records(&model, &mut random);
        let snapshot = Snapshot::build(Arc::clone(&model), 1, records.clone().into_iter(), vec![]);
        let world = World::new(&model, &snapshot, &records);
        let engine = TestEngine::new(snapshot.clone(), Limits::default(), None).await;
        for query in 0..QUERIES {
            let seed = catalog * 1_000_003 + query + 7;
            let (text, variables) = random_query(&model.schema, &world, &mut Random::new(seed));
            let parsed = ExecutableDocument::parse_and_validate(&model.schema, text.as_str(), "q");
            let Ok(document) = parsed else {
                // Two fields of one key may differ; the generator does not look.
                continue;
            };
            let variables_json: JsonMap = variables
                .iter()
                .map(|(name, value)| (name.as_str().into(), JsonValue::from(value.clone())))
                .collect();
            let theirs = Execution::new(&model.schema, &document)
                .raw_variable_values(&variables_json)
                .execute_sync(&Object::root(&world));
            let theirs = match theirs {
                Ok(response) => serde_json::to_value(response).unwrap(),
                Err(error) => panic!("seed {seed}: {}\n{text}", error.message()),
            };
            let (ours, _) = engine.json(&text, Value::Object(variables.clone())).await;
            let context = || {
                format!(
                    "seed {seed}\n{text}\nvariables {}",
                    Value::Object(variables.clone())
                )
            };
            compare(&ours, &theirs, &context);
            compared += 1;
            with_errors += usize::from(ours.get("errors").is_some());
        }
    }
    assert!(compared > 200, "only {compared} queries were valid");
    assert!(with_errors > 5, "only {with_errors} answers had errors");
}

fn compare(ours: &Value, theirs: &Value, context: &dyn Fn() -> String) {
    let data = |response: &Value| response.get("data").map(Value::to_string);
    assert!(
        data(ours) == data(theirs),
        "{}\nours:   {ours}\ntheirs: {theirs}",
        context()
    );
    let paths = |response: &Value| {
        let errors = response.get("errors").and_then(Value::as_array);
        let mut paths: Vec<String> = errors
            .into_iter()
            .flatten()
            .map(|error| error["path"].to_string())
            .collect();
        paths.sort();
        paths
    };
    assert!(
        paths(ours) == paths(theirs),
        "{}\nours:   {ours}\ntheirs: {theirs}",
        context()
    );
}

/// Variables of a query.
type Variables = Map<String, Value>;
