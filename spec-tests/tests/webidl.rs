//! Web IDL conformance: `webidl/background-fetch.webidl` is member for member what `@webref/idl` publishes, and
//! the component's enumerations are those of the file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use background_fetch::embedder::FunctionalEventName;
use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchResult};
use weedle::dictionary::DictionaryMember;
use weedle::interface::InterfaceMember;
use weedle::{Definition, Parse};

#[test]
fn the_interfaces_are_member_for_member_the_published_ones() {
    let published = file("spec-tests/node_modules/@webref/idl/background-fetch.idl");
    if !published.exists() {
        // CI fetches it where there is npm, and must not pass without it.
        assert!(
            std::env::var_os("SPEC_TESTS_REQUIRED").is_none(),
            "{} is missing",
            published.display()
        );
        // Not with `eprintln!`: the harness keeps the output of a test that passes to itself.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {} is missing; run `npm ci --prefix spec-tests` to compare with the published Web IDL",
            published.display()
        );
        return;
    }
    let published = normal_form(&read(&published)).expect("the published Web IDL");
    let ours = normal_form(&ours()).expect("our Web IDL");
    let differences = differences(&published, &ours);
    assert!(
        differences.is_empty(),
        "-: published only, +: in webidl/background-fetch.webidl only\n{}",
        differences.join("\n")
    );
}

#[test]
fn the_enumerations_of_the_component_are_those_of_the_web_idl() {
    let enumerations = enumerations(&ours());
    let values = |name: &str| enumerations.get(name).cloned().unwrap_or_default();
    let results: Vec<_> = BackgroundFetchResult::ALL
        .iter()
        .map(|value| value.as_str())
        .collect();
    assert_eq!(values("BackgroundFetchResult"), results);
    let reasons: Vec<_> = BackgroundFetchFailureReason::ALL
        .iter()
        .map(|value| value.as_str())
        .collect();
    assert_eq!(values("BackgroundFetchFailureReason"), reasons);
    assert_eq!(
        enumerations.len(),
        2,
        "an enumeration without a test: {enumerations:?}"
    );
}

#[test]
fn every_functional_event_has_its_handler_in_the_service_worker_and_no_other_has() {
    let handlers: Vec<_> = normal_form(&ours())
        .expect("our Web IDL")
        .into_iter()
        .filter_map(|line| {
            let member = line.strip_prefix("partial interface ServiceWorkerGlobalScope { ")?;
            Some(member.trim_end_matches(" }").to_owned())
        })
        .collect();
    let mut expected: Vec<_> = FunctionalEventName::ALL
        .iter()
        .map(|name| format!("attribute EventHandler on{name};"))
        .collect();
    expected.sort();
    assert_eq!(handlers, expected);
}

#[test]
fn a_default_a_keyword_or_a_type_that_differs_is_a_difference_and_layout_is_none() {
    let form = |idl: &str| normal_form(idl).unwrap_or_else(|error| panic!("{idl}: {error}"));
    let same = |one: &str, other: &str| differences(&form(one), &form(other)).is_empty();
    assert!(same(
        "[ Exposed = ( A , B ) ]\ninterface I { /* { */ undefined f( long a ) ; attribute long b; };",
        "[Exposed=(A,B)] interface I { attribute long b; undefined f(long a); // }\n};",
    ));
    for (one, other) in [
        (
            "dictionary D { long long a = 0; };",
            "dictionary D { long long a; };",
        ),
        ("dictionary D { required long a; };", "dictionary D { long a; };"),
        ("dictionary D : E { long a; };", "dictionary D { long a; };"),
        (
            "interface I { attribute long a; };",
            "interface I { readonly attribute long a; };",
        ),
        (
            "interface I { attribute long a; };",
            "[Exposed=Window] interface I { attribute long a; };",
        ),
        (
            "interface I { attribute long a; };",
            "partial interface I { attribute long a; };",
        ),
        (
            "interface I { attribute long? a; };",
            "interface I { attribute long a; };",
        ),
        (
            "interface I { undefined f(long a); };",
            "interface I { undefined f(optional long a); };",
        ),
        ("enum E { \"a\", \"b\" };", "enum E { \"b\", \"a\" };"),
    ] {
        assert!(!same(one, other), "{one}\n{other}");
    }
}

