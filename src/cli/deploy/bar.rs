//! How far a download is: a bar on a terminal, nothing elsewhere.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::{Common, output};
use crate::{explain::clean, fetch::Progress};

const TEMPLATE: &str = "{msg} {bytes}/{total_bytes} [{wide_bar}] {bytes_per_sec}, {eta} left";
const WITHOUT_TOTAL: &str = "{spinner} {msg} {bytes} {bytes_per_sec}";

/// The bar.
pub(super) struct Bar {
    bar: ProgressBar,
    common: Common,
}

impl Bar {
    pub fn new(common: &Common) -> Self {
        let shown = std::io::stderr().is_terminal() && !common.quiet;
        let target = if shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            bar: ProgressBar::with_draw_target(None, target),
            common: common.clone(),
        }
    }

    /// Shows it.
    pub fn told(&self, progress: &Progress<'_>) {
        match progress {
            Progress::At { name, got, total } => {
                if self.bar.message() != *name {
                    self.begin(name, *total);
                }
                self.bar.set_position(*got);
            }
            Progress::Again { name, because } => self.bar.suspend(|| {
                output::note(&self.common, &format!("{name}: {because}; going on in a moment"));
            }),
        }
    }

    fn begin(&self, name: &str, total: Option<u64>) {
        let template = if total.is_some() { TEMPLATE } else { WITHOUT_TOTAL };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_message(clean(name));
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    /// Takes it away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
