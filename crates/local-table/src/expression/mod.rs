//! The expressions that the loader sends: conditions of comparisons and of attributes that exist or do not, and updates
//! that set and remove attributes. Anything else is refused: what is ignored here would be done by DynamoDB, and an
//! undo into such a table would lie.

mod condition;
mod placeholders;
mod tokens;
mod update;

pub use condition::Condition;
pub use placeholders::Placeholders;
pub use update::Update;
