//! The rules and their sentences. `docs/messages.md` is generated from this file.

use serde::{Deserialize, Serialize};

use super::Weight;

/// Declares the catalogue: the variants, their identifiers, their sentences, and the list of all of them. In brackets is
/// what a page says about several problems of a rule: their title, and the parts of [`Shared`].
macro_rules! catalogue {
    ($($rule:ident $id:literal $message:literal $advice:literal
        $([title $title:literal])? $([reason $reason:literal])? $([together $together:literal])?
        $([each $column:literal $each:literal])?)*
    ) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Rule {
            $(#[serde(rename = $id)] $rule,)*
        }

        impl Rule {
            pub const ALL: &'static [Rule] = &[$(Rule::$rule,)*];

            pub const fn id(self) -> &'static str {
                match self { $(Rule::$rule => $id,)* }
            }

            /// The message and the advice, with their `{placeholders}`.
            pub const fn templates(self) -> (&'static str, &'static str) {
                match self { $(Rule::$rule => ($message, $advice),)* }
            }

            /// The title of a kind of problems, with `{column}`; only rules about a row have one.
            pub fn title(self) -> Option<&'static str> {
                match self { $(Rule::$rule => [$($title)?].into_iter().next(),)* }
            }

            /// What several problems of the rule say together.
            pub fn shared(self) -> Shared {
                match self {
                    $(Rule::$rule => Shared {
                        reason: [$($reason)?].into_iter().next(),
                        advice: [$($together)?].into_iter().next(),
                        each: [$(($column, $each))?].into_iter().next(),
                    },)*
                }
            }
        }
    };
}

/// What a page says once above the table of several problems of one rule, and in a column of the table, as templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// Why they are problems, which the advice doesn't say.
    pub reason: Option<&'static str>,
    /// The advice, if that of a single problem doesn't fit.
    pub advice: Option<&'static str>,
    /// What differs from one problem to the next: the title of a column, and its cells.
    pub each: Option<(&'static str, &'static str)>,
}

