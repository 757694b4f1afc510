//! DescribeTable.

use std::time::Instant;

use serde_json::{Value, json};

use crate::answer::{Refusal, index_name};
use crate::items::ReadItems;
use crate::request::{self, Describe};
use crate::table::{Identity, Table};
use inventory_base::key_shape::KeyAttribute;

pub fn describe(table: &Table, items: &dyn ReadItems, body: &str, _: Instant) -> Result<String, Refusal> {
    let Describe { table_name } = request::read(body)?;
    table.check_name(&table_name)?;
    let settings = &table.settings;
    let schema: Value = settings
        .key
        .attributes()
        .zip(["HASH", "RANGE"])
        .map(|(attribute, kind)| json!({ "AttributeName": attribute.name, "KeyType": kind }))
        .collect();
    let definition = |attribute: &KeyAttribute| json!({ "AttributeName": attribute.name, "AttributeType": format!("{:?}", attribute.kind) });
    let definitions: Value = settings.key.attributes().map(definition).collect();
    let (billing, write, read) = match settings.provisioned {
        true => ("PROVISIONED", settings.write_units, settings.read_units),
        false => ("PAY_PER_REQUEST", 0, 0),
    };
    let mut description = json!({
        "TableName": table_name,
        "TableStatus": "ACTIVE",
        "KeySchema": schema,
        "AttributeDefinitions": definitions,
        "BillingModeSummary": { "BillingMode": billing },
        "ProvisionedThroughput": { "WriteCapacityUnits": write, "ReadCapacityUnits": read },
        "ItemCount": items.count()?,
    });
    if let Some(Identity { id, created }) = &table.identity {
        description["TableId"] = json!(id);
        description["CreationDateTime"] = json!(created);
    }
    if settings.indexes > 0 {
        let index = |n| {
            json!({
                "IndexName": index_name(n),
                "IndexStatus": "ACTIVE",
                "KeySchema": schema,
                "Projection": { "ProjectionType": "ALL" },
            })
        };
        description["GlobalSecondaryIndexes"] = (1..=settings.indexes).map(index).collect();
    }
    Ok(json!({ "Table": description }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::items::Nowhere;

    fn described(words: &str) -> Value {
        let (table, start) = Table::with(words);
        let answer = describe(&table, &Nowhere, r#"{"TableName":"stock"}"#, start).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["Table"].clone()
    }

    #[test]
    fn a_table_describes_its_key() {
        let table = described("--key warehouse,shelf:N");
        assert_eq!((&table["TableName"], &table["TableStatus"]), (&json!("stock"), &json!("ACTIVE")));
        let element = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        assert_eq!(table["KeySchema"], json!([element("warehouse", "HASH"), element("shelf", "RANGE")]));
        let kind = |name: &str, kind: &str| json!({ "AttributeName": name, "AttributeType": kind });
        assert_eq!(table["AttributeDefinitions"], json!([kind("warehouse", "S"), kind("shelf", "N")]));
        assert_eq!(table["GlobalSecondaryIndexes"], Value::Null);
    }

    #[test]
    fn capacity_is_described_if_it_is_provisioned() {
        let on_demand = described("--write-units 40 --read-units 120");
        assert_eq!(on_demand["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
        assert_eq!(on_demand["ProvisionedThroughput"]["WriteCapacityUnits"], 0);
        let provisioned = described("--write-units 40 --read-units 120 --provisioned");
        assert_eq!(provisioned["BillingModeSummary"]["BillingMode"], "PROVISIONED");
        assert_eq!(provisioned["ProvisionedThroughput"], json!({ "WriteCapacityUnits": 40, "ReadCapacityUnits": 120 }));
    }

    #[test]
    fn every_index_is_described_under_its_name_in_consumed_capacity() {
        let table = described("--indexes 2");
        let names: Vec<&Value> = (0..2).map(|n| &table["GlobalSecondaryIndexes"][n]["IndexName"]).collect();
        assert_eq!(names, ["index-1", "index-2"]);
    }
}
