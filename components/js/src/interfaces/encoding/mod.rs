//! Encoding: text as bytes, and bytes as text.

mod text_decoder;
mod text_decoder_stream;
mod text_encoder;
mod text_encoder_stream;

pub use text_decoder::TextDecoder;
pub use text_decoder_stream::TextDecoderStream;
pub use text_encoder::TextEncoder;
pub use text_encoder_stream::TextEncoderStream;
