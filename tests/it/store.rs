//! The store at its own boundary: the change log, retention, what a bad day does to a database, and PostgreSQL.

mod audit;
mod bad_days;
mod kill;
mod log;
mod postgres;
