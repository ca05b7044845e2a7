//! `/docs`: the docs of entities as pages, and the files that they show.
//!
//! Every link of a page is relative, so a proxy may serve all of it below a path of its own; no page needs a script, and none may run one.
//! Files are read on a thread that may wait, within the time of the request.

mod readable;
mod theme;

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use super::Board;
use super::graphql::permit;
use super::refusal::Refusal;
use crate::clock::Budget;
use crate::docs::{Docs, Library, Stamp, Trouble};
use crate::graph::{Ix, Snapshot};

/// Pages load their theme and their images from here, and nothing else.
const POLICY: &str = "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What somebody wrote into a repository: whatever it is, it runs nothing and is nobody's page.
const ASSET_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// What is at an address below `/docs/`.
enum Found {
    Html(StatusCode, String),
    /// With the tag of its file; no bytes for a client that has them.
    Asset {
        name: String,
        tag: String,
        bytes: Option<Vec<u8>>,
    },
    /// As seen from where it was asked for.
    Elsewhere(String),
}

pub(super) async fn bare() -> Response {
    (
        StatusCode::TEMPORARY_REDIRECT,
        [(header::LOCATION, "docs/")],
    )
        .into_response()
}

pub(super) async fn theme(headers: HeaderMap) -> Response {
    let css = include_str!("docs.css");
    respond(
        &headers,
        StatusCode::OK,
        "text/css; charset=utf-8",
        POLICY,
        css.into(),
    )
}

/// The mark of the playground; without one browsers ask the root of the origin, which may be somebody else's.
pub(super) async fn icon(headers: HeaderMap) -> Response {
    let svg = include_str!("../../playground/src/icon.svg");
    respond(
        &headers,
        StatusCode::OK,
        "image/svg+xml",
        POLICY,
        svg.into(),
    )
}

/// Which entities have docs.
pub(super) async fn overview(
    State(board): State<Arc<Board>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = look(&board, |library, snapshot| {
        let docs = library.named(snapshot).into_iter().map(|ix| {
            let found = library.of(snapshot, ix);
            (ix, found)
        });
        Found::Html(StatusCode::OK, theme::overview(snapshot, docs.collect()))
    })
    .await?;
    Ok(show(&headers, found))
}

/// A page or a file: `{kind}/{namespace}/{name}/…`.
pub(super) async fn page(
    State(board): State<Arc<Board>>,
    Path(path): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let ends_with_slash = uri.path().ends_with('/');
    let known = Known::of(&headers);
    let found = look(&board, move |library, snapshot| {
        let asked = Asked {
            path: &path,
            ends_with_slash,
            known: &known,
        };
        find(library, snapshot, &asked)
    })
    .await?;
    Ok(show(&headers, found))
}

/// Looks on a thread that may wait for files.
async fn look(
    board: &Board,
    look: impl FnOnce(&Library, &Snapshot) -> Found + Send + 'static,
) -> Result<Found, Refusal> {
    if !board.is_ready() {
        return Err(Refusal::NotReady);
    }
    let budget = Budget::of(board.limits.request_time);
    let _permit = permit(board)?;
    let catalog = board.catalog();
    let looking = crate::tasks::blocking("showing docs", move || {
        look(catalog.library(), &catalog.snapshot())
    });
    match tokio::time::timeout_at(budget.deadline, looking).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => {
            tracing::error!(%error, "docs could not be shown: {error}");
            Err(Refusal::Internal)
        }
        Err(_elapsed) => Err(Refusal::Timeout {
            seconds: board.limits.request_time.as_secs(),
        }),
    }
}

/// What is asked for below `/docs/`.
struct Asked<'a> {
    path: &'a str,
    ends_with_slash: bool,
    known: &'a Known,
}

fn find(library: &Library, snapshot: &Snapshot, asked: &Asked<'_>) -> Found {
    let path = asked.path;
    let mut parts = path.splitn(4, '/');
    let triplet = [parts.next(), parts.next(), parts.next()];
    let [Some(kind), Some(namespace), Some(name)] = triplet else {
        return missing(
            path,
            "An address of docs is `/docs/{kind}/{namespace}/{name}/`.",
            None,
        );
    };
    let entity_ref = format!("{kind}:{namespace}/{name}").to_lowercase();
    let Some(ix) = snapshot.find(&entity_ref) else {
        let text = format!("The catalog has no entity `{entity_ref}`.");
        return missing(path, &text, None);
    };
    let rest = parts.next();
    let wanted = rest.unwrap_or_default().trim_end_matches('/');
    let docs = match library.of_page(snapshot, ix, wanted) {
        Ok(Some(docs)) => docs,
        Ok(None) => {
            let text = format!("The descriptor of `{entity_ref}` names no docs.");
            return missing(path, &text, None);
        }
        Err(trouble) => return troubled(path, &entity_ref, &trouble),
    };
    let Some(rest) = rest else {
        return Found::Elsewhere(format!("{}/", crate::docs::encode(name)));
    };
    in_docs(library, snapshot, ix, &docs, rest, asked).unwrap_or_else(|| {
        missing(
            path,
            "These docs have no such page.",
            Some((snapshot, ix, &docs)),
        )
    })
}

