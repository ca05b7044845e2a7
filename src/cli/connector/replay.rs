//! `connector test`: asks the examples' queries, of what the examples hold or of a real upstream, and compares.
//!
//! Each example has a catalog and an upstream of its own time: what one of them writes or lets pass is not seen by the next.
//! Where the upstream is the examples' own, it fails as well: [`super::contract`].

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};
use url::Url;

use super::super::local::{self, Local};
use super::super::output::{Exit, say, write_problems};
use super::super::report::counted;
use super::super::scratch::Scratch;
use super::super::serve;
use super::differ::{Difference, differences, keep_written};
use super::{bad_query, contract};
use crate::app::folders::ConnectorFolder;
use crate::app::schema;
use crate::config::Config;
use crate::connect::example::{Example, Settings};
use crate::diagnostic::{Diagnostic, Span};
use crate::graphql::Request;
use crate::sdl::Model;
use crate::simulate::{self, Options, Simulated};
use crate::tasks::Tasks;

/// How long an upstream of ours may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// Tests the folder, or else all that are configured and all that the program carries.
pub(in crate::cli) fn test(folder: Option<&Path>, live: Option<&Url>) -> anyhow::Result<Exit> {
    let Some(found) = super::folders(folder)? else {
        return Ok(Exit::Errors);
    };
    let mut problems = found.problems;
    let one = found.folders.len() == 1;
    for (folder, own) in found.folders {
        problems.extend(own);
        if folder.examples.is_empty() && one {
            bail!("the connector `{}` has no `examples/*.yaml`", folder.name);
        }
        problems.extend(test_one(&folder, live)?);
    }
    Ok(write_problems(&problems)?)
}

fn test_one(folder: &ConnectorFolder, live: Option<&Url>) -> anyhow::Result<Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let (model, examples) = open(folder, &mut problems);
    let Some(model) = model.filter(|_| !problems.iter().any(Diagnostic::is_error)) else {
        say(&format!("{}: nothing was asked", folder.name));
        return Ok(problems);
    };
    let replay = Replay {
        connector: &folder.name,
        model: Arc::new(model),
        examples: &examples,
        live,
    };
    let mut n_good = 0;
    let runtime = serve::runtime()?;
    for example in &examples {
        let found = runtime.block_on(replay.run(example));
        let found = found.with_context(|| format!("`{}` could not be asked", example.file))?;
        n_good += usize::from(found.is_empty());
        problems.extend(found);
    }
    say(&format!(
        "{}: {} of {} answered as expected",
        folder.name,
        n_good,
        counted(examples.len(), "example"),
    ));
    if live.is_none() {
        let mut found = Vec::new();
        for example in &examples {
            let failed = runtime.block_on(replay.fail(example));
            found.extend(failed.with_context(|| format!("`{}` could not be asked", example.file))?);
        }
        let outcome = match found.len() {
            0 => "failures have the standard codes".to_owned(),
            n => counted(n, "failure without its standard code"),
        };
        say(&format!("{}: {outcome}", folder.name));
        problems.extend(found);
    }
    Ok(problems)
}

/// The graph of the folder alone, and its examples; what makes asking them senseless is a problem.
fn open(folder: &ConnectorFolder, problems: &mut Vec<Diagnostic>) -> (Option<Model>, Vec<Example>) {
    let (model, found) = schema::load_folder(folder);
    problems.extend(found);
    let mut examples = Vec::new();
    for file in &folder.examples {
        let (example, found) = Example::parse(&file.path, &file.text);
        problems.extend(found);
        examples.extend(example);
    }
    if let Some(model) = &model {
        let bad = examples
            .iter()
            .flat_map(|example| bad_query(model, example));
        problems.extend(bad);
    }
    (model, examples)
}

/// The examples of one connector, and where they are asked.
struct Replay<'a> {
    connector: &'a str,
    model: Arc<Model>,
    examples: &'a [Example],
    live: Option<&'a Url>,
}

