//! Which docs an entity has, and what was made of them: kept in memory within a bound, and made anew when a file has changed.
//!
//! Where an entity's docs are is said by the schema: the field of `Entity` with the resolver `docs` has an expression (`@resolver(at:)`) that yields `{ ref, entity, location, title }`.
//! Files are looked at by size and time when somebody asks, and nothing is watched: folders, configuration and the page that is asked for each time, so what changes there is seen at once; all other pages, whose titles stand in the navigation, at most twice a second.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::Value;

use super::locate::{Reference, beside, is_folder_url};
use super::render::{Purpose, Rendered, render, too_large};
use super::site::{MAX_PAGE_BYTES, Page, Place, Site, build, told};
use super::tree::{Stamp, Tree, TreeError};
use crate::diagnostic::Diagnostic;
use crate::graph::{Ix, PartId, Snapshot};
use crate::sdl::expr::Scope;
use crate::sdl::{FieldSource, Model};

/// Most bytes of sites and pages that are kept, each.
const KEPT_BYTES: u64 = 16 * 1024 * 1024;
/// So many are expected: more of them, and the room would be divided into parts, of which each would refuse what is larger than itself.
const USUAL: usize = 32;
/// How long the texts of a tree that were looked at are taken to be as they were.
const PAUSE: Duration = Duration::from_millis(500);
/// Looking at them takes at most one part in so many of the time.
const SHARE: u32 = 20;
/// The resolver that says where docs are.
const RESOLVER: &str = "docs";
/// The interface that has it.
const ENTITY: &str = "Entity";
/// Most entities that lead to the docs of another one in a row.
const MAX_STEPS: usize = 8;

/// Knows the folders that descriptors are read from.
pub trait Shelf: Send + Sync + fmt::Debug {
    /// The folder of a source beyond which nothing is read; `None` if it is gone.
    fn root(&self, source: &str) -> Option<PathBuf>;
}

/// The docs of all entities; cheap to share, and safe to ask from many threads. All questions read files.
#[derive(Debug)]
pub struct Library {
    shelf: Option<Arc<dyn Shelf>>,
    sites: Cache<Place, Arc<Built>, Weight>,
    pages: Cache<(u64, String), Arc<Kept>, Weight>,
    /// By the version of a site: the page of each section.
    sections: Cache<u64, Arc<SectionPages>, Weight>,
    /// Who says that it has docs, up to a revision.
    named: Mutex<Named>,
}

/// A site, and when its texts are to be looked at again.
#[derive(Debug)]
struct Built {
    site: Arc<Site>,
    due: Mutex<Instant>,
}

/// By the hash of a section's key ([`PartId::hash`]): which of the site's pages it is on.
type SectionPages = HashMap<Box<str>, usize>;

#[derive(Debug, Default)]
struct Named {
    revision: Option<u64>,
    refs: BTreeSet<Box<str>>,
}

/// The docs of one entity.
#[derive(Clone, Debug)]
pub struct Docs {
    pub site: Arc<Site>,
    pub place: Place,
    /// Whose docs they are: another entity's where one leads to it.
    pub owner: Ix,
}

/// Why an entity has no docs although it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub code: &'static str,
    pub message: String,
    pub hint: String,
    /// What the descriptor says that leads to it.
    pub subject: String,
    /// Problems in files of the docs, if it is they that stand in the way.
    pub files: Vec<Diagnostic>,
}

/// A page with what was made of it.
#[derive(Debug)]
pub struct Kept {
    pub rendered: Rendered,
    /// The text as it is written; none if it could not be read.
    pub markdown: Option<String>,
    stamp: Option<Stamp>,
}

#[derive(Clone, Copy, Debug)]
struct Weight;

impl Weighter<Place, Arc<Built>> for Weight {
    fn weight(&self, _: &Place, built: &Arc<Built>) -> u64 {
        built.site.weight()
    }
}

