//! The page of all subcommands, `docs/commands.md`.

use super::{EXAMPLES, command};

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

/// The examples of a subcommand, each by what is typed for it.
fn examples_of(path: &str) -> Vec<&'static str> {
    let typed = format!("inventory {path} ");
    EXAMPLES.iter().copied().flatten().copied().filter(|line| format!("{line} ").starts_with(&typed)).collect()
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
    let mut command = command().term_width(100);
    command.build();
    let mut found = Vec::new();
    all_below(&command, "", &mut found);
    found.into_iter().map(|(path, sub)| (path, sub.mut_args(|argument| argument.hide_env_values(true)))).collect()
}

#[test]
fn every_subcommand_has_an_example_that_can_be_typed_and_tells_its_exit_codes() {
    let all = subcommands();
    for (path, subcommand) in &all {
        assert!(!examples_of(path).is_empty(), "{path} has no example");
        let codes = subcommand.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(codes.starts_with("Exit codes"), "{path} does not tell its exit codes");
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
