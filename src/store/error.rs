//! What can go wrong with the database, told apart by what the operator can do about it.

use sea_orm::{DbErr, RuntimeErr, SqlxError};

/// What went wrong with the database, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("`{url}` is no database URL")]
    Url { url: String },
    #[error("the database `{url}` cannot be opened")]
    Open {
        url: String,
        #[source]
        source: DbErr,
    },
    #[error("the database `{url}` is locked by another process")]
    Locked {
        url: String,
        #[source]
        source: DbErr,
    },
    #[error("the database `{url}` is served by another process, which holds `{lock}`")]
    InUse { url: String, lock: String },
    #[error("there is no room left to write to the database `{url}`")]
    Full {
        url: String,
        #[source]
        source: DbErr,
    },
    #[error("the database `{url}` is damaged, or is no database")]
    Corrupt {
        url: String,
        #[source]
        source: DbErr,
    },
    #[error("the database `{url}` cannot be written to")]
    ReadOnly {
        url: String,
        #[source]
        source: DbErr,
    },
    #[error("the database `{url}` was made by a newer version: it has the step `{step}`")]
    Newer { url: String, step: String },
    #[error("the database `{url}` gave no answer in time")]
    Busy {
        url: String,
        #[source]
        source: DbErr,
    },
    #[error("the database `{url}` holds `{what}` that cannot be read")]
    Content { url: String, what: String },
    #[error("the database `{url}` refused a statement")]
    Statement {
        url: String,
        #[source]
        source: DbErr,
    },
}

impl StoreError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Url { .. } => {
                "write `sqlite:callboard.db` or `postgres://user:password@host/database`"
            }
            Self::Open { .. } => {
                "check that the folder exists and may be written to, or that the server runs and lets this user in"
            }
            Self::Locked { .. } => {
                "stop the other process that uses the file, or give this one a file of its own with `database.url`"
            }
            Self::InUse { .. } => {
                "stop the other server, or give this one a file of its own with `database.url`"
            }
            Self::Full { .. } => {
                "make room on the disk; what was served is still served, and the next reading writes what is missing"
            }
            Self::Corrupt { .. } | Self::Content { .. } => {
                "restore a backup, or move the file away: the catalog is then read again from its sources, only history is lost"
            }
            Self::ReadOnly { .. } => {
                "give this user the right to write to the file and to its folder"
            }
            Self::Newer { .. } => "start the newer version, or restore a backup from before it",
            Self::Busy { .. } => "check the load of the database and of its network",
            Self::Statement { .. } => "this is a defect of Callboard: please report it",
        }
    }

    /// The message with those of its causes, for a log line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let message = error.to_string();
            // Some libraries repeat their cause in their own message.
            if !text.ends_with(&message) {
                text.push_str(": ");
                text.push_str(&message);
            }
            cause = error.source();
        }
        text
    }

    /// Sorts `source` by what the operator can do.
    pub(super) fn of(url: &str, source: DbErr) -> Self {
        let url = url.to_owned();
        match category(&source) {
            Category::Locked => Self::Locked { url, source },
            Category::Full => Self::Full { url, source },
            Category::Corrupt => Self::Corrupt { url, source },
            Category::ReadOnly => Self::ReadOnly { url, source },
            Category::Open => Self::Open { url, source },
            Category::Busy => Self::Busy { url, source },
            Category::Other => Self::Statement { url, source },
        }
    }
}

enum Category {
    Locked,
    Full,
    Corrupt,
    ReadOnly,
    Open,
    Busy,
    Other,
}

fn category(error: &DbErr) -> Category {
    let (DbErr::Conn(RuntimeErr::SqlxError(sqlx))
    | DbErr::Exec(RuntimeErr::SqlxError(sqlx))
    | DbErr::Query(RuntimeErr::SqlxError(sqlx))) = error
    else {
        return match error {
            DbErr::ConnectionAcquire(_) => Category::Busy,
            DbErr::Conn(_) => Category::Open,
            _ => Category::Other,
        };
    };
    match sqlx.as_ref() {
        SqlxError::Database(database) => {
            let code = database.code().unwrap_or_default();
            match code.parse::<u32>() {
                // PostgreSQL's codes have five characters, SQLite's extended ones at most four digits.
                Ok(number) if code.len() < 5 => sqlite_category(number),
                _ => postgres_category(&code),
            }
        }
        SqlxError::Io(_) | SqlxError::Tls(_) | SqlxError::Configuration(_) => Category::Open,
        SqlxError::PoolTimedOut | SqlxError::PoolClosed => Category::Busy,
        _ => Category::Other,
    }
}

fn sqlite_category(code: u32) -> Category {
    // The low byte is the primary result code of sqlite3.h.
    match code & 0xff {
        5 | 6 => Category::Locked,
        8 => Category::ReadOnly,
        // I/O errors on write are a full or failing disk; SQLITE_FULL is 13.
        10 | 13 => Category::Full,
        11 | 26 => Category::Corrupt,
        14 | 23 => Category::Open,
        _ => Category::Other,
    }
}

fn postgres_category(code: &str) -> Category {
    match code {
        "53100" => Category::Full,
        "25006" => Category::ReadOnly,
        "55P03" | "40P01" => Category::Locked,
        "57014" | "53300" => Category::Busy,
        "XX001" | "XX002" => Category::Corrupt,
        _ if ["08", "28", "3D", "57"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            Category::Open
        }
        _ => Category::Other,
    }
}
