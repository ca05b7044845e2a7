//! The upstreams of the demo: made from the examples of the connectors, so that live data shows with no account anywhere.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::app::folders::ConnectorFolder;
use crate::config::Config;
use crate::connect::example::{Example, Settings};
use crate::sdl::Model;
use crate::simulate::{Options, Simulated};
use crate::tasks::Tasks;

/// Nobody is at once.
const LATENCY: Duration = Duration::from_millis(15);

/// Starts an upstream for each connector that has examples, and leads the connector to it.
pub(super) async fn start(
    config: &mut Config,
    model: &Arc<Model>,
    folders: &[ConnectorFolder],
    tasks: &Tasks,
) -> anyhow::Result<()> {
    for folder in folders {
        let examples = examples(folder)?;
        if examples.is_empty() {
            continue;
        }
        let name = &folder.name;
        let options = Options {
            latency: LATENCY,
            ..Options::default()
        };
        let upstream = Simulated::start(model, name, &examples, options, tasks)
            .await
            .with_context(|| format!("no simulated upstream for `{name}` can be started"))?;
        let mut settings = Settings::default();
        for example in &examples {
            settings.merge(&example.settings);
        }
        let settings = upstream.lead(model, &settings)?;
        config.connectors.push(settings.configuration(name));
    }
    Ok(())
}

fn examples(folder: &ConnectorFolder) -> anyhow::Result<Vec<Example>> {
    let mut examples = Vec::with_capacity(folder.examples.len());
    for file in &folder.examples {
        match Example::parse(&file.path, &file.text) {
            (Some(example), _) => examples.push(example),
            (None, problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                bail!(
                    "an example of `{}` has errors: {}",
                    folder.name,
                    problems.join("; ")
                );
            }
        }
    }
    Ok(examples)
}
