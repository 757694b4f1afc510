//! Loads, from the request to the report. `admin` serves the requests of operators and of the schedule; `turn` decides
//! which load may use a table; `run` is the order of a load; `stage` plans, writes and verifies; `finish` reports; all
//! of them share a `job`. Each of these uses only those after it.

mod admin;
mod error;
mod finish;
mod hold_turn;
mod job;
mod kept;
mod retry;
mod rules;
mod run;
mod services;
mod settings;
mod stage;
mod stop;
mod turn;

pub use admin::answer::{Answer, Failed, answer_about, answer_load, answer_loads, answer_rows};
pub use admin::cancel::cancel;
pub use admin::reload::{approve, list_failed, redrive, redrive_all};
pub use admin::rows::{RowsPage, read_rows, visit_rows};
pub use admin::show::{About, LoadStatus, LoadSummary, list_kept_loads, list_loads, show};
pub use admin::sweep::sweep;
pub use admin::undo::{preview_undo, queue_undo, undo};
pub use error::{CannotUndo, LoadError};
pub use job::{Run, RunEnd};
pub use rules::{RulesError, RulesFrom};
pub use services::{Services, Uploads};
pub use settings::{Settings, UploadScan};
pub use turn::{load, queue, resume, start_next};
