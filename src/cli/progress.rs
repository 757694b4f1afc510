//! A line that moves, on anything over a second, and only where a person looks.

use std::pin::pin;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::interval;

use crate::load::Progress;
use crate::message::count;

const QUIET_FOR: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(200);

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
        bar.set_message("reading");
        Bar { bar, started: Instant::now(), shown: OnceLock::new() }
    }

    /// Sees the work to its end, and shows that it goes on even while it has nothing to tell.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut ticks = interval(TICK);
        loop {
            tokio::select! {
                done = &mut work => {
                    self.bar.finish_and_clear();
                    return done;
                }
                _ = ticks.tick() => self.tick(),
            }
        }
    }

    pub fn show(&self, progress: Progress) {
        self.bar.set_message(match progress {
            Progress::Reading { rows } => format!("{} rows read and judged", count(rows)),
            Progress::Planning { rows, of } => format!("{} of {} rows planned", count(rows), count(of)),
            Progress::Writing { rows, of } => format!("{} of {} rows written", count(rows), count(of)),
        });
        self.tick();
    }

    /// Work that is no load says in its own words how far it is.
    pub fn say(&self, how_far: String) {
        self.bar.set_message(how_far);
        self.tick();
    }

    fn tick(&self) {
        if self.started.elapsed() >= QUIET_FOR {
            // Standard error that is no terminal stays quiet.
            self.shown.get_or_init(|| self.bar.set_draw_target(ProgressDrawTarget::stderr()));
            self.bar.tick();
        }
    }
}
