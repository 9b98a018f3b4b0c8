//! Reads the sources as text and tokens and holds what neither compiler nor clippy holds: the order
//! of the layers, the size of files and functions, the `//!` head, the names of files, and that
//! the I/O layers stand behind the feature `daemon`. Knows nothing of what the code does.

#![expect(clippy::disallowed_methods, reason = "it reads the sources")]

use std::cmp::Ordering;
use std::fmt;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A layer names only layers of lower rank; layers of equal rank are strangers.
const RANKS: [(&str, u8); 11] = [
    ("domain", 0),
    ("engine", 1),
    ("travel", 2),
    ("query", 2),
    ("storage", 2),
    ("runtime", 3),
    ("feed", 4),
    ("ingest", 5),
    ("api", 5),
    ("daemon", 6),
    ("cli", 7),
];
/// The layers without input and output: they are built without the feature `daemon`.
const PURE: [&str; 4] = ["domain", "engine", "travel", "query"];
/// Drawers for homeless code.
const BANNED_NAMES: [&str; 15] = [
    "base", "common", "data", "errors", "handler", "helper", "helpers", "imp", "info", "manager",
    "misc", "shared", "types", "util", "utils",
];
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;

#[test]
fn layers_name_only_lower_layers() {
    report(&check_all(&["src"], layers));
}

#[test]
fn functions_are_short() {
    report(&check_all(&["src", "benches", "tests"], function_lines));
}

#[test]
fn files_are_short() {
    report(&check_all(&["src", "benches", "tests"], file_lines));
}

#[test]
fn files_say_what_they_decide() {
    report(&check_all(&["src", "benches", "tests"], head));
}

#[test]
fn files_are_named_by_what_they_decide() {
    report(&check_all(&["src", "benches", "tests"], file_name));
}

#[test]
fn io_layers_stand_behind_the_feature() {
    report(&check_all(&["src/lib.rs"], feature_gates));
}

/// One source file; the path is relative to the manifest, with `/`.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn tokens(&self) -> TokenStream {
        self.text.parse().unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }

    /// The module the file holds, from the crate's root, which is empty.
    fn module(&self) -> Vec<String> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<String> = path.split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            module.pop();
        }
        module
    }
}

/// What is wrong, where, and what to do.
struct Finding {
    path: String,
    line: usize,
    advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.advice)
    }
}

fn report(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

fn check_all(roots: &[&str], check: fn(&Source) -> Vec<(usize, String)>) -> Vec<Finding> {
    let mut sources = Vec::new();
    for root in roots {
        collect(Path::new(env!("CARGO_MANIFEST_DIR")), root, &mut sources);
    }
    assert!(!sources.is_empty(), "no sources under {roots:?}: the checks would pass in vain");
    let found = sources.iter().flat_map(|source| {
        let path = &source.path;
        check(source).into_iter().map(|(line, advice)| Finding { path: path.clone(), line, advice })
    });
    found.collect()
}

/// Appends the Rust files at or under `path`, sorted; a directory that does not exist has none.
fn collect(manifest: &Path, path: &str, sources: &mut Vec<Source>) {
    let place = manifest.join(path);
    if place.is_dir() {
        let entries = fs::read_dir(&place).expect("the directory is there");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("the directory can be read").file_name())
            .map(|name| name.into_string().expect("file names are UTF-8"))
            .collect();
        names.sort();
        for name in names {
            collect(manifest, &format!("{path}/{name}"), sources);
        }
    } else if place.is_file() && path.ends_with(".rs") {
        let text = fs::read_to_string(&place).expect("the source can be read");
        sources.push(Source { path: path.to_owned(), text });
    }
}

fn layers(source: &Source) -> Vec<(usize, String)> {
    let module = source.module();
    let mut found = Vec::new();
    let Some(layer) = module.first() else {
        return found; // lib.rs and main.rs may name all.
    };
    if rank(layer).is_none() {
        let advice = format!("`{layer}` is no layer: move it into one, or give it a rank in tidy");
        found.push((1, advice));
        return found;
    }
    let mut names = Vec::new();
    names_in(source.tokens(), &module, &mut names);
    for (line, name) in names {
        if let Some(advice) = verdict(layer, &name) {
            found.push((line, advice));
        }
    }
    found
}

fn rank(layer: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == layer).map(|(_, rank)| *rank)
}

