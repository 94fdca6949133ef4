//! HTML becomes a tree; its scripts are given back one after the other, so that each runs when all before it is there.

use scraper::{Html, Node as Parsed};

use super::{Document, HTMLScriptElement, Node, Text, html_elements};
use crate::engine::Cx;
use crate::webidl::{Fallible, Ref};

/// A script of a page, in the order of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingScript {
    /// Where it is; none for one whose text is in the page.
    pub src: Option<String>,
    /// Its text, where it is in the page.
    pub text: String,
    /// Whether it is a module script.
    pub is_module: bool,
}

/// Puts a page into its document; gives its scripts, in the order in which they are to run: module scripts last.
///
/// The tree is there before the first script runs: no script of a page sees half of it.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn parse_into<'js>(
    cx: &Cx<'js>,
    document: &Ref<'js, Document>,
    html: &str,
) -> Fallible<'js, Vec<PendingScript>> {
    let parsed = Html::parse_document(html);
    let mut scripts = Vec::new();
    let mut open: Vec<(Ref<'js, Node>, ego_tree::NodeRef<'_, Parsed>)> = Vec::new();
    let root: Ref<'js, Node> = document.upcast();
    let children = |parent: &Ref<'js, Node>, node: ego_tree::NodeRef<'_, Parsed>| -> Vec<_> {
        let mut children: Vec<_> = node
            .children()
            .map(|child| (parent.clone(), child.id()))
            .collect();
        children.reverse();
        children
    };
    let with_ids = |pairs: Vec<(Ref<'js, Node>, ego_tree::NodeId)>| {
        pairs
            .into_iter()
            .filter_map(|(parent, id)| Some((parent, parsed.tree.get(id)?)))
    };
    open.extend(with_ids(children(&root, parsed.tree.root())));
    while let Some((parent, node)) = open.pop() {
        match node.value() {
            Parsed::Element(element) => {
                let made = html_elements::create_element(cx, element.name(), document)?;
                for (name, value) in element.attrs() {
                    made.put_attribute(name, value.into());
                }
                if let Some(script) = made.downcast::<HTMLScriptElement>() {
                    script.leave_to_parser();
                }
                let made: Ref<'js, Node> = made.upcast();
                Node::insert(&parent, cx, &made, None)?;
                if element.name() == "script" {
                    let text = node
                        .children()
                        .filter_map(|child| Some(&*child.value().as_text()?.text));
                    scripts.extend(script_of(element, text.collect()));
                }
                open.extend(with_ids(children(&made, node)));
            }
            Parsed::Text(text) => {
                let text = Text::create(cx, (&*text.text).into(), Some(document))?;
                Node::insert(&parent, cx, &text.upcast(), None)?;
            }
            _ => {}
        }
    }
    scripts.sort_by_key(|script: &PendingScript| script.is_module);
    Ok(scripts)
}

impl PendingScript {
    /// That of an element with this `type`, `src` and text; none where it is no script that runs here.
    pub(super) fn of(type_: &str, src: Option<String>, text: String) -> Option<Self> {
        let kind = type_.trim().to_ascii_lowercase();
        let is_module = kind == "module";
        let is_classic = ["", "text/javascript", "application/javascript"].contains(&kind.as_str());
        (is_module || is_classic).then_some(Self { src, text, is_module })
    }
}

fn script_of(element: &scraper::node::Element, text: String) -> Option<PendingScript> {
    let src = element.attr("src").map(str::to_owned);
    PendingScript::of(element.attr("type").unwrap_or_default(), src, text)
}
