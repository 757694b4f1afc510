//! Asks DynamoDB for what the checks need to know about the table.

use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::Config;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ProjectionType, ScalarAttributeType, TableDescription,
    TableStatus,
};

use super::{Table, TableError};
use crate::clients::CloudFault;
use inventory_base::key_shape::{KeyAttribute, KeyKind, KeyShape};
use inventory_rules::schema::{Capacity, IndexShape, Projection, TableShape};

impl Table {
    /// Returns the table's id, the names and types of its keys and of its indexes' keys, what its indexes hold, and its
    /// capacity.
    pub async fn describe(&self) -> Result<TableShape, TableError> {
        let request = self.client.describe_table().table_name(&self.name).customize();
        let patiently = Config::builder().retry_config(RetryConfig::standard());
        let answer = request.config_override(patiently).send().await;
        let description = answer.map_err(|error| CloudFault::new("DescribeTable", &self.resource(), &error))?.table;
        read(&self.name, &description.ok_or_else(|| unexpected(&self.name, "no description"))?)
    }
}

fn read(table: &str, description: &TableDescription) -> Result<TableShape, TableError> {
    // A table that is being updated (its capacity is changed, or an index built) accepts writes.
    match description.table_status() {
        None | Some(TableStatus::Active | TableStatus::Updating) => {}
        Some(other) => {
            return Err(TableError::NotActive { table: table.to_string(), status: other.as_str().to_string() });
        }
    }
    let keys = |elements: &[KeySchemaElement]| key_shapes(table, elements, description.attribute_definitions());
    let key = keys(description.key_schema())?.swap_remove(0);
    // An index of either kind refuses an item whose attribute has a type other than its key's.
    let global = description.global_secondary_indexes().iter();
    let global = global.map(|index| (index.index_name(), index.key_schema(), index.projection()));
    let local = description.local_secondary_indexes().iter();
    let local = local.map(|index| (index.index_name(), index.key_schema(), index.projection()));
    let mut indexes = Vec::new();
    for (name, elements, projection) in global.chain(local) {
        let (name, projects) = (name.unwrap_or_default().to_string(), projected(projection));
        let shape = |key| IndexShape { name: name.clone(), key, projects: projects.clone() };
        indexes.extend(keys(elements)?.into_iter().map(shape));
    }
    // DynamoDB Local gives tables no id; there, the creation time distinguishes a table from a later one.
    let created = || description.creation_date_time().map(|created| created.to_string());
    let id = description.table_id().map(str::to_string).or_else(created);
    Ok(TableShape { table: table.to_string(), id, key, indexes, capacity: capacity(description) })
}

/// The projection of an index. One that is not reported counts as `All`, so that the estimate is too high rather than
/// too low.
fn projected(projection: Option<&aws_sdk_dynamodb::types::Projection>) -> Projection {
    match projection.map(|projection| (projection.projection_type(), projection.non_key_attributes())) {
        Some((Some(ProjectionType::KeysOnly), _)) => Projection::Keys,
        Some((Some(ProjectionType::Include), names)) => Projection::Include(names.to_vec()),
        _ => Projection::All,
    }
}

/// The provisioned capacity; `None` for a table on demand, which says so, or has zeros here, or both.
fn capacity(description: &TableDescription) -> Option<Capacity> {
    let billing = description.billing_mode_summary().and_then(|summary| summary.billing_mode());
    let provisioned = description.provisioned_throughput().filter(|_| billing != Some(&BillingMode::PayPerRequest))?;
    let units = |units: Option<i64>| units.and_then(|units| u64::try_from(units).ok()).filter(|&units| units > 0);
    Some(Capacity {
        read: units(provisioned.read_capacity_units())?,
        write: units(provisioned.write_capacity_units())?,
    })
}

/// Returns the shapes of a key, at least one. An index may have up to four partition and four sort attributes; it
/// becomes several shapes, which together name all of them, and that is all the checks need.
fn key_shapes(
    table: &str,
    elements: &[KeySchemaElement],
    definitions: &[AttributeDefinition],
) -> Result<Vec<KeyShape>, TableError> {
    let (mut partitions, mut sorts) = (Vec::new(), Vec::new());
    for element in elements {
        let name = element.attribute_name();
        let definition = definitions.iter().find(|definition| definition.attribute_name() == name);
        let kind = match definition.map(AttributeDefinition::attribute_type) {
            Some(ScalarAttributeType::S) => KeyKind::S,
            Some(ScalarAttributeType::N) => KeyKind::N,
            Some(ScalarAttributeType::B) => KeyKind::B,
            _ => return Err(unexpected(table, &format!("no type for the key attribute {name}"))),
        };
        let side = if *element.key_type() == KeyType::Range { &mut sorts } else { &mut partitions };
        side.push(KeyAttribute { name: name.to_string(), kind });
    }
    let first = partitions.first().ok_or_else(|| unexpected(table, "a key without a partition attribute"))?;
    let shape =
        |n: usize| KeyShape { partition: partitions.get(n).unwrap_or(first).clone(), sort: sorts.get(n).cloned() };
    Ok((0..partitions.len().max(sorts.len())).map(shape).collect())
}

