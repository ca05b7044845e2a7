//! `connector test`: asks the examples' queries, of what the examples hold or of a real upstream, and compares.
//!
//! Each example has a catalog and an upstream of its own time: what one of them writes or lets pass is not seen by the next.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};
use url::Url;

use super::super::local;
use super::super::output::{Exit, say, write_problems};
use super::super::report::counted;
use super::super::scratch::Scratch;
use super::super::serve;
use super::differ::{differences, keep_written};
use super::{bad_query, read};
use crate::app::folders::ConnectorFolder;
use crate::app::schema;
use crate::config::Config;
use crate::connect::example::{Example, Settings};
use crate::diagnostic::Diagnostic;
use crate::graphql::Request;
use crate::sdl::Model;
use crate::simulate::{self, Options, Simulated};
use crate::tasks::Tasks;

/// How long an upstream of ours may take to end.
const GRACE: Duration = Duration::from_secs(1);

pub(in crate::cli) fn test(folder: &Path, live: Option<&Url>) -> anyhow::Result<Exit> {
    let (folder, mut problems) = read(folder)?;
    let (model, examples) = open(&folder, &mut problems);
    let Some(model) = model.filter(|_| !problems.iter().any(Diagnostic::is_error)) else {
        let exit = write_problems(&problems)?;
        say(&format!("{}: nothing was asked", folder.name));
        return Ok(exit);
    };
    if examples.is_empty() {
        bail!("the connector `{}` has no `examples/*.yaml`", folder.name);
    }
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
    let exit = write_problems(&problems)?;
    say(&format!(
        "{}: {} of {} answered as expected",
        folder.name,
        n_good,
        counted(examples.len(), "example"),
    ));
    Ok(exit)
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
                let options = Options::default();
                let (model, all) = (&*self.model, self.examples);
                let started = Simulated::start(model, self.connector, all, options, &tasks).await?;
                let moved = started.moved(example, &example.expect);
                (started.origin().clone(), moved)
            }
        };
        let response = self.ask(example, &origin).await;
        tasks.shutdown(GRACE).await;
        let response = response?;
        keep_written(&mut expected, &example.expect, &response);
        let found = differences(&expected, &response).into_iter();
        let problem = |message| {
            Diagnostic::error("expect", Arc::clone(&example.file), message).at(example.expect_span)
        };
        Ok(found.map(problem).collect())
    }

    async fn ask(&self, example: &Example, origin: &Url) -> anyhow::Result<Value> {
        let led = simulate::lead(&self.model, self.connector, &example.settings, origin);
        let led = match led {
            Ok(led) => led,
            Err(error) => bail!("{error}: {}", error.hint),
        };
        let scratch = Scratch::new()?;
        let config = configuration(scratch.path(), self.connector, example, &led)?;
        let request = Request {
            variables: Some(example.variables.clone()),
            ..Request::new(&*example.query)
        };
        let model = Arc::clone(&self.model);
        let body = local::answer(&config, model, scratch.path(), &request).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}

/// A catalog of the example's entities alone, and one connector.
fn configuration(
    folder: &Path,
    connector: &str,
    example: &Example,
    settings: &Settings,
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
