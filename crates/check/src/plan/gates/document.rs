//! Explains why a document that isn't a stock list holds a load.

use super::{Gate, Tripped};
use inventory_base::load_id::LoadId;
use inventory_base::message::count;
use inventory_rules::judge::{Document, DocumentSign};

/// The placeholder for the load's name if a file is only checked.
const NO_LOAD_YET: &str = "LOAD";

impl Tripped {
    /// Explains that the file looks like another kind of document. `load` is `None` if the file is only checked.
    pub fn by_document(document: &Document, load: Option<&LoadId>) -> Tripped {
        let Document { sheet, header, column, sign } = document;
        let reason = match sign {
            DocumentSign::Number { rows, of } => {
                format!("{} of {} items have a value in \"{header}\" (column {column})", count(*rows), count(*of))
            }
            DocumentSign::Quantity => format!("its only quantity is \"{header}\" (column {column})"),
        };
        let load = load.map_or(NO_LOAD_YET, LoadId::as_str);
        let words = [("sheet", sheet.as_str()), ("reason", &reason), ("load", load)];
        let rule = Gate::Document.rule();
        Tripped { gate: Gate::Document, scope: None, message: rule.message(&words), advice: rule.advice(&words) }
    }
}
