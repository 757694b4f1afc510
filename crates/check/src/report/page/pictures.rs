//! The charts of the page: what happened to the rows, which problems there are, how fast the load was written. Each chart
//! has its figures next to it as text, for those who can't see it.

use maud::{Markup, html};

use crate::plan::{Fate, Kind};
use crate::report::kinds::title;
use crate::report::{Rate, RowCounts};
use inventory_base::message::count;

/// How many kinds of problems have their own bar.
const KINDS_SHOWN: usize = 8;
/// The minimum width of a part of the bar, in thousandths of the whole, so that even the smallest is visible.
const LEAST_WIDTH: f64 = 6.0;
/// The drawing area of the curve.
const CURVE_WIDTH: f64 = 600.0;
const CURVE_HEIGHT: f64 = 140.0;

/// The fates of rows in the stock keeper's words, each with the class of its colour.
const FATES: [(Fate, &str, &str); 11] = [
    (Fate::New, "new", "f-new"),
    (Fate::Written, "written", "f-new"),
    (Fate::Accepted, "can be loaded", "f-new"),
    (Fate::Changed, "changed", "f-changed"),
    (Fate::Unchanged, "unchanged", "f-unchanged"),
    (Fate::Kept, "already in the table, left unchanged", "f-other"),
    (Fate::Held, "waiting for approval", "f-other"),
    (Fate::Rejected, "not loaded, something is wrong", "f-out"),
    (Fate::Duplicate, "not loaded, the same item appears more than once", "f-twice"),
    (Fate::NotWritten, "not written", "f-out"),
    (Fate::Skipped, "not an item (headings, totals, notes, blank rows)", "f-none"),
];

/// A bar that is divided by the fates of the rows.
pub(super) fn rows(rows: &RowCounts) -> Markup {
    let of = |fate: &Fate| rows.fates.get(fate).copied().unwrap_or_default();
    let parts: Vec<_> =
        FATES.iter().map(|(fate, label, class)| (of(fate), *label, *class)).filter(|(n, ..)| *n > 0).collect();
    let labels: Vec<String> = parts.iter().map(|(n, label, _)| format!("{} {label}", count(*n))).collect();
    let widths: Vec<f64> =
        parts.iter().map(|(n, ..)| (*n as f64 / rows.total as f64 * 1000.0).max(LEAST_WIDTH)).collect();
    let scale = 1000.0 / widths.iter().sum::<f64>();
    let mut left = 0.0;
    let bars = parts.iter().zip(&widths).map(|((.., class), width)| {
        let (x, width) = (left, width * scale);
        left += width;
        (x, (width - 2.0).max(2.0), *class)
    });
    html! {
        figure {
            svg viewBox="0 0 1000 44" role="img" aria-label={ "Of " (count(rows.total)) " rows: " (labels.join(", ")) } {
                @for (x, width, class) in bars.collect::<Vec<_>>() {
                    rect class=(class) x=(decimals(x)) y="0" width=(decimals(width)) height="44" rx="3" {}
                }
            }
            ul.legend {
                @for (label, (.., class)) in labels.iter().zip(&parts) {
                    li { (swatch(class)) (label) }
                }
            }
        }
    }
}

/// A bar for each kind of problem, the most frequent first, with a link to its table.
pub(super) fn kinds(kinds: &[Kind], id_of: impl Fn(&Kind) -> Option<String>) -> Markup {
    let most = kinds.first().map_or(1, |kind| kind.problems.max(1)) as f64;
    let more: u64 = kinds.iter().skip(KINDS_SHOWN).map(|kind| kind.problems).sum();
    html! {
        ul.bars {
            @for kind in kinds.iter().take(KINDS_SHOWN) {
                li {
                    @let title = title(kind.rule, kind.column.as_deref());
                    @match id_of(kind) {
                        Some(id) => a.label href={ "#" (id) } { (title) },
                        None => span.label { (title) },
                    }
                    span.n { (count(kind.problems)) }
                    svg viewBox="0 0 100 2" preserveAspectRatio="none" aria-hidden="true" {
                        rect class="f-out" width=(decimals((kind.problems as f64 / most * 100.0).max(0.5))) height="2" {}
                    }
                }
            }
            @if more > 0 {
                li { span.label { "other kinds" } span.n { (count(more)) } }
            }
        }
    }
}

/// The curve of write units per second, below the limit if there is one.
pub(super) fn rate(rate: &Rate) -> Markup {
    let units = &rate.write_units_per_second;
    let highest = units.iter().copied().fold(rate.ceiling.unwrap_or_default(), f64::max).max(1.0) * 1.05;
    let height = |units: f64| CURVE_HEIGHT - units / highest * CURVE_HEIGHT;
    let step = CURVE_WIDTH / units.len().max(1) as f64;
    // Each step is flat, because the rate within it isn't known.
    let line: Vec<String> = units
        .iter()
        .enumerate()
        .flat_map(|(number, units)| [(number, *units), (number + 1, *units)])
        .map(|(number, units)| format!("{},{}", decimals(number as f64 * step), decimals(height(units))))
        .collect();
    let line = line.join(" ");
    let under = format!("0,{CURVE_HEIGHT} {line} {CURVE_WIDTH},{CURVE_HEIGHT}");
    let peak = count(units.iter().copied().fold(0.0, f64::max).round() as u64);
    let caption = match rate.ceiling {
        Some(ceiling) => {
            format!("At most {peak} write units per second; the limit is {}.", count(ceiling.round() as u64))
        }
        None => format!("At most {peak} write units per second."),
    };
    html! {
        figure {
            svg viewBox={ "0 0 " (CURVE_WIDTH) " " (CURVE_HEIGHT) } role="img" aria-label={ "How fast the load was written. " (caption) } {
                polygon class="under" points=(under) {}
                polyline class="curve" points=(line) {}
                @if let Some(ceiling) = rate.ceiling {
                    line class="ceiling" x1="0" x2=(CURVE_WIDTH) y1=(decimals(height(ceiling))) y2=(decimals(height(ceiling))) {}
                }
                line class="axis" x1="0" x2=(CURVE_WIDTH) y1=(CURVE_HEIGHT) y2=(CURVE_HEIGHT) {}
            }
            figcaption { (caption) @if rate.ceiling.is_some() { " The dashed line is the limit." } }
        }
    }
}

fn swatch(class: &str) -> Markup {
    html! { svg viewBox="0 0 8 8" aria-hidden="true" { rect class=(class) width="8" height="8" rx="1.5" {} } }
}

/// Formats a coordinate.
fn decimals(number: f64) -> String {
    format!("{number:.1}")
}
