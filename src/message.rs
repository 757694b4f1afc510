//! Every sentence the loader says about a file, once. Each has an identifier that never changes and is the name of its
//! rule; `docs/messages.md` lists them.

mod list;

use serde::{Deserialize, Serialize};

pub use list::listed;

/// By this a page of ours is known again if somebody uploads it: a report is no list of stock.
pub const OUR_PAGE: &str = "inventory-loader report";

/// One cell or row that keeps a row out of the table: what is wrong, where, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub sheet: String,
    pub row: u32,
    /// The column's header as the file has it.
    pub column: Option<String>,
    /// The cell's address, such as `D14`.
    pub cell: Option<String>,
    /// The value as the spreadsheet program shows it.
    pub value: Option<String>,
    pub rule: Rule,
    pub message: String,
    pub advice: String,
}

/// Why a whole file is not loaded. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub rule: Rule,
    pub message: String,
    pub advice: String,
}

impl Refusal {
    pub fn new(rule: Rule, words: &[(&str, &str)]) -> Refusal {
        Refusal { rule, message: rule.message(words), advice: rule.advice(words) }
    }
}

/// How much a note matters to a person who reads only the first sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Good to know; nothing is wrong.
    Remark,
    /// Loaded, but worth a look: something was decided that a person should confirm.
    Look,
    /// Rows were loaded without a value that the file has.
    Loss,
}

/// Something about a file that keeps nothing out of the table, and that she should know all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The sheet it is about; none if about the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    pub rule: Rule,
    pub message: String,
    pub advice: String,
    /// How many rows lost a value, where that is what the note is about.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rows: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Note {
    pub fn new(rule: Rule, words: &[(&str, &str)]) -> Note {
        Note { sheet: None, rule, message: rule.message(words), advice: rule.advice(words), rows: 0 }
    }

    /// About one sheet, which its words name as `{sheet}`.
    pub fn of_sheet(rule: Rule, sheet: &str, words: &[(&str, &str)]) -> Note {
        let words: Vec<_> = words.iter().copied().chain([("sheet", sheet)]).collect();
        Note { sheet: Some(sheet.to_string()), ..Note::new(rule, &words) }
    }
}

/// Declares the catalogue: the variants, their identifiers, their sentences, and the list of all of them.
macro_rules! catalogue {
    ($($rule:ident $id:literal $message:literal $advice:literal)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Rule {
            $(#[serde(rename = $id)] $rule,)*
        }

        impl Rule {
            pub const ALL: &'static [Rule] = &[$(Rule::$rule,)*];

            pub fn id(self) -> &'static str {
                match self { $(Rule::$rule => $id,)* }
            }

            /// The sentences with their `{places}` still open.
            pub fn templates(self) -> (&'static str, &'static str) {
                match self { $(Rule::$rule => ($message, $advice),)* }
            }
        }
    };
}

