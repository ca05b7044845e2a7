//! Docs of entities: what is in files, which the snapshot does not hold.
//!
//! Files are read on threads that may wait; what was made of them is kept by the [`Library`] and shared with the pages at `/docs`.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::{Code, FieldError};
use super::stored::answer;
use crate::connect::{Answer, Fault, Fetched, Group, LiveSource, Parent};
use crate::docs::{Docs, Library, Page, Section};
use crate::graph::{Ix, Part, PartId, Snapshot};

/// The last part of the path of a page that is somebody's runbook, and the type of links that are.
const RUNBOOK: &str = "runbook";
/// In the parent of a runbook: what it is if the docs have none.
const OTHERWISE: &str = "otherwise";

/// Answers what the schema asks of docs.
#[derive(Clone, Debug)]
pub(crate) struct Shelves(pub(crate) Arc<Library>);

impl LiveSource for Shelves {
    fn fetch(&self, groups: Vec<Group>) -> Vec<BoxFuture<'static, Vec<Answer>>> {
        let each = groups.into_iter().map(|group| {
            let n = group.parents.len();
            let own = self.clone();
            let reading = crate::tasks::blocking("reading docs", move || own.answers(&group));
            async move { reading.await.unwrap_or_else(|error| failed(&error, n)) }.boxed()
        });
        each.collect()
    }

    fn nodes(&self, group: Group) -> BoxFuture<'static, Vec<Answer>> {
        let n = group.parents.len();
        let own = self.clone();
        let reading = crate::tasks::blocking("reading docs", move || {
            let snapshot = &group.scope.snapshot;
            let ids = group.parents.iter().map(|parent| match parent {
                Parent::Object(id) => id.as_str().unwrap_or_default(),
                _ => "",
            });
            ids.map(|id| found(own.node(snapshot, id))).collect()
        });
        async move { reading.await.unwrap_or_else(|error| failed(&error, n)) }.boxed()
    }
}

/// What a runbook is asked of: the entity, and what it is if the docs have no such page.
pub(super) fn runbook_parent(entity_ref: &str, otherwise: &Value) -> Parent {
    Parent::Object(json!({ "at": entity_ref, OTHERWISE: otherwise }).into())
}

impl Shelves {
    fn answers(&self, group: &Group) -> Vec<Answer> {
        let snapshot = &group.scope.snapshot;
        let parents = group.parents.iter();
        parents
            .map(|parent| match parent {
                Parent::Entity(ix) => {
                    let docs = self.docs(snapshot, *ix);
                    found(docs.map(|docs| docs_value(snapshot, *ix, &docs)))
                }
                Parent::Object(value) => found(self.member(snapshot, group, value)),
                _ => Answer::null(),
            })
            .collect()
    }

    /// What stands in the way is a problem of the entity.
    fn docs(&self, snapshot: &Snapshot, ix: Ix) -> Option<Docs> {
        self.0.of(snapshot, ix).ok().flatten()
    }

    fn member(&self, snapshot: &Snapshot, group: &Group, parent: &Value) -> Option<Value> {
        let at = snapshot.find(parent.get("at")?.as_str()?)?;
        if let Some(otherwise) = parent.get(OTHERWISE) {
            let docs = self.docs(snapshot, at);
            let page = docs.as_ref().and_then(runbook);
            let link = page.map(|page| link(snapshot, at, page));
            return Some(link.unwrap_or_else(|| otherwise.clone()));
        }
        if group.field.resolver == "docsPage" {
            let path = group.field.arguments.get("path")?.as_str()?;
            let docs = self.0.of_page(snapshot, at, path).ok().flatten()?;
            let page = docs.site.page(path)?;
            return Some(page_value(snapshot, at, &docs, page));
        }
        let docs = self.docs(snapshot, at)?;
        let page = docs.site.page_of_file(parent.get("file")?.as_str()?)?;
        let kept = self.0.page(&docs, page);
        Some(match group.field.resolver {
            "docsHtml" => kept.rendered.html.as_str().into(),
            "docsMarkdown" => kept.markdown.as_deref().into(),
            "docsToc" => {
                let url = page_url(snapshot, at, page);
                let toc = kept.rendered.toc.iter();
                toc.map(|heading| {
                    json!({
                        "level": heading.level,
                        "title": heading.title,
                        "anchor": heading.anchor,
                        "url": format!("{url}#{}", heading.anchor),
                    })
                })
                .collect()
            }
            "docsSections" => {
                let sections = kept.rendered.sections.iter();
                sections
                    .map(|section| section_value(snapshot, at, &docs, page, section))
                    .collect()
            }
            _ => Value::Null,
        })
    }

    /// The section with an id.
    fn node(&self, snapshot: &Snapshot, id: &str) -> Option<Value> {
        let part = PartId::read(id).filter(|part| part.part == Part::Section)?;
        let ix = snapshot.find_id(part.entity_id)?;
        let docs = self.docs(snapshot, ix)?;
        let page = self.0.page_of_section(&docs, part.hash)?;
        let kept = self.0.page(&docs, page);
        let mut sections = kept.rendered.sections.iter();
        let section = sections.find(|section| PartId::hash(&section.key(page)) == part.hash)?;
        Some(section_value(snapshot, ix, &docs, page, section))
    }
}

