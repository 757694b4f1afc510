//! Recognises documents that are not stock lists: invoices and orders have items, quantities and prices too.

use serde::{Deserialize, Serialize};

use crate::cell::is_blank;
use crate::schema::{Header, NamedCell, Schema};
use inventory_base::message::column_letters;
use inventory_workbook::RawRow;

/// A column that reveals what kind of document the file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub sheet: String,
    /// As the sheet writes it.
    pub header: String,
    /// Its column letters.
    pub column: String,
    #[serde(flatten)]
    pub sign: DocumentSign,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "sign")]
pub enum DocumentSign {
    /// This many rows with items have the number of an invoice or an order.
    Number { rows: u64, of: u64 },
    /// The only quantity is a difference or a forecast.
    Quantity,
}

/// The columns of one table that reveal the kind of document.
pub(super) struct DocumentColumns {
    numbers: Vec<NamedCell>,
    quantity: Option<NamedCell>,
}

impl DocumentColumns {
    pub fn new(schema: &Schema, header: &Header) -> DocumentColumns {
        let unknown = || schema.unknown_in(header).filter(|_| schema.gates.document);
        let numbers = unknown().filter(|(_, text)| schema.is_document_number(text)).cloned().collect();
        let quantity = schema.totals.quantity.as_deref().and_then(|column| schema.position(column));
        let quantity =
            quantity.filter(|_| schema.gates.document).and_then(|position| match &header.columns[position] {
                Some(taken) => Some(taken).filter(|(_, text)| schema.is_not_stock(text)).cloned(),
                None => unknown().find(|(_, text)| schema.is_not_stock(text)).cloned(),
            });
        DocumentColumns { numbers, quantity }
    }
}

/// Evidence collected from all rows of a file.
#[derive(Default)]
pub(super) struct DocumentEvidence {
    number: Option<Document>,
    rows: u64,
    quantity: Option<Document>,
    /// Items of tables that have a stock quantity.
    stock: u64,
}

impl DocumentEvidence {
    /// Notes a row with an item.
    pub fn note_row(&mut self, row: &RawRow<'_>, columns: &DocumentColumns, sheet: &str) {
        let found = |(place, header): &NamedCell, sign| Document {
            sheet: sheet.to_string(),
            header: header.clone(),
            column: column_letters(*place),
            sign,
        };
        let has_value = |(place, _): &&NamedCell| row.cell(*place).is_some_and(|cell| !is_blank(cell));
        if let Some(number) = columns.numbers.iter().find(has_value) {
            self.rows += 1;
            self.number.get_or_insert_with(|| found(number, DocumentSign::Number { rows: 0, of: 0 }));
        }
        match &columns.quantity {
            Some(quantity) => {
                self.quantity.get_or_insert_with(|| found(quantity, DocumentSign::Quantity));
            }
            None => self.stock += 1,
        }
    }

    /// Returns the evidence if the file isn't a stock list. `items` is the number of all rows with items.
    pub fn decide(self, items: u64) -> Option<Document> {
        let rows = self.rows;
        let number = self.number.filter(|_| rows > items / 2);
        let number = number.map(|found| Document { sign: DocumentSign::Number { rows, of: items }, ..found });
        number.or(self.quantity.filter(|_| self.stock == 0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{judged_by, refused};
    use super::*;
    use inventory_base::message::Rule;

    fn document(list: &str, change: impl Fn(String) -> String) -> Option<Document> {
        judged_by(list.as_bytes(), change).unwrap().1.document
    }

    fn shipped(list: &str) -> Option<Document> {
        document(list, |rules| rules)
    }

    #[test]
    fn rows_with_the_number_of_an_invoice_or_an_order_reveal_a_document() {
        for header in [
            "Invoice no",
            "INVOICE #",
            "Order No.",
            "Order number",
            "PO number",
            "Purchase order",
            "Sales order no",
            "Document No.",
            "Rechnungsnummer",
            "Rechnungs-Nr.",
            "Belegnummer",
            "Auftragsnummer",
            "N° facture",
            "Numéro de commande",
            "Factura",
            "Nº de factura",
            "Pedido",
            "Número de pedido",
        ] {
            let list = format!("{header};SKU;Name;Qty\n17;A;Bolt;5\n17;B;Nut;6\n;C;Pin;1\n");
            let found = shipped(&list).unwrap_or_else(|| panic!("{header}"));
            assert_eq!((found.header.as_str(), found.column.as_str()), (header, "A"));
            assert_eq!(found.sign, DocumentSign::Number { rows: 2, of: 3 });
        }
    }

    #[test]
    fn a_stock_export_is_not_a_document() {
        for list in [
            "SKU;Name;Qty;Last PO number\nA;Bolt;5;17\nB;Nut;6;18\n",
            "SKU;Name;Qty;PO number\nA;Bolt;5;17\nB;Nut;6;\n",
            "SKU;Name;On hand;Reserved;In transit;Allocated;On order;Difference\nA;Bolt;5;1;1;1;1;-2\n",
            "SKU;Name;Expected;Counted;Difference\nA;Bolt;5;4;-1\n",
            "Bestellnummer;Name;Menge\nA;Bolt;5\n",
            "SKU;Name;Qty;Order quantity;Reorder no\nA;Bolt;5;10;1\n",
        ] {
            assert_eq!(shipped(list), None, "{list}");
        }
        let open = |rules: String| rules.replacen("document = true", "document = false", 1);
        assert_eq!(document("Invoice no;SKU;Name;Qty\n17;A;Bolt;5\n", open), None);
    }

    #[test]
    fn a_difference_or_a_forecast_alone_is_not_a_stock_quantity() {
        // The quantity is required, so the file is refused.
        assert_eq!(refused(b"SKU;Name;Difference\nA;Bolt;-2\n").rule, Rule::ColumnMissing);
        let optional = |rules: String| rules.replacen("type = \"integer\"\nrequired = true", "type = \"integer\"", 1);
        for header in ["Difference", "Variance qty", "Forecasted Quantity", "Differenz", "Écart", "Diferencia"] {
            let found = document(&format!("SKU;Name;{header}\nA;Bolt;2\n"), optional).unwrap();
            assert_eq!((found.header.as_str(), found.sign), (header, DocumentSign::Quantity));
        }
        assert_eq!(document("SKU;Name;Remark\nA;Bolt;2\n", optional), None);
        // Even if the rules accept it as the quantity.
        let alias = |rules: String| rules.replacen("\"Qty\", \"On hand\"", "\"Qty\", \"Adjustment\", \"On hand\"", 1);
        assert!(document("SKU;Name;Adjustment\nA;Bolt;2\n", alias).is_some());
    }

    #[test]
    fn a_quantity_under_the_word_difference_is_not_the_quantity() {
        let refusal = refused(b"Item;;Difference\nSKU;Name;Qty\nA;Bolt;2\n");
        assert_eq!(refusal.rule, Rule::ColumnMissing);
        let counted = b"Item;;Counted;Difference\nSKU;Name;Qty;Qty\nA;Bolt;2;-1\n";
        let (verdicts, _) = judged_by(counted, |rules| rules).unwrap();
        let crate::judge::Verdict::Accepted(item) = &verdicts[&3] else { panic!("{:?}", verdicts[&3]) };
        assert_eq!(item["quantity"], inventory_base::item::Value::N("2".into()));
        // A title above a text column says nothing about it.
        assert!(judged_by(b"Suppliers;Difference\nSKU;Name;Qty\nA;Bolt;2\n", |rules| rules).is_ok());
    }
}
