//! BatchWriteItem, PutItem, UpdateItem and DeleteItem.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use inventory_base::item::{Item, item_size};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::answer::{Consumed, Refusal, to_json};
use crate::counts::Outcome;
use crate::expression::{Condition, Placeholders, Update};
use crate::items::WriteItems;
use crate::key::{FindKey, Key};
use crate::request::{self, BatchWrite, LARGEST_ITEM, ReturnOnFailure, SingleWrite, WriteRequest, blocks, only_table};
use crate::table::Table;
use crate::units::Units;
use crate::values::read_item;
use inventory_base::key_shape::KeyShape;

const ITEMS_PER_REQUEST: usize = 25;
/// Bytes per write unit.
const BLOCK: usize = 1024;

/// One item of a request, and its cost for the table itself.
struct Write<'a> {
    key: Key<'a>,
    stored_key: Vec<u8>,
    /// The item to put; `None` if it is to be deleted.
    item: Option<Cow<'a, RawValue>>,
    own: Units,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchWritten<'a> {
    unprocessed_items: BTreeMap<&'a str, Vec<WriteRequest<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<[Consumed<'a>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SingleWritten<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<Consumed<'a>>,
}

pub fn batch_write(table: &Table, items: &mut dyn WriteItems, body: &str, now: Instant) -> Result<String, Refusal> {
    let BatchWrite { request_items, return_consumed_capacity } = request::read(body)?;
    let (name, requests) = only_table(request_items)?;
    table.check_name(&name)?;
    if requests.is_empty() {
        return Err(Refusal::invalid("The batch write request list for a table cannot be null or empty"));
    }
    if requests.len() > ITEMS_PER_REQUEST {
        return Err(Refusal::invalid("Too many items requested for the BatchWriteItem call"));
    }
    let writes = requests.iter().map(|request| Write::of(table, request)).collect::<Result<Vec<_>, _>>()?;
    if writes.iter().map(|write| &write.stored_key).collect::<BTreeSet<_>>().len() < writes.len() {
        return Err(Refusal::invalid("Provided list of item keys contains duplicates"));
    }
    let (own, left) = take(table, items, writes, now)?;
    let left: Vec<WriteRequest> = left.into_iter().map(|n| requests[n]).collect();
    let unprocessed_items = if left.is_empty() { BTreeMap::new() } else { BTreeMap::from([(&*name, left)]) };
    let consumed = Consumed::requested(&name, own, table.settings.indexes, return_consumed_capacity);
    Ok(to_json(&BatchWritten { unprocessed_items, consumed_capacity: consumed.map(|consumed| [consumed]) }))
}

/// Accepts the writes for which there are units. Returns their cost for the table itself, and the writes left over;
/// throttled if none was accepted.
fn take(
    table: &Table,
    items: &mut dyn WriteItems,
    writes: Vec<Write>,
    now: Instant,
) -> Result<(Units, Vec<usize>), Refusal> {
    let times = 1 + table.settings.indexes;
    let count = writes.len();
    let (mut own, mut left) = (Units::ZERO, Vec::new());
    let mut state = table.state();
    state.writes.table.fill(now);
    let state = &mut *state;
    state.counts.begin_write(&state.writes.table, now);
    for (n, write) in writes.into_iter().enumerate() {
        if !state.writes.take(Some(&write.key.partition), write.own * times, now) {
            left.push(n);
            continue;
        }
        own += write.own;
        write.apply(items)?;
    }
    let (taken, refused) = ((count - left.len()) as u64, left.len() as u64);
    state.counts.add_write(Outcome { taken, units: own * times, refused }, now);
    if taken == 0 { Err(Refusal::throttled()) } else { Ok((own, left)) }
}

pub fn put(table: &Table, items: &mut dyn WriteItems, body: &str, now: Instant) -> Result<String, Refusal> {
    let request: SingleWrite = request::read(body)?;
    if request.key.is_some() || request.update_expression.is_some() {
        return Err(Refusal::invalid("PutItem takes an item, and neither a key nor an update"));
    }
    let item = request.item.ok_or_else(|| missing("item"))?;
    let write = Write::of(table, &WriteRequest::PutRequest { item })?;
    single(table, items, &request, Change::Whole(write), now)
}

pub fn delete(table: &Table, items: &mut dyn WriteItems, body: &str, now: Instant) -> Result<String, Refusal> {
    let request: SingleWrite = request::read(body)?;
    if request.item.is_some() || request.update_expression.is_some() {
        return Err(Refusal::invalid("DeleteItem takes a key, and neither an item nor an update"));
    }
    let key = request.key.ok_or_else(|| missing("key"))?;
    let write = Write::of(table, &WriteRequest::DeleteRequest { key })?;
    single(table, items, &request, Change::Whole(write), now)
}

pub fn update(table: &Table, items: &mut dyn WriteItems, body: &str, now: Instant) -> Result<String, Refusal> {
    let request: SingleWrite = request::read(body)?;
    if request.item.is_some() {
        return Err(Refusal::invalid("UpdateItem takes a key and not an item"));
    }
    let key = request.key.ok_or_else(|| missing("key"))?;
    single(table, items, &request, Change::Update(table.settings.key.key_alone(key)?), now)
}

fn missing(parameter: &str) -> Refusal {
    Refusal::invalid(format!(
        "1 validation error detected: Value null at '{parameter}' failed to satisfy constraint: Member must not be null"
    ))
}