catalogue! {
    // A row's key.
    KeyMissing "key-missing"
        "Row {row} has no {column}."
        "Type the {column} of this item in {cell}, or empty the row if it is none. Row {row} was left out."
    KeyTooLong "key-too-long"
        "{column} in {cell} is longer than the table can hold ({length} bytes, at most {limit})."
        "Shorten it, or check whether text of another column slipped in. Row {row} was left out."
    DateInKey "date-in-key"
        "{column} in {cell} shows {value}: the spreadsheet program made a date of what was typed, so what you see is not the {column}."
        "Look the {column} up in the original list or export: 4-3 and MAR4 both become such a date. Set the cell to Text (Home, Number Format, Text), then type it; import a CSV file with the column as Text, and save it as \"Excel Workbook (.xlsx)\". Row {row} was not loaded."
    DateOrNumber "date-or-number"
        "{column} in {cell} is {value} in a format that Excel shows as a date in some countries and as a plain number in others."
        "Set the cell to Text (Home, Number Format, Text), then type the {column} as it should be; if it is a date, set the cell to Date instead. Row {row} was not loaded."
    HiddenSignInKey "hidden-sign-in-key"
        "{column} in {cell} has a line break, an invisible character or an unusual blank in it."
        "Clear the cell and type the {column} again in one line. Row {row} was not loaded."
    AlphabetsMixed "alphabets-mixed"
        "{column} in {cell} is \"{value}\", with characters of two alphabets that look alike, such as a Cyrillic А beside a Latin B."
        "Clear the cell and type the {column} again, all of it in one alphabet. Row {row} was not loaded."
    SaysNothing "says-nothing"
        "{column} in {cell} is \"{value}\", which says that there is none."
        "Enter the {column}. If this item has none and can do without it, empty the cell. Row {row} was not loaded."
    DigitsLost "digits-lost"
        "{column} in {cell} is {value}, a number of more than 15 digits: Excel keeps 15 and puts zeros in place of the others."
        "Take the {column} from the original list or export: set the cells to Text (Home, Number Format, Text), then paste it; import a CSV file with the column as Text. Row {row} was not loaded."
    MadeScientific "made-scientific"
        "{column} in {cell} was turned into a number in scientific notation, such as 1.23E+12, so its digits are not what was entered."
        "Take the {column} from the original list or export: set the cells to Text (Home, Number Format, Text), then paste it; import a CSV file with the column as Text. Row {row} was not loaded."
    ZerosAdded "zeros-added"
        "{column} in {cell} is {value}, which looks like {proposal} with zeros that a program added."
        "If it is {proposal}, set the cell to Text (Home, Number Format, Text), then type {proposal}; compare with the original list. Row {row} was not loaded."
    TrueInKey "true-in-key"
        "{column} in {cell} is {value}: the spreadsheet program made a yes or no of what was entered."
        "Check whether the columns are in the right order. If the {column} is right, set the cell to Text (Home, Number Format, Text), type it, and save the file as \"Excel Workbook (.xlsx)\". Row {row} was not loaded."
    AmountInKey "amount-in-key"
        "{column} in {cell} is {value}, which is how an amount is shown and not a {column}."
        "Check whether the columns are in the right order. If the {column} is right, set the cell to Text (Home, Number Format, Text), type it as it is in the original list, and save the file as \"Excel Workbook (.xlsx)\". Row {row} was not loaded."
    KeyHoldsSign "key-holds-sign"
        "{column} in {cell} is \"{value}\", and the sign {sign} in it parts the {column} from what follows in the table."
        "Write the {column} without {sign}. Row {row} was left out."
    KeyRepeated "key-repeated"
        "{column} {value} stands in rows {rows}."
        "If they are different items, one {column} is mistyped: correct it. If they are the same item, keep the right row and delete the others. {all} were left out."

    KeysDifferInCase "keys-differ-in-case"
        "{column} in rows {rows} differs only in capitals."
        "If they are the same item, keep the right row and delete the others. If they are different items, ask whoever runs the loader to tell capitals apart (key_case = \"matters\"). None of them was loaded."
    KeysLookAlike "keys-look-alike"
        "{column} in rows {rows} looks the same and is not."
        "One of them was typed with characters of another alphabet or width, other hyphens or other blanks: type it again in each row. If they are the same item, keep the right row and delete the others. None of them was loaded."

    ValueRepeated "value-repeated"
        "{column} {value} stands in rows {rows}, and may stand in one row only."
        "Correct the {column} where it is mistyped. All of them were left out."

    // A cell's value.
    ValueMissing "value-missing"
        "{column} in {cell} is empty."
        "Enter the {column}; it is required. Row {row} was left out."
    ValueMerged "value-merged"
        "{column} in {area} is one merged cell for several items: \"{shown}\"."
        "Unmerge the cells (Home, Merge & Center), then enter the {column} of each item in its own cell. All of them were left out."
    CellShowsError "cell-shows-error"
        "{column} in {cell} shows {value}: {reason}."
        "Mend the formula, or type the value in its place. Row {row} was left out."
    FormulaWithoutResult "formula-without-result"
        "{column} in {cell} is a formula, and its result is not stored in the file."
        "Open the file in Excel, save it, and upload it again: Excel stores the results. Row {row} was left out."
    RowHasExtraValues "row-has-extra-values"
        "Row {row} has more values than the header in row {header} has columns: {extra}."
        "{cause} Check which value belongs in which column, and correct the row. Row {row} was not loaded."
    RowIsCutShort "row-is-cut-short"
        "Row {row} has {values}, and the other rows have {usual}."
        "Perhaps a line break inside a value has cut a row in two. Join the parts in a text editor such as Notepad, or ask whoever sent the file to export it again. Row {row} was not loaded."
    RowMayContinue "row-may-continue"
        "{column} in {cell} may be only a part of it: row {other} is no whole row, and may be the rest."
        "If it is, join the two rows in a text editor such as Notepad; if not, delete row {other} or move it below the list. Then upload the file again. Row {row} was not loaded."
    FormulaAsText "formula-as-text"
        "{column} in {cell} is \"{value}\", a formula that was not calculated."
        "Enter the value itself. If the file is a CSV file, you can also open it in Excel and save it again: Excel calculates such formulas. Row {row} was not loaded."
    CellCouldNotBeRead "cell-could-not-be-read"
        "{column} in {cell} can't be read for sure: the file doesn't say plainly what is in it."
        "Open the file in Excel, enter the {column} in {cell} again, save, and upload it again. Row {row} was left out."
    NumberExpected "number-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be a number such as 12.50. Type the number alone, without currency or unit, or empty the cell if there is none yet. Row {row} was left out."
    LetterForZero "letter-for-zero"
        "{column} in {cell} is \"{value}\", with the letter O instead of a zero."
        "Type it as {proposal}. Row {row} was left out."
    DateForNumber "date-for-number"
        "{column} in {cell} shows {value}, a date: spreadsheet programs make one of a number that looks like it, such as 12.5."
        "Set the cell to Number (Home, Number Format, Number), then type the number again with the decimal sign your program uses, as 12.50 or 12,50. Row {row} was left out."
    PointExpected "point-expected"
        "{column} in {cell} is \"{value}\", with a comma where a point was expected."
        "Type it as {proposal}. Row {row} was left out."
    CommaExpected "comma-expected"
        "{column} in {cell} is \"{value}\", with a point where a comma was expected."
        "Type it as {proposal}. Row {row} was left out."
    SeparatorUnclear "separator-unclear"
        "{column} in {cell} is \"{value}\", which can be {first} or {second}, and nothing in the column tells which."
        "Type it without the sign between thousands, or ask whoever runs the loader to set which decimal sign {column} has. Row {row} was left out."
    SeparatorsMixed "separators-mixed"
        "{column} in {cell} is \"{value}\", with a decimal {sign}, and most of the column has a decimal {other}."
        "If the number is right, type it as {proposal}. Row {row} was left out."
    CurrenciesMixed "currencies-mixed"
        "{column} in {cell} is {value} ({currency}), and {others}."
        "Enter the amount in the same currency as the others, or ask whoever runs the loader to load the currency with the {column}. Row {row} was not loaded."
    CurrencyDiffers "currency-differs"
        "{column} in {cell} is \"{value}\", and the {column} is in {currency} here."
        "Type the amount in {currency}. Row {row} was left out."
    PercentForNumber "percent-for-number"
        "{column} in {cell} is {value}, a percentage."
        "Enter the number itself; if the cell goes on showing %, set it to Number (Home, Number Format, Number). Row {row} was not loaded."
    WholeNumberExpected "whole-number-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be a whole number such as 12. Type the number alone, without unit or words. Row {row} was left out."
    NumberTooLong "number-too-long"
        "{column} in {cell} is \"{value}\", a number longer than the table can hold."
        "A number may have 38 digits. Check whether two cells ran together. Row {row} was left out."
    TooSmall "too-small"
        "{column} in {cell} is {value}, and the smallest allowed is {limit}."
        "Check the number and type it again. Row {row} was left out."
    TooLarge "too-large"
        "{column} in {cell} is {value}, and the largest allowed is {limit}."
        "Check the number and type it again. Row {row} was left out."
    TextTooLong "text-too-long"
        "{column} in {cell} has {length} characters, and at most {limit} are allowed."
        "Shorten the text. Row {row} was left out."
    PatternDiffers "pattern-differs"
        "{column} in {cell} is \"{value}\", which is not how a {column} is written here ({pattern})."
        "Correct the {column}, or ask whoever runs the loader how it should look. Row {row} was left out."
    DateExpected "date-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be a date such as 2026-10-03 (year-month-day). Type the date that way. Row {row} was left out."
    DateOrderUnclear "date-order-unclear"
        "{column} in {cell} is \"{value}\", which can be {first} or {second}."
        "Type {type_first} for the one or {type_second} for the other (year-month-day). If all of the column is written one way round, ask whoever runs the loader to set which. Row {row} was left out."
    DateToConfirm "date-to-confirm"
        "{column} in {cell} is \"{value}\", which looks like {proposal}."
        "If that is the date, type it that way (year-month-day). Row {row} was left out."
    YesOrNoExpected "yes-or-no-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be yes or no. Type one of the two, or empty the cell. Row {row} was left out."
    ChoiceExpected "choice-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be one of: {choices}. Type one of these. Row {row} was left out."
    GtinExpected "gtin-expected"
        "{column} in {cell} is \"{value}\"."
        "It should be a barcode number of 8, 12, 13 or 14 digits, or an ISBN of 10. Type the digits under the bars, or empty the cell if there are none. Row {row} was left out."
    GtinCheckDigit "gtin-check-digit"
        "{column} in {cell} is {value}, which is mistyped: {proposals}."
        "Read it off the item and type it again. Row {row} was left out."
    GtinZeroMissing "gtin-zero-missing"
        "{column} in {cell} is {value}, which looks like {proposal} without its zeros in front."
        "Set the cell to Text (Home, Number Format, Text), then type {proposal}. Row {row} was left out."
    GtinDigitMissing "gtin-digit-missing"
        "{column} in {cell} is {value}, which looks like {proposal} with its last digit missing."
        "Compare with the barcode on the item and type all its digits. Row {row} was left out."
    GtinShortened "gtin-shortened"
        "{column} in {cell} is {value}: the number was shortened when it was saved, and its last digits are lost."
        "Take the barcode from the original list or the item: set the cell to Text (Home, Number Format, Text), then type all its digits. Row {row} was left out."
    ItemTooLarge "item-too-large"
        "Row {row} is larger than the table can hold ({length} bytes, at most {limit}); the longest text is in {column}."
        "Shorten the text in {cell}. Row {row} was left out."
    TableRefusedItem "table-refused-item"
        "The table did not take row {row}. It says: \"{reason}\""
        "Show this to whoever runs the loader. Row {row} is not in."

    // What is said of cells whose rows are in all the same.
    NotTakenAsShown "not-taken-as-shown"
        "{column} in {cell} is shown in a way that is not read here; the number behind it was taken: {number}."
        "If it should be as shown, set the cell to Text (Home, Number Format, Text), type it again, and upload the file. No row was left out."
    ReadWithoutAddition "read-without-addition"
        "{column} on sheet \"{sheet}\" is shown as {number}, for example in {cell}: the .0 or the separators between thousands come from a program, so the column was read without them."
        "If they are part of the {column}, ask whoever runs the loader. No row was left out."
    NullKeptAsText "null-kept-as-text"
        "{column} in {cell} on sheet \"{sheet}\" is \"{number}\", which programs write where there is no value; it was loaded as that text."
        "If there is none, empty the cell and every one like it, and upload the file again. No row was left out."

    // Where the data is.
    NoSheetFits "no-sheet-fits"
        "No sheet has a column for the {column}. The nearest header is in row {row} of sheet \"{sheet}\": {found}."
        "Name the column \"{column}\" in one row above the items, and upload the file again; its rows are checked then. Nothing was changed."
    NoHeaderFound "no-header-found"
        "No sheet has a row with the names of the columns; these at least must be there: {columns}."
        "Write the names of the columns in one row above the items, and upload the file again; its rows are checked then. Nothing was changed."
    ColumnMissing "column-missing"
        "Sheet \"{sheet}\" has no column for {columns}. {found}"
        "Write {names} in row {row} over the column that holds it, and upload the file again; its rows are checked then. If the sheet is not to be loaded, hide or delete it. Nothing was changed."
    SheetHiddenFits "sheet-hidden-fits"
        "No sheet that is shown has a row with the names of the columns; sheet \"{sheet}\" has one (row {row}), and it is hidden."
        "Right-click the tab of any sheet, choose Unhide, then \"{sheet}\"; save, and upload the file again; its rows are checked then. Nothing was changed."
    NoItems "no-items"
        "Sheet \"{sheet}\" has the names of the columns in row {row} and no item below it."
        "Check whether the right file was saved, and upload it again. Nothing was changed."
    SheetMissing "sheet-missing"
        "The file has no visible sheet called \"{sheet}\"; it has {found}."
        "Name the sheet with the items \"{sheet}\", and upload the file again; its rows are checked then. Nothing was changed."
    ColumnsNotKnown "columns-not-known"
        "Sheet \"{sheet}\" has columns that the loader does not know: {columns}."
        "What stands in them was left out; if it is wanted, ask whoever runs the loader to accept them."
    ColumnWithoutName "column-without-name"
        "Sheet \"{sheet}\" has values under an empty header in {columns}."
        "Their contents were not loaded. If they should be, enter the name of the column in {cells}, and upload the file again."
    RowHasExtraSeparators "row-has-extra-separators"
        "Sheet \"{sheet}\" has {rows} with more separators than the others, for example row {row}."
        "Check whether each value in these rows is in its own column: a value that contains the separator moves those after it. No row was left out because of it."
    LastRowMayContinue "last-row-may-continue"
        "Row {row} of sheet \"{sheet}\" has a single value and was skipped, but it may be the rest of row {above}."
        "If a line break inside a value has cut row {above} in two, join the parts in a text editor such as Notepad, and upload the file again; if row {row} is a note, all is well. No row was left out because of it."
    ValuesWithoutName "values-without-name"
        "Sheet \"{sheet}\" has values beside the list, under an empty header, in {columns}."
        "They were not loaded. If they should be, enter the name of the column in {cells}, and upload the file again."
    SheetsWithoutGroup "sheets-without-group"
        "There is no column for the {column} on {sheets}."
        "The items there were loaded, and their {column} was not loaded. If the sheets are named after it, add a column \"{column}\" with that name in each row, and upload the file again."
    ColumnsNotAllowed "columns-not-allowed"
        "Sheet \"{sheet}\" has columns that the loader does not know: {columns}."
        "Delete them or correct their names, and upload the file again; its rows are checked then. Nothing was changed."
    SheetsRepeatItems "sheets-repeat-items"
        "Sheets \"{first}\" and \"{second}\" list the same items ({same} of them)."
        "Delete or hide the sheet that is not to be loaded, perhaps an earlier quarter's, and upload the file again; its rows are checked then. Nothing was changed."
    ColumnNamedTwice "column-named-twice"
        "Sheet \"{sheet}\" has two columns that could be the {column}: {first} and {second}."
        "Delete the one that isn't the {column}, or rename it, and upload the file again; its rows are checked then. If the file always has both, ask whoever runs the loader to name the right one in the rules, such as header = \"{header}\" for the {column}. Nothing was changed."

    SecondTable "second-table"
        "Sheet \"{sheet}\" has a second table from row {row} on, and its columns are not those of the list above: {found}."
        "If its rows are items, name their columns in row {row} as in row {header}; if not, move the table to a sheet of its own or delete it. Then upload the file again; its rows are checked then. Nothing was changed."
    TableBelow "table-below"
        "Sheet \"{sheet}\" has another row with the names of columns, row {row}; the rows below it were read by these names."
        "If row {row} doesn't name the columns of the rows below it, correct it and upload the file again. No row was left out because of it."

    // The file.
    FileEmpty "file-empty"
        "The file is empty."
        "Check whether the right file was saved, and upload it again. Nothing was changed."
    FileDamaged "file-damaged"
        "The file is damaged or was not uploaded completely."
        "Open it in Excel; if it opens, save it again and upload the new copy. If it does not, get the file once more from where it came, and upload that. Nothing was changed."
    SheetDamaged "sheet-damaged"
        "Sheet \"{sheet}\" is damaged after row {row}: what follows could not be read."
        "Open the file in Excel; if it opens, save it again and upload the new copy. If it does not, get the file once more from where it came, and upload that. Nothing was changed."
    FileProtected "file-protected"
        "The file is protected with a password, so it cannot be read here."
        "In Excel: File, Info, Protect Workbook, Encrypt with Password; empty the box, choose OK, save, and upload the file again. If you do not know the password, ask whoever sent the file for a copy without one. Nothing was changed."
    FileIsOtherKind "file-is-other-kind"
        "The file is {kind}, not a spreadsheet."
        "Open the list it was made from in Excel, save it as \"Excel Workbook (.xlsx)\", and upload that file; if you do not have it, ask whoever sent this one, or type the rows into a new workbook. To look at the file, give a copy the ending of its kind, such as .png or .pdf. Nothing was changed."
    FileIsOurs "file-is-ours"
        "The file is a report or a plan that this loader made, not a list of stock."
        "Upload the spreadsheet that it tells of, with what it names put right. Nothing was changed."
    SpreadsheetIsOtherKind "spreadsheet-is-other-kind"
        "The file is {kind}, which cannot be read here."
        "Open it in the program it was made with, save it as \"Excel Workbook (.xlsx)\", and upload that file. Nothing was changed."
    TableNotPlain "table-not-plain"
        "The file is {kind}, and {reason}, so its rows cannot be told apart for sure."
        "Give a copy of it the ending .html, open that in Excel, save it as \"Excel Workbook (.xlsx)\", and upload that file. Nothing was changed."
    LettersUnknown "letters-unknown"
        "The text in line {row} has letters that could not be read."
        "Open the file in Excel, save it as \"CSV UTF-8 (Comma delimited)\" or as \"Excel Workbook (.xlsx)\", and upload it again. Nothing was changed."
    EncodingUnclear "encoding-unclear"
        "The file does not say how its letters are encoded, and it is not certain how to read them{example}."
        "Open the file in Excel. If its letters are right there, save it as \"Excel Workbook (.xlsx)\" or as \"CSV UTF-8 (Comma delimited)\", and upload that file; if not, ask whoever sent it for one of these. For files that always come like this, the encoding can be set in the rules. Nothing was changed."
    QuoteNeverEnds "quote-never-ends"
        "A quotation mark in row {row} is not closed where its cell ends, so the rows below would be one cell with it."
        "Excel makes one cell of them as well, so open the file in a text editor such as Notepad, delete that mark, save, and upload the file again; or ask whoever sent it to export it once more. Nothing was changed."
    QuoteSwallowsRows "quote-swallows-rows"
        "{cell} on sheet \"{sheet}\" holds {rows} of the list below its first line: a quotation mark before it was not closed, and made one cell of them."
        "Spreadsheet programs make one cell of them as well, so open the CSV file they come from in a text editor such as Notepad, delete that mark, save, and upload that file; or ask whoever sent it to export it once more. Nothing was changed."
    TooManyRows "too-many-rows"
        "Sheet \"{sheet}\" has more than {limit} rows."
        "Split the file in two and upload both. Nothing was changed."
    TooManyColumns "too-many-columns"
        "Sheet \"{sheet}\" has something in column {column}; columns up to {limit} are read."
        "Delete what stands to the right of the items, and upload the file again. Nothing was changed."
    CellTooLong "cell-too-long"
        "{cell} on sheet \"{sheet}\" holds more text than a cell may have ({limit} bytes)."
        "Shorten the text in {cell}, and upload the file again. Nothing was changed."
    RowTooLong "row-too-long"
        "Row {row} of sheet \"{sheet}\" holds more text than a row may have ({limit} bytes)."
        "Shorten the texts in row {row}, and upload the file again. Nothing was changed."
    FileHoldsTooMuch "file-holds-too-much"
        "The file holds {what}, and at most {limit} can be read."
        "Save it as \"Excel Workbook (.xlsx)\" if it is of another form, or split it in two, and upload it again. Nothing was changed."
    FileUnpacksTooLarge "file-unpacks-too-large"
        "The file unpacks to far more than a spreadsheet of its size does."
        "Open it in Excel, copy the items alone into a new workbook, save that as \"Excel Workbook (.xlsx)\", and upload it. Nothing was changed."
    FileTooLarge "file-too-large"
        "The file has {size} MB, and at most {limit} MB are accepted."
        "Split the file in two and upload both. Nothing was changed."
    FileFillsStorage "file-fills-storage"
        "The file holds more than fits into the room that reading it may take ({limit} MB)."
        "Split the file in two and upload both. Nothing was changed."
    FileNeedsTooMuchMemory "file-needs-too-much-memory"
        "Reading the file needs more memory than it may take ({limit} MB)."
        "Open it in Excel, copy the items alone into a new workbook, save that as \"Excel Workbook (.xlsx)\", and upload it. Nothing was changed."
    FileTakesTooLong "file-takes-too-long"
        "Reading the file takes longer than it may ({limit} seconds)."
        "Open it in Excel, copy the items alone into a new workbook, save that as \"Excel Workbook (.xlsx)\", and upload it. Nothing was changed."
    FileStopsReader "file-stops-reader"
        "Reading the file came to a stop in the middle; something in it is not as a spreadsheet should be."
        "Open it in Excel, copy the items alone into a new workbook, save that as \"Excel Workbook (.xlsx)\", and upload it. Nothing was changed."

    // What is told although the file was read.
    ExtensionDiffers "extension-differs"
        "The file is called {name} and is {kind}; it was read as that."
        "Give its name the ending {ending}, so that other programs open it as well. Nothing was left out because of it."
    WebPageRead "web-page-read"
        "The file is called {name} and is a web page; its table was read."
        "If anything looks wrong, give a copy of it the ending .html, open that in Excel, save it as \"Excel Workbook (.xlsx)\", and upload that file. Nothing was left out because of it."
    ReadAsWindows1252 "read-as-windows-1252"
        "The letters of the file are in the older Western form (Windows-1252), and were read as that."
        "Check one name with an accent. If it is wrong, save the file as \"CSV UTF-8 (Comma delimited)\" and upload it again. Nothing was left out because of it."
    EncodingGuessed "encoding-guessed"
        "The file does not say how its letters are encoded; they were read as {encoding}, for example {words}."
        "If these words are right, so are the others. If not, open the file in Excel, save it as \"CSV UTF-8 (Comma delimited)\" or as \"Excel Workbook (.xlsx)\", and upload it again. Nothing was left out because of it."
    EncodingSet "encoding-set"
        "The letters of the file were read as {encoding}, as {by}, for example {words}."
        "If these words are wrong, save the file as \"CSV UTF-8 (Comma delimited)\" or as \"Excel Workbook (.xlsx)\", and upload it again. Nothing was left out because of it."
    RowsHidden "rows-hidden"
        "Sheet \"{sheet}\" has hidden or filtered rows ({rows} in all); they were loaded like the others."
        "If they should not be in, delete them and upload the file again. Nothing was left out because of it."
    CellsFarRight "cells-far-right"
        "Sheet \"{sheet}\" has values beyond column {last}, the last one that is read: {cells}."
        "These values were not loaded. If they belong to the items, move them next to the other columns and upload the file again; if not, delete them. No row was left out because of it."
    CellsMergedFilled "cells-merged-filled"
        "Sheet \"{sheet}\" has cells merged over several rows in {columns}. What they show was loaded for each of these rows ({rows} that had no value of their own)."
        "If that is not right for a row, unmerge the cells, enter its own value, and upload the file again. Nothing was left out because of it."
    CellsMergedAcross "cells-merged-across"
        "Sheet \"{sheet}\" has cells merged over several columns: {columns} got no value in {rows}."
        "Unmerge the cells, enter the value of each column in its own cell, and upload the file again. The rows were loaded, but these values were not loaded."

    // What makes a load wait for somebody.
    GateRejected "gate-rejected"
        "{scope}{count} of {total} rows ({share}) would be left out; at most {limit} may."
        "Correct these rows and upload the file again. If it is right to load the others alone, approve the load: inventory approve {load}. Nothing was changed."
    GateNothingLeft "gate-nothing-left"
        "None of the {total} rows can be loaded."
        "Correct the rows and upload the file again. Nothing was changed."
    GateZeros "gate-zeros"
        "{scope}{count} of {total} quantities ({share}) fall to zero; at most {limit} may."
        "If that is right, approve the load: inventory approve {load}. Otherwise check the column {column}, correct the file and upload it again. Nothing was changed."
    GatePrices "gate-prices"
        "{scope}{count} of {total} prices ({share}) change by more than {factor} times; at most {limit} may."
        "If that is right, approve the load: inventory approve {load}. Otherwise check whether the column {column} was swapped with another or is in another currency, correct the file and upload it again. Nothing was changed."
    SyncBlocked "sync-blocked"
        "Which items the sheet no longer lists cannot be told, because some of its rows do not say which item they are ({rows} in all)."
        "Mend these rows and upload the file again. Until then, items of the table that are not in the sheet stay as they are."
    KeyInOtherCapitals "key-in-other-capitals"
        "{rows} whose {column} the table has in other capitals: {named}."
        "If they are the same items, undo the load if it is done, enter the {column} as the table has it, and upload the file again. No row was left out because of it."
    PartitionBusy "partition-busy"
        "{share} of what is written goes to {attribute} \"{value}\". However much the table can take, DynamoDB takes {limit} write units a second for one {attribute}, so that writing lasts {minutes} minutes or longer."
        "Nothing need be done, and no row is left out for it. If loads are to be faster, ask whoever runs the loader to divide the table by something finer than {attribute}."
    GateFewer "gate-fewer"
        "{scope}{total} items were in the last load ({last}), and this one has {count} ({share}); at least {limit} are expected."
        "If that is right, approve the load: inventory approve {load}. Otherwise check whether rows are missing at the end of the file, correct it and upload it again. Nothing was changed."
    GateMissing "gate-missing"
        "{scope}{count} of {total} items in the table ({share}) are missing from the file and {act}; at most {limit} may be missing."
        "If that is right, approve the load: inventory approve {load}. Otherwise put the missing items back into the file and upload it again. Nothing was changed."
    GateVanishing "gate-vanishing"
        "{attributes} would be removed from items in the table ({count} in all): no column is known for what stands there."
        "If that is right, approve the load: inventory approve {load}. Otherwise ask whoever runs the loader to add the columns or to load with mode = \"merge\", and upload the file again. Nothing was changed."
    GateDocument "gate-document"
        "Sheet \"{sheet}\" doesn't look like a stock list: {reason}."
        "If its quantities are your stock, approve the load: inventory approve {load}. Otherwise upload the stock list itself. Nothing was changed."
    GateElsewhere "gate-elsewhere"
        "It is the same for others in the column {column} ({count} more)."
        "If that is right, approve the load: inventory approve {load}. Otherwise correct the file and upload it again. Nothing was changed."
}

