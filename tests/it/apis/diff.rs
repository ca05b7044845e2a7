//! What changed between two definitions.

use callboard::apis::{self, Change};

fn changes(old: &str, new: &str) -> String {
    match apis::diff((old, None), (new, None)) {
        Ok(changes) => {
            let lines = changes.iter().map(|change: &Change| {
                let weight = if change.breaking { "BREAKING" } else { "safe" };
                format!(
                    "{weight} {} {}: {}",
                    change.kind.as_str(),
                    change.path,
                    change.description
                )
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        Err(why) => why.to_string(),
    }
}

const OLD: &str = "
openapi: 3.0.3
info: { title: Payments, version: 1.0.0 }
security: [{ key: [] }]
paths:
  /payments/{id}:
    get:
      parameters: [{ in: query, name: page, schema: { type: integer } }, { in: query, name: sort, schema: { type: string, enum: [asc, desc] } }]
      responses:
        200: { description: ok, content: { application/json: { schema: { $ref: '#/components/schemas/Payment' } } } }
        404: { description: no }
    post:
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Refund' } }, application/xml: {} } }
      responses: { 200: { description: ok } }
  /gone: { get: { responses: { 200: { description: ok } } } }
components:
  schemas:
    Payment: { type: object, required: [id], properties: { id: { type: string }, amount: { type: integer }, state: { type: string, enum: [new, done] }, parent: { $ref: '#/components/schemas/Payment' } } }
    Refund: { type: object, properties: { reason: { type: string, maxLength: 100 }, amount: { type: number }, state: { type: string, enum: [a, b] } } }
";

const NEW: &str = "
openapi: 3.0.3
info: { title: Payments, version: 2.0.0 }
security: [{ key: [], sign: [] }]
paths:
  /payments/{payment}:
    get:
      parameters: [{ in: query, name: page, required: true, schema: { type: string } }, { in: query, name: sort, schema: { type: string, enum: [asc] } }, { in: header, name: X-Who, required: true, schema: { type: string } }]
      responses:
        200: { description: ok, content: { application/json: { schema: { $ref: '#/components/schemas/Payment' } } } }
    post:
      deprecated: true
      security: [{ key: [] }]
      requestBody: { required: true, content: { application/json: { schema: { $ref: '#/components/schemas/Refund' } } } }
      responses: { 200: { description: ok }, 202: { description: later } }
  /new: { get: { responses: { 200: { description: ok } } } }
components:
  schemas:
    Payment: { type: object, properties: { id: { type: string }, state: { type: string, enum: [new, done, lost] }, parent: { $ref: '#/components/schemas/Payment' }, note: { type: string } } }
    Refund: { type: object, required: [who], properties: { reason: { type: string, maxLength: 50 }, amount: { type: integer }, state: { type: string, enum: [a] }, who: { type: string } } }
";

#[test]
fn of_openapi() {
    insta::assert_snapshot!(changes(OLD, NEW), @r#"
    BREAKING REMOVED GET /gone: removed
    BREAKING ADDED GET /payments/{payment} header X-Who: added, and required
    BREAKING CHANGED GET /payments/{payment} query page: changed from `integer` to `string`
    BREAKING CHANGED GET /payments/{payment} query page: required now
    BREAKING CHANGED GET /payments/{payment} query sort: the value `desc` was removed
    BREAKING REMOVED GET /payments/{payment} response 404: removed
    BREAKING CHANGED GET /payments/{payment} security: changed from `key` to `key` and `sign`
    BREAKING REMOVED POST /payments/{payment} request: `application/xml` was removed
    BREAKING CHANGED POST /payments/{payment} request: the body is required now
    BREAKING REMOVED Payment.amount: removed
    BREAKING CHANGED Payment.id: no longer required
    BREAKING CHANGED Refund.amount: changed from `number` to `integer`
    BREAKING CHANGED Refund.reason: `maxLength` is 50 now
    BREAKING CHANGED Refund.state: the value `b` was removed
    BREAKING ADDED Refund.who: added, and required
    safe ADDED GET /new: added
    safe CHANGED POST /payments/{payment}: deprecated
    safe ADDED POST /payments/{payment} response 202: added
    safe ADDED Payment.note: added
    safe CHANGED Payment.state: the value `lost` was added
    "#);
    assert_eq!(changes(OLD, OLD), "");
}

#[test]
fn what_widens_a_request_or_narrows_a_response_is_safe() {
    insta::assert_snapshot!(changes(NEW, OLD), @r#"
    BREAKING REMOVED GET /new: removed
    BREAKING CHANGED GET /payments/{id} query page: changed from `string` to `integer`
    BREAKING REMOVED POST /payments/{id} response 202: removed
    BREAKING REMOVED Payment.note: removed
    safe ADDED GET /gone: added
    safe REMOVED GET /payments/{id} header X-Who: removed
    safe CHANGED GET /payments/{id} query page: no longer required
    safe CHANGED GET /payments/{id} query sort: the value `desc` was added
    safe ADDED GET /payments/{id} response 404: added
    safe CHANGED GET /payments/{id} security: changed from `key` and `sign` to `key`
    safe ADDED POST /payments/{id} request: `application/xml` was added
    safe ADDED Payment.amount: added
    safe CHANGED Payment.id: required now
    safe CHANGED Payment.state: the value `lost` was removed
    safe CHANGED Refund.amount: changed from `integer` to `number`
    safe CHANGED Refund.state: the value `b` was added
    safe REMOVED Refund.who: removed
    "#);
}

#[test]
fn of_asyncapi() {
    let old = "
asyncapi: 3.0.0
info: { title: a, version: 1.0.0 }
channels: { a: { address: a, messages: { x: { payload: { type: object, properties: { n: { type: integer } } } }, y: { payload: {} } } } }
operations:
  take: { action: receive, channel: { $ref: '#/channels/a' } }
  tell: { action: send, channel: { $ref: '#/channels/a' } }
";
    let new = "
asyncapi: 3.0.0
info: { title: a, version: 2.0.0 }
channels: { a: { address: b, messages: { x: { payload: { type: object, required: [m], properties: { n: { type: integer }, m: { type: string } } } } } } }
operations:
  take: { action: receive, channel: { $ref: '#/channels/a' } }
  more: { action: send, channel: { $ref: '#/channels/a' } }
";
    insta::assert_snapshot!(changes(old, new), @r#"
    BREAKING CHANGED RECEIVE take: the channel changed from `a` to `b`
    BREAKING ADDED RECEIVE take message x.m: added, and required
    BREAKING REMOVED RECEIVE take message y: removed
    BREAKING REMOVED SEND tell: removed
    safe ADDED SEND more: added
    "#);
}

#[test]
fn of_graphql() {
    let old = "type Query { a(x: Int, y: Int): String!, b: T, c: E } type T { n: Int } enum E { A B } union U = T | Q type Q { n: Int } input I { a: Int } interface N { n: Int } type M implements N { n: Int }";
    let new = "type Query { a(x: Int!, z: Int!): String, c: E } interface T { n: Int } enum E { A C } union U = T type Q { n: Int! } input I { a: Int, b: Int! } interface N { n: Int } type M { n: Int }";
    insta::assert_snapshot!(changes(old, new), @r#"
    BREAKING REMOVED E.B: removed
    BREAKING ADDED I.b: added, and required
    BREAKING CHANGED M: no longer implements `N`
    BREAKING CHANGED Query.a: the type changed from `String!` to `String`
    BREAKING CHANGED Query.a(x:): the type changed from `Int` to `Int!`
    BREAKING REMOVED Query.a(y:): removed
    BREAKING ADDED Query.a(z:): added, and required
    BREAKING REMOVED Query.b: removed
    BREAKING CHANGED T: changed from type to interface
    BREAKING CHANGED U: no longer holds `Q`
    safe ADDED E.C: added
    safe CHANGED Q.n: the type changed from `Int` to `Int!`
    "#);
}

#[test]
fn of_protobuf() {
    let old = "syntax = \"proto3\"; package a; service S { rpc A(X) returns (Y); rpc B(X) returns (Y); } message X { string a = 1; int32 b = 2; string c = 3; string d = 4; } message Y {} enum E { Z = 0; O = 1; T = 2; }";
    let new = "syntax = \"proto3\"; package a; service S { rpc A(X) returns (stream Y); rpc C(X) returns (Y); } message X { string a = 1; int64 b = 2; string cc = 3; string d = 5; string e = 6; } enum E { Z = 0; O = 3; N = 4; }";
    insta::assert_snapshot!(changes(old, new), @r#"
    BREAKING CHANGED E.O: the number changed from 1 to 3
    BREAKING REMOVED E.T: removed
    BREAKING CHANGED S/A: gives `stream Y`, and not `Y`
    BREAKING REMOVED S/B: removed
    BREAKING CHANGED X.b: changed from `int32` to `int64`
    BREAKING CHANGED X.c: the name of field 3 changed to `cc`
    BREAKING CHANGED X.d: the number changed from 4 to 5
    BREAKING REMOVED Y: removed
    safe ADDED E.N: added
    safe ADDED S/C: added
    safe ADDED X.e: added
    "#);
}

#[test]
fn what_cannot_be_compared_is_said() {
    insta::assert_snapshot!(changes("type Query { a: Int }", "openapi: 3.0.0\npaths: {}"), @"the definitions are in different formats, or in none that is known");
    insta::assert_snapshot!(changes("openapi: 3.0.0\npaths: {}", "openapi: 3.0.0\npaths: {"), @"the new definition cannot be read: line 3, column 1: the YAML cannot be read: while parsing a node, did not find expected node content");
    insta::assert_snapshot!(changes("syntax = \"proto3\"; message", "syntax = \"proto3\";"), @"the old definition cannot be read: expected an identifier, but reached end of file");
}
