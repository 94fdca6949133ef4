//! Cross-document and channel messaging: message events, and ports across realms.

mod entangled;
mod message_channel;
mod message_event;
mod message_port;

pub use message_channel::MessageChannel;
pub use message_event::{Message, MessageEvent};
pub use message_port::MessagePort;