impl Rule {
    /// What a note of this rule means for the headline. Everything not named here is a remark.
    pub fn weight(self) -> Weight {
        match self {
            Rule::CellsFarRight
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

    /// Whether it says of a row that its values may be in the wrong columns, so that none of them is to be trusted.
    pub fn is_about_columns(self) -> bool {
        matches!(self, Rule::RowHasExtraValues | Rule::RowIsCutShort | Rule::RowMayContinue)
    }

    pub fn message(self, words: &[(&str, &str)]) -> String {
        fill(self.templates().0, words)
    }

    pub fn advice(self, words: &[(&str, &str)]) -> String {
        fill(self.templates().1, words)
    }
}

/// Puts the words into their `{places}`. A place without a word stays as it is, which the tests of each sentence show.
fn fill(template: &str, words: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((place, tail)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        match words.iter().find(|(name, _)| *name == place) {
            Some((_, word)) => text.push_str(word),
            None => {
                text.push('{');
                text.push_str(place);
                text.push('}');
            }
        }
        rest = tail;
    }
    text.push_str(rest);
    text
}

/// A column as spreadsheet programs name it: 0 is A, 26 is AA.
pub fn column_letters(mut column: u32) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'A' + (column % 26) as u8);
        if column < 26 {
            break;
        }
        column = column / 26 - 1;
    }
    letters.iter().rev().map(|&b| b as char).collect()
}

/// A cell's address: column 3 of row 14 is `D14`.
pub fn cell_address(column: u32, row: u32) -> String {
    format!("{}{row}", column_letters(column))
}

/// An error as a person reads it: from a capital letter to a full stop.
pub fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// A time as people read it: 4.2 s, 2 min 40 s, 1 h 5 min.
pub fn duration(seconds: f64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        _ if seconds < 0.1 => "less than 0.1 s".to_string(),
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..MINUTE => format!("{whole} s"),
        MINUTE..HOUR => format!("{} min {} s", whole / MINUTE, whole % MINUTE),
        _ => format!("{} h {} min", count(whole / HOUR), whole % HOUR / MINUTE),
    }
}

/// A count as people read it: 4,812.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The digits of a number before its point as people read them: 4,812.50.
pub fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits.find('.').map_or((digits, ""), |point| digits.split_at(point));
    match whole.parse() {
        Ok(whole) => format!("{sign}{}{fraction}", count(whole)),
        // Longer than any stock: as it is.
        Err(_) => number.to_string(),
    }
}

#[cfg(test)]
mod tests;
