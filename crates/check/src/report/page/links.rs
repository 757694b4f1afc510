//! Links from a page to the files beside it and to the reports of other loads. They are relative, because the reports of
//! all loads are kept in one folder or bucket.

use maud::{Markup, html};

use inventory_base::load_id::LoadId;

const TO_FIX: &str = "to-fix.xlsx";
const FOR_PROGRAMS: &str = "report.json";

/// Where a page lies, and so where its links lead.
pub(super) struct Links<'r> {
    load: Option<&'r LoadId>,
    is_latest: bool,
}

impl<'r> Links<'r> {
    /// The links of the page in the load's own folder.
    pub fn beside(load: Option<&'r LoadId>) -> Links<'r> {
        Links { load, is_latest: false }
    }

    /// The links of the copy of the page above the folders of the loads.
    pub fn above(load: Option<&'r LoadId>) -> Links<'r> {
        Links { load, is_latest: true }
    }

    /// Links the workbook of rows to fix; `None` if the file was only checked, so that nothing lies beside the page.
    pub fn to_fix(&self) -> Option<Markup> {
        self.file(TO_FIX)
    }

    /// Names the report for programs.
    pub fn for_programs(&self) -> Markup {
        self.file(FOR_PROGRAMS).unwrap_or_else(|| html! { (FOR_PROGRAMS) })
    }

    /// Links the report of another load.
    pub fn report(&self, other: &LoadId) -> Markup {
        let up = if self.is_latest { "" } else { "../" };
        html! { a href={ (up) (other) "/report.html" } { (other) } }
    }

    fn file(&self, name: &str) -> Option<Markup> {
        let load = self.load?;
        Some(match self.is_latest {
            true => html! { a href={ (load) "/" (name) } { (name) } },
            false => html! { a href=(name) { (name) } },
        })
    }
}