/// What is wrong when a file of `layer` names `name` right under the crate's root.
fn verdict(layer: &str, name: &str) -> Option<String> {
    if layer == name {
        return None;
    }
    let Some(named) = rank(name) else {
        return Some(format!("`crate::{name}` is no layer: name the layer that owns the item"));
    };
    let own = rank(layer)?;
    let advice = match named.cmp(&own) {
        Ordering::Less => return None,
        Ordering::Equal => "equal ranks are strangers: let a higher layer join them",
        Ordering::Greater => "only lower ranks may be named: move the item down, or pass it in",
    };
    Some(format!("{layer} (rank {own}) names {name} (rank {named}): {advice}"))
}

/// Collects each name right under the crate's root that a path in `tokens` reaches from `module`,
/// in code, in macros and in documentation. An alias or a glob of the root is named `*`.
fn names_in(tokens: TokenStream, module: &[String], names: &mut Vec<(usize, String)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(ident) if !follows_path(&tokens, at) => {
                path_names(&ident.to_string(), &tokens[at + 1..], module, names);
            }
            TokenTree::Group(group) => {
                let inside = inline_module(&tokens, at, module);
                names_in(group.stream(), &inside, names);
            }
            TokenTree::Literal(literal) if is_doc(&tokens, at) => {
                let line = literal.span().start().line;
                doc_names(&literal.to_string(), line, module, names);
            }
            _ => {}
        }
    }
}

/// Whether the token before is `::`, so that this one does not begin a path.
fn follows_path(tokens: &[TokenTree], at: usize) -> bool {
    at >= 2 && is_punct(&tokens[at - 1], ':') && is_punct(&tokens[at - 2], ':')
}

/// The module of the group at `at`: deeper by one if it is the body of `mod name`.
fn inline_module(tokens: &[TokenTree], at: usize, module: &[String]) -> Vec<String> {
    let mut module = module.to_vec();
    if let [.., TokenTree::Ident(keyword), TokenTree::Ident(name)] = &tokens[..at]
        && keyword == "mod"
    {
        module.push(name.to_string());
    }
    module
}

/// Whether the literal at `at` is the text of a `#[doc = ".."]`, which a doc comment is too.
fn is_doc(tokens: &[TokenTree], at: usize) -> bool {
    match &tokens[..at] {
        [TokenTree::Ident(doc), equals] => doc == "doc" && is_punct(equals, '='),
        _ => false,
    }
}

/// Collects the names of the path that begins with `start` and goes on with `rest`.
fn path_names(
    start: &str,
    rest: &[TokenTree],
    module: &[String],
    names: &mut Vec<(usize, String)>,
) {
    let mut base = match start {
        "crate" | "doorstep" => Vec::new(),
        "super" | "self" => module.to_vec(),
        _ => return,
    };
    if start == "super" {
        base.pop();
    }
    match rest {
        [TokenTree::Ident(keyword), ..] if keyword == "as" && base.is_empty() => {
            names.push((keyword.span().start().line, "*".to_owned()));
        }
        [first, second, rest @ ..] if is_punct(first, ':') && is_punct(second, ':') => {
            continue_path(base, rest, names);
        }
        _ => {}
    }
}

/// Goes on from the module `base` after a `::`.
fn continue_path(mut base: Vec<String>, rest: &[TokenTree], names: &mut Vec<(usize, String)>) {
    match rest {
        [TokenTree::Ident(ident), rest @ ..] if ident == "super" || ident == "self" => {
            if ident == "super" {
                base.pop();
            }
            path_names("self", rest, &base, names);
        }
        [TokenTree::Ident(ident), ..] if base.is_empty() => {
            names.push((ident.span().start().line, ident.to_string()));
        }
        [TokenTree::Punct(star), ..] if star.as_char() == '*' && base.is_empty() => {
            names.push((star.span().start().line, "*".to_owned()));
        }
        [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace => {
            let entries: Vec<TokenTree> = group.stream().into_iter().collect();
            for entry in entries.split(|token| is_punct(token, ',')) {
                continue_path(base.clone(), entry, names);
            }
        }
        _ => {}
    }
}

/// Collects the names of the paths in a line of documentation.
fn doc_names(text: &str, line: usize, module: &[String], names: &mut Vec<(usize, String)>) {
    let not_in_path = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
    for word in text.split(not_in_path).filter(|word| word.contains("::")) {
        let mut found = Vec::new();
        let Ok(tokens) = word.trim_end_matches(':').parse() else { continue };
        names_in(tokens, module, &mut found);
        names.extend(found.into_iter().map(|(_, name)| (line, name)));
    }
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn function_lines(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    functions_in(source.tokens(), &mut |line, name, lines| {
        if lines > FUNCTION_LINES_MAX {
            let advice = format!(
                "`{name}` has {lines} lines, {FUNCTION_LINES_MAX} are allowed: branch in the \
                 parent, compute in leaves"
            );
            found.push((line, advice));
        }
    });
    found
}

/// Calls back with line, name and length of each function with a body, those in macros too.
fn functions_in(tokens: TokenStream, found: &mut impl FnMut(usize, String, usize)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match (token, tokens.get(at + 1)) {
            (TokenTree::Ident(keyword), Some(TokenTree::Ident(name))) if keyword == "fn" => {
                let first = keyword.span().start().line;
                if let Some(last) = body_end(&tokens[at..]) {
                    found(first, name.to_string(), last - first + 1);
                }
            }
            (TokenTree::Group(group), _) => functions_in(group.stream(), found),
            _ => {}
        }
    }
}

/// The last line of the function that begins here; `None` where it has no body.
fn body_end(tokens: &[TokenTree]) -> Option<usize> {
    let end = tokens.iter().find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            Some(Some(group.span_close().end().line))
        }
        token if is_punct(token, ';') => Some(None),
        _ => None,
    });
    end.flatten()
}

