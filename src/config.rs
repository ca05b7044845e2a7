//! `callboard.yaml` as plain data; modules take their section by value.

use std::path::PathBuf;

/// One entry of `sources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceConfig {
    /// Default: `<type>-<position>`, counted from 1.
    pub name: String,
    pub kind: SourceKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A file, a folder or a glob, made absolute against the configuration file's folder.
    File {
        path: PathBuf,
        /* as written */ written: String,
    },
}
