//! The local table (`--local`): commands without the cloud, and its answers beside those of DynamoDB Local.

mod commands;
mod compared;
mod dynamodb;
mod requests;