/// What a request for a single item does.
enum Change<'a> {
    Whole(Write<'a>),
    /// Changes attributes of the item with this key.
    Update(Key<'a>),
}

/// Makes one change, if its condition holds. It costs the larger of the item before and after it.
fn single(
    table: &Table,
    items: &mut dyn WriteItems,
    request: &SingleWrite,
    change: Change,
    now: Instant,
) -> Result<String, Refusal> {
    table.check_name(&request.table_name)?;
    let schema = &table.settings.key;
    let (condition, update) = expressions(request)?;
    if let Some(name) = update.names().find(|name| schema.attributes().any(|key| key.name == *name)) {
        return Err(Refusal::invalid_value(format_args!(
            "Cannot update attribute {name}. This attribute is part of the key"
        )));
    }
    check_updated_size(update.size())?;
    let stored_key = match &change {
        Change::Whole(write) => write.stored_key.clone(),
        Change::Update(key) => key.stored(),
    };
    let found_text = items.get(&stored_key)?;
    let found: Option<Item> = match &found_text {
        Some(text) => Some(serde_json::from_str(text.get()).map_err(Refusal::file_fault)?),
        None => None,
    };
    let before = found.as_ref().map_or(Units::whole(1), |item| units(item_size(item)));
    if condition.is_some_and(|condition| !condition.holds(found.as_ref())) {
        let partition = match &change {
            Change::Whole(write) => &write.key.partition,
            Change::Update(key) => &key.partition,
        };
        charge(table, partition, before, now)?;
        let wanted = request.return_values_on_condition_check_failure == ReturnOnFailure::AllOld;
        return Err(Refusal::condition_failed(found_text.filter(|_| wanted).as_deref().map(RawValue::get)));
    }
    let write = match change {
        Change::Whole(write) => write,
        Change::Update(key) => updated(key, stored_key, schema, update, found)?,
    };
    let own = write.own.max(before);
    charge(table, &write.key.partition, own, now)?;
    write.apply(items)?;
    let (indexes, wanted) = (table.settings.indexes, request.return_consumed_capacity);
    Ok(to_json(&SingleWritten { consumed_capacity: Consumed::requested(&request.table_name, own, indexes, wanted) }))
}

/// Reads the condition and the update of a request, which use all its placeholders.
fn expressions(request: &SingleWrite) -> Result<(Option<Condition>, Update), Refusal> {
    let (condition, update) = (request.condition_expression.as_deref(), request.update_expression.as_deref());
    let placeholders = Placeholders::new(
        request.expression_attribute_names.clone(),
        request.expression_attribute_values.clone(),
        condition.is_some() || update.is_some(),
    )?;
    let condition = condition.map(|text| Condition::parse(text, &placeholders)).transpose()?;
    let update = update.map(|text| Update::parse(text, &placeholders)).transpose()?;
    placeholders.check_all_used()?;
    Ok((condition, update.unwrap_or_default()))
}

/// Updates the item that was found, or one of nothing but its key.
fn updated<'a>(
    key: Key<'a>,
    stored_key: Vec<u8>,
    schema: &KeyShape,
    update: Update,
    found: Option<Item>,
) -> Result<Write<'a>, Refusal> {
    let created = || serde_json::from_value(key.to_item(schema)).map_err(|error| Refusal::unreadable(&error));
    let mut item: Item = found.map_or_else(created, Ok)?;
    update.apply(&mut item);
    let size = item_size(&item);
    check_updated_size(size)?;
    Ok(Write { key, stored_key, item: Some(owned(&item)?), own: units(size) })
}

fn check_updated_size(bytes: usize) -> Result<(), Refusal> {
    match bytes {
        ..=LARGEST_ITEM => Ok(()),
        _ => Err(Refusal::invalid("Item size to update has exceeded the maximum allowed size")),
    }
}

/// Takes the units of one write, or throttles it.
fn charge(table: &Table, partition: &str, own: Units, now: Instant) -> Result<(), Refusal> {
    let units = own * (1 + table.settings.indexes);
    let mut state = table.state();
    state.writes.table.fill(now);
    let state = &mut *state;
    state.counts.begin_write(&state.writes.table, now);
    if state.writes.take(Some(partition), units, now) {
        state.counts.add_write(Outcome { taken: 1, units, refused: 0 }, now);
        return Ok(());
    }
    state.counts.add_write(Outcome { taken: 0, units: Units::ZERO, refused: 1 }, now);
    Err(Refusal::throttled())
}

impl<'a> Write<'a> {
    fn of(table: &Table, request: &WriteRequest<'a>) -> Result<Write<'a>, Refusal> {
        let schema = &table.settings.key;
        let (key, item, own) = match *request {
            WriteRequest::PutRequest { item } if table.settings.trust_items => {
                (schema.key_of(item)?, Some(Cow::Borrowed(item)), Units::whole(blocks(item, BLOCK)?))
            }
            WriteRequest::PutRequest { item } => {
                let key = schema.key_of(item)?;
                let item = read_item(item)?;
                (key, Some(owned(&item)?), units(item_size(&item)))
            }
            WriteRequest::DeleteRequest { key } => (schema.key_alone(key)?, None, Units::whole(1)),
        };
        Ok(Write { stored_key: key.stored(), key, item, own })
    }

    fn apply(&self, items: &mut dyn WriteItems) -> Result<(), Refusal> {
        match &self.item {
            Some(item) => items.put(&self.stored_key, item),
            None => items.remove(&self.stored_key),
        }
    }
}

fn owned<'a>(item: &Item) -> Result<Cow<'a, RawValue>, Refusal> {
    to_raw_value(item).map(Cow::Owned).map_err(|error| Refusal::unreadable(&error))
}

fn units(size: usize) -> Units {
    Units::whole(size.div_ceil(BLOCK).max(1) as u64)
}

#[cfg(test)]
mod tests;
