//! The text of a mail: the answer, what needs attention, where the report is, and what can be done. It may quote cells,
//! but their line breaks are removed, so that they can't forge lines of the mail.

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{DelayedLoad, LoadLocation, MailContext, OverdueSheet, event};
use inventory_base::ending::Ending;
use inventory_base::message::count;
use inventory_check::report::{Report, Tone, one_line, words};

/// SNS allows fewer than 100 characters, all ASCII.
const SUBJECT_CHARACTERS: usize = 99;
/// SNS allows 256 KiB, attributes included.
const BODY_BYTES: usize = 256_000;

#[derive(Debug)]
pub(super) struct Mail {
    pub subject: String,
    pub body: String,
    /// The type of the corresponding event.
    pub kind: &'static str,
}

impl Mail {
    pub fn of_report(report: &Report, location: LoadLocation<'_>, context: &MailContext) -> Mail {
        let subject = subject(describe_ending(report), report.upload.file_name());
        let (text, foot) = (words(report, None, None), foot(report, location, context));
        const CUT: &str = "\nThe rest is in the report.\n";
        let body = match BODY_BYTES.checked_sub(foot.len() + CUT.len()) {
            Some(room) if text.len() > room => format!("{}{CUT}\n{foot}", cut(&text, room)),
            _ => format!("{text}\n{foot}"),
        };
        Mail { subject, body, kind: event::kind(report.ending) }
    }

    pub fn of_missing(sheet: &OverdueSheet<'_>) -> Mail {
        let OverdueSheet { table, last, every, .. } = sheet;
        let (at, due) = (day(sheet.at), day(sheet.due));
        let body = format!(
            "No sheet has been loaded into table {table} since {at}. The rules expect one every {every}, so the next \
             one was due on {due}. The table is unchanged.\n\n\
             If it was forgotten, upload it as usual. If it was uploaded, its own mail says what happened to it.\n\n\
             The last load was {last}.\n"
        );
        let subject = subject(format!("No sheet since {at}"), &format!("table {table}"));
        Mail { subject, body, kind: event::MISSING }
    }

    pub fn of_delayed(delayed: &DelayedLoad<'_>, context: &MailContext) -> Mail {
        let DelayedLoad { table, load, file, outage, gives_up } = delayed;
        let (since, until, function) = (moment(outage.since), moment(*gives_up), &context.function);
        let progress = load.map(|load| format!("To see its progress: inventory show {load} --function {function}\n"));
        let (what, body) = match outage.given_up {
            false => (
                "Delayed",
                format!(
                    "\"{file}\" has not been fully loaded into table {table} yet. Since {since}, something that the load \
                     needs has not been working. You don't have to do anything: the loader keeps retrying until {until}, \
                     and another mail will tell you the result.\n"
                ),
            ),
            true => (
                "Not loaded",
                format!(
                    "\"{file}\" was not loaded into table {table}. From {since} to {until}, something that the load needs \
                     was not working, and the loader has stopped retrying. When that is fixed, load it again: inventory \
                     redrive --yes --function {function}\n"
                ),
            ),
        };
        let why = one_line(&format!("The last of {} attempts: {}", count(outage.tries.into()), outage.why));
        let body = format!("{}\n{why}{}", one_line(&body), progress.unwrap_or_default());
        Mail { subject: subject(what.to_string(), file), body, kind: event::DELAYED }
    }
}

/// Says whether the stock is right now, in the few words that a list of mails shows.
fn describe_ending(report: &Report) -> String {
    let attention = report.needing_attention();
    let rows = |one: &str, more: &str| match attention {
        1 => format!("1 {one}"),
        n => format!("{} {more}", count(n)),
    };
    match report.ending {
        Ending::Done if report.undone.is_some() && attention == 0 => "Undone".to_string(),
        Ending::Done if report.undone.is_some() => {
            format!("Undone, except for {}", rows("item", "items"))
        }
        Ending::Done if attention == 0 => match report.tone {
            Tone::Loss => "All rows were loaded, but values were lost".to_string(),
            Tone::Look => "All rows were loaded, something is worth a look".to_string(),
            _ if report.differs() => "All rows were loaded, but the table doesn't match".to_string(),
            _ => "All rows were loaded".to_string(),
        },
        Ending::Done => rows("row needs your attention", "rows need your attention"),
        Ending::DryRun => "Preview only, nothing was changed".to_string(),
        Ending::Refused => "Nothing was changed, the file needs fixing".to_string(),
        Ending::Held if report.nothing_to_approve() => "Nothing was changed, no row can be loaded".to_string(),
        Ending::Held => "Nothing has been changed yet, waiting for your approval".to_string(),
        Ending::Removed => "Nothing was changed, the file is gone".to_string(),
        Ending::Superseded => "Stopped for a newer version".to_string(),
        Ending::Cancelled => "Cancelled".to_string(),
        Ending::Failed => "Stopped by an error".to_string(),
    }
}

/// Returns a subject line with the name in ASCII as far as possible: `Lagerbestände` becomes `Lagerbestande`.
fn subject(what: String, of: &str) -> String {
    let of = of.nfkd().filter(|c| !is_combining_mark(*c));
    let of: String = of.map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect();
    let mut subject = format!("{what}: {of}");
    if subject.len() > SUBJECT_CHARACTERS {
        const MORE: &str = "...";
        subject.truncate(SUBJECT_CHARACTERS - MORE.len());
        subject.push_str(MORE);
    }
    subject
}

/// Returns the end of a mail: where the report is, what can be done, and the names of load, file and table.
fn foot(report: &Report, location: LoadLocation<'_>, context: &MailContext) -> String {
    let MailContext { reports, function, .. } = context;
    let (key, upload) = (location.names.page(), &report.upload);
    let load = report.load.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut foot = format!("The report is {key} in the bucket {reports}:\n{}\n\n", console_address(context, &key));
    let action = match report.ending {
        Ending::Held if !report.nothing_to_approve() => Some(("To load it anyway", "approve")),
        Ending::Failed | Ending::Cancelled => Some(("To load it again", "redrive")),
        _ => None,
    };
    let undo = (report.items_written() > 0).then_some(("To undo it", "undo"));
    for (why, verb) in action.into_iter().chain(undo) {
        foot.push_str(&format!("{why}: inventory {verb} {load} --function {function}\n"));
    }
    let version = upload.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
    foot.push_str(&one_line(&format!(
        "Load {load} of {} in the bucket {}{version}, into table {}.",
        upload.key, upload.bucket, location.table
    )));
    foot
}

/// Returns the address of an object in the AWS console, for users with access to it. Not a presigned link: signed by a
/// role, it would expire within hours, and until then it would be open to everyone to whom the mail is forwarded.
fn console_address(context: &MailContext, key: &str) -> String {
    let MailContext { region, reports, .. } = context;
    let host = match region.split('-').next() {
        Some("cn") => "console.amazonaws.cn",
        Some("us") if region.starts_with("us-gov-") => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    format!("https://{region}.{host}/s3/object/{reports}?region={region}&prefix={key}")
}

/// Returns as much of a text as fits, up to the end of a sentence.
fn cut(text: &str, bytes: usize) -> &str {
    let fits = &text[..text.floor_char_boundary(bytes)];
    let sentence = fits.rfind(". ").map(|at| at + 1).max(fits.rfind(".\n").map(|at| at + 2));
    sentence.map_or(fits, |end| &fits[..end])
}

fn moment(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

fn day(at: Timestamp) -> String {
    at.strftime("%-d %b %Y").to_string()
}