impl Weighter<(u64, String), Arc<Kept>> for Weight {
    fn weight(&self, _: &(u64, String), kept: &Arc<Kept>) -> u64 {
        let sections = kept.rendered.sections.iter();
        let sections: usize = sections.map(|section| section.text.len() + 100).sum();
        let markdown = kept.markdown.as_ref().map_or(0, String::len);
        (kept.rendered.html.len() + markdown + sections + 1000) as u64
    }
}

impl Weighter<u64, Arc<SectionPages>> for Weight {
    fn weight(&self, _: &u64, sections: &Arc<SectionPages>) -> u64 {
        sections.len() as u64 * 80 + 100
    }
}

impl Default for Library {
    fn default() -> Self {
        Self {
            shelf: None,
            sites: Cache::with_weighter(USUAL, KEPT_BYTES, Weight),
            pages: Cache::with_weighter(USUAL, KEPT_BYTES, Weight),
            sections: Cache::with_weighter(USUAL, KEPT_BYTES, Weight),
            named: Mutex::default(),
        }
    }
}

impl Library {
    /// Docs below the folders of `shelf`.
    pub fn new(shelf: Arc<dyn Shelf>) -> Self {
        Self {
            shelf: Some(shelf),
            ..Self::default()
        }
    }

    /// Whether an entity says that it has docs; no file is read.
    pub fn is_named(&self, snapshot: &Snapshot, ix: Ix) -> bool {
        reference(snapshot, ix).is_some()
    }

    /// All entities that say that they have docs, in the order of their refs; only what changed since the last question is looked at.
    pub fn named(&self, snapshot: &Snapshot) -> Vec<Ix> {
        let mut named = self.named.lock();
        let since = named.revision;
        // Somebody who asks of an older state gets what is known of the newer one.
        if since.is_none_or(|since| since < snapshot.revision()) {
            let changed = snapshot
                .all()
                .iter()
                .map(Ix)
                .filter(|ix| since.is_none_or(|since| snapshot.version(*ix) > since));
            for ix in changed {
                let entity_ref = snapshot.entity_ref(ix);
                match self.is_named(snapshot, ix) {
                    true => named.refs.insert(entity_ref.into()),
                    false => named.refs.remove(entity_ref),
                };
            }
            named
                .refs
                .retain(|entity_ref| snapshot.find(entity_ref).is_some());
            named.revision = Some(snapshot.revision());
        }
        let refs = named.refs.iter();
        refs.filter_map(|entity_ref| snapshot.find(entity_ref))
            .collect()
    }

    /// The docs of an entity; `None` if it does not say that it has any.
    pub fn of(&self, snapshot: &Snapshot, ix: Ix) -> Result<Option<Docs>, Trouble> {
        let Some(mut reference) = reference(snapshot, ix) else {
            return Ok(None);
        };
        let mut owner = ix;
        let mut seen = HashSet::from([ix]);
        while let Some(other) = reference.entity.take() {
            let Some(next) = snapshot.find(&other.to_lowercase()) else {
                return Err(Trouble::of(&other).with(
                    format!("the docs are said to be those of `{other}`, which is not there"),
                    "name an entity with docs, as `component:default/payments-api`",
                ));
            };
            if !seen.insert(next) || seen.len() > MAX_STEPS {
                return Err(Trouble::of(&other).with(
                    format!("the docs are said to be those of `{other}`, which leads back here"),
                    "let one of the entities say where its docs are",
                ));
            }
            owner = next;
            reference = match self::reference(snapshot, next) {
                Some(reference) => reference,
                None => {
                    return Err(Trouble::of(&other).with(
                        format!("the docs are said to be those of `{other}`, which has none"),
                        "let that entity say where its docs are",
                    ));
                }
            };
        }
        let target = &reference.target;
        let place = self.place(snapshot, owner, &reference);
        let place = place.map_err(|trouble| trouble.about(target))?;
        let site = self.site(&place).map_err(|trouble| trouble.about(target))?;
        Ok(Some(Docs { site, place, owner }))
    }

