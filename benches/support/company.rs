//! A made-up company of any size, one entity at a time: the number of an entity decides all that is said of it.

use callboard::catalog::EntityRef;
use callboard::graph::{Origin, Record};
use callboard::sdl::Model;
use serde_json::{Value, json};
use std::sync::Arc;

const FIELDS: [&str; 40] = [
    "harbour", "ticket", "ledger", "parcel", "invoice", "market", "sensor", "forest", "studio",
    "garden", "bridge", "signal", "archive", "kitchen", "railway", "library", "weather", "museum",
    "stadium", "theatre", "payroll", "permit", "survey", "voucher", "wallet", "journey", "lesson",
    "pharmacy", "recipe", "rental", "audit", "auction", "census", "courier", "deposit", "estate",
    "festival", "gallery", "lottery", "payment",
];
const PARTS: [&str; 30] = [
    "front", "desk", "engine", "reader", "writer", "planner", "router", "keeper", "watcher",
    "mixer", "finder", "sorter", "packer", "loader", "printer", "checker", "counter", "mapper",
    "caller", "binder", "gateway", "worker", "bridge", "cache", "mirror", "filter", "relay",
    "vault", "clock", "board",
];
const TAGS: [&str; 27] = [
    "java", "go", "rust", "python", "kotlin", "swift", "react", "grpc", "rest", "kafka",
    "postgres", "redis", "tier1", "tier2", "tier3", "pci", "gdpr", "internal", "external",
    "legacy", "cloud", "batch", "stream", "mobile", "web", "ml", "edge",
];

/// A small generator.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) % u64::from(n.max(1))) as u32
    }

    /// Small numbers far more often: a few things are known to everyone.
    fn popular(&mut self, n: u32) -> u32 {
        let share = f64::from(self.below(1 << 24)) / f64::from(1 << 24);
        (f64::from(n) * share.powf(2.2)) as u32
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u32) as usize]
    }
}

fn name(salt: u64, at: u32, middle: &str) -> String {
    let mut dice = Dice::new(salt << 32 | u64::from(at));
    format!("{}-{}{middle}-{at}", dice.one(&FIELDS), dice.one(&PARTS))
}

/// How many of `n` entities are components.
pub(crate) fn components(n: u32) -> u32 {
    n / 100 * 60 + (n % 100).min(60)
}

pub(crate) fn component(at: u32) -> String {
    name(1, at, "")
}

pub(crate) fn system(at: u32) -> String {
    name(2, at, "-system")
}

pub(crate) fn group(at: u32) -> String {
    name(3, at, "-team")
}

/// One of the teams that own most.
pub(crate) fn team(n: u32, at: u32) -> String {
    let groups = (n / 25).max(1);
    group((groups / 6 + at).min(groups - 1))
}

fn api(at: u32) -> String {
    name(4, at, "-api")
}

fn resource(at: u32) -> String {
    name(5, at, "-store")
}

fn domain(at: u32) -> String {
    name(6, at, "-domain")
}

fn user(at: u32) -> String {
    name(7, at, ".person")
}

/// Everything, by number: of a hundred entities 60 are components, 15 APIs, 9 resources, 6 users, 5 systems, 4 groups and one a domain.
#[derive(Debug)]
pub(crate) struct Company {
    model: Arc<Model>,
    n: u32,
}

impl Company {
    pub(crate) fn new(model: &Arc<Model>, n: u32) -> Self {
        Self {
            model: Arc::clone(model),
            n,
        }
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record> + '_ {
        (0..self.n).map(|at| self.record(at))
    }

    pub(crate) fn record(&self, at: u32) -> Record {
        self.finished(at, self.descriptor(at, u64::from(at)))
    }

    /// The entity with what another one says of owner and dependencies.
    pub(crate) fn moved(&self, at: u32, like: u32) -> Record {
        self.finished(at, self.descriptor(at, u64::from(like) + 77))
    }

