//! How the values of a whole column are written, which a single cell often doesn't show.

use super::separators::DecimalSeparator;

/// How the numbers typed as text in a column are written, according to its evidence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Style {
    /// Not examined: 12.50 has a decimal point; 1.234 and a comma are reported.
    #[default]
    Assumed,
    Known(DecimalSeparator),
    /// A row to fix, without the rest of its list as evidence: 1.234 is reported, and so is a comma.
    RowsToFix,
    /// Every number with a separator can be read both ways: 1.234.
    Ambiguous,
    /// Some cells prove the point and some the comma; this is what most of them prove.
    Mixed(DecimalSeparator),
    /// The identifiers of a text column, and how they are written.
    Identifiers(IdentifierStyle),
}

/// How the identifiers of a whole column are written, if that was examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdentifierStyle {
    pub zeros: Zeros,
    /// Most of them look like dates, so that is how they are written.
    pub dates: bool,
    /// The file is a text file, which has only what a program displayed.
    pub exported: bool,
}

/// The meaning of `.0` in `40001.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zeros {
    /// A program added it to some of the identifiers.
    Added,
    /// A program added it to every identifier of the column.
    AddedToAll,
    /// Part of the identifier: others are like 40001.5.
    PartOfIdentifier,
}
