//! All that crosses a process: the command, the child, and whole loads on the local cloud.

mod harness;

mod command;
mod confinement;
mod retry;
mod rules;
mod services;
mod turns;
mod upload;
