//! A made-up catalog of any size, the same for the same size and seed: what the benches load.
//!
//! Kinds, ratios and references are those of a company with many services: every API has a provider, teams own things unevenly, dependencies point to older entities.

use serde_json::{Value, json};

/// Small, fast, seeded; quality is of no interest here.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// Below `end`, small numbers far more often.
    pub(crate) fn popular(&mut self, end: usize) -> usize {
        let one = self.below(end.max(1));
        let two = self.below(one + 1);
        self.below(two + 1)
    }

    pub(crate) fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

const AREAS: &[&str] = &[
    "ledger", "parcel", "harbour", "ticket", "garden", "signal", "quarry", "beacon", "orchard",
    "weaver", "anchor", "lantern",
];
const PARTS: &[&str] = &[
    "api",
    "worker",
    "portal",
    "importer",
    "planner",
    "relay",
    "indexer",
    "mailer",
    "scheduler",
    "mirror",
];
const TYPES: &[&str] = &["service", "service", "service", "library", "website"];
const LIFECYCLES: &[&str] = &["production", "production", "experimental", "deprecated"];
const TAGS: &[&str] = &[
    "java", "go", "rust", "kotlin", "python", "grpc", "kafka", "tier1", "tier2", "batch",
    "internal", "mobile",
];

/// How many entities of each kind there are.
pub(crate) struct Counts {
    pub(crate) components: usize,
    pub(crate) apis: usize,
    pub(crate) resources: usize,
    pub(crate) systems: usize,
    pub(crate) domains: usize,
    pub(crate) groups: usize,
    pub(crate) users: usize,
}

impl Counts {
    pub(crate) fn of(total: usize) -> Self {
        let part = |per_mille: usize| (total * per_mille / 1000).max(1);
        let (apis, resources, systems, domains, groups, users) =
            (part(150), part(120), part(50), part(5), part(25), part(150));
        Self {
            components: total - apis - resources - systems - domains - groups - users,
            apis,
            resources,
            systems,
            domains,
            groups,
            users,
        }
    }
}

/// `total` descriptors, kinds one after the other.
pub(crate) fn descriptors(total: usize, seed: u64) -> impl Iterator<Item = Value> {
    let counts = Counts::of(total);
    let mut random = Random::new(seed);
    (0..total).map(move |index| descriptor(&counts, index, &mut random))
}

fn descriptor(counts: &Counts, index: usize, random: &mut Random) -> Value {
    let mut at = index;
    let kinds: [(usize, Make); 7] = [
        (counts.domains, domain),
        (counts.groups, group),
        (counts.users, user),
        (counts.systems, system),
        (counts.resources, resource),
        (counts.apis, api),
        (counts.components, component),
    ];
    for (count, make) in kinds {
        if at < count {
            return make(counts, at, random);
        }
        at -= count;
    }
    component(counts, at, random)
}

type Make = fn(&Counts, usize, &mut Random) -> Value;

/// The name of the component at `index`.
pub(crate) fn component_name(index: usize) -> String {
    format!(
        "{}-{}-{index}",
        AREAS[index % AREAS.len()],
        PARTS[index / 7 % PARTS.len()]
    )
}

fn entity(kind: &str, name: &str, mut metadata: Value, spec: Value) -> Value {
    metadata["name"] = name.into();
    metadata["title"] = name.replace('-', " ").into();
    json!({ "apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec })
}

fn owner(counts: &Counts, random: &mut Random) -> String {
    format!("team-{}", random.popular(counts.groups))
}

fn domain(counts: &Counts, index: usize, random: &mut Random) -> Value {
    entity(
        "Domain",
        &format!("domain-{index}"),
        json!({}),
        json!({ "owner": owner(counts, random) }),
    )
}

fn group(_counts: &Counts, index: usize, random: &mut Random) -> Value {
    let mut spec = json!({ "type": "team", "children": [], "profile": { "email": format!("team-{index}@example.com") } });
    if index > 0 {
        spec["parent"] = format!("team-{}", random.below(index)).into();
    }
    entity("Group", &format!("team-{index}"), json!({}), spec)
}

fn user(counts: &Counts, index: usize, random: &mut Random) -> Value {
    let name = format!("person-{index}");
    let spec = json!({ "memberOf": [owner(counts, random)], "profile": { "displayName": name, "email": format!("{name}@example.com") } });
    entity("User", &name, json!({}), spec)
}

fn system(counts: &Counts, index: usize, random: &mut Random) -> Value {
    let spec = json!({ "owner": owner(counts, random), "domain": format!("domain-{}", random.below(counts.domains)) });
    entity(
        "System",
        &format!("system-{index}"),
        json!({ "description": "Does one thing for one part of the company." }),
        spec,
    )
}

fn resource(counts: &Counts, index: usize, random: &mut Random) -> Value {
    let spec = json!({ "type": random.pick(&["database", "bucket", "queue"]), "owner": owner(counts, random), "system": format!("system-{}", random.popular(counts.systems)) });
    entity("Resource", &format!("store-{index}"), json!({}), spec)
}

fn api(counts: &Counts, index: usize, random: &mut Random) -> Value {
    let definition = format!(
        "openapi: 3.0.3\ninfo: {{ title: api-{index}, version: 1.{}.0 }}\npaths:\n  /things:\n    get: {{ summary: List things }}\n",
        random.below(9)
    );
    let spec = json!({ "type": "openapi", "lifecycle": random.pick(LIFECYCLES), "owner": owner(counts, random), "system": format!("system-{}", random.popular(counts.systems)), "definition": definition });
    entity("API", &format!("api-{index}"), json!({}), spec)
}

fn component(counts: &Counts, index: usize, random: &mut Random) -> Value {
    let name = component_name(index);
    let mut tags: Vec<&str> = (0..1 + random.below(4))
        .map(|_| random.pick(TAGS))
        .collect();
    tags.sort_unstable();
    tags.dedup();
    let metadata = json!({
        "description": format!("Takes what {} sends and keeps it for {}.", random.pick(AREAS), random.pick(AREAS)),
        "tags": tags,
        "labels": { "example.com/tier": format!("t{}", 1 + random.below(3)) },
        "annotations": { "github.com/project-slug": format!("example/{name}"), "pagerduty.com/service-id": format!("P{index:06X}"), "backstage.io/techdocs-ref": "dir:." },
        "links": [{ "url": format!("https://dashboards.example.com/{name}"), "title": "Dashboard", "type": "dashboard" }],
    });
    let mut depends_on: Vec<String> = (0..random.below(4))
        .map(|_| {
            format!(
                "component:default/{}",
                component_name(random.popular(index.max(1)))
            )
        })
        .collect();
    depends_on.extend((0..random.below(3)).map(|_| {
        format!(
            "resource:default/store-{}",
            random.popular(counts.resources)
        )
    }));
    let spec = json!({
        "type": random.pick(TYPES), "lifecycle": random.pick(LIFECYCLES), "owner": owner(counts, random),
        "system": format!("system-{}", random.popular(counts.systems)),
        "dependsOn": depends_on,
        "providesApis": if index < counts.apis { vec![format!("api-{index}")] } else { Vec::new() },
        "consumesApis": (0..random.below(3)).map(|_| format!("api-{}", random.popular(counts.apis))).collect::<Vec<_>>(),
    });
    entity("Component", &name, metadata, spec)
}
