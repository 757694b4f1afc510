//! Shows a progress line on a terminal for work that takes more than a second: how much is done and, if the total is
//! known, how much time is left.

use std::pin::pin;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::interval;

use super::terminal::{can_redraw, stderr_width};
use inventory_base::message::count;
use inventory_base::progress::Progress;

const QUIET_FOR: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(200);
/// A rate measured over less time than this would fluctuate too much.
const RATE_AFTER: Duration = Duration::from_secs(2);

pub struct Bar {
    bar: ProgressBar,
    started: Instant,
    shown: OnceLock<()>,
    known: Mutex<Known>,
}

/// The progress reported so far.
#[derive(Default)]
struct Known {
    read: u64,
    compared: u64,
    /// The activity whose total is known, with the count and the time at which it began.
    share: Option<(&'static str, u64, Instant)>,
    template: &'static str,
}

impl Bar {
    /// A bar for work that begins with reading.
    pub fn reading() -> Bar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let bar = Bar { bar, started: Instant::now(), shown: OnceLock::new(), known: Mutex::default() };
        bar.set_message("reading");
        bar
    }

    /// Shows that the deployed loader is being asked.
    pub fn asking() -> Bar {
        let bar = Bar::reading();
        bar.set_message("asking the loader");
        bar
    }

    /// Runs the work to its end, and keeps the line moving even while there is no progress to report.
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
        match progress {
            Progress::Reading { rows } => self.count(|known| known.read = rows),
            Progress::Planning { rows, of: None } => self.count(|known| known.compared = rows),
            Progress::Planning { rows, of: Some(of) } => self.share("compared", rows, of),
            Progress::Writing { rows, of } => self.share("written", rows, of),
        }
    }

    /// Shows a message, for work whose total is not known.
    pub fn set_message(&self, what: &str) {
        let Ok(mut known) = self.known.lock() else { return };
        self.draw(&mut known, what, None);
    }

    fn count(&self, note: impl FnOnce(&mut Known)) {
        let Ok(mut known) = self.known.lock() else { return };
        note(&mut known);
        known.share = None;
        let message = describe_read(known.read, known.compared);
        self.draw(&mut known, &message, None);
    }

    fn share(&self, what: &'static str, rows: u64, of: u64) {
        let Ok(mut known) = self.known.lock() else { return };
        let begun = known.share.filter(|(told, ..)| *told == what);
        let (_, first, since) = *known.share.insert(begun.unwrap_or_else(|| (what, rows, Instant::now())));
        let message = describe_share(what, rows, of, rows.saturating_sub(first), since.elapsed());
        self.draw(&mut known, &message, Some((rows, of)));
    }

    fn draw(&self, known: &mut Known, message: &str, share: Option<(u64, u64)>) {
        let template = template(stderr_width(), share.is_some());
        if known.template != template
            && let Ok(style) = ProgressStyle::with_template(template)
        {
            self.bar.set_style(style.progress_chars("=> "));
            known.template = template;
        }
        if let Some((done, of)) = share {
            self.bar.set_length(of);
            self.bar.set_position(done);
        }
        self.bar.set_message(message.to_string());
        self.tick();
    }

    fn tick(&self) {
        if self.started.elapsed() >= QUIET_FOR && can_redraw() {
            // This draws nothing if standard error isn't a terminal.
            self.shown.get_or_init(|| self.bar.set_draw_target(ProgressDrawTarget::stderr()));
            self.bar.tick();
        }
    }
}

/// Returns the template that fits into the columns: the message comes first.
fn template(columns: Option<usize>, has_share: bool) -> &'static str {
    match columns {
        Some(..30) => "{wide_msg}",
        Some(80..) if has_share => "{spinner} [{bar:16}] {wide_msg} {elapsed}",
        _ => "{spinner} {wide_msg} {elapsed}",
    }
}

fn describe_read(read: u64, compared: u64) -> String {
    match (read, compared) {
        (0, 0) => "reading".to_string(),
        (read, 0) => format!("{} rows read and judged", count(read)),
        (read, compared) => format!("{} rows read and judged, {} compared", count(read), count(compared)),
    }
}

/// Describes the progress with the most important parts first, because the end of a long line is cut off.
fn describe_share(what: &str, rows: u64, of: u64, since_then: u64, time: Duration) -> String {
    let percent = if of == 0 { 100 } else { (u128::from(rows) * 100 / u128::from(of)).min(100) };
    let mut parts = vec![format!("{percent}% {what}")];
    let rate = since_then as f64 / time.as_secs_f64();
    if time >= RATE_AFTER && rate > 0.0 {
        parts.push(format!("{} left", format_duration(of.saturating_sub(rows) as f64 / rate)));
        parts.push(format!("{} rows/s", count(rate.round() as u64)));
    }
    parts.push(format!("{} of {} rows", count(rows), count(of)));
    parts.join(", ")
}

fn format_duration(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentage_time_left_and_rate_come_first() {
        let after = |rows, since_then, seconds| {
            describe_share("written", rows, 1_000_000, since_then, Duration::from_secs_f64(seconds))
        };
        assert_eq!(
            after(450_000, 450_000, 50.0),
            "45% written, 1 min 2 s left, 9,000 rows/s, 450,000 of 1,000,000 rows"
        );
        assert_eq!(after(1_000, 0, 9.0), "0% written, 1,000 of 1,000,000 rows", "nothing was written since it began");
        assert_eq!(after(4_000, 4_000, 0.1), "0% written, 4,000 of 1,000,000 rows", "too early for a rate");
        assert_eq!(describe_share("written", 0, 0, 0, Duration::ZERO), "100% written, 0 of 0 rows");
        assert!(after(450_000, 450_000, 50.0).find("left").is_some_and(|at| at < 40 - "⠋ 50s".chars().count()));
    }

    #[test]
    fn times_are_shown_in_hours_minutes_and_seconds() {
        let times = [0.2, 59.0, 160.0, 3600.0, 7_499.0].map(format_duration);
        assert_eq!(times, ["1 s", "59 s", "2 min 40 s", "1 h 0 min", "2 h 4 min"]);
    }

    #[test]
    fn rows_are_counted_while_the_total_is_unknown() {
        assert_eq!(describe_read(0, 0), "reading");
        assert_eq!(describe_read(4_000, 0), "4,000 rows read and judged");
        assert_eq!(describe_read(4_000, 3_000), "4,000 rows read and judged, 3,000 compared");
    }

    #[test]
    fn a_narrow_terminal_has_no_room_for_a_bar() {
        assert_eq!(template(Some(20), true), "{wide_msg}");
        for (columns, has_share, bar) in [(Some(40), true, false), (Some(80), true, true), (Some(200), false, false)] {
            let template = template(columns, has_share);
            assert_eq!(template.contains("{bar"), bar, "{columns:?}");
            assert!(ProgressStyle::with_template(template).is_ok() && template.contains("{elapsed}"), "{template}");
        }
    }
}
