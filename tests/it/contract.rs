//! What holds for every built-in connector, without a line about any of them: one that is added to `connectors/` joins by itself.

mod faults;
mod paths;
mod stage;
mod types;
