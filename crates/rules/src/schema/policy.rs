//! What is done with the items beyond judging them: how they reach the table, what becomes of those no longer listed,
//! and when a load waits for somebody.

use serde::{Deserialize, Serialize};

use inventory_base::decimal::Decimal;
use inventory_base::item::Value;

/// What `provenance` writes into each item: the load's name, and when.
pub const PROVENANCE: [&str; 2] = ["loaded_by", "loaded_at"];
/// What `Missing::Mark` sets.
pub const DISCONTINUED: &str = "discontinued";

/// How an item reaches the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Whole items are put: an attribute the sheet does not have is gone afterwards.
    #[default]
    Replace,
    /// What the sheet says is set; attributes it does not have stay.
    Merge,
    /// Items that are there already stay as they are.
    Add,
}

/// What becomes of items that the table has and the sheet no longer lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    pub missing: Missing,
    pub scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// They are told.
    Report,
    /// They get `DISCONTINUED = true`.
    Mark,
    Delete,
}

/// Which items a sheet speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All there are.
    Table,
    /// Those that have one of the values which the sheet has in this column: the warehouses it lists.
    Column(String),
    /// Those with this value in this column.
    Only { column: String, value: Value },
}

/// When a load waits for somebody to approve it. `None` never holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates {
    /// More rows than these rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_rows: Option<u64>,
    /// More rows rejected, in percent of the rows that hold items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_percent: Option<Decimal>,
    /// More quantities falling to zero, in percent of those that were not zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_percent: Option<Decimal>,
    /// A price that rises or falls by more than this factor …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_factor: Option<Decimal>,
    /// … for more of the compared items than this, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_percent: Option<Decimal>,
    /// Fewer items than this, in percent of the last load into the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fewer_percent: Option<Decimal>,
    /// More items missing, in percent of those in scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_percent: Option<Decimal>,
    /// Attributes that no column of the rules has would vanish.
    #[serde(default)]
    pub vanishing: bool,
    /// The file is an invoice, an order or a journal rather than a list of stock.
    #[serde(default)]
    pub document: bool,
    /// Newer uploads with some of the same items have been loaded since this one was uploaded.
    #[serde(default)]
    pub older: bool,
}

/// By which headers a document is known that is no list of stock. A `*` at either end stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documents {
    /// Of columns with the number of an invoice or an order.
    pub numbers: Vec<String>,
    /// Of quantities that are a difference or a forecast.
    pub quantities: Vec<String>,
}

/// The columns that totals and gates are about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// Totals are given for each of its values: the warehouse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// Whether they are read back from the table after the load.
    #[serde(default)]
    pub read_back: bool,
}

/// What a million units cost, and in what currency, for the estimate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub write: Decimal,
    pub read: Decimal,
    pub currency: String,
}

impl Default for Gates {
    /// What holds a load that is most likely a mistake: a sheet whose columns were swapped, of another shop, cut short.
    fn default() -> Gates {
        let percent = |percent: u32| Some(Decimal::from(percent));
        Gates {
            rejected_rows: None,
            rejected_percent: percent(50),
            zero_percent: percent(30),
            price_factor: percent(5),
            price_percent: percent(10),
            fewer_percent: percent(50),
            missing_percent: percent(20),
            vanishing: true,
            document: true,
            older: true,
        }
    }
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
const NO_STOCK: [&str; 23] = [
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

impl Default for Documents {
    fn default() -> Documents {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Documents { numbers: owned(&DOCUMENT_NUMBERS), quantities: owned(&NO_STOCK) }
    }
}

impl Documents {
    pub(super) fn is_usual(&self) -> bool {
        *self == Documents::default()
    }
}

impl Default for Price {
    /// On demand, in most regions of North America and Europe; a table of provisioned capacity costs nothing more.
    fn default() -> Price {
        let thousandths = |n: u32| Decimal::new(n.into(), -3);
        Price { write: thousandths(625), read: thousandths(125), currency: "USD".to_string() }
    }
}
