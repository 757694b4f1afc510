//! The page of all subcommands, `docs/commands.md`.

use clap::CommandFactory;

use super::Command;

/// What each is typed like.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("check", &["inventory check stock.xlsx", "inventory check *.csv --json | jq .summary"]),
    ("load", &["inventory load stock.xlsx --table stock --ledger inventory-ledger"]),
    ("plan", &["inventory plan stock.xlsx --table stock"]),
    (
        "upload",
        &[
            "inventory upload stock.xlsx --function inventory-loader --wait",
            "inventory upload stock.xlsx --function inventory-loader --wait --to dry-run/",
        ],
    ),
    (
        "loads",
        &[
            "inventory loads --function inventory-loader --limit 5",
            "inventory loads --function inventory-loader --json | jq -r '.loads[] | select(.ending == \"held\").load'",
        ],
    ),
    (
        "show",
        &[
            "inventory show 0c3f1a2b4d5e6f70 --function inventory-loader",
            "inventory show 0c3f1a2b4d5e6f70 --out inventory-loads --rows rejected | jq -r '.problems[].message'",
        ],
    ),
    ("approve", &["inventory approve 0c3f1a2b4d5e6f70 --function inventory-loader --by Erika"]),
    ("failed", &["inventory failed --function inventory-loader"]),
    (
        "redrive",
        &[
            "inventory redrive 0c3f1a2b4d5e6f70 --function inventory-loader",
            "inventory redrive --function inventory-loader",
        ],
    ),
    ("cancel", &["inventory cancel 0c3f1a2b4d5e6f70 --function inventory-loader"]),
    (
        "undo",
        &[
            "inventory undo 0c3f1a2b4d5e6f70 --function inventory-loader",
            "inventory undo 0c3f1a2b4d5e6f70 --function inventory-loader --yes",
        ],
    ),
    ("template", &["inventory template --out stock-template.xlsx"]),
    ("export", &["inventory export --table stock --out stock.xlsx", "inventory export --table stock --out stock.csv"]),
    ("schema check", &["inventory schema check inventory.toml"]),
    ("schema show", &["inventory schema show > inventory.toml"]),
    ("completions", &["inventory completions bash > ~/.local/share/bash-completion/completions/inventory"]),
];

const OPENING: &str = "# What can be typed

Every subcommand of `inventory`, with what it takes, its exit codes and an example. `inventory SUBCOMMAND --help` prints
the same. This page is made from `src/cli` by its tests.

**What goes where.** Answers go to standard output, and sentences beside them to standard error. Progress is shown only on
a terminal that can draw a line anew, so pipes, files and `TERM=dumb` get none of it; `NO_COLOR` takes the colours out of
the help, and there are no others. What goes into a pipe or a file is never cut to a width.

**Exit codes** never change. 0: everything is in, or is right, or is told. 1: done, and something needs attention. 2: the
command line or the set-up is not right. 3: the file is refused. 4: the load is held until somebody approves it. 5: a
fault of the cloud, or the load failed. 130: left with Ctrl-C, while the load goes on.
";

fn examples_of(path: &str) -> &'static [&'static str] {
    EXAMPLES.iter().find(|(name, _)| *name == path).map(|(_, lines)| *lines).unwrap_or_default()
}

/// The subcommands of a command and those below them, each by what is typed for it.
fn all_below(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let path = format!("{path} {}", subcommand.get_name()).trim_start().to_string();
        if subcommand.has_subcommands() {
            all_below(subcommand, &path, found);
        } else {
            found.push((path, subcommand.clone()));
        }
    }
}

/// All that can be typed, as it is in anybody's environment and terminal.
fn subcommands() -> Vec<(String, clap::Command)> {
    let mut command = Command::command().term_width(100);
    command.build();
    let mut found = Vec::new();
    all_below(&command, "", &mut found);
    found.into_iter().map(|(path, sub)| (path, sub.mut_args(|argument| argument.hide_env_values(true)))).collect()
}

#[test]
fn every_subcommand_has_an_example_that_can_be_typed_and_tells_its_exit_codes() {
    let all = subcommands();
    for (path, subcommand) in &all {
        assert!(!examples_of(path).is_empty(), "{path} has no example in src/cli/commands.rs");
        let codes = subcommand.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(codes.starts_with("Exit codes"), "{path} does not tell its exit codes");
    }
    for (name, lines) in EXAMPLES {
        assert!(all.iter().any(|(path, _)| path == name), "{name} is no subcommand");
        for line in *lines {
            let typed = line.split_whitespace().take_while(|word| !["|", ">"].contains(word));
            let typed = Command::command().try_get_matches_from(typed);
            assert!(typed.is_ok(), "{line}: {}", typed.unwrap_err());
        }
    }
}

#[test]
fn every_argument_at_any_depth_is_explained() {
    for (path, subcommand) in subcommands() {
        for argument in subcommand.get_arguments() {
            assert!(argument.get_help().is_some(), "{path} {}", argument.get_id());
        }
    }
}

/// `docs/commands.md`, which this test keeps true: `WRITE_DOCS=1 cargo test --lib commands` writes it anew.
#[test]
fn the_page_of_commands_is_the_one_in_the_docs() {
    let mut page = OPENING.to_string();
    for (path, mut subcommand) in subcommands() {
        page.push_str(&format!("\n## inventory {path}\n\n```console\n"));
        examples_of(&path).iter().for_each(|line| page.push_str(&format!("$ {line}\n")));
        let help = subcommand.render_help().to_string();
        let help: Vec<&str> = help.trim().lines().map(str::trim_end).collect();
        page.push_str(&format!("```\n\n```text\n{}\n```\n", help.join("\n")));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page, "docs/commands.md is not up to date; run WRITE_DOCS=1 cargo test --lib commands");
}
