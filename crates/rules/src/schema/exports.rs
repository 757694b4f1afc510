//! Headers as real programs export them, each with the column of the shipped rules it must match. Collected by hand
//! from the programs' public documentation.

use super::Schema;

/// The exporting program and its headers in order; `=>` gives the column that a header must match.
#[rustfmt::skip]
const EXPORTS: &[(&str, &[&str])] = &[
    ("SAP MB52", &[
        "Material => sku", "Material Description => name", "Plant", "Storage Location => warehouse",
        "Base Unit of Measure", "Unrestricted => quantity", "Value Unrestricted", "Blocked",
    ]),
    ("SAP MB52, narrow columns", &[
        "Material => sku", "Material Description => name", "Plnt", "SLoc => warehouse", "BUn",
        "Unrestricted => quantity",
    ]),
    ("SAP, one plant", &[
        "Material Number => sku", "Material Description => name", "Plant => warehouse", "Material Group => category",
        "Unrestricted-Use Stock => quantity",
    ]),
    ("SAP, field names", &[
        "MATNR => sku", "MAKTX => name", "WERKS", "LGORT => warehouse", "LABST => quantity",
    ]),
    ("SAP in German", &[
        "Material => sku", "Materialkurztext => name", "Werk", "Lagerort => warehouse",
        "Frei verwendbar => quantity", "Warengruppe => category",
    ]),
    ("Dynamics 365 Business Central, items", &[
        "No. => sku", "Description => name", "Type", "Inventory => quantity", "Base Unit of Measure", "Unit Cost",
        "Unit Price => unit_price", "Vendor No.", "Item Category Code => category",
    ]),
    ("Dynamics 365 Business Central, physical inventory journal", &[
        "Posting Date", "Item No. => sku", "Description => name", "Location Code => warehouse", "Qty. (Calculated)",
        "Qty. (Phys. Inventory) => quantity", "Quantity",
    ]),
    ("Dynamics 365 Finance, on-hand", &[
        "Item number => sku", "Product name => name", "Site", "Warehouse => warehouse",
        "Physical inventory => quantity", "Available physical",
    ]),
    ("NetSuite, inventory status", &[
        "Item => sku", "Description => name", "On Hand => quantity", "Available", "Committed",
        "Location => warehouse", "Reorder Point => reorder_level", "Base Price => unit_price",
    ]),
    ("Sage 100", &[
        "ItemCode => sku", "ItemCodeDesc => name", "WarehouseCode => warehouse", "QuantityOnHand => quantity",
        "StandardUnitPrice => unit_price", "ReorderPoint => reorder_level", "PrimaryVendorNo",
    ]),
    ("Sage 50", &[
        "Stock Code => sku", "Description => name", "Category => category", "Quantity In Stock => quantity",
        "Re-order Level => reorder_level", "Sales Price => unit_price", "Location => warehouse",
    ]),
    ("Odoo, products", &[
        "Internal Reference => sku", "Name => name", "Sales Price => unit_price", "Cost",
        "Quantity On Hand => quantity", "Forecasted Quantity", "Product Category => category", "Unit of Measure",
    ]),
    ("Odoo, products in German", &[
        "Interne Referenz => sku", "Name => name", "Verkaufspreis => unit_price", "Kosten",
        "Vorrätige Menge => quantity", "Produktkategorie => category",
    ]),
    ("Odoo, products in French", &[
        "Référence interne => sku", "Nom => name", "Prix de vente => unit_price", "Coût",
        "Quantité en main => quantity", "Catégorie de produits => category",
    ]),
    ("Odoo, products in Spanish", &[
        "Referencia interna => sku", "Nombre => name", "Precio de venta => unit_price", "Coste",
        "Cantidad a mano => quantity", "Categoría de producto => category",
    ]),
    ("Magento 2, products", &[
        "sku => sku", "store_view_code", "attribute_set_code", "product_type", "categories => category",
        "product_websites", "name => name", "description", "short_description", "weight", "price => unit_price",
        "special_price", "qty => quantity", "out_of_stock_qty", "is_in_stock",
    ]),
    ("Magento 2, stock sources", &[
        "source_code => warehouse", "sku => sku", "status", "quantity => quantity",
    ]),
    ("Shopify, products", &[
        "Handle", "Title => name", "Body (HTML)", "Vendor => supplier", "Product Category => category", "Type",
        "Tags", "Published", "Option1 Name", "Option1 Value", "Variant SKU => sku", "Variant Grams",
        "Variant Inventory Tracker", "Variant Inventory Qty => quantity", "Variant Inventory Policy",
        "Variant Price => unit_price", "Variant Compare At Price", "Variant Barcode", "Cost per item", "Status",
    ]),
    ("Shopify, inventory", &[
        "Handle", "Title => name", "Option1 Name", "Option1 Value", "SKU => sku", "HS Code", "COO",
        "Location => warehouse", "Bin name", "Incoming (not editable)", "Unavailable (not editable)",
        "Committed (not editable)", "Available (not editable)", "On hand (current) => quantity", "On hand (new)",
    ]),
    ("Shopify, inventory until 2024", &[
        "Handle", "Title => name", "Option1 Name", "Option1 Value", "SKU => sku", "HS Code", "COO",
        "Location => warehouse", "Incoming", "Unavailable", "Committed", "Available", "On hand => quantity",
    ]),
    ("WooCommerce", &[
        "ID", "Type", "SKU => sku", "Name => name", "Published", "Is featured?", "Short description", "Description",
        "Tax status", "In stock?", "Stock => quantity", "Low stock amount => reorder_level", "Sale price",
        "Regular price => unit_price", "Categories => category", "Tags",
    ]),
    ("Square", &[
        "Token", "Item Name => name", "Variation Name", "SKU => sku", "Description", "Category => category",
        "Price => unit_price", "Default Vendor Name => supplier", "Current Quantity Main Street => quantity",
        "New Quantity Main Street", "Stock Alert Enabled Main Street",
        "Stock Alert Count Main Street => reorder_level",
    ]),
    ("Square, with a price online", &[
        "Token", "Item Name => name", "SKU => sku", "Category => category", "Price => unit_price", "Online Sale Price",
        "Current Quantity Main Street => quantity", "Default Unit Cost",
    ]),
    ("Lightspeed Retail, X series", &[
        "id", "handle", "sku => sku", "name => name", "product_category => category", "supply_price",
        "retail_price => unit_price", "supplier_name => supplier", "supplier_code", "Count => quantity",
    ]),
    ("QuickBooks Desktop, item listing", &[
        "Item => sku", "Description => name", "Type", "Cost", "Price => unit_price", "Quantity On Hand => quantity",
        "Reorder Point => reorder_level", "Preferred Vendor => supplier", "Quantity On Purchase Order",
        "Quantity On Sales Order",
    ]),
    ("Zoho Inventory", &[
        "Item ID", "Item Name => name", "SKU => sku", "Stock On Hand", "Quantity In Stock => quantity", "Purchase Price",
        "Selling Price => unit_price", "Vendor => supplier",
    ]),
    ("a count", &[
        "SKU => sku", "Name => name", "Expected quantity", "Counted quantity => quantity", "Difference",
    ]),
    ("a count in German", &[
        "Artikelnummer => sku", "Bezeichnung => name", "Sollmenge", "Gezählte Menge => quantity", "Differenz",
    ]),
    ("by hand, in German", &[
        "Art.-Nr. => sku", "Bezeichnung => name", "Warengruppe => category", "Lager => warehouse",
        "Stückzahl => quantity", "Preis => unit_price", "Mindestbestand => reorder_level", "Lieferant => supplier",
        "Zuletzt gezählt => last_counted", "Auslaufartikel => discontinued",
    ]),
    ("by hand, in German without umlauts", &[
        "ARTIKELNUMMER => sku", "ARTIKELBEZEICHNUNG => name", "STUECKZAHL => quantity", "VERFUEGBAR",
        "STUECKPREIS => unit_price", "LETZTE ZAEHLUNG => last_counted", "ABGEKUENDIGT => discontinued",
    ]),
    ("by hand, in French", &[
        "Référence => sku", "Désignation => name", "Famille => category", "Dépôt => warehouse",
        "Qté en stock => quantity", "Prix unitaire HT => unit_price",
        "Seuil de réapprovisionnement => reorder_level", "Fournisseur => supplier",
        "Dernier inventaire => last_counted", "Fin de série => discontinued",
    ]),
    ("by hand, in French without accents", &[
        "CODE ARTICLE => sku", "DESIGNATION => name", "CATEGORIE => category", "ENTREPOT => warehouse",
        "QUANTITE => quantity", "PRIX => unit_price", "DATE D’INVENTAIRE => last_counted", "ARRETE => discontinued",
    ]),
    ("by hand, in Spanish", &[
        "Código => sku", "Descripción => name", "Categoría => category", "Almacén => warehouse",
        "Existencias => quantity", "Precio unitario => unit_price", "Stock mínimo => reorder_level",
        "Proveedor => supplier", "Último inventario => last_counted", "Descatalogado => discontinued",
    ]),
    ("by hand, in Spanish without accents", &[
        "CODIGO DE ARTICULO => sku", "NOMBRE => name", "FAMILIA => category", "BODEGA => warehouse",
        "CANTIDAD => quantity", "PRECIO => unit_price", "PUNTO DE PEDIDO => reorder_level",
        "FECHA DE INVENTARIO => last_counted",
    ]),
];

#[test]
fn headers_of_real_exports_match_the_right_columns() {
    let schema = Schema::shipped().unwrap();
    for (program, headers) in EXPORTS {
        let split: Vec<(&str, Option<&str>)> = headers
            .iter()
            .map(|header| header.split_once(" => ").map_or((*header, None), |(text, column)| (text, Some(column))))
            .collect();
        let texts: Vec<(u32, &str)> = (0..).zip(&split).map(|(place, (text, _))| (place, *text)).collect();
        let header = schema.match_header(1, &texts).unwrap_or_else(|fault| panic!("{program}: {fault:?}"));
        for (place, (text, expected)) in (0..).zip(&split) {
            let is_here = |found: &Option<(u32, String)>| found.as_ref().is_some_and(|(column, _)| *column == place);
            let found = header.columns.iter().position(is_here).map(|column| schema.columns[column].name.as_str());
            assert_eq!(found, *expected, "{program}: {text}");
        }
        assert_eq!(header.others.len(), split.iter().filter(|(_, column)| column.is_none()).count(), "{program}");
    }
}