fn file_lines(source: &Source) -> Vec<(usize, String)> {
    let lines = source.text.lines().count();
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    let advice = format!("{lines} lines, {FILE_LINES_MAX} are allowed: one concept per file");
    vec![(FILE_LINES_MAX + 1, advice)]
}

fn head(source: &Source) -> Vec<(usize, String)> {
    if source.text.starts_with("//! ") {
        return Vec::new();
    }
    let advice = "begin the file with `//! ` and what it decides, and what it does not know";
    vec![(1, advice.to_owned())]
}

fn file_name(source: &Source) -> Vec<(usize, String)> {
    let parts = source.path.trim_end_matches(".rs").split('/');
    let banned = parts.filter(|part| BANNED_NAMES.contains(part));
    banned.map(|part| (1, format!("`{part}` says nothing: name it by what it decides"))).collect()
}

fn feature_gates(source: &Source) -> Vec<(usize, String)> {
    let file = syn::parse_file(&source.text)
        .unwrap_or_else(|error| panic!("{} is no Rust: {error}", source.path));
    let mut found = Vec::new();
    for item in file.items {
        let syn::Item::Mod(item) = item else { continue };
        let line = item.mod_token.span.start().line;
        let name = item.ident.to_string();
        let gated = item.attrs.iter().any(is_daemon_gate);
        let advice = match (rank(&name), PURE.contains(&name.as_str()), gated) {
            (None, _, _) => "is no layer: move it into one, or give it a rank in tidy",
            (_, true, true) => "is pure: it is built without the feature, remove its `cfg`",
            (_, false, false) => "does I/O: write `#[cfg(feature = \"daemon\")]` above it",
            _ => continue,
        };
        found.push((line, format!("`{name}` {advice}")));
    }
    found
}

fn is_daemon_gate(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::MetaNameValue>()
            .is_ok_and(|gate| gate.path.is_ident("feature"))
}

/// Each check finds what it is for, and leaves alone what it is not for.
mod checks {
    use super::*;

    /// The findings of a check as `line: advice`.
    fn found(check: fn(&Source) -> Vec<(usize, String)>, path: &str, text: &str) -> Vec<String> {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        check(&source).iter().map(|(line, advice)| format!("{line}: {advice}")).collect()
    }

