//! `query`: one operation, against a server or in process.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use super::output::{Exit, write_out};
use super::{local, serve};
use crate::clock::Budget;
use crate::config::{EgressConfig, ProxyConfig, process_environment};
use crate::egress::{
    Call, Credential, Egress, HeaderName, HeaderValue, Limits, Method, Settings, Upstream,
    UpstreamSpec, Url,
};

/// So long an answer is waited for: a query may be large, and whoever asks can give up himself.
const PATIENCE: Duration = Duration::from_secs(600);

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
    let mut endpoint = Url::parse(url).with_context(|| format!("`{url}` is no URL"))?;
    if endpoint.path() == "/" {
        endpoint.set_path("/graphql");
    }
    let (said, status) = match upstream(&endpoint)?
        .send(call(&endpoint, document, &variables))
        .await
    {
        Ok(reply) => (reply.body, reply.status),
        Err(failure) => {
            let why = anyhow::anyhow!("it {}", failure.kind);
            return Err(why.context(format!("no answer from `{endpoint}`")));
        }
    };
    if serde_json::from_slice::<Map<String, Value>>(&said).is_err() {
        bail!("`{endpoint}` answered with status {status}, and not with a GraphQL response");
    }
    Ok(said.into())
}

/// The server as an upstream, which is reached as upstreams are: through the environment's proxies.
fn upstream(endpoint: &Url) -> anyhow::Result<Arc<Upstream>> {
    let egress = Egress::new(Settings::of(&EgressConfig {
        proxies: ProxyConfig::of(&process_environment),
        ..EgressConfig::default()
    }))?;
    let mut base = endpoint.clone();
    base.set_query(None);
    base.set_fragment(None);
    let credential = match (base.username(), base.password()) {
        ("", None) => Credential::None,
        (user, password) => Credential::Basic {
            user: user.into(),
            password: password.unwrap_or_default().into(),
        },
    };
    // Only a URL without a host has no room for these.
    let bare = base.set_username("").and_then(|()| base.set_password(None));
    bare.map_err(|()| anyhow::anyhow!("`{endpoint}` names no server"))?;
    let spec = UpstreamSpec {
        connector: "server".into(),
        source: "graphql".into(),
        instance: "default".into(),
        base,
        credential,
        headers: Vec::new(),
        limits: Limits {
            timeout: PATIENCE,
            max_bytes: usize::MAX,
            ..Limits::default()
        },
        allow_hosts: Vec::new(),
        share: 1.0,
    };
    egress
        .upstream(spec)
        .with_context(|| format!("`{endpoint}` is no server's URL"))
}

fn call(endpoint: &Url, document: &str, variables: &Map<String, Value>) -> Call {
    let query = endpoint.query().map(|query| format!("?{query}"));
    let body = serde_json::json!({ "query": document, "variables": variables });
    let header = |name, value| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    Call {
        method: Method::POST,
        headers: vec![
            header(
                "accept",
                "application/graphql-response+json, application/json;q=0.9",
            ),
            header("content-type", "application/json"),
        ],
        body: Some(body.to_string().into()),
        // A mutation must not be sent twice.
        idempotent: false,
        // An answer with errors is an answer.
        expects: (400..600).collect(),
        ..Call::get(query.unwrap_or_default(), "".into(), Budget::of(PATIENCE))
    }
}