fn unexpected(table: &str, what: &str) -> TableError {
    TableError::UnexpectedAnswer { table: table.to_string(), what: what.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Fake, Reply, error};
    use serde_json::{Value as Json, json};
    use std::time::Duration;

    #[tokio::test]
    async fn keys_of_the_table_and_of_both_kinds_of_index_are_read() {
        let fake = Fake::answering(|_| {
            let element = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
            let key = |partition: &str, sort: &str| json!([element(partition, "HASH"), element(sort, "RANGE")]);
            let projects = |kind: &str, names: &[&str]| json!({ "ProjectionType": kind, "NonKeyAttributes": names });
            let kind = |name: &str, kind: &str| json!({ "AttributeName": name, "AttributeType": kind });
            Reply::Json(
                200,
                json!({ "Table": {
                    "TableStatus": "UPDATING",
                    "KeySchema": key("sku", "place"),
                    "AttributeDefinitions": [kind("place", "N"), kind("sku", "S"), kind("seal", "B")],
                    "GlobalSecondaryIndexes": [
                        { "KeySchema": key("place", "sku"), "Projection": projects("KEYS_ONLY", &[]) },
                    ],
                    "LocalSecondaryIndexes": [
                        { "KeySchema": key("sku", "seal"), "Projection": projects("INCLUDE", &["price"]) },
                        { "KeySchema": key("sku", "place"), "Projection": projects("ALL", &[]) },
                    ],
                }}),
            )
        });
        let attribute = |name: &str, kind| KeyAttribute { name: name.to_string(), kind };
        let (sku, place) = (attribute("sku", KeyKind::S), attribute("place", KeyKind::N));
        let seal = attribute("seal", KeyKind::B);
        let shape = Table::new(fake.dynamodb(), "stock", Duration::from_secs(1)).describe().await.unwrap();
        assert_eq!(shape.key, KeyShape { partition: sku.clone(), sort: Some(place.clone()) });
        let (keys, projects): (Vec<KeyShape>, Vec<Projection>) =
            shape.indexes.into_iter().map(|index| (index.key, index.projects)).unzip();
        assert_eq!(
            keys,
            [
                KeyShape { partition: place.clone(), sort: Some(sku.clone()) },
                KeyShape { partition: sku.clone(), sort: Some(seal) },
                KeyShape { partition: sku, sort: Some(place) },
            ]
        );
        assert_eq!(projects, [Projection::Keys, Projection::Include(vec!["price".into()]), Projection::All]);
    }

    #[tokio::test]
    async fn capacity_is_the_provisioned_one_and_none_on_demand() {
        let provisioned = json!({ "ReadCapacityUnits": 40, "WriteCapacityUnits": 5 });
        let zeros = json!({ "ReadCapacityUnits": 0, "WriteCapacityUnits": 0 });
        for (billing, throughput, expected) in [
            (json!({ "BillingMode": "PROVISIONED" }), provisioned.clone(), Some(Capacity { read: 40, write: 5 })),
            (Json::Null, provisioned.clone(), Some(Capacity { read: 40, write: 5 })),
            (json!({ "BillingMode": "PAY_PER_REQUEST" }), zeros.clone(), None),
            (json!({ "BillingMode": "PAY_PER_REQUEST" }), provisioned, None),
            (Json::Null, zeros, None),
            (Json::Null, Json::Null, None),
        ] {
            let answer = json!({ "Table": {
                "KeySchema": [{ "AttributeName": "sku", "KeyType": "HASH" }],
                "AttributeDefinitions": [{ "AttributeName": "sku", "AttributeType": "S" }],
                "BillingModeSummary": billing,
                "ProvisionedThroughput": throughput,
            }});
            let fake = Fake::answering(move |_| Reply::Json(200, answer.clone()));
            let shape = Table::new(fake.dynamodb(), "stock", Duration::from_secs(1)).describe().await.unwrap();
            assert_eq!(shape.capacity, expected);
        }
    }

    #[tokio::test]
    async fn a_missing_table_is_not_retryable() {
        let fake = Fake::answering(|_| error("ResourceNotFoundException"));
        let error = Table::new(fake.dynamodb(), "stock", Duration::from_secs(1)).describe().await.unwrap_err();
        assert!(!error.is_retryable());
        assert_eq!(
            error.to_string(),
            "DescribeTable on table stock failed: ResourceNotFoundException: the message. \
             Check the name, the region and the account"
        );
    }
}
