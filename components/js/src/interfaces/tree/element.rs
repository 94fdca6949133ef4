//! `Element`: attributes, and what is found by them.

use std::cell::RefCell;

use background_fetch::DomString;

use super::node::{Kind, array_of, remove};
use super::{Document, Node};
use crate::bindings::{ElementMethods, NodeMethods, NodeOrDomString};
use crate::engine::{Cx, Object};
use crate::webidl::{Fallible, Inherits, Ref};

/// An element.
///
/// <https://dom.spec.whatwg.org/#interface-element>
pub struct Element {
    node: Node,
    local_name: String,
    attributes: RefCell<Vec<(String, DomString)>>,
}

impl Inherits<Node> for Element {
    fn parent(&self) -> &Node {
        &self.node
    }
}

impl Element {
    /// An element of this name without attributes.
    pub fn new(local_name: &str) -> Self {
        Self {
            node: Node::new(Kind::Element),
            local_name: local_name.to_owned(),
            attributes: RefCell::default(),
        }
    }

    /// Its local name.
    pub fn name(&self) -> &str {
        &self.local_name
    }

    /// Its name in capitals, as HTML has it.
    pub fn tag_name_text(&self) -> String {
        self.local_name.to_ascii_uppercase()
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<DomString> {
        let attributes = self.attributes.borrow();
        let found = attributes.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone())
    }

    /// Sets an attribute.
    pub fn put_attribute(&self, name: &str, value: DomString) {
        let mut attributes = self.attributes.borrow_mut();
        match attributes.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value,
            None => attributes.push((name.to_owned(), value)),
        }
    }

    /// Sets a boolean attribute, or removes it.
    pub fn toggle_attribute(&self, name: &str, is_there: bool) {
        if is_there {
            self.put_attribute(name, DomString::default());
        } else {
            self.attributes.borrow_mut().retain(|(other, _)| other != name);
        }
    }

    /// What an attribute of scripts gives that reflects one: the empty string where it is not there.
    pub fn reflect(&self, name: &str) -> DomString {
        self.attribute(name).unwrap_or_default()
    }
}

/// Attribute names are in lower case in HTML.
fn lower(name: &DomString) -> String {
    name.to_string().to_ascii_lowercase()
}

/// The elements below a node that have this name; all of them for `*`.
pub(super) fn by_tag_name<'js>(
    node: &Ref<'js, Node>,
    cx: &Cx<'js>,
    name: &DomString,
) -> Vec<Ref<'js, Element>> {
    let name = lower(name);
    let mut elements = Node::descendants_of::<Element>(node, cx);
    elements.retain(|element| name == "*" || element.local_name == name);
    elements
}

impl ElementMethods for Element {
    fn kept_bytes(&self) -> usize {
        let attributes = self.attributes.borrow();
        let texts = attributes
            .iter()
            .map(|(name, value)| name.len() + 2 * value.len());
        let texts: usize = texts.sum();
        self.local_name.len() + texts + attributes.len() * size_of::<(String, DomString)>()
    }

    fn local_name<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.local_name.as_str().into())
    }

    fn tag_name<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.tag_name_text().into())
    }

    fn id<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.reflect("id"))
    }

    fn set_id<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: DomString) -> Fallible<'js, ()> {
        this.put_attribute("id", value);
        Ok(())
    }

    fn class_name<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.reflect("class"))
    }

    fn set_class_name<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: DomString) -> Fallible<'js, ()> {
        this.put_attribute("class", value);
        Ok(())
    }

    fn get_attribute_names<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, Vec<DomString>> {
        Ok(this
            .attributes
            .borrow()
            .iter()
            .map(|(name, _)| name.as_str().into())
            .collect())
    }

    fn get_attribute<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        qualified_name: DomString,
    ) -> Fallible<'js, Option<DomString>> {
        Ok(this.attribute(&lower(&qualified_name)))
    }

    fn set_attribute<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        qualified_name: DomString,
        value: DomString,
    ) -> Fallible<'js, ()> {
        this.put_attribute(&lower(&qualified_name), value);
        Ok(())
    }

    fn remove_attribute<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        qualified_name: DomString,
    ) -> Fallible<'js, ()> {
        let name = lower(&qualified_name);
        this.attributes.borrow_mut().retain(|(other, _)| *other != name);
        Ok(())
    }

    fn has_attribute<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        qualified_name: DomString,
    ) -> Fallible<'js, bool> {
        Ok(this.attribute(&lower(&qualified_name)).is_some())
    }

    fn get_elements_by_tag_name<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        qualified_name: DomString,
    ) -> Fallible<'js, Vec<Ref<'js, Self>>> {
        Ok(by_tag_name(&this.upcast(), cx, &qualified_name))
    }

    fn children<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        let children = Node::children(&this.upcast(), cx);
        let children: Vec<Ref<'js, Self>> = children.iter().filter_map(Ref::downcast).collect();
        array_of(cx, &children)
    }

    fn append<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        nodes: Vec<NodeOrDomString<'js>>,
    ) -> Fallible<'js, ()> {
        let node: Ref<'js, Node> = this.upcast();
        let document: Option<Ref<'js, Document>> = Node::owner_document(&node, cx)?;
        for child in nodes {
            let child = match child {
                NodeOrDomString::Node(child) => child,
                NodeOrDomString::DomString(text) => {
                    super::Text::create(cx, text, document.as_ref())?.upcast()
                }
            };
            Node::insert(&node, cx, &child, None)?;
        }
        Ok(())
    }

    fn remove<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ()> {
        remove(&this.upcast(), cx);
        Ok(())
    }
}
