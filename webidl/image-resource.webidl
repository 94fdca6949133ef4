// What shows an image.
// https://w3c.github.io/image-resource/

dictionary ImageResource {
  required USVString src;
  DOMString sizes;
  DOMString type;
  DOMString label;
};
