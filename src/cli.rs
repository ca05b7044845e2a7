//! The command line: what people type, and what they read.
//!
//! Exit codes are the same everywhere: 0 all is well (warnings allowed), 1 there are errors, 2 usage or unreadable input.
//! What a command was asked for goes to stdout, what it has to say about it to stderr.

pub mod check;
mod config;
mod connector;
mod demo;
mod local;
mod output;
mod progress;
mod query;
pub mod report;
mod schema;
mod scratch;
mod serve;
mod signals;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::{Exit, say};

use crate::app;
use crate::app::schema::Files;

/// A software catalog as one GraphQL graph.
#[derive(Debug, Parser)]
#[command(name = "callboard", version, about, max_term_width = 100)]
#[command(after_help = "\
Examples:
  callboard demo                                 everything, with a made-up company, on this machine
  callboard serve                                serve the catalog that ./callboard.yaml describes
  callboard check catalog/                       is every descriptor right?
  callboard query '{ entities { totalCount } }'  ask without a server

Exit codes: 0 all is well, 1 there are errors, 2 wrong usage or unreadable input.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a made-up company's catalog on loopback, to try things out
    ///
    /// Needs no configuration: the catalog is part of the program, the database is a temporary file.
    /// Ctrl-C ends it and leaves nothing behind.
    Demo {
        /// Where to listen; without it 127.0.0.1:4000, or the next port that is free
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
    },
    /// Serve the catalog
    ///
    /// Reads ./callboard.yaml if it is there and nothing else is named; without a file all settings have their defaults.
    /// A changed schema or configuration file, or SIGHUP, is taken over without dropping a request; if it has errors, the old one goes on.
    #[command(after_help = "\
Examples:
  callboard serve
  callboard serve --config /etc/callboard/callboard.yaml --listen 127.0.0.1:8080")]
    Serve {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Where to listen, instead of `server.listen`
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
    },
    /// Say what is wrong in descriptors, by the server's own rules
    ///
    /// PATH is a file, a folder or a glob; `Location` targets are followed.
    /// In a folder, at any depth, catalog-info.yaml is read, and other YAML files in which a document begins like a descriptor (`apiVersion` of a kind that the schema declares, and `kind`); folders named `.*`, `node_modules` and `target` are left alone.
    /// Needs no server and no database.
    #[command(after_help = "\
Examples:
  callboard check .
  callboard check 'catalog/**/*.yaml' --format github   annotations on a pull request
  callboard check catalog/ --format json | jq '.problems[].message'

Problems of the schema and of the configuration are written in the same format; where one of them does not load, nothing is read.

