//! Makes the page of all subcommands, `docs/commands.md`, and checks it.

use super::{EXAMPLES, command};

const OPENING: &str = "# Commands

Every subcommand of `inventory` with its arguments, its exit codes and an example. `inventory SUBCOMMAND --help` prints
the same. The tests generate this page from `src/cli`.

**Output.** Answers go to standard output, notes and errors to standard error. Progress is shown only on a terminal that
can redraw a line, never in pipes, files or with `TERM=dumb`. `NO_COLOR` turns off the colours of the help; nothing else
is coloured. Output to a pipe or a file is never cut to a width.

**Exit codes** never change. 0: all rows were loaded or are right, or the answer was printed. 1: finished, but something
needs attention. 2: the command line or the set-up is not right. 3: the file was refused. 4: the load is held until it
is approved. 5: a fault of the cloud, or the load failed. 130: stopped waiting after Ctrl-C; the load continues.
";

/// Returns the examples of a subcommand.
fn examples_of(path: &str) -> Vec<&'static str> {
    let typed = format!("inventory {path} ");
    EXAMPLES.iter().copied().flatten().copied().filter(|line| format!("{line} ").starts_with(&typed)).collect()
}

/// Finds the subcommands of a command, at any depth, with their paths.
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

/// Returns all subcommands, independent of the environment and the terminal.
fn subcommands() -> Vec<(String, clap::Command)> {
    let mut command = command().term_width(100);
    command.build();
    let mut found = Vec::new();
    all_below(&command, "", &mut found);
    found.into_iter().map(|(path, sub)| (path, sub.mut_args(|argument| argument.hide_env_values(true)))).collect()
}

#[test]
fn every_subcommand_has_a_valid_example_and_its_exit_codes() {
    let all = subcommands();
    for (path, subcommand) in &all {
        assert!(!examples_of(path).is_empty(), "{path} has no example");
        let codes = subcommand.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(codes.starts_with("Exit codes"), "{path} does not list its exit codes");
    }
    for line in EXAMPLES.iter().copied().flatten() {
        {
            let typed = line.split_whitespace().take_while(|word| !["|", ">"].contains(word));
            let typed = command().try_get_matches_from(typed);
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

/// Keeps `docs/commands.md` up to date: `WRITE_DOCS=1 cargo test --lib commands` rewrites it.
#[test]
fn the_page_of_commands_in_the_docs_is_up_to_date() {
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
