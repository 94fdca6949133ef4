//! Encoding: text as bytes, and bytes as text.

mod text_decoder;
mod text_encoder;

pub use text_decoder::TextDecoder;
pub use text_encoder::TextEncoder;
