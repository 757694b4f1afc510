//! All that crosses a process: the command, the child, and whole loads on the local cloud; and what holds for any
//! table, through files of every form; and what files say beside the truth.

mod harness;

mod asking;
mod command;
mod confinement;
mod docs;
mod faults;
mod mending;
mod order;
mod pages;
mod plan;
mod properties;
mod retry;
mod rules;
mod services;
mod telling;
mod truth;
mod turns;
mod undo;
mod upload;
mod workbooks;
