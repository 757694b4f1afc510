//! The second pass over a file, made only if some rows can't be judged on their own: rows that share a value with
//! others, rows with merged cells, and prices in several currencies.

use inventory_workbook::Workbook;

use super::batch::read_rows;
use super::file::Judge;
use super::merged::MergedCells;
use super::verdict_sink::SinkMut;
use super::{FileRead, JudgeError, Place, Verdict};

impl Judge<'_> {
    /// Gives the rows that are judged again their final verdict, in the order of the file.
    pub fn judge_again(
        self,
        workbook: &mut Workbook,
        sink: SinkMut<'_>,
        file: &mut FileRead,
    ) -> Result<(), JudgeError> {
        let sheets = workbook.sheets().to_vec();
        let repeated = self.collected.repeats.find(
            self.collected.schema,
            &self.collected.tables,
            &self.collected.items,
            &sheets,
        )?;
        let mixed = self.collected.currencies.are_mixed();
        let mut repeated = repeated.into_iter().peekable();
        for (index, tables) in self.collected.tables.iter().enumerate() {
            let Some(tables) = tables else { continue };
            let areas = workbook.merged(index).to_vec();
            let mut merged: Vec<Option<MergedCells<'_>>> = tables
                .with_ends()
                .map(|(layout, end)| MergedCells::new(layout, end, &areas, &self.collected.rows[index]))
                .collect();
            let has_merged = merged.iter().any(Option::is_some);
            if !has_merged && !mixed && repeated.peek().is_none_or(|(place, _)| usize::from(place.0) != index) {
                continue;
            }
            read_rows(workbook, index, &mut |row| {
                let place = Place(index as u16, row.number);
                let layout = tables.at(row.number);
                let row = layout.what_to_do().without(row);
                let mut violations = Vec::new();
                while let Some((_, found)) = repeated.next_if(|(wanted, _)| *wanted == place) {
                    let violation = found.violation(place.0, &sheets, self.collected.schema.duplicates);
                    violations.push((found.position, violation));
                }
                let merged = &mut merged[tables.index_at(row.number)];
                let merged_row = merged.as_mut().and_then(|merged| merged.apply(&row));
                let now = merged_row.as_ref().map_or(row.as_ref(), |merged_row| &merged_row.row);
                if mixed && matches!(layout.judge(now), Verdict::Accepted(_)) {
                    violations.extend(self.collected.currencies.mixed(now, layout.header(), layout.currency_column));
                }
                let Some(mut merged_row) = merged_row else {
                    if !violations.is_empty() {
                        sink.row(place, layout.judge_again(&row, violations))?;
                    }
                    return Ok(());
                };
                let changes_verdict = merged_row.changes_verdict() || !violations.is_empty();
                violations.append(&mut merged_row.violations);
                let verdict = layout.judge_again(&merged_row.row, violations);
                if let Some(merged) = merged {
                    merged.note(&merged_row, &row, &verdict);
                }
                if changes_verdict {
                    sink.row(place, verdict)?;
                }
                Ok(())
            })?;
            let Some(sheet) = file.sheets.get_mut(index) else { continue };
            for (table, merged) in merged.into_iter().enumerate() {
                if let (Some(merged), Some(columns)) = (merged, sheet.columns_of_mut(table)) {
                    file.notes.extend(merged.finish(&sheets[index].name, columns));
                }
            }
        }
        Ok(())
    }
}
