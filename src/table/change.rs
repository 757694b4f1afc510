//! Changes of one item each, made under conditions or in part: what BatchWriteItem cannot do.

use crate::item::Item;

/// What is to be done with one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The attributes of the table's key.
    pub key: Item,
    pub act: Act,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Sets and removes attributes, whatever else the item has; makes the item where there is none. Never names the key.
    Merge { set: Item, remove: Vec<String> },
    /// Puts the whole item where there is none.
    Add(Item),
    /// Removes the item, as long as it still is what was read.
    Delete { read: Item },
    /// Sets attributes, as long as the item still is what was read.
    Mark { read: Item, set: Item },
}
