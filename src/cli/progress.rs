//! A line that moves, on anything over a second, and only where a person looks.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::load::Progress;
use crate::message::count;

const QUIET_FOR: Duration = Duration::from_secs(1);

pub(super) struct Bar {
    bar: ProgressBar,
    started: Instant,
    shown: OnceLock<()>,
}

impl Bar {
    pub fn new() -> Bar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        Bar { bar, started: Instant::now(), shown: OnceLock::new() }
    }

    pub fn show(&self, progress: Progress) {
        if self.started.elapsed() < QUIET_FOR {
            return;
        }
        // Standard error that is no terminal stays quiet.
        self.shown.get_or_init(|| self.bar.set_draw_target(ProgressDrawTarget::stderr()));
        self.bar.set_message(match progress {
            Progress::Reading { rows } => format!("{} rows read and judged", count(rows)),
            Progress::Planning { rows, of } => format!("{} of {} rows planned", count(rows), count(of)),
            Progress::Writing { rows, of } => format!("{} of {} rows written", count(rows), count(of)),
        });
        self.bar.tick();
    }

    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
