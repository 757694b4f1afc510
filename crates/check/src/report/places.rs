//! Names the places of problems of one kind concisely: `D2, D5:D13, E4`, with the sheet if there are several.

use inventory_base::message::Problem;

/// The number of places named before an ellipsis; one more than this are all named.
const PLACES_NAMED: usize = 8;

/// Consecutive cells of one column, or consecutive rows.
struct Run<'a> {
    sheet: &'a str,
    /// The column's letters; empty if the problem concerns whole rows.
    column: &'a str,
    first: u32,
    last: u32,
}

impl<'a> Run<'a> {
    fn of(problem: &'a Problem) -> Run<'a> {
        let cell = problem.cell.as_deref().unwrap_or_default();
        let column = cell.trim_end_matches(|c: char| c.is_ascii_digit());
        Run { sheet: &problem.sheet, column, first: problem.row, last: problem.row }
    }

    fn name(&self) -> String {
        let Run { column, first, last, .. } = self;
        match (column.is_empty(), first == last) {
            (true, true) => format!("row {first}"),
            (true, false) => format!("rows {first} to {last}"),
            (false, true) => format!("{column}{first}"),
            (false, false) => format!("{column}{first}:{column}{last}"),
        }
    }
}

pub(super) fn name_places(problems: &[&Problem], with_sheets: bool) -> String {
    let runs = runs_of(problems);
    // An ellipsis would be as long as the single place it hides.
    let named = if runs.len() <= PLACES_NAMED + 1 { runs.len() } else { PLACES_NAMED };
    let mut text = String::new();
    for (at, run) in runs[..named].iter().enumerate() {
        let same_sheet = at > 0 && runs[at - 1].sheet == run.sheet;
        text.push_str(if at > 0 { ", " } else { "" });
        if with_sheets && !same_sheet {
            text.push_str(&format!("sheet \"{}\" ", run.sheet));
        }
        text.push_str(&run.name());
    }
    if named < runs.len() { text + ", …" } else { text }
}

/// Groups problems into runs, sheet by sheet and column by column.
fn runs_of<'a>(problems: &[&'a Problem]) -> Vec<Run<'a>> {
    let mut cells: Vec<Run<'_>> = problems.iter().map(|problem| Run::of(problem)).collect();
    for of_sheet in cells.chunk_by_mut(|one, other| one.sheet == other.sheet) {
        of_sheet.sort_by_key(|run| (run.column.len(), run.column, run.first));
    }
    let mut runs: Vec<Run<'_>> = Vec::new();
    for cell in cells {
        match runs.last_mut() {
            Some(run) if (run.sheet, run.column, run.last + 1) == (cell.sheet, cell.column, cell.first) => {
                run.last = cell.last;
            }
            _ => runs.push(cell),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_base::message::Rule;

    fn named(cells: &[(&str, u32, &str)], with_sheets: bool) -> String {
        let problem = |(sheet, row, column): &(&str, u32, &str)| Problem {
            sheet: sheet.to_string(),
            row: *row,
            column: None,
            cell: (!column.is_empty()).then(|| format!("{column}{row}")),
            value: None,
            rule: Rule::ValueMissing,
            message: String::new(),
            advice: String::new(),
        };
        let problems: Vec<Problem> = cells.iter().map(problem).collect();
        name_places(&problems.iter().collect::<Vec<_>>(), with_sheets)
    }

    #[test]
    fn consecutive_cells_of_a_column_are_named_as_a_range() {
        let cells = [("S", 2, "F"), ("S", 5, "E"), ("S", 5, "F"), ("S", 6, "E"), ("S", 7, "E"), ("S", 7, "AA")];
        assert_eq!(named(&cells, false), "E5:E7, F2, F5, AA7");
        assert_eq!(named(&[("S", 3, ""), ("S", 4, ""), ("S", 9, "")], false), "rows 3 to 4, row 9");
    }

    #[test]
    fn the_sheet_is_named_if_there_are_several() {
        let cells = [("A", 2, "D"), ("A", 4, "D"), ("B", 5, "D")];
        assert_eq!(named(&cells, true), "sheet \"A\" D2, D4, sheet \"B\" D5");
        assert_eq!(named(&[("A", 2, "D"), ("B", 3, "D")], true), "sheet \"A\" D2, sheet \"B\" D3");
    }

    #[test]
    fn an_ellipsis_never_hides_a_single_place() {
        let cells: Vec<(&str, u32, &str)> = (1..=10).map(|i| ("S", 2 * i, "D")).collect();
        assert_eq!(named(&cells[..9], false), "D2, D4, D6, D8, D10, D12, D14, D16, D18");
        assert_eq!(named(&cells, false), "D2, D4, D6, D8, D10, D12, D14, D16, …");
    }
}
