//! Checks before judging that items judged by these rules can be written to a table: one wrong index key makes DynamoDB
//! refuse all 25 items of a request.

use super::Schema;
use super::column::{ColumnType, FREE_TEXT};
use super::key::KeyPart;
use super::table_shape::TableShape;
use inventory_base::key_shape::{KeyAttribute, KeyKind, KeyShape};

/// The rules and the table don't fit together. Meant for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableMismatch {
    #[error(
        "the table's {part} key is {table_name:?} of type {table_kind}, but the rules make it {name:?} of type {kind}; \
         change [key] or load into another table"
    )]
    Key { part: &'static str, table_name: String, table_kind: String, name: String, kind: String },
    #[error(
        "index {index:?} of the table needs {attribute:?} as {table_kind}, but the rules make that column {kind}; \
         change the column's type"
    )]
    IndexKey { index: String, attribute: String, table_kind: String, kind: &'static str },
}

impl Schema {
    pub fn check_table(&self, shape: &TableShape) -> Result<(), TableMismatch> {
        self.check_key("partition", Some(&shape.key.partition), Some(&self.key.partition))?;
        self.check_key("sort", shape.key.sort.as_ref(), self.key.sort.as_ref())?;
        for index in &shape.indexes {
            for attribute in index.key.attributes() {
                let Some(kind) = self.kind_of(&attribute.name) else {
                    continue;
                };
                if kind.key_kind() != Some(attribute.kind) {
                    return Err(TableMismatch::IndexKey {
                        index: index.name.clone(),
                        attribute: attribute.name.clone(),
                        table_kind: format!("{:?}", attribute.kind),
                        kind: kind.name,
                    });
                }
            }
        }
        Ok(())
    }

    /// Returns the key of a table for these rules; `None` if a key column holds values that can't be a key.
    pub fn key_shape(&self) -> Option<KeyShape> {
        let attribute = |part: &KeyPart| {
            let name = part.attribute();
            Some(KeyAttribute { name: name.to_string(), kind: self.key_kind_of(name)? })
        };
        let sort = self.key.sort.as_ref().map(attribute);
        Some(KeyShape {
            partition: attribute(&self.key.partition)?,
            sort: if let Some(sort) = sort { Some(sort?) } else { None },
        })
    }

    fn key_kind_of(&self, attribute: &str) -> Option<KeyKind> {
        self.kind_of(attribute).and_then(ColumnType::key_kind)
    }

    /// The type of an attribute that items have by these rules. Composite attributes are texts.
    fn kind_of(&self, attribute: &str) -> Option<&'static ColumnType> {
        let composite = |part: &&KeyPart| matches!(part, KeyPart::Composite { name, .. } if name == attribute);
        if self.key.parts().any(|part| composite(&part)) {
            return Some(&FREE_TEXT);
        }
        self.columns.iter().find(|column| column.name == attribute).map(|column| column.kind)
    }

    fn check_key(
        &self,
        part: &'static str,
        table: Option<&KeyAttribute>,
        ours: Option<&KeyPart>,
    ) -> Result<(), TableMismatch> {
        let ours = ours.map(KeyPart::attribute);
        let kind = ours.and_then(|name| self.key_kind_of(name));
        if table.map(|table| (table.name.as_str(), Some(table.kind))) == ours.map(|name| (name, kind)) {
            return Ok(());
        }
        let or_none = |name: Option<String>| name.unwrap_or_else(|| "none".to_string());
        Err(TableMismatch::Key {
            part,
            table_name: or_none(table.map(|table| table.name.clone())),
            table_kind: or_none(table.map(|table| format!("{:?}", table.kind))),
            name: or_none(ours.map(str::to_string)),
            kind: or_none(kind.map(|kind| format!("{kind:?}"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::IndexShape;

    fn attribute(name: &str, kind: KeyKind) -> KeyAttribute {
        KeyAttribute { name: name.into(), kind }
    }

    fn shape(partition: KeyAttribute, sort: Option<KeyAttribute>, index: Option<KeyAttribute>) -> TableShape {
        let index = index.map(|partition| IndexShape {
            name: "by".into(),
            key: KeyShape { partition, sort: None },
            projects: Default::default(),
        });
        let key = KeyShape { partition, sort };
        TableShape { table: "inventory".into(), id: None, key, indexes: index.into_iter().collect(), capacity: None }
    }

    #[test]
    fn a_table_that_does_not_match_the_rules_is_found_before_judging() {
        let (schema, sku) = (Schema::shipped().unwrap(), attribute("sku", KeyKind::S));
        let misfit = |shape| schema.check_table(&shape).unwrap_err().to_string();
        assert_eq!(schema.check_table(&shape(sku.clone(), None, None)), Ok(()));
        let error = misfit(shape(attribute("sku", KeyKind::N), None, None));
        assert!(error.contains("\"sku\" of type N") && error.contains("of type S"), "{error}");
        assert!(misfit(shape(attribute("id", KeyKind::S), None, None)).contains("\"id\""));
        assert!(misfit(shape(sku.clone(), Some(attribute("warehouse", KeyKind::S)), None)).contains("sort key"));
        assert_eq!(schema.check_table(&shape(sku.clone(), None, Some(attribute("quantity", KeyKind::N)))), Ok(()));
        assert_eq!(schema.check_table(&shape(sku.clone(), None, Some(attribute("elsewhere", KeyKind::B)))), Ok(()));
        let error = misfit(shape(sku, None, Some(attribute("quantity", KeyKind::S))));
        assert!(error.contains("\"by\"") && error.contains("integer"), "{error}");
    }

    #[test]
    fn a_composite_key_is_a_text_with_its_own_name() {
        let rules = "version = 1\n[key]\npartition = { name = \"pk\", from = \"{site}#{sku}\" }\nsort = \"day\"\n\
                     [[column]]\nname = \"site\"\ntype = \"text\"\nrequired = true\n\
                     [[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n\
                     [[column]]\nname = \"day\"\ntype = \"date\"\nrequired = true\n";
        let schema = Schema::from_toml(rules).unwrap();
        let day = || Some(attribute("day", KeyKind::S));
        assert_eq!(schema.check_table(&shape(attribute("pk", KeyKind::S), day(), day())), Ok(()));
        for wrong in [attribute("sku", KeyKind::S), attribute("pk", KeyKind::N)] {
            assert!(schema.check_table(&shape(wrong, day(), None)).is_err());
        }
        let number = Some(attribute("pk", KeyKind::N));
        assert!(schema.check_table(&shape(attribute("pk", KeyKind::S), day(), number)).is_err());
    }
}
