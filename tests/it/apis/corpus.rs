//! Real definitions from public repositories: what is read of each, and every problem, looked at by a person.
//!
//! The files are other people's and stay outside of the repository: `../shared/corpus`, or the folder that `CALLBOARD_SHARED` names.
//! Each problem below is one that its author could mend; none of them is about something that the format allows.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use callboard::apis;

use crate::support::say;

/// Far above what it takes, which is measured for optimised builds alone: this finds readers whose work grows out of hand.
const LONGEST: Duration = Duration::from_secs(20);

/// The corpus, if this machine has it.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let named = std::env::var("CALLBOARD_SHARED").ok().map(PathBuf::from);
    let folder = named.unwrap_or(beside).join("corpus/apis");
    folder.join("index.json").exists().then_some(folder)
}

#[test]
fn real_definitions_are_read() {
    let Some(folder) = corpus() else {
        say(
            "SKIPPED: no API definitions in ../shared/corpus (CALLBOARD_SHARED names another folder)",
        );
        return;
    };
    let index = std::fs::read_to_string(folder.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let mut files: Vec<&str> = index
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["file"].as_str().unwrap())
        // Not every copy of the corpus has all of it.
        .filter(|file| folder.join(file).exists())
        .collect();
    files.sort_unstable();
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let start = Instant::now();
        let definition = apis::read(&text, None);
        let took = start.elapsed();
        assert!(took < LONGEST, "{file} took {took:?}");
        lines.push(format!(
            "{file}: {} {}, {} operations, {} schemas",
            definition.format.map_or("-", |format| format.as_str()),
            definition.format_version.as_deref().unwrap_or("-"),
            definition.operations.len(),
            definition.schemas.len(),
        ));
        lines.extend(definition.problems.iter().map(|problem| {
            let at = problem.at.unwrap_or_default();
            let severity = problem.severity.as_str();
            format!(
                "  {}:{}: {severity}[{}]: {}",
                at.line, at.column, problem.code, problem.message
            )
        }));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    asyncapi-2.x/v2__asyncapi_spec__examples__simple.yml: ASYNCAPI 2.6.0, 1 operations, 1 schemas
    asyncapi-2.x/v2__asyncapi_spec__examples__slack-rtm.yml: ASYNCAPI 2.6.0, 2 operations, 49 schemas
    asyncapi-2.x/v2__asyncapi_spec__examples__streetlights-kafka.yml: ASYNCAPI 2.6.0, 4 operations, 7 schemas
    asyncapi-3.0/asyncapi_spec__examples__kraken-websocket-request-reply-multiple-channels-asyncapi.yml: ASYNCAPI 3.1.0, 5 operations, 28 schemas
    asyncapi-3.0/asyncapi_spec__examples__oneof-asyncapi.yml: ASYNCAPI 3.1.0, 2 operations, 5 schemas
    asyncapi-3.0/asyncapi_spec__examples__operation-security-asyncapi.yml: ASYNCAPI 3.1.0, 1 operations, 4 schemas
    asyncapi-3.0/asyncapi_spec__examples__slack-rtm-asyncapi.yml: ASYNCAPI 3.1.0, 2 operations, 49 schemas
    graphql-federation/apollographql_apollo-federation-subgraph-compatibility__implementations___template_library___products.graphql: GRAPHQL -, 2 operations, 7 schemas
    graphql/TabbyML_tabby__ee__tabby-schema__graphql__schema.graphql: GRAPHQL -, 110 operations, 195 schemas
    graphql/buildkite_docs__data__graphql__schema.graphql: GRAPHQL -, 108 operations, 517 schemas
    graphql/npm__octokit_graphql-schema_15.26.1__schema.graphql: GRAPHQL -, 278 operations, 1621 schemas
      15153:3: error[definition-shape]: `EnterpriseOwnerInfo.repositoryDeployKeySetting` is already there
      15158:3: error[definition-shape]: `EnterpriseOwnerInfo.repositoryDeployKeySettingOrganizations` is already there
    openapi-3.0/awslabs_app-development-for-backstage-io-on-aws__backstage-reference__templates__example-serverless-rest-api__content__swagger.yaml: OPENAPI 3.0.3, 4 operations, 2 schemas
    openapi-3.0/npm__readme_oas-examples_8.2.2__3.0__json__discriminators.json: OPENAPI 3.0.3, 10 operations, 24 schemas
    openapi-3.0/npm__readme_oas-examples_8.2.2__3.0__json__polymorphism.json: OPENAPI 3.0.3, 13 operations, 7 schemas
    openapi-3.0/npm__readme_oas-examples_8.2.2__3.0__json__star-trek.json: OPENAPI 3.0.1, 120 operations, 222 schemas
    openapi-3.0/npm__readme_oas-examples_8.2.2__3.0__yaml__callbacks.yaml: OPENAPI 3.0.0, 1 operations, 0 schemas
    openapi-3.0/npm__readme_oas-examples_8.2.2__3.0__yaml__security.yaml: OPENAPI 3.0.3, 15 operations, 0 schemas
    openapi-3.0/npm__readme_oas-examples_8.2.2__3.0__yaml__uspto.yaml: OPENAPI 3.0.1, 3 operations, 1 schemas
    openapi-3.1/npm__readme_oas-examples_8.2.2__3.1__json__readme.json: OPENAPI 3.1.0, 54 operations, 0 schemas
    openapi-3.1/npm__readme_oas-examples_8.2.2__3.1__json__schema-types.json: OPENAPI 3.1.0, 23 operations, 2 schemas
    openapi-3.1/npm__readme_oas-examples_8.2.2__3.1__json__train-travel.json: OPENAPI 3.1.0, 8 operations, 9 schemas
    proto/argoproj_argo-cd__server__application__application.proto: PROTOBUF proto2, 31 operations, 39 schemas
      9:1: warning[definition-reference]: `google/api/annotations.proto` is imported, and is not part of this text
      10:1: warning[definition-reference]: `k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto` is imported, and is not part of this text
      11:1: warning[definition-reference]: `github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1/generated.proto` is imported, and is not part of this text
      12:1: warning[definition-reference]: `github.com/argoproj/argo-cd/v3/reposerver/repository/repository.proto` is imported, and is not part of this text
      13:1: warning[definition-reference]: `github.com/argoproj/argo-cd/v3/server/events/events.proto` is imported, and is not part of this text
    proto/argoproj_argo-cd__server__project__project.proto: PROTOBUF proto3, 12 operations, 12 schemas
      9:1: warning[definition-reference]: `google/api/annotations.proto` is imported, and is not part of this text
      10:1: warning[definition-reference]: `github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1/generated.proto` is imported, and is not part of this text
      11:1: warning[definition-reference]: `github.com/argoproj/argo-cd/v3/server/application/application.proto` is imported, and is not part of this text
      12:1: warning[definition-reference]: `github.com/argoproj/argo-cd/v3/server/events/events.proto` is imported, and is not part of this text
    proto/backstage_software-templates__scaffolder-templates__springboot-grpc-template__skeleton__src__main__resources__greeter.proto: PROTOBUF proto3, 1 operations, 2 schemas
    proto/turbot_steampipe-plugin-sdk__grpc__proto__plugin.proto: PROTOBUF proto3, 11 operations, 51 schemas
    swagger-2.0/OAI_learn.openapis.org__examples__v2.0__json__petstore-separate__spec__swagger.json: OPENAPI 2.0, 4 operations, 0 schemas
      36:21: warning[definition-reference]: `parameters.json#/tagsParam` is in another file, which is not part of this text
      39:21: warning[definition-reference]: `parameters.json#/limitsParam` is in another file, which is not part of this text
      70:23: warning[definition-reference]: `NewPet.json` is in another file, which is not part of this text
      108:23: warning[definition-reference]: `Pet.json` is in another file, which is not part of this text
    swagger-2.0/npm__readme_oas-examples_8.2.2__2.0__json__api-with-examples.json: OPENAPI 2.0, 2 operations, 0 schemas
    "#);
}
