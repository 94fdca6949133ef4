//! `Node`: parents and children. The children of a node are in its slots, its parent in a slot of its own.

use std::cell::RefCell;

use background_fetch::DomString;

use super::{CharacterData, Document, Element};
use crate::bindings::NodeMethods;
use crate::engine::{Cx, Object, SlotKey};
use crate::interfaces::EventTarget;
use crate::webidl::{Error, Fallible, FromJs, Inherits, Interface, Ref};

/// A node.
///
/// <https://dom.spec.whatwg.org/#interface-node>
pub struct Node {
    target: EventTarget,
    kind: Kind,
    children: RefCell<Vec<SlotKey>>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An element.
    Element = 1,
    /// Text.
    Text = 3,
    /// A document.
    Document = 9,
}

const PARENT: &str = "parent";
const DOCUMENT: &str = "document";

impl Inherits<EventTarget> for Node {
    fn parent(&self) -> &EventTarget {
        &self.target
    }
}

impl Node {
    /// A node without parent and children.
    pub fn new(kind: Kind) -> Self {
        Self {
            target: EventTarget::default(),
            kind,
            children: RefCell::default(),
        }
    }

    /// Its children.
    pub fn children<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Vec<Ref<'js, Self>> {
        let children = this.children.borrow();
        let nodes = children.iter().filter_map(|child| this.slots().get(*child));
        nodes.filter_map(|node| Ref::from_js(cx, &node).ok()).collect()
    }

    /// Its descendants in tree order.
    pub fn descendants<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Vec<Ref<'js, Self>> {
        let mut found = Vec::new();
        let mut open = Self::children(this, cx);
        open.reverse();
        while let Some(node) = open.pop() {
            open.extend(Self::children(&node, cx).into_iter().rev());
            found.push(node);
        }
        found
    }

    /// The descendants that are of an interface.
    pub fn descendants_of<'js, T: Interface>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Vec<Ref<'js, T>> {
        Self::descendants(this, cx)
            .iter()
            .filter_map(Ref::downcast)
            .collect()
    }

    fn parent_of<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Option<Ref<'js, Self>> {
        Ref::from_js(cx, &this.slots().named(PARENT)?).ok()
    }

    /// Says which document made it.
    pub fn set_document<'js>(this: &Ref<'js, Self>, document: &Ref<'js, Document>) {
        this.slots().set_named(DOCUMENT, document.value());
    }

    /// The text of it and of everything below.
    pub fn text<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> String {
        let of_node = |node: &Ref<'js, Self>| node.downcast::<CharacterData>().map(|text| text.text());
        let nodes = Self::descendants(this, cx);
        std::iter::once(this).chain(&nodes).filter_map(of_node).collect()
    }

    fn is_or_contains<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, other: &Ref<'js, Self>) -> bool {
        let mut node = Some(other.clone());
        while let Some(current) = node {
            if current == *this {
                return true;
            }
            node = Self::parent_of(&current, cx);
        }
        false
    }

    fn detach<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) {
        let Some(parent) = Self::parent_of(this, cx) else {
            return;
        };
        let is_this = |child: &SlotKey| {
            parent
                .slots()
                .get(*child)
                .is_some_and(|node| node.is(&this.value()))
        };
        let place = parent.children.borrow().iter().position(is_this);
        if let Some(place) = place {
            let slot = parent.children.borrow_mut().remove(place);
            parent.slots().remove(slot);
        }
        this.slots().remove(SlotKey::Named(PARENT));
    }

    /// Inserts a node before a child, or as the last.
    ///
    /// # Errors
    ///
    /// `HierarchyRequestError` where it contains this node, or this is text; `NotFoundError` where `child` is no
    /// child.
    ///
    /// <https://dom.spec.whatwg.org/#concept-node-pre-insert>
    pub fn insert<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        node: &Ref<'js, Self>,
        child: Option<&Ref<'js, Self>>,
    ) -> Fallible<'js, ()> {
        let is_bad = this.kind == Kind::Text || node.kind == Kind::Document;
        if is_bad || Self::is_or_contains(node, cx, this) {
            return Err(Error::dom("HierarchyRequestError", "the node cannot be there"));
        }
        let place = |child: &Ref<'js, Self>| {
            let children = Self::children(this, cx);
            let place = children.iter().position(|other| other == child);
            place.ok_or_else(|| Error::dom("NotFoundError", "the child is not one of this node's"))
        };
        if let Some(child) = child {
            place(child)?;
        }
        if child == Some(node) {
            return Ok(());
        }
        Self::detach(node, cx);
        let place = match child {
            Some(child) => place(child)?,
            None => this.children.borrow().len(),
        };
        let slot = this.slots().add(node.value());
        this.children.borrow_mut().insert(place, slot);
        node.slots().set_named(PARENT, this.value());
        if Self::is_connected(node, cx)? {
            super::html_elements::inserted(cx, node);
        }
        Ok(())
    }

    /// Replaces its children by this text.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn set_text<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, text: &DomString) -> Fallible<'js, ()> {
        for child in Self::children(this, cx) {
            Self::detach(&child, cx);
        }
        if text.is_empty() {
            return Ok(());
        }
        let document = Self::owner_document(this, cx)?;
        let text = super::Text::create(cx, text.clone(), document.as_ref())?;
        Self::insert(this, cx, &text.upcast(), None)
    }
}

