//! The folder that `connector new` writes: small, whole, and clean.

/// Names, relative to the folder, and texts.
pub(super) fn files(name: &str) -> Vec<(String, String)> {
    let type_name = type_name(name);
    let field = field_name(&type_name);
    let fill = |text: &str| {
        text.replace("NAME", name)
            .replace("TYPE", &type_name)
            .replace("FIELD", &field)
    };
    vec![
        ("README.md".to_owned(), fill(README)),
        (format!("{name}.graphql"), fill(SDL)),
        ("examples/status.yaml".to_owned(), fill(EXAMPLE)),
    ]
}

/// `my-tool` becomes `MyTool`.
fn type_name(name: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    name.split('-').map(word).collect()
}

/// `MyTool` becomes `myTool`.
fn field_name(type_name: &str) -> String {
    let mut chars = type_name.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

const README: &str = "\
# NAME

What this connector shows, in one sentence.

## Setup

```yaml
connectors:
  NAME:
    config: { url: 'https://NAME.example.com' }
    secrets: { token: '${TOKEN}' }
```

An entity is shown with the annotation `NAME.example.com/id`.

## Types

- `Entity.FIELD`: the object that the annotation names.

## Limits

- What it cannot do, and what the upstream does not say.
";

const SDL: &str = r#"extend schema
  @source(
    name: "rest"
    url: "$config.url ?? 'https://NAME.example.com'"
    auth: { type: BEARER, token: "$secret.token" }
    limits: { timeout: "5s", retries: 2, concurrency: 8 }
  )

extend interface Entity {
  "What NAME knows of it."
  FIELD: TYPE
    @connect(source: "rest", get: "/items/{$entity.metadata.annotations.'NAME.example.com/id'}")
    @cache(maxAge: "1m", stale: "10m")
}

"How it is doing."
enum TYPEStatus {
  OK
  FAILING
  "A word that is not known here."
  UNKNOWN
}

"An object of NAME."
type TYPE implements Live @identity(from: "id") {
  title: String
  status: TYPEStatus @field(else: "UNKNOWN", enum: [{ from: "ok", to: "OK" }, { from: "failing", to: "FAILING" }])
  url: URL @field(at: "html_url")
}
"#;

const EXAMPLE: &str = r#"query: '{ component(ref: "component:default/web") { FIELD { title status url } } }'
entities:
  - apiVersion: backstage.io/v1alpha1
    kind: Component
    metadata: { name: web, annotations: { NAME.example.com/id: web-1 } }
    spec: { type: website, lifecycle: production, owner: team-a }
settings:
  secrets: { token: not-a-real-token }
expect:
  data:
    component:
      FIELD: { title: The web site, status: OK, url: 'https://NAME.example.com/items/web-1' }
upstream:
  - get: /items/web-1
    body: { id: web-1, title: The web site, status: ok, html_url: 'https://NAME.example.com/items/web-1' }
"#;
