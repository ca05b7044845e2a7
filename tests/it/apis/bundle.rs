//! `$openapi` and `$asyncapi`: what a definition refers to in other files comes along, and nothing from outside of the folder that is read.

use insta::{assert_json_snapshot, assert_snapshot};

use crate::docs::support::Served;

fn api(name: &str, definition: &str) -> String {
    format!(
        "---\napiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{ name: {name} }}\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition: {definition}\n"
    )
}

const OPENAPI: &str = "openapi: 3.1.0
info: { title: Payments, version: 1.0.0 }
paths:
  /refunds: { $ref: 'paths/refunds.yaml' }
  /old-refunds: { $ref: ./paths/refunds.yaml, summary: The same }
  /plain:
    get: { responses: { 200: { $ref: './parts.yaml#/responses/Fine' } } }
components:
  schemas:
    Error: { type: object }
    Money: { $ref: ./schemas/money.json }
    Payment: { type: string, description: Another one of this name }
";

const REFUNDS: &str = "parameters:
  - $ref: '../parts.yaml#/parameters/Page'
get:
  responses:
    200:
      description: ok
      content: { application/json: { schema: { type: array, items: { $ref: ../schemas/all.yaml#/Refund } }, example: { $ref: not-followed.yaml } } }
    404: { description: no, content: { application/json: { schema: { $ref: '../openapi.yaml#/components/schemas/Error' } } } }
";

const SCHEMAS: &str = "Refund:
  type: object
  properties:
    payment: { $ref: '#/Payment' }
    amount: { $ref: money.json }
    within: { $ref: '#/Refund' }
Payment:
  type: object
  properties: { refunds: { type: array, items: { $ref: '#/Refund' } } }
";

const PARTS: &str = "responses:
  Fine: { description: fine, content: { text/plain: { schema: { $ref: 'schemas/all.yaml#/Payment' } } } }
parameters:
  Page: { name: page, in: query, schema: { type: integer } }
";

/// Names stay names, what comes twice is there once, and circles stay references.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_an_openapi_refers_to_come_along() {
    let served = Served::start(&[
        (
            "api/catalog-info.yaml",
            &api("payments", "{ $openapi: ./openapi.yaml }"),
        ),
        ("api/openapi.yaml", OPENAPI),
        ("api/paths/refunds.yaml", REFUNDS),
        ("api/schemas/all.yaml", SCHEMAS),
        ("api/schemas/money.json", "{ \"type\": \"integer\" }"),
        ("api/parts.yaml", PARTS),
    ])
    .await;
    let query = "{ api(ref: \"payments\") { problems { code message } definition { raw operations { nodes { method path responseTypes: response } } schemas { name } problems { code message } } } }";
    let api = served.ask(query).await["api"].clone();
    assert_snapshot!(api["definition"]["raw"].as_str().unwrap(), @r##"
    # Bundled from ./openapi.yaml and the files that it refers to.
    openapi: "3.1.0"
    info:
      title: Payments
      version: "1.0.0"
    paths:
      /refunds:
        parameters:
          - "$ref": "#/components/parameters/Page"
        get:
          responses:
            "200":
              description: ok
              content:
                application/json:
                  schema:
                    type: array
                    items:
                      "$ref": "#/components/schemas/Refund"
                  example:
                    "$ref": not-followed.yaml
            "404":
              description: "no"
              content:
                application/json:
                  schema:
                    "$ref": "#/components/schemas/Error"
      /old-refunds:
        "$ref": "#/paths/~1refunds"
        summary: The same
      /plain:
        get:
          responses:
            "200":
              "$ref": "#/components/responses/Fine"
    components:
      schemas:
        Error:
          type: object
        Money:
          type: integer
        Payment:
          type: string
          description: Another one of this name
        Payment_2:
          type: object
          properties:
            refunds:
              type: array
              items:
                "$ref": "#/components/schemas/Refund"
        Refund:
          type: object
          properties:
            payment:
              "$ref": "#/components/schemas/Payment_2"
            amount:
              "$ref": "#/components/schemas/Money"
            within:
              "$ref": "#/components/schemas/Refund"
      responses:
        Fine:
          description: fine
          content:
            text/plain:
              schema:
                "$ref": "#/components/schemas/Payment_2"
      parameters:
        Page:
          name: page
          in: query
          schema:
            type: integer
    "##);
    let mut rest = api.clone();
    rest["definition"].as_object_mut().unwrap().remove("raw");
    assert_json_snapshot!(rest, @r#"
    {
      "problems": [
        {
          "code": "dangling-reference",
          "message": "nothing in the catalog is `group:default/team`"
        }
      ],
      "definition": {
        "problems": [],
        "operations": {
          "nodes": [
            {
              "method": "GET",
              "path": "/refunds",
              "responseTypes": [
                "[Refund!]"
              ]
            },
            {
              "method": "GET",
              "path": "/old-refunds",
              "responseTypes": [
                "[Refund!]"
              ]
            },
            {
              "method": "GET",
              "path": "/plain",
              "responseTypes": [
                "Payment_2"
              ]
            }
          ]
        },
        "schemas": [
          {
            "name": "Error"
          },
          {
            "name": "Money"
          },
          {
            "name": "Payment"
          },
          {
            "name": "Payment_2"
          },
          {
            "name": "Refund"
          }
        ]
      }
    }
    "#);

    // A change in any of the files is a change of the API.
    served
        .catalog
        .write("api/schemas/money.json", "{ \"type\": \"number\" }");
    served.catalog.read().await;
    let raw = served.ask(query).await["api"]["definition"]["raw"].clone();
    assert!(raw.as_str().unwrap().contains("type: number"), "{raw}");
}

/// What cannot be had stays a reference, and the descriptor's line says why.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_from_outside_comes_along() {
    let openapi = "openapi: 3.0.0
info: { title: A, version: '1' }
paths:
  /a: { $ref: ../../secret.yaml }
  /b: { $ref: link.yaml }
  /c: { $ref: https://example.org/c.yaml }
  /d: { $ref: gone.yaml }
  /e: { $ref: 'parts.yaml#/nothing' }
  /f: { $ref: text.txt }
  /g: { $ref: './%2e%2e/%2e%2e/secret.yaml' }
  /h: { $ref: /etc/passwd }
  /i: { $ref: circle.yaml }
  /j: { $ref: parts.yaml#/ok }
";
    let served = Served::start(&[
        (
            "catalog-info.yaml",
            &format!(
                "{}{}{}",
                api("a", "{ $openapi: openapi.yaml }"),
                api("whole", "{ $openapi: whole.yaml }"),
                api("broken", "{ $asyncapi: broken.yaml }")
            ),
        ),
        ("openapi.yaml", openapi),
        (
            "parts.yaml",
            "ok: { get: { summary: Here, responses: {} } }\n",
        ),
        ("text.txt", "[ no yaml"),
        ("circle.yaml", "{ $ref: circle.yaml }"),
        (
            "whole.yaml",
            "openapi: 3.0.0 # as it is\ninfo: { title: W, version: '1' }\npaths: {}\n",
        ),
        (
            "broken.yaml",
            "asyncapi: 3.0.0\nchannels: [ $ref: parts.yaml",
        ),
        ("../secret.yaml", "get: { summary: the secret }"),
        ("../link-target.yaml", "get: { summary: the secret }"),
    ])
    .await;
    let link = served.catalog.path("link.yaml");
    std::os::unix::fs::symlink("../link-target.yaml", link).unwrap();
    served
        .catalog
        .write("openapi.yaml", &format!("{openapi}# changed\n"));
    served.catalog.read().await;
    let query = "{ apis { nodes { name problems { code line message } definition { raw operations { nodes { path summary } } } } } }";
    let data = served.ask(query).await;
    let apis = data["apis"]["nodes"].as_array().unwrap();
    let shown: Vec<String> = apis
        .iter()
        .map(|api| {
            let problems = api["problems"].as_array().unwrap().iter();
            let problems = problems.map(|problem| {
                format!(
                    "  {}:{} {}\n",
                    problem["line"], problem["code"], problem["message"]
                )
            });
            format!(
                "{}: {}\n{}",
                api["name"],
                api["definition"]["operations"]["nodes"],
                problems.collect::<String>()
            )
        })
        .collect();
    assert_snapshot!(shown.concat(), @r#"
    "a": [{"path":"/j","summary":"Here"}]
      9:"substitution-reference" "not bundled is `../../secret.yaml` in line 4 of `openapi.yaml`: `../../secret.yaml` leads out of the folder that is read; `link.yaml` in line 5 of `openapi.yaml`: `link.yaml` leads out of the folder that is read; `gone.yaml` in line 7 of `openapi.yaml`: there is no file `gone.yaml`; `parts.yaml#/nothing` in line 8 of `openapi.yaml`: `parts.yaml` has nothing at `#/nothing`; `text.txt` in line 9 of `openapi.yaml`: `text.txt` is no YAML or JSON that can be read; `./%2e%2e/%2e%2e/secret.yaml` in line 10 of `openapi.yaml`: `../../secret.yaml` leads out of the folder that is read; `/etc/passwd` in line 11 of `openapi.yaml`: there is no file `/etc/passwd`; `circle.yaml` in line 1 of `circle.yaml`: it leads back to itself"
      2:"dangling-reference" "nothing in the catalog is `group:default/team`"
    "broken": []
      20:"dangling-reference" "nothing in the catalog is `group:default/team`"
    "whole": []
      11:"dangling-reference" "nothing in the catalog is `group:default/team`"
    "#);
    assert!(!data.to_string().contains("the secret"), "{data}");
    let raw = |name: &str| {
        let own = apis.iter().find(|api| api["name"] == name).unwrap();
        own["definition"]["raw"].as_str().unwrap().to_owned()
    };
    assert!(raw("a").contains("../../secret.yaml"), "{}", raw("a"));
    assert!(raw("whole").contains("# as it is"), "{}", raw("whole"));
    assert!(
        raw("broken").contains("[ $ref: parts.yaml"),
        "{}",
        raw("broken")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_an_asyncapi_keep_their_names() {
    let asyncapi = "asyncapi: 3.0.0
info: { title: Events, version: 1.0.0 }
channels:
  paid:
    address: paid
    messages: { Paid: { $ref: './messages.yaml#/PaymentPaid' } }
operations:
  onPaid: { action: receive, channel: { $ref: '#/channels/paid' } }
";
    let messages = "PaymentPaid:\n  payload: { $ref: '#/Payload' }\nPayload: { type: object }\n";
    let served = Served::start(&[
        ("catalog-info.yaml", &api("events", "{ $asyncapi: a.yaml }")),
        ("a.yaml", asyncapi),
        ("messages.yaml", messages),
    ])
    .await;
    let query = "{ api(ref: \"events\") { definition { raw operations { nodes { channel action response request } } problems { message } } } }";
    let definition = served.ask(query).await["api"]["definition"].clone();
    assert_snapshot!(definition["raw"].as_str().unwrap(), @r##"
    # Bundled from a.yaml and the files that it refers to.
    asyncapi: "3.0.0"
    info:
      title: Events
      version: "1.0.0"
    channels:
      paid:
        address: paid
        messages:
          Paid:
            "$ref": "#/components/messages/PaymentPaid"
    operations:
      onPaid:
        action: receive
        channel:
          "$ref": "#/channels/paid"
    components:
      messages:
        PaymentPaid:
          payload:
            "$ref": "#/components/schemas/Payload"
      schemas:
        Payload:
          type: object
    "##);
    assert_json_snapshot!(definition["operations"], @r#"
    {
      "nodes": [
        {
          "channel": "paid",
          "action": "RECEIVE",
          "response": [],
          "request": [
            "PaymentPaid"
          ]
        }
      ]
    }
    "#);
}
