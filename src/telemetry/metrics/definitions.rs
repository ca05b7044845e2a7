//! What is counted of API definitions: whether one had to be read, or was read before.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::{Metric, Registrar};

pub(super) const READ: Metric = Metric {
    name: "callboard.definitions.read",
    unit: "",
    labels: &["from"],
    help: "API definitions that were not in memory: read from their `text`, which happens once for each, or taken from the `store`",
};

label_values! {
/// Where a definition came from.
    pub enum DefinitionFrom {
        Text = "text",
        Store = "store",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    from: DefinitionFrom,
}

/// For whoever reads definitions; clones count together.
#[derive(Clone, Debug, Default)]
pub struct DefinitionMetrics(Family<Labels, Counter>);

impl DefinitionMetrics {
    pub(super) fn registered(add: &mut Registrar<'_>) -> Self {
        let metrics = Self::default();
        for from in [DefinitionFrom::Text, DefinitionFrom::Store] {
            // Named before the first of them happens, so that none is told from unknown.
            drop(metrics.0.get_or_create(&Labels { from }));
        }
        drop(add.metric(READ, metrics.0.clone()));
        metrics
    }

    pub fn read(&self, from: DefinitionFrom) {
        self.0.get_or_create(&Labels { from }).inc();
    }

    /// How many came from there.
    pub fn count(&self, from: DefinitionFrom) -> u64 {
        self.0.get_or_create(&Labels { from }).get()
    }
}
