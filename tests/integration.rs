//! Integration tests: the command, the child process and whole loads on the local cloud; properties of random tables
//! written in every file format; and files compared with the data they were generated from.

mod harness;

mod command;
mod confinement;
mod docs;
mod faults;
mod local;
mod notify;
mod order;
mod pages;
mod plan;
mod properties;
mod retry;
mod rules;
mod services;
mod show;
mod structure;
mod to_fix;
mod truth;
mod turns;
mod undo;
mod upload;
mod workbooks;