Exit codes: 0 nothing is wrong (warnings allowed), 1 problems, 2 wrong usage or an unreadable path.")]
    Check {
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// How to write the problems: text, json, github or sarif
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: report::Format,
        /// An SDL file, folder or glob with kinds of your own; can be given more than once
        #[arg(long, value_name = "FILE")]
        schema: Vec<PathBuf>,
        /// The configuration file, whose `schema` files are added
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Ask one query: of a server, or of the descriptors themselves
    ///
    /// With --url the query goes to a server.
    /// Without, the sources of the configuration are read into a temporary database, and nothing is changed.
    /// Prints the JSON response; exit code 1 if it has errors.
    #[command(after_help = "\
Examples:
  callboard query '{ component(ref: \"payments-api\") { owner { name } } }' --url http://127.0.0.1:4000
  callboard query 'query($r: EntityRef!) { entity(ref: $r) { name } }' --var r=component:web --config callboard.yaml")]
    Query {
        /// The GraphQL document; `-` reads it from stdin
        #[arg(value_name = "GRAPHQL")]
        document: String,
        /// A variable; the value is JSON, or else text as it is
        #[arg(long = "var", value_name = "NAME=VALUE")]
        variables: Vec<String>,
        /// A server, as in `http://127.0.0.1:4000`
        #[arg(long, value_name = "URL", conflicts_with = "config")]
        url: Option<String>,
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print, check and compare the graph's schema
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Check and print the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write and check connectors
    #[command(subcommand)]
    Connector(ConnectorCommand),
}

#[derive(Debug, Subcommand)]
enum ConnectorCommand {
    /// Say what is wrong in a connector folder: its SDL, its examples, its README
    ///
    /// Every path that the connector asks must be answered by some example.
    /// Nothing is asked of any upstream.
    #[command(after_help = "\
Examples:
  callboard connector check connectors/acme
  callboard connector check .                  the connector in this folder
  callboard connector check                    all of `connectorFolders` in ./callboard.yaml, and the built-in ones")]
    Check {
        /// The connector's folder; without it all that are configured, and the built-in ones
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Ask the queries of a connector's examples, and compare the answers with what they expect
    ///
    /// The examples' own upstream answers, on a port of this machine; with --live a real one.
    /// Each difference is said with its path in the answer, with what came and what was expected.
    /// The examples' own upstream then fails in the usual ways, and each must be told of by its standard code.
    #[command(after_help = "\
Examples:
  callboard connector test connectors/acme
  callboard connector test .                   the connector in this folder
  callboard connector test                     all of `connectorFolders` in ./callboard.yaml, and the built-in ones
  callboard connector test --live https://acme.example")]
    Test {
        /// The connector's folder; without it all that are configured, and the built-in ones
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Ask here instead, with the settings of the examples
        #[arg(long, value_name = "URL")]
        live: Option<url::Url>,
    },
    /// Write a connector folder to start from, which passes `check` and `test`
    #[command(after_help = "\
Examples:
  callboard connector new acme                 makes ./acme")]
    New {
        /// Lower-case letters, digits and `-`; with folders before it, as in `connectors/acme`
        #[arg(value_name = "NAME")]
        folder: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum SchemaCommand {
    /// Print the composed SDL
    Print {
        /// With the directives that say where values come from
        #[arg(long)]
        directives: bool,
        /// The configuration file, whose `schema` files are added
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Check the built-in schema together with the configuration's `schema` files, and FILES
    Check {
        /// SDL files, folders or globs to be checked as well
        #[arg(value_name = "FILES")]
        files: Vec<PathBuf>,
        /// The configuration file, whose `schema` files are added
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Say what changed from OLD to NEW, one change a line; exit code 1 if any of them breaks clients
    #[command(after_help = "\
Examples:
  callboard schema print > before.graphql
  callboard schema diff before.graphql                what did my change do?
  callboard schema diff before.graphql after.graphql
  callboard schema diff before.graphql --operations queries/   which queries would no longer be answered?")]
    Diff {
        /// An SDL file, as `schema print` writes it
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// Another one; without it the schema as it is now
        #[arg(value_name = "NEW")]
        new: Option<PathBuf>,
        /// The configuration file, whose `schema` files are added
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// A folder with the operations of your clients (`*.graphql`): says which of them the changes break
        #[arg(long, value_name = "DIR")]
        operations: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Do everything that start-up does, short of serving
    Check {
        /// The configuration file; default ./callboard.yaml
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print the settings that are in force, secrets masked
    Print {
        /// The configuration file; default ./callboard.yaml
        #[arg(long, value_name = "FILE", conflicts_with = "defaults")]
        config: Option<PathBuf>,
        /// Print the commented file of all defaults instead: a sample to start from
        #[arg(long)]
        defaults: bool,
    },
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and version arrive here too; clap knows where each belongs.
        Err(error) => {
            let usage = error.use_stderr();
            if error.print().is_err() || usage {
                return Exit::Usage.into();
            }
            return Exit::Clean.into();
        }
    };
    match run(arguments.command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            say(&format!("error: {error:#}"));
            Exit::Usage.into()
        }
    }
}

fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo { listen } => demo::demo(listen),
        Command::Serve { config, listen } => serve::serve(config.as_deref(), listen),
        Command::Check {
            paths,
            format,
            schema,
            config,
        } => check_command(paths, format, &schema, config.as_deref()),
        Command::Query {
            document,
            variables,
            url,
            config,
        } => query::query(&document, &variables, url.as_deref(), config.as_deref()),
        Command::Connector(ConnectorCommand::Check { folder }) => {
            connector::check(folder.as_deref())
        }
        Command::Connector(ConnectorCommand::Test { folder, live }) => {
            connector::test(folder.as_deref(), live.as_ref())
        }
        Command::Connector(ConnectorCommand::New { folder }) => connector::new(&folder),
        Command::Schema(SchemaCommand::Print { directives, config }) => {
            schema::print(directives, config.as_deref())
        }
        Command::Schema(SchemaCommand::Check { files, config }) => {
            schema::check(&files, config.as_deref())
        }
        Command::Schema(SchemaCommand::Diff {
            old,
            new,
            config,
            operations,
        }) => {
            let operations = operations.as_deref();
            schema::diff(&old, new.as_deref(), config.as_deref(), operations)
        }
        Command::Config(ConfigCommand::Check { config }) => config::check(config.as_deref()),
        Command::Config(ConfigCommand::Print { config, defaults }) => {
            config::print(config.as_deref(), defaults)
        }
    }
}

fn check_command(
    paths: Vec<PathBuf>,
    format: report::Format,
    more_schema: &[PathBuf],
    config: Option<&std::path::Path>,
) -> anyhow::Result<Exit> {
    let (config, before) = config::load(config)?;
    let mut arguments = check::CheckArgs {
        paths,
        format,
        terminal: output::terminal(),
        before,
    };
    let mut model = None;
    if let Some(mut config) = config {
        config.schema.extend(schema::paths(more_schema)?);
        let loaded = app::schema::load(&config, &Files::default());
        arguments.before.extend(loaded.problems);
        model = loaded.model;
    }
    let mut out = Vec::new();
    let checked = match model {
        Some(model) => check::run(&arguments, &model, &mut out)?,
        None => check::refuse(&arguments, &mut out)?,
    };
    output::write_bytes(&out)?;
    say(&checked.summary);
    Ok(match checked.verdict {
        check::Verdict::Clean => Exit::Clean,
        check::Verdict::Errors => Exit::Errors,
        check::Verdict::Unreadable => Exit::Usage,
    })
}