    /// The folder that an entity's reference leads to.
    fn place(&self, snapshot: &Snapshot, ix: Ix, reference: &Reference) -> Result<Place, Trouble> {
        let origin = snapshot.origin(ix).ok_or_else(Trouble::gone)?;
        let root = self
            .shelf
            .as_ref()
            .and_then(|shelf| shelf.root(&origin.source));
        let tree = root
            .and_then(|root| Tree::new(&root))
            .ok_or_else(Trouble::gone)?;
        let folder = super::tree::folder_of(&origin.file);
        Place::of(tree, folder, reference, origin.url.as_deref())
    }

    /// The docs of an entity with all their texts as they are now.
    pub fn of_now(&self, snapshot: &Snapshot, ix: Ix) -> Result<Option<Docs>, Trouble> {
        let docs = self.of(snapshot, ix)?;
        docs.map(|docs| self.anew(docs)).transpose()
    }

    /// The docs of an entity for who asks for the page with this path: of that one they know how it is called now.
    pub fn of_page(
        &self,
        snapshot: &Snapshot,
        ix: Ix,
        path: &str,
    ) -> Result<Option<Docs>, Trouble> {
        let Some(docs) = self.of(snapshot, ix)? else {
            return Ok(None);
        };
        let is_as_it_was = docs.site.page(path).is_none_or(|page| {
            let stamp = docs.place.tree.stamp(&page.file);
            stamp.map(|stamp| stamp.modified) == page.modified
        });
        match is_as_it_was {
            true => Ok(Some(docs)),
            false => self.anew(docs).map(Some),
        }
    }

    fn anew(&self, docs: Docs) -> Result<Docs, Trouble> {
        if docs.site.has_its_frame() && docs.site.has_its_texts() {
            return Ok(docs);
        }
        let site = self.built(&docs.place)?;
        Ok(Docs { site, ..docs })
    }

    /// What is at a place.
    fn site(&self, place: &Place) -> Result<Arc<Site>, Trouble> {
        match self.sites.get(place) {
            Some(known) if known.is_fresh() => Ok(Arc::clone(&known.site)),
            _ => self.built(place),
        }
    }

    fn built(&self, place: &Place) -> Result<Arc<Site>, Trouble> {
        let (site, problems) = build(place);
        let Some(site) = site else {
            self.sites.remove(place);
            return Err(Trouble::empty(place, problems));
        };
        let site = Arc::new(site);
        let built = Built {
            site: Arc::clone(&site),
            due: Mutex::new(Instant::now() + PAUSE),
        };
        self.sites.insert(place.clone(), Arc::new(built));
        Ok(site)
    }

    /// A page as readers see it.
    pub fn page(&self, docs: &Docs, page: &Page) -> Arc<Kept> {
        let key = (docs.site.version, page.virtual_path.clone());
        let tree = &docs.place.tree;
        let stamp = tree.stamp(&page.file);
        if let Some(known) = self.pages.get(&key)
            && known.stamp == stamp
            && known
                .rendered
                .stamps
                .iter()
                .all(|(path, stamp)| tree.is_still(path, *stamp))
        {
            return known;
        }
        let kept = Arc::new(made(&docs.site, &docs.place, page, Purpose::Show));
        self.pages.insert(key, Arc::clone(&kept));
        kept
    }

