//! How items are written to the table, and what happens to those no longer listed.

use serde::{Deserialize, Serialize};

use inventory_base::decimal::Decimal;
use inventory_base::item::Value;

/// The attributes that `provenance` adds to each item: the load's name, and the time.
pub const PROVENANCE: [&str; 2] = ["loaded_by", "loaded_at"];
/// The attribute that `Missing::Mark` sets.
pub const DISCONTINUED: &str = "discontinued";

/// How items are written to the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Puts whole items: attributes that the sheet doesn't have are removed.
    #[default]
    Replace,
    /// Sets the attributes that the sheet has and keeps all others.
    Merge,
    /// Existing items are unchanged.
    Add,
}

/// What happens to items that are in the table but no longer in the sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    pub missing: Missing,
    pub scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// They are reported.
    Report,
    /// They get `DISCONTINUED = true`.
    Mark,
    Delete,
}

/// The items that a sheet is expected to list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All items in the table.
    Table,
    /// Items whose value in this column appears in the sheet: the warehouses it lists.
    Column(String),
    /// Items with this value in this column.
    Only { column: String, value: Value },
}

/// Headers that identify a document other than a stock list. A `*` at either end matches any text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentHeaders {
    /// Headers of columns with the number of an invoice or an order.
    pub numbers: Vec<String>,
    /// Headers of quantities that are a difference or a forecast.
    pub quantities: Vec<String>,
}

/// The columns that totals and gates use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// Totals are computed for each value of this column: the warehouse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// Whether the totals are read back from the table after the load.
    #[serde(default)]
    pub read_back: bool,
}

/// The price of a million units and its currency, for the estimate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub write: Decimal,
    pub read: Decimal,
    pub currency: String,
}

/// In English, German, French and Spanish.
const DOCUMENT_NUMBERS: [&str; 51] = [
    "Invoice",
    "Invoice no*",
    "Invoice num*",
    "Invoice ID",
    "Order",
    "Order no*",
    "Order num*",
    "Order ID",
    "PO",
    "PO no*",
    "PO num*",
    "Purchase order",
    "Purchase order no*",
    "Purchase order num*",
    "Sales order",
    "Sales order no*",
    "Sales order num*",
    "SO number",
    "Receipt no*",
    "Receipt num*",
    "Delivery note*",
    "Document no*",
    "Document num*",
    "Transaction ID",
    "Transaction no*",
    "Rechnung",
    "Rechnungsnummer",
    "Rechnungsnr",
    "Auftrag",
    "Auftragsnummer",
    "Auftragsnr",
    "Bestellung",
    "Belegnummer",
    "Belegnr",
    "Beleg",
    "Lieferschein*",
    "Facture",
    "N° facture",
    "N° de facture",
    "Numéro de facture",
    "Commande",
    "N° commande",
    "N° de commande",
    "Numéro de commande",
    "Factura",
    "Nº factura",
    "Nº de factura",
    "Número de factura",
    "Pedido",
    "Nº de pedido",
    "Número de pedido",
];
const NOT_STOCK: [&str; 23] = [
    "*difference*",
    "*variance*",
    "*discrepancy*",
    "*deviation*",
    "*adjustment*",
    "*delta*",
    "*forecast*",
    "*expected*",
    "*projected*",
    "*planned*",
    "*differenz*",
    "*abweichung*",
    "*prognose*",
    "*erwartet*",
    "*geplant*",
    "*écart*",
    "*prévision*",
    "*prévu*",
    "*attendu*",
    "*diferencia*",
    "*ajuste*",
    "*previst*",
    "*pronóstico*",
];

impl Default for DocumentHeaders {
    fn default() -> DocumentHeaders {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        DocumentHeaders { numbers: owned(&DOCUMENT_NUMBERS), quantities: owned(&NOT_STOCK) }
    }
}

impl DocumentHeaders {
    pub(super) fn is_default(&self) -> bool {
        *self == DocumentHeaders::default()
    }
}

impl Default for Price {
    /// On-demand prices in most regions of North America and Europe; writes to a table with provisioned capacity cost
    /// nothing extra.
    fn default() -> Price {
        let thousandths = |n: u32| Decimal::new(n.into(), -3);
        Price { write: thousandths(625), read: thousandths(125), currency: "USD".to_string() }
    }
}
