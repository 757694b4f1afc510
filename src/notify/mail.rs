//! The words of a mail: the answer itself, what needs attention, where the rest is, and what can be done about it. What
//! stands in cells may stand in it, but begins no line and ends none.

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{Around, Delayed, Found, Missing, event};
use inventory_base::ending::Ending;
use inventory_base::message::count;
use inventory_check::report::{Report, Tone, one_line, words};

/// SNS takes fewer than 100, of ASCII.
const SUBJECT_CHARACTERS: usize = 99;
/// SNS takes 256 KiB, attributes included.
const BODY_BYTES: usize = 256_000;

#[derive(Debug)]
pub(super) struct Mail {
    pub subject: String,
    pub body: String,
    /// As the event is called.
    pub kind: &'static str,
}

impl Mail {
    pub fn of_report(report: &Report, found: Found<'_>, around: &Around) -> Mail {
        let subject = subject(say_ending(report), report.upload.file_name());
        let (text, foot) = (words(report, None, None), foot(report, found, around));
        const CUT: &str = "\nThe rest is in the report.\n";
        let body = match BODY_BYTES.checked_sub(foot.len() + CUT.len()) {
            Some(room) if text.len() > room => format!("{}{CUT}\n{foot}", cut(&text, room)),
            _ => format!("{text}\n{foot}"),
        };
        Mail { subject, body, kind: event::kind(report.ending) }
    }

    pub fn of_missing(missing: &Missing<'_>) -> Mail {
        let Missing { table, last, every, .. } = missing;
        let (at, due) = (day(missing.at), day(missing.due));
        let body = format!(
            "No sheet has come into table {table} since {at}. By the rules one is expected every {every}, so the next \
             one was due on {due}. The table is as it was.\n\n\
             If it was forgotten, upload it as always. If it was uploaded, its own mail says what became of it.\n\n\
             The last one that went in was load {last}.\n"
        );
        let subject = subject(format!("No sheet since {at}"), &format!("table {table}"));
        Mail { subject, body, kind: event::MISSING }
    }

    pub fn of_delayed(delayed: &Delayed<'_>, around: &Around) -> Mail {
        let Delayed { table, load, file, outage, gives_up } = delayed;
        let (since, until, function) = (moment(outage.since), moment(*gives_up), &around.function);
        let how_far = load.map(|load| format!("How far it is: inventory show {load} --function {function}\n"));
        let (subject_says, body) = match outage.given_up {
            false => (
                "Delayed",
                format!(
                    "\"{file}\" is not all in table {table} yet. Since {since} something that the load needs has been out of \
                     order. You don't have to do anything: it is tried again and again until {until}, and its own mail says \
                     what becomes of it.\n"
                ),
            ),
            true => (
                "Not loaded",
                format!(
                    "\"{file}\" was not loaded into table {table}. From {since} to {until} something that the load needs was \
                     out of order, and it is not tried any more. When that is fixed, send it again: inventory redrive --yes \
                     --function {function}\n"
                ),
            ),
        };
        let why = one_line(&format!("The last of {} tries: {}", count(outage.tries.into()), outage.why));
        let body = format!("{}\n{why}{}", one_line(&body), how_far.unwrap_or_default());
        Mail { subject: subject(subject_says.to_string(), file), body, kind: event::DELAYED }
    }
}

/// Whether the stock is right now, in so many words as a list of mails shows.
fn say_ending(report: &Report) -> String {
    let attention = report.needing_attention();
    let rows = |one: &str, more: &str| match attention {
        1 => format!("1 {one}"),
        n => format!("{} {more}", count(n)),
    };
    match report.ending {
        Ending::Done if report.undone.is_some() && attention == 0 => "Undone".to_string(),
        Ending::Done if report.undone.is_some() => {
            format!("Undone, but {}", rows("item stays as it is", "items stay as they are"))
        }
        Ending::Done if attention == 0 => match report.tone {
            Tone::Loss => "All rows are in, but values were lost".to_string(),
            Tone::Look => "All rows are in, something is worth a look".to_string(),
            _ if report.differs() => "All rows are in, but the table differs".to_string(),
            _ => "All rows are in".to_string(),
        },
        Ending::Done => rows("row needs your attention", "rows need your attention"),
        Ending::DryRun => "Only tried, nothing was changed".to_string(),
        Ending::Refused => "Nothing was changed, the file needs mending".to_string(),
        Ending::Held if report.waits_for_nothing() => "Nothing was changed, no row can be loaded".to_string(),
        Ending::Held => "Nothing was changed, it waits for your approval".to_string(),
        Ending::Removed => "Nothing was changed, the file is gone".to_string(),
        Ending::Superseded => "Stopped for a newer version".to_string(),
        Ending::Cancelled => "Cancelled".to_string(),
        Ending::Failed => "Stopped by a fault".to_string(),
    }
}

/// A name is put into ASCII as well as that goes: `Lagerbestände` is `Lagerbestande`.
fn subject(what: String, of: &str) -> String {
    let of = of.nfkd().filter(|letter| !is_combining_mark(*letter));
    let of: String = of.map(|letter| if matches!(letter, ' '..='~') { letter } else { '?' }).collect();
    let mut subject = format!("{what}: {of}");
    if subject.len() > SUBJECT_CHARACTERS {
        const MORE: &str = "...";
        subject.truncate(SUBJECT_CHARACTERS - MORE.len());
        subject.push_str(MORE);
    }
    subject
}

/// Where the report is, what can be done, and by which names it all goes.
fn foot(report: &Report, found: Found<'_>, around: &Around) -> String {
    let Around { reports, function, .. } = around;
    let (key, upload) = (found.names.page(), &report.upload);
    let load = report.load.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut foot = format!("The report is {key} in the bucket {reports}:\n{}\n\n", console_address(around, &key));
    let say = match report.ending {
        Ending::Held if !report.waits_for_nothing() => Some(("To load it all the same", "approve")),
        Ending::Failed | Ending::Cancelled => Some(("To send it again", "redrive")),
        _ => None,
    };
    let undo = (report.items_written() > 0).then_some(("To take back what it changed", "undo"));
    for (why, verb) in say.into_iter().chain(undo) {
        foot.push_str(&format!("{why}: inventory {verb} {load} --function {function}\n"));
    }
    let version = upload.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
    foot.push_str(&one_line(&format!(
        "Load {load} of {} in the bucket {}{version}, into table {}.",
        upload.key, upload.bucket, found.table
    )));
    foot
}

/// Where the console shows an object to whoever may see it. No signed link: signed by a role, it would be dead within
/// hours, and until then open to everybody to whom the mail is passed on.
fn console_address(around: &Around, key: &str) -> String {
    let Around { region, reports, .. } = around;
    let host = match region.split('-').next() {
        Some("cn") => "console.amazonaws.cn",
        Some("us") if region.starts_with("us-gov-") => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    format!("https://{region}.{host}/s3/object/{reports}?region={region}&prefix={key}")
}

/// As much of a text as has room, up to the end of a sentence.
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