catalogue! {
    // The key of a row.
    KeyMissing "key-missing"
        "Row {row} has no {column}."
        "Enter the {column} of this item in {cell}, or empty the row if it isn't an item. Row {row} was not loaded."
        [title "{column} is missing"]
        [together "Enter the {column} of each item, or empty the row if it isn't an item."]
    KeyTooLong "key-too-long"
        "{column} in {cell} is too long for the table ({length} bytes; the limit is {limit})."
        "Shorten it, or check whether text from another column slipped in. Row {row} was not loaded."
        [title "{column} is too long"]
        [reason "The limit is {limit} bytes."]
        [each "Bytes" "{length}"]
    DateInKey "date-in-key"
        "{column} in {cell} shows {value}: the spreadsheet program turned what was typed into a date, so this isn't the {column}."
        "Look up the {column} in the original list or export: 4-3 and MAR4 both turn into dates like this. Set the cell to Text (Home, Number Format, Text), then type it. If the original is a CSV file, import it with this column as Text and save it as \"Excel Workbook (.xlsx)\". Row {row} was not loaded."
        [title "{column} has turned into a date"]
    DateOrNumber "date-or-number"
        "{column} in {cell} is {value}, in a format that Excel shows as a date in some countries and as a plain number in others."
        "Set the cell to Text (Home, Number Format, Text), then type the {column} as it should be; if it is a date, set the cell to Date instead. Row {row} was not loaded."
        [title "{column} may be a date or a number"]
        [reason "Excel shows it as a date in some countries and as a plain number in others."]
    HiddenSignInKey "hidden-sign-in-key"
        "{column} in {cell} contains a line break, an invisible character or an unusual space."
        "Clear the cell and type the {column} again on one line. Row {row} was not loaded."
        [title "{column} has an invisible character"]
    AlphabetsMixed "alphabets-mixed"
        "{column} in {cell} is \"{value}\", which mixes characters from two alphabets that look alike, such as a Cyrillic А and a Latin A."
        "Clear the cell and type the whole {column} again in one alphabet. Row {row} was not loaded."
        [title "{column} mixes two alphabets"]
        [reason "It has characters that look alike, such as a Cyrillic А and a Latin A."]
    SaysNothing "says-nothing"
        "{column} in {cell} is \"{value}\", which means there is none."
        "Enter the {column}; if this item doesn't have or need one, empty the cell. Row {row} was not loaded."
        [title "{column} says that there is none"]
    DigitsLost "digits-lost"
        "{column} in {cell} is {value}, a number with more than 15 digits: Excel keeps the first 15 and replaces the rest with zeros."
        "Take the {column} from the original list or export: set the cell to Text (Home, Number Format, Text) first, then paste it. If the original is a CSV file, import it with this column as Text. Row {row} was not loaded."
        [title "{column} has lost digits"]
        [reason "Excel keeps the first 15 digits and replaces the rest with zeros."]
    MadeScientific "made-scientific"
        "{column} in {cell} was turned into a number in scientific notation, such as 1.23E+12, so its digits are no longer what was entered."
        "Take the {column} from the original list or export: set the cell to Text (Home, Number Format, Text) first, then paste it. If the original is a CSV file, import it with this column as Text. Row {row} was not loaded."
        [title "{column} has lost digits"]
    ZerosAdded "zeros-added"
        "{column} in {cell} is {value}, which looks like {proposal} with decimal zeros added by a program."
        "Check the original list. If it says {proposal}, set the cell to Text (Home, Number Format, Text), then type {proposal}. Row {row} was not loaded."
        [title "{column} has zeros added by a program"]
        [together "A program may have added decimal zeros. Check the original list. If it has none, set the cells to Text (Home, Number Format, Text), then type the {column} as shown."]
        [each "Looks like" "{proposal}"]
    TrueInKey "true-in-key"
        "{column} in {cell} is {value}: the spreadsheet program turned what was entered into a yes-or-no value."
        "Check whether the columns are in the right order. If the {column} is right, set the cell to Text (Home, Number Format, Text), type it, and save the file as \"Excel Workbook (.xlsx)\". Row {row} was not loaded."
        [title "{column} was turned into yes or no"]
    AmountInKey "amount-in-key"
        "{column} in {cell} is {value}, which looks like an amount."
        "Check whether the columns are in the right order. If the {column} is right, set the cell to Text (Home, Number Format, Text), type it as it is in the original list, and save the file as \"Excel Workbook (.xlsx)\". Row {row} was not loaded."
        [title "{column} looks like an amount"]
    KeyHoldsSign "key-holds-sign"
        "{column} in {cell} is \"{value}\". It contains {sign}, which separates the {column} from what follows it in the table."
        "Write the {column} without {sign}. Row {row} was not loaded."
        [title "{column} has a character that isn't allowed"]
        [together "Write the {column} without this character, which separates the {column} from what follows it in the table."]
        [each "Contains" "{sign}"]
    KeyRepeated "key-repeated"
        "{column} {value} appears in rows {rows}."
        "If they are different items, correct the {column} that is mistyped. If they are the same item, keep the right row and delete the others. {all} were left out."
        [title "{column} appears in more than one row"]

    KeysDifferInCase "keys-differ-in-case"
        "{column} in rows {rows} is the same except for upper and lower case."
        "If they are the same item, keep the right row and delete the others. If they are different items, ask the person who runs the loader to treat upper and lower case as different (key_case = \"matters\"). None of them was loaded."
        [title "{column} differs only in upper and lower case"]
    KeysLookAlike "keys-look-alike"
        "{column} in rows {rows} looks the same but isn't."
        "One of them contains characters of another alphabet or width, or different hyphens or spaces: retype the {column} in each row. If they are the same item, keep the right row and delete the others. None of them was loaded."
        [title "{column} looks the same but isn't"]

    ValueRepeated "value-repeated"
        "{column} {value} appears in rows {rows}, but may appear in only one."
        "Correct the {column} that is mistyped. None of them was loaded."
        [title "{column} appears in more than one row"]
        [reason "It may appear in only one."]

    // The value of a cell.
    ValueMissing "value-missing"
        "{column} in {cell} is empty."
        "Enter the {column}; it is required. Row {row} was not loaded."
        [title "{column} is empty"]
    ValueMerged "value-merged"
        "{column} in {area} is one merged cell that covers several items: \"{shown}\"."
        "Unmerge the cells (Home, Merge & Center), then enter the {column} of each item in its own cell. None of them was loaded."
        [title "{column} is merged across several items"]
        [each "Merged cells" "{area}"]
    CellShowsError "cell-shows-error"
        "{column} in {cell} shows {value}: {reason}."
        "Fix the formula, or enter the value in its place. Row {row} was not loaded."
        [title "{column} shows an error"]
        [each "Why" "{reason}"]
    FormulaWithoutResult "formula-without-result"
        "{column} in {cell} is a formula whose result is not stored in the file."
        "Open the file in Excel, save it, and upload it again: Excel stores the results. Row {row} was not loaded."
        [title "{column} has formulas without results"]
    RowHasExtraValues "row-has-extra-values"
        "Row {row} has more values than the header in row {header} has columns: {extra}."
        "{cause} Check which value belongs in which column, and correct the row. Row {row} was not loaded."
        [title "Row has more values than the header"]
        [together "The header in row {header} has fewer columns. Check which value belongs in which column, and correct the row."]
        [each "Extra values" "{extra}. {cause}"]
    RowIsCutShort "row-is-cut-short"
        "Row {row} has {values}, but the other rows have {usual}."
        "A line break inside a value may have split a row in two, or the end of the file may be missing. Join the parts in a text editor such as Notepad, or ask the sender to export the file again. Row {row} was not loaded."
        [title "Row has fewer values than the header"]
        [each "What it has" "{values}; the other rows have {usual}"]
    RowMayContinue "row-may-continue"
        "{column} in {cell} may be incomplete: row {other} isn't a complete row and may be the rest of it."
        "If it is, join the two rows in a text editor such as Notepad; if not, delete row {other} or move it below the list. Then upload the file again. Row {row} was not loaded."
        [title "Row may continue in the next one"]
        [together "If it does, join the two rows in a text editor such as Notepad; if not, delete the other row or move it below the list. Then upload the file again."]
        [each "May continue in" "row {other}"]
    FormulaAsText "formula-as-text"
        "{column} in {cell} is \"{value}\", a formula that was not calculated."
        "Enter the value itself. If the file is a CSV file, you can also open it in Excel and save it again: Excel calculates such formulas. Row {row} was not loaded."
        [title "{column} is a formula"]
    CellCouldNotBeRead "cell-could-not-be-read"
        "{column} in {cell} can't be read reliably: the file doesn't say clearly what is in it."
        "Open the file in Excel, enter the {column} in {cell} again, save, and upload it again. Row {row} was not loaded."
        [title "{column} can't be read reliably"]
        [together "The file doesn't say clearly what is in these cells. Open it in Excel, enter the {column} in each of them again, save, and upload it again."]
    NumberExpected "number-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be a number such as 12.50. Enter only the number, without a currency or unit, or empty the cell if there is none yet. Row {row} was not loaded."
        [title "{column} isn't a number"]
    LetterForZero "letter-for-zero"
        "{column} in {cell} is \"{value}\", with the letter O instead of a zero."
        "Type it as {proposal}. Row {row} was not loaded."
        [title "{column} has the letter O instead of a zero"]
        [together "Type the number with a zero, as shown."]
        [each "Type it as" "{proposal}"]
    DateForNumber "date-for-number"
        "{column} in {cell} shows {value}, a date: spreadsheet programs turn numbers such as 12.5 into dates."
        "Set the cell to Number (Home, Number Format, Number), then type the number again with the decimal separator your program uses, as in 12.50 or 12,50. Row {row} was not loaded."
        [title "{column} has turned into a date"]
    PointExpected "point-expected"
        "{column} in {cell} is \"{value}\", with a comma where a point was expected."
        "Type it as {proposal}. Row {row} was not loaded."
        [title "{column} has a comma instead of a point"]
        [together "Type the number with a point, as shown."]
        [each "Type it as" "{proposal}"]
    CommaExpected "comma-expected"
        "{column} in {cell} is \"{value}\", with a point where a comma was expected."
        "Type it as {proposal}. Row {row} was not loaded."
        [title "{column} has a point instead of a comma"]
        [together "Type the number with a comma, as shown."]
        [each "Type it as" "{proposal}"]
    SeparatorUnclear "separator-unclear"
        "{column} in {cell} is \"{value}\", which could be {first} or {second}; nothing in the column shows which."
        "Type it without the thousands separator, or ask the person who runs the loader to set the decimal separator for {column}. Row {row} was not loaded."
        [title "{column} can be read in two ways"]
        [each "Could be" "{first} or {second}"]
    SeparatorsMixed "separators-mixed"
        "{column} in {cell} is \"{value}\", with a decimal {sign}, but most of the column uses a decimal {other}."
        "If the number is right, type it as {proposal}. Row {row} was not loaded."
        [title "{column} uses a different decimal separator from the rest"]
        [reason "Most of the column uses a decimal {other}."]
        [together "If the number is right, type it as shown."]
        [each "Type it as" "{proposal}"]
    CurrenciesMixed "currencies-mixed"
        "{column} in {cell} is {value} ({currency}), but {others}."
        "Enter the amount in the same currency as the others, or ask the person who runs the loader to load the currency with the {column}. Row {row} was not loaded."
        [title "{column} is in another currency"]
        [together "Enter the amounts in one currency, or ask the person who runs the loader to load the currency with the {column}."]
        [each "Currency" "{currency}"]
    CurrencyDiffers "currency-differs"
        "{column} in {cell} is \"{value}\", but the {column} should be in {currency}."
        "Enter the amount in {currency}. Row {row} was not loaded."
        [title "{column} is in another currency"]
    PercentForNumber "percent-for-number"
        "{column} in {cell} is {value}, a percentage."
        "Enter the number itself; if the cell still shows %, set it to Number (Home, Number Format, Number). Row {row} was not loaded."
        [title "{column} is a percentage"]
    WholeNumberExpected "whole-number-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be a whole number such as 12. Enter only the number, without a unit or words. Row {row} was not loaded."
        [title "{column} isn't a whole number"]
    NumberTooLong "number-too-long"
        "{column} in {cell} is \"{value}\", a number that is too long for the table."
        "The limit is 38 digits. Check whether two numbers ran together. Row {row} was not loaded."
        [title "{column} has too many digits"]
    TooSmall "too-small"
        "{column} in {cell} is {value}, but the smallest number allowed is {limit}."
        "Check the number and correct it. Row {row} was not loaded."
        [title "{column} is too small"]
        [reason "The smallest number allowed is {limit}."]
    TooLarge "too-large"
        "{column} in {cell} is {value}, but the largest number allowed is {limit}."
        "Check the number and correct it. Row {row} was not loaded."
        [title "{column} is too large"]
        [reason "The largest number allowed is {limit}."]
    TextTooLong "text-too-long"
        "{column} in {cell} has {length} characters; the limit is {limit}."
        "Shorten the text. Row {row} was not loaded."
        [title "{column} is too long"]
        [reason "The limit is {limit} characters."]
        [each "Characters" "{length}"]
    PatternDiffers "pattern-differs"
        "{column} in {cell} is \"{value}\", which isn't in the expected form ({pattern})."
        "Correct the {column}, or ask the person who runs the loader how it should look. Row {row} was not loaded."
        [title "{column} doesn't have the right format"]
        [reason "The expected form is {pattern}."]
    DateExpected "date-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be a date such as 2026-10-03 (year-month-day). Type the date in this form. Row {row} was not loaded."
        [title "{column} isn't a date"]
    DateOrderUnclear "date-order-unclear"
        "{column} in {cell} is \"{value}\", which could be {first} or {second}."
        "Type {type_first} for the first or {type_second} for the second (year-month-day). If the whole column is written in the same order, ask the person who runs the loader to set that order. Row {row} was not loaded."
        [title "{column} could be one of two dates"]
        [together "Type the date you mean as shown (year-month-day). If the whole column is written in the same order, ask the person who runs the loader to set that order."]
        [each "Type it as" "{type_first} for {first}, {type_second} for {second}"]
    DateToConfirm "date-to-confirm"
        "{column} in {cell} is \"{value}\", which looks like {proposal}."
        "If that is the date, type it in that form (year-month-day). Row {row} was not loaded."
        [title "{column} is a date that needs confirming"]
        [each "Looks like" "{proposal}"]
    YesOrNoExpected "yes-or-no-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be yes or no. Type one of these, or empty the cell. Row {row} was not loaded."
        [title "{column} is neither yes nor no"]
    ChoiceExpected "choice-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be one of: {choices}. Type one of these. Row {row} was not loaded."
        [title "{column} isn't one of the choices"]
    GtinExpected "gtin-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be a barcode number of 8, 12, 13 or 14 digits, or a 10-digit ISBN. Type the digits under the bars, or empty the cell if there are none. Row {row} was not loaded."
        [title "{column} isn't a barcode number"]
    GtinCheckDigit "gtin-check-digit"
        "{column} in {cell} is {value}, which is mistyped: {proposals}."
        "Read it off the item and type it again. Row {row} was not loaded."
        [title "{column} is mistyped"]
        [each "Could be" "{proposals}"]
    GtinZeroMissing "gtin-zero-missing"
        "{column} in {cell} is {value}, which looks like {proposal} without its leading zeros."
        "Set the cell to Text (Home, Number Format, Text), then type {proposal}. Row {row} was not loaded."
        [title "{column} has lost its zeros"]
        [together "Its leading zeros are missing. Set the cells to Text (Home, Number Format, Text), then type the number as shown."]
        [each "Looks like" "{proposal}"]
    GtinDigitMissing "gtin-digit-missing"
        "{column} in {cell} is {value}, which looks like {proposal} with its last digit missing."
        "Compare with the barcode on the item and type all its digits. Row {row} was not loaded."
        [title "{column} has lost a digit"]
        [each "Looks like" "{proposal}"]
    GtinShortened "gtin-shortened"
        "{column} in {cell} is {value}: the number was shortened when it was saved, and its last digits are lost."
        "Take the barcode from the original list or the item: set the cell to Text (Home, Number Format, Text), then type all its digits. Row {row} was not loaded."
        [title "{column} was shortened"]
    ItemTooLarge "item-too-large"
        "Row {row} is too large for the table ({length} bytes; the limit is {limit}). The longest text is in {column}."
        "Shorten the text in {cell}. Row {row} was not loaded."
        [title "Row is too large"]
        [reason "The limit is {limit} bytes."]
        [together "Shorten the longest text of the row, which is in the cell named here."]
        [each "Bytes" "{length}"]
    TableRefusedItem "table-refused-item"
        "The table rejected row {row}: \"{reason}\""
        "Show this to the person who runs the loader. Row {row} was not loaded."
        [title "The table rejected the row"]
        [each "What the table says" "{reason}"]

    // Remarks about cells of rows that were loaded.
    NotTakenAsShown "not-taken-as-shown"
        "{column} in {cell} is displayed in a format that the loader can't reproduce; the number behind it was loaded instead: {number}."
        "If it should be loaded as displayed, set the cell to Text (Home, Number Format, Text), type it again, and upload the file. No rows were left out."
    ReadWithoutAddition "read-without-addition"
        "{column} on sheet \"{sheet}\" is written as {number}, for example in {cell}. A program added the decimal zeros or thousands separators, so the column was read without them."
        "If they are part of the {column}, undo the load and ask the person who runs the loader how to load them. No rows were left out."
    NullKeptAsText "null-kept-as-text"
        "{column} in {cell} on sheet \"{sheet}\" is \"{number}\", which programs write when there is no value; it was loaded as text."
        "If there is no value, empty this cell and all others like it, and upload the file again. No rows were left out."

    // Finding the sheet, the header and the columns.
    NoSheetFits "no-sheet-fits"
        "No sheet has a column for the {column}. The row that looks most like a header is row {row} of sheet \"{sheet}\": {found}."
        "Name the column \"{column}\" in the row of column names above the items, and upload the file again; its rows will be checked then. Nothing was changed."
    NoHeaderFound "no-header-found"
        "No sheet has a row of column names; at least these are needed: {columns}."
        "Enter the column names in one row above the items, and upload the file again; its rows will be checked then. Nothing was changed."
    ColumnMissing "column-missing"
        "Sheet \"{sheet}\" has no column for {columns}. {found}"
        "Enter {names} in row {row}, above the values that belong there, and upload the file again; its rows will be checked then. If the sheet should not be loaded, hide or delete it. Nothing was changed."
    SheetHiddenFits "sheet-hidden-fits"
        "No visible sheet has a row of column names. Sheet \"{sheet}\" has one (row {row}), but it is hidden."
        "Right-click the tab of any sheet, choose Unhide, then \"{sheet}\"; save, and upload the file again; its rows will be checked then. Nothing was changed."
    NoItems "no-items"
        "Sheet \"{sheet}\" has column names in row {row}, but no items below them."
        "Check whether the right file was saved, and upload it again. Nothing was changed."
    SheetMissing "sheet-missing"
        "The file has no visible sheet called \"{sheet}\"; it has {found}."
        "Rename the sheet with the items to \"{sheet}\", and upload the file again; its rows will be checked then. Nothing was changed."
    ColumnsNotKnown "columns-not-known"
        "Sheet \"{sheet}\" has columns that the loader doesn't know: {columns}."
        "Their contents were not loaded. If you need them, ask the person who runs the loader to add these columns."
    ColumnWithoutName "column-without-name"
        "Sheet \"{sheet}\" has values under an empty header in {columns}."
        "Their contents were not loaded. If they should be, enter a column name in {cells}, and upload the file again."
    RowHasExtraSeparators "row-has-extra-separators"
        "Sheet \"{sheet}\" has {rows} with more separators than the others{example}."
        "Check whether each value in these rows is in its own column: a value that contains the separator shifts the ones after it. No rows were left out because of this."
    LastRowMayContinue "last-row-may-continue"
        "Row {row} of sheet \"{sheet}\" has a single value and was skipped, but it may be the rest of row {above}."
        "If a line break inside a value has cut row {above} in two, join the parts in a text editor such as Notepad, and upload the file again; if row {row} is a note, there is nothing to do. No rows were left out because of this."
    ValuesWithoutName "values-without-name"
        "Sheet \"{sheet}\" has values next to the list, under an empty header, in {columns}."
        "They were not loaded. If they should be, enter a column name in {cells}, and upload the file again."
    SheetsWithoutGroup "sheets-without-group"
        "There is no column for the {column} on {sheets}."
        "The items there were loaded without it. If the name of the sheet or a title above the table gives the {column}, add a column \"{column}\" with that name in each row, and upload the file again. No rows were left out because of this."
    ColumnsNotAllowed "columns-not-allowed"
        "Sheet \"{sheet}\" has columns that the loader doesn't know: {columns}."
        "Delete them or correct their names, and upload the file again; its rows will be checked then. Nothing was changed."
    SheetsRepeatItems "sheets-repeat-items"
        "Sheets \"{first}\" and \"{second}\" list the same items ({same} of them)."
        "Delete or hide the sheet that should not be loaded, perhaps last quarter's, and upload the file again; its rows will be checked then. Nothing was changed."
    ColumnMayBeMeant "column-may-be-meant"
        "Sheet \"{sheet}\" has no column for the {column}, but {headers} may be it."
        "The {column} was not loaded. To load it, rename the right column to \"{column}\" and upload the file again, or ask the person who runs the loader to add its name to the rules. No rows were left out because of this."
    ColumnNamedTwice "column-named-twice"
        "Sheet \"{sheet}\" has two columns that could be the {column}: {first} and {second}."
        "Delete the one that isn't the {column}, or rename it, and upload the file again; its rows will be checked then. If the file always has both, ask the person who runs the loader to name the right one in the rules, such as header = \"{header}\" for the {column}. Nothing was changed."

    SecondTable "second-table"
        "Sheet \"{sheet}\" has a second table that starts in row {row}, and its columns differ from those of the list above: {found}."
        "If its rows are items, give its columns the same names in row {row} as in row {header}; if not, move the table to a sheet of its own or delete it. Then upload the file again; its rows will be checked then. Nothing was changed."
    TableBelow "table-below"
        "Sheet \"{sheet}\" has another row of column names, row {row}; the rows below it were read using those names."
        "If row {row} doesn't name the columns of the rows below it, correct it and upload the file again. No rows were left out because of this."

    // The file.
    FileEmpty "file-empty"
        "The file is empty."
        "Check whether the right file was saved, and upload it again. Nothing was changed."
    FileDamaged "file-damaged"
        "The file is damaged or was not uploaded completely."
        "Open it in Excel; if it opens, save it again and upload the new copy. If it doesn't, get a fresh copy of the file and upload that. Nothing was changed."
    SheetDamaged "sheet-damaged"
        "Sheet \"{sheet}\" is damaged after row {row}: the rest could not be read."
        "Open the file in Excel; if it opens, save it again and upload the new copy. If it doesn't, get a fresh copy of the file and upload that. Nothing was changed."
    FileProtected "file-protected"
        "The file is protected with a password, so it can't be read."
        "In Excel: File, Info, Protect Workbook, Encrypt with Password; clear the box, choose OK, save, and upload the file again. If you don't know the password, ask the sender for a copy without one. Nothing was changed."
    FileIsOtherKind "file-is-other-kind"
        "The file is {kind}, not a spreadsheet."
        "Open the list it was made from in Excel, save it as \"Excel Workbook (.xlsx)\", and upload that file; if you don't have it, ask the sender, or type the rows into a new workbook. To view the file, rename a copy so that its name ends as usual for its kind, for example in .png or .pdf. Nothing was changed."
    FileIsOurs "file-is-ours"
        "The file is a report or a plan made by this loader, not a stock list."
        "Fix the problems it lists in the spreadsheet itself, and upload that. Nothing was changed."
    SpreadsheetIsOtherKind "spreadsheet-is-other-kind"
        "The file is {kind}, which the loader can't read."
        "Open it in the program it was made with, save it as \"Excel Workbook (.xlsx)\", and upload that file. Nothing was changed."
    TableNotPlain "table-not-plain"
        "The file is {kind} that {reason}, so its rows can't be read reliably."
        "Rename a copy of it so that it ends in .html, open that in Excel, save it as \"Excel Workbook (.xlsx)\", and upload that file. Nothing was changed."
    LettersUnknown "letters-unknown"
        "The text in line {row} has characters that could not be read."
        "Open the file in Excel, save it as \"CSV UTF-8 (Comma delimited)\" or as \"Excel Workbook (.xlsx)\", and upload it again. Nothing was changed."
    EncodingUnclear "encoding-unclear"
        "The file doesn't say how its text is encoded, so its characters can't be read reliably{example}."
        "Open the file in Excel. If its text looks right there, save it as \"Excel Workbook (.xlsx)\" or as \"CSV UTF-8 (Comma delimited)\", and upload that file; if not, ask the sender for a copy in one of these formats. If the files always come like this, ask the person who runs the loader to set the encoding in the rules. Nothing was changed."
    QuoteNeverEnds "quote-never-ends"
        "A quotation mark in row {row} is not closed where its cell ends, so the rows below would become part of that cell."
        "Excel would read the file the same way, so open it in a text editor such as Notepad, delete that mark, save, and upload the file again; or ask the sender to export it again. Nothing was changed."
    QuoteSwallowsRows "quote-swallows-rows"
        "{cell} on sheet \"{sheet}\" contains {rows} of the list below its first line: a quotation mark before it was not closed, so they became one cell."
        "Spreadsheet programs read it the same way, so open the CSV file they come from in a text editor such as Notepad, delete that mark, save, and upload that file; or ask the sender to export it again. Nothing was changed."
    TooManyRows "too-many-rows"
        "Sheet \"{sheet}\" has more than {limit} rows."
        "Split the file in two and upload both. Nothing was changed."
    TooManyColumns "too-many-columns"
        "Sheet \"{sheet}\" has values in column {column}, but only columns up to {limit} are read."
        "Delete everything to the right of the items, and upload the file again. Nothing was changed."
    CellTooLong "cell-too-long"
        "{cell} on sheet \"{sheet}\" contains too much text for one cell (the limit is {limit} bytes)."
        "Shorten the text in {cell}, and upload the file again. Nothing was changed."
    RowTooLong "row-too-long"
        "Row {row} of sheet \"{sheet}\" contains too much text for one row (the limit is {limit} bytes)."
        "Shorten the texts in row {row}, and upload the file again. Nothing was changed."
    FileHoldsTooMuch "file-holds-too-much"
        "The file has {what}; the limit is {limit}."
        "Save it as \"Excel Workbook (.xlsx)\" if it is in another format, or split it in two, and upload it again. Nothing was changed."
    FileUnpacksTooLarge "file-unpacks-too-large"
        "The file unpacks to far more data than a spreadsheet of its size should."
        "Open it in Excel, copy just the items into a new workbook, save that as \"Excel Workbook (.xlsx)\", and upload it. Nothing was changed."
    FileTooLarge "file-too-large"
        "The file is {size} MB; the limit is {limit} MB."
        "Split the file in two and upload both. Nothing was changed."
    FileFillsStorage "file-fills-storage"
        "Reading the file needs more temporary storage than it may use ({limit} MB)."
        "Split the file in two and upload both. Nothing was changed."
    FileNeedsTooMuchMemory "file-needs-too-much-memory"
        "Reading the file needs more memory than it may use ({limit} MB)."
        "Open it in Excel, copy just the items into a new workbook, save that as \"Excel Workbook (.xlsx)\", and upload it. Nothing was changed."
    FileTakesTooLong "file-takes-too-long"
        "Reading the file takes longer than the limit of {limit} seconds."
        "Open it in Excel, copy just the items into a new workbook, save that as \"Excel Workbook (.xlsx)\", and upload it. Nothing was changed."
    FileStopsReader "file-stops-reader"
        "The loader could not finish reading the file: something in it isn't as it should be in a spreadsheet."
        "Open it in Excel, copy just the items into a new workbook, save that as \"Excel Workbook (.xlsx)\", and upload it. Nothing was changed."

    // Remarks about a file that was read.
    ExtensionDiffers "extension-differs"
        "The file is called {name} but is {kind}; it was read as such."
        "Rename it to end in {ending} so that other programs can open it too. No rows were left out because of this."
    WebPageRead "web-page-read"
        "The file is called {name} but is a web page; its table was read."
        "If anything looks wrong, rename a copy of it so that it ends in .html, open that in Excel, save it as \"Excel Workbook (.xlsx)\", and upload that file. No rows were left out because of this."
    ReadAsWindows1252 "read-as-windows-1252"
        "The text of the file was read in the older Western European encoding (Windows-1252)."
        "Check a name with an accent. If it is wrong, save the file as \"CSV UTF-8 (Comma delimited)\" and upload it again. No rows were left out because of this."
    EncodingGuessed "encoding-guessed"
        "The file doesn't say how its text is encoded; it was read as {encoding}, for example {words}."
        "If these words are right, so are the others. If not, open the file in Excel, save it as \"CSV UTF-8 (Comma delimited)\" or as \"Excel Workbook (.xlsx)\", and upload it again. No rows were left out because of this."
    EncodingSet "encoding-set"
        "The text of the file was read as {encoding}, as {by}, for example {words}."
        "If these words are wrong, save the file as \"CSV UTF-8 (Comma delimited)\" or as \"Excel Workbook (.xlsx)\", and upload it again. No rows were left out because of this."
    RowsHidden "rows-hidden"
        "Sheet \"{sheet}\" has hidden or filtered rows ({rows} in all); they were loaded like the others."
        "If they should not be loaded, delete them and upload the file again. No rows were left out because of this."
    CellsFarRight "cells-far-right"
        "Sheet \"{sheet}\" has values beyond column {last}, the last one that is read: {cells}."
        "These values were not loaded. If they belong to the items, move them next to the other columns and upload the file again; if not, delete them. No rows were left out because of this."
    CellsMergedFilled "cells-merged-filled"
        "Sheet \"{sheet}\" has cells merged over several rows in {columns}. Their value was loaded for the rows they cover ({rows} with an empty cell)."
        "If that isn't right for a row, unmerge the cells, enter the row's own value, and upload the file again. No rows were left out because of this."
    CellsMergedAcross "cells-merged-across"
        "Sheet \"{sheet}\" has cells merged across several columns: {columns} got no value in {rows}."
        "Unmerge the cells, enter the value of each column in its own cell, and upload the file again. These values were not loaded; the rest of their rows was."

    // Why a load waits for approval.
    GateRejected "gate-rejected"
        "{scope}{count} of {total} rows ({share}) would be left out; the limit is {limit}."
        "Correct these rows and upload the file again. If it is right to load only the others, approve the load: inventory approve {load}. Nothing was changed."
    GateNothingLeft "gate-nothing-left"
        "None of the {total} rows can be loaded."
        "Correct the rows and upload the file again. Nothing was changed."
    GateZeros "gate-zeros"
        "{scope}{count} of {total} quantities ({share}) would fall to zero; the limit is {limit}."
        "If that is right, approve the load: inventory approve {load}. Otherwise check the column {column}, correct the file and upload it again. Nothing was changed."
    GatePrices "gate-prices"
        "{scope}{count} of {total} prices ({share}) would change by more than a factor of {factor}; the limit is {limit}."
        "If that is right, approve the load: inventory approve {load}. Otherwise check whether the column {column} was swapped with another or is in another currency, correct the file and upload it again. Nothing was changed."
    SyncBlocked "sync-blocked"
        "The items that the sheet no longer lists can't be identified, because some of its rows don't say which item they are ({rows} in all)."
        "Fix these rows and upload the file again. Until then, items in the table that are not in the sheet are left unchanged."
    KeyInOtherCapitals "key-in-other-capitals"
        "{rows} whose {column} is already in the table with different capital letters: {named}."
        "If they are the same items, undo the load if it has finished, enter the {column} as it is in the table, and upload the file again. No rows were left out because of this."
    PartitionBusy "partition-busy"
        "{share} of the writes go to {attribute} \"{value}\". Whatever the table's capacity, DynamoDB accepts only {limit} write units per second for one {attribute}, so writing takes at least {minutes} min."
        "There is nothing you need to do, and no row is left out because of this. For faster loads, ask the person who runs the loader to partition the table by something finer than {attribute}."
    GateFewer "gate-fewer"
        "{scope}{total} items were in the last load ({last}), but only {count} ({share}) are in this one; the minimum is {limit}."
        "If that is right, approve the load: inventory approve {load}. Otherwise check whether rows are missing at the end of the file, correct it and upload it again. Nothing was changed."
    GateMissing "gate-missing"
        "{scope}{count} of {total} items in the table ({share}) are missing from the file and {act}; the limit is {limit}."
        "If that is right, approve the load: inventory approve {load}. Otherwise put the missing items back into the file and upload it again. Nothing was changed."
    GateVanishing "gate-vanishing"
        "The rules have no column for {attributes}, so loading would remove these values from items in the table ({count} in all)."
        "If that is right, approve the load: inventory approve {load}. Otherwise ask the person who runs the loader to add a column to the rules or to set mode = \"merge\", and upload the file again. Nothing was changed."
    GateDocument "gate-document"
        "Sheet \"{sheet}\" doesn't look like a stock list: {reason}."
        "If its quantities are your stock, approve the load: inventory approve {load}. Otherwise upload the stock list itself. Nothing was changed."
    GateOlder "gate-older"
        "This file was uploaded on {uploaded}. Newer files have been loaded since, and loading this one now would replace their values with older ones ({items}): {files}."
        "If the newer files are right, there is nothing to do. To load this file over them anyway, approve the load: inventory approve {load}. Nothing was changed."
    GateOlderUnknown "gate-older-unknown"
        "This file was uploaded on {uploaded}, and it is unclear whether loading it now would replace newer values with older ones: {reason}."
        "If newer files with the same items have been loaded since, there is nothing to do. If not, approve the load: inventory approve {load}. Nothing was changed."
    GateElsewhere "gate-elsewhere"
        "The same applies elsewhere in the column {column} ({count} more)."
        "If that is right, approve the load: inventory approve {load}. Otherwise correct the file and upload it again. Nothing was changed."
}

impl Rule {
    /// How much a note of this rule matters for the headline. Rules not listed here are remarks.
    pub fn weight(self) -> Weight {
        match self {
            Rule::CellsFarRight
            | Rule::ColumnMayBeMeant
            | Rule::ColumnWithoutName
            | Rule::EncodingGuessed
            | Rule::KeyInOtherCapitals
            | Rule::LastRowMayContinue
            | Rule::NotTakenAsShown
            | Rule::NullKeptAsText
            | Rule::ReadWithoutAddition
            | Rule::RowHasExtraSeparators
            | Rule::SheetsWithoutGroup
            | Rule::SyncBlocked => Weight::Look,
            Rule::CellsMergedAcross => Weight::Loss,
            _ => Weight::Remark,
        }
    }

    /// Whether the rule means that a row's values may be in the wrong columns, so that none of them can be trusted.
    pub fn is_about_columns(self) -> bool {
        matches!(self, Rule::RowHasExtraValues | Rule::RowIsCutShort | Rule::RowMayContinue)
    }
}
