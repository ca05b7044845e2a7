//! The tags of bodies, by which an upstream says that nothing has changed.

use sha2::{Digest as _, Sha256};

use crate::connect::example::Example;

/// What the tags of an upstream look like: made from bodies, because those change with time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Etags {
    Strong,
    Weak,
}

impl Etags {
    pub(super) fn tag(self, body: &[u8]) -> String {
        let digest = hex::encode(Sha256::digest(body));
        let tag = digest.get(..16).unwrap_or(&digest);
        match self {
            Self::Strong => format!("\"{tag}\""),
            Self::Weak => format!("W/\"{tag}\""),
        }
    }
}

/// An upstream sends tags if one of its examples does, and of that form.
pub(super) fn etags(examples: &[Example]) -> Option<Etags> {
    let replies = examples.iter().flat_map(|example| &example.upstream);
    let mut headers = replies.flat_map(|reply| &reply.headers);
    let (_, written) = headers.find(|(name, _)| name.eq_ignore_ascii_case("etag"))?;
    Some(if written.starts_with("W/") {
        Etags::Weak
    } else {
        Etags::Strong
    })
}