    /// The lines on which `layers` finds something in a file of the engine.
    #[track_caller]
    fn engine_lines(text: &str) -> Vec<usize> {
        let source = Source { path: "src/engine/stay/dwell.rs".to_owned(), text: text.to_owned() };
        layers(&source).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn lower_and_own_layers_may_be_named() {
        let text = "use crate::domain::{geo::Point, ids};\nuse super::super::{input, output};\n\
                    use super::fence as f;\npub(crate) fn f(_: crate::engine::Engine) {}\n\
                    pub(in crate::engine) fn g() { self::f() }\nmod m { use super::super::track; }";
        assert!(engine_lines(text).is_empty());
    }

    #[test]
    fn a_higher_layer_is_found_in_a_use() {
        assert_eq!(engine_lines("\nuse crate::runtime::clock;"), [2]);
        assert_eq!(engine_lines("use crate::{\n domain,\n storage::journal};"), [3]);
        assert_eq!(engine_lines("use {crate::domain, crate::feed};"), [1]);
        assert_eq!(engine_lines("use super::super::super::api;"), [1]);
        assert_eq!(engine_lines("use super::{super::{super::cli}};"), [1]);
        assert_eq!(
            engine_lines("mod m { mod n { use super::super::super::super::super::query; } }"),
            [1]
        );
    }

    #[test]
    fn a_higher_layer_is_found_inline() {
        assert_eq!(engine_lines("fn f() {\n crate::travel::go();\n}"), [2]);
        assert_eq!(engine_lines("fn f() { assert!(\n  crate::travel::ok()); }"), [2]);
        assert_eq!(engine_lines("impl crate::daemon::Part for X {}"), [1]);
        assert_eq!(engine_lines("macro_rules! m { () => { $crate::travel::go() } }"), [1]);
        assert_eq!(engine_lines("pub(in crate::travel) fn f() {}"), [1]);
    }

    #[test]
    fn a_higher_layer_is_found_in_documentation() {
        assert_eq!(engine_lines("//! Head.\n//! See [`crate::travel::Model`].\n"), [2]);
        assert_eq!(engine_lines("/// `use doorstep::storage::Journal;`\nstruct S;"), [1]);
        assert!(
            engine_lines("/// See [`crate::domain::geo`], crate::\n/// and :: too.\nstruct S;")
                .is_empty()
        );
    }

    #[test]
    fn the_root_cannot_be_renamed_or_taken_whole() {
        assert_eq!(engine_lines("use crate as root;"), [1]);
        assert_eq!(engine_lines("use crate::*;"), [1]);
        assert_eq!(engine_lines("use crate::{self as root};"), [1]);
        assert_eq!(engine_lines("use super::super::super as root;"), [1]);
        assert_eq!(engine_lines("use crate::Engine;"), [1]);
    }

    #[test]
    fn equal_ranks_are_strangers_and_roots_name_all() {
        let text = "use crate::ingest::quic;";
        assert!(found(layers, "src/api/auth.rs", text)[0].contains("strangers"));
        assert!(found(layers, "src/daemon/mod.rs", text).is_empty());
        assert!(found(layers, "src/main.rs", "use doorstep::cli;").is_empty());
        assert!(found(layers, "src/domain.rs", text)[0].contains("rank 5"));
        assert!(found(layers, "src/glue/mod.rs", "")[0].contains("no layer"));
    }

    #[test]
    fn a_long_function_is_found() {
        let body = |lines: usize| format!("\nfn f() {{\n{}}}", "x();\n".repeat(lines - 2));
        assert!(found(function_lines, "src/a.rs", &body(70)).is_empty());
        assert!(found(function_lines, "src/a.rs", &body(71))[0].starts_with("2: `f` has 71 lines"));
        let in_macro = format!("proptest! {{ {} }}", body(71));
        assert_eq!(found(function_lines, "src/a.rs", &in_macro).len(), 1);
        let method = format!("trait T {{ fn a(); {} }}", body(71));
        assert_eq!(found(function_lines, "src/a.rs", &method).len(), 1);
    }

    #[test]
    fn a_long_file_is_found() {
        assert!(found(file_lines, "src/a.rs", &"\n".repeat(600)).is_empty());
        assert!(found(file_lines, "src/a.rs", &"\n".repeat(601))[0].starts_with("601: "));
    }

    #[test]
    fn a_file_without_head_is_found() {
        assert!(found(head, "src/a.rs", "//! What it decides.\n").is_empty());
        assert_eq!(found(head, "src/a.rs", "use x;\n//! Late.\n").len(), 1);
        assert_eq!(found(head, "src/a.rs", "").len(), 1);
    }

    #[test]
    fn an_empty_name_is_found() {
        assert!(found(file_name, "src/api/error.rs", "").is_empty());
        assert_eq!(found(file_name, "src/api/errors.rs", "").len(), 1);
        assert_eq!(found(file_name, "tests/common/mod.rs", "").len(), 1);
        assert!(found(file_name, "src/storage/metadata.rs", "").is_empty());
    }

    #[test]
    fn a_wrong_gate_is_found() {
        let gated = |name| format!("#[cfg(feature = \"daemon\")]\npub mod {name};");
        assert!(found(feature_gates, "src/lib.rs", &gated("feed")).is_empty());
        assert!(found(feature_gates, "src/lib.rs", "pub mod engine;").is_empty());
        assert!(
            found(feature_gates, "src/lib.rs", "\npub mod feed;")[0].starts_with("2: `feed` does")
        );
        assert!(found(feature_gates, "src/lib.rs", &gated("query"))[0].contains("is pure"));
        assert!(found(feature_gates, "src/lib.rs", "mod glue;")[0].contains("no layer"));
        assert_eq!(found(feature_gates, "src/lib.rs", "#[cfg(test)]\nmod api;").len(), 1);
    }
}
