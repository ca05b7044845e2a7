//! Everything with an id that the example queries show is found again by it.

use std::collections::BTreeMap;
use std::time::Duration;

use apollo_compiler::executable::{Field, Selection, SelectionSet};
use apollo_compiler::{ExecutableDocument, Name, Node, Schema, name};
use callboard::graphql::Outcome;
use insta::glob;
use serde_json::{Value, json};

use super::{Company, ask, company};

/// Longer than anything is kept.
const WEEK: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// Lists within lists that no example has.
const DEEP: [&str; 5] = [
    "{ components(first: 1000) { nodes { repository { url } ciRuns(first: 30) { nodes { number jobs { nodes { name } } } } } } }",
    "{ components(first: 1000) { nodes { pullRequests(first: 5) { nodes { number ciRuns { nodes { number jobs { nodes { name } } } } releases { nodes { tag } } deployments { nodes { environment } } } } } } }",
    "{ components(first: 1000) { nodes { incidents(first: 5) { nodes { title entities { name } } } onCall { nodes { level user { name } } } } } }",
    "{ components(first: 1000) { nodes { issues(first: 5) { nodes { title } } releases(first: 5) { nodes { tag } } deployments(first: 5) { nodes { environment } } } } }",
    "{ one: pullRequest(repository: \"larkspur-market/payments-api\", number: 419) { title ciRuns { nodes { number jobs { nodes { name status } } } } releases { nodes { tag } } deployments { nodes { environment } } } }",
];

#[tokio::test]
async fn what_the_examples_show_is_found_by_its_id() {
    let mut queries: Vec<String> = DEEP.map(str::to_owned).into();
    glob!("../../../examples/queries", "*.graphql", |path| queries
        .push(std::fs::read_to_string(path).unwrap()));
    let company = company().await;
    let mut types: BTreeMap<String, usize> = BTreeMap::new();
    let mut lost = Vec::new();
    for query in &queries {
        let query = with_ids(&company.model.schema, query);
        let (answer, outcome) = ask(&company.engine, &query, Value::Null).await;
        assert_eq!(outcome, Outcome::Ok, "{query}\n{answer}");
        let mut shown = BTreeMap::new();
        collect(&serde_json::from_str(&answer).unwrap(), &mut shown);
        for name in shown.values() {
            *types.entry(name.clone()).or_default() += 1;
        }
        let all: Vec<(&str, &str)> = shown.iter().map(|(id, name)| (&**id, &**name)).collect();
        // As they are kept, and each alone when all of that is too old, so that nothing is there but what is asked for it.
        for n_together in [50, 1] {
            for some in all.chunks(n_together) {
                find(&company, some, &mut lost).await;
                if n_together == 1 {
                    company.clock.set(company.clock.now() + WEEK);
                }
            }
        }
    }
    assert_eq!(lost, Vec::<String>::new());
    let n_shown: usize = types.values().sum();
    assert!(types.len() > 20 && n_shown > 300, "{types:?}");
}

/// Asks for some by their ids, and notes those that are not found, or as something else.
async fn find(company: &Company, some: &[(&str, &str)], lost: &mut Vec<String>) {
    let ids: Vec<&str> = some.iter().map(|(id, _)| *id).collect();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    let (answer, _) = ask(&company.engine, query, json!({ "ids": ids })).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    for (position, (id, name)) in some.iter().enumerate() {
        let node = &answer["data"]["nodes"][position];
        if node["id"] != **id || node["__typename"] != **name {
            let errors = answer["errors"].as_array().into_iter().flatten();
            let mut errors = errors.filter(|error| error["path"][1] == position);
            let message = errors.next().map(|error| error["message"].to_string());
            let message = message.unwrap_or_default();
            lost.push(format!("of {}: {name} {id}: {node} {message}", some.len()));
        }
    }
}

/// The query that asks for the id of all that has one.
fn with_ids(schema: &apollo_compiler::validation::Valid<Schema>, query: &str) -> String {
    let document = ExecutableDocument::parse_and_validate(schema, query, "query.graphql");
    let mut document = document.unwrap().into_inner();
    let operations = document.operations.anonymous.iter_mut();
    for operation in operations.chain(document.operations.named.values_mut()) {
        add_ids(schema, &mut operation.make_mut().selection_set);
    }
    for fragment in document.fragments.values_mut() {
        add_ids(schema, &mut fragment.make_mut().selection_set);
    }
    document.to_string()
}

fn add_ids(schema: &Schema, set: &mut SelectionSet) {
    for selection in &mut set.selections {
        match selection {
            Selection::Field(field) => add_ids(schema, &mut field.make_mut().selection_set),
            Selection::InlineFragment(inline) => {
                add_ids(schema, &mut inline.make_mut().selection_set);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
    if set.selections.is_empty() {
        return;
    }
    for (alias, name) in [
        (name!("anId"), name!("id")),
        (name!("aType"), name!("__typename")),
    ] {
        if is_node(schema, &set.ty)
            && let Ok(definition) = schema.type_field(&set.ty, &name)
        {
            let field = Field::new(name, definition.node.clone()).with_alias(alias);
            set.selections.push(Selection::Field(Node::new(field)));
        }
    }
}

fn is_node(schema: &Schema, name: &Name) -> bool {
    name == "Node" || schema.is_subtype("Node", name) || {
        let of = schema.types.get(name);
        of.and_then(|ty| ty.as_interface())
            .is_some_and(|ty| ty.implements_interfaces.contains("Node"))
    }
}

fn collect(value: &Value, shown: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            if let (Some(Value::String(id)), Some(Value::String(name))) =
                (members.get("anId"), members.get("aType"))
            {
                shown.insert(id.clone(), name.clone());
            }
            members.values().for_each(|value| collect(value, shown));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, shown)),
        _ => {}
    }
}
