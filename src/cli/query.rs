//! `query`: one operation, against a server or in process.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use super::output::{Exit, write_out};
use super::{local, serve};

pub(super) fn query(
    document: &str,
    variables: &[String],
    url: Option<&str>,
    config: Option<&Path>,
) -> anyhow::Result<Exit> {
    let document = if document == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("stdin cannot be read")?;
        text
    } else {
        document.to_owned()
    };
    let variables = parse_variables(variables)?;
    let body = match url {
        Some(url) => serve::runtime()?.block_on(ask_server(url, &document, variables))?,
        None => match local::ask(&document, variables, config)? {
            Some(body) => body,
            None => return Ok(Exit::Errors),
        },
    };
    print(&body)
}

/// The response, indented for people; exit code 1 if it has errors.
fn print(body: &[u8]) -> anyhow::Result<Exit> {
    let response: Value = serde_json::from_slice(body).context("the answer is no JSON")?;
    let mut text = serde_json::to_string_pretty(&response).context("the answer is no JSON")?;
    text.push('\n');
    write_out(&text)?;
    Ok(match response.get("errors") {
        Some(Value::Array(errors)) if !errors.is_empty() => Exit::Errors,
        _ => Exit::Clean,
    })
}

fn parse_variables(written: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut variables = Map::new();
    for variable in written {
        let Some((name, value)) = variable.split_once('=') else {
            bail!("`--var {variable}` is not NAME=VALUE");
        };
        let value =
            serde_json::from_str(value).unwrap_or_else(|_no_json| Value::String(value.to_owned()));
        variables.insert(name.to_owned(), value);
    }
    Ok(variables)
}

async fn ask_server(
    url: &str,
    document: &str,
    variables: Map<String, Value>,
) -> anyhow::Result<Vec<u8>> {
    let mut endpoint = url::Url::parse(url).with_context(|| format!("`{url}` is no URL"))?;
    if endpoint.path() == "/" {
        endpoint.set_path("/graphql");
    }
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Only lost if another thread was faster, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let response = reqwest::Client::new()
        .post(endpoint.clone())
        .header(
            "accept",
            "application/graphql-response+json, application/json;q=0.9",
        )
        .json(&serde_json::json!({ "query": document, "variables": variables }))
        .send()
        .await
        .with_context(|| format!("no answer from `{endpoint}`"))?;
    let status = response.status();
    let body = response
        .bytes()
        .await
        .with_context(|| format!("no answer from `{endpoint}`"))?;
    if serde_json::from_slice::<Map<String, Value>>(&body).is_err() {
        bail!("`{endpoint}` answered with status {status}, and not with a GraphQL response");
    }
    Ok(body.into())
}
