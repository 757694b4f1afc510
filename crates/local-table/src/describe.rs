//! DescribeTable.

use serde_json::{Value, json};

use crate::answer::{Refusal, index_name};
use crate::request::{self, Describe};
use crate::table::Table;

pub fn describe(table: &Table, body: &str) -> Result<String, Refusal> {
    let Describe { table_name } = request::read(body)?;
    let settings = &table.settings;
    let names = [Some(&settings.key.partition), settings.key.sort.as_ref()];
    let keys: Vec<(&String, &str)> = names.into_iter().flatten().zip(["HASH", "RANGE"]).collect();
    let schema = |keys: &[(&String, &str)]| -> Value {
        keys.iter().map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind })).collect()
    };
    let kinds: Value = keys.iter().map(|(name, _)| json!({ "AttributeName": name, "AttributeType": "S" })).collect();
    let (billing, write, read) = match settings.provisioned {
        true => ("PROVISIONED", settings.write_units, settings.read_units),
        false => ("PAY_PER_REQUEST", 0, 0),
    };
    let mut description = json!({
        "TableName": table_name,
        "TableStatus": "ACTIVE",
        "KeySchema": schema(&keys),
        "AttributeDefinitions": kinds,
        "BillingModeSummary": { "BillingMode": billing },
        "ProvisionedThroughput": { "WriteCapacityUnits": write, "ReadCapacityUnits": read },
        "ItemCount": table.state().kept.len(),
    });
    if settings.indexes > 0 {
        let index = |n| {
            json!({
                "IndexName": index_name(n),
                "IndexStatus": "ACTIVE",
                "KeySchema": schema(&keys),
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

    fn described(words: &str) -> Value {
        let (table, _) = Table::with(words);
        let answer: Value = serde_json::from_str(&describe(&table, r#"{"TableName":"stock"}"#).unwrap()).unwrap();
        answer["Table"].clone()
    }

    #[test]
    fn a_table_describes_its_key() {
        let table = described("--key warehouse,sku");
        assert_eq!((&table["TableName"], &table["TableStatus"]), (&json!("stock"), &json!("ACTIVE")));
        let element = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        assert_eq!(table["KeySchema"], json!([element("warehouse", "HASH"), element("sku", "RANGE")]));
        let kind = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
        assert_eq!(table["AttributeDefinitions"], json!([kind("warehouse"), kind("sku")]));
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
