//! What a code host answers on bad days, to the built-in connector: two components, their repositories from its graph and their runs from its REST API.

use std::time::Duration;

use callboard::app::folders;
use serde_json::{Map, Value, json};

use crate::connect::world::{World, world};
use crate::support::upstream::{Asked, Reply};

const QUERY: &str = "{ components(orderBy: [{ field: NAME }]) { nodes { name repository { fullName stars } ciRuns(first: 1) { nodes { number } } } } }";
const CONFIG: &str = "connectors: { github: { config: { graphqlUrl: URL/graphql, restUrl: URL }, secrets: { token: t }, limits: { timeout: 400ms } } }";

/// With what the graph answers to a document, given the names of the repositories in it and what would be right; REST is well.
async fn two(graph: impl Fn(&[String], Value) -> Reply + Send + Sync + 'static) -> World {
    start(move |asked| match asked.path() {
        "/graphql" => {
            let (names, data) = document(asked);
            graph(&names, json!({ "data": data }))
        }
        _ => runs(),
    })
    .await
}

async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> World {
    let folders = folders::built_in();
    let files = folders
        .iter()
        .filter(|folder| *folder.name == *"github")
        .flat_map(|folder| &folder.sdl);
    let files: Vec<(&str, &str)> = files.map(|file| (&*file.path, &*file.text)).collect();
    let idle = "extend schema @source(name: \"rest\", url: \"$config.url\")";
    let builder = files
        .iter()
        .fold(world(idle), |builder, (path, text)| builder.and(path, text));
    let components =
        "a: { github.com/project-slug: acme/a }\nb: { github.com/project-slug: acme/b }";
    builder
        .config(CONFIG)
        .components(components)
        .start(answer)
        .await
}

/// The repositories that a document asks for, and the data that fits it.
fn document(asked: &Asked) -> (Vec<String>, Value) {
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let text = body["query"].as_str().unwrap();
    let (mut names, mut data) = (Vec::new(), Map::new());
    for call in text.lines().filter(|line| line.contains(": repository(")) {
        let (alias, call) = call.trim().split_once(':').unwrap();
        let (_, variable) = call.split_once("name: $").unwrap();
        let variable = variable.split([',', ')']).next().unwrap();
        let name = body["variables"][variable].as_str().unwrap().to_owned();
        data.insert(alias.to_owned(), repository(&name));
        names.push(name);
    }
    (names, Value::Object(data))
}

fn repository(name: &str) -> Value {
    json!({ "__typename": "Repository", "id": format!("R_{name}"), "nameWithOwner": format!("acme/{name}"), "stargazerCount": 7 })
}

fn runs() -> Reply {
    Reply::json(
        &json!({ "total_count": 1, "workflow_runs": [{ "id": 77, "run_number": 4, "status": "completed", "conclusion": "success", "repository": { "full_name": "acme/a" } }] }),
    )
}

/// Name, stars and number of the run of each component, and the codes of the errors with their paths.
async fn told(world: &World) -> (String, String) {
    let answer: Value = serde_json::from_str(&world.ask(QUERY).await).unwrap();
    let nodes = answer["data"]["components"]["nodes"].as_array().unwrap();
    let each = nodes.iter().map(|node| {
        let repository = &node["repository"];
        format!(
            "{} {} {}",
            repository["fullName"], repository["stars"], node["ciRuns"]["nodes"][0]["number"]
        )
    });
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let errors = errors.iter().map(|error| {
        let text = error.to_string();
        assert!(
            !text.contains("127.0.0.1") && !text.contains("secret words"),
            "{text}"
        );
        format!(
            "{} {} {}",
            error["extensions"]["code"], error["path"][2], error["path"][3]
        )
    });
    (
        each.collect::<Vec<_>>().join("\n").replace('"', ""),
        errors.collect::<Vec<_>>().join("\n").replace('"', ""),
    )
}

const WELL: &str = "acme/a 7 4\nacme/b 7 4";
const WITHOUT: &str = "null null 4\nnull null 4";