impl Replay<'_> {
    /// The differences of one example.
    async fn run(&self, example: &Example) -> anyhow::Result<Vec<Diagnostic>> {
        let tasks = Tasks::new();
        // What a real upstream answers is of its own time; ours moves the times of its examples.
        let (origin, mut expected) = match self.live {
            Some(url) => (url.clone(), example.expect.clone()),
            None => {
                let started = self.simulated(&tasks).await?;
                let moved = started.moved(example, &example.expect);
                (started.origin().clone(), moved)
            }
        };
        let response = self.ask(example, &origin).await;
        tasks.shutdown(GRACE).await;
        let response = response?;
        keep_written(&mut expected, &example.expect, &response);
        let found = differences(&expected, &response).into_iter();
        let problem = |found: Difference| {
            let file = Arc::clone(&example.file);
            Diagnostic::error("expect", file, found.message).at(place(example, &found.path))
        };
        Ok(found.map(problem).collect())
    }

    /// What an example says of a failing upstream that it should not.
    async fn fail(&self, example: &Example) -> anyhow::Result<Vec<Diagnostic>> {
        let tasks = Tasks::new();
        let upstream = self.simulated(&tasks).await?;
        let mut problems = Vec::new();
        for trials in [contract::failures(), vec![contract::wrong_type()]] {
            let scratch = Scratch::new()?;
            let settings = self.led(example, upstream.origin())?;
            let limits = Some(hasty());
            let config = configuration(scratch.path(), self.connector, example, &settings, limits)?;
            let local = Local::open(&config, Arc::clone(&self.model), scratch.path()).await?;
            for trial in trials {
                upstream.forget();
                upstream.set_fault(Some(trial.fault.clone()));
                let body = local.ask(&request(example)).await;
                if upstream.n_requests() == 0 {
                    continue;
                }
                let response: Value = serde_json::from_slice(&body)?;
                let (model, name) = (&*self.model, self.connector);
                problems.extend(contract::judge(model, name, example, &trial, &response));
            }
            local.close().await?;
        }
        tasks.shutdown(GRACE).await;
        Ok(problems)
    }

    async fn simulated(&self, tasks: &Tasks) -> anyhow::Result<Simulated> {
        let (model, all) = (&*self.model, self.examples);
        let options = Options::default();
        Ok(Simulated::start(model, self.connector, all, options, tasks).await?)
    }

    fn led(&self, example: &Example, origin: &Url) -> anyhow::Result<Settings> {
        match simulate::lead(&self.model, self.connector, &example.settings, origin) {
            Ok(led) => Ok(led),
            Err(error) => bail!("{error}: {}", error.hint),
        }
    }

    async fn ask(&self, example: &Example, origin: &Url) -> anyhow::Result<Value> {
        let led = self.led(example, origin)?;
        let scratch = Scratch::new()?;
        let config = configuration(scratch.path(), self.connector, example, &led, None)?;
        let model = Arc::clone(&self.model);
        let body = local::answer(&config, model, scratch.path(), &request(example)).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}

/// Where a path of the response was expected, or what is around it.
fn place(example: &Example, path: &str) -> Span {
    let mut path = path;
    loop {
        if let Some(span) = example.expect_spans.get(path) {
            return *span;
        }
        match path.rfind(['.', '[']).and_then(|end| path.get(..end)) {
            Some(around) => path = around,
            None => return example.expect_span,
        }
    }
}

fn request(example: &Example) -> Request<'_> {
    Request {
        variables: Some(example.variables.clone()),
        ..Request::new(&*example.query)
    }
}

/// One attempt, and not for long; no failure keeps the next from being tried.
fn hasty() -> Value {
    json!({ "timeout": "500ms", "retries": 0, "breakerErrors": 1_000_000 })
}

/// A catalog of the example's entities alone, and one connector.
fn configuration(
    folder: &Path,
    connector: &str,
    example: &Example,
    settings: &Settings,
    limits: Option<Value>,
) -> anyhow::Result<Config> {
    let entities: Vec<String> = example.entities.iter().map(Value::to_string).collect();
    fs::write(folder.join("catalog-info.yaml"), entities.join("\n---\n"))?;
    let mut instance = written(settings);
    let instances: Map<String, Value> = settings
        .instances
        .iter()
        .map(|(name, settings)| (name.clone(), Value::Object(written(settings))))
        .collect();
    instance.insert("instances".to_owned(), Value::Object(instances));
    instance.extend(limits.map(|limits| ("limits".to_owned(), limits)));
    let text = json!({
        "sources": [{ "type": "file", "path": "./catalog-info.yaml" }],
        "connectors": { connector: instance },
    });
    // The configuration names the example: what is wrong in it is wrong there.
    let text = text.to_string();
    let (config, problems) = Config::parse(Some((&example.file, &text)), folder, &|_| None);
    let Some(config) = config.filter(|_| !problems.iter().any(Diagnostic::is_error)) else {
        let problems: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
        bail!("its settings have errors: {}", problems.join("; "));
    };
    Ok(config)
}

fn written(settings: &Settings) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("config".to_owned(), Value::Object(settings.config.clone()));
    map.insert("secrets".to_owned(), json!(settings.secrets));
    map
}
