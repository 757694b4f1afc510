//! What judging must know of the table, asked of the table itself.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription, TableStatus,
};

use super::{Table, TableError};
use crate::clients::CloudFault;
use crate::schema::{IndexShape, KeyAttribute, KeyKind, KeyShape, TableShape};

impl Table {
    /// The names and types of the table's keys and of its indexes' keys.
    pub async fn describe(&self) -> Result<TableShape, TableError> {
        let answer = self.client.describe_table().table_name(&self.name).send().await;
        let description = answer.map_err(|error| CloudFault::new("DescribeTable", &self.place(), &error))?.table;
        read(&self.name, &description.ok_or_else(|| strange(&self.name, "nothing in it"))?)
    }
}

fn read(table: &str, description: &TableDescription) -> Result<TableShape, TableError> {
    // A table that is being updated (capacity, an index being built) takes writes; so does one being encrypted anew.
    match description.table_status() {
        None | Some(TableStatus::Active | TableStatus::Updating | TableStatus::InaccessibleEncryptionCredentials) => {}
        Some(other) => {
            return Err(TableError::NotActive { table: table.to_string(), status: other.as_str().to_string() });
        }
    }
    let key = |elements: &[KeySchemaElement]| key_shape(table, elements, description.attribute_definitions());
    // An index of either kind refuses an item whose attribute has another type than its key.
    let global = description.global_secondary_indexes().iter().map(|index| (index.index_name(), index.key_schema()));
    let local = description.local_secondary_indexes().iter().map(|index| (index.index_name(), index.key_schema()));
    let indexes = global.chain(local).map(|(name, elements)| {
        Ok(IndexShape { name: name.unwrap_or_default().to_string(), key: key(elements)? })
    });
    Ok(TableShape {
        table: table.to_string(),
        key: key(description.key_schema())?,
        indexes: indexes.collect::<Result<_, TableError>>()?,
    })
}

fn key_shape(
    table: &str,
    elements: &[KeySchemaElement],
    definitions: &[AttributeDefinition],
) -> Result<KeyShape, TableError> {
    let mut partition = None;
    let mut sort = None;
    for element in elements {
        let name = element.attribute_name();
        let definition = definitions.iter().find(|definition| definition.attribute_name() == name);
        let kind = match definition.map(AttributeDefinition::attribute_type) {
            Some(ScalarAttributeType::S) => KeyKind::S,
            Some(ScalarAttributeType::N) => KeyKind::N,
            Some(ScalarAttributeType::B) => KeyKind::B,
            _ => return Err(strange(table, &format!("no type for the key attribute {name}"))),
        };
        let place = if *element.key_type() == KeyType::Range { &mut sort } else { &mut partition };
        if place.replace(KeyAttribute { name: name.to_string(), kind }).is_some() {
            return Err(strange(table, "a key of several partition or sort attributes"));
        }
    }
    Ok(KeyShape { partition: partition.ok_or_else(|| strange(table, "a key without a partition attribute"))?, sort })
}

fn strange(table: &str, what: &str) -> TableError {
    TableError::Strange { table: table.to_string(), what: what.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::fake::{Fake, table};
    use serde_json::json;
    use std::time::Duration;

    #[tokio::test]
    async fn keys_of_the_table_and_of_both_kinds_of_index_are_read() {
        let fake = Fake::answering(|_, _| {
            let key = |partition: &str, sort: &str| {
                json!([{ "AttributeName": partition, "KeyType": "HASH" }, { "AttributeName": sort, "KeyType": "RANGE" }])
            };
            let kind = |name: &str, kind: &str| json!({ "AttributeName": name, "AttributeType": kind });
            (200, json!({ "Table": {
                "TableStatus": "UPDATING",
                "KeySchema": key("sku", "place"),
                "AttributeDefinitions": [kind("place", "N"), kind("sku", "S"), kind("seal", "B")],
                "GlobalSecondaryIndexes": [{ "IndexName": "by-place", "KeySchema": key("place", "sku") }],
                "LocalSecondaryIndexes": [{ "IndexName": "by-seal", "KeySchema": key("sku", "seal") }],
            }}))
        });
        let attribute = |name: &str, kind| KeyAttribute { name: name.to_string(), kind };
        let (sku, place) = (attribute("sku", KeyKind::S), attribute("place", KeyKind::N));
        let seal = attribute("seal", KeyKind::B);
        let shape = table(&fake, Duration::from_secs(1)).describe().await.unwrap();
        assert_eq!(shape.key, KeyShape { partition: sku.clone(), sort: Some(place.clone()) });
        let keys: Vec<KeyShape> = shape.indexes.into_iter().map(|index| index.key).collect();
        assert_eq!(
            keys,
            [KeyShape { partition: place, sort: Some(sku.clone()) }, KeyShape { partition: sku, sort: Some(seal) }]
        );
    }

    #[tokio::test]
    async fn a_missing_table_is_an_error_that_will_not_heal() {
        let fake = Fake::answering(|_, _| {
            let code = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException";
            (400, json!({ "__type": code, "message": "Requested resource not found" }))
        });
        let error = table(&fake, Duration::from_secs(1)).describe().await.unwrap_err();
        assert!(!error.would_trying_again_help());
        assert_eq!(
            error.to_string(),
            "DescribeTable on table stock was not done: ResourceNotFoundException: Requested resource not found. \
             Check the name, the region and the account"
        );
    }
}
