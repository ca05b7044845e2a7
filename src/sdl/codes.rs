//! The codes of all diagnostics that `sdl` gives.

/// Every code with what it means, sorted; `schema/README.md` lists the same.
pub const CODES: &[(&str, &str)] = &[
    (
        "arguments-outside-graphql",
        "a step of a path takes arguments, but the connector has no GraphQL source",
    ),
    (
        "auth-non-null",
        "`@auth` on a non-null field: a refusal would take the parent with it",
    ),
    (
        "bad-argument",
        "an argument of a directive has a value of another type, an unknown word, or a number out of range",
    ),
    (
        "bad-batch",
        "`batch` lacks what its style needs, does not fit the source, or sends no keys",
    ),
    ("bad-duration", "a duration has no unit that is known"),
    (
        "bad-expression",
        "an expression cannot be read; the column is that of the character inside the string",
    ),
    (
        "bad-kind",
        "the name, the plural or the API versions of a `@kind` cannot be those of a kind",
    ),
    (
        "bad-lookup",
        "`@lookup` leads to no entity, to another kind than the field shows, or compares no plain path",
    ),
    (
        "bad-page",
        "`page` lacks what its style needs, does not fit the source, or stands on what is no list",
    ),
    (
        "bad-relation",
        "`@relation` on or to what is no entity, with a name that is no word, or with arguments that need `from`",
    ),
    (
        "bad-request",
        "`@connect` asks nothing, more than one thing, or something that its source or its place does not allow",
    ),
    (
        "bad-supply",
        "`@supplies` names no field, one of another type, or a path that does not lead here",
    ),
    (
        "bad-template",
        "a text with holes cannot be read, or is no path of a URL",
    ),
    (
        "bad-where",
        "`@where` on what is no list that types supply, or without one thing to compare with",
    ),
    (
        "changed-arguments",
        "a restated field takes other arguments than its interface says",
    ),
    (
        "duplicate",
        "a type, field, directive, kind, source or `let` name is declared twice",
    ),
    ("duplicate-argument", "an argument is given twice"),
    (
        "id-on-live",
        "`@field` on the `id` of a live type: the engine makes it from `@identity`",
    ),
    (
        "incompatible-field",
        "a restated field has a type that does not keep what its interface promises",
    ),
    (
        "incomplete-auth",
        "`auth` of a source lacks what its type needs",
    ),
    ("interface-cycle", "an interface implements itself"),
    (
        "invalid-schema",
        "the composed schema breaks another rule of the GraphQL specification",
    ),
    (
        "inverse-conflict",
        "a relation type has two different inverses",
    ),
    (
        "live-kind",
        "a type is a kind of the catalog and fetched from an upstream at once",
    ),
    ("misplaced-cache", "`@cache` on what is not fetched"),
    (
        "misplaced-directive",
        "a directive stands where its definition does not put it",
    ),
    ("misplaced-merge", "`@merge` on what is no supplied list"),
    (
        "misplaced-json",
        "`@json` where no descriptor is judged by it",
    ),
    (
        "misplaced-search",
        "`@search` on what is no plain value of an entity",
    ),
    (
        "misplaced-secret",
        "`$secret` outside `auth`, `headers` and `signature`",
    ),
    (
        "missing-argument",
        "a directive lacks an argument that it needs",
    ),
    (
        "name-collision",
        "a generated name, of a type, root field, filter field or order value, is taken",
    ),
    (
        "narrowed-list",
        "a restated list relation has another type than the one of its interface",
    ),
    ("no-fields", "an object or interface has no fields"),
    (
        "no-identity",
        "a live type does not say what identifies its objects",
    ),
    (
        "no-installation",
        "a request of a source that signs in as an app says nothing of the account that it asks for",
    ),
    (
        "no-source",
        "nothing says where the value of a field comes from",
    ),
    (
        "non-null-live",
        "a fetched field is non-null: a failing upstream would take the parent with it",
    ),
    (
        "non-null-relation",
        "a single relation is non-null: a missing target would take the parent with it",
    ),
    (
        "non-null-value",
        "a field of a kind is non-null, and a descriptor may lack it",
    ),
    (
        "not-a-schema",
        "an operation or a fragment stands in a schema file",
    ),
    (
        "not-an-enum",
        "words are mapped to enum values, but the field is no enum",
    ),
    (
        "not-an-input",
        "an argument takes an object or an interface",
    ),
    ("not-an-interface", "a type implements what is no interface"),
    ("not-an-output", "a field gives an input object"),
    (
        "outside-connector",
        "a directive of connectors stands in a file that belongs to no connector folder",
    ),
    (
        "repeated-directive",
        "a directive stands twice where it may stand once",
    ),
    (
        "required-not-plain",
        "presence is required of what is not read at a plain path",
    ),
    (
        "reserved-let",
        "a `let` takes a name of the engine's, or one that is no name",
    ),
    (
        "shared-viewer",
        "`scope: SHARED` on what depends on the caller",
    ),
    ("syntax", "the file is no GraphQL"),
    (
        "two-sources",
        "more than one directive says where the value of a field comes from",
    ),
    (
        "unknown-argument",
        "a directive or an input object of one has no such argument",
    ),
    ("unknown-directive", "no such directive is declared"),
    ("unknown-enum-value", "an enum has no such value"),
    ("unknown-field", "a type has no such field"),
    ("unknown-kind", "no `@kind` declares that kind"),
    ("unknown-path", "a path begins with what no descriptor has"),
    (
        "unknown-relation",
        "no `@relation` declares that relation type",
    ),
    (
        "unknown-resolver",
        "`@resolver` names what the engine has no answer for",
    ),
    ("unknown-source", "the connector has no such `@source`"),
    ("unknown-type", "no such type is declared"),
    (
        "unknown-variable",
        "a `$name` stands for nothing where it is read",
    ),
    (
        "unsupported-source",
        "a `@source` of a type that this version does not ask",
    ),
    (
        "untold-type",
        "a REST source gives objects of an interface, and nothing says their types",
    ),
    (
        "wrong-extension",
        "`extend` with another keyword than the type was declared with",
    ),
];

/// What to do about a problem of which nothing better is known.
pub(super) fn usual_hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "bad-argument" | "missing-argument" | "unknown-argument" | "duplicate-argument" => {
            "schema/README.md shows what each directive takes"
        }
        "bad-batch" | "bad-page" | "bad-request" | "bad-supply" | "bad-where" => {
            "connectors/README.md has an example of each; schema/README.md says what goes with what"
        }
        "bad-expression" => {
            "for example `spec.profile.email`, or `$this.'a-b'.c | lower`; schema/README.md has the language"
        }
        "bad-template" => "for example `/items/{$this.id}?page={$args.first}`",
        "duplicate" => "keep one of the two, or name one of them otherwise",
        "interface-cycle" => "take one of the interfaces away from `implements`",
        "inverse-conflict" => "a relation has one inverse: write the same here, or leave it out",
        "invalid-schema" => "this is a rule of GraphQL itself: https://spec.graphql.org",
        "no-fields" => "give it a field",
        "not-an-enum" | "not-an-input" | "not-an-interface" | "not-an-output" => {
            "name a type that can stand here"
        }
        "syntax" => "look at the brackets and the quotes here and on the line above",
        "unknown-type" => "declare it in one of the files, or correct the name",
        _ => return None,
    })
}