impl NodeMethods for Node {
    fn node_type<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u16> {
        Ok(this.kind as u16)
    }

    fn node_name<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(match this.downcast::<Element>() {
            Some(element) => element.tag_name_text().into(),
            None if this.kind == Kind::Text => "#text".into(),
            None => "#document".into(),
        })
    }

    fn base_uri<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, String> {
        Ok(crate::realm::Realm::of(cx).settings().client.base_url.to_string())
    }

    fn is_connected<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, bool> {
        let mut node = this.clone();
        while let Some(parent) = Self::parent_of(&node, cx) {
            node = parent;
        }
        Ok(node.kind == Kind::Document)
    }

    fn owner_document<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, Document>>> {
        match this.slots().named(DOCUMENT) {
            Some(document) => Option::from_js(cx, &document),
            None => Ok(None),
        }
    }

    fn parent_node<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, Self>>> {
        Ok(Self::parent_of(this, cx))
    }

    fn parent_element<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, Element>>> {
        Ok(Self::parent_of(this, cx).and_then(|parent| parent.downcast()))
    }

    fn has_child_nodes<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(!this.children.borrow().is_empty())
    }

    fn child_nodes<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        array_of(cx, &Self::children(this, cx))
    }

    fn first_child<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, Self>>> {
        Ok(Self::children(this, cx).into_iter().next())
    }

    fn last_child<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, Self>>> {
        Ok(Self::children(this, cx).pop())
    }

    fn node_value<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, Option<DomString>> {
        Ok(this.downcast::<CharacterData>().map(|text| text.text().into()))
    }

    fn set_node_value<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        value: Option<DomString>,
    ) -> Fallible<'js, ()> {
        if let Some(text) = this.downcast::<CharacterData>() {
            text.set_text(value.unwrap_or_default());
        }
        Ok(())
    }

    fn text_content<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<DomString>> {
        Ok((this.kind != Kind::Document).then(|| Self::text(this, cx).into()))
    }

    fn set_text_content<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        value: Option<DomString>,
    ) -> Fallible<'js, ()> {
        match this.kind {
            Kind::Element => Self::set_text(this, cx, &value.unwrap_or_default()),
            Kind::Text => Self::set_node_value(this, cx, value),
            Kind::Document => Ok(()),
        }
    }

    fn contains<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        other: Option<Ref<'js, Self>>,
    ) -> Fallible<'js, bool> {
        Ok(other.is_some_and(|other| Self::is_or_contains(this, cx, &other)))
    }

    fn insert_before<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        node: Ref<'js, Self>,
        child: Option<Ref<'js, Self>>,
    ) -> Fallible<'js, Ref<'js, Self>> {
        Self::insert(this, cx, &node, child.as_ref())?;
        Ok(node)
    }

    fn append_child<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        node: Ref<'js, Self>,
    ) -> Fallible<'js, Ref<'js, Self>> {
        Self::insert(this, cx, &node, None)?;
        Ok(node)
    }

    fn remove_child<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        child: Ref<'js, Self>,
    ) -> Fallible<'js, Ref<'js, Self>> {
        if Self::parent_of(&child, cx).as_ref() != Some(this) {
            return Err(Error::dom("NotFoundError", "the node is not a child of this one"));
        }
        Self::detach(&child, cx);
        Ok(child)
    }
}

/// Takes a node out of its tree.
pub(super) fn remove<'js>(node: &Ref<'js, Node>, cx: &Cx<'js>) {
    Node::detach(node, cx);
}

/// An array of nodes.
pub(super) fn array_of<'js, T: Interface>(cx: &Cx<'js>, nodes: &[Ref<'js, T>]) -> Fallible<'js, Object<'js>> {
    let nodes: Vec<_> = nodes.iter().map(Ref::value).collect();
    Ok(cx.array(&nodes)?)
}
