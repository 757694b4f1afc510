//! Reading and judging against calamine's bare cell reader, on the same file in the same run: time and memory.
//!
//! cargo bench --bench reading            1,000,000 rows of 10 columns
//! cargo bench --bench reading -- ROWS    another size

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use calamine::{Reader, Xlsx};
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

const ROWS: u32 = 1_000_000;
const ROUNDS: usize = 5;
const SEED: u64 = 20_261_003;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [verb, file] = arguments.as_slice()
        && verb == "bare"
    {
        read_bare(Path::new(file));
        return;
    }
    let rows = arguments.first().map_or(ROWS, |rows| rows.parse().expect("a number of rows"));
    let file = generate(rows);
    let size = fs::metadata(&file).expect("the file").len();
    println!("{rows} rows of 10 columns, {:.1} MB, seed {SEED}, medians of {ROUNDS} rounds taken in turn", mega(size));

    let this = std::env::current_exe().expect("this program");
    let path = file.to_str().expect("a path in UTF-8");
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(measure(Command::new(&this).args(["bare", path])));
        ours.push(measure(Command::new(env!("CARGO_BIN_EXE_inventory")).args(["check", path])));
    }
    let ratio = median(ours.iter().zip(&bare).map(|(ours, bare)| ours.seconds / bare.seconds));
    println!("| | seconds | peak memory, MB |\n|---|---|---|");
    for (name, runs) in [("calamine, bare cell reader", &bare), ("inventory check", &ours)] {
        let memory = median(runs.iter().map(|run| run.megabytes));
        println!("| {name} | {:.2} | {memory:.0} |", median(runs.iter().map(|run| run.seconds)));
    }
    println!("| ratio of time, pair by pair | {ratio:.2} | |");
}

/// What every reader over calamine does at least.
fn read_bare(file: &Path) {
    let file = BufReader::new(File::open(file).expect("the file"));
    let mut workbook = Xlsx::new(file).expect("a workbook");
    let sheet = workbook.sheet_names()[0].clone();
    let mut cells = workbook.worksheet_cells_reader(&sheet).expect("a sheet");
    let mut count = 0u64;
    while cells.next_cell().expect("a cell").is_some() {
        count += 1;
    }
    println!("{count} cells");
}

/// A sheet of stock as the loader's own rules have it, made once.
fn generate(rows: u32) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("stock-{rows}-{SEED}.xlsx"));
    if file.exists() {
        return file;
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let date = Format::new().set_num_format("yyyy-mm-dd");
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_low_memory().expect("a sheet");
    fill(sheet, rows, &mut random, &date).expect("the rows");
    // Under another name first, so that a run that was stopped leaves nothing that looks whole.
    let partial = file.with_extension("partial");
    workbook.save(&partial).expect("the file");
    fs::rename(&partial, &file).expect("the file");
    file
}

fn fill(sheet: &mut Worksheet, rows: u32, random: &mut fastrand::Rng, date: &Format) -> Result<(), XlsxError> {
    let header = [
        "SKU",
        "Name",
        "Category",
        "Warehouse",
        "Quantity",
        "Unit price",
        "Reorder level",
        "Supplier",
        "Last counted",
        "Discontinued",
    ];
    sheet.write_row(0, 0, header)?;
    for row in 1..=rows {
        sheet.write_string(row, 0, format!("{:08}", row))?;
        sheet.write_string(row, 1, format!("Hex bolt M{} x {}", random.u32(3..30), random.u32(10..200)))?;
        sheet.write_string(row, 2, ["Fasteners", "Tools", "Paint", "Timber"][random.usize(..4)])?;
        sheet.write_string(row, 3, ["Leeds", "Glasgow", "Bristol"][random.usize(..3)])?;
        sheet.write_number(row, 4, random.u32(..5000))?;
        sheet.write_number(row, 5, f64::from(random.u32(..100_000)) / 100.0)?;
        sheet.write_number(row, 6, random.u32(..200))?;
        sheet.write_string(row, 7, ["Albion Fixings Ltd", "Northern Tools", "Weserstahl GmbH"][random.usize(..3)])?;
        sheet.write_number_with_format(row, 8, random.u32(45_000..46_300), date)?;
        sheet.write_string(row, 9, if random.bool() { "yes" } else { "no" })?;
    }
    Ok(())
}

struct Run {
    seconds: f64,
    /// Of the process and its children together: shared pages counted once.
    megabytes: f64,
}

fn measure(command: &mut Command) -> Run {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().expect("the program");
    let mut peak = 0;
    loop {
        peak = peak.max(memory_of_all(&child));
        if let Some(status) = child.try_wait().expect("its status") {
            assert!(status.success(), "{status}");
            return Run { seconds: began.elapsed().as_secs_f64(), megabytes: mega(peak) };
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn memory_of_all(child: &Child) -> u64 {
    let id = child.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    // The command starts its reader from any of its threads.
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let of_tasks = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let mut all: Vec<u32> = of_tasks.chain([children]).flat_map(|line| numbers(&line)).chain([id]).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(memory_of).sum()
}

fn numbers(line: &str) -> Vec<u32> {
    line.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// Proportional where the kernel lets us see it, resident otherwise.
fn memory_of(process: u32) -> u64 {
    let kilobytes = |file: &str, name: &str| {
        let text = fs::read_to_string(format!("/proc/{process}/{file}")).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    kilobytes("smaps_rollup", "Pss:").or_else(|| kilobytes("status", "VmRSS:")).unwrap_or_default() * 1024
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
