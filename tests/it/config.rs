//! `callboard.yaml`: text in, a configuration or problems out.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callboard::config::{Config, LogFormat, SettingNames, SourceKind};
use insta::assert_snapshot;
use secrecy::{ExposeSecret, SecretString};

fn environment(name: &str) -> Option<String> {
    match name {
        "PORT" => Some("4444".to_owned()),
        "EMPTY" => Some(String::new()),
        "DB" => Some("sqlite:from-env.db".to_owned()),
        _ => None,
    }
}

/// The effective configuration, or the problems.
fn check(text: &str) -> String {
    let name: Arc<str> = "callboard.yaml".into();
    match Config::parse(Some((&name, text)), Path::new("/srv/board"), &environment) {
        (Some(config), problems) if problems.is_empty() => config.print().to_owned(),
        (config, problems) => {
            assert!(config.is_none(), "a configuration in spite of problems");
            problems.iter().fold(String::new(), |mut out, problem| {
                writeln!(out, "{problem}").expect("writing to a string");
                out
            })
        }
    }
}

fn config(text: &str) -> Config {
    let name: Arc<str> = "callboard.yaml".into();
    let (config, problems) =
        Config::parse(Some((&name, text)), Path::new("/srv/board"), &environment);
    config.unwrap_or_else(|| panic!("{problems:#?}"))
}

#[test]
fn an_empty_file_is_the_defaults() {
    let (defaults, problems) = Config::defaults(Path::new("/srv/board"), &|_| None);
    assert_eq!(problems, []);
    assert_eq!(check(""), defaults.expect("valid").print());
    assert_snapshot!(check("# nothing\n"));
}

#[test]
fn what_is_written_lies_over_the_defaults() {
    let config = config(
        "server:\n  listen: 0.0.0.0:${PORT}\n  allowAnonymous: ${ANON:-true}\nlimits:\n  bodySize: 2MB\n  depth: 9\n\
         telemetry: { log: { format: json } }\n",
    );
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:4444");
    assert!(config.server.allow_anonymous);
    assert_eq!(config.limits.body_size, 2 * 1024 * 1024);
    assert_eq!(config.limits.depth, 9);
    assert_eq!(config.limits.request_time, Duration::from_secs(30));
    assert_eq!(config.telemetry.log_format, LogFormat::Json);
    assert_eq!(config.telemetry.log_level, "info");
}