    fn finished(&self, at: u32, descriptor: Value) -> Record {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, name) = (
            text(&descriptor["kind"]),
            text(&descriptor["metadata"]["name"]),
        );
        let entity_ref = EntityRef::new(&kind, "default", &name);
        let kind = self.model.kind(&kind);
        let seen =
            jiff::Timestamp::from_second(1_790_000_000 + i64::from(at / 500)).unwrap_or_default();
        Record {
            id: format!("{:016x}{:04x}", Dice::new(u64::from(at)).0, at & 0xffff).into(),
            relations: callboard::catalog::relations(&self.model, &entity_ref, kind, &descriptor),
            entity_ref,
            kind,
            descriptor,
            origin: Origin {
                source: "company".into(),
                file: format!("catalog/part-{:05}.yaml", at / 500).into(),
                line: at % 500 * 20 + 1,
                revision: 1,
                url: None,
                claims: Vec::new(),
            },
            created_at: seen,
            updated_at: seen,
            previous_refs: Vec::new(),
        }
    }

    fn descriptor(&self, at: u32, salt: u64) -> Value {
        let mut dice = Dice::new(salt ^ 0x55);
        let (number, slot) = (at / 100, at % 100);
        let scaled = |share: u32, first: u32| number * share + (slot - first);
        match slot {
            0..60 => self.component(scaled(60, 0), &mut dice),
            60..75 => self.api(scaled(15, 60), &mut dice),
            75..84 => self.plain(
                "Resource",
                &resource(scaled(9, 75)),
                ["database", "queue", "bucket"][slot as usize % 3],
                &mut dice,
            ),
            84..90 => self.user(&user(scaled(6, 84)), &mut dice),
            90..95 => self.system(&system(scaled(5, 90)), &mut dice),
            95..99 => self.group(scaled(4, 95), &mut dice),
            _ => self.plain("Domain", &domain(number), "business", &mut dice),
        }
    }

    fn metadata(name: &str, dice: &mut Dice) -> Value {
        let title: Vec<String> = name
            .split('-')
            .map(|word| {
                let (first, rest) = word.split_at(1);
                first.to_uppercase() + rest
            })
            .collect();
        let tags: Vec<&str> = (0..1 + dice.below(4)).map(|_| dice.one(&TAGS)).collect();
        json!({
            "name": name,
            "title": title.join(" "),
            "description": format!("Takes the {} of each {} to the {} and keeps a {} for the {}.",
                dice.one(&PARTS), dice.one(&FIELDS), dice.one(&PARTS), dice.one(&FIELDS), dice.one(&FIELDS)),
            "tags": tags,
        })
    }

    fn entity(kind: &str, metadata: &Value, spec: &Value) -> Value {
        json!({ "apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec })
    }

    fn owner(&self, dice: &mut Dice) -> String {
        let groups = (self.n / 25).max(1);
        format!(
            "group:default/{}",
            group((groups / 6 + dice.popular(groups - groups / 6)).min(groups - 1))
        )
    }

    fn lifecycle(dice: &mut Dice) -> &'static str {
        match dice.below(100) {
            0..62 => "production",
            62..84 => "experimental",
            _ => "deprecated",
        }
    }

    fn some(dice: &mut Dice, most: u32, pool: u32, name: impl Fn(u32) -> String) -> Vec<String> {
        (0..dice.below(most + 1))
            .map(|_| name(dice.popular(pool)))
            .collect()
    }

    fn component(&self, at: u32, dice: &mut Dice) -> Value {
        let own = component(at);
        let kind = match dice.below(100) {
            0..55 => "service",
            55..75 => "library",
            75..89 => "website",
            89..95 => "data-pipeline",
            _ => "mobile-app",
        };
        let mut metadata = Self::metadata(&own, dice);
        let slug = format!("acme/{own}");
        metadata["annotations"] = json!({
            "github.com/project-slug": slug,
            "backstage.io/techdocs-ref": "dir:.",
            "pagerduty.com/service-id": format!("P{:06X}", dice.below(1 << 24)),
        });
        if dice.below(3) == 0 {
            metadata["annotations"]["jenkins.io/job-full-name"] = slug.into();
        }
        metadata["labels"] = json!({ "example.com/tier": format!("t{}", dice.below(3)) });
        if dice.below(2) == 0 {
            metadata["links"] = json!([{ "url": format!("https://charts.example.com/d/{own}"), "title": "Dashboard", "icon": "dashboard" }]);
        }
        let mut depends = Self::some(dice, 3, at.max(1), |at| {
            format!("component:default/{}", component(at))
        });
        depends.extend(Self::some(dice, 2, self.n / 12, |at| {
            format!("resource:default/{}", resource(at))
        }));
        let mut spec = json!({
            "type": kind,
            "lifecycle": Self::lifecycle(dice),
            "owner": self.owner(dice),
            "system": system(dice.popular(self.n / 20)),
            "dependsOn": depends,
            "consumesApis": Self::some(dice, 3, self.n / 7, api),
        });
        if dice.below(4) == 0 {
            spec["providesApis"] = json!([api(dice.below(self.n / 7))]);
        }
        Self::entity("Component", &metadata, &spec)
    }

    fn api(&self, at: u32, dice: &mut Dice) -> Value {
        let own = api(at);
        let definition = format!(
            "openapi: 3.0.3\ninfo: {{title: {own}, version: {}.0.0}}\nservers: [{{url: 'https://{own}.example.com'}}]\npaths:\n  /things:\n    get: {{summary: List, responses: {{'200': {{description: OK}}}}}}\n    post: {{summary: Make, responses: {{'201': {{description: Made}}}}}}\n  /things/{{id}}:\n    get: {{summary: Read, responses: {{'200': {{description: OK}}, '404': {{description: Missing}}}}}}\n",
            dice.below(5)
        );
        let metadata = Self::metadata(&own, dice);
        let spec = json!({
            "type": "openapi",
            "lifecycle": Self::lifecycle(dice),
            "owner": self.owner(dice),
            "system": system(dice.popular(self.n / 20)),
            "definition": definition,
        });
        Self::entity("API", &metadata, &spec)
    }

    fn plain(&self, kind: &str, name: &str, of_type: &str, dice: &mut Dice) -> Value {
        let metadata = Self::metadata(name, dice);
        Self::entity(
            kind,
            &metadata,
            &json!({ "type": of_type, "owner": self.owner(dice) }),
        )
    }

    fn system(&self, name: &str, dice: &mut Dice) -> Value {
        let metadata = Self::metadata(name, dice);
        let spec =
            json!({ "owner": self.owner(dice), "domain": domain(dice.popular(self.n / 100)) });
        Self::entity("System", &metadata, &spec)
    }

    fn group(&self, at: u32, dice: &mut Dice) -> Value {
        let own = group(at);
        let metadata = Self::metadata(&own, dice);
        let mut spec = json!({
            "type": if at == 0 { "organization" } else { "team" },
            "profile": { "displayName": own, "email": format!("{own}@example.com") },
            "children": [],
        });
        if at > 0 {
            spec["parent"] = group(at / 8).into();
        }
        Self::entity("Group", &metadata, &spec)
    }

    fn user(&self, name: &str, dice: &mut Dice) -> Value {
        let groups = (self.n / 25).max(1);
        let spec = json!({
            "profile": { "displayName": name, "email": format!("{name}@example.com") },
            "memberOf": [group(dice.below(groups))],
        });
        Self::entity("User", &json!({ "name": name }), &spec)
    }
}
