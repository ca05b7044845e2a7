//! A table of figures: what is to be reached, what was measured, and whether that is enough.

/// Prints rows as they come.
pub(crate) struct Figures {
    rounds: usize,
    only: String,
}

impl Figures {
    /// As the environment says.
    pub(crate) fn new() -> Self {
        let rounds = text("CALLBOARD_BENCH_ROUNDS").and_then(|text| text.parse().ok());
        println!("{:<62} {:<26} measured", "figure", "reach");
        Self {
            rounds: rounds.unwrap_or(7),
            only: text("CALLBOARD_BENCH_SHAPE").unwrap_or_default(),
        }
    }

    pub(crate) fn rounds(&self) -> usize {
        self.rounds
    }

    /// Whether a figure of this name is to be measured.
    pub(crate) fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }

    pub(crate) fn row(&mut self, name: &str, reach: &str, measured: &str, met: bool) {
        let verdict = if met { "" } else { "   MISSED" };
        println!("{name:<62} {reach:<26} {measured}{verdict}");
    }
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A text from the environment.
fn text(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
