//! Media types of GraphQL-over-HTTP: what a body is sent as, and what the client wants back.

use axum::http::{HeaderMap, HeaderValue, header};

use super::refusal::Refusal;

/// What a GraphQL response is sent as; the status of a refusal depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/json`: a well-formed request is answered with 200 whatever became of it.
    Json,
    /// `application/graphql-response+json`: 4xx where nothing was executed.
    GraphqlResponse,
}

impl MediaType {
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        })
    }

    /// The one that the client likes best; `application/json` if it has no opinion.
    pub(super) fn accepted(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut values = headers.get_all(header::ACCEPT).iter();
        match (values.next().map(HeaderValue::as_bytes), values.next()) {
            (None, _) => return Ok(Self::Json),
            // What programs send is known at a glance.
            (Some(b"application/json"), None) => return Ok(Self::Json),
            (Some(b"application/graphql-response+json"), None) => {
                return Ok(Self::GraphqlResponse);
            }
            _ => {}
        }
        let mut best: Option<(Preference, Self)> = None;
        let values = headers.get_all(header::ACCEPT).iter();
        let ranges = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        for (position, range) in ranges.enumerate() {
            let Some((media_type, specificity)) = Self::of_range(range) else {
                continue;
            };
            let preference = Preference {
                quality: quality(range),
                specificity,
                earliness: usize::MAX - position,
            };
            if preference.quality > 0 && best.as_ref().is_none_or(|(top, _)| preference > *top) {
                best = Some((preference, media_type));
            }
        }
        best.map(|(_, media_type)| media_type)
            .ok_or(Refusal::NotAcceptable)
    }

    fn of_range(range: &str) -> Option<(Self, u8)> {
        let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
        if !is_utf8(parameters) {
            return None;
        }
        let name = name.trim();
        if name.eq_ignore_ascii_case("application/graphql-response+json") {
            Some((Self::GraphqlResponse, 2))
        } else if name.eq_ignore_ascii_case("application/json") {
            Some((Self::Json, 2))
        } else if name.eq_ignore_ascii_case("application/*") {
            Some((Self::Json, 1))
        } else if name == "*/*" {
            Some((Self::Json, 0))
        } else {
            None
        }
    }
}

/// Compared field by field: what the client weighs higher, says more exactly, says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    /// In thousandths.
    quality: u16,
    specificity: u8,
    earliness: usize,
}

fn quality(range: &str) -> u16 {
    let weight = range.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("q")
            .then(|| value.trim().parse::<f32>().unwrap_or(0.0))
    });
    // Between 0 and 1,000 by the clamp, so nothing is cut off.
    (weight.unwrap_or(1.0).clamp(0.0, 1.0) * 1000.0) as u16
}

/// Whether the parameters name no other charset.
fn is_utf8(parameters: &str) -> bool {
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .all(|(_, charset)| {
            let charset = charset.trim().trim_matches('"');
            charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
        })
}

/// A body must be JSON in UTF-8. Browsers send that to another site only after asking us, and we say no: so no form of another site reaches a handler.
pub(super) fn check_body_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers.get(header::CONTENT_TYPE);
    if value.is_some_and(|value| value == "application/json") {
        return Ok(());
    }
    let value = value
        .and_then(|value| value.to_str().ok())
        .ok_or(Refusal::UnsupportedMediaType)?;
    let (name, parameters) = value.split_once(';').unwrap_or((value, ""));
    if name.trim().eq_ignore_ascii_case("application/json") && is_utf8(parameters) {
        Ok(())
    } else {
        Err(Refusal::UnsupportedMediaType)
    }
}

/// Browsers say on whose behalf they send a request; programs say nothing.
pub(super) fn check_site(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        Some(b"cross-site") => Err(Refusal::CrossSite),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accept: &str) -> Result<MediaType, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_str(accept).expect("a header value"),
        );
        MediaType::accepted(&headers)
    }

    #[test]
    fn the_client_chooses() {
        assert_eq!(MediaType::accepted(&HeaderMap::new()), Ok(MediaType::Json));
        for accept in [
            "*/*",
            "application/*",
            "application/json",
            "APPLICATION/JSON; charset=UTF-8",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "application/json, application/graphql-response+json",
            "application/json;q=0.9, application/graphql-response+json;q=0.1",
        ] {
            assert_eq!(check(accept), Ok(MediaType::Json), "{accept}");
        }
        for accept in [
            "application/graphql-response+json",
            "application/graphql-response+json, application/json;q=0.9",
            "application/json;q=0.5, application/graphql-response+json",
            "*/*, application/graphql-response+json;charset=\"utf-8\"",
            "application/graphql-response+json, application/json",
        ] {
            assert_eq!(check(accept), Ok(MediaType::GraphqlResponse), "{accept}");
        }
        for accept in [
            "",
            "text/html",
            "application/json;q=0",
            "application/json;charset=latin1",
        ] {
            assert_eq!(check(accept), Err(Refusal::NotAcceptable), "{accept}");
        }
    }
}