fn docs_value(snapshot: &Snapshot, ix: Ix, docs: &Docs) -> Value {
    let pages = docs.site.pages.iter();
    let pages: Vec<Value> = pages
        .map(|page| page_value(snapshot, ix, docs, page))
        .collect();
    json!({
        "at": snapshot.entity_ref(ix),
        "title": docs.site.title,
        "entity": snapshot.entity_ref(docs.owner),
        "url": docs_url(snapshot, ix),
        "openIssues": docs.site.issues_url(),
        "pages": pages,
    })
}

fn page_value(snapshot: &Snapshot, ix: Ix, docs: &Docs, page: &Page) -> Value {
    let modified = page.modified.and_then(|at| Timestamp::try_from(at).ok());
    json!({
        "at": snapshot.entity_ref(ix),
        "file": page.virtual_path,
        "path": page.path,
        "title": page.title,
        "breadcrumbs": page.sections,
        "inNav": page.in_nav,
        "updatedAt": modified.map(|at| at.to_string()),
        "editUrl": page.edit_url,
        "url": page_url(snapshot, ix, page),
        "entity": snapshot.entity_ref(docs.owner),
    })
}

fn section_value(
    snapshot: &Snapshot,
    ix: Ix,
    docs: &Docs,
    page: &Page,
    section: &Section,
) -> Value {
    let url = page_url(snapshot, ix, page);
    let url = match section.anchor.as_str() {
        "" => url,
        anchor => format!("{url}#{anchor}"),
    };
    let title = match section.title.as_str() {
        "" => page.title.as_str(),
        title => title,
    };
    json!({
        "__typename": "DocsSection",
        "id": section_id(snapshot, docs.owner, page, section),
        "title": title,
        "text": section.text,
        "anchor": section.anchor,
        "url": url,
        "page": page_value(snapshot, ix, docs, page),
        "entity": snapshot.entity_ref(docs.owner),
    })
}

/// A section as the search finds it.
#[derive(Clone, Debug)]
pub struct FoundSection {
    /// Of its node.
    pub id: String,
    pub title: String,
    /// Of its page, and of the docs.
    pub page: String,
    pub docs: String,
    pub text: String,
    /// A `DocsSection` as its fields read it, also after a restart.
    pub node: Value,
}

/// All sections of the docs of an entity, and what tells this state of the files from another, also after a restart.
///
/// None where it has no docs of its own: those of another entity are found with that one. Reads files.
pub fn sections(
    library: &Library,
    snapshot: &Snapshot,
    ix: Ix,
) -> Option<(u64, Vec<FoundSection>)> {
    let docs = library.of(snapshot, ix).ok().flatten()?;
    if docs.owner != ix {
        return None;
    }
    let mut found = Vec::new();
    drop(library.inspect(&docs, |page, rendered| {
        found.extend(rendered.sections.iter().map(|section| {
            let node = section_value(snapshot, ix, &docs, page, section);
            FoundSection {
                id: section_id(snapshot, ix, page, section),
                title: match section.title.as_str() {
                    "" => page.title.clone(),
                    title => title.to_owned(),
                },
                page: page.title.clone(),
                docs: docs.site.title.clone(),
                text: section.text.clone(),
                node,
            }
        }));
    }));
    Some((docs.site.fingerprint(), found))
}

/// The id of a section: of the entity whose docs they are, so it is the same wherever they are shown.
fn section_id(snapshot: &Snapshot, owner: Ix, page: &Page, section: &Section) -> String {
    PartId::of(Part::Section, snapshot.id(owner), &section.key(page))
}

/// Where the docs of an entity are on this server.
fn docs_url(snapshot: &Snapshot, ix: Ix) -> String {
    let path = snapshot.entity_ref(ix).replacen(':', "/", 1);
    format!("/docs/{}/", crate::docs::encode(&path))
}

/// Where a page is on this server.
fn page_url(snapshot: &Snapshot, ix: Ix, page: &Page) -> String {
    let base = docs_url(snapshot, ix);
    match page.path.as_str() {
        "" => base,
        path => format!("{base}{}/", crate::docs::encode(path)),
    }
}

/// The page of this name.
fn runbook(docs: &Docs) -> Option<&Page> {
    let named = |page: &&Page| {
        let last = page.path.rsplit('/').next().unwrap_or_default();
        last.eq_ignore_ascii_case(RUNBOOK) || page.title.eq_ignore_ascii_case(RUNBOOK)
    };
    docs.site.pages.iter().find(named)
}

fn link(snapshot: &Snapshot, ix: Ix, page: &Page) -> Value {
    json!({
        "url": page_url(snapshot, ix, page),
        "title": page.title,
        "icon": null,
        "type": RUNBOOK,
    })
}

fn found(value: Option<Value>) -> Answer {
    answer(Ok(Fetched::Value(value.unwrap_or_default())))
}

fn failed(error: &crate::tasks::Unfinished, n: usize) -> Vec<Answer> {
    tracing::error!(%error, "docs could not be read: {error}");
    let error = FieldError::new(Code::Internal, "the docs could not be read");
    vec![Fault::from(error).into(); n]
}