#[test]
fn proxies_are_those_of_the_environment() {
    let proxies = |variables: &[(&str, &str)]| {
        let value = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let (config, problems) = Config::defaults(Path::new("/srv/board"), &value);
        assert_eq!(problems, []);
        let proxies = config.unwrap().egress.proxies;
        let shown = |secret: Option<SecretString>| secret.map(|s| s.expose_secret().to_owned());
        (shown(proxies.http), shown(proxies.https), proxies.none)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(proxies(&[]), (None, None, None));
    assert_eq!(
        proxies(&[
            ("HTTP_PROXY", "a:1"),
            ("https_proxy", "b:2"),
            ("HTTPS_PROXY", "c:3"),
            ("NO_PROXY", "d")
        ]),
        (text("a:1"), text("b:2"), text("d"))
    );
    assert_eq!(proxies(&[("HTTP_PROXY", "")]), (None, None, None));
    let config = config("egress: { caFile: ./ours.pem }");
    assert_eq!(
        config.egress.ca_file.unwrap(),
        Path::new("/srv/board/ours.pem")
    );
}

#[test]
fn paths_are_relative_to_the_files_folder() {
    let config = config(
        "database: { url: 'sqlite:data/board.db?mode=rw' }\nschema: [./kinds/*.graphql]\n\
         sources:\n  - { type: file, path: ./catalog/**/*.yaml }\n  - { type: file, path: /abs, name: all }\n",
    );
    assert_eq!(
        config.database.url.expose_secret(),
        "sqlite:/srv/board/data/board.db?mode=rw"
    );
    assert_eq!(
        config.schema[0].path,
        Path::new("/srv/board/kinds/*.graphql")
    );
    let sources: Vec<_> = config
        .sources
        .iter()
        .map(|source| {
            let SourceKind::File { path, written } = &source.kind;
            (source.name.as_str(), path.as_path(), written.as_str())
        })
        .collect();
    assert_eq!(
        sources,
        [
            (
                "file-1",
                Path::new("/srv/board/catalog/**/*.yaml"),
                "./catalog/**/*.yaml"
            ),
            ("all", Path::new("/abs"), "/abs"),
        ]
    );
}

#[test]
fn unknown_keys_are_errors_with_a_suggestion() {
    assert_snapshot!(check("server:\n  lisen: 127.0.0.1:1\nlimit:\n  depth: 3\nsources:\n  - type: file\n    path: .\n    globs: x\n"), @r"
    callboard.yaml:2:3: error[config-key]: unknown key `server.lisen`
      hint: did you mean `listen`?
    callboard.yaml:3:1: error[config-key]: unknown key `limit`
      hint: did you mean `limits`?
    callboard.yaml:8:5: error[config-key]: unknown key `sources[0].globs`
      hint: known here: type, path, name
    ");
}

#[test]
fn all_problems_are_told_in_one_run() {
    assert_snapshot!(check(
        "server:\n  listen: here\n  allowAnonymous: yes\n  shutdownGrace: 20\n  connections: 0\ndatabase: sqlite\n\
         schema: ./x\nlimits: { bodySize: big, depth: many, requestTime: 0s }\ntelemetry: { log: { format: txt, level: inof } }\n"
    ), @r"
    callboard.yaml:2:11: error[config-value]: `server.listen` must be an address such as `127.0.0.1:4000`, not `here`
    callboard.yaml:3:19: error[config-type]: `server.allowAnonymous` must be true or false, not text
    callboard.yaml:4:18: error[config-value]: `server.shutdownGrace` must be a duration such as `30s`, `500ms` or `5m`, not `20`
    callboard.yaml:5:16: error[config-value]: `server.connections` must be at least 1
    callboard.yaml:6:11: error[config-type]: `database` must be a section, not text
    callboard.yaml:7:9: error[config-type]: `schema` must be a list, not text
    callboard.yaml:8:21: error[config-value]: `limits.bodySize` must be a size such as `512KB` or `1MB`, not `big`
    callboard.yaml:8:33: error[config-type]: `limits.depth` must be a whole number, not text
    callboard.yaml:8:52: error[config-value]: `limits.requestTime` must be a duration such as `30s`, `500ms` or `5m`, not `0s`
    callboard.yaml:9:29: error[config-value]: `telemetry.log.format` must be `text` or `json`
      hint: did you mean `text`?
    callboard.yaml:9:41: error[config-value]: `telemetry.log.level` must be a level (`error`, `warn`, `info`, `debug`, `trace`) or a list such as `info,callboard::ingest=debug`, not `inof`
    ");
}

#[test]
fn sources_are_checked() {
    assert_snapshot!(check(
        "sources:\n  - type: files\n    path: .\n  - type: file\n  - just text\n  - { type: file, path: a, name: n }\n  - { type: file, path: '', name: n }\n"
    ), @r"
    callboard.yaml:2:11: error[config-value]: `sources[0].type` must be `file`
      hint: did you mean `file`?
    callboard.yaml:4:5: error[config-missing]: `sources[1].path` is missing
    callboard.yaml:5:5: error[config-type]: `sources[2]` must be a section, not text
    callboard.yaml:7:25: error[config-value]: `sources[4].path` is empty
    callboard.yaml:7:35: error[config-value]: there are two sources with the name `n`
      hint: give one of them another `name`
    ");
}

#[test]
fn the_database_must_be_one_that_is_known() {
    assert_snapshot!(check("database: { url: 'mysql://u:secret@h/db' }"), @r"
    callboard.yaml:1:18: error[config-value]: `database.url` must be `sqlite:` with the path of a file, or begin with `postgres://`
      hint: for example `sqlite:callboard.db`
    ");
    assert_snapshot!(check("database: { url: 'sqlite::memory:' }"), @r"
    callboard.yaml:1:18: error[config-value]: `database.url` must be `sqlite:` with the path of a file, or begin with `postgres://`
      hint: for example `sqlite:callboard.db`
    ");
    assert_snapshot!(check("database: { url: { file: no-such-file } }"), @r"
    callboard.yaml:1:26: error[config-file]: `no-such-file` cannot be read: No such file or directory (os error 2)
      hint: name a readable file that holds only the secret
    ");
    assert_snapshot!(check("database: { url: { flie: x } }"), @r"
    callboard.yaml:1:18: error[config-missing]: `database.url.file` is missing
    callboard.yaml:1:20: error[config-key]: unknown key `database.url.flie`
      hint: did you mean `file`?
    ");
}

#[test]
fn variables_are_filled_in() {
    assert_snapshot!(check("server: { listen: '${NOPE}' }"), @r"
    callboard.yaml:1:19: error[config-variable]: the environment variable `NOPE` is not set
      hint: set it, or give a default: `${NOPE:-text}`
    ");
    assert_snapshot!(check("server: { listen: '${POR T}' }\ndatabase: { url: '${DB' }"), @r"
    callboard.yaml:1:19: error[config-variable]: `POR T` is not the name of an environment variable
      hint: a name has letters, digits and `_`; write `$${` for the characters themselves
    callboard.yaml:2:18: error[config-variable]: `${` without `}`
      hint: close it, or write `$${` for the characters themselves
    ");
    assert_snapshot!(check("server: { listen: '${EMPTY:-nowhere}' }"), @"callboard.yaml:1:19: error[config-value]: `server.listen` must be an address such as `127.0.0.1:4000`, not what the environment gave");
    let source = &config("sources: [{ type: file, path: 'a/$${x}' }]").sources[0];
    let SourceKind::File { written, .. } = &source.kind;
    assert_eq!(written, "a/${x}");
}

#[test]
fn what_is_no_yaml_says_where() {
    assert_snapshot!(check("server:\n  listen: [1, 2\n"), @r"
    callboard.yaml:3:1: error[config-syntax]: this is not YAML: while parsing a flow sequence, expected ',' or ']'
      hint: look at the indentation, the brackets and the quotes here and on the line above
    ");
    assert_snapshot!(check("server: {}\nserver: {}\n"), @r"
    callboard.yaml:2:1: error[config-syntax]: this is not YAML: duplicated key in mapping
      hint: write the key once, with all that belongs below it
    ");
    assert_snapshot!(check("a: 1\n---\nb: 2\n"), @r"
    callboard.yaml:3:1: error[config-syntax]: more than one document in a configuration file
      hint: remove the `---` and put everything into one document
    ");
    assert_snapshot!(check("- a\n- b\n"), @"callboard.yaml:1:1: error[config-type]: `the file` must be a section, not a list");
    assert_snapshot!(check("1: a\n"), @"callboard.yaml:1:1: error[config-syntax]: a key must be text");
    assert_snapshot!(check("\u{FEFF}server:\r\n\tlisten: x\r\n"), @r"
    callboard.yaml:2:2: error[config-syntax]: this is not YAML: tabs disallowed within this context (block indentation)
      hint: indent with spaces
    ");
}

#[test]
fn secrets_come_from_files_and_are_never_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("url"), "sqlite:hidden-name.db\n").expect("a file");
    let name: Arc<str> = "callboard.yaml".into();
    let text = "database: { url: { file: url } }";
    let (config, problems) = Config::parse(Some((&name, text)), folder.path(), &environment);
    assert_eq!(problems, []);
    let config = config.expect("valid");
    assert!(
        config
            .database
            .url
            .expose_secret()
            .ends_with("/hidden-name.db")
    );
    assert!(!config.print().contains("hidden"), "{}", config.print());
    assert!(!format!("{config:?}").contains("hidden"));

    let printed = check("database: { url: '${DB}' }");
    assert!(printed.contains("url: \"***\""), "{printed}");
    assert!(!printed.contains("from-env"), "{printed}");
}

#[test]
fn redis_is_one_server_a_watched_set_or_a_cluster() {
    let shown = |url: &str| {
        let redis = config(&format!("cache: {{ redis: '{url}' }}")).cache.redis;
        let redis = redis.unwrap();
        let password = redis.password.as_ref().map(|secret| secret.expose_secret());
        format!(
            "{:?} tls={} {:?} {:?}:{password:?} /{}",
            redis.topology, redis.tls, redis.hosts, redis.username, redis.database
        )
    };
    assert_snapshot!(shown("redis://localhost"), @r#"Single tls=false [("localhost", 6379)] None:None /0"#);
    assert_snapshot!(shown("valkeys://u:p%40ss@[::1]:7000/3"), @r#"Single tls=true [("::1", 7000)] Some("u"):Some("p@ss") /3"#);
    assert_snapshot!(shown("redis+sentinel://:pw@a,b:7/main/2"), @r#"Sentinel("main") tls=false [("a", 26379), ("b", 7)] None:Some("pw") /2"#);
    assert_snapshot!(shown("rediss+cluster://a:1,b:2"), @r#"Cluster tls=true [("a", 1), ("b", 2)] None:None /0"#);
}

#[test]
fn what_is_no_redis_says_what_is() {
    for url in [
        "localhost:6379",
        "http://h",
        "redis://",
        "redis://:secret@",
        "redis://h:port",
        "redis://a,b",
        "redis://h/db",
        "redis+sentinel://h",
        "redis+cluster://h/1",
        "redis+other://h",
        "redis://h%zz:@h:1:2",
    ] {
        let printed = check(&format!("cache: {{ redis: '{url}' }}"));
        let expected = "callboard.yaml:1:17: error[config-value]: `cache.redis` must be `redis://`";
        assert!(printed.starts_with(expected), "{url}: {printed}");
        assert!(!printed.contains("secret"), "{printed}");
    }
    assert_snapshot!(check("cache: { redis: { file: no-such-file }, memory: much }"), @r"
    callboard.yaml:1:25: error[config-file]: `no-such-file` cannot be read: No such file or directory (os error 2)
      hint: name a readable file that holds only the secret
    callboard.yaml:1:49: error[config-value]: `cache.memory` must be a size such as `512KB` or `1MB`, not `much`
    ");
    let printed = check("cache: { redis: 'redis+cluster://me:secret@a:1,b:2' }");
    assert!(
        printed.contains("redis+cluster://me:***@a:1,b:2"),
        "{printed}"
    );
    let printed = check("cache: { redis: '${REDIS:-redis://:secret@a}' }");
    assert!(printed.contains("redis: \"***\""), "{printed}");
}

#[test]
fn what_is_printed_can_be_read_again() {
    let printed = check(
        "schema: ['a b', 'true', '*.graphql', '12']\nsources: [{ type: file, path: ./x, name: '- y: z' }]\n",
    );
    assert_eq!(check(&printed), printed);
}

/// Settings of a connector `bell` and of what its folder reads.
fn check_connectors(text: &str) -> String {
    let config = config(text);
    let names = |words: &[&str]| words.iter().map(|word| (*word).into()).collect();
    let known = [
        (
            "bell".into(),
            Some(SettingNames {
                config: names(&["url", "team"]),
                secrets: names(&["token"]),
            }),
        ),
        ("broken".into(), None),
    ];
    let problems = config.check_connectors(&known.into());
    problems.iter().fold(String::new(), |mut out, problem| {
        writeln!(out, "{problem}").expect("writing to a string");
        out
    })
}

#[test]
fn connectors_have_instances_with_settings_and_secrets_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "from-file\n").unwrap();
    let file: Arc<str> = "callboard.yaml".into();
    let text = "\
connectors:
  bell:
    config: { url: 'https://bell.example', ports: [1, 2.5, true, null] }
    secrets: { token: plain, webhook: ['new ${PORT}', { file: token }] }
    limits: { timeout: 3s, retries: 0, budgetFloor: 0.2, share: 1, maxBytes: 1MB }
    allow: [team-a/*]
    allowHosts: [Files.Example]
    instances:
      tools:
        secrets: { token: { file: token } }
        limits: { retries: 5 }
      open: { allow: [] }
  gong: { enabled: false }
  mill: { instances: { a: {}, default: { config: { url: x } } } }
  only: { limits: { retries: 7 }, instances: { a: } }
";
    let (config, problems) = Config::parse(Some((&file, text)), folder.path(), &environment);
    assert_eq!(problems, []);
    let config = config.unwrap();
    let bell = config.connector("bell").unwrap();
    assert!(bell.enabled);
    let shown: Vec<_> = bell
        .instances
        .iter()
        .map(|instance| {
            let secrets = instance.secrets.iter().map(|(name, secret)| {
                let all: Vec<_> = secret.all().iter().map(|s| s.expose_secret()).collect();
                format!("{name}={}", all.join(","))
            });
            let limits = &instance.limits;
            format!(
                "{}: {} [{}] {:?} {:?} {:?} {:?} {:?}",
                instance.name,
                serde_json::Value::Object(instance.config.clone()),
                secrets.collect::<Vec<_>>().join(" "),
                instance.allow,
                instance.allow_hosts,
                limits.timeout,
                limits.retries,
                limits.share,
            )
        })
        .collect();
    assert_snapshot!(shown.join("\n"), @r#"
    default: {"url":"https://bell.example","ports":[1,2.5,true,null]} [token=plain webhook=new 4444,from-file] Some(["team-a/*"]) ["files.example"] Some(3s) Some(0) Some(1.0)
    tools: {} [token=from-file] Some(["team-a/*"]) ["files.example"] Some(3s) Some(5) Some(1.0)
    open: {} [] Some([]) ["files.example"] Some(3s) Some(0) Some(1.0)
    "#);
    assert!(!config.connector("gong").unwrap().enabled);
    let names = |name: &str| -> Vec<_> {
        let instances = config.connector(name).unwrap().instances.iter();
        instances
            .map(|instance| instance.name.to_string())
            .collect()
    };
    assert_eq!(names("mill"), ["default", "a"]);
    assert_eq!(names("only"), ["a"], "no upstream is the default");
    let inherited = config.connector("only").unwrap().instance("a").unwrap();
    assert_eq!(inherited.limits.retries, Some(7));
    assert_eq!(
        config.secret_files,
        [folder.path().join("token"), folder.path().join("token")]
    );
    assert!(
        !format!("{config:?}").contains("from-file"),
        "shown by Debug"
    );
    let printed = config.print();
    assert_snapshot!(printed.split_at(printed.find("connectors:").unwrap()).1.split("egress:").next().unwrap(), @r#"
    connectors:
      bell:
        config:
          url: https://bell.example
          ports:
            - 1
            - 2.5
            - true
            - null
        secrets:
          token: "***"
          webhook:
            - "***"
            - file: token
        limits:
          timeout: 3s
          retries: 0
          budgetFloor: 0.2
          share: 1
          maxBytes: 1MB
        allow:
          - team-a/*
        allowHosts:
          - Files.Example
        instances:
          tools:
            secrets:
              token:
                file: token
            limits:
              retries: 5
          open:
            allow: []
      gong:
        enabled: false
      mill:
        instances:
          a: {}
          default:
            config:
              url: x
      only:
        limits:
          retries: 7
        instances:
          a: null
    "#);
}

#[test]
fn settings_that_no_connector_reads_are_errors() {
    assert_snapshot!(check_connectors(
        "connectors:\n  bell:\n    config: { ulr: x }\n    secrets: { password: x }\n    instances:\n      two: { secrets: { tokne: x } }\n  \
         bel: {}\n  broken: { config: { anything: 1 } }\n"
    ), @r"
    callboard.yaml:3:15: error[config-key]: the connector `bell` reads no `ulr` in `config`
      hint: did you mean `url`?
    callboard.yaml:4:16: error[config-key]: the connector `bell` reads no `password` in `secrets`
      hint: known here: token
    callboard.yaml:6:25: error[config-key]: the connector `bell` reads no `tokne` in `secrets`
      hint: did you mean `token`?
    callboard.yaml:7:3: error[config-key]: there is no connector `bel`
      hint: did you mean `bell`?
    ");
    assert_snapshot!(check(
        "connectors:\n  bell:\n    enable: false\n    secrets: { token: 12345, other: { file: no-such-file }, third: { path: x } }\n    \
         limits: { share: 0, budgetFloor: 1.0, retries: many, timeout: 3 }\n    allow: team\n    \
         config: { url: x }\n    instances: { default: { config: { url: y } } }\n  gong: yes\nconnectorFolders: x\n"
    ), @r"
    callboard.yaml:3:5: error[config-key]: unknown key `connectors.bell.enable`
      hint: did you mean `enabled`?
    callboard.yaml:4:23: error[config-type]: `connectors.bell.secrets.token` must be text or `{ file: path }`, not a number
    callboard.yaml:4:45: error[config-file]: `no-such-file` cannot be read: No such file or directory (os error 2)
      hint: name a readable file that holds only the secret
    callboard.yaml:4:68: error[config-missing]: `connectors.bell.secrets.third.file` is missing
    callboard.yaml:4:70: error[config-key]: unknown key `connectors.bell.secrets.third.path`
      hint: known here: file
    callboard.yaml:5:22: error[config-value]: `connectors.bell.limits.share` must be a number above 0 and at most 1
    callboard.yaml:5:38: error[config-value]: `connectors.bell.limits.budgetFloor` must be a number from 0 to below 1
    callboard.yaml:5:52: error[config-type]: `connectors.bell.limits.retries` must be a whole number, not text
    callboard.yaml:5:67: error[config-value]: `connectors.bell.limits.timeout` must be a duration such as `30s`, `500ms` or `5m`, not `3`
    callboard.yaml:6:12: error[config-type]: `connectors.bell.allow` must be a list, not text
    callboard.yaml:8:18: error[config-value]: the instance `default` of `bell` is described twice
      hint: put its `config` and `secrets` either here, or directly below the connector
    callboard.yaml:9:9: error[config-type]: `connectors.gong` must be a section, not text
    callboard.yaml:10:19: error[config-type]: `connectorFolders` must be a list, not text
    ");
}

#[test]
fn a_changed_secret_is_a_change_and_a_moved_line_is_none() {
    let one = config("connectors: { bell: { secrets: { token: a } } }");
    let moved = config("# a comment\nconnectors:\n  bell: { secrets: { token: a } }");
    let other = config("connectors: { bell: { secrets: { token: b } } }");
    assert_eq!(one.connectors, moved.connectors);
    assert_ne!(one.connectors, other.connectors);
    assert_eq!(one.print(), other.print());
}