fn in_docs(
    library: &Library,
    snapshot: &Snapshot,
    ix: Ix,
    docs: &Docs,
    rest: &str,
    asked: &Asked<'_>,
) -> Option<Found> {
    let ends_with_slash = asked.ends_with_slash;
    let plain = rest.trim_end_matches('/');
    if let Some(page) = docs.site.page(plain).filter(|page| page.path == plain) {
        if !ends_with_slash {
            let last = page.path.rsplit('/').next().unwrap_or_default();
            return Some(Found::Elsewhere(format!("{}/", crate::docs::encode(last))));
        }
        let kept = library.page(docs, page);
        let html = theme::page(snapshot, ix, docs, page, &kept);
        return Some(Found::Html(StatusCode::OK, html));
    }
    let is_page = docs.site.page_of_file(plain).is_some();
    if !ends_with_slash
        && !is_page
        && let Some(stamp) = library.asset_stamp(docs, plain)
    {
        let tag = tag_of(stamp);
        if asked.known.has(&tag) {
            return Some(Found::Asset {
                name: plain.to_owned(),
                tag,
                bytes: None,
            });
        }
        if let Some((bytes, stamp)) = library.asset(docs, plain) {
            return Some(Found::Asset {
                name: plain.to_owned(),
                tag: tag_of(stamp),
                bytes: Some(bytes),
            });
        }
    }
    if plain.is_empty() && ends_with_slash {
        let first = docs.site.pages.first()?;
        return Some(Found::Elsewhere(format!(
            "{}/",
            crate::docs::encode(&first.path)
        )));
    }
    // `guide.md`, `guide/index.html` and the like, as they are linked from elsewhere.
    let page = docs.site.page(plain)?;
    let depth = rest.matches('/').count();
    let up = "../".repeat(depth);
    let to = match page.path.as_str() {
        "" if up.is_empty() => "./".to_owned(),
        "" => up,
        path => format!("{up}{}/", crate::docs::encode(path)),
    };
    Some(Found::Elsewhere(to))
}

fn missing(path: &str, text: &str, docs: Option<(&Snapshot, Ix, &Docs)>) -> Found {
    Found::Html(StatusCode::NOT_FOUND, theme::missing(path, text, docs))
}

fn troubled(path: &str, entity_ref: &str, trouble: &Trouble) -> Found {
    let text = format!(
        "The docs of `{entity_ref}`: {}. To do: {}.",
        trouble.message, trouble.hint
    );
    missing(path, &text, None)
}

fn show(headers: &HeaderMap, found: Found) -> Response {
    match found {
        Found::Html(status, html) => respond(
            headers,
            status,
            "text/html; charset=utf-8",
            POLICY,
            html.into_bytes(),
        ),
        Found::Asset { name, tag, bytes } => {
            let kind = content_type(&name);
            tagged(tag, bytes, StatusCode::OK, kind, ASSET_POLICY)
        }
        Found::Elsewhere(to) => match HeaderValue::try_from(to) {
            Ok(to) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response(),
            Err(_) => Refusal::Internal.into_response(),
        },
    }
}

/// With a tag of its bytes, by which a client asks whether it has them already.
fn respond(
    headers: &HeaderMap,
    status: StatusCode,
    content_type: &'static str,
    policy: &'static str,
    bytes: Vec<u8>,
) -> Response {
    let digest = Sha256::digest(&bytes);
    let tag = format!("\"{}\"", hex::encode(digest.get(..12).unwrap_or_default()));
    let is_known = status == StatusCode::OK && Known::of(headers).has(&tag);
    tagged(
        tag,
        (!is_known).then_some(bytes),
        status,
        content_type,
        policy,
    )
}

/// Without bytes, the client has them.
fn tagged(
    tag: String,
    bytes: Option<Vec<u8>>,
    status: StatusCode,
    content_type: &'static str,
    policy: &'static str,
) -> Response {
    let mut response = match bytes {
        None => StatusCode::NOT_MODIFIED.into_response(),
        Some(bytes) => (status, Body::from(bytes)).into_response(),
    };
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    own.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        own.insert(header::ETAG, tag);
    }
    response
}

/// The tag of a file: by its size and its time, so it need not be read to tell whether it is another one.
fn tag_of(stamp: Stamp) -> String {
    let modified = stamp.modified.duration_since(UNIX_EPOCH);
    let nanos = modified.map_or(0, |modified| modified.as_nanos());
    format!("W/\"{:x}-{nanos:x}\"", stamp.size)
}

/// The tags that a client has.
struct Known(Vec<String>);

impl Known {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get_all(header::IF_NONE_MATCH).iter();
        let tags = given.flat_map(|given| given.to_str().unwrap_or_default().split(','));
        Self(tags.map(|tag| bare_tag(tag).to_owned()).collect())
    }

    fn has(&self, tag: &str) -> bool {
        let mut given = self.0.iter();
        given.any(|given| given == bare_tag(tag) || given == "*")
    }
}

/// A tag without its weakness: what is compared for a page.
fn bare_tag(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/")
}

/// What a file is served as: by its name, but nothing that a browser would take for a page or a script.
fn content_type(name: &str) -> &'static str {
    let guessed = mime_guess::from_path(name).first_raw();
    match guessed.unwrap_or("application/octet-stream") {
        // An image runs nothing where it is shown as one, and alone it stands in a sandbox.
        "image/svg+xml" => "image/svg+xml",
        known
            if known.starts_with("image/")
                || known.starts_with("video/")
                || known.starts_with("audio/")
                || known.starts_with("font/")
                || matches!(
                    known,
                    "application/pdf" | "application/json" | "application/zip" | "application/gzip"
                ) =>
        {
            known
        }
        known
            if known.starts_with("text/")
                || known.contains("xml")
                || known.contains("script")
                || known.contains("yaml") =>
        {
            "text/plain; charset=utf-8"
        }
        _ => "application/octet-stream",
    }
}