#[test]
fn damaged_web_idl_is_an_error_that_says_where() {
    for (idl, place) in [
        ("interface I { attribute long a; };\ninterface {", "interface {"),
        ("interface I { attribute long a }", "interface I"),
        ("enum E { \"a\" }", "enum E"),
    ] {
        let error = normal_form(idl).unwrap_err();
        assert!(error.contains(place), "{error}");
    }
}

/// Every definition and every member as a line of its own, sorted: two files say the same when these are equal.
fn normal_form(idl: &str) -> Result<Vec<String>, String> {
    let idl = without_comments(idl);
    let mut lines = Vec::new();
    for (definition, source) in all::<Definition<'_>>(&idl)? {
        let (head, body) = match source.split_once('{') {
            Some((head, rest)) => (
                squeezed(head),
                rest.rsplit_once('}').map_or(rest, |(body, _)| body),
            ),
            None => (squeezed(source), ""),
        };
        let members = match definition {
            Definition::Interface(_) | Definition::PartialInterface(_) => {
                sources::<InterfaceMember<'_>>(body)?
            }
            Definition::Dictionary(_) | Definition::PartialDictionary(_) => {
                sources::<DictionaryMember<'_>>(body)?
            }
            // The order of an enumeration's values belongs to it.
            _ => vec![body],
        };
        lines.extend(
            members
                .into_iter()
                .map(|member| format!("{head} {{ {} }}", squeezed(member))),
        );
        lines.push(head);
    }
    lines.sort();
    Ok(lines)
}

/// The enumerations, by name.
fn enumerations(idl: &str) -> BTreeMap<String, Vec<String>> {
    let definitions = all::<Definition<'_>>(idl).expect("our Web IDL");
    let enumerations = definitions
        .into_iter()
        .filter_map(|(definition, _)| match definition {
            Definition::Enum(definition) => Some(definition),
            _ => None,
        });
    enumerations
        .map(|definition| {
            let values = definition.values.body.list.iter().map(|value| value.0.to_owned());
            (definition.identifier.0.to_owned(), values.collect())
        })
        .collect()
}

/// The sources of what `body` consists of.
fn sources<'a, T: Parse<'a>>(body: &'a str) -> Result<Vec<&'a str>, String> {
    Ok(all::<T>(body)?.into_iter().map(|(_, source)| source).collect())
}

/// Parses all of `input` as a sequence, each with its source. (`weedle::parse` panics on what is left over.)
fn all<'a, T: Parse<'a>>(input: &'a str) -> Result<Vec<(T, &'a str)>, String> {
    let mut parsed = Vec::new();
    let mut rest = input.trim();
    while !rest.is_empty() {
        let (after, item) = T::parse(rest).map_err(|_| {
            format!(
                "no Web IDL from here on: {}",
                rest.lines().next().unwrap_or_default()
            )
        })?;
        parsed.push((item, &rest[..rest.len() - after.len()]));
        rest = after;
    }
    Ok(parsed)
}

/// Takes the comments out, and leaves what stands in quotes as it is.
fn without_comments(idl: &str) -> String {
    let mut out = String::new();
    let mut rest = idl;
    while let Some(first) = rest.chars().next() {
        let length = match rest {
            _ if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            _ if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ if first == '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
            _ => first.len_utf8(),
        };
        out.push_str(if first == '/' && length > 1 {
            " "
        } else {
            &rest[..length]
        });
        rest = &rest[length..];
    }
    out
}

/// The tokens on one line, with the same spaces whatever the spaces were.
fn squeezed(text: &str) -> String {
    let mut line = String::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || "_-.".contains(c);
        let length = match first {
            '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let opened = line.is_empty() || line.ends_with(['(', '<', '[', '{']);
        let called = first == '(' && line.ends_with(is_word);
        if !opened && !called && !")>]},;?<".contains(first) {
            line.push(' ');
        }
        line.push_str(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    line
}

/// What stands in one of two sorted lists only.
fn differences(published: &[String], ours: &[String]) -> Vec<String> {
    let only = |sign: char, these: &[String], those: &[String]| {
        let mut left = those.to_vec();
        let mut only = Vec::new();
        for line in these {
            match left.iter().position(|other| other == line) {
                Some(place) => drop(left.swap_remove(place)),
                None => only.push(format!("{sign} {line}")),
            }
        }
        only
    };
    let mut differences = only('-', published, ours);
    differences.extend(only('+', ours, published));
    differences
}

fn ours() -> String {
    read(&file("webidl/background-fetch.webidl"))
}

fn file(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
