// A document as far as scripts and the platform tests need one: nodes, elements and their attributes, no rendering. Where the
// standards have live collections there are arrays here.
// https://dom.spec.whatwg.org/, https://html.spec.whatwg.org/

[Exposed=Window]
interface Node : EventTarget {
  const unsigned short ELEMENT_NODE = 1;
  const unsigned short TEXT_NODE = 3;
  const unsigned short DOCUMENT_NODE = 9;
  readonly attribute unsigned short nodeType;
  readonly attribute DOMString nodeName;

  readonly attribute USVString baseURI;

  readonly attribute boolean isConnected;
  readonly attribute Document? ownerDocument;
  readonly attribute Node? parentNode;
  readonly attribute Element? parentElement;
  boolean hasChildNodes();
  readonly attribute FrozenArray<Node> childNodes;
  readonly attribute Node? firstChild;
  readonly attribute Node? lastChild;

  attribute DOMString? nodeValue;
  attribute DOMString? textContent;

  boolean contains(Node? other);

  Node insertBefore(Node node, Node? child);
  Node appendChild(Node node);
  Node removeChild(Node child);
};

[Exposed=Window]
interface Document : Node {
  [PutForwards=href, LegacyUnforgeable] readonly attribute Location? location;
  readonly attribute USVString URL;
  readonly attribute USVString documentURI;
  readonly attribute DOMString characterSet;
  readonly attribute DOMString contentType;
  readonly attribute Element? documentElement;
  sequence<Element> getElementsByTagName(DOMString qualifiedName);
  [NewObject] Element createElement(DOMString localName);
  [NewObject] Text createTextNode(DOMString data);
  Element? getElementById(DOMString elementId);

  readonly attribute DocumentReadyState readyState;
  attribute DOMString title;
  readonly attribute Element? body;
  readonly attribute Element? head;
  readonly attribute FrozenArray<Element> scripts;

  attribute EventHandler onreadystatechange;
};

enum DocumentReadyState { "loading", "interactive", "complete" };

[Exposed=Window]
interface Element : Node {
  readonly attribute DOMString localName;
  readonly attribute DOMString tagName;
  attribute DOMString id;
  attribute DOMString className;
  sequence<DOMString> getAttributeNames();
  DOMString? getAttribute(DOMString qualifiedName);
  undefined setAttribute(DOMString qualifiedName, DOMString value);
  undefined removeAttribute(DOMString qualifiedName);
  boolean hasAttribute(DOMString qualifiedName);
  sequence<Element> getElementsByTagName(DOMString qualifiedName);
  readonly attribute FrozenArray<Element> children;
  undefined append((Node or DOMString)... nodes);
  undefined remove();
};

[Exposed=Window]
interface HTMLElement : Element {
};
HTMLElement includes GlobalEventHandlers;

[Exposed=Window]
interface HTMLMetaElement : HTMLElement {
  attribute DOMString name;
  attribute DOMString httpEquiv;
  attribute DOMString content;
};

[Exposed=Window]
interface HTMLScriptElement : HTMLElement {
  attribute DOMString type;
  attribute USVString src;
  attribute boolean async;
  attribute DOMString text;
};

[Exposed=Window]
interface CharacterData : Node {
  attribute DOMString data;
  readonly attribute unsigned long length;
};

[Exposed=Window]
interface Text : CharacterData {
  constructor(optional DOMString data = "");
};

partial interface Window {
  [LegacyUnforgeable] readonly attribute Document document;
};
