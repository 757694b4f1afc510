//! Why a document that is no list of stock holds a load.

use super::{Gate, Tripped};
use inventory_base::load_id::LoadId;
use inventory_base::message::count;
use inventory_rules::judge::{Document, DocumentSign};

/// What stands for the load where a file is only checked.
const NO_LOAD_YET: &str = "LOAD";

impl Tripped {
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
