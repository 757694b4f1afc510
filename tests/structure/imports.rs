//! What the files of a crate import from one another, found by resolving their paths.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Attribute, File, Item, ItemMod, ItemUse, UseTree};

/// The names that lead from the root of the crate to a module.
type ModulePath = Vec<String>;

pub struct Crate {
    name: String,
    modules: BTreeMap<ModulePath, Module>,
}

struct Module {
    /// The file, as it is named in a message.
    file: String,
    items: BTreeSet<String>,
    /// What `use` brings in: the name here, and the path it stands for.
    uses: BTreeMap<String, Vec<String>>,
    /// Paths that are used in the code, beside `use`.
    paths: Vec<Vec<String>>,
}

impl Crate {
    /// Reads the sources of a crate from its folder.
    pub fn read(name: &str, folder: &Path) -> Crate {
        let mut read = Crate { name: name.to_string(), modules: BTreeMap::new() };
        let root = folder.join("lib.rs");
        read.add(&root, folder, Vec::new());
        read
    }

    fn add(&mut self, file: &Path, folder: &Path, path: ModulePath) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed: File = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = format!("{}: {}", self.name, file.strip_prefix(folder).map_or(file, |file| file).display());
        let top = folder.to_path_buf();
        let below: PathBuf = path.iter().fold(top.clone(), |folder, name| folder.join(name));
        let mut module = Module { file: name, items: BTreeSet::new(), uses: BTreeMap::new(), paths: Vec::new() };
        let mut children = Vec::new();
        for item in parsed.items.iter().filter(|item| !is_for_tests(attributes(item))) {
            match item {
                Item::Mod(ItemMod { ident, content: None, .. }) => children.push(ident.to_string()),
                Item::Use(ItemUse { tree, .. }) => flatten(tree, Vec::new(), &mut module.uses),
                item => {
                    module.items.extend(name_of(item));
                    module.visit_item(item);
                }
            }
        }
        self.modules.insert(path.clone(), module);
        for child in children {
            let (flat, nested) = (below.join(format!("{child}.rs")), below.join(&child).join("mod.rs"));
            let path = path.iter().cloned().chain([child]).collect();
            self.add(if flat.exists() { &flat } else { &nested }, folder, path);
        }
    }

    /// Returns for each file those it imports from. A module that a file is part of is left out: what it declares is
    /// there for its parts.
    pub fn imports(&self) -> BTreeMap<String, BTreeSet<String>> {
        let of_module = |(path, module): (&ModulePath, &Module)| {
            let used = module.uses.values().chain(&module.paths);
            let targets =
                used.filter_map(|used| self.resolve(path, used, 0)).filter(|target| !path.starts_with(target));
            let files = targets.map(|target| self.modules[&target].file.clone()).collect();
            (module.file.clone(), files)
        };
        self.modules.iter().map(of_module).collect()
    }

    /// The module that defines what a path in the module `here` leads to; `None` if that is not of this crate.
    fn resolve(&self, here: &ModulePath, path: &[String], depth: usize) -> Option<ModulePath> {
        const DEEPEST: usize = 16;
        if depth > DEEPEST {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let (mut module, mut rest) = match first.as_str() {
            "crate" => (Vec::new(), rest),
            "self" => (here.clone(), rest),
            "super" => (here[..here.len().checked_sub(1)?].to_vec(), rest),
            _ => {
                let child: ModulePath = here.iter().cloned().chain([first.clone()]).collect();
                if self.modules.contains_key(&child) {
                    (child, rest)
                } else {
                    // A name that `use` has brought in, with more behind it.
                    let (whole, is_other) = (self.modules[here].uses.get(first)?, path.len() > 1);
                    return if is_other { self.resolve(here, whole, depth + 1) } else { None };
                }
            }
        };
        while let Some((name, behind)) = rest.split_first() {
            if name == "super" {
                module.pop()?;
                rest = behind;
                continue;
            }
            let child: ModulePath = module.iter().cloned().chain([name.clone()]).collect();
            if self.modules.contains_key(&child) {
                (module, rest) = (child, behind);
                continue;
            }
            let found = self.modules.get(&module)?;
            if !found.items.contains(name)
                && let Some(re_exported) = found.uses.get(name)
            {
                return self.resolve(&module, re_exported, depth + 1);
            }
            break;
        }
        self.modules.contains_key(&module).then_some(module)
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.paths.push(names);
        }
        syn::visit::visit_path(self, path);
    }
}

fn flatten(tree: &UseTree, before: Vec<String>, uses: &mut BTreeMap<String, Vec<String>>) {
    let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<String>>();
    match tree {
        UseTree::Path(path) => flatten(&path.tree, with(path.ident.to_string()), uses),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before.clone(), uses)),
        UseTree::Name(name) if name.ident == "self" => {
            uses.insert(before.last().cloned().unwrap_or_default(), before.clone());
        }
        UseTree::Name(name) => {
            uses.insert(name.ident.to_string(), with(name.ident.to_string()));
        }
        UseTree::Rename(rename) => {
            uses.insert(rename.rename.to_string(), with(rename.ident.to_string()));
        }
        UseTree::Glob(_) => {
            uses.insert(format!("*{}", uses.len()), before);
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
