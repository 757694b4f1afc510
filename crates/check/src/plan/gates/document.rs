//! Holds a document that isn't a stock list.

use super::check::{GateCheck, GateContext};
use super::evidence::Evidence;
use super::{Gate, Tripped};
use inventory_base::load_id::LoadId;
use inventory_base::message::{count, sentences};
use inventory_rules::judge::{Document, DocumentSign};
use inventory_rules::schema::Schema;

/// The placeholder for the load's name if a file is only checked.
const NO_LOAD_YET: &str = "LOAD";

/// Holds a file that looks like a document of another kind.
#[derive(Debug, Clone)]
pub(super) struct DocumentGate<'s> {
    schema: &'s Schema,
    found: Option<Document>,
}

impl<'s> GateCheck<'s> for DocumentGate<'s> {
    fn new(schema: &'s Schema) -> Self {
        DocumentGate { schema, found: None }
    }

    fn judge(&self, context: &GateContext<'_>) -> Vec<Tripped> {
        let found = self.found.as_ref().filter(|_| self.schema.gates.document);
        found.map(|document| Tripped::by_document(document, Some(context.load))).into_iter().collect()
    }

    fn conditions(&self) -> Vec<String> {
        let condition = || "the file looks like an invoice or an order instead of a stock list".to_string();
        self.schema.gates.document.then(condition).into_iter().collect()
    }
}

impl Evidence<'_> {
    /// Sets why the file doesn't look like a stock list, if it doesn't.
    pub fn set_document(&mut self, document: Option<&Document>) {
        self.checks.document.found = document.cloned();
    }
}

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
        Tripped::new(Gate::Document, None, sentences!(GateDocument { sheet, reason, load }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::gates::tests::{LOAD, load, rules, trips};

    #[test]
    fn a_document_that_is_not_a_stock_list_holds_a_load() {
        let document = |sign| Document { sheet: "Lines".into(), header: "Invoice no".into(), column: "A".into(), sign };
        let lines = document(DocumentSign::Number { rows: 1_040, of: 1_044 });
        for (open, found, holds) in [(true, Some(&lines), true), (true, None, false), (false, Some(&lines), false)] {
            let schema = rules(|schema| schema.gates.document = open);
            let mut evidence = Evidence::new(&schema);
            evidence.set_document(found);
            assert_eq!(trips(&evidence, None, Gate::Document), holds, "{open} {found:?}");
        }
        let tripped = Tripped::by_document(&lines, Some(&load(LOAD)));
        let message = "Sheet \"Lines\" doesn't look like a stock list: 1,040 of 1,044 items have a value in \"Invoice no\" (column A).";
        assert_eq!(tripped.message, message);
        assert!(tripped.advice.contains(&format!("inventory approve {LOAD}")), "{}", tripped.advice);
        let tripped = Tripped::by_document(&document(DocumentSign::Quantity), None);
        assert!(tripped.message.ends_with("its only quantity is \"Invoice no\" (column A)."), "{}", tripped.message);
    }
}
