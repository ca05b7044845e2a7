//! Descriptors on disk, and what becomes of them in store, snapshot, problems and change log.

mod broken;
mod claims;
mod following;
mod locations;
mod reading;
mod snapshot;

#[test]
fn codes_are_sorted_and_new() {
    use callboard::{catalog, ingest};
    assert!(ingest::CODES.is_sorted());
    // A file may be found too large before it is read, or while a text is filled in: one code.
    let both: Vec<_> = ingest::CODES
        .iter()
        .filter(|(code, _)| catalog::CODES.iter().any(|(other, _)| other == code))
        .map(|(code, _)| *code)
        .collect();
    assert_eq!(both, ["file-too-large"]);
}