    /// The page with the section that has this hash; all pages are read for it if nobody has inspected this state of the docs.
    pub fn page_of_section<'d>(&self, docs: &'d Docs, hash: &str) -> Option<&'d Page> {
        let known = self.sections.get(&docs.site.version);
        let known = known.unwrap_or_else(|| self.read(docs, |_, _| {}).1);
        docs.site.pages.get(*known.get(hash)?)
    }

    /// What a file is like that is no page; none if there is no such file.
    pub fn asset_stamp(&self, docs: &Docs, virtual_path: &str) -> Option<Stamp> {
        let file = docs.site.file(virtual_path)?;
        let stamp = docs.place.tree.stamp(&file)?;
        (!stamp.is_folder).then_some(stamp)
    }

    /// The bytes of a file that is no page, and when it changed.
    pub fn asset(&self, docs: &Docs, virtual_path: &str) -> Option<(Vec<u8>, Stamp)> {
        let file = docs.site.file(virtual_path)?;
        docs.place
            .tree
            .read(&file, super::site::MAX_ASSET_BYTES)
            .ok()
    }

    /// Reads all pages for what is wrong in them; `each` gets them one by one. Which sections they have is kept.
    pub fn inspect(&self, docs: &Docs, each: impl FnMut(&Page, &Rendered)) -> Vec<Diagnostic> {
        self.read(docs, each).0
    }

    fn read(
        &self,
        docs: &Docs,
        mut each: impl FnMut(&Page, &Rendered),
    ) -> (Vec<Diagnostic>, Arc<SectionPages>) {
        let mut sections = SectionPages::new();
        let mut numbers = 0..;
        let problems = inspect(&docs.site, &docs.place, |page, rendered| {
            let number = numbers.next().unwrap_or_default();
            let hashes = rendered.sections.iter();
            let hashes = hashes.map(|section| PartId::hash(&section.key(page)));
            sections.extend(hashes.map(|hash| (hash.into(), number)));
            each(page, rendered);
        });
        let sections = Arc::new(sections);
        self.sections
            .insert(docs.site.version, Arc::clone(&sections));
        (problems, sections)
    }
}

impl Built {
    fn is_fresh(&self) -> bool {
        self.site.has_its_frame() && self.has_its_texts()
    }

    /// As far as they were looked at.
    fn has_its_texts(&self) -> bool {
        let started = Instant::now();
        {
            let mut due = self.due.lock();
            if *due > started {
                return true;
            }
            // The others who ask meanwhile do not all look.
            *due = started + PAUSE;
        }
        let is_so = self.site.has_its_texts();
        let now = Instant::now();
        let pause = PAUSE.max((now - started) * SHARE);
        // What is no more as it was stays due until it was built anew.
        *self.due.lock() = if is_so { now + pause } else { now };
        is_so
    }
}

/// Reads all pages of a site for what is wrong in them.
fn inspect(site: &Site, place: &Place, mut each: impl FnMut(&Page, &Rendered)) -> Vec<Diagnostic> {
    let mut problems = site.problems.clone();
    let mut wanted = Vec::new();
    let mut anchors: HashSet<(String, String)> = HashSet::new();
    for page in &site.pages {
        let mut rendered = made(site, place, page, Purpose::Read).rendered;
        each(page, &rendered);
        problems.append(&mut rendered.problems);
        wanted.append(&mut rendered.wanted);
        let own = rendered.anchors.into_iter();
        anchors.extend(own.map(|anchor| (page.virtual_path.clone(), anchor)));
    }
    for wanted in wanted {
        if !anchors.contains(&(wanted.virtual_path.clone(), wanted.anchor.clone())) {
            let message = format!(
                "the link leads to `#{}`, which `{}` does not have",
                wanted.anchor, wanted.virtual_path
            );
            let mut problem = Diagnostic::warning("docs-anchor", wanted.file, message);
            problem.severity = crate::diagnostic::Severity::Info;
            let problem = problem.at(super::render::at_line(wanted.line));
            problems.push(
                problem.hint("a heading's anchor is its text in lower case, with `-` for spaces"),
            );
        }
    }
    problems
}

/// What is wrong with the docs beside a descriptor in `folder` of `root`: for who has no catalog.
pub fn examine(
    root: &Path,
    folder: &str,
    reference: &Reference,
) -> Result<Vec<Diagnostic>, Trouble> {
    let tree = Tree::new(root).ok_or_else(Trouble::gone)?;
    let about = |trouble: Trouble| trouble.about(&reference.target);
    let place = Place::of(tree, folder, reference, None).map_err(about)?;
    let (site, problems) = build(&place);
    match site {
        Some(site) => Ok(inspect(&site, &place, |_, _| {})),
        None => Err(about(Trouble::empty(&place, problems))),
    }
}

