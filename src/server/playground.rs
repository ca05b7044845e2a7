//! `/`: the playground, a web app whose built files the program carries (`playground/`).
//!
//! All files but `index.html` are kept compressed, and are called by a hash of what is in them, so a browser that has one never asks again.
//! Every address within the app gets the same `index.html`, told where the root is as seen from there: so a proxy may serve all of it below a path of its own.
//! Programs that read no HTML get a few lines of text.

use std::io::Read as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::Board;
use super::refusal::Refusal;

/// Names within `playground/dist`, and what is in them.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/playground-dist.rs"));
/// First segments of the app's own addresses; `playground/src/app/pages.ts` has the pages.
pub(super) const PAGES: &[&str] = &["query", "graph", "catalog", "status"];
/// Nothing but our own files runs, shows or is asked; the query editor alone writes styles into its elements.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";
/// In `index.html`, in place of which the root is named.
const BASE: &str = "<base href=\"./\"";

/// The start.
pub(super) async fn start(State(board): State<Arc<Board>>, headers: HeaderMap) -> Response {
    match reads_html(&headers) {
        true => page("/", &headers, StatusCode::OK),
        false => text(&board),
    }
}

/// Any other address within the app.
pub(super) async fn within(uri: Uri, headers: HeaderMap) -> Response {
    page(uri.path(), &headers, StatusCode::OK)
}

/// Where nothing is: a person gets a page that says so, a program the refusal.
pub(super) async fn nowhere(uri: Uri, headers: HeaderMap) -> Response {
    match reads_html(&headers) {
        true => page(uri.path(), &headers, StatusCode::NOT_FOUND),
        false => Refusal::NotFound(uri.path().to_owned()).into_response(),
    }
}

/// A built file.
pub(super) async fn asset(
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let packed = format!("assets/{name}.gz");
    let missing = || Refusal::NotFound(uri.path().to_owned());
    let bytes = file(&packed).ok_or_else(missing)?;
    let (body, encoding) = match takes_gzip(&headers) {
        true => (Bytes::from_static(bytes), Some("gzip")),
        false => (unpack(bytes)?, None),
    };
    let mut response = Body::from(body).into_response();
    let own = response.headers_mut();
    let kind = mime_guess::from_path(&name).first_raw();
    let kind = kind.unwrap_or("application/octet-stream");
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(encoding) = encoding {
        own.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let for_ever = "public, max-age=31536000, immutable";
    set(own, header::CACHE_CONTROL, for_ever);
    set(own, header::VARY, "accept-encoding");
    // Workers have a policy of their own: that of their file.
    set(own, header::CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}

fn file(name: &str) -> Option<&'static [u8]> {
    let found = FILES.iter().find(|(known, _)| *known == name);
    found.map(|(_, bytes)| *bytes)
}

fn unpack(bytes: &[u8]) -> Result<Bytes, Refusal> {
    let mut unpacked = Vec::new();
    match flate2::read::GzDecoder::new(bytes).read_to_end(&mut unpacked) {
        Ok(_) => Ok(unpacked.into()),
        Err(error) => {
            tracing::error!(%error, "a built file of the playground is damaged: {error}");
            Err(Refusal::Internal)
        }
    }
}

/// `index.html` as seen from `path`, with a tag by which a browser asks whether it has it already.
fn page(path: &str, headers: &HeaderMap, status: StatusCode) -> Response {
    let template = file("index.html").and_then(|bytes| std::str::from_utf8(bytes).ok());
    let Some(template) = template else {
        tracing::error!("the program was built without `playground/dist/index.html`");
        return Refusal::Internal.into_response();
    };
    let up = path.matches('/').count().saturating_sub(1);
    let root = match up {
        0 => "./".to_owned(),
        _ => "../".repeat(up),
    };
    let html = template.replacen(BASE, &format!("<base href=\"{root}\""), 1);
    let digest = Sha256::digest(&html);
    let tag = format!("\"{}\"", hex::encode(digest.get(..12).unwrap_or_default()));
    let given = headers.get_all(header::IF_NONE_MATCH).iter();
    let is_known = given
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|given| given.trim().trim_start_matches("W/") == tag);
    let mut response = match is_known && status == StatusCode::OK {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => (status, Body::from(html)).into_response(),
    };
    let own = response.headers_mut();
    set(own, header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(own, header::CONTENT_SECURITY_POLICY, POLICY);
    set(own, header::CACHE_CONTROL, "no-cache");
    set(own, header::VARY, "accept");
    if let Ok(tag) = HeaderValue::try_from(tag) {
        own.insert(header::ETAG, tag);
    }
    response
}

/// What this is, for those who came by `curl`.
fn text(board: &Board) -> Response {
    let entities = board.catalog().snapshot().len();
    let status = match (board.is_ready(), entities) {
        (false, _) => "The catalog is being loaded.".to_owned(),
        (true, 0) => {
            "The catalog is empty: name your descriptors under `sources` in `callboard.yaml`."
                .to_owned()
        }
        (true, 1) => "One entity is served.".to_owned(),
        (true, entities) => format!("{entities} entities are served."),
    };
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        "Callboard {version}: the software catalog as one GraphQL graph.\n{status}\n\n\
         POST /graphql         ask: {{\"query\": \"{{ entities {{ totalCount }} }}\"}}\n\
         GET  /schema.graphql  the schema\n\
         GET  /docs/           the docs of the catalog, for a browser\n\
         GET  /                the playground, for a browser\n"
    );
    let mut response = Body::from(text).into_response();
    let own = response.headers_mut();
    set(own, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    set(own, header::CACHE_CONTROL, "no-cache");
    set(own, header::VARY, "accept");
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// Whether `text/html` is asked for by name, as browsers do.
fn reads_html(headers: &HeaderMap) -> bool {
    let mut accept = headers.get_all(header::ACCEPT).iter();
    accept.any(|value| value.to_str().is_ok_and(|text| text.contains("text/html")))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let given = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = given
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().trim_start_matches("q=");
        matches!(name.trim(), "gzip" | "x-gzip" | "*") && weight.parse() != Ok(0.0_f32)
    })
}