#[tokio::test]
async fn a_part_that_is_refused_costs_itself() {
    let world = two(|names, mut answer| {
        let position = names.iter().position(|name| name == "b").unwrap();
        let alias = answer["data"].as_object().unwrap().keys().nth(position);
        let alias = alias.unwrap().clone();
        answer["data"][&alias] = Value::Null;
        answer["errors"] =
            json!([{ "type": "FORBIDDEN", "path": [alias], "message": "secret words" }]);
        Reply::json(&answer)
    })
    .await;
    let (values, errors) = told(&world).await;
    assert_eq!(values, "acme/a 7 4\nnull null 4");
    assert_eq!(errors, "UPSTREAM_UNAUTHORIZED 1 repository");
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_told_and_leaves_the_rest() {
    let refused =
        json!({ "data": null, "errors": [{ "type": "RATE_LIMITED", "message": "secret words" }] });
    let used_up = [
        ("x-ratelimit-limit", "5000"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1772368800"),
    ];
    let primary = used_up
        .iter()
        .fold(Reply::json(&refused), |reply, (name, value)| {
            reply.header(name, value)
        });
    let said = |message: &str| Reply {
        body: json!({ "message": message }).to_string(),
        ..Reply::status(403)
    };
    let secondary =
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let abuse = "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again.";
    let replies = [
        Reply::json(&refused),
        primary,
        said(secondary).header("retry-after", "60"),
        // Without a header only the words tell it from a refused credential.
        said(secondary),
        said(abuse),
        said("API rate limit exceeded")
            .header("x-ratelimit-limit", "5000")
            .header("x-ratelimit-remaining", "0"),
    ];
    for reply in replies {
        let world = two(move |_, _| reply.clone()).await;
        let (values, errors) = told(&world).await;
        assert_eq!(values, WITHOUT);
        assert_eq!(
            errors,
            "UPSTREAM_RATE_LIMITED 0 repository\nUPSTREAM_RATE_LIMITED 1 repository"
        );
    }
}

/// For a minute nothing is sent, to the graph or to REST: what comes too fast is counted together.
#[tokio::test]
async fn a_limit_that_is_told_in_words_alone_is_kept_for_a_minute() {
    let words = "You have exceeded a secondary rate limit.";
    let refused = Reply {
        body: json!({ "message": words }).to_string(),
        ..Reply::status(403)
    };
    let answered = Reply::json(&json!({ "errors": [{ "message": words }] }));
    let told_longer = answered.clone().header("retry-after", "300");
    for (reply, seconds) in [
        (refused, 50..=61),
        (answered, 50..=61),
        (told_longer, 290..=301),
    ] {
        let world = two(move |_, _| reply.clone()).await;
        told(&world).await;
        world.upstream.take();
        let query = "{ entity(ref: \"component:default/a\") { repository { url } issues { nodes { id } } } }";
        let answer: Value = serde_json::from_str(&world.ask(query).await).unwrap();
        assert_eq!(world.upstream.take().len(), 0, "{answer}");
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 2, "{answer}");
        for error in errors {
            assert_eq!(error["extensions"]["code"], "UPSTREAM_RATE_LIMITED");
            let wait = error["extensions"]["retryAfter"].as_i64().unwrap();
            assert!(seconds.contains(&wait), "{wait}");
        }
    }
}

/// A 403 that says nothing of limits is what it was.
#[tokio::test]
async fn a_refusal_in_other_words_is_one_of_the_credential() {
    let world = two(|_, _| Reply {
        body: json!({ "message": "Resource not accessible by personal access token" }).to_string(),
        ..Reply::status(403)
    })
    .await;
    let (values, errors) = told(&world).await;
    assert_eq!(values, WITHOUT);
    assert_eq!(
        errors,
        "UPSTREAM_UNAUTHORIZED 0 repository\nUPSTREAM_UNAUTHORIZED 1 repository"
    );
}

#[tokio::test]
async fn what_is_too_much_together_is_asked_apart() {
    let too_much =
        json!({ "errors": [{ "type": "MAX_NODE_LIMIT_EXCEEDED", "message": "secret words" }] });
    let replies = [
        Reply::status(502),
        Reply::json(&too_much),
        Reply::status(200).after(Duration::from_secs(5)),
    ];
    for reply in replies {
        let world = two(move |names, answer| match names.len() {
            1 => Reply::json(&answer),
            _ => reply.clone(),
        })
        .await;
        assert_eq!(told(&world).await, (WELL.to_owned(), String::new()));
    }
}

#[tokio::test]
async fn a_repository_that_is_gone_is_null_and_one_that_was_renamed_is_found() {
    let world = start(|asked| match asked.path() {
        "/graphql" => {
            let (names, mut data) = document(asked);
            let aliases: Vec<String> = data.as_object().unwrap().keys().cloned().collect();
            let mut errors = Vec::new();
            for (name, alias) in names.iter().zip(aliases) {
                if name == "b" {
                    data[&alias] = Value::Null;
                    errors.push(
                        json!({ "type": "NOT_FOUND", "path": [alias], "message": "secret words" }),
                    );
                } else {
                    data[&alias] = repository("renamed");
                }
            }
            Reply::json(&json!({ "data": data, "errors": errors }))
        }
        "/repos/acme/a/actions/runs" => {
            Reply::status(301).header("location", "/repositories/7/actions/runs")
        }
        "/repositories/7/actions/runs" => runs(),
        _ => Reply::status(404),
    })
    .await;
    let (values, errors) = told(&world).await;
    assert_eq!(values, "acme/renamed 7 4\nnull null null");
    assert_eq!(errors, "");
}

#[tokio::test]
async fn well_again_it_answers_again() {
    let world = two(|_, _| Reply::status(500)).await;
    assert_eq!(told(&world).await.0, WITHOUT);
    world.upstream.answer(|asked| match asked.path() {
        "/graphql" => Reply::json(&json!({ "data": document(asked).1 })),
        _ => runs(),
    });
    assert_eq!(told(&world).await, (WELL.to_owned(), String::new()));
}