fn made(site: &Site, place: &Place, page: &Page, purpose: Purpose) -> Kept {
    let read = place.tree.read_text(&page.file, MAX_PAGE_BYTES);
    let (markdown, stamp, rendered) = match read {
        Ok((text, stamp)) => {
            let source = place.url.as_deref();
            let rendered = render(site, page, &text, source, purpose);
            (Some(text), Some(stamp), rendered)
        }
        Err(TreeError::TooLarge { size, .. }) => {
            (None, place.tree.stamp(&page.file), too_large(page, size))
        }
        Err(error) => {
            let rendered = Rendered {
                html: format!("<p>{}</p>\n", super::render::escape(&error.to_string())),
                problems: vec![told(&error, &page.file)],
                ..Rendered::default()
            };
            (None, place.tree.stamp(&page.file), rendered)
        }
    };
    Kept {
        rendered,
        markdown,
        stamp,
    }
}

/// What an entity says of its docs.
fn reference(snapshot: &Snapshot, ix: Ix) -> Option<Reference> {
    let at = binding(snapshot.model())?;
    let descriptor = snapshot.descriptor(ix);
    let said = at.eval(&Scope {
        this: Some(&descriptor),
        entity: Some(&descriptor),
        ..Scope::default()
    });
    Reference::read(&said)
}

/// The expression of the schema that says where docs are.
fn binding(model: &Model) -> Option<&crate::sdl::expr::Expr> {
    let fields = &model.types.get(ENTITY)?.fields;
    fields.values().find_map(|field| match &field.source {
        FieldSource::Resolver(binding) if *binding.name == *RESOLVER => binding.at.as_ref(),
        _ => None,
    })
}

/// What a descriptor says of its docs, without a snapshot: for `check`.
pub fn said(model: &Model, descriptor: &Value) -> Option<Reference> {
    let at = binding(model)?;
    let said = at.eval(&Scope {
        this: Some(descriptor),
        entity: Some(descriptor),
        ..Scope::default()
    });
    Reference::read(&said)
}

/// Where in a descriptor a text stands that says something of its docs, as a path of keys.
pub fn key_of(model: &Model, descriptor: &Value, text: &str) -> Option<Vec<Box<str>>> {
    let reads = binding(model)?.reads();
    reads.into_iter().map(|read| read.path).find(|path| {
        let mut at = Some(descriptor);
        for key in path {
            at = at.and_then(|value| value.get(&**key));
        }
        at.and_then(Value::as_str)
            .is_some_and(|found| found.trim() == text)
    })
}

impl Place {
    /// What `reference` leads to, said by a descriptor in `folder` that can be seen at `url`.
    fn of(
        tree: Tree,
        folder: &str,
        reference: &Reference,
        url: Option<&str>,
    ) -> Result<Self, Trouble> {
        let locations = [reference.location.as_deref(), url];
        let (folder, url) = beside(folder, &reference.target, &locations)?;
        Ok(Self {
            tree: Arc::new(tree),
            folder,
            url: url.filter(|url| is_folder_url(url)),
            title: reference.title.clone(),
        })
    }
}

impl Trouble {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::of("").with(message, hint)
    }

    fn of(subject: &str) -> Self {
        Self {
            code: "docs-source",
            message: String::new(),
            hint: String::new(),
            subject: subject.to_owned(),
            files: Vec::new(),
        }
    }

    fn with(self, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
            ..self
        }
    }

    fn about(self, subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            ..self
        }
    }

    fn gone() -> Self {
        Self::new(
            "the folder that the descriptor was read from is not there",
            "look at `sources`",
        )
    }

    fn empty(place: &Place, files: Vec<Diagnostic>) -> Self {
        let shown = match place.folder.as_str() {
            "" => "the folder of its source".to_owned(),
            folder => format!("`{folder}`"),
        };
        Self {
            code: "docs-missing",
            message: format!("there are no docs in {shown}"),
            hint: "write `docs/index.md` or `README.md` there, with or without a `mkdocs.yml`"
                .to_owned(),
            subject: String::new(),
            files,
        }
    }
}
