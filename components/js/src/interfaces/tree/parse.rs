//! HTML becomes a tree; its scripts are given back one after the other, so that each runs when all before it is there.

use std::rc::Rc;

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

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
    // A node that is dropped empties what is below it: the whole lives as long as this.
    let parsed = parse_document(RcDom::default(), ParseOpts::default()).one(html);
    let mut scripts = Vec::new();
    let root: Ref<'js, Node> = document.upcast();
    let mut open = vec![(root, Rc::clone(&parsed.document))];
    while let Some((parent, parsed)) = open.pop() {
        let node = match &parsed.data {
            NodeData::Document => parent,
            NodeData::Element { name, attrs, .. } => {
                let element = html_elements::create_element(cx, &name.local, document)?;
                for attribute in attrs.borrow().iter() {
                    element.put_attribute(&attribute.name.local, (&*attribute.value).into());
                }
                if let Some(script) = element.downcast::<HTMLScriptElement>() {
                    script.leave_to_parser();
                    let (src, type_) = (element.attribute("src"), element.reflect("type"));
                    let src = src.map(|src| src.to_string());
                    scripts.extend(PendingScript::of(&type_.to_string(), src, text_of(&parsed)));
                }
                let node: Ref<'js, Node> = element.upcast();
                Node::insert(&parent, cx, &node, None)?;
                node
            }
            NodeData::Text { contents } => {
                let text = Text::create(cx, (&**contents.borrow()).into(), Some(document))?;
                Node::insert(&parent, cx, &text.upcast(), None)?;
                continue;
            }
            _ => continue,
        };
        let children = parsed.children.borrow();
        open.extend(
            children
                .iter()
                .rev()
                .map(|child| (node.clone(), Rc::clone(child))),
        );
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

/// The text right below a parsed node.
fn text_of(parsed: &Handle) -> String {
    let children = parsed.children.borrow();
    let texts = children.iter().filter_map(|child| match &child.data {
        NodeData::Text { contents } => Some(contents.borrow().to_string()),
        _ => None,
    });
    texts.collect()
}
