//! The second pass over a file, made only if some rows cannot be judged by themselves: those that share a value with
//! others, those that merged cells reach, and prices where several currencies are.

use inventory_workbook::Workbook;

use super::batch::read_rows;
use super::file::{Emit, Judge};
use super::merged::Merged;
use super::repeats::who_is_left_out;
use super::value::Broken;
use super::{FileRead, JudgeError, Place, Verdict};

impl Judge<'_> {
    /// The rows that are judged again get their final verdict, in the order of the file.
    pub fn judge_again(self, workbook: &mut Workbook, emit: Emit<'_>, file: &mut FileRead) -> Result<(), JudgeError> {
        let sheets = workbook.sheets().to_vec();
        let repeated = self.repeats.find(self.schema, &self.tables, &self.items, &sheets)?;
        let (mixed, all) = (self.currencies.are_mixed(), who_is_left_out(self.schema.duplicates));
        let mut repeated = repeated.into_iter().peekable();
        for (index, tables) in self.tables.iter().enumerate() {
            let Some(tables) = tables else { continue };
            let areas = workbook.merged(index).to_vec();
            let mut merged: Vec<Option<Merged<'_>>> =
                tables.with_ends().map(|(layout, end)| Merged::new(layout, end, &areas, &self.rows[index])).collect();
            let has_merged = merged.iter().any(Option::is_some);
            if !has_merged && !mixed && repeated.peek().is_none_or(|(place, _)| usize::from(place.0) != index) {
                continue;
            }
            read_rows(workbook, index, &mut |row| {
                let place = Place(index as u16, row.number);
                let layout = tables.at(row.number);
                let row = layout.what_to_do().without(row);
                let mut broken = Vec::new();
                while let Some((_, found)) = repeated.next_if(|(wanted, _)| *wanted == place) {
                    let words = vec![("rows", found.name_rows(place.0, &sheets)), ("all", all.to_string())];
                    broken.push((found.position, Broken { rule: found.rule, words }));
                }
                let merged = &mut merged[tables.place_at(row.number)];
                let touched = merged.as_mut().and_then(|merged| merged.touch(&row));
                let now = touched.as_ref().map_or(row.as_ref(), |touched| &touched.row);
                if mixed && matches!(layout.judge(now), Verdict::Accepted(_)) {
                    broken.extend(self.currencies.mixed(now, layout.header(), layout.currency));
                }
                let Some(mut touched) = touched else {
                    if !broken.is_empty() {
                        emit.row(place, layout.judge_again(&row, broken))?;
                    }
                    return Ok(());
                };
                let is_judged_anew = touched.is_judged_anew() || !broken.is_empty();
                broken.append(&mut touched.broken);
                let verdict = layout.judge_again(&touched.row, broken);
                if let Some(merged) = merged {
                    merged.note(&touched, &row, &verdict);
                }
                if is_judged_anew {
                    emit.row(place, verdict)?;
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
